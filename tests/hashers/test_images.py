"""Images as X: every hasher that is trained by gradient takes them, end to end."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from torch import nn

import skhash
from skhash import (
    ClassAnchorHasher,
    CSQHasher,
    DPNHasher,
    DPSHHasher,
    GreedyHasher,
    HashNetHasher,
    ITQHasher,
    KLBinaryHasher,
    OrthoHasher,
    RankConsistencyHasher,
    SemanticHasher,
)
from skhash.datasets import load_cifar100_features
from skhash.hashers._gradient import GradientHasher
from skhash.metrics import get_scorer, mean_average_precision
from skhash.networks import Augmentation, Recipe, resnet

DIRECT = partial(SemanticHasher, encoder="direct")
TAKING = [
    ClassAnchorHasher,
    CSQHasher,
    DPNHasher,
    DPSHHasher,
    GreedyHasher,
    HashNetHasher,
    OrthoHasher,
    RankConsistencyHasher,
    SemanticHasher,
]
TINY = {"network": resnet(8, 0.25), "max_iter": 1, "batch_size": 20, "random_state": 0}
TINY["device"] = "cpu"


@pytest.fixture(scope="module")
def noise():
    rng = np.random.default_rng(0)
    X = rng.integers(256, size=(60, 8, 6, 3), dtype=np.uint8)
    return X, rng.permutation(np.repeat(["cat", "dog", "sea"], 20))


@pytest.fixture(scope="module")
def thumbnails():
    """240 pictures of twelve classes, the even ones to learn from."""
    pytest.importorskip("PIL", reason="thumbnails are decoded by Pillow")
    cifar = load_cifar100_features()
    names = cifar.target_names[cifar.target[cifar.query_indices]]
    chosen = ["apple", "aquarium_fish", "cloud", "forest", "mountain", "orange", "plain",
              "road", "rose", "sea", "sunflower", "wardrobe"]  # fmt: skip
    rows = np.flatnonzero(np.isin(names, chosen))
    rows = rows[np.argsort(names[rows], kind="stable")]
    X, y = cifar.thumbnails[rows], names[rows]
    assert X.shape == (240, 32, 32, 3)
    return X[::2], y[::2], X[1::2], y[1::2]


def test_the_list_above_is_complete():
    made = {
        member
        for name in skhash.__all__
        if isinstance(member := getattr(skhash, name), type) and issubclass(member, GradientHasher)
    }
    assert {make for make in made if make._takes_images} == set(TAKING)


@pytest.mark.parametrize("make", [*TAKING, DIRECT])
def test_every_hasher_takes_images(make, noise):
    X, y = noise
    hasher = make(12, **TINY, store_codes=True).fit(X, y)
    codes = hasher.transform(X)
    assert codes.shape == (60, 12)
    assert codes.dtype == np.uint8
    assert len(np.unique(codes, axis=0)) > 1
    assert hasher.input_shape_ == (8, 6, 3)
    assert hasher.n_features_in_ == 8 * 6 * 3
    np.testing.assert_array_equal(codes, hasher.decision_function(X) > 0)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(hasher)).transform(X), codes)
    np.testing.assert_array_equal(clone(hasher).fit(X, y).transform(X), codes)
    assert all(isinstance(value, np.ndarray) for value in hasher.network_state_.values())


@pytest.mark.parametrize("make", [SemanticHasher, OrthoHasher, HashNetHasher])
def test_multilabel_images(make, noise):
    X, _ = noise
    labels = np.random.default_rng(0).integers(2, size=(60, 4))
    assert make(12, **TINY).fit(X, labels).transform(X).shape == (60, 12)


@pytest.mark.parametrize("make", [SemanticHasher, OrthoHasher])
def test_learns_real_pictures(make, thumbnails):
    """From 120 pictures of 12 classes: far from chance, which is 0.1, and from codes of pixels."""
    X, y, X_query, y_query = thumbnails
    recipe = Recipe(resnet(8, 0.5), augmentation=Augmentation(), ema_decay=0.9)
    options = {"max_iter": 15, "batch_size": 20, "learning_rate": 0.01, "weight_decay": 0.01}
    hasher = make(24, network=recipe, random_state=0, device="cpu", **options).fit(X, y)
    pixels = ITQHasher(24, random_state=0).fit(X.reshape(120, -1) / 255)

    def scores(database, codes):
        among = mean_average_precision(codes, y_query, exclude_self=True)
        return np.array([among, mean_average_precision(codes, y_query, database, y)])

    learned = scores(hasher.transform(X), hasher.transform(X_query))
    flat = scores(*(pixels.transform(Z.reshape(120, -1) / 255) for Z in (X, X_query)))
    assert (learned > [0.22, 0.33]).all()
    assert (learned > 1.2 * flat).all(), (learned, flat)


@pytest.mark.parametrize("make", [SemanticHasher, OrthoHasher])
def test_bytes_and_255ths_are_the_same(make, noise):
    X, y = noise
    of_bytes, of_reals = make(12, **TINY).fit(X, y), make(12, **TINY).fit(X / 255, y)
    np.testing.assert_array_equal(of_bytes.transform(X), of_reals.transform(X))
    np.testing.assert_array_equal(of_bytes.transform(X), of_bytes.transform(X / 255))


def test_seed_fixes_all_of_it_and_global_torch_is_left_alone(noise):
    X, y = noise
    recipe = Recipe(resnet(8, 0.25), augmentation=Augmentation(crop=2, cutout=3))
    options = {**TINY, "network": recipe, "max_iter": 2}
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = SemanticHasher(12, **options).fit(X, y).decision_function(X)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    np.testing.assert_array_equal(
        SemanticHasher(12, **options).fit(X, y).decision_function(X), first
    )
    options["random_state"] = 1
    assert not np.allclose(SemanticHasher(12, **options).fit(X, y).decision_function(X), first)


def test_augmentation_is_for_training_alone(noise):
    """The network sees training images through it; validation, the posterior and codes do not."""
    X, y = noise
    calls = []

    def black(images, generator):
        calls.append(len(images))
        return torch.zeros_like(images)

    recipe = Recipe(resnet(8, 0.25), augmentation=black)
    options = {**TINY, "network": recipe, "max_iter": 2, "early_stopping": True}
    hasher = SemanticHasher(12, **options).fit(X, y)
    assert sum(calls) == 2 * 54
    assert np.ptp(hasher.decision_function(X), axis=0).max() > 0
    assert sum(calls) == 2 * 54


def maps_only(n_channels, n_outputs):
    """A network without any linear layer."""
    return nn.Sequential(nn.Conv2d(n_channels, n_outputs, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def small_net(n_channels, n_outputs):
    return nn.Sequential(
        nn.Conv2d(n_channels, 8, 3, stride=2),
        nn.ReLU(),
        nn.Dropout2d(0.2),
        nn.Flatten(),
        nn.Linear(8 * 3 * 2, n_outputs),
    )


def test_posterior_reads_what_the_last_linear_layer_is_given(noise):
    """The bits are affine in the posterior and these features, as the fitted weights say."""
    X, y = noise
    hasher = SemanticHasher(12, **{**TINY, "network": small_net}).fit(X, y)
    state = hasher.network_state_
    module = small_net(3, 3).eval()
    prefix = "classifier.network."
    weights = {k[len(prefix) :]: torch.from_numpy(v) for k, v in state.items() if prefix in k}
    module.load_state_dict(weights)
    pixels = (X / 255 - state["classifier.pixels.mean"]) / state["classifier.pixels.scale"]
    with torch.no_grad():
        hidden = module[:-1](torch.from_numpy(pixels.transpose(0, 3, 1, 2)).float())
        posterior = torch.softmax(module[-1](hidden) / hasher.temperature, dim=1).numpy()
    expected = posterior @ state["class_bits.weight"].T + state["class_bits.bias"]
    expected += (hidden.numpy() - state["mean"]) @ state["feature_bits.weight"].T
    assert state["mean"].shape == (48,)
    np.testing.assert_allclose(hasher.decision_function(X), expected, atol=1e-4)


def test_networks_without_features_are_refused_before_training(noise):
    options = {**TINY, "network": maps_only}
    with pytest.raises(ValueError, match='has none: set encoder="direct"'):
        SemanticHasher(12, **options).fit(*noise)
    assert DIRECT(12, **options).fit(*noise).transform(noise[0]).shape == (60, 12)


@pytest.mark.parametrize(
    ("shape", "parameters", "words"),
    [
        ((60, 8, 6, 3), {"network": "mlp"}, r"network='mlp' takes rows.*\(60, 8, 6, 3\).*resnet"),
        ((60, 8, 6, 3), {"network": Recipe("linear")}, "network='linear' takes rows"),
        ((60, 8, 6), {}, r"shape \(60, 8, 6\): write grey images"),
        (
            (60, 2, 8, 6, 3),
            {},
            r"\(n_samples, height, width, n_channels\), got.*\(60, 2, 8, 6, 3\)",
        ),
        ((60, 3, 32, 32), {}, "channels seem to come first"),
        ((59, 8, 6, 3), {}, "inconsistent numbers of samples"),
    ],
)
def test_unsuitable_images_are_refused(shape, parameters, words, noise):
    with pytest.raises(ValueError, match=words):
        OrthoHasher(8, **{**TINY, **parameters}).fit(np.zeros(shape, np.uint8), noise[1])


def test_kinds_of_numbers(noise):
    X, y = noise
    with pytest.raises(ValueError, match="uint8 or of real numbers, got int64"):
        OrthoHasher(8, **TINY).fit(X.astype(np.int64), y)
    with pytest.raises(ValueError, match="NaN"):
        OrthoHasher(8, **TINY).fit(np.where(X > 250, np.nan, X), y)
    with pytest.raises(ValueError, match="requires y"):
        OrthoHasher(8, **TINY).fit(X, None)


def test_neighbours_of_features_need_features(noise):
    with pytest.raises(ValueError, match=r"KLBinaryHasher takes rows of features.*\(60, 8, 6, 3\)"):
        KLBinaryHasher(8, network=resnet(8)).fit(noise[0])


def test_transform_wants_the_shape_of_fit(noise):
    X, y = noise
    hasher = OrthoHasher(8, **TINY).fit(X, y)
    for other in (X[:, :, :5], X[..., :1], X.reshape(60, -1), X[0]):
        with pytest.raises(ValueError, match=r"fitted on X of shape \(n_samples, 8, 6, 3\)"):
            hasher.transform(other)
    flat = OrthoHasher(8, max_iter=1, device="cpu").fit(X.reshape(60, -1), y)
    with pytest.raises(ValueError, match=r"fitted on X of shape \(n_samples, n_features\)"):
        flat.transform(X)


def test_refitted_on_features_forgets_images(noise):
    X, y = noise
    hasher = OrthoHasher(8, **TINY).fit(X, y)
    hasher.set_params(network="mlp").fit(X.reshape(60, -1)[:, :10], y)
    assert not hasattr(hasher, "input_shape_")
    assert hasher.n_features_in_ == 10
    assert hasher.transform(X.reshape(60, -1)[:, :10]).shape == (60, 8)


def test_warm_start(noise):
    X, y = noise
    hasher = SemanticHasher(8, **{**TINY, "warm_start": True, "learning_rate": 1e-8}).fit(X, y)
    before = hasher.network_state_["classifier.network.head.weight"]
    hasher.fit(X, y)
    np.testing.assert_allclose(
        hasher.network_state_["classifier.network.head.weight"], before, atol=1e-5
    )
    with pytest.raises(ValueError, match="goes on from the last fit"):
        hasher.fit(X[:, :7], y)


def test_lists_and_floats_of_images(noise):
    X, y = noise
    codes = OrthoHasher(8, **TINY).fit(X, y).transform(X)
    hasher = OrthoHasher(8, **TINY).fit(list(X), list(y))
    np.testing.assert_array_equal(hasher.transform(list(X)), codes)
    np.testing.assert_array_equal(hasher.predict(X[:5]), hasher.predict(list(X[:5])))


def test_grid_search_over_networks(noise):
    X, y = noise
    search = GridSearchCV(
        OrthoHasher(8, **TINY),
        {"network": [resnet(8, 0.25), Recipe(resnet(8, 0.125), ema_decay=0.5)]},
        scoring=get_scorer("map"),
        cv=StratifiedKFold(2),
    ).fit(X, y)
    assert search.best_estimator_.transform(X).shape == (60, 8)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_mixed_precision_on_the_cpu(noise):
    """bfloat16 has 8 bits: near the outputs of float32, and not the same."""
    X, y = noise
    low = Recipe(resnet(8, 0.25), mixed_precision=True)
    exact = OrthoHasher(16, **TINY).fit(X, y)
    hasher = OrthoHasher(16, **{**TINY, "network": low}).fit(X, y)
    assert all(v.dtype in (np.float32, np.int64) for v in hasher.network_state_.values())
    rough = hasher.decision_function(X)
    precise = hasher.set_params(network=resnet(8, 0.25)).decision_function(X)
    assert rough.dtype == np.float32
    assert not np.array_equal(rough, precise)
    np.testing.assert_allclose(rough, precise, atol=0.1)
    assert ((rough > 0) == (exact.decision_function(X) > 0)).mean() > 0.9
