"""What every hasher promises: real bit values, a threshold at zero, codes of 0 and 1."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import _num_samples, check_is_fitted, validate_data

from skhash.metrics import RetrievalScorer
from skhash.utils._labels import label_array
from skhash.utils._packing import pack_codes
from skhash.utils._ranges import check_holds, check_training_range, check_unmasked
from skhash.utils._rounding import settled_values
from skhash.utils._rows import row_keys
from skhash.utils._threads import begin_threads
from skhash.utils._whole_fit import WholeFit

# cut-off of `score`: that of the benchmarks of hierarchical precision
_SCORE_DEPTH = 250
# how numpy begins to say that it was given texts
_STRINGS = "could not convert string to float"


class BaseHasher(
    WholeFit, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, metaclass=ABCMeta
):
    """Base class of all hashers.

    A hasher is a transformer from rows of X to binary codes. A subclass sets ``n_bits_`` in ``fit``
    and implements `_bit_values`; everything a user calls is defined here, so that ``transform(X) ==
    (decision_function(X) > 0)`` holds for all of them by construction, and so that a code depends
    neither on the rows beside it nor on the processor. A fit that raises leaves it as it was.
    """

    #: Keyword arguments for `validate_data` beyond dtype.
    _validation: ClassVar[dict[str, Any]] = {"accept_sparse": "csr"}

    @abstractmethod
    def fit(self, X, y=None):
        """Learn the codes."""

    @abstractmethod
    def _bit_values(self, X, dtype):
        """Real value of each bit, an array of shape (n_samples, n_bits), computed in `dtype`.

        `dtype` is float32 or float64. The values of the same rows in both types, and of rows
        beside others, may differ by rounding and by nothing else.
        """

    def decision_function(self, X):
        """Real value of each bit before its threshold at zero.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        values : ndarray of shape (n_samples, n_bits), dtype float32
            A bit is 1 where its value is above zero.

        Raises
        ------
        ValueError
            If X is not as in ``fit``, or too large for finite values.
        """
        check_is_fitted(self)
        values = self._decide(self._validate(X, reset=False))
        rows = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(rows):
            raise ValueError(
                f"X gives values of bits that are not finite in {len(rows)} rows, the first "
                f"of them row {rows[0]}: its numbers may be too large to compute with"
            )
        return values

    def transform(self, X):
        """Binary codes of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_bits), dtype uint8
            Bits, 0 or 1.
        """
        # a bool is a byte of 0 or 1 already, so the view costs no copy
        return (self.decision_function(X) > 0).view(np.uint8)

    def score(self, X, y):
        """How similar in meaning the nearest neighbours are, among the given rows themselves.

        Each row queries all others (leave-one-out). The score is their mean average hierarchical
        precision at 250 (mAHP@250), exact over ties, or at the number of other rows where these
        are fewer: see `~skhash.metrics.mean_average_hierarchical_precision_score`. It is what
        `~sklearn.model_selection.GridSearchCV` goes by if it is given no ``scoring``. For other
        scores and protocols see `~skhash.metrics.get_scorer`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Two rows or more.
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Their labels: classes, multilabel indicators or rows of real numbers.

        Returns
        -------
        score : float
            At most 1, where nothing more similar could have been nearer. Labels are compared by
            the similarity target that the hasher learned from, its ``similarity_``; where it has
            none, by equality of classes, Jaccard similarity of indicators or cosine similarity of
            vectors. A search over `similarity` itself needs a fixed one:
            ``get_scorer("mahp@250", similarity=...)``.

        Raises
        ------
        ValueError
            If there are fewer than two rows, or no row has anything similar among the others.
        """
        check_is_fitted(self)
        n_samples = _num_samples(X)
        if n_samples < 2:
            raise ValueError(f"X must have two rows or more to be searched, got {n_samples}")
        similarity = "estimator" if hasattr(self, "similarity_") else "auto"
        depth = min(_SCORE_DEPTH, n_samples - 1)
        return RetrievalScorer(f"mahp@{depth}", similarity=similarity)(self, X, y)

    def _decide(self, X):
        """Values of the bits of validated rows, whose signs do not depend on other rows."""

        def compute(rows, dtype):
            return self._bit_values(X if rows is None else X[rows], dtype)

        return settled_values(compute, X.shape[0], self._fast_dtype(X))

    def _fast_dtype(self, X):
        """The type in which values are computed, but for those near 0."""
        return X.dtype

    def _keep_training_codes(self, X, y):
        """Keep the codes of the training rows and their labels, where `store_codes` asks for it.

        Every ``fit`` ends with it: scorers then search what the hasher was trained on, and know
        its rows again.
        """
        for name in ("training_codes_", "training_labels_", "training_keys_"):
            self.__dict__.pop(name, None)
        if self.store_codes:
            self.training_codes_ = pack_codes(self._decide(X) > 0)
            self.training_keys_ = row_keys(X)
            if y is not None:
                self.training_labels_ = y.copy() if issparse(y) else np.array(label_array(y))

    def _row_keys(self, X):
        """What tells rows of X from others, to look for among ``training_keys_``."""
        check_is_fitted(self)
        return row_keys(self._validate(X, reset=False))

    def _validate(self, X, y="no_validation", *, reset, **options):
        """Validate X (and y) as scikit-learn does; float32 and float64 stay as they are."""
        options = {"dtype": [np.float32, np.float64], **self._validation, **options}
        # before scikit-learn, which would change some of it without a word
        check_unmasked(X)
        if y is not None and not (isinstance(y, str) and y == "no_validation"):
            y = label_array(y)
        try:
            checked = validate_data(self, X, y, reset=reset, **options)
        except ValueError as error:
            if not str(error).startswith(_STRINGS):
                raise
            raise ValueError(
                f"X must hold numbers, and has strings ({error}): make vectors of texts first, as "
                "in make_pipeline(TfidfVectorizer(), hasher) of scikit-learn, or by "
                "skhash.feature_extraction.TextFeatures"
            ) from error
        X, *rest = checked if isinstance(checked, tuple) else (checked,)
        # arrays rather than matrices, whose products and means have other shapes
        X = csr_array(X) if issparse(X) else X
        self._check_range(X, fitting=reset)
        return (X, *rest) if rest else X

    def _check_range(self, X, *, fitting):
        """Raise where validated X cannot be computed with, warn where there is nothing to learn.

        Comes before any computing, in ``fit`` and after it.
        """
        begin_threads()
        dtype = np.dtype(self._fast_dtype(X))
        if fitting:
            check_training_range(X, dtype)
        else:
            check_holds(X, dtype)

    @property
    def _n_features_out(self):
        return self.n_bits_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        tags.input_tags.sparse = True
        return tags
