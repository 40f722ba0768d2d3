"""Bits whose distances follow those of the labels: the losses of Arponen & Bishop."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skhash._closed_form.similarity_start import similarity_start
from skhash.encoders._alpha import check_alpha
from skhash.encoders._base import BaseEncoder, EncoderTask
from skhash.encoders._owners import names_owners


class RelationalEncoder(BaseEncoder):
    r"""Bits whose distances follow those of the labels: the losses of Arponen & Bishop (2020).

    The network maps each row of X to the values of the bits. With :math:`z` their sigmoids,
    training minimises

    .. math:: w_{sim} L_{sim} + w_{kl} L_{kl} + w_{cls} L_{cls}

    - :math:`L_{sim}`: distances between codes, relative to their mean in the batch, match the
      distances ``1 - similarity`` between labels, relative to theirs; similar pairs weigh more;
    - :math:`L_{kl}`: a nearest-neighbour estimate of the Kullback-Leibler divergence between the
      outputs and a binary distribution, so that codes spread out and rounding loses little;
    - :math:`L_{cls}`: a linear head on :math:`z` tells the classes apart.

    The losses are those of the paper; the defaults are ours, chosen for the codes that they
    give. `as_published` has the paper's.

    Parameters
    ----------
    similarity_weight : float, default=1.0
        Weight of the relational term; 0 leaves it out.
    kl_weight : float, default=0.003
        Weight of the KL term; 0 leaves it out. Large weights spread codes at the cost of meaning.
    classification_weight : float, default=0.2
        Weight of the classification term; 0 leaves it out. Large weights sharpen classes at the
        cost of the distances between them. Rows of real numbers as y, and sentences, have no
        classes, and train without the term.
    pair_distance : {"product", "manhattan"}, default="product"
        Distance between real-valued codes: "manhattan" is the L1 distance of the paper,
        "product" the expected Hamming distance of independent bits; they agree on binary codes
        and the product is much cheaper.
    pair_gamma, pair_rho : float, default=0.1, 1.5
        A pair at target distance d weighs ``(pair_gamma / (pair_gamma + d)) ** pair_rho``.
    pair_normalizer : {"weights", "pairs"}, default="weights"
        What the sum over the pairs of a batch is divided by: the sum of their weights, which
        keeps the size of the term whether similar pairs are many or few, or their number, as in
        the paper.
    kl_target : {"beta", "bernoulli"} or callable, default="beta"
        The binary distribution: Beta(kl_alpha, kl_alpha) in each bit; or fair coins moved off 0
        and 1 by a uniform jitter of up to 0.05; or ``kl_target(size, rng)``, which returns an
        array of shape `size`, (n_draws, n_bits), with values in [0, 1], drawn from the
        `numpy.random.Generator` `rng`.
    kl_alpha : float or tuple of two floats, default=0.1
        Shape of "beta": 1 is uniform, the smaller the more binary. ``(first, last)`` goes from
        one to the other during training, by equal ratios.
    kl_n_neighbors : int, default=1
        The k of the k-nearest-neighbour estimate, below `batch_size`.
    kl_n_draws : int or None, default=None
        Draws of the binary distribution for each batch, at least `kl_n_neighbors`; None takes
        `batch_size`.
    start : {"auto", "closed-form", "random"}, default="auto"
        Where training begins. "closed-form": a linear map, ridge regression on vectors whose
        inner products are the similarity, rotated towards binary values (ITQ); hidden layers
        correct it. "random": random weights. "auto": the first where y holds no class labels and
        X rows for a network of the library, random weights elsewhere.

    See Also
    --------
    PosteriorEncoder : The default for class labels.

    References
    ----------
    Arponen & Bishop (2020), "Learning to hash with semantic similarity metrics and empirical KL
    divergence", arXiv:2005.04917. The weights, the product form of the relational term and
    the start in closed form are our choice.

    Examples
    --------
    >>> from skhash import SemanticHasher
    >>> from skhash.encoders import RelationalEncoder
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = SemanticHasher(16, encoder=RelationalEncoder(), max_iter=2, random_state=0)
    >>> hasher.set_params(encoder__kl_weight=0.01).fit_transform(X, y).shape
    (1797, 16)
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "similarity_weight": [Interval(Real, 0, None, closed="left")],
        "kl_weight": [Interval(Real, 0, None, closed="left")],
        "classification_weight": [Interval(Real, 0, None, closed="left")],
        "pair_distance": [StrOptions({"product", "manhattan"})],
        "pair_gamma": [Interval(Real, 0, None, closed="neither")],
        "pair_rho": [Interval(Real, 0, None, closed="left")],
        "pair_normalizer": [StrOptions({"weights", "pairs"})],
        "kl_target": [StrOptions({"beta", "bernoulli"}), callable],
        "kl_alpha": [Interval(Real, 0, None, closed="neither"), tuple],
        "kl_n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "kl_n_draws": [Interval(Integral, 1, None, closed="left"), None],
        "start": [StrOptions({"auto", "closed-form", "random"})],
    }

    @names_owners
    def __init__(
        self,
        *,
        similarity_weight=1.0,
        kl_weight=0.003,
        classification_weight=0.2,
        pair_distance="product",
        pair_gamma=0.1,
        pair_rho=1.5,
        pair_normalizer="weights",
        kl_target="beta",
        kl_alpha=0.1,
        kl_n_neighbors=1,
        kl_n_draws=None,
        start="auto",
    ):
        self.similarity_weight = similarity_weight
        self.kl_weight = kl_weight
        self.classification_weight = classification_weight
        self.pair_distance = pair_distance
        self.pair_gamma = pair_gamma
        self.pair_rho = pair_rho
        self.pair_normalizer = pair_normalizer
        self.kl_target = kl_target
        self.kl_alpha = kl_alpha
        self.kl_n_neighbors = kl_n_neighbors
        self.kl_n_draws = kl_n_draws
        self.start = start

    @classmethod
    def as_published(cls, **changes):
        """Return the encoder of Arponen & Bishop (2020), as far as it is known.

        What the paper says:

        - ``pair_distance="manhattan"``: the L1 distance of the outputs, which on bits is the
          Hamming distance; it and the distance of the labels are divided by their means over
          the batch, as always here;
        - ``pair_gamma=0.1, pair_rho=2.0``: the weighting of pairs;
        - ``pair_normalizer="pairs"``: the relational term is a mean over pairs;
        - ``kl_target="beta", kl_alpha=0.1``: outputs are drawn to a nearly binary distribution,
          by a nearest-neighbour estimate of the divergence;
        - a network trained from its weights: ``start="random"``, with no step in closed form
          before or after it;
        - all three terms where there are classes; without the classification term where only
          similarities are known: ``as_published(classification_weight=0)``.

        What only other sources say: a public configuration that the first author used later, for
        another task, has

        - ``kl_n_neighbors=3`` (there ``k_knn``), ``kl_weight=0.1`` (there ``loss_scale_kl``), and
          weights of 1 of the other terms: ``similarity_weight=1.0, classification_weight=1.0``;
        - the same ``kl_alpha=0.1`` (there ``target_uniformity``).

        What cannot be known from either: the weights of the terms in the paper's experiments, the
        number of draws of the binary distribution (here as many as the batch has rows), and
        whether weights changed during training. The network, the optimiser and its schedule are
        parameters of the hasher; those of the paper trained on images.

        Parameters
        ----------
        **changes : dict
            Parameters to have otherwise.

        Returns
        -------
        encoder : RelationalEncoder

        Examples
        --------
        >>> from skhash.encoders import RelationalEncoder
        >>> encoder = RelationalEncoder.as_published(kl_weight=0.003)
        >>> encoder.pair_distance, encoder.kl_n_neighbors, encoder.kl_weight
        ('manhattan', 3, 0.003)
        """
        published = {
            "similarity_weight": 1.0,
            "kl_weight": 0.1,
            "classification_weight": 1.0,
            "pair_distance": "manhattan",
            "pair_gamma": 0.1,
            "pair_rho": 2.0,
            "pair_normalizer": "pairs",
            "kl_target": "beta",
            "kl_alpha": 0.1,
            "kl_n_neighbors": 3,
            "kl_n_draws": None,
            "start": "random",
        }
        return cls(**{**published, **changes})

    def _check(self, kind):
        self._validate_params()
        check_alpha(self.kl_alpha)
        if self.kl_n_draws is not None and self.kl_n_draws < self.kl_n_neighbors:
            raise ValueError(
                f"kl_n_draws must be at least kl_n_neighbors={self.kl_n_neighbors}, "
                f"got {self.kl_n_draws}"
            )
        if self._weights(kind):
            return
        if self.classification_weight > 0:
            what = "real numbers" if kind == "vector" else "sentences"
            raise ValueError(
                f"y holds {what}, which have no classes to tell apart: "
                "similarity_weight or kl_weight must be above 0"
            )
        raise ValueError(
            "similarity_weight, kl_weight and classification_weight are all 0: one must be above 0"
        )

    def _weights(self, kind):
        weights = {"similarity": self.similarity_weight, "kl": self.kl_weight}
        if kind not in ("vector", "sentence"):
            weights["classification"] = self.classification_weight
        return {name: weight for name, weight in weights.items() if weight > 0}

    def _task(self, problem):
        return RelationalTask(self, problem)


