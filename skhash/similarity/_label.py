"""Classes are similar when they are equal."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from skhash.utils._labels import check_classes, encode_labels


class LabelSimilarity(BaseEstimator):
    """Similarity 1 for equal class labels, 0 for different ones.

    Under this target, hierarchical precision is ordinary precision.

    Examples
    --------
    >>> from skhash.similarity import LabelSimilarity
    >>> LabelSimilarity()(["cat", "dog"], ["dog", "cat", "cow"])
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """

    def __call__(self, y_a, y_b) -> np.ndarray:
        """Similarities of class labels.

        Parameters
        ----------
        y_a : array-like of shape (n_a,)
            Class labels.
        y_b : array-like of shape (n_b,)
            Class labels of the same type.

        Returns
        -------
        values : ndarray of shape (n_a, n_b), dtype float64
            0 or 1.

        Raises
        ------
        ValueError
            If the labels are not classes, or are strings on one side only.
        """
        labels_a, codes_a = encode_labels(check_classes(y_a, "y_a"))
        labels_b, codes_b = encode_labels(check_classes(y_b, "y_b"))
        if labels_a and labels_b and isinstance(labels_a[0], str) != isinstance(labels_b[0], str):
            raise ValueError(
                "y_a and y_b must hold labels of one type, "
                f"got {labels_a[0]!r} in one and {labels_b[0]!r} in the other"
            )
        # -1 for a label of b that a does not have, which is equal to no code of a
        position = {label: i for i, label in enumerate(labels_a)}
        in_a = np.array([position.get(label, -1) for label in labels_b], dtype=np.intp)
        return (codes_a[:, None] == in_a[codes_b]).astype(np.float64)
