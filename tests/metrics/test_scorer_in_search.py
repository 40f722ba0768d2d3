"""Scorers and splitters inside scikit-learn's cross-validation and searches, on real features."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash.datasets import load_cifar100_features
from skhash.hashers._pca import PCAHasher
from skhash.hashers._semantic import SemanticHasher
from skhash.metrics import mean_average_hierarchical_precision_score, mean_average_precision_score
from skhash.metrics._scorer import (
    MultiRetrievalScorer,
    get_scorer,
)
from skhash.model_selection import RetrievalSplit, UnseenClassSplit
from skhash.similarity import TaxonomySimilarity

TARGET = TaxonomySimilarity("cifar100")


class Supervised(TransformerMixin, BaseEstimator):
    """Codes of the classes nearest in training: one bit each. Quick, and knows its classes."""

    def __init__(self, bias=0.0):
        self.bias = bias

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means_ = np.array([X[y == name].mean(axis=0) for name in self.classes_])
        self.similarity_ = TARGET
        return self

    def transform(self, X):
        values = X @ self.means_.T
        return (values > values.mean() + self.bias).astype(np.uint8)


@pytest.fixture(scope="module")
def cifar():
    data = load_cifar100_features()
    rows = np.flatnonzero(data.target < 12)[:600]
    return data.data[rows, :32], data.target_names[data.target[rows]]


def test_cross_val_score_is_the_metric_on_each_fold(cifar):
    X, y = cifar
    pipeline = make_pipeline(StandardScaler(), PCAHasher(n_bits=12))
    scorer = get_scorer("mahp@60", similarity=TARGET)
    cv = StratifiedKFold(3)
    scores = cross_val_score(pipeline, X, y, cv=cv, scoring=scorer)
    for score, (train, test) in zip(scores, cv.split(X, y), strict=True):
        codes = clone(pipeline).fit(X[train]).transform(X[test])
        expected = mean_average_hierarchical_precision_score(
            codes, y[test], similarity=TARGET, k=60, exclude_self=True
        )
        assert score == pytest.approx(expected, abs=1e-12)


def test_real_vectors_are_scored_too(cifar):
    X, y = cifar
    scorer = get_scorer("mahp@60", similarity=TARGET, metric="cosine")
    few, many = (
        cross_val_score(PCA(n, random_state=0), X, y, cv=3, scoring=scorer).mean() for n in (2, 30)
    )
    assert 0.3 < few < many - 0.05


def test_unseen_classes_in_a_pipeline(cifar):
    X, y = cifar
    cv = UnseenClassSplit(3, random_state=0)
    pipeline = make_pipeline(StandardScaler(), Supervised())
    scorer = get_scorer("mahp@40", queries="unseen")
    scores = cross_val_score(pipeline, X, y, cv=cv, scoring=scorer, error_score="raise")
    for score, (train, seen, unseen) in zip(scores, cv.split_roles(X, y), strict=True):
        test = np.concatenate([unseen, seen])
        codes = clone(pipeline).fit(X[train], y[train]).transform(X[test])
        own = np.arange(len(unseen))
        expected = mean_average_hierarchical_precision_score(
            codes[own], y[unseen], codes, y[test], similarity=TARGET, k=40, exclude_self=own
        )
        assert score == pytest.approx(expected, abs=1e-12)


def test_retrieval_split_in_cross_validation(cifar):
    X, y = cifar
    cv = RetrievalSplit(2, n_queries_per_class=5, n_train_per_class=10, random_state=0)
    scorer = get_scorer("map", queries=5, database="rest")
    scores = cross_val_score(PCAHasher(12), X, y, cv=cv, scoring=scorer, error_score="raise")
    every = cross_val_score(PCAHasher(12), X, y, cv=cv, scoring=get_scorer("map"))
    assert np.all(scores > 0.15)
    assert np.all(scores != every)


def test_grid_search_in_two_processes(cifar):
    X, y = cifar
    pipeline = make_pipeline(StandardScaler(), PCAHasher())
    scorer = get_scorer({"far": "mahp@60", "near": "precision@3"}, similarity=TARGET)
    grid = {"pcahasher__n_bits": [2, 8, 16]}
    searches = [
        GridSearchCV(pipeline, grid, cv=3, scoring=scorer, refit="near", n_jobs=n_jobs).fit(X, y)
        for n_jobs in (1, 2)
    ]
    one, two = (search.cv_results_ for search in searches)
    for key in ("mean_test_far", "mean_test_near"):
        assert np.array_equal(one[key], two[key])
    # more components tell the nearest items better, and blur what is far away
    assert one["rank_test_far"].tolist() == [3, 1, 2]
    assert one["rank_test_near"].tolist() == [3, 2, 1]
    assert searches[1].best_params_ == {"pcahasher__n_bits": 16}
    assert searches[1].best_estimator_.transform(X[:2]).shape == (2, 16)


def test_multi_metric_on_seen_and_unseen(cifar):
    X, y = cifar
    scorer = {
        f"{queries}@all": get_scorer("mahp@40", queries=queries) for queries in ("seen", "unseen")
    }
    cv = UnseenClassSplit(3, unseen_size=0.2, random_state=0)
    separate = cross_validate(Supervised(), X, y, cv=cv, scoring=scorer)
    together = cross_validate(Supervised(), X, y, cv=cv, scoring=MultiRetrievalScorer(scorer))
    for key in scorer:
        assert np.allclose(separate[f"test_{key}"], together[f"test_{key}"], atol=1e-14)
    assert together["test_seen@all"].mean() > together["test_unseen@all"].mean() + 0.01


def test_search_over_the_similarity_measure(cifar):
    X, y = cifar
    hasher = SemanticHasher(
        8, similarity=TaxonomySimilarity("cifar100"), network="linear", max_iter=2, random_state=0
    )
    search = GridSearchCV(
        make_pipeline(StandardScaler(), hasher),
        {"semantichasher__similarity__measure": ["lcs_height", "wu_palmer"]},
        cv=UnseenClassSplit(2, random_state=0),
        scoring=get_scorer("mahp@40", similarity=TARGET, queries="unseen"),
        error_score="raise",
    ).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    # the best pipeline is scored as the search is
    nested = get_scorer("mahp@40")
    assert nested(search, X, y) == nested(search.best_estimator_, X, y)


def test_halving_search(cifar):
    X, y = cifar
    search = HalvingGridSearchCV(
        PCAHasher(),
        {"n_bits": [1, 4, 16]},
        cv=UnseenClassSplit(2, seen_size=0, random_state=0),
        scoring=get_scorer("mahp@30", similarity=TARGET),
        min_resources=200,
        factor=3,
        random_state=0,
        error_score="raise",
    ).fit(X, y)
    assert search.n_resources_ == [200, 600]
    assert search.best_params_ == {"n_bits": 16}


@pytest.mark.filterwarnings("ignore:Scoring failed", "ignore:One or more of the")
def test_halving_search_with_small_first_folds(cifar):
    # the first round has 600 // 9 rows, and no fold of it holds what the cut-off asks for
    X, y = cifar
    options = {"cv": 2, "scoring": get_scorer("mahp@60", similarity=TARGET), "random_state": 0}
    grid = {"n_bits": [16, *range(1, 10)]}
    small = HalvingGridSearchCV(PCAHasher(), grid, **options).fit(X, y)
    of_round = small.cv_results_["mean_test_score"][small.cv_results_["iter"] == 0]
    assert small.n_resources_[0] < 120
    assert np.isnan(of_round).all()
    enough = HalvingGridSearchCV(PCAHasher(), grid, min_resources=200, **options).fit(X, y)
    assert np.isfinite(enough.cv_results_["mean_test_score"]).all()


def test_cut_off_beyond_the_fold_becomes_the_error_score(cifar):
    X, y = cifar
    scorer = get_scorer("mahp@200", similarity=TARGET)
    with pytest.warns(UserWarning, match=r"'mahp@200' needs k=200 items .* a query has 199"):
        scores = cross_val_score(PCAHasher(8), X, y, cv=3, scoring=scorer)
    assert np.isnan(scores).all()
    with pytest.raises(ValueError, match="has 199"):
        cross_val_score(PCAHasher(8), X, y, cv=3, scoring=scorer, error_score="raise")


def test_metadata_routing(cifar):
    X, y = cifar
    cv = UnseenClassSplit(2, random_state=0)
    plain = get_scorer("mahp@40", queries="unseen")
    multi = get_scorer({"a": "mahp@40", "b": "map"}, queries="unseen")
    expected = cross_val_score(Supervised(), X, y, cv=cv, scoring=plain)
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(Supervised(), X, y, cv=cv, scoring=plain)
        search = GridSearchCV(
            make_pipeline(StandardScaler(with_std=False), Supervised()),
            {"supervised__bias": [0.0, 0.1]},
            cv=cv,
            scoring=multi,
            refit="a",
            error_score="raise",
        ).fit(X, y)
        nested = cross_val_score(search, X, y, cv=2, scoring=get_scorer("map"))
    assert np.array_equal(scores, expected)
    assert set(search.cv_results_) >= {"mean_test_a", "mean_test_b"}
    assert np.all(nested > 0)


def unequal_folds(n_rows):
    """A fold of 200 rows and one of 40."""
    return [(np.arange(200, n_rows), np.arange(200)), (np.arange(200), np.arange(200, 240))]


@pytest.mark.filterwarnings("ignore:Scoring failed", "ignore:One or more of the")
def test_a_score_that_fails_on_a_fold_leaves_the_others(cifar):
    X, y = cifar
    y = y.copy()
    # nothing in the small fold has a match
    y[200:240] = np.arange(40).astype(str)
    scorer = get_scorer({"far": "mahp@60", "all": "mahp@200", "map": "map"}, similarity="auto")
    options = {"cv": unequal_folds(len(X)), "refit": False}
    with pytest.warns(UserWarning, match="score 'far' .* will be set to nan") as record:
        search = GridSearchCV(PCAHasher(), {"n_bits": [2, 8]}, scoring=scorer, **options).fit(X, y)
    of_folds = {
        name: np.array([search.cv_results_[f"split{fold}_test_{name}"] for fold in (0, 1)])
        for name in scorer.scorers
    }
    assert np.isnan(of_folds["all"]).all()
    assert np.isnan(of_folds["far"][1]).all()
    assert np.isnan(of_folds["map"][1]).all()
    for name, short in {"far": "mahp@60", "map": "map"}.items():
        alone = get_scorer(short, similarity="auto")
        for place, n_bits in enumerate((2, 8)):
            hasher = PCAHasher(n_bits).fit(X[200:])
            assert of_folds[name][0][place] == pytest.approx(alone(hasher, X[:200], y[:200]))
    messages = [str(warning.message) for warning in record]
    assert any("'mahp@200' needs k=200 items to rank, but a query has 199" in m for m in messages)
    assert any("40 of 40 queries have nothing relevant" in m for m in messages)


def test_failing_scores_raise_on_request(cifar):
    X, y = cifar
    hasher = PCAHasher(4).fit(X)
    names = ["map", "mahp@600"]
    with pytest.raises(ValueError, match="a query has 599"):
        MultiRetrievalScorer(names, error_score="raise")(hasher, X, y)
    with pytest.warns(UserWarning, match="score 'mahp@600' .* will be set to -1"):
        scores = MultiRetrievalScorer(names, error_score=-1)(hasher, X, y)
    assert scores == {"map": get_scorer("map")(hasher, X, y), "mahp@600": -1}
    with pytest.raises(ValueError, match="error_score must be one of 'raise', 'a number', got 'n'"):
        MultiRetrievalScorer(names, error_score="n")(hasher, X, y)


def test_an_estimator_that_cannot_encode_a_fold(cifar):
    X, y = cifar

    class Shy(Supervised):
        def transform(self, X):
            if len(X) == 40:
                raise RuntimeError("too few")
            return super().transform(X)

    scorer = get_scorer({"a": "map", "b": "precision@5"})
    with pytest.warns(UserWarning, match="RuntimeError: too few"):
        scores = cross_validate(Shy(), X, y, cv=unequal_folds(len(X)), scoring=scorer)
    for key in "ab":
        assert np.isnan(scores[f"test_{key}"]).tolist() == [False, True]


def test_scores_on_the_training_rows(cifar):
    X, y = cifar
    hasher = PCAHasher(6, store_codes=True)
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    results = cross_validate(
        make_pipeline(StandardScaler(), hasher),
        X,
        y,
        cv=cv,
        scoring=get_scorer("map", database="train"),
        return_train_score=True,
        return_estimator=True,
    )
    folds = zip(results["estimator"], results["train_score"], results["test_score"], cv.split(X, y))
    for fitted, on_train, on_test, (train, test) in folds:
        codes, new = fitted.transform(X[train]), fitted.transform(X[test])
        expected = mean_average_precision_score(codes, y[train], exclude_self=True)
        assert on_train == pytest.approx(expected, abs=1e-14)
        expected = mean_average_precision_score(new, y[test], codes, y[train])
        assert on_test == pytest.approx(expected, abs=1e-14)
