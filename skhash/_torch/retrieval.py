"""Validation by retrieval: whether codes find more neighbours than those of the start."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from skhash._torch.data import bounded_rows, power_of_two
from skhash._torch.images import real_pixels

# recall of the nearest, and where among the codes they are looked for
_N_NEIGHBORS = 10
_CUTOFFS = (10, 100)
# rows that search, and rows that are searched: more would cost more time than a pass of training
_QUERIES = 2000
_DATABASE = 2**12
# numbers held at once while distances are sorted
_BLOCK_NUMBERS = 2**22
# numbers of X that are gathered at once
_GATHERED_NUMBERS = 2**24
# a state is better where mean recall gains by more than so many standard errors
_STANDARD_ERRORS = 2.0


class RetrievalJudge:
    """Recall of rows set aside, by Hamming and by asymmetric distance, against that of the start.

    Neighbours are the nearest by Euclidean distance, and under "cosine" also by the angle at the
    mean: a hasher is no better if it finds more of the ones and fewer of the others.

    Parameters
    ----------
    encoder : torch.nn.Module
        In evaluation mode, from rows to the real values of their bits; it is judged as it is at
        each call.
    data : Rows
    train_rows, validation_rows : Tensor of int64
        Those to search and those that search, on the device; a part of them is taken.
    center : Tensor of shape (n_features,)
        Where angles are measured from.
    metric : {"cosine", "euclidean"}
    """

    def __init__(self, encoder, data, train_rows, validation_rows, center, metric):
        self._encoder, self._data = encoder, data
        self._queries = validation_rows[:_QUERIES]
        # of wide rows, such as images, no more than fit into memory
        self._most = bounded_rows(_DATABASE, len(center), _GATHERED_NUMBERS)
        # in the order of X, as a memory map is read
        self._database = train_rows[: self._most].sort().values
        self._true = self._nearest(center, metric)
        self._start: torch.Tensor | None = None

    @torch.no_grad()
    def __call__(self):
        """Share of neighbours missed, and whether the state is better than that of the first call.

        That is where no kind of recall falls, and their mean rises by more than two standard
        errors over the queries, so that luck with the rows set aside seldom passes for a gain.
        """
        recall = self._recall()
        if self._start is None:
            self._start = recall
            return 1 - recall.mean().item(), True
        gain = recall - self._start
        of_queries = gain.mean(dim=1)
        error = of_queries.std() / len(gain) ** 0.5
        rises = of_queries.mean() > _STANDARD_ERRORS * error
        return 1 - recall.mean().item(), bool(rises and (gain.mean(dim=0) >= 0).all())

    @torch.no_grad()
    def _nearest(self, center, metric):
        """Columns of the neighbours of each query: of shape (n_metrics, n_queries, n_neighbors)."""
        found = []
        queries, database = (
            real_pixels(self._data.gather(numbers)).flatten(1) - center
            for numbers in (self._queries, self._database)
        )
        unit = power_of_two(database)
        queries, database = queries / unit, database / unit
        n_neighbors = min(_N_NEIGHBORS, len(database))
        for prepare in (_unchanged, F.normalize) if metric == "cosine" else (_unchanged,):
            near, rows = prepare(queries), prepare(database)
            squares = rows.square().sum(dim=1)
            parts = [
                torch.topk(squares - 2 * block @ rows.T, n_neighbors, largest=False).indices
                for block in near.split(max(1, _BLOCK_NUMBERS // len(rows)))
            ]
            found.append(torch.cat(parts))
        return torch.stack(found)

    def _recall(self):
        """Recall of each query, of each kind: of shape (n_queries, n_kinds)."""
        codes = _signs(self._values(self._database))
        kinds = []
        size = max(1, _BLOCK_NUMBERS // len(codes))
        for block, true in zip(
            self._values(self._queries).split(size), self._true.split(size, dim=1), strict=True
        ):
            recalls = [
                expected_recall(-(queries @ codes.T), true, _CUTOFFS)
                for queries in (_signs(block), block)
            ]
            kinds.append(torch.cat(recalls).T)
        return torch.cat(kinds)

    def _values(self, numbers):
        parts = numbers.split(self._most)
        return torch.cat([self._encoder(self._data.gather(part)) for part in parts])


def expected_recall(distances, true, cutoffs):
    """Share of the true rows among the first k, in expectation over the order of ties.

    Parameters
    ----------
    distances : Tensor of shape (n_queries, n_rows)
    true : Tensor of shape (n_sets, n_queries, n_true), int64
        Rows to be found, one set of them or several.
    cutoffs : sequence of int
        Each k.

    Returns
    -------
    recall : Tensor of shape (len(cutoffs) * n_sets, n_queries)

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.retrieval import expected_recall
    >>> distances = torch.tensor([[0.0, 2.0, 2.0, 3.0]])
    >>> true = torch.tensor([[[0, 1]]])
    >>> expected_recall(distances, true, cutoffs=[2])  # row 1 is second, or third
    tensor([[0.7500]])
    """
    n_rows = distances.shape[1]
    nearest = distances.topk(min(max(cutoffs), n_rows), dim=1, largest=False).values
    found = torch.stack([distances.gather(1, rows) for rows in true])
    recalls = []
    for k in cutoffs:
        first = nearest[:, : min(k, n_rows)]
        last = first[:, -1:]
        places = (first == last).sum(dim=1, keepdim=True)
        tied = (distances == last).sum(dim=1, keepdim=True)
        recalls.append(((found < last) + (found == last) * (places / tied)).mean(dim=2))
    return torch.cat(recalls)


def _signs(values):
    return torch.where(values > 0, 1.0, -1.0)


def _unchanged(rows):
    return rows
