"""GreedyHash: a classifier on rounded bits, trained straight through the rounding."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

from sklearn.utils._param_validation import Interval

from skhash.hashers._supervised import SupervisedHasher, supervised_docs


@supervised_docs
class GreedyHasher(SupervisedHasher):
    r"""Greedy hash: a linear classifier reads the bits themselves.

    A network maps each row of X to :math:`v`, which is rounded to the bits
    :math:`b = \mathrm{sign}(v)`. A linear classifier on b is trained with it. Rounding has no
    gradient: that of b is handed to v as it is ("straight through"), and a second term keeps v
    near b. Training minimises

    .. math:: L_{cls}(W b, y) + \alpha\, \frac1K \sum_k \bigl||v_k| - 1\bigr|^3

    averaged over samples, with :math:`L_{cls}` the softmax cross-entropy of classes, or the
    sigmoid cross-entropy of label indicators.

    Parameters
    ----------
    |n_bits|
    quantization_weight : float >= 0, default=0.1
        Weight of the second term: the :math:`\alpha` above.
    |network|
    |training|

    Attributes
    ----------
    |fitted|

    See Also
    --------
    skhash.KLBinaryHasher : Rounds in the same way, towards neighbours of X.
    skhash.OrthoHasher : Fixed class codes instead of a classifier.

    Notes
    -----
    The authors' code has 0.1 for CIFAR-10 and 1 for ImageNet. The classifier is kept in
    ``objective_state_["head.weight"]``, of shape (n_classes, n_bits).

    References
    ----------
    Su, Zhang, Han & Tian (2018), "Greedy hash: towards fast optimization for accurate hash
    coding in CNN", NeurIPS.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import GreedyHasher
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = GreedyHasher(n_bits=16, max_iter=5, random_state=0).fit(X[:1500], y[:1500])
    >>> hasher.transform(X[1500:]).shape
    (297, 16)
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **SupervisedHasher._parameter_constraints,
        "quantization_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_bits=64,
        *,
        quantization_weight=0.1,
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
        self.quantization_weight = quantization_weight

    def _term_weights(self):
        return {"classification": 1.0, "quantization": self.quantization_weight}

    def _make_objective(self, target, generators):
        from skhash._torch.objectives import GreedyObjective

        return GreedyObjective(
            target,
            n_bits=int(self.n_bits),
            n_classes=len(self.classes_),
            generators=generators,
        )
