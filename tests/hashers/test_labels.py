"""Labels that numpy or scikit-learn would change on the way are refused by all that take y."""

import datetime

import numpy as np
import pandas as pd
import pytest

from skhash import HashRetriever, KLBinaryHasher, PCAHasher, hashers
from skhash.model_selection import UnseenClassSplit
from skhash.networks import resnet

LABELLED = [
    getattr(hashers, name)
    for name in hashers.__all__
    if name not in ("HashRetriever", "ITQHasher", "KLBinaryHasher", "PCAHasher")
    and name not in ("RandomProjectionHasher", "SpectralHasher")
]
REFUSED = {
    "NaN among strings": (["a", "b", np.nan], "missing labels"),
    "None": (["a", "b", None], "missing labels"),
    "strings and numbers": (["a", 1, 2.5], "mixes strings with other labels"),
    "mask": (np.ma.array([0, 1, 2], mask=[0, 0, 1]), "missing labels"),
    "mask of strings": (np.ma.array(["a", "b", "c"], mask=[0, 0, 1]), "missing labels"),
    "datetime64": (np.array(["2020", "2021", "2022"], "M8[Y]"), "dates"),
    "date": ([datetime.date(2020 + i, 1, 1) for i in range(3)], "dates"),
    "pandas": (pd.Series(["a", "b", None], dtype="category"), "missing labels"),
    "NaN in a column": ([["a"], ["b"], [np.nan]], "missing labels"),
}
X = np.random.default_rng(0).normal(size=(12, 6))


def repeated(y):
    """Four of each label, in the type that y has."""
    if isinstance(y, list):
        return y * 4
    if isinstance(y, np.ma.MaskedArray):
        return np.ma.concatenate([y] * 4)
    return pd.concat([y] * 4) if isinstance(y, pd.Series) else np.tile(y, 4)


@pytest.mark.parametrize("bad", REFUSED)
@pytest.mark.parametrize("hasher", LABELLED, ids=lambda hasher: hasher.__name__)
def test_hashers(hasher, bad):
    y, message = REFUSED[bad]
    with pytest.raises(ValueError, match=f"^y .*{message}"):
        hasher(n_bits=4).fit(X, repeated(y))


@pytest.mark.parametrize("bad", REFUSED)
def test_others_that_take_labels(bad):
    y, message = REFUSED[bad]
    y = repeated(y)
    with pytest.raises(ValueError, match=f"^y .*{message}"):
        HashRetriever(PCAHasher(n_bits=4)).fit(X, y)
    with pytest.raises(ValueError, match=f"^y .*{message}"):
        next(UnseenClassSplit(2).split(X, y))
    with pytest.raises(ValueError, match=f"^y .*{message}"):
        PCAHasher(n_bits=4, store_codes=True).fit(X, y)
    images = np.random.default_rng(0).integers(256, size=(12, 8, 8, 1), dtype=np.uint8)
    with pytest.raises(ValueError, match=f"^y .*{message}"):
        hashers.CSQHasher(n_bits=4, network=resnet(8, 0.25)).fit(images, y)


@pytest.mark.parametrize(
    ("first", "later", "message"),
    [
        ([0, 1, 2], [3, 4, 5], r"not in classes: \[3, 4, 5\]"),
        ([0, 1, 2], ["0", "1", "2"], r"not in classes: \['0', '1', '2'\]"),
        (["a", "b", "c"], [0, 1, 2], r"not in classes: \[0, 1, 2\]"),
        (["a", "b", "a"], [[0, 1], [1, 0], [1, 1]], "indicators of 2 labels, but classes are"),
        ([[0, 1], [1, 0], [1, 1]], np.eye(3, dtype=int).tolist(), "indicators of 3 labels"),
        ([0, 1, 2], X[:3].tolist(), "real numbers"),
    ],
)
def test_later_chunks_have_the_classes_of_the_first(first, later, message):
    hasher = KLBinaryHasher(n_bits=4, classification_weight=1.0, device="cpu")
    hasher.partial_fit(X, first * 4)
    codes = hasher.transform(X)
    with pytest.raises(ValueError, match=f"^y holds .*{message}"):
        hasher.partial_fit(X, later * 4)
    np.testing.assert_array_equal(hasher.transform(X), codes)


@pytest.mark.parametrize("classes", [["a", 1], [0, 1, np.nan], [[0, 1, 2]]])
def test_classes_are_labels(classes):
    with pytest.raises(ValueError, match=r"^classes "):
        KLBinaryHasher(n_bits=4, classification_weight=1.0).partial_fit(
            X, [0, 1, 2] * 4, classes=classes
        )
