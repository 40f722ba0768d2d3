"""Rankings by Hamming distance, counted by torch: for large evaluations on a GPU."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from skhash.metrics._hamming import HammingBlock
from skhash.metrics._relevance import ClassGainsBlock
from skhash.metrics._ties import Groups
from skhash.utils._devices import resolve_device


class TorchHammingRanking:
    """Rankings of the database by Hamming distance; the interface of `HammingRanking`."""

    def __init__(self, query_codes: np.ndarray, database_codes: np.ndarray, device: str):
        self.n_bits = query_codes.shape[1]
        self.n_queries, self.n_database = len(query_codes), len(database_codes)
        self._device = resolve_device(device)
        self._queries = self._signs(query_codes)
        self._items = self._signs(database_codes)
        # a GPU wants large blocks, a processor such as fit its cache
        pairs_per_block = 2**20 if self._device.type == "cpu" else 2**25
        # counters by distance and class take room too, of which a small database needs most
        self.rows_per_block = max(1, pairs_per_block // max(self.n_database, 64 * self.n_bits))

    def block(self, rows: np.ndarray, own: np.ndarray, depth: int, radius: int):
        queries = self._queries[torch.from_numpy(rows).to(self._device)]
        # small integers are exact in single precision
        differing = (self.n_bits - queries @ self._items.T) / 2
        distances = differing.to(torch.uint8 if self.n_bits + 1 <= 255 else torch.int16)
        inside = np.flatnonzero(own >= 0)
        # one more than the largest distance marks what is not ranked
        distances[inside, own[inside]] = self.n_bits + 1
        return TorchHammingBlock(distances, self.n_bits, depth, radius)

    def _signs(self, codes: np.ndarray) -> torch.Tensor:
        return torch.tensor(np.ascontiguousarray(codes), device=self._device).float() * 2 - 1


class TorchHammingBlock:
    """Rankings of a block of queries; the interface of `HammingBlock`.

    The items of each class at each distance are counted by matrix products with zeros and ones.
    These are exact in single precision, always give the same, and a GPU does them faster than
    it can add to shared counters.
    """

    def __init__(self, distances: torch.Tensor, n_bits: int, depth: int, radius: int):
        self._distances = distances
        self._n_bits = n_bits
        self._depth = depth
        self._radius = radius
        self._class_counts: np.ndarray | None = None

    def groups(self, gains) -> Groups:
        if not isinstance(gains, ClassGainsBlock):
            return self._on_host.groups(gains)
        counts = self._counts_by_class(gains)
        gain = np.einsum("qdc,qc->qd", counts, gains.table[gains.query_classes], optimize=True)
        return Groups(counts.sum(axis=2), gain)

    def refined_groups(self, gains, best_first: bool) -> Groups:
        if not isinstance(gains, ClassGainsBlock):
            return self._on_host.refined_groups(gains, best_first)
        counts = self._counts_by_class(gains)
        order = np.argsort(-gains.table if best_first else gains.table, axis=1)
        ordered_gains = np.take_along_axis(gains.table, order, axis=1)[gains.query_classes]
        size = np.take_along_axis(counts, order[gains.query_classes][:, None], axis=2)
        gain = size * ordered_gains[:, None]
        return Groups(size.reshape(len(size), -1), gain.reshape(len(size), -1))

    def merged_groups(self, gains, cells: Groups) -> Groups:
        # the classes at each distance are counted by now
        return self.groups(gains)

    @cached_property
    def _on_host(self) -> HammingBlock:
        # gains by pair are evaluated on the host, and are larger than the distances
        distances = self._distances.cpu().numpy()
        return HammingBlock(distances, self._n_bits, self._depth, self._radius)

    def _counts_by_class(self, gains: ClassGainsBlock) -> np.ndarray:
        """Items by distance and class, (n_queries, n_distances, n_classes), all gains alike."""
        if self._class_counts is None:
            device = self._distances.device
            classes = torch.from_numpy(gains.item_classes).to(device)
            members = torch.nn.functional.one_hot(classes, gains.table.shape[1]).float()
            by_distance = []
            reached = torch.zeros(len(self._distances), device=device)
            for distance in range(self._n_bits + 1):
                count = (self._distances == distance).float() @ members
                by_distance.append(count)
                reached += count.sum(dim=1)
                if distance >= self._radius and reached.min() >= self._depth:
                    break
            counts = torch.stack(by_distance, dim=1)
            self._class_counts = counts.cpu().numpy().astype(np.intp)
        return self._class_counts
