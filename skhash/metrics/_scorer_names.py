"""Scores by name: "mahp@250" and the like."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass

from skhash.metrics import _statistics as statistics
from skhash.metrics._statistics import Statistic

_NAME = re.compile(r"(?P<family>[a-z]+)(@(?P<k>[1-9]\d*))?(:(?P<variant>[a-z]+))?")


@dataclass(frozen=True)
class _Family:
    """Scores that differ in cut-off and variant; the first variant goes without saying."""

    make: Callable[..., Statistic]
    whole: bool = False
    variants: tuple[str, ...] = ()


_FAMILIES = {
    "hp": _Family(lambda k, _: statistics.hierarchical_precision(k)),
    "mahp": _Family(statistics.average_hierarchical_precision, variants=("mean", "trapezoid")),
    "map": _Family(statistics.average_precision, whole=True, variants=statistics.NORMALIZERS),
    "ndcg": _Family(lambda k, _: statistics.ndcg(k, "graded"), whole=True),
    "precision": _Family(lambda k, _: statistics.precision(k)),
    "recall": _Family(lambda k, _: statistics.recall(k)),
}


def get_scorer_names() -> list[str]:
    """Names that `get_scorer` takes, with ``k`` where a cut-off goes.

    Returns
    -------
    names : list of str
        Sorted. What follows a colon is a variant: how the average is taken, or what an average
        precision is divided by.

    Examples
    --------
    >>> from skhash.metrics import get_scorer_names
    >>> get_scorer_names()[:4]
    ['hp@k', 'mahp@k', 'mahp@k:trapezoid', 'map']
    """
    names = []
    for family, what in _FAMILIES.items():
        names += [family] * what.whole + [f"{family}@k"]
        names += [f"{family}@k:{variant}" for variant in what.variants[1:]]
    return sorted(names)


def make_statistic(name: str) -> Statistic:
    """The metric that a name stands for; the name becomes its own.

    Parameters
    ----------
    name : str
        A name as of `get_scorer_names`, with a number for ``k``.

    Returns
    -------
    statistic : Statistic
        Computes the metric.
    """
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    family = _FAMILIES.get(match["family"]) if match else None
    if match is None or family is None:
        raise ValueError(f"Unknown score {name!r}; known are {', '.join(get_scorer_names())}.")
    k, variant = match["k"], match["variant"]
    if k is None and (variant or not family.whole):
        raise ValueError(f"Score {name!r} needs a cut-off, such as '{match['family']}@100'.")
    if variant is None:
        variant = family.variants[0] if family.variants else None
    elif variant not in family.variants:
        known = ", ".join(map(repr, family.variants)) or "none"
        raise ValueError(f"Score {name!r}: unknown variant {variant!r}; known are {known}.")
    statistic = family.make(None if k is None else int(k), variant)
    return dataclasses.replace(statistic, name=name)
