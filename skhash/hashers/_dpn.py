"""DPN: outputs polarised towards class codes."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

from sklearn.utils._param_validation import Interval

from skhash.hashers._codebook import TargetCodeHasher
from skhash.hashers._supervised import supervised_docs


@supervised_docs
class DPNHasher(TargetCodeHasher):
    r"""Deep polarized network: each bit is beyond a margin, on the side of its class code.

    A network maps each row of X to :math:`v`; a bit is 1 where its value is above 0. With
    :math:`t` the class code of the sample in -1 and 1, training minimises the polarisation loss

    .. math:: \frac1K \sum_k \max(0, m - v_k t_k)

    averaged over samples, and nothing else. It bounds the Hamming distance between the code of a
    sample and its class code from above (for m = 1). Several labels have the majority of their
    codes, bit by bit, with ties broken by fair coins.

    Parameters
    ----------
    |n_bits|
    codebook : str or array-like, default="bernoulli"
        The class codes. "bernoulli" tosses fair coins, the paper's random assignment; "auto" is as
        of `CSQHasher`. For the others, and arrays, see
        :func:`skhash.codebooks.make_codebook`.
    similarity : "auto" or callable, default="auto"
        What similar classes are, as of `OrthoHasher`. Only ``codebook="semantic"`` learns from
        it.
    margin : float > 0, default=1.0
        The m above.
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
    skhash.CSQHasher : The same class codes, with a cross-entropy.
    skhash.OrthoHasher : Class codes by one cosine loss.

    Notes
    -----
    The class codes stay as they were drawn: the paper's variants that update them during training,
    or leave out bits within the margin when encoding, are not implemented.

    References
    ----------
    Fan, Ng, Ju, Zhang & Chan (2020), "Deep polarized network for supervised learning of accurate
    binary hashing codes", IJCAI.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import DPNHasher
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = DPNHasher(n_bits=16, max_iter=5, random_state=0).fit(X[:1500], y[:1500])
    >>> hasher.transform(X[1500:]).shape
    (297, 16)
    >>> bool((hasher.predict(X[1500:]) == y[1500:]).mean() > 0.85)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **TargetCodeHasher._parameter_constraints,
        "margin": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        n_bits=64,
        *,
        codebook="bernoulli",
        similarity="auto",
        margin=1.0,
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

    def _term_weights(self):
        return {"polarization": 1.0}

    def _make_objective(self, target, generators):
        from skhash._torch.objectives import PolarizationObjective

        return PolarizationObjective(self._target_codes(target), target.device, margin=self.margin)
