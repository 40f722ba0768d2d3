"""Codes of labels, to search by the name of what is looked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skhash._closed_form.label_regression import label_weights
from skhash.similarity import check_labels, evaluate_similarity

# rows whose codes are read, and labels that are kept where each row may have one of its own
_ROWS, _LABELS = 2**16, 2**10
# what float64 may leave of a sum that is at the threshold
_ROUNDING = 1e-9


class LabelCodes:
    """Mixin: ``transform_labels``.

    A hasher has `similarity_` and ``label_weights_``, and says in `_known_labels` to which labels
    these weights belong.
    """

    similarity_: Any
    label_weights_: np.ndarray

    def transform_labels(self, labels):
        """Codes of labels, to search the codes of samples with.

        A class of ``classes_`` has the code that is nearest to those of its training samples, or
        that they were drawn to. Any other label that `similarity_` can compare with those of the
        training, such as another node of a taxonomy, another synset or another sentence, has the
        code that is expected of its samples, given these similarities.

        Parameters
        ----------
        labels : array-like of shape (n_labels,) or (n_labels, n_columns)
            Labels of the kind that ``fit`` was given: classes, indicators, rows of real numbers
            or sentences. They need not have been among those.

        Returns
        -------
        codes : ndarray of shape (n_labels, n_bits), dtype uint8
            Bits, 0 or 1.

        Raises
        ------
        ValueError
            If labels are of another kind than those of ``fit``, or similar to none of these; or
            if the hasher was saved before it had this method.

        See Also
        --------
        transform : Codes of samples.

        Notes
        -----
        The expectation is that of a Gaussian process over labels whose covariance is the
        similarity; see :doc:`/guide/names`.
        """
        check_is_fitted(self)
        if not hasattr(self, "label_weights_"):
            raise ValueError(
                f"this {type(self).__name__} was saved before it had codes of labels: fit it again"
            )
        known, codes = self._known_labels()
        labels = self._check_new_labels(labels, known)
        values = np.empty((labels.shape[0], codes.shape[1]))
        places = np.full(len(values), -1)
        if self.classes_ is not None and known.ndim == 1:
            place_of = {label: place for place, label in enumerate(known.tolist())}
            places = np.array([place_of.get(label, -1) for label in labels.tolist()], dtype=int)
        values[places >= 0] = codes[places[places >= 0]]
        if (places < 0).any():
            values[places < 0] = self._expected_codes(labels[places < 0], known, codes)
        return (values > 0.5 + _ROUNDING).astype(np.uint8)

    def _known_labels(self):
        """Labels that the weights are for, and their mean codes, values in [0, 1]."""
        raise NotImplementedError

    def _expected_codes(self, labels, known, codes):
        similarity = evaluate_similarity(self.similarity_, labels, known)
        unlike = np.flatnonzero(similarity.max(axis=1) == 0)
        if len(unlike):
            row = unlike[0]
            # a vector would be too long to show
            shown = repr(labels.tolist()[row]) if labels.ndim == 1 else f"row {row}"
            raise ValueError(
                f"labels has {shown}, which has similarity 0 with all labels of the training under "
                f"{self.similarity_!r}, so that nothing is known of its code"
            )
        return codes.mean(axis=0, dtype=np.float64) + similarity @ self.label_weights_

    def _check_new_labels(self, labels, known):
        """Labels in the canonical form of the kind that `known` is of."""
        if self.classes_ is None and known.ndim == 2:
            # single rows of real numbers may look like indicators or classes
            labels = check_array(labels, dtype=[np.float64, np.float32], input_name="labels")
            kind = wanted = "vector"
        else:
            kind, labels = check_labels(self.similarity_, labels, "labels")
            wanted = "multilabel" if known.ndim == 2 else "class"
            wanted = "sentence" if self.classes_ is None else wanted
        if kind != wanted:
            raise ValueError(f"labels must be of the kind {wanted!r}, as y was, got {kind!r}")
        if known.ndim == 2 and labels.shape[1] != known.shape[1]:
            raise ValueError(
                f"labels must have {known.shape[1]} columns, as y had, got {labels.shape[1]}"
            )
        return labels.toarray() if issparse(labels) else labels

    def _set_label_weights(self, similarity):
        self.label_weights_ = label_weights(similarity, self._known_labels()[1])


def sample_labels(kind, y, classes, numbers, random_state):
    """Labels to learn codes of, and rows that have them.

    Parameters
    ----------
    kind, y
        As `check_labels` returns them.
    classes, numbers
        As `encode_classes` returns them.
    random_state : RandomState instance

    Returns
    -------
    labels : ndarray of shape (n_labels,) or (n_labels, n_columns)
        The classes; or distinct labels of other kinds, a sample where there are many.
    rows : slice or ndarray of shape (n_rows,)
        Row numbers, a sample where there are many.
    numbers : ndarray of shape (n_rows,), int
        Which label each of these rows has.
    """
    rows = slice(None)
    if kind == "class":
        if len(numbers) > _ROWS:
            rows = _sample_evenly(numbers, max(_ROWS // len(classes), 1), random_state)
        return classes, rows, numbers[rows]
    if y.shape[0] > _ROWS:
        rows = np.sort(random_state.choice(y.shape[0], _ROWS, replace=False))
    chosen = y[rows].toarray() if issparse(y) else y[rows]
    labels, numbers = np.unique(chosen, axis=None if chosen.ndim == 1 else 0, return_inverse=True)
    numbers = numbers.ravel()
    if len(labels) <= _LABELS:
        return labels, rows, numbers
    kept = np.sort(random_state.choice(len(labels), _LABELS, replace=False))
    place = np.full(len(labels), -1)
    place[kept] = np.arange(len(kept))
    inside = np.flatnonzero(place[numbers] >= 0)
    rows = inside if isinstance(rows, slice) else rows[inside]
    return labels[kept], rows, place[numbers[inside]]


def mean_codes(codes, numbers, n_labels):
    """Mean code of the rows of each label, float32: in each bit the share of ones."""
    count = np.bincount(numbers, minlength=n_labels)
    rows = np.arange(len(numbers))
    indicators = csr_array((np.ones(len(rows), np.float32), (numbers, rows)), (n_labels, len(rows)))
    return (indicators @ codes.astype(np.float32)) / count[:, np.newaxis].astype(np.float32)


def _sample_evenly(numbers, per_class, random_state):
    """Row numbers in order, of each class at most so many, drawn at random."""
    order = random_state.permutation(len(numbers))
    order = order[np.argsort(numbers[order], kind="stable")]
    first = np.searchsorted(numbers[order], np.arange(numbers.max() + 1))
    place = np.arange(len(order)) - first[numbers[order]]
    return np.sort(order[place < per_class])
