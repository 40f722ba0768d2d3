"""Rankings with ties for brute force: every order of the tied items, one by one."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st

SUMMARY = {"expected": np.mean, "optimistic": np.max, "pessimistic": np.min}
TIES = tuple(SUMMARY)


def orders_of(distances):
    """All orders of the items that the distances allow."""
    groups = [np.flatnonzero(distances == d) for d in np.unique(distances)]
    for parts in itertools.product(*(itertools.permutations(group) for group in groups)):
        yield np.concatenate([np.array(part, dtype=int) for part in parts])


def over_orders(function, distances, ties):
    """Mean, largest or least value of a function of an order."""
    return SUMMARY[ties]([function(order) for order in orders_of(distances)])


def ap_of_order(relevant, k, normalizer):
    """Average precision of one ranking, by its definition."""
    total = relevant.sum()
    top = relevant[:k]
    hits = np.flatnonzero(top)
    if not len(hits):
        return 0.0
    precisions = [top[: rank + 1].mean() for rank in hits]
    return sum(precisions) / {"total": total, "min": min(total, k), "hits": len(hits)}[normalizer]


# at most 5 * 4 * ... = 720 orders each
tied_distances = st.lists(st.integers(0, 3), min_size=2, max_size=6).map(np.array)


@st.composite
def rankings(draw, values):
    """Distances, gains of the items by their place, and a cut-off."""
    distances = draw(tied_distances)
    gains = np.array([draw(values) for _ in distances], dtype=float)
    return distances, gains, draw(st.integers(1, len(distances)))


binary_rankings = rankings(st.integers(0, 1)).filter(lambda case: case[1].any())
graded_rankings = rankings(st.sampled_from([0, 0.25, 0.5, 1])).filter(lambda case: case[1].any())
counted_rankings = rankings(st.integers(0, 3)).filter(lambda case: case[1].any())
