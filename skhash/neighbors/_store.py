"""The state of `HammingNeighbors` as plain values and arrays, which pickles and files hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from skhash.neighbors import _index
from skhash.neighbors._searcher import Searcher


def to_state(state: dict[str, Any]) -> dict[str, Any]:
    """The attributes with bytes in place of faiss's index."""
    state = dict(state)
    searcher = state.pop("_searcher", None)
    if searcher is not None:
        index = None if searcher.index is None else _index.to_bytes(searcher.index)
        state["_searcher_state"] = {
            "codes": np.asarray(searcher.codes),
            "labels": searcher.labels,
            "index": index,
        }
    return state


def from_state(state: dict[str, Any]) -> dict[str, Any]:
    """Undo `to_state`.

    Where the bytes of an index lie in a file, it is used where it lies, if faiss can do that.

    Raises
    ------
    ValueError
        If the parts do not go together: faiss, which does not look, would read beyond the end.
    ImportError
        If there is an index of faiss, and faiss is missing.
    """
    state = dict(state)
    parts = state.pop("_searcher_state", None)
    if parts is not None:
        _check_codes(parts["codes"], state["n_bits_"])
        index, buffer = None, None
        if parts["index"] is not None:
            index, buffer = _index.from_bytes(parts["index"])
        searcher = Searcher(parts["codes"], index, parts["labels"], buffer=buffer)
        _check_index(searcher, state["algorithm_"])
        _check_rows(state, len(searcher.codes))
        state["_searcher"] = searcher
    return state


def _check_codes(codes, n_bits):
    n_bytes = -(-n_bits // 8)
    if codes.dtype != np.uint8 or codes.ndim != 2 or codes.shape[1] != n_bytes:
        raise ValueError(
            f"codes of {n_bits} bits must be uint8 of {n_bytes} columns, got {codes.dtype} of "
            f"shape {codes.shape}"
        )


def _check_index(searcher, algorithm):
    codes, index, labels = searcher.codes, searcher.index, searcher.labels
    if (index is None) != (algorithm == "brute"):
        raise ValueError(f"algorithm={algorithm!r} does not match what is stored")
    if index is None:
        return
    n_labels = index.ntotal if labels is None else len(labels)
    if not _index.matches(index, algorithm, codes.shape[1]) or n_labels != len(codes):
        raise ValueError(f"the index is not one of {len(codes)} codes for {algorithm!r}")


def _check_rows(state, n_rows):
    counts = {"ids_": len(state["ids_"]), "n_samples_fit_": state["n_samples_fit_"]}
    if state["_vectors"] is not None:
        counts["_vectors"] = len(state["_vectors"])
    for name, count in counts.items():
        if count != n_rows:
            raise ValueError(f"{name} has {count} rows, and there are {n_rows} codes")
