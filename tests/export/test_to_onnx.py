"""Models in onnxruntime give the bits of their hashers, on real data."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import skhash
from skhash import (
    ClassCodeHasher,
    ITQHasher,
    KLBinaryHasher,
    PCAHasher,
    RandomProjectionHasher,
    SemanticHasher,
    SpectralHasher,
)
from skhash.base import BaseHasher
from skhash.datasets import load_cifar100_features
from skhash.encoders import RelationalEncoder
from skhash.export import compare_onnx, to_onnx
from skhash.neighbors import pack_codes

onnx = pytest.importorskip("onnx", reason="needs onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
pytest.importorskip("onnxscript", reason="needs onnxscript")

# not a multiple of 8: the last byte is filled up
N_BITS = 37
QUICK = {"max_iter": 1, "random_state": 0}


@pytest.fixture(scope="module")
def cifar():
    return load_cifar100_features()


@pytest.fixture(scope="module")
def training(cifar):
    rows = cifar.train_indices[:1500]
    return cifar.data[rows], cifar.target_names[cifar.target[rows]]


@pytest.fixture(scope="module")
def queries(cifar):
    return cifar.data[cifar.query_indices]


def run(model, X, names=("bits", "packed", "values")):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(list(names), {session.get_inputs()[0].name: X})


def two_layers(n_features, n_outputs):
    from torch import nn

    return nn.Sequential(
        nn.LayerNorm(n_features), nn.Linear(n_features, 50), nn.GELU(), nn.Linear(50, n_outputs)
    )


HASHERS = [
    ITQHasher(N_BITS, random_state=0),
    RandomProjectionHasher(N_BITS, random_state=0),
    SpectralHasher(N_BITS),
    SemanticHasher(N_BITS, hidden_layer_sizes=(64,), **QUICK),
    SemanticHasher(N_BITS, network=two_layers, encoder=RelationalEncoder(), **QUICK),
    KLBinaryHasher(N_BITS, hidden_layer_sizes=(64,), **QUICK),
    make_pipeline(
        StandardScaler(),
        Normalizer(),
        "passthrough",
        PCA(50, whiten=True, random_state=0),
        KLBinaryHasher(20, network="linear", **QUICK),
    ),
]


@pytest.mark.parametrize("hasher", HASHERS, ids=lambda hasher: type(hasher).__name__)
def test_same_bits_as_transform(hasher, training, queries):
    model = to_onnx(hasher.fit(*training))
    bits, packed, values = run(model, queries)
    expected = hasher.transform(queries)
    for n_rows in (0, 1):
        assert [len(output) for output in run(model, queries[:n_rows])] == [n_rows] * 3
    assert bits.dtype == packed.dtype == np.uint8
    assert values.dtype == np.float32
    np.testing.assert_array_equal(bits, expected)
    np.testing.assert_array_equal(packed, pack_codes(expected))
    assert 0.05 < bits.mean() < 0.95
    reference = hasher.decision_function(queries)
    assert np.abs(values - reference).max() < 1e-5 * np.abs(reference).max()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(set(skhash.__all__) - {"__version__"}))
def test_every_hasher_has_a_model(name, dtype, training, queries):
    kind = getattr(skhash, name)
    if not (isinstance(kind, type) and issubclass(kind, BaseHasher)):
        pytest.skip("not a hasher")
    hasher = kind(32)
    quick = {key: value for key, value in QUICK.items() if key in hasher.get_params()}
    X, y = training
    hasher.set_params(**quick).fit(X.astype(dtype), y)
    comparison = compare_onnx(to_onnx(hasher), hasher, queries)
    assert comparison.n_differing_bits == 0
    assert comparison.largest_difference < 1e-5 * np.abs(hasher.decision_function(queries)).mean()


def test_first_bit_is_highest():
    # PCA of the plane: bit 0 follows the long axis, bit 1 the short one
    X = np.array([[-9, -1], [-9, 1], [9, -1], [9, 1]], dtype=np.float32)
    hasher = PCAHasher(2).fit(X)
    (packed,) = run(to_onnx(hasher), X, ["packed"])
    values = hasher.decision_function(X)
    np.testing.assert_array_equal(packed[:, 0], 128 * (values[:, 0] > 0) + 64 * (values[:, 1] > 0))
    assert sorted(packed[:, 0]) == [0, 64, 128, 192]


def test_float64_in_float64(training, queries):
    X, wide = training[0].astype(np.float64), queries.astype(np.float64) + 1e-9
    hasher = ITQHasher(N_BITS, random_state=0).fit(X)
    bits, _, values = run(to_onnx(hasher, dtype=np.float64), wide)
    np.testing.assert_array_equal(bits, hasher.transform(wide))
    np.testing.assert_allclose(values, hasher.decision_function(wide), rtol=1e-6)


def test_images():
    from skhash.networks import resnet

    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8), np.arange(40) % 4
    hasher = SemanticHasher(12, network=resnet(8), batch_size=20, **QUICK).fit(X, y)
    model = to_onnx(hasher, check=X)
    assert [taken.name for taken in model.graph.input] == ["images"]
    np.testing.assert_array_equal(run(model, X)[1], pack_codes(hasher.transform(X)))
    scaled = (X / 255).astype(np.float32)
    with pytest.raises(ValueError, match="uint8"):
        compare_onnx(model, hasher, scaled)


@pytest.mark.parametrize(
    ("classifier", "n_classes"),
    [(None, 100), (make_pipeline(Normalizer(), RidgeClassifier()), 2)],
    ids=["default", "two-classes"],
)
def test_class_codes(classifier, n_classes, training, queries):
    X, y = training
    chosen = np.isin(y, np.unique(y)[:n_classes])
    hasher = ClassCodeHasher(N_BITS, estimator=classifier, random_state=0).fit(X[chosen], y[chosen])
    comparison = compare_onnx(to_onnx(hasher), hasher, queries)
    assert comparison.n_bits == queries.shape[0] * N_BITS
    assert comparison.n_differing_bits == 0
    assert comparison.smallest_value == 1


def test_says_what_it_is_and_nothing_of_the_machine(training, tmp_path):
    hasher = KLBinaryHasher(N_BITS, network="linear", **QUICK).fit(*training)
    path = tmp_path / "hasher.onnx"
    to_onnx(make_pipeline(hasher).fit(*training), path, opset_version=20)
    loaded = onnx.load(path)
    assert {entry.key: entry.value for entry in loaded.metadata_props} == {
        "skhash.version": skhash.__version__,
        "skhash.estimator": "KLBinaryHasher",
        "skhash.n_bits": str(N_BITS),
        "skhash.n_features": "256",
    }
    assert {entry.domain: entry.version for entry in loaded.opset_import} == {"": 20}
    assert os.path.dirname(skhash.__file__).encode() not in path.read_bytes()
    assert b"site-packages" not in path.read_bytes()


class Upside(PCAHasher):
    """Other values than its model's: the bits are inverted."""

    def _bit_values(self, X, dtype):
        return -super()._bit_values(X, dtype)


