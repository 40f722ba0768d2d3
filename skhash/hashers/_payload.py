"""What a retriever knows of its rows beside their codes: a data frame of plain columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from skhash.utils._optional import import_optional

#: Columns of an answer that are not the payload's.
ANSWER = ("query", "rank", "id", "distance")

# what files hold without a name of code
_MAX_ITEM_BYTES = 8


def check_payload(payload, n_samples: int, like=None):
    """A payload as a data frame of its own, with a column named "payload" where it is a list.

    Parameters
    ----------
    payload : DataFrame, Series, or list of one value for each row
    n_samples : int
        Number of rows of X.
    like : DataFrame, default=None
        The payload of the rows that are there.

    Raises
    ------
    TypeError
        If a column holds anything but numbers, bools or strings, or others than before.
    ValueError
        If there are not as many rows as in X, or names of columns are taken or others than before.
    ImportError
        If pandas is missing.
    """
    pd = _pandas()
    if isinstance(payload, pd.Series):
        frame = payload.to_frame("payload" if payload.name is None else payload.name)
    elif isinstance(payload, pd.DataFrame):
        frame = payload
    elif isinstance(payload, list | tuple) or np.ndim(payload) == 1:
        frame = pd.DataFrame({"payload": list(payload)})
    else:
        raise TypeError(
            f"payload must be a DataFrame, or a list of one value for each row of X, got "
            f"{type(payload).__name__}"
        )
    if len(frame) != n_samples:
        raise ValueError(f"payload has {len(frame)} rows, but X has {n_samples}")
    _check_names(list(frame.columns))
    columns = {name: _check_column(frame[name], name) for name in frame.columns}
    # pandas chooses the type of strings, which its versions do not agree on
    frame = pd.DataFrame(columns, index=pd.RangeIndex(n_samples))
    return frame if like is None else _check_alike(frame, like)


def append_payload(payload, new):
    """A checked payload with another, of new rows, after it."""
    return _pandas().concat([payload, new], ignore_index=True)


def to_state(payload) -> dict[str, Any]:
    """A payload as lists and arrays, strings as their bytes: what files hold."""
    values = [_packed(payload[name]) for name in payload.columns]
    return {"names": list(payload.columns), "values": values}


def from_state(state: dict[str, Any], n_samples: int):
    """Undo `to_state`.

    Raises
    ------
    ValueError
        If the parts are not those of a payload of so many rows.
    """
    columns = {name: _unpacked(v) for name, v in zip(state["names"], state["values"], strict=True)}
    lengths = {len(values) for values in columns.values()}
    if lengths - {n_samples}:
        raise ValueError(f"payload has {max(lengths)} rows, and there are {n_samples} codes")
    _check_names(list(columns))
    pd = _pandas()
    return pd.DataFrame(columns, index=pd.RangeIndex(n_samples))


def _pandas():
    return import_optional("pandas", "payload", "pandas")


def _check_names(names):
    for name in names:
        if not isinstance(name, str) or name in ANSWER or names.count(name) > 1:
            raise ValueError(
                "payload must have columns named by different strings, none of them "
                f"{', '.join(ANSWER)}, which answers have already; got {name!r}"
            )


def _check_column(column, name):
    values = column.to_numpy()
    if values.dtype.kind in "biuf" and values.dtype.itemsize <= _MAX_ITEM_BYTES:
        return values.copy()
    items = [None if gone else item for item, gone in zip(values.tolist(), column.isna())]
    other = next((item for item in items if not isinstance(item, str | None)), None)
    if other is None and values.dtype.kind in "OUT":
        return items
    hint = "; dates, for instance, by astype(str)"
    if isinstance(other, dict):
        hint = "; a list of dicts by pandas.DataFrame(payload)"
    raise TypeError(
        f"payload must hold numbers, bools or strings, got {type(other).__name__} in the column "
        f"{name!r} of dtype {column.dtype}: convert it{hint}"
    )


def _check_alike(frame, like):
    names, wanted = set(frame.columns), set(like.columns)
    if names != wanted:
        raise ValueError(
            f"payload must have the columns of the rows that are there, {sorted(wanted)}, got "
            f"{sorted(names)}"
        )
    for name in like.columns:
        kinds = _kind(frame[name]), _kind(like[name])
        if len(frame) and len(like) and kinds[0] != kinds[1]:
            raise TypeError(f"payload must hold {kinds[1]} in {name!r}, got {kinds[0]}")
    return frame[list(like.columns)]


def _kind(column):
    return {"b": "bools", "i": "numbers", "u": "numbers", "f": "numbers"}.get(
        column.dtype.kind, "strings"
    )


def _packed(column):
    if _kind(column) != "strings":
        return column.to_numpy()
    missing = column.isna().to_numpy()
    texts = [b"" if gone else text.encode() for text, gone in zip(column.tolist(), missing)]
    return {
        "text": np.frombuffer(bytearray(b"".join(texts)), dtype=np.uint8),
        "ends": np.cumsum([len(text) for text in texts], dtype=np.int64),
        "missing": missing,
    }


def _unpacked(values):
    if isinstance(values, np.ndarray):
        # one that lies in a file stays there, and cannot be written to
        return values
    text, ends, missing = values["text"].tobytes(), values["ends"], values["missing"]
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    if len(ends) != len(missing) or (starts > ends).any() or ends[-1:].sum() != len(text):
        raise ValueError("the strings of a payload do not have the lengths that they should have")
    places = zip(starts.tolist(), ends.tolist(), missing.tolist())
    return [None if gone else text[start:end].decode() for start, end, gone in places]
