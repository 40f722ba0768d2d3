"""Lookup within a radius."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skhash.metrics import precision_recall_curve, precision_within_radius

# distances of the two queries: 0, 1, 1, 3 and 3, 2, 2, 0 (and the third class is never found)
CODES = [[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 1, 1]]
LABELS = [0, 1, 0, 1]
QUERIES = [[0, 0, 0], [1, 1, 1]]


def random_case(n_bits=10):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, (250, n_bits))
    labels = rng.integers(0, 4, 250)
    return codes[:50], labels[:50], codes[50:], labels[50:]


def test_by_hand():
    precision, empty = precision_within_radius(QUERIES, [0, 0], CODES, LABELS, radius=1)
    assert precision == pytest.approx((2 / 3 + 0) / 2)
    assert empty == 0
    precision, empty = precision_within_radius(
        QUERIES, [0, 0], CODES, LABELS, radius=2, per_query=True
    )
    np.testing.assert_allclose(precision, [2 / 3, 1 / 3])
    np.testing.assert_array_equal(empty, [False, False])


@pytest.mark.parametrize("radius", [0, 2, 4, 10, 99])
@pytest.mark.parametrize("empty", ["zero", "skip"])
def test_against_all_distances(radius, empty):
    query, query_labels, database, labels = random_case()
    within = (query[:, None] != database).sum(axis=2) <= radius
    found = (within & (query_labels[:, None] == labels)).sum(axis=1)
    size = within.sum(axis=1)
    values = np.where(size > 0, found / np.maximum(size, 1), 0 if empty == "zero" else np.nan)
    precision, share = precision_within_radius(
        query, query_labels, database, labels, radius=radius, empty=empty
    )
    assert precision == pytest.approx(np.nanmean(values))
    assert share == (size == 0).mean()


def test_query_itself_is_not_found():
    codes = np.eye(5)
    precision, empty = precision_within_radius(codes, np.zeros(5), radius=1, exclude_self=True)
    assert (precision, empty) == (0, 1)
    precision, empty = precision_within_radius(codes, np.zeros(5), radius=2, exclude_self=True)
    assert (precision, empty) == (1, 0)


def test_nothing_found_by_any_query():
    arguments = {"exclude_self": True, "radius": 0, "empty": "skip"}
    with pytest.raises(ValueError, match="no query finds anything within radius 0"):
        precision_within_radius(np.eye(5), np.zeros(5), **arguments)


def test_queries_without_anything_relevant():
    with pytest.warns(UndefinedMetricWarning, match="1 of 2 queries"):
        left_out = precision_within_radius(QUERIES, [0, 7], CODES, LABELS, radius=1)
    assert left_out.precision == pytest.approx(2 / 3)
    zero = precision_within_radius(QUERIES, [0, 7], CODES, LABELS, radius=1, no_relevant="zero")
    assert zero.precision == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("radius", "kind"), [(-1, "negative"), (1.5, "integer"), (True, "integer")]
)
def test_radius_is_checked(radius, kind):
    with pytest.raises(ValueError, match=kind):
        precision_within_radius(QUERIES, [0, 0], CODES, LABELS, radius=radius)


@pytest.mark.parametrize("average", ["macro", "micro"])
@pytest.mark.parametrize("empty", ["zero", "skip"])
def test_curve_against_all_distances(average, empty):
    query, query_labels, database, labels = random_case()
    precision, recall, radii = precision_recall_curve(
        query, query_labels, database, labels, average=average, empty=empty
    )
    distances = (query[:, None] != database).sum(axis=2)
    relevant = query_labels[:, None] == labels
    for i, radius in enumerate(radii):
        within = distances <= radius
        size, found = within.sum(axis=1), (within & relevant).sum(axis=1)
        if average == "micro":
            assert precision[i] == pytest.approx(found.sum() / size.sum())
            assert recall[i] == pytest.approx(found.sum() / relevant.sum())
            continue
        each = found / np.maximum(size, 1)
        each = each if empty == "zero" else each[size > 0]
        assert precision[i] == pytest.approx(each.mean())
        assert recall[i] == pytest.approx((found / relevant.sum(axis=1)).mean())
    assert radii[-1] == 10
    assert recall[-1] == 1
    assert np.isfinite(precision).all()


def test_curve_lacks_radii_that_find_nothing():
    codes, labels = np.eye(6), [0, 0, 0, 1, 1, 1]
    curve = precision_recall_curve(codes, labels, exclude_self=True, empty="skip")
    np.testing.assert_array_equal(curve.radius, [2, 3, 4, 5, 6])
    np.testing.assert_allclose(curve.precision, 2 / 5)
    curve = precision_recall_curve(codes, labels, exclude_self=True)
    np.testing.assert_array_equal(curve.precision[:2], 0)
