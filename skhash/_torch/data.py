"""Where batches come from: rows that stay on the device, or rows fetched when needed."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.sparse import issparse

# elements held at once while statistics are taken
_BLOCK_ELEMENTS = 2**24
# of the unit of rows
_LEAST_EXPONENT = -100


class Rows:
    """Rows of X for training: brought to the device once where they fit, else batch by batch.

    Sparse rows are made dense on their way, one batch at a time.

    Parameters
    ----------
    X : ndarray, memmap or CSR matrix of shape (n_samples, ...)
    device : torch.device
    """

    def __init__(self, X, device):
        self._X, self._device, self._resident = X, device, None
        if not issparse(X) and _row_type(X).itemsize * X.size <= _resident_bytes(device):
            # images are large, and on the CPU they stay where they are
            own = dense_rows(X) if is_images(X) else np.array(X, dtype=np.float32)
            self._resident = torch.from_numpy(own).to(device)

    def __len__(self):
        return self._X.shape[0]

    def gather(self, rows: torch.Tensor) -> torch.Tensor:
        """The given rows, on the device: float32, or uint8 where images are."""
        if self._resident is not None:
            return self._resident[rows]
        return self._fetch(rows.cpu().numpy())

    def blocks(self):
        """All rows in order, in dense parts of bounded size."""
        n_rows = bounded_rows(len(self), math.prod(self._X.shape[1:]), _BLOCK_ELEMENTS)
        for start in range(0, len(self), n_rows):
            part = slice(start, start + n_rows)
            yield self._fetch(part) if self._resident is None else self._resident[part]

    def moments(self):
        """Mean of each feature, and root mean square of all about their means, in float64."""
        if issparse(self._X) and math.prod(self._X.shape) > _BLOCK_ELEMENTS:
            return _sparse_moments(self._X)
        n_elements = 0
        total: torch.Tensor | float = 0.0
        for block in self.blocks():
            total = total + in_double(block).sum(dim=0)
            n_elements += block.numel()
        mean = total / len(self)
        # a second pass: the mean square less the square of the mean cancels where the mean is large
        squares = torch.stack([(in_double(block) - mean).square().sum() for block in self.blocks()])
        return mean, (squares.sum() / n_elements).sqrt()

    def _fetch(self, rows):
        return torch.from_numpy(dense_rows(self._X[rows])).to(self._device)


def _sparse_moments(X):
    """`Rows.moments` of a CSR array, from what it stores: all else is 0."""
    if not X.has_canonical_format:
        # a place that is stored twice has the sum of the two
        X = X.copy()
        X.sum_duplicates()
    # as float32, in which networks see X
    data = X.data.astype(np.float32).astype(np.float64)
    n_samples, n_features = X.shape
    count = np.bincount(X.indices, minlength=n_features)
    mean = np.bincount(X.indices, weights=data, minlength=n_features) / n_samples
    squares = np.square(data - mean[X.indices]).sum() + (n_samples - count) @ np.square(mean)
    scale = np.sqrt(squares / (n_samples * n_features))
    return torch.from_numpy(mean), torch.tensor(scale, dtype=torch.float64)


def _resident_bytes(device):
    """The most that is copied at once; on a processor fetching from X is as fast as from a copy."""
    return 2**28 if device.type == "cpu" else 2**31


def is_images(X):
    """Whether X holds images, (n, height, width, n_channels), and not rows of features."""
    return X.ndim > 2


def dense_rows(rows):
    """Rows as an ndarray that torch can own: dense, contiguous and writable.

    Features are float32; so are images, but those of uint8 stay as they are.
    """
    dense = rows.toarray() if issparse(rows) else rows
    dense = np.ascontiguousarray(dense, dtype=_row_type(rows))
    # torch warns of read-only memory, such as that of a memory map
    return dense if dense.flags.writeable else dense.copy()


def in_double(rows):
    """A tensor as float64, on a device that has it."""
    # Apple's processors have none
    return (rows.cpu() if rows.device.type == "mps" else rows).double()


def power_of_two(rows):
    """A unit of the size of rows, by which dividing rounds nothing and squares stay in range."""
    return torch.exp2(rows.abs().max().log2().floor().clamp_min(_LEAST_EXPONENT))


def _row_type(X):
    return np.dtype(np.uint8 if is_images(X) and X.dtype == np.uint8 else np.float32)


def bounded_rows(most, n_features, n_elements):
    """How many rows to take at once: at most `most`, and no more than `n_elements` numbers."""
    return max(1, min(most, n_elements // max(1, n_features)))
