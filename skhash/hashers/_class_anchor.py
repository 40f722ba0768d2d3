"""Class anchor margin: learned anchors that attract their classes and repel each other."""

from __future__ import annotations

import math
from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.metrics import euclidean_distances
from sklearn.utils._param_validation import Interval
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skhash.hashers._supervised import SupervisedHasher, supervised_docs


def _of_classes(hasher):
    # before a fit it is not known yet, and calls should say that there was none
    return not getattr(hasher, "multilabel_", False)


@supervised_docs
class ClassAnchorHasher(SupervisedHasher):
    r"""Codes drawn to learned anchors of their classes, which keep a distance from each other.

    A network maps each row of X to real values, whose hyperbolic tangents are :math:`e`; a bit is
    1 where its value is above 0. Every class has an anchor :math:`c` in the same cube. Trained
    together, they minimise

    .. math:: \tfrac12 \|e - c_y\|^2 + \tfrac12 \sum_{c \ne c'} \max(0, 2m - \|c - c'\|)^2
        + \tfrac12 \sum_c \max(0, p - \|c\|)^2

    the first term averaged over samples: attract, repel, and do not collapse.

    Parameters
    ----------
    |n_bits|
    margin : float > 0 or None, default=None
        The m above. None takes :math:`\sqrt{n_{bits} / 2}`: anchors at corners of the cube keep
        clear of each other where at least half of their bits differ.
    minimum_norm : float >= 0 or None, default=None
        The p above. None takes :math:`\sqrt{n_{bits}}`, the length of a corner: the term then
        draws anchors to the corners, where rounding costs nothing.
    |network|
    |training|

    Attributes
    ----------
    anchors_ : ndarray of shape (n_classes, n_bits), dtype float32
        Anchors of `classes_`, in [-1, 1].
    margin_, minimum_norm_ : float
        The m and p in use.
    multilabel_ : bool
        Whether ``fit`` was given indicators.
    |fitted|

    See Also
    --------
    skhash.OrthoHasher : Draws samples to fixed codes of their classes.

    Notes
    -----
    The three terms are the paper's. Ours are the hyperbolic tangent, both defaults, and the way
    to bits, a threshold at 0: no reproduction of the paper's figures is claimed. Fitted on 6,000
    of the training rows of :func:`skhash.datasets.load_cifar100_features` and asked with the
    other 2,000, 16 bits reach a mean average precision of .43 with the hyperbolic tangent and
    .35 without.

    A sample of several labels is drawn to all their anchors, by the mean of its squared distances
    to them; a sample of none is drawn to nothing.

    References
    ----------
    Ghita & Ionescu (2023), "Class anchor margin loss for content-based image retrieval",
    arXiv:2306.00630.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import ClassAnchorHasher
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = ClassAnchorHasher(n_bits=16, max_iter=5, random_state=0).fit(X[:1500], y[:1500])
    >>> hasher.transform(X[1500:]).shape
    (297, 16)
    >>> bool((hasher.predict(X[1500:]) == y[1500:]).mean() > 0.85)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **SupervisedHasher._parameter_constraints,
        "margin": [Interval(Real, 0, None, closed="neither"), None],
        "minimum_norm": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        n_bits=64,
        *,
        margin=None,
        minimum_norm=None,
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
        self.margin = margin
        self.minimum_norm = minimum_norm

    def _prepare(self, target):
        self.multilabel_ = target.ndim == 2
        n_bits = int(self.n_bits)
        self.margin_ = math.sqrt(n_bits / 2) if self.margin is None else float(self.margin)
        self.minimum_norm_ = (
            math.sqrt(n_bits) if self.minimum_norm is None else float(self.minimum_norm)
        )

    def _term_weights(self):
        return {"attraction": 1.0, "repulsion": 1.0, "minimum_norm": 1.0}

    def _make_objective(self, target, generators):
        from skhash._torch.objectives import AnchorObjective

        return AnchorObjective(
            target,
            n_bits=int(self.n_bits),
            n_classes=len(self.classes_),
            margin=self.margin_,
            minimum_norm=self.minimum_norm_,
            generators=generators,
        )

    def _finish(self, X):
        self.anchors_ = np.tanh(self.objective_state_["anchors"])

    @available_if(_of_classes)
    def predict(self, X):
        """Classes whose anchors are nearest; after a fit on class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The class of the anchor that is nearest to e, by Euclidean distance.
        """
        check_is_fitted(self)
        values = np.tanh(self.decision_function(X))
        return self.classes_[euclidean_distances(values, self.anchors_).argmin(axis=1)]
