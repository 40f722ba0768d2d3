"""Bits read off the posterior of a classifier, and off the features themselves."""

from __future__ import annotations

import math
from numbers import Real
from typing import ClassVar

import numpy as np
from scipy.sparse import issparse
from scipy.special import softmax
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skhash._closed_form.posterior_choice import (
    CANDIDATES,
    DEFAULTS,
    Settings,
    choose_settings,
    judge_settings,
    plan_trial,
)
from skhash._closed_form.posterior_map import (
    PosteriorMaps,
    class_means,
    dense_rows,
    sample_rows,
    smoothed_labels,
)
from skhash._torch.task import Task
from skhash.encoders._base import BaseEncoder
from skhash.encoders._owners import names_owners

_LABELS = {
    "multilabel": "multilabel indicators",
    "vector": "rows of real numbers",
    "sentence": "sentences",
}
# how much unseen classes count
_EMPHASIS = {"seen": 0.0, "balanced": 0.5, "unseen": 1.0}
# share of the epochs that a trial trains for, and the fewest steps that teach it something
_TRIAL_SHARE, _TRIAL_STEPS = 0.2, 100


class PosteriorEncoder(BaseEncoder):
    """Bits from the posterior of a classifier: the library's own way, for class labels.

    A network learns to tell the classes apart, with a little of each label given to the classes
    that are most similar, and on mixtures of samples. Its posterior, turned into the expected
    embedding of the class under the similarity, is joined with the features themselves, which
    carry what classes do not; principal components and a rotation towards binary values (ITQ) of
    both give the bits, in closed form. The features of images are what the network's last linear
    layer is given.

    How sure the posterior should be, and how much the features should count, depends on the data:
    a posterior that knows its classes well places a sample of an unseen class squarely on a wrong
    one. Where `temperature`, `feature_weight` or `shrinkage` is ``"auto"``, a second, shorter
    training leaves out a fifth of the classes and of the rows, and the settings with the best
    hierarchical precision on those are taken, for the number of bits at hand. This takes about a
    quarter of the time to fit. Images, and fewer than 8 classes or 10 rows a class, have a
    temperature of 0.85, a feature weight of 1 and a shrinkage of 0.5 instead.

    It has no paper. The codes that it starts from, a posterior times a codebook, are what a
    practitioner tries first.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.1
        Share of each label given to the other classes, the more similar the more.
    mixup : float, default=0.2
        Rows are mixed in pairs in a ratio drawn from Beta(mixup, mixup); 0 mixes none.
    temperature : "auto" or float, default="auto"
        Temperature of the posterior. Lower values serve the classes seen in training, higher
        ones unseen classes.
    feature_weight : "auto" or float, default="auto"
        Weight of the features beside the posterior; 0 leaves them out. Higher values serve
        unseen classes.
    shrinkage : "auto" or float in (0, 1], default="auto"
        How far the covariance within classes, by which the features are whitened, is shrunk
        towards a multiple of the identity; 1 leaves the features as they are. Lower values serve
        classes that a linear map of the features can tell apart.
    emphasis : {"balanced", "seen", "unseen"} or float in [0, 1], default="balanced"
        Which queries the settings that are ``"auto"`` shall serve: those of the classes in y, of
        other classes, or both. A number is the weight of the latter: 0 is ``"seen"``, 0.5
        ``"balanced"`` and 1 ``"unseen"``.

    Attributes
    ----------
    temperature_, feature_weight_, shrinkage_ : float
        The settings in use, those of ``encoder_`` of a fitted `~skhash.SemanticHasher`.
    class_values_ : ndarray of shape (n_classes, n_bits), float32
        What the mean posterior of the rows of each class adds to the values of the bits.

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
        "temperature": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "feature_weight": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "shrinkage": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="right")],
        "emphasis": [StrOptions(set(_EMPHASIS)), Interval(Real, 0, 1, closed="both")],
    }

    temperature_: float
    feature_weight_: float
    shrinkage_: float
    class_values_: np.ndarray

    @names_owners
    def __init__(
        self,
        *,
        label_smoothing=0.1,
        mixup=0.2,
        temperature="auto",
        feature_weight="auto",
        shrinkage="auto",
        emphasis="balanced",
    ):
        self.label_smoothing = label_smoothing
        self.mixup = mixup
        self.temperature = temperature
        self.feature_weight = feature_weight
        self.shrinkage = shrinkage
        self.emphasis = emphasis

    def _check(self, kind):
        self._validate_params()
        if kind != "class":
            raise ValueError(
                f"PosteriorEncoder needs one class label a row, and y holds {_LABELS[kind]}: set "
                'encoder=RelationalEncoder() or encoder="auto"'
            )

    def _task(self, problem):
        return PosteriorTask(self, problem)

    def _given(self, settings):
        """Settings, with those that are not "auto" as they are given."""
        own = [getattr(self, name) for name in Settings._fields]
        return Settings(*(s if o == "auto" else float(o) for o, s in zip(own, settings)))

    def _use(self, settings):
        self.temperature_, self.feature_weight_, self.shrinkage_ = settings


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
        encoder._use(encoder._given(DEFAULTS))

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

    def settle(self, X, architecture, train_aside):
        encoder, problem = self._encoder, self._problem
        candidates = list(dict.fromkeys(map(encoder._given, CANDIDATES)))
        if len(candidates) == 1 or X.ndim > 2:
            return
        labels = problem.target
        trial = plan_trial(labels, self.n_outputs, self._seed)
        if trial is None:
            return
        rows = np.concatenate([trial.fit_rows, trial.judged_rows])
        X, n_fit = X[rows], len(trial.fit_rows)
        if not issparse(X):
            # whatever the mean, the trial is the same: few rows judge, and rounding would show
            X = (X - X.mean(axis=0, dtype=np.float64)).astype(X.dtype)
        steps = math.ceil(n_fit / problem.batch_size)
        n_epochs = math.ceil(max(_TRIAL_SHARE * problem.max_iter, _TRIAL_STEPS / steps))
        logits = train_aside(
            X,
            PosteriorTask(encoder, problem.of_classes(trial.classes, trial.fit_rows)),
            n_fit,
            max_iter=min(n_epochs, problem.max_iter),
            seed=self._seed,
        )
        X, similarity = dense_rows(X, problem.n_bits), problem.class_similarity
        precision = judge_settings(
            trial, X, labels[rows], logits, similarity, problem.n_bits, candidates, self._seed
        )
        emphasis = _EMPHASIS.get(encoder.emphasis, encoder.emphasis)
        n_left_out = self.n_outputs - len(trial.classes)
        chosen = choose_settings(precision, candidates, emphasis, n_left_out)
        encoder._use(encoder._given(chosen))

    def complete(self, X, architecture, state):
        from skhash._torch.posterior import posterior_state

        encoder, problem = self._encoder, self._problem
        # the same draws whenever it is called, during training and after it
        rows = sample_rows(X.shape[0], np.random.RandomState(self._seed))
        X = X[rows]
        logits, features = problem.outputs_and_features(
            X, architecture, state, n_outputs=self.n_outputs
        )
        maps = PosteriorMaps(
            features, problem.target[rows], problem.class_similarity, problem.n_bits, self._seed
        )
        posterior = softmax(logits / np.float32(encoder.temperature_), axis=1)
        found = maps.find(
            posterior, feature_weight=encoder.feature_weight_, shrinkage=encoder.shrinkage_
        )
        typical = class_means(posterior, problem.target[rows], self.n_outputs)
        encoder.class_values_ = (typical @ found.classes + found.offset).astype(np.float32)
        ending = {"n_classes": self.n_outputs, "temperature": encoder.temperature_}
        if features is not X:
            ending["n_hidden"] = features.shape[1]
        return architecture | ending, posterior_state(state, found)

    def trained(self, state):
        from skhash._torch.posterior import classifier_state

        return classifier_state(state)
