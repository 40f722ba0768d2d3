"""Compare the bits of an ONNX model with those of its hasher."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_array, gen_batches

from skhash.utils._optional import import_optional

_BATCH_ROWS = 1024
_DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(uint8)": np.uint8}


@dataclass(frozen=True)
class OnnxComparison:
    """What `compare_onnx` found.

    Attributes
    ----------
    n_bits : int
        Bits compared: rows times the length of the codes.
    n_differing_bits : int
        How many of them differ.
    largest_difference : float
        Largest absolute difference between a bit's values in the two.
    smallest_value : float
        Smallest absolute value of a bit: how near the threshold the rows come.
    largest_differing_value : float
        Largest absolute value of a bit that differs; 0 if none does. If it is not tiny compared
        with typical values, the model is a different one.
    """

    n_bits: int
    n_differing_bits: int
    largest_difference: float
    smallest_value: float
    largest_differing_value: float


def compare_onnx(model, hasher, X) -> OnnxComparison:
    """Compare the bits of an ONNX model, run by onnxruntime, with those of its hasher.

    Parameters
    ----------
    model : onnx.ModelProto, str or path-like
        As `to_onnx` makes it, or the file that it wrote.
    hasher : estimator
        The fitted hasher or pipeline.
    X : array-like of shape (n_samples, ...)
        Rows to compare on. Both get them in the type of the model's input.

    Returns
    -------
    comparison : OnnxComparison
        Counts and differences.

    Raises
    ------
    ImportError
        If onnxruntime is not installed: ``pip install onnxruntime``.
    ValueError
        If the model takes bytes and X holds something else.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import PCAHasher
    >>> from skhash.export import compare_onnx, to_onnx
    >>> X = load_digits().data
    >>> hasher = PCAHasher(n_bits=8).fit(X)
    >>> comparison = compare_onnx(to_onnx(hasher), hasher, X)
    >>> comparison.n_bits, comparison.n_differing_bits
    (14376, 0)
    """
    session = _session(model)
    (taken,) = session.get_inputs()
    X = _as_taken(X, taken)
    n_bits, n_differing = 0, 0
    largest, smallest, largest_differing = 0.0, np.inf, 0.0
    for rows in gen_batches(len(X), _BATCH_ROWS):
        bits, values = session.run(["bits", "values"], {taken.name: X[rows]})
        expected = hasher.decision_function(X[rows])
        differs = bits != (expected > 0)
        distance = np.abs(expected)
        n_bits += bits.size
        n_differing += int(np.count_nonzero(differs))
        largest = max(largest, float(np.abs(values - expected).max()))
        smallest = min(smallest, float(distance.min()))
        largest_differing = max(largest_differing, float(distance[differs].max(initial=0)))
    return OnnxComparison(n_bits, n_differing, largest, smallest, largest_differing)


def _as_taken(X, taken):
    dtype = _DTYPES[taken.type]
    X = check_array(X, dtype=None, allow_nd=True)
    if dtype == np.uint8 and X.dtype != np.uint8:
        raise ValueError(f"the model takes uint8, and X is {X.dtype}, which may have another range")
    return X.astype(dtype, copy=False)


def _session(model) -> Any:
    onnxruntime = import_optional("onnxruntime", "compare_onnx", "onnxruntime")
    source = os.fspath(model) if isinstance(model, str | os.PathLike) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
