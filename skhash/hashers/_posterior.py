"""The posterior way of `SemanticHasher`: a classifier, whose posterior the bits are read off."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax
from sklearn.utils import check_random_state

from skhash._torch.task import Task
from skhash.hashers._posterior_map import posterior_map, sample_rows, smoothed_labels


class PosteriorTask(Task):
    """A classifier on mixtures of samples; the encoder adds a closed-form map to bits.

    Parameters
    ----------
    hasher : SemanticHasher
        Its parameters, and the similarity of its classes.
    labels : ndarray of shape (n_samples,) of int
        The class of each training row.
    """

    def __init__(self, hasher, labels):
        super().__init__({"classification": 1.0}, len(hasher.classes_), stratify=labels)
        self._hasher, self._labels = hasher, labels
        random = check_random_state(hasher.random_state)
        self._seed = int(random.randint(np.iinfo(np.int32).max))

    def objective(self, device, generators):
        import torch

        from skhash._torch.objectives import MixupObjective

        hasher = self._hasher
        targets = smoothed_labels(hasher.class_similarity_, hasher.label_smoothing)
        return MixupObjective(
            torch.from_numpy(self._labels).to(device),
            torch.from_numpy(targets).to(device),
            alpha=hasher.mixup,
            seed=self._seed,
            generator=generators.device,
        )

    def initialize(self, network):
        if hasattr(self._hasher, "input_shape_"):
            from skhash._torch.hidden import check_hidden

            check_hidden(network, self._hasher.input_shape_)

    def complete(self, X, architecture, state):
        from skhash._torch.posterior import posterior_state

        hasher = self._hasher
        # the same draws whenever it is called, during training and after it
        random_state = np.random.RandomState(self._seed)
        rows = sample_rows(len(X), random_state)
        X = X[rows]
        logits, features = hasher._outputs_and_features(
            X, architecture, state, n_outputs=self.n_outputs, device=hasher.device
        )
        found = posterior_map(
            features,
            self._labels[rows],
            softmax(logits / np.float32(hasher.temperature), axis=1),
            hasher.class_similarity_,
            int(hasher.n_bits),
            feature_weight=hasher.feature_weight,
            random_state=random_state,
        )
        ending = {"n_classes": self.n_outputs, "temperature": float(hasher.temperature)}
        if features is not X:
            ending["n_hidden"] = features.shape[1]
        return architecture | ending, posterior_state(state, found)

    def trained(self, state):
        from skhash._torch.posterior import classifier_state

        return classifier_state(state)
