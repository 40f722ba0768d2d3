"""Scorers against the metrics they stand for, on codes that are given, not learned."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skhash.base import BaseHasher
from skhash.metrics import (
    average_cumulative_gain_score,
    hierarchical_average_precision_score,
    hierarchical_precision_score,
    hit_rate_score,
    mean_average_hierarchical_precision_score,
    mean_average_precision_at_r_score,
    mean_average_precision_score,
    mean_reciprocal_rank_score,
    ndcg_score,
    precision_at_k_score,
    r_precision_score,
    recall_at_k_score,
    weighted_average_precision_score,
)
from skhash.metrics._scorer import (
    MultiRetrievalScorer,
    RetrievalScorer,
    get_scorer,
)
from skhash.metrics._scorer_names import get_scorer_names
from skhash.model_selection import RetrievalSplit
from skhash.similarity import LabelSimilarity, MultilabelSimilarity, PrecomputedSimilarity

NAMES = np.array(["ant", "bee", "cat", "dog"])
TARGET = PrecomputedSimilarity(
    [[1, 0.7, 0.2, 0.1], [0.7, 1, 0.1, 0.1], [0.2, 0.1, 1, 0.5], [0.1, 0.1, 0.5, 1]], NAMES
)


class Given(BaseHasher):
    """Takes the first columns of X for the codes; counts what is encoded."""

    def __init__(self, similarity=None, n_bits=5, store_codes=True):
        self.similarity = similarity
        self.n_bits = n_bits
        self.store_codes = store_codes

    def fit(self, X, y):
        X = self._validate(X, reset=True)
        self.classes_ = np.unique(y)
        self.similarity_ = self.similarity
        self.n_bits_ = self.n_bits
        self._keep_training_codes(X, y)
        self.n_transformed = 0
        return self

    def transform(self, X):
        self.n_transformed += 1
        return super().transform(X)

    def _bit_values(self, X, dtype):
        return X[:, : self.n_bits].astype(dtype) - dtype(0.5)


@pytest.fixture
def fold():
    random = np.random.RandomState(0)
    codes = random.randint(2, size=(24, 5)).astype(np.uint8)
    return codes, random.permutation(np.repeat(NAMES, 6))


@pytest.fixture
def trained(fold):
    """Fitted on ants and bees."""
    random = np.random.RandomState(1)
    return Given(TARGET).fit(random.randint(2, size=(14, 5)), np.repeat(NAMES[:2], 7))


@pytest.mark.parametrize(
    ("name", "metric", "options"),
    [
        ("precision@3", precision_at_k_score, {"k": 3}),
        ("recall@3", recall_at_k_score, {"k": 3}),
        ("map", mean_average_precision_score, {}),
        ("map@7", mean_average_precision_score, {"k": 7}),
        ("map@7:min", mean_average_precision_score, {"k": 7, "normalizer": "min"}),
        ("map@7:hits", mean_average_precision_score, {"k": 7, "normalizer": "hits"}),
        ("ndcg", ndcg_score, {"similarity": TARGET}),
        ("ndcg@9", ndcg_score, {"similarity": TARGET, "k": 9}),
        ("ndcg@9:shared", ndcg_score, {"k": 9}),
        ("ndcg:shared", ndcg_score, {}),
        ("acg@4", average_cumulative_gain_score, {"k": 4}),
        ("wap", weighted_average_precision_score, {}),
        ("wap@4:min", weighted_average_precision_score, {"k": 4, "normalizer": "min"}),
        ("hit_rate@2", hit_rate_score, {"k": 2}),
        ("mrr", mean_reciprocal_rank_score, {}),
        ("mrr@3", mean_reciprocal_rank_score, {"k": 3}),
        ("r_precision", r_precision_score, {}),
        ("map@r", mean_average_precision_at_r_score, {}),
        ("hap", hierarchical_average_precision_score, {"similarity": TARGET}),
        ("hp@9", hierarchical_precision_score, {"similarity": TARGET, "k": 9}),
        ("mahp@9", mean_average_hierarchical_precision_score, {"similarity": TARGET, "k": 9}),
        (
            "mahp@9:trapezoid",
            mean_average_hierarchical_precision_score,
            {"similarity": TARGET, "k": 9, "average": "trapezoid"},
        ),
    ],
)
@pytest.mark.parametrize("ties", ["expected", "optimistic", "pessimistic"])
def test_names_stand_for_metrics(trained, fold, name, metric, options, ties):
    codes, y = fold
    expected = metric(codes, y, exclude_self=True, ties=ties, **options)
    assert get_scorer(name, ties=ties)(trained, codes, y) == pytest.approx(expected, abs=1e-15)


def test_every_listed_name_is_known():
    names = get_scorer_names()
    assert names == sorted(set(names))
    assert [get_scorer(name.replace("@k", "@5")).name for name in names] == [
        name.replace("@k", "@5") for name in names
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mapp@5", "unknown score 'mapp@5'; known are acg@k, hap, hit_rate@k, hp@k"),
        ("map@0", "unknown score 'map@0'"),
        ("MAP@5", "unknown score"),
        ("map@5 ", "unknown score"),
        (5, "unknown score 5"),
        ("mahp", "score 'mahp' needs a cut-off, such as 'mahp@100'"),
        ("map:min", "score 'map:min' needs a cut-off"),
        ("hap@5", "score 'hap@5' has no cut-off: say 'hap'"),
        ("map@r@5", "score 'map@r@5' has no cut-off: say 'map@r'"),
        ("ndcg:similarity", "score 'ndcg:similarity' needs a cut-off"),
        ("map@5:best", "unknown variant 'best'; known are 'total', 'min', 'hits'"),
        ("hp@5:mean", "unknown variant 'mean'; known are none"),
    ],
)
def test_bad_names(trained, fold, name, message):
    with pytest.raises(ValueError, match=message):
        RetrievalScorer(name)(trained, *fold)


def test_leave_one_out_is_removal(trained, fold):
    codes, y = fold
    expected = np.mean(
        [
            mean_average_hierarchical_precision_score(
                codes[[i]],
                y[[i]],
                np.delete(codes, i, axis=0),
                np.delete(y, i),
                similarity=TARGET,
                k=8,
            )
            for i in range(len(y))
        ]
    )
    assert get_scorer("mahp@8")(trained, codes, y) == pytest.approx(expected, abs=1e-14)


def test_order_of_the_fold_does_not_matter(trained, fold):
    codes, y = fold
    order = np.argsort(y)
    scorer = get_scorer("mahp@8", queries="seen")
    assert scorer(trained, codes[order], y[order]) == pytest.approx(
        scorer(trained, codes, y), abs=1e-14
    )


@pytest.mark.parametrize("queries", ["seen", "unseen"])
def test_queries_by_classes_seen(trained, fold, queries):
    codes, y = fold
    is_query = np.isin(y, trained.classes_) == (queries == "seen")
    rows = np.flatnonzero(is_query)
    options = {"similarity": TARGET, "k": 8}
    expected = mean_average_hierarchical_precision_score(
        codes[rows], y[rows], codes, y, exclude_self=rows, **options
    )
    assert get_scorer("mahp@8", queries=queries)(trained, codes, y) == expected
    expected = mean_average_hierarchical_precision_score(
        codes[rows], y[rows], exclude_self=True, **options
    )
    among = get_scorer("mahp@8", queries=queries, database="queries")
    assert among(trained, codes, y) == expected
    expected = mean_average_hierarchical_precision_score(
        codes[rows], y[rows], codes[~is_query], y[~is_query], **options
    )
    rest = get_scorer("mahp@8", queries=queries, database="rest")
    assert rest(trained, codes, y) == expected


def test_seen_and_unseen_make_all(trained, fold):
    # half of the rows are of seen classes, so the score of all is the mean of both
    seen, unseen, both = (
        get_scorer("mahp@8", queries=queries)(trained, *fold)
        for queries in ("seen", "unseen", "all")
    )
    assert (seen + unseen) / 2 == pytest.approx(both, abs=1e-15)
    assert seen != unseen


@pytest.mark.parametrize("convert", [str, int, float])
def test_seen_classes_of_any_type(fold, convert):
    codes, _ = fold
    y = np.array([convert(c) for c in np.repeat([10, 20, 30, 40], 6)])
    hasher = Given(LabelSimilarity()).fit(codes[:12], y[:12])
    rows = np.arange(12, 24)
    expected = mean_average_precision_score(codes[rows], y[rows], codes, y, exclude_self=rows)
    assert get_scorer("map", queries="unseen")(hasher, codes, y.tolist()) == expected


def test_first_rows_of_each_class_query_the_rest(trained, fold):
    codes, y = fold
    splitter = RetrievalSplit(n_splits=1, n_queries_per_class=2, random_state=0)
    roles = next(splitter.split_roles(codes, y))
    _, test = next(splitter.split(codes, y))
    expected = mean_average_precision_score(
        codes[roles.query], y[roles.query], codes[roles.database], y[roles.database]
    )
    scorer = get_scorer("map", queries=2, database="rest")
    assert scorer(trained, codes[test], y[test]) == expected


def rows_with_codes(codes, seed):
    """Rows that are all different, and begin with the codes."""
    return np.column_stack([codes, np.random.RandomState(seed).normal(size=(len(codes), 3))])


@pytest.fixture
def trained_on_rows():
    """Fitted on 20 ants and bees: the hasher, its rows and their labels."""
    X = rows_with_codes(np.random.RandomState(1).randint(2, size=(20, 5)), 0)
    y = np.repeat(NAMES[:2], 10)
    return Given(TARGET).fit(X, y), X, y


def test_training_codes_as_database(trained_on_rows, fold):
    hasher, X, y = trained_on_rows
    codes, labels = fold
    expected = mean_average_precision_score(codes, labels, X[:, :5], y, no_relevant="skip")
    scorer = get_scorer("map", database="train", no_relevant="skip")
    score = scorer(make_pipeline(FunctionTransformer(), hasher), rows_with_codes(codes, 1), labels)
    assert score == expected


@pytest.mark.parametrize("rows", [np.arange(20), np.arange(20)[::-1], [3, 15, 7, 12], [5, 5, 18]])
def test_training_rows_do_not_find_themselves(trained_on_rows, rows):
    hasher, X, y = trained_on_rows
    codes = X[:, :5]
    expected = mean_average_precision_score(codes[rows], y[rows], codes, y, exclude_self=rows)
    scorer = get_scorer("map", database="train")
    assert scorer(hasher, X[rows], y[rows]) == expected
    assert scorer(hasher, X[rows], y[rows]) != mean_average_precision_score(
        codes[rows], y[rows], codes, y
    )
    scaled = make_pipeline(StandardScaler(), Given(TARGET)).fit(X, y)
    scaled[-1].training_codes_ = hasher.training_codes_
    codes_of_rows = scaled.transform(X[rows])
    expected = mean_average_precision_score(codes_of_rows, y[rows], codes, y, exclude_self=rows)
    assert scorer(scaled, X[rows], y[rows]) == expected
    with pytest.raises(ValueError, match=r"'map@20' needs k=20 items to rank, but .* has 19"):
        get_scorer("map@20", database="train")(hasher, X[rows], y[rows])


def test_new_rows_like_the_training_set_are_new(trained_on_rows):
    # as many rows, the same codes, the same order of labels
    hasher, X, y = trained_on_rows
    codes = X[:, :5]
    scorer = get_scorer("map", database="train")
    assert scorer(hasher, rows_with_codes(codes, 1), y) == mean_average_precision_score(
        codes, y, codes, y
    )


def test_some_training_rows_among_new_ones(trained_on_rows):
    hasher, X, y = trained_on_rows
    codes = X[:, :5]
    mixed = np.concatenate([X[:7], rows_with_codes(codes[7:], 1)])
    own = np.where(np.arange(20) < 7, np.arange(20), -1)
    with pytest.warns(UserWarning, match="7 of 20 rows of the fold equal rows that Given was tr"):
        score = get_scorer("map", database="train")(hasher, mixed, y)
    assert score == mean_average_precision_score(codes, y, codes, y, exclude_self=own)


def test_equal_rows_of_two_classes(trained_on_rows):
    _, X, y = trained_on_rows
    X = X.copy()
    X[10:] = X[:10]
    hasher = Given(TARGET).fit(X, y)
    score = get_scorer("map", database="train")(hasher, X[::-1], y[::-1])
    assert score == pytest.approx(mean_average_precision_score(X[:, :5], y, exclude_self=True))


def test_database_of_training_codes_needs_them(fold):
    scorer = get_scorer("map", database="train")
    with pytest.raises(ValueError, match=r"FunctionTransformer has not kept: .*store_codes=True"):
        scorer(FunctionTransformer(), *fold)
    with pytest.raises(ValueError, match="database='train' needs metric='hamming'"):
        get_scorer("map", database="train", metric="cosine")


def test_similarity_is_that_of_the_last_step_or_of_the_best(trained, fold):
    class Search:
        def __init__(self, estimator):
            self.best_estimator_ = estimator
            self.transform = estimator.transform

    scorer = get_scorer("mahp@8", queries="unseen")
    expected = scorer(trained, *fold)
    assert scorer(make_pipeline(FunctionTransformer(), trained), *fold) == expected
    assert scorer(Search(make_pipeline(FunctionTransformer(), trained)), *fold) == expected
    other = get_scorer("mahp@8", queries="unseen", similarity=LabelSimilarity())
    assert other(trained, *fold) != expected
    auto = get_scorer("mahp@8", queries="unseen", similarity="auto")
    assert auto(trained, *fold) == other(trained, *fold)


def test_relevance_by_threshold(trained, fold):
    codes, y = fold
    expected = mean_average_precision_score(
        codes, y, exclude_self=True, similarity=TARGET, threshold=0.5
    )
    assert get_scorer("map", threshold=0.5)(trained, codes, y) == expected


def test_real_vectors(fold):
    codes, y = fold
    X = np.random.RandomState(0).normal(size=codes.shape)
    for metric in ("cosine", "euclidean"):
        expected = mean_average_precision_score(X, y, exclude_self=True, metric=metric)
        assert get_scorer("map", metric=metric)(FunctionTransformer(), X, y) == expected
    with pytest.raises(ValueError, match=r"FunctionTransformer.transform\(X\) must hold only 0 "):
        get_scorer("map")(FunctionTransformer(), X, y)
    with pytest.raises(ValueError, match="give the scorer metric='cosine' or 'euclidean'"):
        get_scorer("map")(FunctionTransformer(), X, y)


def test_multilabel(fold):
    codes, _ = fold
    y = np.random.RandomState(2).randint(2, size=(len(codes), 4))
    y[:, 0] = 1
    scorer = get_scorer("ndcg@5", similarity="auto")
    expected = ndcg_score(codes, y, exclude_self=True, similarity=MultilabelSimilarity(), k=5)
    assert scorer(FunctionTransformer(), codes, y) == expected
    with pytest.raises(ValueError, match="queries='unseen' needs class labels, got multilabel"):
        get_scorer("map", queries="unseen")(Given().fit(codes, np.arange(24)), codes, y)


def test_multi_encodes_once(trained, fold):
    scorers = {
        "near": get_scorer("mahp@3"),
        "far": get_scorer("mahp@8"),
        "unseen": get_scorer("mahp@8", queries="unseen"),
        "classes": "map",
        "again": "map",
        "worst": get_scorer("map", ties="pessimistic"),
        "cosine": get_scorer("map", metric="cosine"),
    }
    codes, y = fold
    codes = codes.astype(float)
    scores = MultiRetrievalScorer(scorers)(trained, codes, y)
    assert trained.n_transformed == 1
    assert list(scores) == list(scorers)
    for key, scorer in scorers.items():
        single = get_scorer(scorer) if isinstance(scorer, str) else scorer
        assert scores[key] == pytest.approx(single(trained, codes, y), abs=1e-15), key


def test_several_names():
    scorer = get_scorer(["map", "mahp@8"], similarity=TARGET)
    assert {key: one.name for key, one in scorer.scorers.items()} == {
        "map": "map",
        "mahp@8": "mahp@8",
    }
    assert all(one.similarity is TARGET for one in scorer.scorers.values())
    assert list(get_scorer({"a": "map"}).scorers) == ["a"]


@pytest.mark.parametrize("scorers", [[], {}, "map", 3])
def test_multi_needs_scorers(trained, fold, scorers):
    with pytest.raises(ValueError, match="scorers must be a dict or a list of names"):
        MultiRetrievalScorer(scorers)(trained, *fold)


def test_multi_needs_retrieval_scorers(trained, fold):
    with pytest.raises(TypeError, match="scorer 'a' must be a RetrievalScorer or a name, got"):
        MultiRetrievalScorer({"a": len})(trained, *fold)


def test_cut_off_beyond_the_fold_is_refused_before_encoding(trained, fold):
    with pytest.raises(ValueError, match=r"'mahp@24' needs k=24 .* has 23 \(fold of 24 rows"):
        get_scorer("mahp@24")(trained, *fold)
    with pytest.raises(ValueError, match=r"'map@12' needs k=12 .* has 11 .*database='queries'"):
        get_scorer("map@12", queries="unseen", database="queries")(trained, *fold)
    X = fold[0] + 0.1
    with pytest.raises(ValueError, match=r"'map@15' needs k=15 .* has 14 .*database='train'"):
        get_scorer("map@15", database="train")(trained, X, fold[1])
    assert trained.n_transformed == 0
    assert 0 < get_scorer("mahp@23")(trained, *fold) < 1


def test_class_with_one_row_in_the_fold(trained, fold):
    codes, y = fold
    rows = np.append(np.flatnonzero(y != "dog"), np.flatnonzero(y == "dog")[0])
    codes, y = codes[rows], y[rows]
    with pytest.warns(UndefinedMetricWarning, match="1 of 19 queries have nothing relevant"):
        score = get_scorer("map")(trained, codes, y)
    assert 0 < score < 1
    assert get_scorer("map", no_relevant="skip")(trained, codes, y) == score
    assert get_scorer("map", no_relevant="zero")(trained, codes, y) == pytest.approx(
        score * 18 / 19
    )
    with pytest.raises(ValueError, match="1 of 19 queries have nothing relevant"):
        get_scorer("map", no_relevant="raise")(trained, codes, y)


def test_no_query_with_a_match_is_no_quiet_nan(trained, fold):
    codes, _ = fold
    with pytest.raises(ValueError, match="24 of 24 queries have nothing relevant"):
        get_scorer("map")(trained, codes, np.arange(24))


@pytest.mark.parametrize(
    ("estimator", "scorer", "message"),
    [
        (FunctionTransformer(), get_scorer("mahp@3"), "FunctionTransformer has no similarity_"),
        (
            FunctionTransformer(),
            get_scorer("map", queries="unseen"),
            r"classes_ .* FunctionTransformer does not keep.*UnseenClassSplit\(seen_size=0\)",
        ),
        (FunctionTransformer(), get_scorer("map", queries=7), None),
        (
            FunctionTransformer(),
            get_scorer("map", queries=7, database="rest"),
            "database='rest' is empty: all 24 rows of the fold are queries",
        ),
    ],
)
def test_what_the_estimator_must_have(fold, estimator, scorer, message):
    if message is None:
        assert scorer(estimator, *fold) == get_scorer("map")(estimator, *fold)
        return
    with pytest.raises(ValueError, match=message):
        scorer(estimator, *fold)


def test_no_row_of_such_classes(trained, fold):
    codes, y = fold
    seen = np.isin(y, trained.classes_)
    with pytest.raises(ValueError, match="no such rows, all of the 2 classes of the fold were s"):
        get_scorer("map", queries="unseen")(trained, codes[seen], y[seen])
    with pytest.raises(ValueError, match="no such rows, none of the 2 classes of the fold were s"):
        get_scorer("map", queries="seen")(trained, codes[~seen], y[~seen])


def test_not_a_transformer_and_no_labels(trained, fold):
    codes, y = fold
    with pytest.raises(TypeError, match="LogisticRegression lacks"):
        get_scorer("map")(LogisticRegression(), codes, y)
    with pytest.raises(ValueError, match="needs y"):
        get_scorer("map")(trained, codes)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"queries": "new"}, ValueError, "queries must be one of 'all', 'seen', 'unseen', "),
        ({"queries": 0}, ValueError, "queries must be at least 1 of each class, got 0"),
        ({"queries": True}, ValueError, "queries must be one of"),
        ({"database": "all"}, ValueError, "database must be one of"),
        ({"ties": "random"}, ValueError, "ties must be one of"),
        ({"metric": "precomputed"}, ValueError, "metric must be one of"),
        ({"no_relevant": "nan"}, ValueError, "no_relevant must be one of"),
        ({"similarity": np.eye(3)}, TypeError, "similarity must be 'auto' or a callable"),
        ({"similarity": "lcs"}, TypeError, "similarity must be 'auto' or a callable"),
    ],
)
def test_bad_options(trained, fold, options, error, message):
    with pytest.raises(error, match=message):
        get_scorer("map", **options)
    with pytest.raises(error, match=message):
        RetrievalScorer("map", **options)(trained, *fold)


def test_objects_not_closures(trained, fold):
    multi = get_scorer({"a": "mahp@8", "b": "map"}, similarity=TARGET, queries="unseen")
    for scorer in (multi, multi.scorers["a"]):
        expected = scorer(trained, *fold)
        assert pickle.loads(pickle.dumps(scorer))(trained, *fold) == expected
        assert clone(scorer)(trained, *fold) == expected
    single = RetrievalScorer("mahp@8", queries="unseen")
    assert repr(single) == "RetrievalScorer(name='mahp@8', queries='unseen')"
    assert eval(repr(single))(trained, *fold) == single(trained, *fold)
    assert single.set_params(name="mahp@3").name == "mahp@3"