def test_check_leaves_the_file(training, queries, tmp_path):
    path = tmp_path / "hasher.onnx"
    to_onnx(PCAHasher(N_BITS).fit(*training), path, check=queries)
    before = path.read_bytes()
    other = Upside(N_BITS).fit(*training)
    with pytest.raises(RuntimeError, match=r"74000 of 74000 bits.*nothing was written"):
        to_onnx(other, path, check=queries)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["hasher.onnx"]
    comparison = compare_onnx(path, other, queries)
    assert comparison.largest_differing_value == np.abs(other.decision_function(queries)).max()


def test_failed_write_leaves_nothing(training, tmp_path, monkeypatch):
    path = tmp_path / "hasher.onnx"
    path.write_bytes(b"before")

    def full_disk(model, target):
        target.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(onnx, "save_model", full_disk)
    with pytest.raises(OSError, match="no space"):
        to_onnx(PCAHasher(8).fit(*training), path)
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["hasher.onnx"]


def test_errors(training):
    X, y = training
    with pytest.raises(TypeError, match=r"got PCA"):
        to_onnx(PCA(2).fit(X))
    with pytest.raises(TypeError, match=r"MinMaxScaler cannot.*StandardScaler, Normalizer, PCA"):
        to_onnx(make_pipeline(MinMaxScaler(), PCAHasher(8)).fit(X))
    with pytest.raises(TypeError, match="DecisionTreeClassifier cannot"):
        to_onnx(ClassCodeHasher(16, estimator=DecisionTreeClassifier(max_depth=2)).fit(X, y))
    with pytest.raises(NotFittedError):
        to_onnx(PCAHasher(8))
    with pytest.raises(ValueError, match=r"dtype must be one of .* for features, got 'uint8'"):
        to_onnx(PCAHasher(8).fit(X), dtype="uint8")
    with pytest.raises(FileNotFoundError, match="'nowhere'"):
        to_onnx(PCAHasher(8).fit(X), "nowhere/hasher.onnx")
    with pytest.raises(ValueError, match="at least 18, got 9"):
        to_onnx(PCAHasher(8).fit(X), opset_version=9)


def test_missing_packages(training, monkeypatch):
    hasher = PCAHasher(8).fit(*training)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match="pip install onnxruntime"):
        compare_onnx("hasher.onnx", hasher, training[0])
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match="pip install onnx onnxscript"):
        to_onnx(hasher)
