"""The direct way of `SemanticHasher`: bits whose distances follow those of the labels."""

from __future__ import annotations

from sklearn.utils import check_random_state

from skhash._torch.task import Task
from skhash.hashers._similarity_start import similarity_start
from skhash.similarity import prepare_similarity


class RelationalTask(Task):
    """Relative distances, a binary distribution and classes.

    Parameters
    ----------
    hasher : SemanticHasher
        Its parameters, and the similarity in use.
    X : ndarray
        The training rows, from which it begins where labels are no classes.
    y : ndarray or sparse matrix
        Their labels, as `check_labels` returns them.
    kind : {"class", "multilabel", "vector", "sentence"}
        Their kind.
    target : ndarray or None
        Class numbers or indicators, as `encode_classes` returns them.
    weights : dict of str to float
        Weight of each term, none of them 0.
    """

    def __init__(self, hasher, X, y, kind, target, weights):
        if kind in ("vector", "sentence"):
            weights = {name: w for name, w in weights.items() if name != "classification"}
            if not weights:
                what = "real numbers" if kind == "vector" else "sentences"
                raise ValueError(
                    f"y holds {what}, which have no classes to tell apart: "
                    "similarity_weight or kl_weight must be above 0"
                )
        super().__init__(weights, int(hasher.n_bits), target if kind == "class" else None)
        self._hasher, self._target, self._start = hasher, target, None
        if kind != "class":
            self._evaluate, self._labels = prepare_similarity(hasher.similarity_, y)
            resumes = hasher.warm_start and hasattr(hasher, "network_state_")
            if X.ndim == 2 and isinstance(hasher.network, str) and not resumes:
                random = check_random_state(hasher.random_state)
                self._start = similarity_start(X, self._compare, self.n_outputs, random)

    def _compare(self, rows, others):
        return self._evaluate(self._labels[rows], self._labels[others])

    def initialize(self, network):
        from skhash._torch.networks import set_linear_map

        # where X says nothing of the labels, random weights are a better beginning
        if self._start is not None and self._start[1].any():
            set_linear_map(network, *self._start)

    def objective(self, device, generators):
        import torch

        from skhash._torch.objectives import ClassDistances, EvaluatedDistances, SemanticObjective

        hasher, target = self._hasher, self._target
        if self.stratify is not None:
            distances = ClassDistances(1 - hasher.class_similarity_, target, device)
        else:
            distances = EvaluatedDistances(lambda rows: self._compare(rows, rows), device)
        classifies = "classification" in self.weights
        return SemanticObjective(
            distances,
            torch.from_numpy(target).to(device) if classifies else None,
            n_bits=self.n_outputs,
            n_classes=len(hasher.classes_) if classifies else None,
            terms=self.weights,
            form=hasher.pair_form,
            gamma=hasher.pair_gamma,
            rho=hasher.pair_rho,
            alpha=hasher.kl_alpha,
            n_draws=hasher.kl_n_draws,
            device=device,
            generators=generators,
        )
