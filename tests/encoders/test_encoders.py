"""Encoders as estimators: what their parameters do, whose they are, and encoders of one's own."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skhash import RandomProjectionHasher, SemanticHasher
from skhash.encoders import BaseEncoder, PosteriorEncoder, RelationalEncoder
from skhash.metrics import get_scorer, mean_average_precision_score
from skhash.networks import Training, resnet

QUICK = {
    "n_bits": 16,
    "hidden_layer_sizes": (16,),
    "max_iter": 2,
    "batch_size": 32,
    "random_state": 0,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300], y[:300]


def coins(size, rng):
    return rng.integers(2, size=size) * 0.9 + 0.05


def values(encoder, X, y, **options):
    return SemanticHasher(**{**QUICK, **options}, encoder=encoder).fit(X, y).decision_function(X)


# each parameter of each encoder, and a value other than its default
OTHERS = {
    PosteriorEncoder: {
        "label_smoothing": [0.0],
        "mixup": [0.0],
        "temperature": [2.0],
        "feature_weight": [0.1],
        "shrinkage": [1.0],
        "emphasis": ["unseen"],
    },
    RelationalEncoder: {
        "similarity_weight": [0.3],
        "kl_weight": [0.1],
        "classification_weight": [0.0],
        "pair_distance": ["manhattan"],
        "pair_gamma": [0.5],
        "pair_rho": [0.0],
        "pair_normalizer": ["pairs"],
        "kl_target": ["bernoulli", coins],
        "kl_alpha": [1.0, (1.0, 0.1)],
        "kl_n_neighbors": [3],
        "kl_n_draws": [5],
        "start": ["closed-form"],
    },
}


@pytest.mark.parametrize("kind", OTHERS)
def test_no_parameter_is_without_effect(kind, digits):
    X, y = digits
    # a KL term that counts, for what belongs to it; labels more alike than by equality
    base = kind(kl_weight=0.3) if kind is RelationalEncoder else kind()
    options = {"similarity": near_numbers}
    default = values(base, X, y, **options)
    np.testing.assert_array_equal(default, values(base, X, y, **options))
    assert set(OTHERS[kind]) == set(kind().get_params())
    for name, others in OTHERS[kind].items():
        for other in others:
            found = values(clone(base).set_params(**{name: other}), X, y, **options)
            assert ((found > 0) != (default > 0)).mean() > 0.002, f"{name}={other!r}"


def near_numbers(a, b):
    return np.exp(-np.abs(np.subtract.outer(a, b)) / 2.0)


def test_a_random_start_is_another_where_the_default_is_in_closed_form(digits):
    X, y = digits
    y = np.eye(10, dtype=int)[y]
    begun = {
        start: values(RelationalEncoder(start=start), X, y, learning_rate=1e-8)
        for start in ("auto", "closed-form", "random")
    }
    np.testing.assert_array_equal(begun["auto"], begun["closed-form"])
    scores = {
        start: mean_average_precision_score(found > 0, y.argmax(axis=1), exclude_self=True)
        for start, found in begun.items()
    }
    # before any training the one knows the labels, the other the pixels at best
    assert scores["closed-form"] > scores["random"] + 0.2


def test_a_start_in_closed_form_for_classes(digits):
    X, y = digits
    options = {"learning_rate": 1e-8, "max_iter": 1}
    found = values(RelationalEncoder(start="closed-form"), X, y, **options)
    of_indicators = values(RelationalEncoder(), X, np.eye(10, dtype=int)[y], **options)
    # equality of labels is Jaccard similarity of indicators of one label
    np.testing.assert_allclose(found, of_indicators, atol=1e-3)


@pytest.mark.filterwarnings("ignore:X is the same for all samples")
def test_a_start_in_closed_form_needs_a_known_network(digits):
    images = np.zeros((10, 8, 8, 3), np.uint8)
    hasher = SemanticHasher(
        **{**QUICK, "network": resnet(8, 0.25)}, encoder=RelationalEncoder(start="closed-form")
    )
    with pytest.raises(ValueError, match=r'start="closed-form" needs network="mlp" or "linear"'):
        hasher.fit(images, np.arange(10) % 2)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"pair_distance": "squared"}, "'pair_distance'"),
        ({"pair_normalizer": "sum"}, "'pair_normalizer'"),
        ({"kl_alpha": 0}, "'kl_alpha'"),
        ({"kl_alpha": (1.0, 0.5, 0.1)}, "kl_alpha must be"),
        ({"kl_n_neighbors": 0}, "'kl_n_neighbors'"),
        ({"kl_n_neighbors": 32}, "kl_n_neighbors must be below batch_size=32, got 32"),
        ({"kl_n_neighbors": 3, "kl_n_draws": 2}, "kl_n_draws must be at least kl_n_neighbors=3"),
        ({"start": "warm"}, "'start'"),
        (
            {"similarity_weight": 0, "kl_weight": 0, "classification_weight": 0},
            "one must be above 0",
        ),
    ],
)
def test_wrong_parameters_are_named(digits, parameters, message):
    with pytest.raises(ValueError, match=message):
        values(RelationalEncoder(**parameters), *digits)


def test_the_encoder_in_use_is_a_clone(digits):
    encoder = RelationalEncoder(kl_weight=0.1)
    hasher = SemanticHasher(**QUICK, encoder=encoder).fit(*digits)
    assert hasher.encoder is encoder
    assert hasher.encoder_ is not encoder
    assert repr(hasher.encoder_) == "RelationalEncoder(kl_weight=0.1)"
    assert not [name for name in vars(encoder) if name.endswith("_")]
    copy = clone(hasher)
    assert copy.encoder is not encoder
    assert copy.get_params()["encoder__kl_weight"] == 0.1


def test_a_search_through_the_hasher(digits):
    X, y = digits
    hasher = SemanticHasher(**QUICK, encoder=RelationalEncoder())
    grid = {"encoder__classification_weight": [0.0, 1.0], "encoder__pair_rho": [1.0]}
    search = GridSearchCV(hasher, grid, cv=2, scoring=get_scorer("map"), error_score="raise")
    search.fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    best = search.best_estimator_.encoder_
    assert best.classification_weight == search.best_params_["encoder__classification_weight"]
    assert best.pair_rho == 1.0
    kinds = {"encoder": [PosteriorEncoder(), RelationalEncoder()]}
    found = GridSearchCV(hasher, kinds, cv=2, scoring=get_scorer("map")).fit(X, y)
    assert isinstance(found.best_estimator_.encoder_, type(found.best_params_["encoder"]))


def test_a_parameter_of_another_encoder_names_the_right_one():
    right = r"kl_weight is a parameter of RelationalEncoder, not of {}: give SemanticHasher"
    with pytest.raises(TypeError, match=right.format("PosteriorEncoder")):
        PosteriorEncoder(kl_weight=0.1)
    with pytest.raises(TypeError, match=right.format("SemanticHasher")):
        SemanticHasher(kl_weight=0.1)
    with pytest.raises(ValueError, match=right.format("PosteriorEncoder")):
        PosteriorEncoder().set_params(kl_weight=0.1)
    with pytest.raises(ValueError, match=right.format("SemanticHasher")):
        SemanticHasher().set_params(kl_weight=0.1)
    with pytest.raises(ValueError, match=right.format("PosteriorEncoder")):
        SemanticHasher(encoder=PosteriorEncoder()).set_params(encoder__kl_weight=0.1)
    with pytest.raises(ValueError, match=r'encoder="auto"|encoder=\'auto\': set.*Relational'):
        SemanticHasher().set_params(encoder__kl_weight=0.1)
    with pytest.raises(TypeError, match="mixup is a parameter of PosteriorEncoder"):
        RelationalEncoder(mixup=0.1)
    # what nobody has is as in all estimators
    with pytest.raises(TypeError, match="unexpected keyword"):
        PosteriorEncoder(colour="red")
    with pytest.raises(ValueError, match="Invalid parameter 'colour'"):
        SemanticHasher().set_params(colour="red")
    both = SemanticHasher().set_params(encoder=RelationalEncoder(), encoder__kl_weight=0.5)
    assert both.encoder.kl_weight == 0.5


def test_a_checkpoint_is_of_one_encoder(digits, tmp_path):
    """Another weight is another fit: it does not go on from the file of the first."""

    class Stop(Exception):
        pass

    def fit(weight, limit):
        calls = []

        def target(size, rng):
            calls.append(size)
            if len(calls) == limit:
                raise Stop
            return rng.uniform(size=size)

        encoder = RelationalEncoder(kl_weight=weight, kl_target=target)
        training = Training(checkpoint=tmp_path / "run.pt")
        return SemanticHasher(**QUICK, encoder=encoder, training=training).fit(*digits)

    with pytest.raises(Stop):
        fit(0.1, 15)
    with pytest.raises(ValueError, match="encoder__kl_weight"):
        fit(0.2, None)
    whole = SemanticHasher(
        **QUICK, encoder=RelationalEncoder(kl_weight=0.1, kl_target=uniform)
    ).fit(*digits)
    resumed = fit(0.1, None)
    np.testing.assert_array_equal(whole.transform(digits[0]), resumed.transform(digits[0]))


def uniform(size, rng):
    return rng.uniform(size=size)


class InnerProductEncoder(BaseEncoder):
    """Cosines of outputs as near to the similarity as can be."""

    def __init__(self, sharpness=1.0):
        self.sharpness = sharpness

    def loss(self, outputs, similarity):
        assert similarity.shape == (len(outputs), len(outputs))
        assert (similarity.diagonal() == 1).all()
        bits = (self.sharpness * outputs).tanh()
        cosine = bits @ bits.T / bits.shape[1]
        return (cosine - (2 * similarity - 1)).square().mean()


class ShapedEncoder(BaseEncoder):
    def loss(self, outputs, similarity):
        return outputs.sum(dim=1)


@pytest.mark.parametrize("kind", ["class", "multilabel", "vector"])
def test_an_encoder_of_ones_own(kind, digits):
    X, y = digits
    labels = {"class": y, "multilabel": np.eye(10, dtype=int)[y], "vector": np.eye(10)[y] + 0.01}
    hasher = SemanticHasher(**{**QUICK, "max_iter": 10}, encoder=InnerProductEncoder())
    hasher.fit(X, labels[kind])
    assert list(hasher.loss_terms_) == ["loss"]
    assert hasher.loss_curve_[-1] < hasher.loss_curve_[0]
    score = mean_average_precision_score(hasher.transform(X), y, exclude_self=True)
    unlearned = RandomProjectionHasher(16, random_state=0).fit_transform(X)
    assert score > mean_average_precision_score(unlearned, y, exclude_self=True) + 0.1
    other = clone(hasher).set_params(encoder__sharpness=3.0).fit(X, labels[kind])
    assert (other.transform(X) != hasher.transform(X)).any()


def test_an_encoder_without_a_loss_is_refused(digits):
    with pytest.raises(NotImplementedError, match=r"BaseEncoder must define loss\(outputs"):
        values(BaseEncoder(), *digits)
    with pytest.raises(ValueError, match=r"loss must return a tensor without dimensions, got \("):
        values(ShapedEncoder(), *digits)


def test_as_published(digits):
    """No step in closed form, all three terms where there are classes, and changes on request."""
    X, y = digits
    published = RelationalEncoder.as_published()
    assert clone(published).get_params() == published.get_params()
    hasher = SemanticHasher(**QUICK, encoder=published).fit(X, y)
    assert set(hasher.loss_terms_) == {"similarity", "kl", "classification"}
    # the network of other labels begins at random too, and without the linear map of the default
    vectors = np.eye(10)[y] + 0.01
    hasher.fit(X, vectors)
    assert "shortcut" not in hasher.architecture_
    assert "shortcut" in SemanticHasher(**QUICK).fit(X, vectors).architecture_
    assert set(hasher.loss_terms_) == {"similarity", "kl"}
    changed = RelationalEncoder.as_published(kl_n_neighbors=1)
    assert changed.set_params(kl_n_neighbors=3).get_params() == published.get_params()
    with pytest.raises(TypeError, match="mixup is a parameter of PosteriorEncoder"):
        RelationalEncoder.as_published(mixup=0.1)
