"""What a report holds: scores, how sure they are, and where they are low."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from skhash.metrics._confidence import bootstrap_interval, standard_error
from skhash.metrics._inputs import check_option
from skhash.metrics._lookup import PrecisionRecallCurve
from skhash.metrics._table import ScoreTable
from skhash.utils._labels import check_target, encode_labels
from skhash.utils._optional import import_optional

_DIFFERENCE = ("difference", "low", "high", "higher", "queries")


class RetrievalReport(Mapping):
    """Scores by name, with what they were measured on.

    A mapping of metric names to scores, which prints as a table. Made by `retrieval_report`.

    Attributes
    ----------
    conditions : dict
        Numbers of queries and of items, how many queries have nothing relevant in the database
        and what became of them, the distance, how ties were taken, and the like: a score means
        nothing without them.
    per_query : dict of str to ndarray of shape (n_queries,)
        The values that each score is the mean of, NaN for queries that were left out.
    query_labels : ndarray of shape (n_queries,) or None
        The classes of the queries, where labels are classes.
    precision_recall : PrecisionRecallCurve or None
        Precision and recall by radius, where distances are Hamming and relevance is binary.
    """

    def __init__(
        self,
        per_query: dict[str, np.ndarray],
        conditions: dict[str, object],
        precision_recall: PrecisionRecallCurve | None = None,
        query_labels: np.ndarray | None = None,
    ):
        self.per_query = per_query
        self.conditions = conditions
        self.precision_recall = precision_recall
        self.query_labels = query_labels
        self._scores = {name: float(np.nanmean(values)) for name, values in per_query.items()}

    def __getitem__(self, name: str) -> float:
        return self._scores[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._scores)

    def __len__(self) -> int:
        return len(self._scores)

    def standard_error(self, name: str) -> float:
        """Standard error of a score over the queries; NaN for a single one."""
        return standard_error(self._values(name))

    def confidence_interval(self, name, confidence_level=0.95, random_state=None):
        """Bootstrap interval of a score over the queries.

        It says how far the score may be from that over all queries of the same kind, with this
        database and these codes: the training of another hasher is not in it.

        Parameters
        ----------
        name : str
            Which score.
        confidence_level : float, default=0.95
            The share of such intervals that hold the mean over all queries.
        random_state : int, RandomState instance or None, default=None
            Draws the resamples.

        Returns
        -------
        low, high : float
            Ends of the bias-corrected and accelerated interval (BCa) from 2,000 resamples; NaN
            for fewer than two queries.

        Raises
        ------
        ValueError
            If the report has no such score, or the level is not between 0 and 1.

        References
        ----------
        Efron, B. (1987). Better bootstrap confidence intervals. Journal of the American
        Statistical Association, 82(397).

        Examples
        --------
        >>> from skhash.metrics import retrieval_report
        >>> codes = [[0, 0], [0, 0], [0, 1], [1, 1]] * 5
        >>> report = retrieval_report(codes, [0, 0, 1, 1] * 5, k=2, exclude_self=True)
        >>> low, high = report.confidence_interval("map", random_state=0)
        >>> low < report["map"] < high
        True
        """
        return bootstrap_interval(self._values(name), confidence_level, random_state)

    def compare(
        self, other, confidence_level=0.95, random_state=None, *, scores=None
    ) -> ScoreTable:
        """Differences to another report on the same queries, with bootstrap intervals.

        Queries differ in difficulty, for one hasher as for the other. So differences are taken
        query by query before anything is drawn, and their intervals are far narrower than those
        of the scores would suggest.

        Parameters
        ----------
        other : RetrievalReport
            Of other codes of the same queries and database.
        confidence_level : float, default=0.95
            See `confidence_interval`.
        random_state : int, RandomState instance or None, default=None
            Draws the resamples.
        scores : list of str, default=None
            What to compare; None for all scores that both reports have.

        Returns
        -------
        table : ScoreTable
            For each score ``"difference"``, this score minus that of
            the other; its interval, ``"low"`` and ``"high"``; ``"higher"``, the share of queries
            that score higher in this report, where equal ones count half; and ``"queries"``, how
            many have a value in both.

        Raises
        ------
        ValueError
            If the reports are not of the same queries and database, or lack a score.
        TypeError
            If `other` is not a report.

        Examples
        --------
        >>> from skhash.metrics import retrieval_report
        >>> codes = [[0, 0], [0, 0], [0, 1], [1, 1]] * 5
        >>> labels = [0, 0, 1, 1] * 5
        >>> first_bits = [code[:1] for code in codes]
        >>> report = retrieval_report(codes, labels, k=2, exclude_self=True)
        >>> other = retrieval_report(first_bits, labels, k=2, exclude_self=True)
        >>> table = report.compare(other, random_state=0)
        >>> bool(table["low"][table.rows.index("map")] > 0)
        True
        """
        self._check_comparable(other)
        names = [name for name in self if name in other] if scores is None else list(scores)
        if not names:
            raise ValueError("other has no score in common with this report")
        rows = [self._difference(other, name, confidence_level, random_state) for name in names]
        columns = dict(zip(_DIFFERENCE, zip(*rows, strict=True), strict=True))
        return ScoreTable(names, columns, f"intervals: {confidence_level:.0%}, over queries")

    def _difference(self, other, name: str, confidence_level, random_state) -> tuple:
        differences = self._values(name) - other._values(name)
        differences = differences[~np.isnan(differences)]
        if not len(differences):
            return (np.nan, np.nan, np.nan, np.nan, 0)
        interval = bootstrap_interval(differences, confidence_level, random_state)
        higher = np.where(np.abs(differences) < 1e-12, 0.5, differences > 0)
        return (differences.mean(), *interval, higher.mean(), len(differences))

    def by_group(self, name: str, groups=None) -> ScoreTable:
        """A score class by class, or by any other grouping of the queries, the worst first.

        Parameters
        ----------
        name : str
            Which score.
        groups : array-like of shape (n_queries,), default=None
            The group of each query; None for their classes.

        Returns
        -------
        table : ScoreTable
            For each group its ``"score"``, its ``"standard error"`` and its number of
            ``"queries"`` that have a value; groups without any come last.

        Raises
        ------
        ValueError
            If the report has no such score, groups are not one for each query, or are missing
            where labels are no classes.

        Examples
        --------
        >>> from skhash.metrics import retrieval_report
        >>> codes = [[0, 0], [0, 0], [1, 1], [0, 1]]
        >>> report = retrieval_report(
        ...     codes, ["cat", "cat", "dog", "dog"], k=1, exclude_self=True
        ... )
        >>> print(report.by_group("precision@1"))
              score  standard error  queries
        dog  0.6667          0.3333        2
        cat  1.0000          0.0000        2
        <BLANKLINE>
        precision@1, by class
        """
        values = self._values(name)
        what = "class" if groups is None else "group"
        groups = self.query_labels if groups is None else groups
        if groups is None:
            raise ValueError(
                "groups must say the group of each query: the labels of this report are not classes"
            )
        kind, groups = check_target(groups, "groups")
        if kind != "class" or len(groups) != len(values):
            raise ValueError(
                f"groups must hold one group for each of {len(values)} queries, got {kind} labels "
                f"of shape {groups.shape}"
            )
        names, places = encode_labels(groups)
        counted = ~np.isnan(values)
        counts = np.bincount(places[counted], minlength=len(names))
        # groups without a value have a mean of NaN
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.bincount(places[counted], values[counted], len(names)) / counts
            deviations = (values[counted] - means[places[counted]]) ** 2
            squares = np.bincount(places[counted], deviations, len(names))
            errors = np.sqrt(squares / np.maximum(counts - 1, 0) / counts)
        order = np.argsort(means, kind="stable")
        columns = {
            "score": means[order],
            "standard error": errors[order],
            "queries": counts[order],
        }
        return ScoreTable([names[i] for i in order], columns, f"{name}, by {what}")

    def to_frame(self, confidence_level=None, random_state=None):
        """The scores as a pandas DataFrame.

        Parameters
        ----------
        confidence_level : float, default=None
            Where given, the ends of bootstrap intervals are added as ``low`` and ``high``, see
            `confidence_interval`.
        random_state : int, RandomState instance or None, default=None
            Draws the resamples.

        Returns
        -------
        frame : DataFrame
            One row for each metric, with its ``score``, its ``standard_error`` over the queries
            (NaN for a single one), and ``n_queries``, how many counted.

        Raises
        ------
        ImportError
            If pandas is missing.
        """
        pd = import_optional("pandas", "to_frame", "pandas")
        columns = {
            "score": list(self.values()),
            "standard_error": [self.standard_error(name) for name in self],
            "n_queries": [self._n_counted(name) for name in self],
        }
        if confidence_level is not None:
            intervals = [
                self.confidence_interval(name, confidence_level, random_state) for name in self
            ]
            columns["low"], columns["high"] = zip(*intervals, strict=True)
        return pd.DataFrame(columns, index=pd.Index(list(self), name="metric"))

    def __str__(self) -> str:
        return str(self._table())

    def __repr__(self) -> str:
        scores = ", ".join(f"{name}={score:.4f}" for name, score in self.items())
        return f"RetrievalReport({scores})"

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def _table(self) -> ScoreTable:
        columns = {
            "score": list(self.values()),
            "std. error": [self.standard_error(name) for name in self],
            "queries": [self._n_counted(name) for name in self],
        }
        caption = ", ".join(f"{name}: {value}" for name, value in self.conditions.items())
        return ScoreTable(list(self), columns, caption)

    def _values(self, name: str) -> np.ndarray:
        check_option("name", name, tuple(self))
        return self.per_query[name]

    def _n_counted(self, name: str) -> int:
        return int(np.count_nonzero(~np.isnan(self.per_query[name])))

    def _check_comparable(self, other) -> None:
        if not isinstance(other, RetrievalReport):
            raise TypeError(f"other must be a RetrievalReport, got {other!r}")
        for name, ours in self.conditions.items():
            theirs = other.conditions.get(name, ours)
            # codes may be compared with the vectors that they were made from
            if ours != theirs and name != "distance":
                raise ValueError(
                    f"other must be made on the same queries and database, in the same way: "
                    f"{name} is {theirs} there and {ours} here"
                )
        labels: list[Any] = [self.query_labels, other.query_labels]
        if not np.array_equal(*labels):
            raise ValueError("other must be of the same queries in the same order: labels differ")
