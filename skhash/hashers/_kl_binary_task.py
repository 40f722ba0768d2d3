"""What `KLBinaryHasher` trains."""

from __future__ import annotations

from skhash._torch.task import Task


class KLBinaryTask(Task):
    """Neighbours, a binary distribution and classes, begun as ITQ where there are directions."""

    def __init__(self, hasher, target, weights, mean, directions, *, n_steps, seed):
        stratify = target if target is not None and target.ndim == 1 else None
        super().__init__(weights, int(hasher.n_bits), stratify)
        self._hasher, self._target = hasher, target
        self._mean, self._directions = mean, directions
        self._n_steps, self._seed = n_steps, seed

    def initialize(self, network):
        from skhash._torch.networks import set_linear_map

        if self._directions is not None:
            set_linear_map(network, self._mean, self._directions)

    def judge(self, network, objective, data, train_rows, validation_rows):
        # neighbours in X are not what is learned beside or in place of something else
        if set(self.weights) - {"kl"} != {"neighborhood"}:
            return None
        from skhash._torch.retrieval import RetrievalJudge

        return RetrievalJudge(
            network, data, train_rows, validation_rows, objective.center, self._hasher.metric
        )

    def objective(self, device, generators):
        import torch

        from skhash._torch.objectives import KLBinaryObjective, KLTerm

        hasher, target = self._hasher, self._target
        return KLBinaryObjective(
            None if target is None else torch.from_numpy(target).to(device),
            self._mean,
            n_bits=self.n_outputs,
            n_classes=None if target is None else len(hasher.classes_),
            terms=self.weights,
            metric=hasher.metric,
            perplexity=hasher.perplexity,
            kl_term=KLTerm(
                hasher.kl_target,
                hasher.kl_alpha,
                hasher.kl_n_draws,
                n_steps=self._n_steps,
                seed=self._seed,
                device=device,
                generator=generators.device,
            ),
            generators=generators,
        )
