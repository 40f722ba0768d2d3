"""Bits read off the posterior of a classifier, and off the features themselves."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import numpy as np
from scipy.special import softmax
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from skhash._closed_form.posterior_map import posterior_map, sample_rows, smoothed_labels
from skhash._torch.task import Task
from skhash.encoders._base import BaseEncoder
from skhash.encoders._owners import names_owners

_LABELS = {
    "multilabel": "multilabel indicators",
    "vector": "rows of real numbers",
    "sentence": "sentences",
}


class PosteriorEncoder(BaseEncoder):
    """Bits from the posterior of a classifier: the library's own way, for class labels.

    A network learns to tell the classes apart, with a little of each label given to the classes
    that are most similar, and on mixtures of samples. Its posterior, turned into the expected
    embedding of the class under the similarity, is joined with the features themselves, which
    carry what classes do not; principal components and a rotation towards binary values (ITQ) of
    both give the bits, in closed form. The features of images are what the network's last linear
    layer is given.

    It has no paper. The codes that it starts from, a posterior times a codebook, are what a
    practitioner tries first.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.1
        Share of each label given to the other classes, the more similar the more.
    mixup : float, default=0.2
        Rows are mixed in pairs in a ratio drawn from Beta(mixup, mixup); 0 mixes none.
    temperature : float, default=0.85
        Temperature of the posterior. Lower values serve the classes seen in training, higher
        ones unseen classes.
    feature_weight : float, default=1.0
        Weight of the features beside the posterior; 0 leaves them out. Higher values serve
        unseen classes.

    See Also
    --------
    RelationalEncoder : For labels of any kind.

    References
    ----------
    Mixup: Zhang, Cisse, Dauphin & Lopez-Paz (2018), "mixup: beyond empirical risk minimization",
    ICLR. The rotation: Gong & Lazebnik (2011), "Iterative quantization", CVPR. The rest is our
    choice; :doc:`/methods/semantic` has the formulas.

    Examples
    --------
    >>> from skhash import SemanticHasher
    >>> from skhash.encoders import PosteriorEncoder
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> encoder = PosteriorEncoder(feature_weight=0.5)
    >>> SemanticHasher(16, encoder=encoder, max_iter=2, random_state=0).fit_transform(X, y).shape
    (1797, 16)
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "mixup": [Interval(Real, 0, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "feature_weight": [Interval(Real, 0, None, closed="left")],
    }

    @names_owners
    def __init__(self, *, label_smoothing=0.1, mixup=0.2, temperature=0.85, feature_weight=1.0):
        self.label_smoothing = label_smoothing
        self.mixup = mixup
        self.temperature = temperature
        self.feature_weight = feature_weight

    def _check(self, kind):
        self._validate_params()
        if kind != "class":
            raise ValueError(
                f"PosteriorEncoder needs one class label a row, and y holds {_LABELS[kind]}: set "
                'encoder=RelationalEncoder() or encoder="auto"'
            )

    def _task(self, problem):
        return PosteriorTask(self, problem)


class PosteriorTask(Task):
    """A classifier on mixtures of samples; the encoder adds a closed-form map to bits.

    Parameters
    ----------
    encoder : PosteriorEncoder
    problem : Problem
    """

    def __init__(self, encoder, problem):
        super().__init__({"classification": 1.0}, problem.n_classes, stratify=problem.target)
        self._encoder, self._problem = encoder, problem
        random = check_random_state(problem.random_state)
        self._seed = int(random.randint(np.iinfo(np.int32).max))

    def architecture(self, asked):
        if asked["dropout"] is None:
            return asked | {"dropout": 0.5 if asked["network"] == "mlp" else 0.0}
        return asked

    def objective(self, device, generators):
        import torch

        from skhash._torch.objectives import MixupObjective

        encoder, problem = self._encoder, self._problem
        targets = smoothed_labels(problem.class_similarity, encoder.label_smoothing)
        return MixupObjective(
            torch.from_numpy(problem.target).to(device),
            torch.from_numpy(targets).to(device),
            alpha=encoder.mixup,
            seed=self._seed,
            generator=generators.device,
        )

    def initialize(self, network):
        if self._problem.X.ndim > 2:
            from skhash._torch.hidden import check_hidden

            check_hidden(network, self._problem.X.shape[1:])

    def complete(self, X, architecture, state):
        from skhash._torch.posterior import posterior_state

        encoder, problem = self._encoder, self._problem
        # the same draws whenever it is called, during training and after it
        random_state = np.random.RandomState(self._seed)
        rows = sample_rows(X.shape[0], random_state)
        X = X[rows]
        logits, features = problem.outputs_and_features(
            X, architecture, state, n_outputs=self.n_outputs
        )
        found = posterior_map(
            features,
            problem.target[rows],
            softmax(logits / np.float32(encoder.temperature), axis=1),
            problem.class_similarity,
            problem.n_bits,
            feature_weight=encoder.feature_weight,
            random_state=random_state,
        )
        ending = {"n_classes": self.n_outputs, "temperature": float(encoder.temperature)}
        if features is not X:
            ending["n_hidden"] = features.shape[1]
        return architecture | ending, posterior_state(state, found)

    def trained(self, state):
        from skhash._torch.posterior import classifier_state

        return classifier_state(state)
