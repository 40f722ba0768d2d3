"""Codes of items whose classes are known."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skhash.encoders import PosteriorEncoder
from skhash.similarity import check_labels
from skhash.utils._labels import encode_classes
from skhash.utils._rounding import settled_values


def _reads_a_posterior(hasher):
    """Whether the codes are, or may be, those of a posterior."""
    encoder = getattr(hasher, "encoder_", hasher.encoder)
    return isinstance(encoder, str | PosteriorEncoder)


class DatabaseCodes:
    """Mixin of `SemanticHasher`: ``transform_database``, where the encoder reads a posterior."""

    similarity: Any
    classes_: np.ndarray
    n_bits_: int
    architecture_: dict[str, Any]
    network_state_: dict[str, np.ndarray]

    @available_if(_reads_a_posterior)
    def transform_database(self, X, y):
        """Binary codes of items whose classes are known, from features and class.

        What the classifier says, in the mean, of the training rows of a class stands in for what it
        would say of an item, which may be wrong. For a database that queries, encoded by
        `transform`, then search. Only codes of a `~skhash.encoders.PosteriorEncoder` can be found
        so.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width, n_channels)
            The items, as in ``fit``.
        y : array-like of shape (n_samples,)
            Their class labels. Items of classes that were not in ``fit`` have the codes that
            `transform` gives.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_bits), dtype uint8
            Bits, 0 or 1.

        Raises
        ------
        ValueError
            If X is not as in ``fit``, or no label is that of a class in ``fit``.

        Examples
        --------
        >>> from skhash import SemanticHasher
        >>> from skhash.metrics import mean_average_precision_score
        >>> from sklearn.datasets import load_digits
        >>> X, y = load_digits(return_X_y=True)
        >>> hasher = SemanticHasher(16, max_iter=1, random_state=0).fit(X[:300], y[:300])
        >>> queries = hasher.transform(X[300:500])
        >>> plain = hasher.transform(X[500:])
        >>> labelled = hasher.transform_database(X[500:], y[500:])
        >>> score = mean_average_precision_score(queries, y[300:500], labelled, y[500:])
        >>> bool(score > mean_average_precision_score(queries, y[300:500], plain, y[500:]))
        True
        """
        check_is_fitted(self)
        if not hasattr(self.encoder_, "class_values_"):
            raise ValueError("the hasher was saved before it had transform_database: fit it again")
        X = self._validate(X, reset=False)
        labels = self._known_classes(y)
        check_consistent_length(X, labels)
        values = np.empty((X.shape[0], self.n_bits_), dtype=np.float32)
        known = labels >= 0
        values[known] = self._labelled_values(X[known], labels[known])
        if not known.all():
            values[~known] = self._decide(X[~known])
        return (values > 0).view(np.uint8)

    def _known_classes(self, y):
        """The class of each label, -1 where it was not in ``fit``."""
        kind, y = check_labels(self.similarity, y)
        if kind != "class":
            raise ValueError(f"y must hold one class label a row, got {kind} labels")
        classes, labels = encode_classes(kind, y)
        numbers = {name: number for number, name in enumerate(self.classes_.tolist())}
        found = np.array([numbers.get(name, -1) for name in classes.tolist()])[labels]
        if (found < 0).all():
            raise ValueError(
                f"y must hold classes that were in fit, such as {next(iter(numbers))!r}, got none "
                f"of them, but {classes.tolist()[0]!r}"
            )
        return found

    def _labelled_values(self, X, labels):
        """Values of the bits where the class is known for certain."""
        state, class_values = self.network_state_, self.encoder_.class_values_

        def compute(rows, dtype):
            inputs, own = (X, labels) if rows is None else (X[rows], labels[rows])
            directions = state["feature_bits.weight"].T.astype(dtype)
            features, mean = self._features(inputs, dtype), state["mean"].astype(dtype)
            if issparse(features):
                return class_values[own] + (features @ directions - mean @ directions)
            return class_values[own] + (features - mean) @ directions

        if self._encoding_device().type != "cpu":
            return compute(None, np.float32)
        return settled_values(compute, X.shape[0], np.float32)

    def _features(self, X, dtype):
        """What the bits see beside the posterior."""
        if X.ndim == 2:
            return X.astype(dtype, copy=False)
        from skhash._torch.posterior import classifier_state

        added = ("n_classes", "temperature", "n_hidden")
        architecture = {k: v for k, v in self.architecture_.items() if k not in added}
        _, features = self._outputs_and_features(
            X,
            architecture,
            classifier_state(self.network_state_),
            n_outputs=self.architecture_["n_classes"],
            device=self._encoding_device(),
            dtype=dtype,
        )
        return features
