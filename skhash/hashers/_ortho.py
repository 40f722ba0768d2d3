"""OrthoHash: one cosine loss to fixed class codes."""

from __future__ import annotations

import math
from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skhash.hashers._codebook import CodebookHasher
from skhash.hashers._supervised import supervised_docs


@supervised_docs
class OrthoHasher(CodebookHasher):
    r"""Codes drawn to fixed codes of their classes by one cosine loss.

    A network, ended by a batch normalisation that balances the bits, maps each row of X to
    :math:`v`; a bit is 1 where its value is above 0. With :math:`o_k` the code of class k in
    -1 and 1, training minimises the cross-entropy of a softmax over the logits

    .. math:: s\,(\cos(v, o_k) - m\,[k = y])

    and nothing else: no weights to tune. A large cosine with a code means both the right bits
    and little loss in rounding. With ``codebook="semantic"`` the class codes follow a similarity
    of the classes, and so do the Hamming distances of the samples.

    Parameters
    ----------
    |n_bits|
    codebook : str or array-like, default="maxhd"
        The class codes: far apart ("maxhd"), fair coins ("bernoulli"), rows of a Hadamard matrix
        and their complements ("hadamard", at most ``2 * n_bits`` classes and `n_bits` a power of
        two), each bit shared by half of the classes ("balanced"), or at Hamming distances that
        follow `similarity` ("semantic"); see
        :func:`skhash.codebooks.make_codebook`. An array of shape (n_classes, n_bits) of 0 and 1
        (or -1 and 1) gives the codes of the sorted classes.
    similarity : "auto" or callable, default="auto"
        What similar classes are: ``similarity(classes, classes)`` returns an array of shape
        (n_classes, n_classes) with values in [0, 1], 1 for the same. See
        :mod:`skhash.similarity`. For multilabel indicators it is given the column numbers.
        ``"auto"`` takes equality for classes, and the overlap (Jaccard) of the samples that
        have them for labels. Only ``codebook="semantic"`` learns from it.
    margin : float >= 0, default=0.2
        How much further the right classes must be ahead: the m above.
    scale : float > 0 or None, default=None
        The s above. None takes :math:`\sqrt 2 \log(C - 1)` for C classes, and half of it for
        semantic codes, where similar classes need not be told apart as sharply; the paper has
        :math:`\sqrt{n_{bits}}`.
    margin_type : {"cosine", "angular"}, default="cosine"
        Whether the margin is subtracted from the cosine or added to the angle, in radians.
    |network|
    |training|

    Attributes
    ----------
    codebook_ : ndarray of shape (n_classes, n_bits), dtype uint8
        Codes of `classes_`.
    codebook_rank_correlation_ : float
        Spearman's rank correlation, over pairs of classes, of the Hamming distances in
        `codebook_` with ``1 - class_similarity_``; NaN where all classes are equally similar.
    class_similarity_ : ndarray of shape (n_classes, n_classes)
        The similarity of the classes.
    similarity_ : callable
        The similarity target in use.
    label_weights_ : ndarray of shape (n_classes, n_bits)
        What similarities to `classes_` are multiplied with for the expected code of another
        label; see `transform_labels`.
    scale_ : float
        The scale in use.
    multilabel_ : bool
        Whether ``fit`` was given indicators.
    |fitted|

    See Also
    --------
    skhash.SemanticHasher : Learns from the similarities of pairs.
    skhash.codebooks.make_codebook : Makes class codes.

    Notes
    -----
    scikit-learn takes the ``decision_function`` of a classifier for scores of classes, that of a
    hasher is the values of the bits: `OrthoHasher` has `classes_`, `predict` and `score` but is
    a transformer to ``sklearn.base.is_classifier``. Give ``cross_validate`` and
    ``GridSearchCV`` a stratified splitter yourself where you want one.

    A sample of several labels should give each the same probability; a sample of none does not
    count. Batch statistics are replaced at the end of ``fit`` by those of all training rows.

    References
    ----------
    Hoe, Ng, Zhang, Chan, Song & Xiang (2021), "One loss for all: deep hashing with a single
    cosine similarity based learning objective", NeurIPS, arXiv:2109.14449. The scale:
    Zhang, Zhao, Qiao, Wang & Li (2019), "AdaCos", CVPR, equation 13. Semantic codes are ours.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import OrthoHasher
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = OrthoHasher(n_bits=16, max_iter=5, random_state=0).fit(X[:1500], y[:1500])
    >>> hasher.transform(X[1500:]).shape
    (297, 16)
    >>> bool((hasher.predict(X[1500:]) == y[1500:]).mean() > 0.85)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **CodebookHasher._parameter_constraints,
        "margin": [Interval(Real, 0, None, closed="left")],
        "scale": [Interval(Real, 0, None, closed="neither"), None],
        "margin_type": [StrOptions({"cosine", "angular"})],
    }

    def __init__(
        self,
        n_bits=64,
        *,
        codebook="maxhd",
        similarity="auto",
        margin=0.2,
        scale=None,
        margin_type="cosine",
        network="mlp",
        hidden_layer_sizes=(1024,),
        dropout=0.0,
        training=None,
        batch_size=128,
        max_iter=40,
        learning_rate=3e-3,
        weight_decay=1e-4,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        warm_start=False,
        device="auto",
        random_state=None,
        verbose=0,
        store_codes=False,
    ):
        super().__init__(
            n_bits,
            network=network,
            hidden_layer_sizes=hidden_layer_sizes,
            dropout=dropout,
            training=training,
            batch_size=batch_size,
            max_iter=max_iter,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            warm_start=warm_start,
            device=device,
            random_state=random_state,
            verbose=verbose,
            store_codes=store_codes,
        )
        self.codebook = codebook
        self.similarity = similarity
        self.margin = margin
        self.scale = scale
        self.margin_type = margin_type

    def _prepare(self, target):
        super()._prepare(target)
        # two or three classes would leave a scale of 0 or near it
        n_others = max(len(self.classes_) - 1, 3)
        default = math.sqrt(2) * math.log(n_others)
        if isinstance(self.codebook, str) and self.codebook == "semantic":
            # a large scale pushes apart the classes whose codes are near by design
            default /= 2
        self.scale_ = default if self.scale is None else float(self.scale)

    def _term_weights(self):
        return {"cosine": 1.0}

    def _make_objective(self, target, generators):
        from skhash._torch.objectives import CosineCodesObjective

        return CosineCodesObjective(
            self.codebook_,
            target,
            scale=self.scale_,
            margin=self.margin,
            margin_type=self.margin_type,
        )

    def _architecture(self):
        return {**super()._architecture(), "batch_norm": True}

    def _finish(self, X):
        self._recenter(X)

    def recenter(self, X_database):
        """Balance the bits on another domain.

        The mean and the variance of each bit become those of a database, as they are those of
        the training samples after ``fit``: bits that are nearly constant on data of another kind
        split them again. Encode database and queries after the call; codes from before it do
        not go with those from after it. `codebook_` and so `predict` belong to the training
        domain.

        Parameters
        ----------
        X_database : {array-like, sparse matrix} of shape (n_samples, n_features)
            The database of the new domain, or a sample of it, of two rows or more.

        Returns
        -------
        self : OrthoHasher

        References
        ----------
        Hoe et al. (2021), arXiv:2109.14449: re-centring on the database lifts retrieval on
        another domain.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from skhash import OrthoHasher
        >>> X, y = load_digits(return_X_y=True)
        >>> hasher = OrthoHasher(n_bits=16, max_iter=2, random_state=0).fit(X, y)
        >>> dark = hasher.recenter(X / 4).decision_function(X / 4)
        >>> bool(abs(dark.mean(axis=0)).max() < 1e-3)
        True
        """
        check_is_fitted(self)
        X_database = self._validate(X_database, reset=False, ensure_min_samples=2)
        self._recenter(X_database)
        return self

    def _recenter(self, X):
        from skhash._torch.networks import recenter_bits

        values = self._decide(X)
        mean, variance = (moment(values, axis=0, dtype=np.float64) for moment in (np.mean, np.var))
        self.network_state_ = recenter_bits(self.network_state_, mean, variance)

    def _near_labels(self, cosines):
        # a sample of m labels is trained to give 1/m to each of them and 0 to the others
        behind = cosines.max(axis=1, keepdims=True) - cosines
        return self.scale_ * behind <= np.log(2)
