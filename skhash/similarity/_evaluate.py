"""Call a similarity target and check what it returns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils.validation import _num_samples

from skhash.similarity._embedding import EmbeddingSimilarity
from skhash.similarity._label import LabelSimilarity
from skhash.similarity._multilabel import MultilabelSimilarity
from skhash.utils._labels import check_target, target_kind

# rounding of float32 dot products and the like, which is clipped silently
_TOLERANCE = 1e-6
# what people call targets elsewhere
_NAMED = {
    "cosine": "rows of real numbers are compared by their cosine with EmbeddingSimilarity()",
    "jaccard": "sets of labels are compared so with MultilabelSimilarity()",
    "label": "classes are compared for equality with LabelSimilarity()",
    "wordnet": "words are compared in WordNet with WordNetSimilarity()",
}


def evaluate_similarity(similarity: Callable, y_a, y_b) -> np.ndarray:
    """Similarities of labels under a target, checked.

    Parameters
    ----------
    similarity : callable
        The target: ``similarity(y_a, y_b)`` returns an array of shape (n_a, n_b) with values
        in [0, 1], where 1 means the same.
    y_a : array-like of n_a labels
        Labels of any kind that the target understands.
    y_b : array-like of n_b labels
        Labels to compare them with.

    Returns
    -------
    values : ndarray of shape (n_a, n_b), dtype float64
        The similarities, clipped to [0, 1] where rounding left them up to 1e-6 outside.

    Raises
    ------
    ValueError
        If the target returns anything but numbers of that shape and range.

    Examples
    --------
    >>> from skhash.similarity import LabelSimilarity, evaluate_similarity
    >>> evaluate_similarity(LabelSimilarity(), ["cat", "dog"], ["dog"])
    array([[0.],
           [1.]])
    """
    if not callable(similarity):
        raise TypeError(
            f"similarity must be a target, a callable of two sets of labels, got {similarity!r}"
        )
    try:
        returned = similarity(y_a, y_b)
    except Exception as error:
        error.add_note(f"while calling similarity {similarity!r}")
        raise
    values = np.asarray(returned)
    shape = (_num_samples(y_a), _num_samples(y_b))
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"similarity {_describe(similarity)} must return an array of real numbers, "
            f"got {type(returned).__name__} of dtype {values.dtype}"
        )
    if values.shape != shape:
        raise ValueError(
            f"similarity {_describe(similarity)} must return shape {shape} for {shape[0]} and "
            f"{shape[1]} labels, got {values.shape}"
        )
    values = values.astype(np.float64, copy=False)
    if values.size == 0:
        return values
    low, high = values.min(), values.max()
    # NaN fails both comparisons, so that one test finds it too
    if not (low >= -_TOLERANCE and high <= 1 + _TOLERANCE):
        _raise_first_offence(similarity, values)
    return values if low >= 0 and high <= 1 else np.clip(values, 0, 1)


def class_similarity(similarity: Callable, classes) -> np.ndarray:
    """Similarity matrix of classes, as hashers and metrics gather from it.

    Parameters
    ----------
    similarity : callable
        The target; see `evaluate_similarity`.
    classes : array-like of shape (n_classes,)
        The distinct classes.

    Returns
    -------
    values : ndarray of shape (n_classes, n_classes), dtype float64
        Exactly symmetric, with ones on the diagonal.

    Raises
    ------
    ValueError
        If the target is not symmetric, or a class is not wholly similar to itself, by more
        than 1e-6; the classes are named. Also as `evaluate_similarity` does.

    Examples
    --------
    >>> from skhash.similarity import LabelSimilarity, class_similarity
    >>> class_similarity(LabelSimilarity(), ["cat", "dog"])
    array([[1., 0.],
           [0., 1.]])
    """
    values = evaluate_similarity(similarity, classes, classes)
    off_one = np.flatnonzero(np.diagonal(values) < 1 - _TOLERANCE)
    if len(off_one):
        i = off_one[0]
        raise ValueError(
            f"similarity {_describe(similarity)} of class {classes[i]!r} with itself must be 1, "
            f"got {values[i, i]}"
        )
    asymmetric = np.argwhere(np.abs(values - values.T) > _TOLERANCE)
    if len(asymmetric):
        i, j = asymmetric[0]
        raise ValueError(
            f"similarity {_describe(similarity)} must be symmetric, got {values[i, j]} from "
            f"{classes[i]!r} to {classes[j]!r} but {values[j, i]} back"
        )
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1)
    return values


def check_labels(similarity: Callable, y, name: str = "y") -> tuple[str, Any]:
    """Tell what kind of labels y holds for a target, in the canonical form of the kind.

    Strings are classes, unless the target says ``label_kind = "sentence"``, as
    `SentenceSimilarity` does: each of thousands may be different, and none is a class. Where it
    says ``label_kind = "levels"``, as `ColumnsSimilarity` does, y has a class label in each
    column, and its distinct rows, as tuples, are the classes.

    Parameters
    ----------
    similarity : callable
        The target.
    y : array-like or sparse matrix
        The labels of the samples.
    name : str, default="y"
        Name of the argument in error messages.

    Returns
    -------
    kind : {"class", "multilabel", "vector", "sentence"}
        The kind of labels.
    y : ndarray or CSR array
        One-dimensional for classes and sentences; of shape (n_samples, n_columns) for
        indicators and vectors.

    Raises
    ------
    ValueError
        If y is none of these.

    Examples
    --------
    >>> from skhash.similarity import LabelSimilarity, SentenceSimilarity, check_labels
    >>> y = ["a dog runs", "a boat at sea"]
    >>> check_labels(LabelSimilarity(), y)[0], check_labels(SentenceSimilarity(len), y)[0]
    ('class', 'sentence')
    """
    kind, y = check_target(y, name, levels=takes_levels(similarity))
    if kind == "class" and getattr(similarity, "label_kind", None) == "sentence":
        return "sentence", y
    return kind, y


def takes_levels(similarity) -> bool:
    """Whether a target takes labels with a class in each of several columns.

    Parameters
    ----------
    similarity : object
        A target, or anything else.

    Returns
    -------
    answer : bool

    Examples
    --------
    >>> from skhash.similarity import ColumnsSimilarity, LabelSimilarity, takes_levels
    >>> takes_levels(ColumnsSimilarity([(0, LabelSimilarity(), 1.0)]))
    True
    """
    return getattr(similarity, "label_kind", None) == "levels"


def prepare_similarity(similarity: Any, *labels) -> tuple:
    """A target's comparison, and labels prepared for it, for comparing block by block.

    A target may have a method ``prepare(y)``, which returns an array with a row for each sample,
    and a method ``compare(prepared_a, prepared_b)`` for any rows of it, such that
    ``compare(prepare(y_a), prepare(y_b))`` is what calling the target gives. What takes long for a
    label, such as encoding a sentence, is then done once instead of in every block.

    Parameters
    ----------
    similarity : callable
        The target.
    *labels : array-like
        Labels that the target understands.

    Returns
    -------
    compare : callable
        ``compare(rows_of_a, rows_of_b)`` returns the similarities, checked as
        `evaluate_similarity` does.
    *prepared : array-like
        What ``prepare`` makes of the labels, or the labels themselves for a target without it.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.similarity import EmbeddingSimilarity, prepare_similarity
    >>> compare, y = prepare_similarity(EmbeddingSimilarity(), np.array([[3.0, 4.0], [0.0, 2.0]]))
    >>> compare(y[:1], y).round(3)
    array([[1. , 0.8]])
    """
    if not _prepares(similarity):
        return (partial(evaluate_similarity, similarity), *labels)
    compare = partial(evaluate_similarity, similarity.compare)
    return (compare, *(similarity.prepare(y) for y in labels))


def resolve_similarity(similarity, y) -> Callable:
    """The target that a ``similarity`` parameter stands for.

    Parameters
    ----------
    similarity : "auto" or callable
        ``"auto"`` takes the kind of y: equality for classes, Jaccard for multilabel
        indicators, cosine for rows of real numbers. A callable is returned as it is.
    y : array-like
        The labels it is for; looked at under ``"auto"`` only.

    Returns
    -------
    similarity : callable
        The target.

    Raises
    ------
    TypeError
        If similarity is anything else.

    Examples
    --------
    >>> from skhash.similarity import resolve_similarity
    >>> resolve_similarity("auto", ["cat", "dog"])
    LabelSimilarity()
    """
    if isinstance(similarity, str) and similarity == "auto":
        targets = {
            "class": LabelSimilarity,
            "multilabel": MultilabelSimilarity,
            "vector": EmbeddingSimilarity,
        }
        return targets[target_kind(y)]()
    check_callable(similarity, "similarity", "'auto' or a callable")
    return similarity


def check_callable(similarity, name: str, wanted: str = "a callable") -> None:
    """Refuse what is not a similarity target, with a hint how to make it one."""
    if isinstance(similarity, type):
        raise TypeError(
            f"{name} must be an instance, got the class {similarity.__name__}; "
            f"write {similarity.__name__}(...)"
        )
    if not callable(similarity):
        raise TypeError(
            f"{name} must be {wanted} such as LabelSimilarity(), "
            f"got {_describe(similarity)}{_hint(similarity)}"
        )


def _prepares(similarity) -> bool:
    """Whether prepare and compare stand for what calling the target does."""
    if not hasattr(similarity, "prepare"):
        return False
    called, compared = (
        next((c for c in type(similarity).__mro__ if name in vars(c)), None)
        for name in ("__call__", "compare")
    )
    # a subclass that overrides the call alone does not use the inherited comparison
    return called is not None and compared is not None and issubclass(compared, called)


def _hint(similarity) -> str:
    kind = type(similarity).__name__
    if kind == "Taxonomy":
        return ": wrap the taxonomy, TaxonomySimilarity(taxonomy)"
    if kind == "ndarray":
        return ": wrap the matrix, PrecomputedSimilarity(matrix, labels)"
    if isinstance(similarity, str):
        named = _NAMED.get(
            similarity.lower(), f"a taxonomy by name is TaxonomySimilarity({similarity!r})"
        )
        return f": {named}"
    return ""


def _describe(similarity) -> str:
    if isinstance(similarity, np.ndarray):
        return f"an array of shape {similarity.shape}"
    return getattr(similarity, "__qualname__", None) or repr(similarity)


def _raise_first_offence(similarity, values: np.ndarray) -> None:
    inside = (values >= -_TOLERANCE) & (values <= 1 + _TOLERANCE)
    where = tuple(np.argwhere(~inside)[0].tolist())
    raise ValueError(
        f"similarity {_describe(similarity)} must return values in [0, 1], "
        f"got {values[where]} at index {where}"
    )
