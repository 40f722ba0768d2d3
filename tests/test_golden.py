"""Stored models give their stored codes on every machine; `tools/make_golden.py` makes both."""

from pathlib import Path

import numpy as np
import pytest

import skhash
from skhash import hashers
from skhash.datasets import load_cifar100_features
from skhash.utils._checks._shared import rows_at_threshold

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())
HEIGHTS = (1, 2, 3, 7, 64, 1000)


@pytest.fixture(scope="module")
def codes():
    with np.load(GOLDEN / "codes.npz") as stored:
        return {name: np.unpackbits(stored[name], axis=1, count=20) for name in stored}


@pytest.fixture(scope="module")
def samples():
    """Rows of features, and images, that the codes are of."""
    cifar = load_cifar100_features()
    with np.load(GOLDEN / "images.npz") as stored:
        images = stored["images"]
    return cifar.data[cifar.query_indices[:500]].astype(np.float32), images


def samples_of(hasher, samples):
    return samples[hasattr(hasher, "input_shape_")]


def arithmetic_of(hasher):
    """The class that computes the values of a hasher's bits."""
    return next(base for base in hasher.__mro__ if "_bit_values" in vars(base))


def test_every_arithmetic_is_here():
    kept = {arithmetic_of(type(skhash.load(GOLDEN / name))) for name in NAMES}
    exported = {getattr(hashers, name) for name in set(hashers.__all__) - {"HashRetriever"}}
    assert kept == {arithmetic_of(hasher) for hasher in exported}


@pytest.mark.parametrize("name", NAMES)
def test_codes_are_those_of_every_machine(name, samples, codes):
    hasher = skhash.load(GOLDEN / name)
    X = samples_of(hasher, samples)
    np.testing.assert_array_equal(hasher.transform(X), codes[name])
    for height in HEIGHTS:
        rows = range(0, min(len(X), 20 * height), height)
        parts = np.concatenate([hasher.transform(X[i : i + height]) for i in rows])
        np.testing.assert_array_equal(parts, codes[name][: len(parts)])


@pytest.mark.parametrize("name", NAMES)
def test_codes_of_rows_at_the_threshold(name, samples, codes):
    """The rows themselves are found by codes: one other bit, and all that follows is other."""
    hasher = skhash.load(GOLDEN / name)
    X = samples_of(hasher, samples)
    X = X / np.float32(255) if X.dtype == np.uint8 else X
    rows, expected = rows_at_threshold(hasher, X, n_pairs=100), codes[f"{name}_at_threshold"]
    np.testing.assert_array_equal(hasher.transform(rows), expected)
    # they are what they are said to be: neighbours in float32, with different codes
    low, high = np.split(expected, 2)
    assert (low != high).any(axis=1).mean() > 0.9


@pytest.mark.parametrize("name", [name for name in NAMES if "images" not in name])
def test_onnx_models_have_the_codes(name, samples, codes):
    pytest.importorskip("onnxscript", reason="needs onnx, onnxscript and onnxruntime")
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    from skhash.export import to_onnx

    hasher = skhash.load(GOLDEN / name)
    session = onnxruntime.InferenceSession(
        to_onnx(hasher).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (bits,) = session.run(["bits"], {"features": samples[0]})
    np.testing.assert_array_equal(bits, codes[name])
    near = rows_at_threshold(hasher, samples[0], n_pairs=100)
    (bits,) = session.run(["bits"], {"features": near})
    np.testing.assert_array_equal(bits, codes[f"{name}_at_threshold"])
