import re
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash.datasets import load_cifar100_features
from skhash.hashers._class_code import ClassCodeHasher
from skhash.hashers._pca import PCAHasher
from skhash.metrics import mean_average_hierarchical_precision_score, mean_average_precision_score
from skhash.model_selection import (
    RetrievalEvaluation,
    UnseenClassSplit,
    retrieval_evaluate,
)
from skhash.neighbors import pack_codes
from skhash.similarity import LabelSimilarity, TaxonomySimilarity

TARGET = TaxonomySimilarity("cifar100")
SPLITTER = UnseenClassSplit(2, n_unseen=3, seen_size=0.3, unseen_size=0.3, random_state=0)
PROTOCOLS = [
    ("all classes trained", "train database"),
    ("all classes trained", "leave-one-out"),
    ("unseen classes held out", "unseen@all"),
    ("unseen classes held out", "seen@all"),
    ("unseen classes held out", "unseen@unseen"),
]


class RandomHasher(TransformerMixin, BaseEstimator):
    """Codes that know nothing of X."""

    def fit(self, X, y):
        return self

    def transform(self, X):
        return np.random.RandomState(0).randint(2, size=(len(X), 64))


class Recorder(TransformerMixin, BaseEstimator):
    """Keeps the rows that it was fitted on and that it encoded; X holds row numbers."""

    calls: list = []  # noqa: RUF012

    def fit(self, X, y):
        self.calls.append((set(X[:, 0]), set()))
        return self

    def transform(self, X):
        self.calls[-1][1].update(X[:, 0])
        return X % 2


@pytest.fixture(scope="module")
def cifar():
    data = load_cifar100_features()
    rows = np.flatnonzero(data.target < 10)[:500]
    return data.data[rows, :24], data.target_names[data.target[rows]]


@pytest.fixture(scope="module")
def evaluation(cifar):
    X, y = cifar
    hashers = {
        "PCA, 12 bits": make_pipeline(StandardScaler(), PCAHasher(12)),
        "nothing": RandomHasher(),
        "components": PCA(8, random_state=0),
    }
    return retrieval_evaluate(
        hashers, X, y, similarity=TARGET, k=(5, 30), splitter=SPLITTER, random_state=0
    )


def test_rows_and_columns(evaluation):
    assert isinstance(evaluation, RetrievalEvaluation)
    assert evaluation.rows == [
        "random codes",
        "one code per class",
        "features, cosine",
        "PCA, 12 bits",
        "nothing",
        "components",
    ]
    assert evaluation.columns == [(*protocol, k) for protocol in PROTOCOLS for k in (5, 30)]
    assert evaluation.bits.tolist() == [0, 64, 24 * 32, 12, 64, 8 * 32]
    assert evaluation.split_scores.shape == (6, 10, 2)
    assert np.array_equal(evaluation.scores, evaluation.split_scores.mean(axis=2))
    assert evaluation.conditions["classes"] == 10
    assert evaluation.conditions["unseen"] == 3


def score(query, database, y, *, k, own=False):
    (query_codes, query_rows), (codes, rows) = query, database
    return mean_average_hierarchical_precision_score(
        query_codes, y[query_rows], codes, y[rows], similarity=TARGET, k=k, exclude_self=own
    )


@pytest.mark.parametrize("k", [5, 30])
def test_scores_are_those_of_the_protocols(cifar, evaluation, k):
    X, y = cifar
    row = evaluation.rows.index("PCA, 12 bits")
    columns = [i for i, column in enumerate(evaluation.columns) if column.k == k]
    for number, (train, seen, unseen) in enumerate(SPLITTER.split_roles(X, y)):
        test = np.concatenate([unseen, seen])
        n_unseen, every = len(unseen), np.arange(len(test))
        rest = np.setdiff1d(np.arange(len(y)), test)
        on_all = make_pipeline(StandardScaler(), PCAHasher(12)).fit(X[rest])
        all_test = on_all.transform(X[test]), test
        on_seen = make_pipeline(StandardScaler(), PCAHasher(12)).fit(X[train])
        codes = on_seen.transform(X[test])
        of_test, of_unseen = (codes, test), (codes[:n_unseen], unseen)
        expected = [
            score(all_test, (on_all.transform(X[rest]), rest), y, k=k),
            score(all_test, all_test, y, k=k, own=True),
            score(of_unseen, of_test, y, k=k, own=every[:n_unseen]),
            score((codes[n_unseen:], seen), of_test, y, k=k, own=every[n_unseen:]),
            score(of_unseen, of_unseen, y, k=k, own=True),
        ]
        assert np.allclose(evaluation.split_scores[row, columns, number], expected, atol=1e-12)


