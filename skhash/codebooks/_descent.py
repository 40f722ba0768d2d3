"""Descent in the stress of a codebook: two classes exchange bits of a column, or whole codes."""

from __future__ import annotations

import numpy as np

from skhash.codebooks._stress import Stress

# Exchanges are looked for among this many classes on each side, until none is left: what a pair
# adds is small beside what its two classes gain on their own.
_N_CANDIDATES = 48


def descend(stress: Stress, codes: np.ndarray, max_sweeps: int, random_state) -> int:
    """Improve distinct codes of -1 and 1 in place until no exchange within a column helps.

    Two classes exchange their bits of a column, so that each column keeps its number of ones; the
    codes stay distinct. The scale is fitted again before each sweep over the columns.

    Returns the number of sweeps.
    """
    n_classes, n_bits = codes.shape
    keys, signature = _row_keys(codes, random_state)
    n_candidates = min(_N_CANDIDATES, n_classes)
    for sweep in range(1, max_sweeps + 1):
        products = codes @ codes.T
        pull = stress.weights * (stress.wanted(products, n_bits) - products)
        n_changed = 0
        for k in random_state.permutation(n_bits):
            twins = _twins(keys - (codes[:, k] > 0) * signature[k])
            column = _exchange_bits(codes[:, k], pull, stress, twins, n_candidates)
            changed = np.flatnonzero(column != codes[:, k])
            if len(changed) == 0:
                continue
            n_changed += len(changed)
            _follow(pull, stress.weights, codes[:, k], column, changed)
            # modulo 2 ** 64, where -1 is its complement
            keys[changed] += column[changed].astype(np.int64).view(np.uint64) * signature[k]
            codes[:, k] = column
        if n_changed == 0:
            if n_candidates == n_classes:
                return sweep
            n_candidates = n_classes
    return max_sweeps


def exchange_codes(stress: Stress, codes: np.ndarray, max_exchanges: int) -> int:
    """Exchange the codes of two classes in place, the best pair first, while it helps.

    Where few codes are left over, this finds what exchanges of single bits cannot, as these
    would lead through codes that others have.

    Returns the number of exchanges.
    """
    n_bits = codes.shape[1]
    for n_exchanges in range(max_exchanges):
        products = codes @ codes.T
        wanted = stress.wanted(products, n_bits)
        # what class i would cost with the code of class j, up to a constant of i
        cost = stress.weights @ products**2 - 2 * (stress.weights * wanted) @ products
        own = np.diagonal(cost)
        # two classes that exchange their codes stay as far apart as they were
        between = products * (products - 2 * wanted) - n_bits * (n_bits - 2 * wanted)
        change = cost + cost.T - own - own[:, np.newaxis] + 2 * stress.weights * between
        i, j = np.unravel_index(change.argmin(), change.shape)
        if not change[i, j] < -1e-9 * np.abs(own).max():
            return n_exchanges
        codes[[i, j]] = codes[[j, i]]
    return max_exchanges


def _exchange_bits(initial, pull, stress, twins, n_candidates) -> np.ndarray:
    """A column after exchanges of the bits of two classes, the best pair first.

    As a function of one column b, the stress is ``-2 b' M b / (2 K) ** 2`` up to a constant, with
    ``M = pull + w * (a a')``, where a is the column as it was.
    """
    weights = stress.weights
    column = initial.copy()
    fields = pull @ column + stress.row_weights * column
    tolerance = 1e-9 * float(np.abs(fields).max())
    while True:
        ones = _least(fields, np.flatnonzero(column > 0), n_candidates)
        zeros = _least(-fields, np.flatnonzero(column < 0), n_candidates)
        if len(zeros) == 0:
            return column
        pairs = np.ix_(ones, zeros)
        coupling = pull[pairs] + weights[pairs] * np.outer(initial[ones], initial[zeros])
        # flipping both adds four times this to b' M b
        gains = fields[zeros] - fields[ones][:, np.newaxis] - 2 * coupling
        if twins is not None:
            of_ones, of_zeros = twins[ones][:, np.newaxis], twins[zeros]
            gains[((of_ones >= 0) | (of_zeros >= 0)) & (of_ones != zeros)] = -np.inf
        row, place = np.unravel_index(gains.argmax(), gains.shape)
        if not gains[row, place] > tolerance:
            return column
        i, j = ones[row], zeros[place]
        column[i], column[j] = -1, 1
        fields += 2 * (pull[j] - pull[i])
        fields += 2 * (weights[j] * initial[j] - weights[i] * initial[i]) * initial


def _follow(pull, weights, old, new, changed) -> None:
    """Bring the weighted residual up to date with a column that has changed."""
    change = np.outer(new[changed], new) - np.outer(old[changed], old)
    rows = pull[changed] - weights[changed] * change
    pull[changed] = rows
    pull[:, changed] = rows.T


def _least(values, positions, n) -> np.ndarray:
    """The n positions with the smallest values, in no order."""
    if len(positions) <= n:
        return positions
    return positions[np.argpartition(values[positions], n)[:n]]


def _row_keys(codes, random_state) -> tuple[np.ndarray, np.ndarray]:
    """A number for each code: the sum, modulo 2 ** 64, of random ones for its bits of 1."""
    signature = random_state.randint(0, 2**64, size=codes.shape[1], dtype=np.uint64)
    return (codes > 0).astype(np.uint64) @ signature, signature


def _twins(keys) -> np.ndarray | None:
    """Position of the class with an equal key, or -1; None where all keys differ.

    Given the keys without a column: two codes that differ in this column only must keep differing,
    so a class with a twin can exchange bits with no other. As codes are distinct, none has two
    twins. It is next to impossible for unequal codes to share a key, and would only forbid an
    exchange.
    """
    order = keys.argsort()
    equal = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    if len(equal) == 0:
        return None
    twins = np.full(len(keys), -1)
    first, second = order[equal], order[equal + 1]
    twins[first], twins[second] = second, first
    return twins
