"""Classes are similar when what they stand for is."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from skhash.similarity._evaluate import check_callable, evaluate_similarity
from skhash.utils._labels import check_classes, encode_labels, gather

_SHOWN = 5


class MappedSimilarity(BaseEstimator):
    """Similarity of class labels, by a target for what each label stands for.

    It gives classes vectors (embeddings of their names, attributes, prototypes), or translates
    labels to the form that another target needs: class numbers to names, fine classes to coarse
    ones.

    Parameters
    ----------
    target : callable
        The target for what labels stand for.
    mapping : mapping, Series, DataFrame or array-like
        What each label stands for. A Series or DataFrame is looked up by its index; the rows
        of an array or list belong to the labels 0, 1, 2, ...

    See Also
    --------
    WeightedSimilarity : Mix targets, each for labels in its own form.

    Examples
    --------
    >>> from skhash.similarity import EmbeddingSimilarity, MappedSimilarity, TaxonomySimilarity
    >>> vectors = {"cat": [1.0, 0.0], "dog": [0.8, 0.6], "oak": [0.0, 1.0]}
    >>> MappedSimilarity(EmbeddingSimilarity(), vectors)(["cat"], ["dog", "oak"])
    array([[0.8, 0. ]])
    >>> numbered = MappedSimilarity(TaxonomySimilarity("cifar100-coarse"), ["rose", "tulip"])
    >>> numbered([0], [0, 1])
    array([[1. , 0.5]])
    """

    def __init__(self, target, mapping):
        self.target = target
        self.mapping = mapping

    def __call__(self, y_a, y_b) -> np.ndarray:
        """Similarities of class labels.

        Parameters
        ----------
        y_a : array-like of shape (n_a,)
            Labels that the mapping has.
        y_b : array-like of shape (n_b,)
            Labels that the mapping has.

        Returns
        -------
        values : ndarray of shape (n_a, n_b), dtype float64
            What the target returns for what they stand for.

        Raises
        ------
        ValueError
            If the mapping lacks labels, naming them, or as the target does.
        TypeError
            If the target cannot be called, or the mapping is not a mapping.
        """
        check_callable(self.target, "target")
        mapping = _as_mapping(self.mapping)
        labels_a, codes_a = encode_labels(check_classes(y_a, "y_a"))
        labels_b, codes_b = encode_labels(check_classes(y_b, "y_b"))
        if not labels_a or not labels_b:
            return np.zeros((len(codes_a), len(codes_b)))
        images_a, images_b = _look_up(labels_a, mapping), _look_up(labels_b, mapping)
        return gather(evaluate_similarity(self.target, images_a, images_b), codes_a, codes_b)


def _as_mapping(mapping: Any) -> Mapping:
    if isinstance(mapping, Mapping):
        return mapping
    if hasattr(mapping, "to_numpy"):
        return dict(zip(mapping.index.tolist(), mapping.to_numpy()))
    if isinstance(mapping, (str, bytes)) or not np.iterable(mapping):
        raise TypeError(
            "mapping must be a mapping, Series, DataFrame or array with a row for each label, "
            f"got {type(mapping).__name__}"
        )
    return dict(enumerate(mapping))


def _look_up(labels: Sequence[Hashable], mapping: Mapping) -> np.ndarray:
    missing = [label for label in labels if label not in mapping]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        shown = ", ".join(map(repr, missing[:_SHOWN]))
        raise ValueError(
            f"labels that the mapping lacks: {shown}{more}; it has, for example, "
            f"{list(mapping)[:3]}"
        )
    return np.asarray([mapping[label] for label in labels])
