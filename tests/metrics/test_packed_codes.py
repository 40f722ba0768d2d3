"""Packed codes are codes: every function, display and scorer takes them for what they hold."""

import inspect
import re

import numpy as np
import pytest
from sklearn.preprocessing import FunctionTransformer

from skhash import metrics
from skhash.metrics import get_scorer, retrieval_report
from skhash.neighbors import pack_codes
from skhash.similarity import PrecomputedSimilarity

plt = pytest.importorskip("matplotlib.pyplot")

OF_RANKINGS = [
    name
    for name in metrics.__all__
    if "query_codes" in inspect.signature(getattr(metrics, name)).parameters
]
OF_CODES = [
    name
    for name in metrics.__all__
    if {"codes"} <= set(inspect.signature(getattr(metrics, name)).parameters)
]
TABLE = np.array([[1, 0.6, 0.1], [0.6, 1, 0.3], [0.1, 0.3, 1]])
TARGET = PrecomputedSimilarity(TABLE, np.arange(3))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    codes, labels = rng.integers(0, 2, (60, 13)), rng.integers(0, 3, 60)
    return codes, labels


def packed(codes):
    return pack_codes(codes, return_n_bits=True)


def options_of(function, *, own):
    parameters = inspect.signature(function).parameters
    options = {}
    if "k" in parameters:
        options["k"] = 5
    if "similarity" in parameters and "threshold" not in parameters:
        options["similarity"] = TARGET
    if own and "exclude_self" in parameters:
        options["exclude_self"] = True
    return options


def assert_same(one, other):
    if isinstance(one, metrics.RetrievalReport):
        one, other = dict(one), dict(other)
    np.testing.assert_equal(one, other)


@pytest.mark.parametrize("name", OF_RANKINGS)
def test_rankings(data, name):
    codes, labels = data
    function = getattr(metrics, name)
    options = options_of(function, own=False)
    parts = codes[:20], codes[20:]
    expected = function(parts[0], labels[:20], parts[1], labels[20:], **options)
    queries, items = map(packed, parts)
    assert_same(function(queries, labels[:20], items, labels[20:], **options), expected)
    assert_same(function(queries, labels[:20], parts[1], labels[20:], **options), expected)
    options = options_of(function, own=True)
    assert_same(function(packed(codes), labels, **options), function(codes, labels, **options))


@pytest.mark.parametrize("name", OF_CODES)
def test_codes_alone(data, name):
    codes, labels = data
    function = getattr(metrics, name)
    labels = [labels] if "labels" in inspect.signature(function).parameters else []
    options = options_of(function, own=True)
    assert_same(function(packed(codes), *labels, **options), function(codes, *labels, **options))


def test_as_vectors(data):
    codes, labels = data
    options = {"k": 5, "metric": "euclidean", "exclude_self": True}
    assert_same(
        retrieval_report(packed(codes), labels, **options),
        retrieval_report(codes, labels, **options),
    )


def test_scorers(data):
    codes, labels = data
    for metric in ("hamming", "cosine"):
        scorer = get_scorer("map@5", metric=metric)
        packing = FunctionTransformer(packed)
        assert scorer(packing, codes, labels) == scorer(FunctionTransformer(), codes, labels)


def test_bytes_alone_are_told_from_bits(data):
    codes, labels = data
    said = re.escape("pass bytes of packed codes as PackedCodes(data, n_bits)")
    with pytest.raises(ValueError, match=rf"^query_codes must hold only 0 and 1, got \d+. {said}"):
        retrieval_report(pack_codes(codes), labels, k=5, exclude_self=True)
    with pytest.raises(ValueError, match=rf"transform\(X\) must hold only 0 and 1.* {said}"):
        get_scorer("map")(FunctionTransformer(pack_codes), codes, labels)


@pytest.mark.parametrize("name", [name for name in metrics.__all__ if name.endswith("Display")])
def test_displays(data, name):
    draw = getattr(getattr(metrics, name), "from_predictions", None)
    if draw is None:
        pytest.skip("draws reports")
    codes, labels = data
    options = options_of(draw, own=True)
    if "similarity" in options:
        options["similarity"] = TARGET
    labels = [labels] if "labels" in str(inspect.signature(draw)) else []
    drawn = [draw(it, *labels, **options) for it in (codes, packed(codes))]
    plt.close("all")
    for part in ("balance", "distances", "precision"):
        one, other = (getattr(display, part, None) for display in drawn)
        np.testing.assert_equal(one, other)
