"""Similarity in several respects at once, each with its weight."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _num_samples

from skhash.similarity._evaluate import check_callable, evaluate_similarity
from skhash.utils._labels import encode_labels, gather, level_labels


class WeightedSimilarity(BaseEstimator):
    """Weighted mean of several similarity targets for the same labels.

    Parameters
    ----------
    targets : list of (target, weight)
        Targets and positive weights, which need not sum to 1.

    See Also
    --------
    MappedSimilarity : For a target that knows the labels in another form, such as vectors.
    ColumnsSimilarity : For labels of several levels, each with its target.

    Examples
    --------
    >>> from skhash.similarity import LabelSimilarity, TaxonomySimilarity, WeightedSimilarity
    >>> similarity = WeightedSimilarity(
    ...     [(TaxonomySimilarity("cifar100-coarse"), 0.6), (LabelSimilarity(), 0.4)]
    ... )
    >>> similarity(["rose"], ["rose", "tulip", "shark"])
    array([[1. , 0.3, 0. ]])
    """

    def __init__(self, targets):
        self.targets = targets

    @property
    def label_kind(self) -> str | None:
        """What hashers take labels for, where a target has a say in it; see `check_labels`."""
        said = [getattr(target, "label_kind", None) for target, *_ in self.targets]
        kinds = sorted({kind for kind in said if kind is not None})
        if len(kinds) > 1:
            raise ValueError(f"targets take labels for different things: {kinds}")
        return kinds[0] if kinds else None

    def __call__(self, y_a, y_b) -> np.ndarray:
        """Similarities of labels.

        Parameters
        ----------
        y_a : array-like of n_a labels
            Labels of any kind that all targets understand.
        y_b : array-like of n_b labels
            Labels to compare them with.

        Returns
        -------
        values : ndarray of shape (n_a, n_b), dtype float64
            Similarities in [0, 1].

        Raises
        ------
        ValueError
            If there are no targets, a weight is not positive, or as the targets do.
        TypeError
            If a target cannot be called.
        """
        targets, weights = _check_parts(self.targets, ("target", "weight"))
        if self.label_kind == "levels":
            y_a, y_b = level_labels(y_a, "y_a"), level_labels(y_b, "y_b")
        values = np.zeros((_num_samples(y_a), _num_samples(y_b)))
        for (target,), weight in zip(targets, weights):
            values += weight * evaluate_similarity(target, y_a, y_b)
        return values


class ColumnsSimilarity(BaseEstimator):
    """Similarity of labels of several levels: y has a column for each, such as coarse and fine.

    The similarity is the weighted mean of those of the columns. Each distinct row of y is a
    class of its own.

    Parameters
    ----------
    columns : list of (column, target, weight)
        The number of a column of y, the target for its labels, and a positive weight; weights
        need not sum to 1. A column may be left out, or come several times.

    Notes
    -----
    The attribute ``label_kind`` tells a hasher that this target wants the columns of y as class
    labels; otherwise it would refuse strings in several columns, and take integers for multilabel
    indicators or vectors. Your own function may also have the attribute ``label_kind = "levels"``.
    It gets a one-dimensional array of tuples, the distinct rows of y.

    Examples
    --------
    >>> from skhash.similarity import ColumnsSimilarity, LabelSimilarity
    >>> similarity = ColumnsSimilarity([(0, LabelSimilarity(), 1), (1, LabelSimilarity(), 3)])
    >>> y = [["pet", "cat"], ["pet", "dog"], ["tree", "oak"]]
    >>> similarity(y[:1], y)
    array([[1.  , 0.25, 0.  ]])
    """

    #: What hashers take labels for; see `skhash.similarity.check_labels`.
    label_kind: ClassVar[str] = "levels"

    def __init__(self, columns):
        self.columns = columns

    def __call__(self, y_a, y_b) -> np.ndarray:
        """Similarities of labels of several levels.

        Parameters
        ----------
        y_a : array-like of shape (n_a, n_levels), or of n_a tuples
            A class label in each column.
        y_b : array-like of shape (n_b, n_levels), or of n_b tuples
            The same.

        Returns
        -------
        values : ndarray of shape (n_a, n_b), dtype float64
            Similarities in [0, 1].

        Raises
        ------
        ValueError
            If there are no columns, y lacks one, a weight is not positive, or as the targets
            do.
        TypeError
            If a target cannot be called.
        """
        parts, weights = _check_parts(self.columns, ("column", "target", "weight"))
        rows_a, rows_b = level_labels(y_a, "y_a").tolist(), level_labels(y_b, "y_b").tolist()
        values = np.zeros((len(rows_a), len(rows_b)))
        if values.size == 0:
            return values
        for (column, target), weight in zip(parts, weights):
            labels_a, codes_a = _column(rows_a, column, "y_a")
            labels_b, codes_b = _column(rows_b, column, "y_b")
            similarity = evaluate_similarity(target, labels_a, labels_b)
            values += weight * gather(similarity, codes_a, codes_b)
        return values


def _check_parts(parts, fields: tuple[str, ...]) -> tuple[list[tuple], list[float]]:
    """What comes before the weights, and the weights as shares of 1."""
    wanted = f"a list of ({', '.join(fields)})"
    if not isinstance(parts, (list, tuple)) or len(parts) == 0:
        raise ValueError(f"{fields[0]}s must be {wanted}, got {parts!r}")
    for part in parts:
        if not isinstance(part, (list, tuple)) or len(part) != len(fields):
            raise ValueError(f"{fields[0]}s must be {wanted}, got {part!r} in it")
        check_callable(part[-2], "target")
        if not (isinstance(part[-1], Real) and 0 < float(part[-1]) < np.inf):
            raise ValueError(f"weight must be a positive number, got {part[-1]!r}")
    total = sum(float(part[-1]) for part in parts)
    return [tuple(part[:-1]) for part in parts], [float(part[-1]) / total for part in parts]


def _column(rows: list[tuple], column, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Distinct labels of a column, and the position of each row's label among them."""
    n_columns = len(rows[0])
    inside = isinstance(column, Integral) and -n_columns <= int(column) < n_columns
    if not inside or isinstance(column, bool):
        raise ValueError(
            f"column must be the number of one of the {n_columns} columns of {name}, got {column!r}"
        )
    labels, codes = encode_labels([row[column] for row in rows])
    return np.asarray(labels), codes
