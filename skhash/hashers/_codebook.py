"""What hashers share that draw each sample to the fixed codes of its classes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from skhash.codebooks import codebook_rank_correlation, majority_codes, make_codebook
from skhash.hashers._label_codes import LabelCodes
from skhash.hashers._supervised import SupervisedHasher
from skhash.similarity import MultilabelSimilarity, class_similarity, resolve_similarity


class CodebookHasher(LabelCodes, SupervisedHasher):
    """Base class of the hashers whose classes have fixed codes; also a classifier by them.

    A subclass has the parameters `codebook` and `similarity`.
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **SupervisedHasher._parameter_constraints,
        "codebook": [
            StrOptions({"maxhd", "bernoulli", "hadamard", "balanced", "semantic"}),
            "array-like",
        ],
        "similarity": [StrOptions({"auto"}), callable],
    }

    def _prepare(self, target):
        self.multilabel_ = target.ndim == 2
        self._set_similarity(target)
        if not (self.warm_start and hasattr(self, "codebook_")):
            self._draw_codebook(check_random_state(self.random_state))
        self.codebook_rank_correlation_ = codebook_rank_correlation(
            self.codebook_, self.class_similarity_
        )
        self._set_label_weights(self.class_similarity_)

    def _draw_codebook(self, random_state):
        self.codebook_ = make_codebook(
            self._codebook_kind(),
            len(self.classes_),
            int(self.n_bits),
            similarity=self.class_similarity_,
            random_state=random_state,
        )

    def _codebook_kind(self):
        return self.codebook

    def _set_similarity(self, target):
        if self.multilabel_ and isinstance(self.similarity, str):
            # labels that come together are alike
            self.similarity_ = MultilabelSimilarity()
            self.class_similarity_ = self.similarity_(target.T, target.T)
        else:
            self.similarity_ = resolve_similarity(self.similarity, self.classes_)
            self.class_similarity_ = class_similarity(self.similarity_, self.classes_)

    def predict(self, X):
        """Classes whose codes are nearest.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The class whose code has the greatest cosine with the real bit values; after a fit
            on multilabel indicators, an indicator of the labels that are about as near as the
            nearest: in `OrthoHasher` at least half as likely, by the softmax that training
            used, in the others of at least half its cosine.
        """
        check_is_fitted(self)
        cosines = self._class_cosines(X)
        if self.multilabel_:
            return self._near_labels(cosines).astype(np.uint8)
        return self.classes_[cosines.argmax(axis=1)]

    def _known_labels(self):
        labels = np.eye(len(self.classes_), dtype=np.uint8) if self.multilabel_ else self.classes_
        return labels, self.codebook_

    def _expected_codes(self, labels, known, codes):
        if not self.multilabel_:
            return super()._expected_codes(labels, known, codes)
        empty = np.flatnonzero(~labels.any(axis=1))
        if len(empty):
            raise ValueError(f"labels must have a label in each row, got none in row {empty[0]}")
        return majority_codes(codes, labels, self._tie_code())

    def _tie_code(self):
        """What decides a bit in which the codes of a set of labels are divided."""
        return np.zeros(self.codebook_.shape[1], dtype=np.uint8)

    def _class_cosines(self, X):
        values = self.decision_function(X)
        length = np.linalg.norm(values, axis=1, keepdims=True)
        values /= np.maximum(length, np.finfo(np.float32).tiny)
        signs = self.codebook_ * np.float32(2) - np.float32(1)
        return values @ signs.T / np.sqrt(np.float32(self.n_bits_))

    def _near_labels(self, cosines):
        """Whether each label is near, after a fit on multilabel indicators."""
        greatest = cosines.max(axis=1, keepdims=True)
        # where all are negative, half of the greatest is more than the greatest
        return cosines >= np.minimum(greatest / 2, greatest)


class TargetCodeHasher(CodebookHasher):
    """Base class of the hashers that draw samples to the codes of their classes or labels.

    The target of a sample of one class is the code of this class; that of a sample of several
    labels the majority of their codes, bit by bit, with ties as `tie_code_` says. A sample
    without a label has none.
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **CodebookHasher._parameter_constraints,
        "codebook": [
            StrOptions({"auto", "hadamard", "bernoulli", "maxhd", "balanced", "semantic"}),
            "array-like",
        ],
    }

    def _draw_codebook(self, random_state):
        super()._draw_codebook(random_state)
        self.tie_code_ = random_state.randint(2, size=int(self.n_bits)).astype(np.uint8)

    def _tie_code(self):
        return self.tie_code_

    def _codebook_kind(self):
        if not (isinstance(self.codebook, str) and self.codebook == "auto"):
            return self.codebook
        n_bits = int(self.n_bits)
        is_power = n_bits & (n_bits - 1) == 0
        return "hadamard" if is_power and len(self.classes_) <= 2 * n_bits else "bernoulli"

    def _target_codes(self, target):
        """Target code of each row: -1 and 1, int8; 0 for rows without a label."""
        target = target.cpu().numpy()
        if target.ndim == 1:
            return (2 * self.codebook_.astype(np.int8) - 1)[target]
        codes = 2 * majority_codes(self.codebook_, target, self.tie_code_).astype(np.int8) - 1
        codes[~target.any(axis=1)] = 0
        return codes
