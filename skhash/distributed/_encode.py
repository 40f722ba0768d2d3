"""Codes of one partition, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skhash.distributed._sources import Source
from skhash.distributed._threads import one_thread
from skhash.utils._packing import check_codes, pack_codes


@dataclass(frozen=True)
class Encoding:
    """How a worker encodes a partition; small, for every task carries it.

    read : yields features and ids of a partition, see `Source`.
    """

    read: Callable[[Any, int], Iterator[tuple]]
    n_bits: int
    block_rows: int

    @property
    def n_bytes(self) -> int:
        return -(-self.n_bits // 8)

    def blocks(self, estimator, partition) -> Iterator[tuple]:
        """Yield codes and ids of at most `block_rows` rows at a time."""
        for X, ids in self.read(partition, self.block_rows):
            with one_thread():
                codes = estimator.transform(X)
            if codes.shape != (len(X), self.n_bits):
                raise ValueError(
                    f"estimator gave codes of shape {codes.shape} for {len(X)} rows of "
                    f"{self.n_bits} bits"
                )
            yield check_codes(codes, "estimator.transform(X)"), ids

    def packed(self, estimator, partition) -> np.ndarray:
        """All codes of a partition, packed."""
        parts = [pack_codes(codes) for codes, _ in self.blocks(estimator, partition)]
        return np.concatenate(parts) if parts else np.empty((0, self.n_bytes), np.uint8)

    def bits(self, estimator, partition) -> np.ndarray:
        """All codes of a partition, one byte a bit."""
        parts = [codes for codes, _ in self.blocks(estimator, partition)]
        return np.concatenate(parts) if parts else np.empty((0, self.n_bits), np.uint8)


def check_estimator(estimator) -> None:
    """Raise where the estimator cannot encode at all."""
    if not hasattr(estimator, "transform"):
        raise TypeError(f"estimator must have a transform method, got {estimator!r}")
    check_is_fitted(estimator)


def prepare_encoding(estimator, source: Source, block_rows: int) -> Encoding:
    """Encode one row, so that what does not go together raises before any work begins.

    Raises
    ------
    ValueError
        If the estimator wants other features, or gives no codes.
    """
    codes = check_codes(estimator.transform(source.example), "estimator.transform(X)")
    return Encoding(source.read, codes.shape[1], block_rows)
