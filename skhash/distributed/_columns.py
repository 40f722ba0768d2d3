"""Features and ids out of the columns of a table: pandas frames and Arrow batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Columns:
    """Which columns hold the features and the ids.

    embedding : name of a column with a vector in each row; None where `features` are columns.
    features : names of numeric columns.
    named : whether the estimator was fitted on names, and so wants a frame.
    """

    ids: str | None
    embedding: str | None = None
    features: tuple[str, ...] = ()
    named: bool = False
    n_features: int | None = None

    @property
    def read(self) -> list[str]:
        """All columns that are needed."""
        columns = [*self.features] if self.embedding is None else [self.embedding]
        if self.ids is not None and self.ids not in columns:
            columns.append(self.ids)
        return columns

    def example(self, n_features: int):
        """One row, as `from_frame` and `from_batch` give many."""
        row = np.ones((1, n_features), dtype=np.float32)
        if not self.named:
            return row
        import pandas as pd

        return pd.DataFrame(row, columns=list(self.features))

    def from_frame(self, frame) -> tuple[Any, Any]:
        """Features and ids of a pandas frame."""
        import pyarrow as pa

        if self.embedding is not None:
            return self.from_batch(
                pa.RecordBatch.from_pandas(frame[self.read], preserve_index=False)
            )
        X = frame[list(self.features)]
        ids = None if self.ids is None else pa.array(frame[self.ids], from_pandas=True)
        return X if self.named else X.to_numpy(), _checked_ids(ids, self.ids)

    def from_batch(self, batch) -> tuple[Any, Any]:
        """Features and ids of an Arrow record batch."""
        if self.embedding is None:
            X = batch.select(list(self.features)).to_pandas()
            X = X if self.named else X.to_numpy()
        else:
            X = _vectors(batch.column(self.embedding), self.embedding, self.n_features)
        ids = None if self.ids is None else batch.column(self.ids)
        return X, _checked_ids(ids, self.ids)


def choose_columns(
    kinds: dict[str, str], columns: str | Sequence[str] | None, ids: str | None, estimator
) -> Columns:
    """Decide which columns are the features.

    Parameters
    ----------
    kinds : dict of str to str
        "number", "vector" or another word for the type of each column of the data.
    columns, ids
        As for `transform`.
    estimator : estimator
        Its ``feature_names_in_`` are the columns by default.

    Raises
    ------
    ValueError
        If columns are not there, are no numbers, or leave open what is meant.
    """
    names = getattr(estimator, "feature_names_in_", None)
    if ids is not None:
        _check_present([ids], kinds, "ids")
    if columns is None:
        columns = [name for name in kinds if name != ids] if names is None else list(names)
    chosen = [columns] if isinstance(columns, str) else list(columns)
    _check_present(chosen, kinds, "columns")
    if len(chosen) == 1 and kinds[chosen[0]] == "vector":
        n_features = getattr(estimator, "n_features_in_", None)
        return Columns(ids, embedding=chosen[0], n_features=n_features)
    other = [f"{name!r} ({kinds[name]})" for name in chosen if kinds[name] != "number"]
    if other or not chosen:
        raise ValueError(
            "columns must name numeric columns or one column of vectors, got "
            f"{', '.join(other) or 'none'}; name those that hold the features by columns=, and a "
            "column to keep beside the codes by ids="
        )
    return Columns(ids, features=tuple(chosen), named=names is not None)


def _check_present(names, kinds, argument):
    missing = [name for name in names if name not in kinds]
    if missing:
        raise ValueError(
            f"{argument} {missing} not found in the data, whose columns are {list(kinds)}"
        )


def _vectors(column, name, n_features) -> np.ndarray:
    """Rows of a column of Arrow lists as an array, without a copy where there are no gaps."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not is_vector_type(column.type):
        raise ValueError(f"column {name!r} must hold vectors of numbers, got {column.type}")
    values = column.flatten()
    if column.null_count or values.null_count:
        raise ValueError(f"column {name!r} has missing vectors or values")
    if pa.types.is_fixed_size_list(column.type):
        n_features = column.type.list_size
    elif len(column):
        lengths = pc.min_max(pc.list_value_length(column))
        shortest, longest = lengths["min"].as_py(), lengths["max"].as_py()
        n_features = longest if n_features is None else n_features
        if not shortest == longest == n_features:
            raise ValueError(
                f"column {name!r} must hold vectors of {n_features} numbers, got {shortest} to "
                f"{longest}"
            )
    return values.to_numpy(zero_copy_only=False).reshape(len(column), n_features or 0)


def is_vector_type(kind) -> bool:
    """Whether an Arrow type is a list of numbers."""
    import pyarrow as pa

    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if not any(is_list(kind) for is_list in lists):
        return False
    return pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)


def _checked_ids(ids, name):
    if ids is not None and ids.null_count:
        raise ValueError(f"ids column {name!r} has {ids.null_count} missing values")
    return ids
