"""Names of the rows of an index: numbers or strings that stay with a row when others go."""

from __future__ import annotations

import numpy as np


def check_ids(ids, n_samples: int) -> np.ndarray:
    """Ids as an array of int64 or of strings, none twice.

    Raises
    ------
    TypeError
        If they are neither integers nor strings.
    ValueError
        If there are not as many as rows, or one comes twice.
    """
    array = np.asarray(ids)
    if array.shape != (n_samples,):
        raise ValueError(
            f"ids must have shape ({n_samples},), one for each row of X, got {array.shape}"
        )
    if array.dtype.kind == "U" and not isinstance(ids, np.ndarray):
        # numpy makes strings of the numbers among them
        array = np.asarray(ids, dtype=object)
    ids = _as_plain(array)
    values, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise ValueError(f"ids must differ, got {_show(values[counts > 1])} more than once")
    return ids


def check_new_ids(ids, n_samples: int, known: np.ndarray) -> np.ndarray:
    """Ids of rows that are added to others, of the same kind as theirs, and none of theirs."""
    ids = check_ids(ids, n_samples)
    _check_kind(ids, known)
    taken = ids[np.isin(ids, known)]
    if taken.size:
        raise ValueError(f"ids are in the index already: {_show(taken)}")
    return ids


def rows_of(ids, known: np.ndarray) -> np.ndarray:
    """The row of each id.

    Raises
    ------
    ValueError
        If an id is unknown, or comes twice.
    """
    if np.ndim(ids) == 0:
        ids = [ids]
    if len(ids) == 0:
        return np.empty(0, dtype=np.intp)
    ids = check_ids(ids, len(ids))
    _check_kind(ids, known)
    missing = ids[~np.isin(ids, known)]
    if missing.size:
        raise ValueError(f"ids are not in the index: {_show(missing)}")
    rows = np.flatnonzero(np.isin(known, ids))
    order = np.empty(len(ids), dtype=np.intp)
    order[np.argsort(ids)] = rows[np.argsort(known[rows])]
    return order


def _as_plain(ids):
    if ids.dtype.kind in "iu":
        if ids.size and ids.max() > np.iinfo(np.int64).max:
            raise ValueError(f"ids must fit 64 bits with a sign, got {ids.max()}")
        return ids.astype(np.int64)
    if ids.dtype.kind == "U":
        return ids.copy()
    if ids.dtype.kind in "OT":
        items = ids.tolist()
        if all(isinstance(item, str) for item in items):
            return np.array(items, dtype=str)
        is_integer = [
            isinstance(item, int | np.integer) and not isinstance(item, bool) for item in items
        ]
        if all(is_integer):
            return np.array(items, dtype=np.int64)
    raise TypeError(f"ids must be all integers or all strings, got dtype {ids.dtype}")


def _check_kind(ids, known):
    if ids.dtype.kind != known.dtype.kind:
        names = {"i": "integers", "U": "strings"}
        raise TypeError(
            f"ids of this index are {names[known.dtype.kind]}, got {names[ids.dtype.kind]}"
        )


def _show(ids):
    shown = ", ".join(repr(item) for item in ids[:5].tolist())
    return shown if len(ids) <= 5 else f"{shown} and {len(ids) - 5} more"