class RelationalTask(EncoderTask):
    """Relative distances, a binary distribution and classes.

    Parameters
    ----------
    encoder : RelationalEncoder
    problem : Problem
    """

    def __init__(self, encoder, problem):
        super().__init__(encoder._weights(problem.kind), encoder, problem)
        if encoder.kl_n_neighbors >= problem.batch_size:
            raise ValueError(
                f"kl_n_neighbors must be below batch_size={problem.batch_size}, "
                f"got {encoder.kl_n_neighbors}"
            )
        self._begins_linear = self._has_linear_start()
        self._start = None
        if self._begins_linear and not problem.resumes:
            random = check_random_state(problem.random_state)
            self._start = similarity_start(problem.X, problem.comparison(), self.n_outputs, random)

    def _has_linear_start(self):
        problem, start = self._problem, self._encoder.start
        possible = problem.X.ndim == 2 and isinstance(problem.network, str)
        if start == "closed-form" and not possible:
            raise ValueError(
                'start="closed-form" needs network="mlp" or "linear", whose weights it knows, got '
                f"network={problem.network!r}"
            )
        return possible and start != "random" and (start != "auto" or problem.kind != "class")

    def architecture(self, asked):
        # the hidden layers then correct a linear map
        shortcut = asked["network"] == "mlp" and self._begins_linear
        if asked["dropout"] is None:
            asked = asked | {"dropout": 0.5 if shortcut else 0.0}
        return asked | {"shortcut": True} if shortcut else asked

    def initialize(self, network):
        from skhash._torch.networks import set_linear_map

        # where X says nothing of the labels, random weights are a better beginning
        if self._start is not None and self._start[1].any():
            set_linear_map(network, *self._start)

    def objective(self, device, generators):
        import torch

        from skhash._torch.objectives import KLTerm, SemanticObjective

        encoder, problem = self._encoder, self._problem
        seed = 0
        if callable(encoder.kl_target):
            seed = int(check_random_state(problem.random_state).randint(np.iinfo(np.int32).max))
        classifies = "classification" in self.weights
        return SemanticObjective(
            problem.distances(device),
            torch.from_numpy(problem.target).to(device) if classifies else None,
            n_bits=self.n_outputs,
            n_classes=problem.n_classes if classifies else None,
            terms=self.weights,
            relation={
                "form": encoder.pair_distance,
                "gamma": encoder.pair_gamma,
                "rho": encoder.pair_rho,
                "normalizer": encoder.pair_normalizer,
            },
            kl_term=KLTerm(
                encoder.kl_target,
                encoder.kl_alpha,
                encoder.kl_n_draws,
                n_neighbors=encoder.kl_n_neighbors,
                n_steps=problem.n_steps,
                seed=seed,
                device=device,
                generator=generators.device,
            ),
            generators=generators,
        )
