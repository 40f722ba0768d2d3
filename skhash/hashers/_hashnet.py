"""HashNet: the likelihood of pairs, with outputs that become bits by continuation."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

from sklearn.utils._param_validation import Interval

from skhash.hashers._supervised import SupervisedHasher, supervised_docs


@supervised_docs
class HashNetHasher(SupervisedHasher):
    r"""HashNet: similar pairs of a batch have similar codes, and outputs are sharpened to bits.

    A network maps each row of X to :math:`v`; a bit is 1 where its value is above 0. Pairs that
    share a label are similar (s = 1). With :math:`g = \tanh(\beta v)`, training minimises over
    the pairs (i, j) of each batch

    .. math:: \sum_{ij} w_{ij} \bigl(\log(1 + e^{\alpha\, g_i \cdot g_j})
        - s_{ij}\, \alpha\, g_i \cdot g_j\bigr)

    where the weights w give similar pairs together as much as all others. The sharpness
    :math:`\beta` begins at 1 and grows in stages: the hyperbolic tangent becomes the sign.

    Parameters
    ----------
    |n_bits|
    alpha : float > 0 or None, default=None
        Factor of the inner products. None takes ``10 / n_bits``, as the authors' code does.
    final_beta : float >= 1, default=7.14
        Sharpness in the last stage.
    n_stages : int, default=50
        Stages of equal length, in which the square of the sharpness grows by equal steps.
    |network|
    |training|

    Attributes
    ----------
    alpha_ : float
        The factor in use.
    |fitted|

    See Also
    --------
    skhash.DPSHHasher : The same likelihood without weights, with a quantisation term.
    skhash.SemanticHasher : Learns from graded similarities of pairs.

    Notes
    -----
    The authors' code has :math:`\beta = \sqrt{1 + 0.005\, i}` at iteration i of 10,000, set every
    200: the 50 stages and the 7.14 of the defaults, which here follow the share of training that
    is behind. Pairs are weighted within each batch. Where the paper grades the similarity of
    label sets, pairs here share a label or do not, as in the authors' code.

    References
    ----------
    Cao, Long, Wang & Yu (2017), "HashNet: deep learning to hash by continuation", ICCV,
    arXiv:1702.00758.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import HashNetHasher
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = HashNetHasher(n_bits=16, max_iter=5, random_state=0).fit(X[:1500], y[:1500])
    >>> hasher.transform(X[1500:]).shape
    (297, 16)
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **SupervisedHasher._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="neither"), None],
        "final_beta": [Interval(Real, 1, None, closed="left")],
        "n_stages": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_bits=64,
        *,
        alpha=None,
        final_beta=7.14,
        n_stages=50,
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
        self.alpha = alpha
        self.final_beta = final_beta
        self.n_stages = n_stages

    def _prepare(self, target):
        self.alpha_ = 10 / int(self.n_bits) if self.alpha is None else float(self.alpha)

    def _term_weights(self):
        return {"pairs": 1.0}

    def _make_objective(self, target, generators):
        from skhash._torch.objectives import HashNetObjective

        return HashNetObjective(
            target,
            alpha=self.alpha_,
            final_beta=self.final_beta,
            n_stages=self.n_stages,
            n_steps=self.max_iter * -(-len(target) // self.batch_size),
        )
