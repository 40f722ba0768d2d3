"""Where batches come from: rows that stay on the device, or rows fetched when needed."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import issparse

# elements held at once while statistics are taken
_BLOCK_ELEMENTS = 2**24


class ResidentRows:
    """Rows copied to the device once, as float32; batches are gathered there."""

    def __init__(self, X, device):
        self._data = torch.from_numpy(np.array(X, dtype=np.float32)).to(device)

    def __len__(self):
        return len(self._data)

    def gather(self, rows: torch.Tensor) -> torch.Tensor:
        """The given rows, float32, on the device."""
        return self._data[rows]

    def blocks(self):
        """All rows in order, in parts of bounded size: here a single one."""
        yield self._data


class StreamedRows:
    """Rows of an array, a memory map or a sparse matrix, copied batch by batch.

    Sparse rows are made dense on their way, one batch at a time.
    """

    def __init__(self, X, device):
        self._X, self._device = X, device

    def __len__(self):
        return self._X.shape[0]

    def gather(self, rows: torch.Tensor) -> torch.Tensor:
        """The given rows, float32, on the device."""
        return self._to_device(self._X[rows.cpu().numpy()])

    def blocks(self):
        """All rows in order, in parts of bounded size."""
        n_rows = bounded_rows(len(self), self._X.shape[1], _BLOCK_ELEMENTS)
        for start in range(0, len(self), n_rows):
            yield self._to_device(self._X[start : start + n_rows])

    def _to_device(self, part):
        return torch.from_numpy(dense_float32(part)).to(self._device)


def row_source(X, device):
    """Rows of X for training: resident on the device where they fit, else streamed.

    Parameters
    ----------
    X : ndarray, memmap or CSR matrix of shape (n_samples, ...)
    device : torch.device

    Returns
    -------
    source : ResidentRows or StreamedRows
    """
    if issparse(X) or 4 * X.size > _resident_bytes(device):
        return StreamedRows(X, device)
    return ResidentRows(X, device)


def _resident_bytes(device):
    """The most that is copied at once; on a processor fetching from X is as fast as from a copy."""
    return 2**28 if device.type == "cpu" else 2**31


def dense_float32(rows):
    """Rows as an ndarray that torch can own: dense, float32, contiguous and writable."""
    dense = rows.toarray() if issparse(rows) else rows
    dense = np.ascontiguousarray(dense, dtype=np.float32)
    # torch warns of read-only memory, such as that of a memory map
    return dense if dense.flags.writeable else dense.copy()


def bounded_rows(most, n_features, n_elements):
    """How many rows to take at once: at most `most`, and no more than `n_elements` numbers."""
    return max(1, min(most, n_elements // max(1, n_features)))
