"""Rank consistency: the order by Hamming distance agrees with the order by labels."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skhash.hashers._supervised import SupervisedHasher, supervised_docs
from skhash.similarity import (
    MultilabelSimilarity,
    class_similarity,
    evaluate_similarity,
    resolve_similarity,
)


@supervised_docs
class RankConsistencyHasher(SupervisedHasher):
    r"""Codes whose Hamming distances order samples as the similarities of their labels do.

    Made for samples of several labels, where some share more than others. A network maps each
    row of X to real values, whose hyperbolic tangents are :math:`z`; a bit is 1 where its value
    is above 0. Training minimises

    .. math:: w_{rnk} L_{rnk} + w_{cls} L_{cls} + w_{clu} L_{clu} + w_{qnt} L_{qnt}

    - :math:`L_{rnk}`: to each sample of a batch, what is more similar by label should be nearer by
      code, a logistic loss of the difference of relaxed Hamming distances
      :math:`(1 - z \cdot z' / n_{bits}) / 2`, weighed by the difference of similarities;
    - :math:`L_{cls}`: a linear head on z gives the labels of a sample equal shares of a softmax;
    - :math:`L_{clu}`: half the squared distance from z to the learned centres of its labels, by
      `n_bits`;
    - :math:`L_{qnt}`: z should be near -1 or 1.

    Parameters
    ----------
    |n_bits|
    similarity : "auto" or callable, default="auto"
        What similar means: ``similarity(y_a, y_b)`` returns an array of shape (n_a, n_b) with
        values in [0, 1], 1 for the same; only their order and differences matter. See
        :mod:`skhash.similarity`. ``"auto"`` takes equality for class labels and the cosine of
        the indicators for multilabel ones.
    rank_weight : float, default=1.0
        Weight of the rank term; 0 leaves it out.
    classification_weight : float, default=0.1
        Weight of the classification term; 0 leaves it out.
    clustering_weight : float, default=0.1
        Weight of the clustering term; 0 leaves it out.
    quantization_weight : float, default=0.01
        Weight of the quantisation term; 0 leaves it out.
    sharpness : float > 0, default=10.0
        How soon a difference of Hamming distances, in units of `n_bits`, counts as an order.
    n_comparisons : int or None, default=4
        How many others of its batch each item is compared with, seen from every sample: cost and
        memory of a step grow with ``batch_size ** 2 * n_comparisons``. None compares all, which
        was no better than 4 on captions with several labels.
    |network|
    |training|

    Attributes
    ----------
    similarity_ : callable
        The similarity target in use.
    class_similarity_ : ndarray of shape (n_classes, n_classes) or None
        The similarity target between the classes; None for multilabel indicators.
    |fitted|

    See Also
    --------
    skhash.SemanticHasher : Fits relative distances instead of their order.

    Notes
    -----
    The aims are those of the paper's abstract: similarity orders that agree in both spaces, a
    multi-label softmax cross-entropy, and clusters around the several centres of a sample. The
    forms of the terms, the quantisation term and all weights are ours, and no reproduction of its
    figures is claimed.

    References
    ----------
    Ma, Lu & Zhou (2021), "Rank-consistency deep hashing for scalable multi-label image search",
    IEEE Transactions on Multimedia, arXiv:2102.01486.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from skhash import RankConsistencyHasher
    >>> X, y = make_multilabel_classification(n_samples=500, random_state=0)
    >>> hasher = RankConsistencyHasher(n_bits=16, max_iter=5, random_state=0).fit(X, y)
    >>> hasher.transform(X).shape
    (500, 16)
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **SupervisedHasher._parameter_constraints,
        "similarity": [StrOptions({"auto"}), callable],
        "rank_weight": [Interval(Real, 0, None, closed="left")],
        "classification_weight": [Interval(Real, 0, None, closed="left")],
        "clustering_weight": [Interval(Real, 0, None, closed="left")],
        "quantization_weight": [Interval(Real, 0, None, closed="left")],
        "sharpness": [Interval(Real, 0, None, closed="neither")],
        "n_comparisons": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        n_bits=64,
        *,
        similarity="auto",
        rank_weight=1.0,
        classification_weight=0.1,
        clustering_weight=0.1,
        quantization_weight=0.01,
        sharpness=10.0,
        n_comparisons=4,
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
        self.similarity = similarity
        self.rank_weight = rank_weight
        self.classification_weight = classification_weight
        self.clustering_weight = clustering_weight
        self.quantization_weight = quantization_weight
        self.sharpness = sharpness
        self.n_comparisons = n_comparisons

    def _prepare(self, target):
        # raises where all are 0, before any work
        self._term_weights()
        self.class_similarity_ = None
        if target.ndim == 1:
            self.similarity_ = resolve_similarity(self.similarity, self.classes_)
            self.class_similarity_ = class_similarity(self.similarity_, self.classes_)
        else:
            self.similarity_ = (
                MultilabelSimilarity("cosine")
                if isinstance(self.similarity, str)
                else resolve_similarity(self.similarity, target)
            )

    def _term_weights(self):
        weights = {
            "rank": self.rank_weight,
            "classification": self.classification_weight,
            "clustering": self.clustering_weight,
            "quantization": self.quantization_weight,
        }
        weights = {name: weight for name, weight in weights.items() if weight > 0}
        if not weights:
            raise ValueError(
                "rank_weight, classification_weight, clustering_weight and quantization_weight "
                "are all 0: one must be above 0"
            )
        return weights

    def _make_objective(self, target, generators):
        from skhash._torch.objectives import RankConsistencyObjective

        return RankConsistencyObjective(
            self._target_distances(target),
            target,
            n_bits=int(self.n_bits),
            n_classes=len(self.classes_),
            terms=self._term_weights(),
            sharpness=self.sharpness,
            n_shifts=self.n_comparisons,
            generators=generators,
        )

    def _target_distances(self, target):
        from skhash._torch.objectives import ClassDistances, EvaluatedDistances

        if self.class_similarity_ is not None:
            return ClassDistances(1 - self.class_similarity_, target.cpu().numpy(), target.device)
        labels = target.cpu().numpy().astype(np.uint8)

        def similarity(rows):
            return evaluate_similarity(self.similarity_, labels[rows], labels[rows])

        return EvaluatedDistances(similarity, target.device)
