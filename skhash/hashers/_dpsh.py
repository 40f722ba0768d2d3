"""DPSH: the likelihood of pairs, with a quantisation term."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

from sklearn.utils._param_validation import Interval

from skhash.hashers._supervised import SupervisedHasher, supervised_docs


@supervised_docs
class DPSHHasher(SupervisedHasher):
    r"""Deep pairwise-supervised hashing: similar pairs of a batch have similar codes.

    A network maps each row of X to :math:`u`; a bit is 1 where its value is above 0, and
    :math:`b = \mathrm{sign}(u)`. Pairs that share a label are similar (s = 1). With
    :math:`\theta_{ij} = u_i \cdot u_j / 2`, training minimises

    .. math:: \frac{1}{|P|} \sum_{(i, j) \in P} \bigl(\log(1 + e^{\theta_{ij}})
        - s_{ij} \theta_{ij}\bigr) + \eta\, \frac{1}{B K} \sum_i \|b_i - u_i\|^2

    over the pairs P of each batch of B rows.

    Parameters
    ----------
    |n_bits|
    quantization_weight : float >= 0, default=0.1
        Weight of the second term: the :math:`\eta` above.
    |network|
    |training|

    Attributes
    ----------
    |fitted|

    See Also
    --------
    skhash.HashNetHasher : The same likelihood, weighted, with continuation.
    skhash.SemanticHasher : Learns from graded similarities of pairs.

    Notes
    -----
    The paper sums over pairs and samples where this takes means: a weight of 10, the authors'
    for CIFAR-10, is 0.1 here with 5,000 samples and 48 bits. The pairs of a batch are our choice.
    They give an unbiased estimate of the gradient over all pairs; the paper keeps a table of the
    last output of every training row instead, which has less noise but is out of date and as
    long as the data.

    References
    ----------
    Li, Wang & Kang (2016), "Feature learning based deep supervised hashing with pairwise
    labels", IJCAI, arXiv:1511.03855.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import DPSHHasher
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = DPSHHasher(n_bits=16, max_iter=5, random_state=0).fit(X[:1500], y[:1500])
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
        return {"pairs": 1.0, "quantization": self.quantization_weight}

    def _make_objective(self, target, generators):
        from skhash._torch.objectives import DPSHObjective

        return DPSHObjective(target)
