"""The table of seen and unseen classes, and how it prints."""

from __future__ import annotations

import html
from collections.abc import Mapping
from itertools import groupby
from typing import NamedTuple

import numpy as np

from skhash.utils._optional import import_optional


class Column(NamedTuple):
    """What a score was measured on: the training rows, who searches what, and the cut-off."""

    training: str
    protocol: str
    k: int


class RetrievalEvaluation:
    """Scores of codes on seen and unseen classes, beside the rows that give them a meaning.

    It prints as a table, in which a star marks the best row of each column. Made by
    `retrieval_evaluate`, which describes the rows and columns.

    Attributes
    ----------
    rows : list of str
        What was evaluated.
    columns : list of Column
        What it was evaluated on: named tuples ``(training, protocol, k)``.
    bits : ndarray of shape (n_rows,), dtype int
        Bits that an item takes.
    scores : ndarray of shape (n_rows, n_columns)
        Means over the splits.
    split_scores : ndarray of shape (n_rows, n_columns, n_splits)
        The scores of each split.
    conditions : dict
        The metric, the similarity target, numbers of rows and classes, and the like.
    """

    def __init__(
        self,
        rows: list[str],
        columns: list[Column],
        bits: np.ndarray,
        split_scores: np.ndarray,
        conditions: Mapping[str, object],
    ):
        self.rows = rows
        self.columns = columns
        self.bits = bits
        self.split_scores = split_scores
        self.scores = split_scores.mean(axis=2)
        self.conditions = dict(conditions)

    def to_frame(self, statistic="mean"):
        """The table as a pandas DataFrame.

        Parameters
        ----------
        statistic : {"mean", "std"}, default="mean"
            The mean over the splits, or their standard deviation (with one less than their
            number as the divisor; NaN for a single split).

        Returns
        -------
        frame : DataFrame
            One row for each method, a column for each training, protocol and cut-off.

        Raises
        ------
        ValueError
            If the statistic is another one.
        ImportError
            If pandas is missing.
        """
        if statistic not in ("mean", "std"):
            raise ValueError(f"statistic must be 'mean' or 'std', got {statistic!r}")
        pd = import_optional("pandas", "to_frame", "pandas")
        values = self.scores
        if statistic == "std":
            values = np.full(self.scores.shape, np.nan)
            if self.split_scores.shape[2] > 1:
                values = self.split_scores.std(axis=2, ddof=1)
        columns = pd.MultiIndex.from_tuples(self.columns, names=Column._fields)
        return pd.DataFrame(values, index=pd.Index(self.rows, name="method"), columns=columns)

    def __str__(self) -> str:
        first = max(map(len, self.rows))
        cells = self._cells()
        # a heading may be wider than what is below it; its last column takes the rest
        widths = [max(len(f"@{column.k}"), 6) for column in self.columns]
        for depth in (2, 1):
            for heading, members in self._headings(depth):
                missing = len(heading) - sum(widths[i] + 2 for i in members) + 2
                widths[members[-1]] += max(missing, 0)
        lead = " " * (first + 7)
        lines = []
        for depth in (1, 2):
            parts = [
                f"{heading:<{sum(widths[i] + 2 for i in members) - 2}}"
                for heading, members in self._headings(depth)
            ]
            lines.append(lead + "  " + "  ".join(parts))
        cutoffs = [f"{'@' + str(c.k):<{w}}" for c, w in zip(self.columns, widths, strict=True)]
        lines.append(f"{'':{first}}  {'bits':>5}  " + "  ".join(cutoffs))
        for row, bits, texts in zip(self.rows, self.bits, cells, strict=True):
            padded = [f"{text:<{width}}" for text, width in zip(texts, widths, strict=True)]
            lines.append(f"{row:{first}}  {bits:>5}  " + "  ".join(padded))
        return "\n".join([line.rstrip() for line in lines] + ["", self._describe()])

    def __repr__(self) -> str:
        return f"RetrievalEvaluation(rows={self.rows!r}, n_columns={len(self.columns)})"

    def _repr_html_(self) -> str:
        heads = []
        for depth in (1, 2):
            spans = "".join(
                f'<th colspan="{len(members)}">{html.escape(heading)}</th>'
                for heading, members in self._headings(depth)
            )
            heads.append(f"<tr><th></th><th></th>{spans}</tr>")
        cutoffs = "".join(f"<th>@{column.k}</th>" for column in self.columns)
        heads.append(f"<tr><th></th><th>bits</th>{cutoffs}</tr>")
        best = self._is_best()
        body = []
        for i, row in enumerate(self.rows):
            cells = "".join(
                f"<td><b>{score:.3f}</b></td>" if best[i, j] else f"<td>{score:.3f}</td>"
                for j, score in enumerate(self.scores[i])
            )
            body.append(f"<tr><th>{html.escape(row)}</th><td>{self.bits[i]}</td>{cells}</tr>")
        return (
            f"<table><caption>{html.escape(self._describe())}</caption>"
            f"<thead>{''.join(heads)}</thead><tbody>{''.join(body)}</tbody></table>"
        )

    def _headings(self, depth: int) -> list[tuple[str, list[int]]]:
        """Headings of the first levels, each with the positions of its columns."""
        groups = groupby(range(len(self.columns)), key=lambda i: self.columns[i][:depth])
        return [(key[-1], list(members)) for key, members in groups]

    def _cells(self) -> list[list[str]]:
        best = self._is_best()
        return [
            [f"{score:.3f}{'*' if star else ''}" for score, star in zip(row, stars, strict=True)]
            for row, stars in zip(self.scores, best, strict=True)
        ]

    def _is_best(self) -> np.ndarray:
        shown = self.scores.round(3)
        return shown == shown.max(axis=0)

    def _describe(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self.conditions.items())
