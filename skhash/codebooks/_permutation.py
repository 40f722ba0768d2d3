"""Descent in the stress of a codebook by exchanges of whole codes."""

from __future__ import annotations

import numpy as np

from skhash.codebooks._stress import Stress


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
        # what class i would cost with the code of class j, but for a constant of i
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
