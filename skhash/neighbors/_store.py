"""The state of `HammingNeighbors` as plain values and arrays, and as a directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from skhash.neighbors import _index
from skhash.neighbors._directory import (
    check_files,
    read_manifest,
    save_directory,
    write_manifest,
)
from skhash.neighbors._searcher import Searcher

FORMAT = "skhash.HammingNeighbors"
_VERSION = 1
_INDEX = "index.faiss"
# names of files, and whether a saved index always has them
_ARRAYS = {"codes": True, "ids": True, "labels": False, "vectors": False, "feature_names": False}


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
    """Undo `to_state`."""
    state = dict(state)
    parts = state.pop("_searcher_state", None)
    if parts is not None:
        index = None if parts["index"] is None else _index.from_bytes(parts["index"])
        state["_searcher"] = Searcher(parts["codes"], index, parts["labels"])
        _check_searcher(state["_searcher"], state["algorithm_"], state["n_bits_"])
    return state


def save(estimator, path, *, overwrite: bool) -> None:
    """Write a fitted `HammingNeighbors` into a directory."""
    params = _plain_params(estimator)

    def fill(folder):
        searcher = estimator._searcher
        arrays = {
            "codes": searcher.codes,
            "ids": estimator.ids_,
            "labels": searcher.labels,
            "vectors": estimator._vectors,
        }
        if hasattr(estimator, "feature_names_in_"):
            arrays["feature_names"] = estimator.feature_names_in_.astype(str)
        for name, array in arrays.items():
            if array is not None:
                np.save(folder / f"{name}.npy", array, allow_pickle=False)
        if searcher.index is not None:
            _index.write(searcher.index, folder / _INDEX)
        content = {
            "params": params,
            "algorithm": estimator.algorithm_,
            "n_bits": estimator.n_bits_,
            "next_id": estimator._next_id,
        }
        write_manifest(folder, FORMAT, _VERSION, content)

    save_directory(path, FORMAT, fill, overwrite=overwrite)


def load(cls, path, *, mmap: bool):
    """Read what `save` wrote."""
    path = Path(path)
    manifest = read_manifest(path, FORMAT, _VERSION)
    check_files(path, manifest, checksums=not mmap)
    arrays = _read_arrays(path, manifest["files"], mmap)
    try:
        estimator = cls(**manifest["params"])
        estimator.algorithm_ = manifest["algorithm"]
        estimator.n_bits_ = estimator.n_features_in_ = manifest["n_bits"]
        estimator._next_id = manifest["next_id"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} has a damaged manifest: {error!r}") from error
    index = _index.read(path / _INDEX, mmap) if _INDEX in manifest["files"] else None
    estimator._searcher = Searcher(arrays["codes"], index, arrays.get("labels"), is_mapped=mmap)
    _check_searcher(estimator._searcher, estimator.algorithm_, estimator.n_bits_)
    estimator.ids_ = arrays["ids"]
    estimator.n_samples_fit_ = len(arrays["ids"])
    estimator._vectors = arrays.get("vectors")
    if "feature_names" in arrays:
        estimator.feature_names_in_ = arrays["feature_names"].astype(object)
    if len(estimator.ids_) != len(estimator._searcher.codes):
        raise ValueError(f"{path} is damaged: ids and codes are not as many.")
    return estimator


def _read_arrays(path, files, mmap):
    arrays = {}
    for name, needed in _ARRAYS.items():
        if f"{name}.npy" in files:
            array = np.load(
                path / f"{name}.npy", mmap_mode="r" if mmap else None, allow_pickle=False
            )
            arrays[name] = array.view(np.ndarray)
        elif needed:
            raise ValueError(f"{path} is damaged: its manifest lists no {name}.npy.")
    return arrays


def _check_searcher(searcher, algorithm, n_bits):
    """Refuse arrays that faiss, which does not look, would read beyond the end of."""
    codes, index, labels = searcher.codes, searcher.index, searcher.labels
    n_bytes = -(-n_bits // 8)
    if codes.dtype != np.uint8 or codes.ndim != 2 or codes.shape[1] != n_bytes:
        raise ValueError(
            f"Codes of {n_bits} bits must be uint8 of {n_bytes} columns, got {codes.dtype} of "
            f"shape {codes.shape}."
        )
    if (index is None) != (algorithm == "brute"):
        raise ValueError(f"algorithm={algorithm!r} does not go with what is stored.")
    if index is None:
        return
    n_labels = index.ntotal if labels is None else len(labels)
    if not _index.matches(index, algorithm, n_bytes) or n_labels != len(codes):
        raise ValueError(f"The index is not one of {len(codes)} codes for {algorithm!r}.")


def _plain_params(estimator):
    params = estimator.get_params(deep=False)
    for name, value in params.items():
        if isinstance(value, np.generic):
            params[name] = value.item()
        elif not (value is None or isinstance(value, str | int | float)):
            raise TypeError(
                f"{name}={value!r} cannot be saved: only numbers, strings and None can."
            )
    return params
