"""CSQ: central similarity quantization, towards the hash centres of the classes."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

from sklearn.utils._param_validation import Interval

from skhash.hashers._codebook import TargetCodeHasher
from skhash.hashers._supervised import supervised_docs


@supervised_docs
class CSQHasher(TargetCodeHasher):
    r"""Central similarity quantization: the bits of a sample are those of its hash centre.

    A network maps each row of X to :math:`v`, and :math:`h = (1 + \tanh v) / 2` are the
    probabilities of its bits; a bit is 1 where :math:`v > 0`. With :math:`c` the centre of the
    sample in 0 and 1, training minimises

    .. math:: -\frac1K \sum_k \bigl(c_k \log h_k + (1 - c_k) \log(1 - h_k)\bigr)
        + \lambda\, \frac1K \sum_k \log\cosh(|2 h_k - 1| - 1)

    averaged over samples. The centre of a class is its code; that of several labels is the
    majority of their codes, bit by bit, with ties broken by fair coins.

    Parameters
    ----------
    |n_bits|
    codebook : str or array-like, default="auto"
        The class codes. "auto" takes rows of a Hadamard matrix and their complements ("hadamard")
        where `n_bits` is a power of two and there are at most ``2 * n_bits`` classes, and fair
        coins ("bernoulli") elsewhere. For the others, and arrays, see
        :func:`skhash.codebooks.make_codebook`.
    similarity : "auto" or callable, default="auto"
        What similar classes are, as of `OrthoHasher`. Only ``codebook="semantic"`` learns from
        it.
    quantization_weight : float >= 0, default=1e-4
        Weight of the second term: the :math:`\lambda` above.
    |network|
    |training|

    Attributes
    ----------
    codebook_ : ndarray of shape (n_classes, n_bits), dtype uint8
        Codes of `classes_`.
    tie_code_ : ndarray of shape (n_bits,), dtype uint8
        What decides a bit in which the codes of a set of labels are divided: fair coins, the
        same for all samples.
    codebook_rank_correlation_ : float
        Spearman's rank correlation, over pairs of classes, of the Hamming distances in
        `codebook_` with ``1 - class_similarity_``; NaN where one of them does not vary.
    class_similarity_ : ndarray of shape (n_classes, n_classes)
        The similarity of the classes.
    similarity_ : callable
        The similarity target in use.
    label_weights_ : ndarray of shape (n_classes, n_bits)
        What similarities to `classes_` are multiplied with for the expected code of another
        label; see `transform_labels`.
    multilabel_ : bool
        Whether ``fit`` was given indicators.
    |fitted|

    See Also
    --------
    skhash.DPNHasher : The same class codes, with a hinge.
    skhash.OrthoHasher : Class codes by one cosine loss.

    Notes
    -----
    The paper sums the second term over bits; the mean is our choice. The authors' released code
    has :math:`(|\tanh v| - 1)^2` of weight 0.05 in its place, and a third term over pairs.

    References
    ----------
    Yuan, Wang, Zhang, Tay, Jie, Liu & Feng (2020), "Central similarity quantization for
    efficient image and video retrieval", CVPR, arXiv:1908.00347.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import CSQHasher
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = CSQHasher(n_bits=16, max_iter=5, random_state=0).fit(X[:1500], y[:1500])
    >>> hasher.transform(X[1500:]).shape
    (297, 16)
    >>> bool((hasher.predict(X[1500:]) == y[1500:]).mean() > 0.85)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **TargetCodeHasher._parameter_constraints,
        "quantization_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_bits=64,
        *,
        codebook="auto",
        similarity="auto",
        quantization_weight=1e-4,
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
        self.quantization_weight = quantization_weight

    def _term_weights(self):
        return {"center": 1.0, "quantization": self.quantization_weight}

    def _make_objective(self, target, generators):
        from skhash._torch.objectives import CentralSimilarityObjective

        return CentralSimilarityObjective(self._target_codes(target), target.device)
