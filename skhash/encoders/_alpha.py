"""The parameter `kl_alpha` of what draws outputs to a binary distribution."""

from __future__ import annotations

from numbers import Real


def check_alpha(alpha):
    """Refuse a tuple other than (first, last); numbers are checked as parameters are.

    Raises
    ------
    ValueError
        If it is one.
    """
    if isinstance(alpha, tuple) and not (
        len(alpha) == 2 and all(isinstance(value, Real) and value > 0 for value in alpha)
    ):
        raise ValueError(
            f"kl_alpha must be a number above 0, or two of them as (first, last), got {alpha!r}"
        )
