"""Scores by name: "mahp@250" and the like."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass

from skhash.metrics import _statistics as statistics
from skhash.metrics._statistics import Statistic

_NAME = re.compile(r"(?P<family>map@r|[a-z_]+)(@(?P<k>[1-9]\d*))?(:(?P<variant>[a-z]+))?")


@dataclass(frozen=True)
class _Family:
    """Scores that differ in cut-off and variant; the first variant goes without saying.

    whole, cut : whether there is one of the whole ranking, and whether there are cut-offs.
    whole_variants : the variants that the whole ranking has too.
    """

    make: Callable[..., Statistic]
    whole: bool = False
    cut: bool = True
    variants: tuple[str, ...] = ()
    whole_variants: tuple[str, ...] = ()


_FAMILIES = {
    "acg": _Family(lambda k, _: statistics.average_cumulative_gain(k, "shared")),
    "hap": _Family(lambda k, _: statistics.hierarchical_average_precision(), whole=True, cut=False),
    "hit_rate": _Family(lambda k, _: statistics.hit_rate(k)),
    "hp": _Family(lambda k, _: statistics.hierarchical_precision(k)),
    "mahp": _Family(statistics.average_hierarchical_precision, variants=("mean", "trapezoid")),
    "map": _Family(statistics.average_precision, whole=True, variants=statistics.NORMALIZERS),
    "map@r": _Family(lambda k, _: statistics.average_precision_at_r(), whole=True, cut=False),
    "mrr": _Family(lambda k, _: statistics.mean_reciprocal_rank(k), whole=True),
    "ndcg": _Family(
        lambda k, variant: statistics.ndcg(k, "shared" if variant == "shared" else "graded"),
        whole=True,
        variants=("similarity", "shared"),
        whole_variants=("shared",),
    ),
    "precision": _Family(lambda k, _: statistics.precision(k)),
    "r_precision": _Family(lambda k, _: statistics.r_precision(), whole=True, cut=False),
    "recall": _Family(lambda k, _: statistics.recall(k)),
    "wap": _Family(
        lambda k, variant: statistics.weighted_average_precision(k, variant, "shared"),
        whole=True,
        variants=("total", "min"),
    ),
}


def get_scorer_names() -> list[str]:
    """Names that `get_scorer` takes, with ``k`` where a cut-off goes.

    Returns
    -------
    names : list of str
        Sorted. What follows a colon is a variant: how the average is taken, what an average
        precision is divided by, or that the gains are the numbers of shared labels.

    Examples
    --------
    >>> from skhash.metrics import get_scorer_names
    >>> get_scorer_names()[:4]
    ['acg@k', 'hap', 'hit_rate@k', 'hp@k']
    """
    names = []
    for family, what in _FAMILIES.items():
        names += [family] * what.whole + [f"{family}@k"] * what.cut
        names += [f"{family}:{variant}" for variant in what.whole_variants]
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
        raise ValueError(f"unknown score {name!r}; known are {', '.join(get_scorer_names())}")
    k, variant = match["k"], match["variant"]
    if k is not None and not family.cut:
        raise ValueError(f"score {name!r} has no cut-off: say {match['family']!r}")
    if k is None and not (family.whole and variant in (None, *family.whole_variants)):
        raise ValueError(f"score {name!r} needs a cut-off, such as '{match['family']}@100'")
    if variant is None:
        variant = family.variants[0] if family.variants else None
    elif variant not in family.variants:
        known = ", ".join(map(repr, family.variants)) or "none"
        raise ValueError(f"score {name!r}: unknown variant {variant!r}; known are {known}")
    statistic = family.make(None if k is None else int(k), variant)
    return dataclasses.replace(statistic, name=name)