def test_random_codes_score_as_random_rankings(cifar, evaluation):
    X, y = cifar
    # at every rank a random item: its mean similarity, over that of the best ranking
    expected = []
    for _, seen, unseen in SPLITTER.split_roles(X, y):
        labels = y[np.concatenate([seen, unseen])]
        similarity = TARGET(labels, labels)
        np.fill_diagonal(similarity, -1)
        best_first = -np.sort(-similarity, axis=1)[:, :-1]
        cutoffs = np.arange(1, 31)
        best = best_first.cumsum(axis=1)[:, :30]
        expected.append((cutoffs * best_first.mean(axis=1, keepdims=True) / best).mean())
    frame = evaluation.to_frame()
    column = ("all classes trained", "leave-one-out", 30)
    assert frame[column]["random codes"] == pytest.approx(np.mean(expected), abs=1e-12)
    assert np.allclose(frame.loc["nothing"], frame.loc["random codes"], atol=0.05)
    # what has learned something is above it; unseen classes among themselves are few and noisy
    learned = frame.drop(index=["random codes", "nothing"]).iloc[:, :8]
    assert np.all(learned > frame.loc["random codes"].iloc[:8] + 0.05)


def test_random_precision_is_the_share_of_the_class():
    # 10 classes of 20 rows; 4 of each are test rows: 3 of the 39 others are of the class
    y = np.repeat(np.arange(10), 20)
    X = np.random.RandomState(0).normal(size=(200, 3))
    evaluation = retrieval_evaluate(
        PCAHasher(2), X, y, similarity="auto", k=3, name="precision", random_state=0
    )
    # 16 of 160 training rows; 3 of 39; twice; and among 2 unseen classes of 4 rows 3 of 7
    expected = [1 / 10, 3 / 39, 3 / 39, 3 / 39, 3 / 7]
    assert evaluation.scores[0] == pytest.approx(expected, abs=1e-12)


def test_class_codes_fail_where_they_have_not_learned(cifar, evaluation):
    # one code per class, with a perfect classifier: every unseen row is given a wrong code
    table = evaluation.to_frame().xs(30, axis=1, level="k")["unseen classes held out"]
    assert table.loc["one code per class", "unseen@all"] < table.loc["features, cosine"].iloc[0]


def test_class_codes_with_a_classifier_of_choice(cifar):
    X, y = cifar
    classifier = KNeighborsClassifier(1)
    roles = next(iter(SPLITTER.split_roles(X, y)))
    evaluation = retrieval_evaluate(
        PCAHasher(4),
        X,
        y,
        similarity="auto",
        k=5,
        name="map",
        splitter=[tuple(roles)],
        classifier=classifier,
        random_state=3,
    )
    seed = np.random.RandomState(3).randint(np.iinfo(np.int32).max, size=2)[1]
    hasher = ClassCodeHasher(estimator=classifier, random_state=seed)
    codes = hasher.fit(X[roles.train], y[roles.train]).transform(X)
    test = np.sort(np.concatenate([roles.seen, roles.unseen]))
    own = np.searchsorted(test, roles.unseen)
    expected = mean_average_precision_score(
        codes[roles.unseen], y[roles.unseen], codes[test], y[test], k=5, exclude_self=own
    )
    assert evaluation.to_frame()[("unseen classes held out", "unseen@all", 5)][
        "one code per class"
    ] == pytest.approx(expected, abs=1e-12)


