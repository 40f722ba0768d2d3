"""Random codes at a minimum distance."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from skhash.codebooks._checks import check_size

_STEP = 0.01
_BLOCK = 2048
_OPTIONS = {
    "min_distance": [Interval(Real, 0, 1, closed="both")],
    "max_failures": [Interval(Integral, 1, None, closed="left")],
}


def maxhd_codebook(
    n_classes, n_bits, random_state=None, *, min_distance=0.61, max_failures=10_000
) -> np.ndarray:
    """Random codes, each accepted only if it is far enough from the earlier ones.

    A code of fair coins is accepted if it differs from each accepted one in ``min_distance *
    n_bits`` bits or more. When max_failures draws in a row have failed, the bar falls by 0.01, as
    often as necessary. The minimum distance is thereby much larger than that of
    `bernoulli_codebook` (26 against 17 of 64 bits for 100 classes); the mean distance stays near
    ``n_bits / 2``, and bits are balanced only by chance.

    Parameters
    ----------
    n_classes : int
        Number of codes.
    n_bits : int
        Length of the codes; ``2 ** n_bits`` must not be less than n_classes.
    random_state : int, RandomState instance or None, default=None
        Draws the codes. Give an int for the same codes in every call.
    min_distance : float, default=0.61
        The bar at first, as a fraction of n_bits.
    max_failures : int, default=10000
        Number of consecutive failures before the bar falls. More give codes a little further apart
        and take proportionally longer.

    Returns
    -------
    codebook : ndarray of shape (n_classes, n_bits), dtype uint8
        Distinct rows of 0 and 1.

    Raises
    ------
    ValueError
        If there are fewer than n_classes codes of n_bits, or an option is out of range.

    References
    ----------
    Hoe, J. T., Ng, K. W., Zhang, T., Chan, C. S., Song, Y.-Z., & Xiang, T. (2021). One loss for
    all: deep hashing with a single cosine similarity based learning objective. NeurIPS.

    Examples
    --------
    >>> from scipy.spatial.distance import pdist
    >>> from skhash.codebooks import maxhd_codebook
    >>> float(pdist(maxhd_codebook(10, 32, random_state=0), "cityblock").min()) >= 13
    True
    """
    n_classes, n_bits = check_size(n_classes, n_bits)
    options = {"min_distance": min_distance, "max_failures": max_failures}
    validate_parameter_constraints(_OPTIONS, options, "maxhd_codebook")
    random_state = check_random_state(random_state)
    # bits of -1 and 1, where a distance is a dot product
    accepted = np.empty((n_classes, n_bits), dtype=np.float32)
    n_accepted, n_failures, n_steps = 0, 0, 0
    while True:
        draws = random_state.randint(2, size=(_BLOCK, n_bits)).astype(np.float32) * 2 - 1
        nearest = _distances(draws, accepted[:n_accepted]).min(axis=1, initial=np.inf)
        start = 0
        while start < _BLOCK:
            bar = max(round(min_distance - n_steps * _STEP, 10) * n_bits, 1)
            stop = min(_BLOCK, start + max_failures - n_failures)
            passing = nearest[start:stop] >= bar
            chosen = int(passing.argmax())
            if not passing[chosen]:
                n_failures += stop - start
                start = stop
                if n_failures == max_failures:
                    n_failures, n_steps = 0, n_steps + 1
                continue
            accepted[n_accepted] = draws[start + chosen]
            n_accepted, n_failures = n_accepted + 1, 0
            if n_accepted == n_classes:
                return (accepted > 0).astype(np.uint8)
            start += chosen + 1
            new = _distances(draws[start:], accepted[n_accepted - 1 : n_accepted])
            np.minimum(nearest[start:], new[:, 0], out=nearest[start:])


def _distances(draws: np.ndarray, accepted: np.ndarray) -> np.ndarray:
    return (draws.shape[1] - draws @ accepted.T) / 2
