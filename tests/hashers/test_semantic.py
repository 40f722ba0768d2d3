"""SemanticHasher: what it learns, what it keeps, what it refuses."""

import io
import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skhash import ITQHasher, SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.encoders import RelationalEncoder
from skhash.metrics import mean_average_hierarchical_precision_score
from skhash.similarity import (
    EmbeddingSimilarity,
    PrecomputedSimilarity,
    TaxonomySimilarity,
    load_taxonomy,
)

SMALL = {
    "encoder": RelationalEncoder(),
    "n_bits": 12,
    "hidden_layer_sizes": (16,),
    "max_iter": 5,
    "batch_size": 32,
    "device": "cpu",
    "random_state": 0,
}
# as many bits as leave little to the luck of each
LONGER = {**SMALL, "encoder": RelationalEncoder(pair_rho=1.0), "n_bits": 128, "max_iter": 120}


def relational(**parameters):
    return SemanticHasher(**{**SMALL, "encoder": RelationalEncoder(**parameters)})


@pytest.fixture(scope="module")
def blobs():
    """Four clusters; 0 and 1 are close in meaning, and so are 2 and 3, whatever their places."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 40)
    places = random.normal(size=(4, 10)) * 4
    X = (places[labels] + random.normal(size=(160, 10))).astype(np.float32)
    similarity = np.kron(np.eye(2), np.full((2, 2), 0.8))
    np.fill_diagonal(similarity, 1)
    return X, labels, similarity


@pytest.fixture(scope="module")
def cifar():
    bunch = load_cifar100_features()
    names = bunch.target_names[bunch.target]
    train, query = bunch.train_indices, bunch.query_indices
    return bunch.data[train], names[train], bunch.data[query], names[query]


def class_distances(codes, labels):
    means = np.stack([codes[labels == c].mean(axis=0) for c in np.unique(labels)])
    return means @ (1 - means).T + (1 - means) @ means.T


def test_code_distances_follow_the_target(blobs):
    X, labels, matrix = blobs
    similarity = PrecomputedSimilarity(matrix, labels=np.arange(4))
    codes = SemanticHasher(**LONGER, similarity=similarity).fit_transform(X, labels)
    distances = class_distances(codes, labels)
    near, far = distances[matrix == 0.8], distances[matrix == 0]
    assert distances.diagonal().max() < near.min()
    assert near.max() < far.min()
    # ratios, not only order: the targets are .2 and 1 away
    assert near.mean() / far.mean() == pytest.approx(0.2, abs=0.15)


def test_another_target_on_the_same_data_gives_other_neighbours(blobs):
    """The codes follow the target and not the features: now 0 goes with 2."""
    X, labels, matrix = blobs
    order = [0, 2, 1, 3]
    similarity = PrecomputedSimilarity(matrix[np.ix_(order, order)], labels=np.arange(4))
    codes = SemanticHasher(**LONGER, similarity=similarity).fit_transform(X, labels)
    distances = class_distances(codes, labels)
    assert distances[0, 2] < min(distances[0, 1], distances[0, 3])


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "step"), [(0, 4), (0, 1), (1, 1), (2, 1)])
def test_defaults_on_real_features(cifar, seed, step):
    """Far above ITQ, from all rows or a quarter, and from all above the bar of the split."""
    X, y, X_query, y_query = cifar
    X, y = X[::step], y[::step]
    target = TaxonomySimilarity(load_taxonomy("cifar100"))
    hasher = SemanticHasher(similarity=target, random_state=seed, device="cpu").fit(X, y)
    of_itq = ITQHasher(64, random_state=seed).fit(X)
    codes, query = hasher.transform(X), hasher.transform(X_query)
    options = {"similarity": target}
    among = mean_average_hierarchical_precision_score(
        query, y_query, k=100, exclude_self=True, **options
    )
    train = mean_average_hierarchical_precision_score(query, y_query, codes, y, k=25, **options)
    among_itq = mean_average_hierarchical_precision_score(
        of_itq.transform(X_query), y_query, k=100, exclude_self=True, **options
    )
    train_itq = mean_average_hierarchical_precision_score(
        of_itq.transform(X_query), y_query, of_itq.transform(X), y, k=25, **options
    )
    assert among > among_itq + 0.08
    assert train > train_itq + 0.08
    if step == 1:
        assert among > 0.68
        assert train > 0.74
    distances = class_distances(query, y_query)
    wanted = 1 - hasher.class_similarity_
    pairs = np.triu_indices(100, k=1)
    assert spearmanr(distances[pairs], wanted[pairs]).statistic > 0.6


def test_classes_keep_the_type_of_the_labels(blobs):
    X, labels, _ = blobs
    for y in (labels, labels.astype(str), labels == 0, labels.astype(object), labels.astype(float)):
        hasher = SemanticHasher(**SMALL).fit(X, y)
        assert hasher.classes_.dtype == np.asarray(y).dtype
        assert set(hasher.classes_.tolist()) == set(y.tolist())
        np.testing.assert_array_equal(hasher.class_similarity_, np.eye(len(hasher.classes_)))


def test_label_names_do_not_matter(blobs):
    """The same classes under names that sort alike give the same codes."""
    X, labels, _ = blobs
    names = np.array(["ant", "bee", "cat", "dog"])
    by_number = SemanticHasher(**SMALL).fit_transform(X, labels)
    by_name = SemanticHasher(**SMALL).fit_transform(X, names[labels])
    np.testing.assert_array_equal(by_number, by_name)


def test_multilabel_dense_and_sparse_agree(blobs):
    X, labels, _ = blobs
    y = np.stack([labels < 2, labels >= 2, labels % 2 == 0], axis=1).astype(int)
    hasher = SemanticHasher(**{**SMALL, "n_bits": 128, "max_iter": 60}).fit(X, y)
    assert hasher.classes_.tolist() == [0, 1, 2]
    assert hasher.class_similarity_ is None
    codes = hasher.transform(X)
    again = clone(hasher).fit_transform(X, sparse.csr_array(y))
    np.testing.assert_array_equal(codes, again)
    distances = class_distances(codes, labels)
    # Jaccard: 0 and 2, and 1 and 3, share one label; 0 and 3, and 1 and 2, share none
    assert distances[0, 2] + distances[1, 3] < distances[0, 3] + distances[1, 2]


def test_vectors_as_targets(blobs):
    X, labels, _ = blobs
    points = np.array([[1.0, 0.1], [1.0, 0.2], [-1.0, 0.1], [0.1, -1.0]])
    hasher = SemanticHasher(
        **{**SMALL, "n_bits": 24, "max_iter": 40}, similarity=EmbeddingSimilarity()
    )
    codes = hasher.fit_transform(X, points[labels])
    assert hasher.classes_ is None
    assert "classification" not in hasher.loss_terms_
    distances = class_distances(codes, labels)
    assert distances[0, 1] < distances[0, 2]
    assert distances[0, 1] < distances[0, 3]


def test_vectors_without_a_term_to_train_on_are_refused(blobs):
    X, labels, _ = blobs
    with pytest.raises(ValueError, match="similarity_weight or kl_weight must be above 0"):
        relational(similarity_weight=0, kl_weight=0).fit(X, np.c_[labels, labels * 2.5])


def test_any_function_is_a_target(blobs):
    X, labels, matrix = blobs
    from_function = SemanticHasher(**SMALL, similarity=lambda a, b: matrix[np.ix_(a, b)])
    from_matrix = SemanticHasher(
        **SMALL, similarity=PrecomputedSimilarity(matrix, labels=np.arange(4))
    )
    np.testing.assert_array_equal(
        from_function.fit_transform(X, labels), from_matrix.fit_transform(X, labels)
    )


@pytest.mark.parametrize(
    ("similarity", "message"),
    [
        (lambda a, b: np.ones((len(a), len(b) + 1)), "must return shape"),
        (lambda a, b: np.full((len(a), len(b)), np.nan), "nan"),
        (lambda a, b: 2 * np.eye(len(a)), "2.0"),
    ],
)
def test_a_wrong_target_is_refused_before_training(blobs, similarity, message):
    X, labels, _ = blobs
    with pytest.raises(ValueError, match=message):
        SemanticHasher(**SMALL, similarity=similarity).fit(X, labels)


def test_unknown_labels_are_named(blobs):
    X, labels, _ = blobs
    target = TaxonomySimilarity(load_taxonomy("cifar100"))
    with pytest.raises(ValueError, match="aple"):
        SemanticHasher(**SMALL, similarity=target).fit(
            X, np.array(["aple", "bear", "bed", "bee"])[labels]
        )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_bits": 0}, "'n_bits'"),
        ({"batch_size": 1}, "'batch_size'"),
        ({"network": "transformer"}, "'network'"),
        ({"dropout": 1.0}, "'dropout'"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
        ({"device": "abacus"}, "device"),
        ({"encoder": "direct"}, "'encoder'"),
        ({"encoder": RelationalEncoder}, "'encoder'"),
    ],
)
def test_wrong_parameters_are_named(blobs, parameters, message):
    X, labels, _ = blobs
    with pytest.raises(ValueError, match=message):
        SemanticHasher(**{**SMALL, **parameters}).fit(X, labels)


def test_terms_of_weight_zero_are_left_out(blobs):
    X, labels, _ = blobs
    hasher = relational(kl_weight=0, classification_weight=0.5).fit(X, labels)
    assert set(hasher.loss_terms_) == {"similarity", "classification"}
    total = np.array(hasher.loss_terms_["similarity"]) + 0.5 * np.array(
        hasher.loss_terms_["classification"]
    )
    np.testing.assert_allclose(hasher.loss_curve_, total, rtol=1e-6)
    assert len(hasher.loss_curve_) == hasher.n_iter_ == 5


def test_kl_term_spreads_codes(blobs):
    """With nothing else to learn, the term alone tells bits apart and balances them."""
    X, labels, _ = blobs
    weights = {"similarity_weight": 0, "kl_weight": 1.0, "classification_weight": 0}
    codes = relational(**weights).set_params(max_iter=30).fit_transform(X, labels)
    only_classes = {**weights, "classification_weight": 1.0, "kl_weight": 0}
    clumped = relational(**only_classes).set_params(max_iter=30).fit_transform(X, labels)
    assert len(np.unique(codes, axis=0)) > 3 * len(np.unique(clumped, axis=0))


def test_seeds(blobs):
    X, labels, _ = blobs
    first = SemanticHasher(**{**SMALL, "dropout": 0.3}).fit(X, labels)
    second = clone(first).fit(X, labels)
    np.testing.assert_array_equal(first.decision_function(X), second.decision_function(X))
    other = clone(first).set_params(random_state=1).fit(X, labels)
    assert (first.transform(X) != other.transform(X)).any()


def test_units_of_X_do_not_matter(blobs):
    X, labels, _ = blobs
    codes = SemanticHasher(**SMALL).fit(X, labels).decision_function(X)
    other = SemanticHasher(**SMALL).fit(X * 512, labels).decision_function(X * 512)
    np.testing.assert_allclose(codes, other, rtol=1e-3, atol=1e-3)


def test_linear_network_is_linear(blobs):
    X, labels, _ = blobs
    hasher = SemanticHasher(**SMALL, network="linear").fit(X, labels)
    values = hasher.decision_function(np.stack([X[0], X[1], (X[0] + X[1]) / 2]))
    np.testing.assert_allclose(values[2], (values[0] + values[1]) / 2, atol=1e-4)


def two_layers(n_features, n_bits):
    from torch import nn

    return nn.Sequential(nn.Linear(n_features, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, n_bits))


def test_network_factory(blobs):
    X, labels, _ = blobs
    hasher = SemanticHasher(**SMALL, network=two_layers).fit(X, labels)
    codes = hasher.transform(X)
    assert codes.shape == (160, 12)
    assert {value.shape for value in hasher.network_state_.values()} >= {(8, 10), (12, 8)}
    np.testing.assert_array_equal(
        codes, clone(hasher).fit_transform(X, labels)
    )  # dropout is seeded
    np.testing.assert_array_equal(codes, pickle.loads(pickle.dumps(hasher)).transform(X))


def test_a_wrong_network_is_refused(blobs):
    X, labels, _ = blobs
    with pytest.raises(ValueError, match=r"to 12 values.*shape \(2, 13\)"):
        SemanticHasher(**SMALL, network=lambda d, b: two_layers(d, b + 1)).fit(X, labels)
    with pytest.raises(TypeError, match=r"must return a torch.nn.Module.* got str"):
        SemanticHasher(**SMALL, network=lambda d, b: "net").fit(X, labels)


def test_early_stopping(blobs):
    X, labels, _ = blobs
    hasher = SemanticHasher(
        **{**SMALL, "max_iter": 200},
        early_stopping=True,
        validation_fraction=0.25,
        n_iter_no_change=4,
        tol=1e-3,
    ).fit(X, labels)
    curve = hasher.validation_loss_curve_
    assert hasher.n_iter_ == len(curve) < 200
    assert hasher.best_iter_ == int(np.argmin(curve)) + 1
    assert SemanticHasher(**SMALL).fit(X, labels).validation_loss_curve_ is None


def test_warm_start_goes_on(blobs):
    X, labels, _ = blobs
    hasher = SemanticHasher(**{**SMALL, "max_iter": 15}, warm_start=True).fit(X, labels)
    first_loss = hasher.loss_curve_[0]
    hasher.fit(X, labels)
    assert hasher.loss_curve_[0] < 0.9 * first_loss
    with pytest.raises(ValueError, match="warm_start=True goes on"):
        hasher.set_params(n_bits=13).fit(X, labels)


def test_interruption_keeps_a_usable_model(blobs, monkeypatch):
    X, labels, _ = blobs
    from skhash._torch.objectives import SemanticObjective

    calls, original = [], SemanticObjective.terms

    def interrupted(self, outputs, batch):
        calls.append(1)
        if len(calls) == 13:
            raise KeyboardInterrupt
        return original(self, outputs, batch)

    monkeypatch.setattr(SemanticObjective, "terms", interrupted)
    hasher = SemanticHasher(**SMALL)
    with pytest.warns(ConvergenceWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        hasher.fit(X, labels)
    assert hasher.n_iter_ == 2
    assert hasher.transform(X).shape == (160, 12)


def test_nan_loss_names_the_term(blobs):
    X, labels, _ = blobs
    with pytest.raises(FloatingPointError, match=r"'(similarity|kl|classification)' became"):
        SemanticHasher(**SMALL, learning_rate=1e30).fit(X, labels)


def test_survives_joblib_memory_mapping(blobs, tmp_path):
    """Arrays that joblib maps into workers are read-only."""
    import joblib

    X, labels, _ = blobs
    hasher = SemanticHasher(**SMALL).fit(X, labels)
    joblib.dump(hasher, tmp_path / "hasher.joblib")
    loaded = joblib.load(tmp_path / "hasher.joblib", mmap_mode="r")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(loaded.transform(X), hasher.transform(X))


def test_scikit_learn_callbacks_see_every_epoch(blobs):
    pytest.importorskip("sklearn.callback")
    X, labels, _ = blobs

    class Recorder:
        def __init__(self):
            self.shares, self.ends = [], 0

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "epoch":
                self.ends += 1
                self.shares.append(fitted_estimator.transform(X).mean())
            return self.ends == 3

    recorder = Recorder()
    hasher = SemanticHasher(**SMALL).set_callbacks(recorder).fit(X, labels)
    assert hasher.n_iter_ == recorder.ends == 3
    assert recorder.shares[-1] == hasher.transform(X).mean()


def test_pickle_is_small_and_free_of_torch(blobs):
    X, labels, _ = blobs
    hasher = SemanticHasher(**SMALL).fit(X, labels)
    stream = pickle.dumps(hasher)
    assert b"torch" not in stream
    assert pickle.load(io.BytesIO(stream)).transform(X).sum() == hasher.transform(X).sum()
