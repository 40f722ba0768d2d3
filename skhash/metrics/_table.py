"""A small table of numbers with a name for each row."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skhash.utils._optional import import_optional


class ScoreTable:
    """Numbers by row and column, which print as a table.

    Attributes
    ----------
    rows : list
        Names of the rows: metrics, or groups of queries.
    columns : dict of str to ndarray of shape (n_rows,)
        The numbers by the name of their column; ``table["score"]`` is short for
        ``table.columns["score"]``.
    caption : str
        What the numbers hold for.
    """

    def __init__(self, rows: Sequence, columns: Mapping[str, Any], caption: str = ""):
        self.rows = list(rows)
        self.columns = {name: np.asarray(values) for name, values in columns.items()}
        self.caption = caption

    def __getitem__(self, column: str) -> np.ndarray:
        return self.columns[column]

    def __len__(self) -> int:
        return len(self.rows)

    def to_frame(self):
        """The table as a pandas DataFrame.

        Returns
        -------
        frame : DataFrame
            With the rows as its index.

        Raises
        ------
        ImportError
            If pandas is missing.
        """
        pd = import_optional("pandas", "to_frame", "pandas")
        return pd.DataFrame(self.columns, index=self.rows)

    def __str__(self) -> str:
        cells = [list(self.columns), *zip(*map(_texts, self.columns.values()), strict=True)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        names = ["", *map(str, self.rows)]
        first = max(map(len, names))
        lines = [
            "  ".join(
                [f"{name:{first}}", *(f"{c:>{w}}" for c, w in zip(line, widths, strict=True))]
            )
            for name, line in zip(names, cells, strict=True)
        ]
        return "\n".join([*lines, *(["", self.caption] if self.caption else [])])

    def __repr__(self) -> str:
        return f"ScoreTable({len(self)} rows: {', '.join(self.columns)})"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            f"<tr><th>{html.escape(str(name))}</th>"
            + "".join(f"<td>{cell}</td>" for cell in cells)
            + "</tr>"
            for name, *cells in zip(self.rows, *map(_texts, self.columns.values()), strict=True)
        )
        return (
            f"<table><caption>{html.escape(self.caption)}</caption>"
            f"<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def _texts(values: np.ndarray) -> list[str]:
    form = "{:.4f}" if values.dtype.kind == "f" else "{}"
    return [form.format(value) for value in values]