def test_what_is_fitted_on_what():
    y = np.repeat(np.array(list("abcd")), 10)
    X = np.column_stack([np.arange(40), np.ones(40)])
    splitter = UnseenClassSplit(2, seen_size=0.2, unseen_size=0.2, random_state=0)
    Recorder.calls.clear()
    retrieval_evaluate(
        Recorder(), X, y, similarity="auto", k=2, name="precision", splitter=splitter
    )
    expected = []
    for train, seen, unseen in splitter.split_roles(X, y):
        test = {*seen, *unseen}
        expected += [(set(range(40)) - test, set(range(40))), (set(train), test)]
        assert not set(y[train]) & set(y[unseen])
    assert Recorder.calls == expected


def test_defaults_and_names(cifar):
    X, y = cifar
    pipeline = make_pipeline(StandardScaler(), PCAHasher(8))
    with parallel_config("threading"):
        runs = [
            retrieval_evaluate(
                pipeline, X, y, similarity=TARGET, k=10, random_state=seed, n_jobs=n_jobs
            )
            for seed, n_jobs in ((0, None), (0, 2), (1, None))
        ]
    assert runs[0].rows[-1] == "PCAHasher"
    assert runs[0].conditions["unseen"] == 2
    assert runs[0].conditions["test rows"] == sum(
        round(0.2 * count) for count in np.unique(y, return_counts=True)[1]
    )
    assert np.array_equal(runs[0].scores, runs[1].scores)
    assert not np.array_equal(runs[0].scores, runs[2].scores)


