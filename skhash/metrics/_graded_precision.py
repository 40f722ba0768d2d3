"""Hierarchical average precision: pairs of items, each worth the lesser of its two gains."""

from __future__ import annotations

import numpy as np

from skhash.metrics._ties import Groups, harmonic_numbers, mean_gain, rank_ends

# up to this many different gains are counted one by one; more are merged
_MAX_LEVELS = 128


def hierarchical_average_precision_sum(groups: Groups, cells: Groups) -> np.ndarray:
    """Expectation of the sum over ranks t of ``sum_{i <= t} min(gain_i, gain_t) / t``.

    A pair of items adds the lesser of their gains over the rank of the later one. Where the two
    are at different distances, that rank is one of those of the later group, all equally
    likely. Within a group after N items, of n, the later of two is at rank t with probability
    ``2 (t - N - 1) / (n (n - 1))``.

    Parameters
    ----------
    groups : Groups
        The rankings.
    cells : Groups
        The same, each group divided into items of equal gain, the least first. Where the order
        of tied items is given, the cells in that order are the groups too.
    """
    size, value = cells.size, mean_gain(cells)
    ends = rank_ends(groups, groups.size.sum(axis=1).max())
    first, last = ends[:, :-1], ends[:, 1:]
    cell_last = size.cumsum(axis=1)
    of_group = _group_of_cells(last, cell_last)
    # pairs within a cell, and with the items of the group after it, which have larger gains
    in_cell = value * size * (size - 1) / 2
    after = np.take_along_axis(last, of_group, axis=1) - cell_last
    with_earlier = sum_of_minima(value, size) * size + in_cell
    within = _by_group(in_cell + value * size * after, of_group, last.shape[1])
    across = _by_group(with_earlier, of_group, last.shape[1]) - within

    harmonic = harmonic_numbers(int(last.max(initial=0)))
    inverse_ranks = harmonic[last] - harmonic[first]
    n_items = np.maximum(groups.size, 1)
    later = (last - first - (first + 1) * inverse_ranks) / (n_items * np.maximum(n_items - 1, 1))
    return ((groups.gain + across) * inverse_ranks / n_items + 2 * within * later).sum(axis=1)


def merge_cells(size: np.ndarray, cells: Groups) -> Groups:
    """The groups of given sizes that were divided into cells."""
    of_group = _group_of_cells(size.cumsum(axis=1), cells.size.cumsum(axis=1))
    return Groups(size, _by_group(cells.gain, of_group, size.shape[1]))


def sum_of_minima(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """For each cell the sum over all items of earlier cells of the lesser of the two values.

    Parameters
    ----------
    values, counts : ndarray of shape (n_queries, n_cells)
        The values of cells, not negative, and their numbers of items.

    Returns
    -------
    sums : ndarray of shape (n_queries, n_cells)
    """
    levels = np.unique(values[counts > 0])
    if len(levels) > _MAX_LEVELS:
        return _merged_minima(values, counts)
    # a value is the sum of the steps between levels up to it, and so is the lesser of two
    sums = np.zeros(values.shape)
    for step, level in zip(np.diff(levels, prepend=0), levels, strict=True):
        reached = values >= level
        here = counts * reached
        sums += step * reached * (here.cumsum(axis=1) - here)
    return sums


def _merged_minima(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """`sum_of_minima` by merge sort: each merger compares a right half with its left half."""
    n_queries, n_cells = values.shape
    width = 1 << max(n_cells - 1, 0).bit_length()
    shape = (n_queries, width)
    value, count, total = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    value[:, :n_cells], count[:, :n_cells] = values, counts
    place = np.tile(np.arange(width), (n_queries, 1))
    half = 1
    while half < width:
        parts = [part.reshape(n_queries, -1, 2 * half) for part in (value, count, total, place)]
        # stable, which for two sorted halves is a merger
        order = np.argsort(parts[0], axis=2, kind="stable")
        value, count, total, place = (np.take_along_axis(part, order, axis=2) for part in parts)
        left = order < half
        left_count = np.cumsum(count * left, axis=2)
        left_sum = np.cumsum(count * left * value, axis=2)
        total += ~left * (left_sum + value * (left_count[:, :, -1:] - left_count))
        half *= 2
    sums = np.empty(shape)
    np.put_along_axis(sums, place.reshape(shape), total.reshape(shape), axis=1)
    return sums[:, :n_cells]


def _group_of_cells(group_ends: np.ndarray, cell_ends: np.ndarray) -> np.ndarray:
    """Place of the group that each cell belongs to, found by their last ranks."""
    rows = np.arange(len(group_ends))[:, None]
    # one row after the other in one sorted array
    shift = rows * (max(group_ends.max(initial=0), cell_ends.max(initial=0)) + 1)
    found = np.searchsorted((group_ends + shift).ravel(), (cell_ends + shift).ravel())
    n_groups = group_ends.shape[1]
    return np.clip(found.reshape(cell_ends.shape) - rows * n_groups, 0, n_groups - 1)


def _by_group(values: np.ndarray, of_group: np.ndarray, n_groups: int) -> np.ndarray:
    """Sums of the values of the cells of each group."""
    bins = of_group + np.arange(len(values))[:, None] * n_groups
    sums = np.bincount(bins.ravel(), values.ravel(), minlength=len(values) * n_groups)
    return sums.reshape(len(values), n_groups)
