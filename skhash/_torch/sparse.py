"""Sparse rows as the input of a network, without making them dense."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F


class SparseRows:
    """Rows ``(X - mean) / scale`` of sparse X, which linear layers take in place of a tensor.

    Shifted rows are dense, but a linear map of them is not worth it: that of X less that of the
    mean is the same. For networks whose first layers subtract, divide and map linearly, as the
    built-in ones do; and for encoding, since no gradient goes back to the mean.

    Parameters
    ----------
    X : CSR array of shape (n, n_features)
        Numbers of float32; others are rounded to it.
    dtype : torch.dtype
        To compute in.
    """

    def __init__(self, X, dtype):
        X = X.tocoo()
        values = torch.from_numpy(X.data.astype(np.float32)).to(dtype)
        places = torch.from_numpy(np.stack([X.row, X.col]).astype(np.int64))
        self._X = torch.sparse_coo_tensor(places, values, X.shape, check_invariants=False)
        self._mean, self._scale = torch.zeros((), dtype=dtype), torch.ones((), dtype=dtype)

    @property
    def device(self):
        return self._X.device

    def __len__(self):
        return self._X.shape[0]

    def to(self, target):
        """Itself, which is on the CPU, in the type of the network, from the beginning."""
        return self

    def __sub__(self, mean):
        return self._changed(self._mean + self._scale * mean, self._scale)

    def __truediv__(self, scale):
        return self._changed(self._mean, self._scale * scale)

    def _changed(self, mean, scale):
        new = object.__new__(type(self))
        new._X, new._mean, new._scale = self._X, mean, scale
        return new

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        """What `torch.nn.functional.linear` does with it; all else asks for dense rows."""
        if function is not F.linear:
            return NotImplemented
        return _linear(*args, **(kwargs or {}))


def _linear(rows, weight, bias=None):
    # in the order in which a row of it is read at a time
    columns = weight.t().contiguous()
    mapped = torch.sparse.mm(rows._X, columns)
    if rows._mean.ndim:
        mapped -= rows._mean @ columns
    mapped /= rows._scale
    return mapped if bias is None else mapped + bias