def test_features_apart_from_X(cifar):
    # X of any kind, here texts, with the features that codes are measured against beside it
    X, y = cifar
    texts = [",".join(map(str, row)) for row in X.tolist()]

    class Parse(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self

        def transform(self, X):
            return np.array([line.split(",") for line in X], dtype=np.float32)

    options = {"similarity": TARGET, "k": 10, "random_state": 0}
    expected = retrieval_evaluate({"codes": PCAHasher(8)}, X, y, **options)
    pipeline = make_pipeline(Parse(), PCAHasher(8))
    evaluation = retrieval_evaluate({"codes": pipeline}, texts, y, features=X, **options)
    assert np.array_equal(evaluation.scores, expected.scores)


def test_sparse_features(cifar):
    X, y = cifar
    X = np.where(X > 0, X, 0)
    options = {"similarity": TARGET, "k": 10, "random_state": 0}
    classifier = LogisticRegression(C=0.1, max_iter=50, tol=0.1)
    dense, sparse = (
        retrieval_evaluate({"it": RandomHasherOfRows()}, data, y, classifier=classifier, **options)
        for data in (X, csr_array(X))
    )
    features = dense.rows.index("features, cosine")
    assert np.allclose(sparse.scores[features], dense.scores[features], atol=1e-9)


class RandomHasherOfRows(RandomHasher):
    def transform(self, X):
        return np.random.RandomState(0).randint(2, size=(X.shape[0], 8))


class Signs(PCA):
    """Codes of -1 and 1."""

    def transform(self, X):
        return np.where(super().transform(X) > 0, 1, -1)


class Packed(PCA):
    """Codes, packed."""

    def transform(self, X):
        return pack_codes(super().transform(X) > 0, return_n_bits=True)


def test_codes_of_signs_and_packed_codes_are_codes(cifar):
    X, y = cifar
    hashers = {"bits": PCAHasher(12), "signs": Signs(12), "packed": Packed(12)}
    evaluation = retrieval_evaluate(
        hashers, X, y, similarity=TARGET, k=10, splitter=SPLITTER, random_state=0
    )
    assert evaluation.bits.tolist()[3:] == [12, 12, 12]
    np.testing.assert_array_equal(evaluation.scores[4], evaluation.scores[3])
    np.testing.assert_array_equal(evaluation.scores[5], evaluation.scores[3])


@pytest.fixture(scope="module")
def lonely():
    """Two of six classes have one test row each, which finds no other of its class."""
    random = np.random.RandomState(0)
    y = np.repeat(np.arange(6), 10)
    seen = [1, 2, 11, 12, 21, 22, 31]
    unseen = [41, 51, 52, 53]
    train = np.setdiff1d(np.arange(40), seen)
    return random.normal(size=(60, 4)), y, [(train, seen, unseen)] * 2


def test_queries_without_a_match_are_told_of_once(lonely):
    X, y, splitter = lonely
    options = {"similarity": "auto", "k": 2, "name": "map", "splitter": splitter, "random_state": 0}
    hashers = {"a": PCAHasher(3), "b": PCAHasher(2)}
    with pytest.warns(UndefinedMetricWarning) as record:
        evaluation = retrieval_evaluate(hashers, X, y, **options)
    # of the classes 3 and 4, one row each; twice, for there are two splits
    told = "4 of 22 in leave-one-out, 2 of 8 in unseen@all, 2 of 14 in seen@all, 2 of 8 in unseen@u"
    assert [told in str(warning.message) for warning in record] == [True]
    assert record[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        skipped = retrieval_evaluate(hashers, X, y, **options, no_relevant="skip")
        zero = retrieval_evaluate(hashers, X, y, **options, no_relevant="zero")
    np.testing.assert_array_equal(skipped.scores, evaluation.scores)
    shares = np.array([1, 9 / 11, 3 / 4, 6 / 7, 3 / 4])
    np.testing.assert_allclose(zero.scores, skipped.scores * shares, atol=1e-14)
    assert zero.conditions["no_relevant"] == "zero"


def test_queries_without_a_match_can_be_refused_before_a_fit(lonely):
    X, y, splitter = lonely

    class Never(PCA):
        def fit(self, X, y=None):
            raise AssertionError("fitted")

    with pytest.raises(ValueError, match="queries have nothing relevant in the database: 4 of 22"):
        retrieval_evaluate(
            Never(),
            X,
            y,
            similarity="auto",
            k=2,
            name="map",
            splitter=splitter,
            no_relevant="raise",
        )


def test_progress(cifar, capsys):
    X, y = cifar
    options = {"similarity": "auto", "k": 5, "splitter": SPLITTER}
    retrieval_evaluate(PCAHasher(4), X, y, **options)
    assert capsys.readouterr().out == ""
    retrieval_evaluate(PCAHasher(4), X, y, **options, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    # three methods are fitted, each on two trainings of two splits
    assert [line.split("]")[0] for line in lines] == [f"[{i}/12" for i in range(1, 13)]
    assert re.fullmatch(r"\[9/12\] PCAHasher, all classes trained: \d+\.\d s", lines[8])


def test_table_as_frame(evaluation):
    frame = evaluation.to_frame()
    assert frame.shape == (6, 10)
    assert frame.columns.names == ["training", "protocol", "k"]
    value = frame.loc["features, cosine", ("unseen classes held out", "seen@all", 30)]
    assert value == evaluation.scores[2, 7]
    spread = evaluation.to_frame("std").to_numpy()
    expected = np.abs(np.diff(evaluation.split_scores, axis=2))[..., 0] / np.sqrt(2)
    assert np.allclose(spread, expected)
    single = RetrievalEvaluation(
        evaluation.rows, evaluation.columns, evaluation.bits, evaluation.split_scores[..., :1], {}
    )
    assert single.to_frame("std").isna().all(axis=None)
    with pytest.raises(ValueError, match="statistic must be 'mean' or 'std', got 'max'"):
        evaluation.to_frame("max")


def test_table_as_text():
    columns = [("on a", "x", 5), ("on a", "x", 30), ("on b", "a very wide heading", 5)]
    from skhash.model_selection._evaluation import Column

    scores = np.array([[0.1, 0.25, 1.0], [0.12341, 0.2, 0.5]])[..., np.newaxis]
    table = RetrievalEvaluation(
        ["first", "2nd"],
        [Column(*column) for column in columns],
        np.array([0, 64]),
        scores,
        {"metric": "mahp", "splits": 1},
    )
    assert str(table).split("\n") == [
        "              on a            on b",
        "              x               a very wide heading",
        "        bits  @5      @30     @5",
        "first      0  0.100   0.250*  1.000*",
        "2nd       64  0.123*  0.200   0.500",
        "",
        "metric: mahp, splits: 1",
    ]
    markup = table._repr_html_()
    assert re.findall(r"<b>([\d.]+)</b>", markup) == ["0.250", "1.000", "0.123"]
    assert '<th colspan="2">on a</th><th colspan="1">on b</th>' in markup
    assert repr(table) == "RetrievalEvaluation(rows=['first', '2nd'], n_columns=3)"


def test_names_are_escaped_in_markup(cifar):
    X, y = cifar
    evaluation = retrieval_evaluate(
        {"<b>&": PCAHasher(4)}, X, y, similarity=LabelSimilarity(), k=5, random_state=0
    )
    assert "&lt;b&gt;&amp;" in evaluation._repr_html_()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": 61}, ValueError, r"k=61 is more .* unseen@unseen \(unse.* up to 60, such as k=25"),
        ({"no_relevant": "nan"}, ValueError, "no_relevant must be one of 'warn', 'skip', 'zero'"),
        ({"k": []}, ValueError, "k must hold at least one cut-off"),
        ({"k": 2.5}, TypeError, "k must be an integer, got 2.5"),
        ({"k": (5, 0)}, ValueError, "k must be at least 1, got 0"),
        ({"name": "mapp"}, ValueError, "unknown score 'mapp@5'"),
        ({"similarity": "lcs"}, TypeError, "similarity must be 'auto' or a callable"),
        ({"estimator": {}}, ValueError, "estimator must not be an empty dict"),
        ({"estimator": {"a": 1}}, TypeError, "estimator 'a' must be a transformer, got 1"),
        ({"estimator": LogisticRegression()}, TypeError, "must be a transformer"),
        ({"estimator": {"random codes": PCAHasher()}}, ValueError, "row that is always there"),
        ({"splitter": 3}, TypeError, "splitter must be an UnseenClassSplit or an iterable"),
        ({"splitter": []}, ValueError, "splitter must give at least one split"),
        ({"splitter": [(range(5), range(5))]}, ValueError, "got 2 parts"),
        ({"splitter": [([True], [True], [True])]}, ValueError, r"row indices, got bool of shape"),
        ({"splitter": [([0, 1], [1], [2])]}, ValueError, "row 1 has 2 roles"),
        ({"splitter": [([0, 1], [], [2])]}, ValueError, "has 0 test rows of seen and 1 of unse"),
        ({"splitter": UnseenClassSplit(2)}, ValueError, "UnseenClassSplit needs unseen_size bel"),
    ],
)
def test_bad_arguments(cifar, options, error, message):
    X, y = cifar
    if "k" in options and options["k"] == 61:
        y = np.repeat(np.arange(5), 100)
        options = options | {
            "splitter": UnseenClassSplit(
                2, n_unseen=1, seen_size=0.6, unseen_size=0.61, random_state=0
            )
        }
    arguments = {"estimator": PCAHasher(4), "similarity": LabelSimilarity(), "k": 5} | options
    with pytest.raises(error, match=message):
        retrieval_evaluate(arguments.pop("estimator"), X, y, **arguments)


def test_trained_classes_are_not_unseen(cifar):
    X, y = cifar
    first = np.flatnonzero(y == y[0])
    others = np.flatnonzero(y != y[0])
    splitter = [(np.append(others[:50], first[0]), others[50:60], first[1:3])]
    with pytest.raises(ValueError, match=f"class '{y[0]}' is called unseen, but is among the"):
        retrieval_evaluate(PCAHasher(4), X, y, similarity="auto", k=1, splitter=splitter)
