"""Splits that hold whole classes out of training: the zero-shot protocol."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import BaseShuffleSplit
from sklearn.utils import check_random_state, indexable

from skhash.metrics._fold import ranks_within_class
from skhash.model_selection._classes import check_count, check_share, sorted_classes, warn_of_groups


class UnseenRoles(NamedTuple):
    """Row indices, each ascending: trained on, held out of seen classes, of unseen classes."""

    train: np.ndarray
    seen: np.ndarray
    unseen: np.ndarray


class UnseenClassSplit(BaseShuffleSplit):
    """Random splits that hold whole classes out of training.

    Codes that only spell out the classes they were trained on look perfect until a class comes
    that they do not know. No row of an unseen class is ever a training row. A share of the rows
    of the seen classes is held out with them, so that the unseen ones are searched for among
    all classes.

    As a cross-validator it yields the training rows, and the unseen rows followed by the
    held-out seen rows as test rows. `~skhash.metrics.RetrievalScorer` tells them apart by the
    ``classes_`` of the fitted estimator:

    - "unseen@all", queries of unseen classes among all classes: ``queries="unseen"``;
    - "seen@all": ``queries="seen"``;
    - "unseen@unseen": ``queries="unseen", database="queries"``.

    An estimator that keeps no ``classes_``, because it learns without labels, can be scored
    under ``seen_size=0``, where every test row is of an unseen class.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits.
    n_unseen : int, float or None, default=None
        Classes to hold out in each split: a number, or a share of all. None divides the classes
        into `n_splits` parts at random, so that each class is unseen once.
    seen_size : float in [0, 1), default=0.2
        Share of the rows of each seen class to hold out, at least one unless 0.
    unseen_size : float in (0, 1], default=1.0
        Share of the rows of each unseen class to test with, at least one. The others are not
        used at all. The same as `seen_size` gives all classes the same weight in the database.
    random_state : int, RandomState instance or None, default=None
        Draws the classes and rows. Give an int for the same splits in every call.

    See Also
    --------
    RetrievalSplit : All classes in all roles.
    retrieval_evaluate : Seen and unseen classes in one table.

    References
    ----------
    A. Sablayrolles, M. Douze, N. Usunier and H. Jégou, "How should we evaluate supervised
    hashing?", ICASSP 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.model_selection import UnseenClassSplit
    >>> y = np.repeat(["ant", "bee", "cat", "dog"], 5)
    >>> for train, test in UnseenClassSplit(n_splits=2, random_state=0).split(y, y):
    ...     print(*np.unique(y[train]), "|", *np.setdiff1d(y[test], y[train]))
    ant bee | cat dog
    cat dog | ant bee
    """

    def __init__(
        self, n_splits=5, *, n_unseen=None, seen_size=0.2, unseen_size=1.0, random_state=None
    ):
        check_count("n_splits", n_splits, 1)
        if n_unseen is None:
            if n_splits == 1:
                raise ValueError(
                    "n_splits=1 leaves no class to train on; say how many are unseen: n_unseen=..."
                )
        elif isinstance(n_unseen, Integral):
            check_count("n_unseen", n_unseen, 1)
        else:
            check_share("n_unseen", n_unseen, zero=False, one=False)
        check_share("seen_size", seen_size, zero=True, one=False)
        check_share("unseen_size", unseen_size, zero=False, one=True)
        self.n_splits = n_splits
        self.n_unseen = n_unseen
        self.seen_size = seen_size
        self.unseen_size = unseen_size
        self.random_state = random_state

    def split_roles(self, X, y) -> Iterator[UnseenRoles]:
        """Generate the rows of each role.

        Parameters
        ----------
        X : array-like of n_samples rows
            The data; only its length is looked at.
        y : array-like of shape (n_samples,)
            Class labels.

        Yields
        ------
        roles : UnseenRoles
            Named tuple of the ``train`` rows, the held-out ``seen`` rows and the ``unseen``
            rows.

        Raises
        ------
        ValueError
            If y does not hold class labels, there are too few classes, or a class has too few
            rows; it is named.
        """
        X, y = indexable(X, y)
        classes, positions = sorted_classes(y)
        counts = np.bincount(positions)
        n_seen_rows = self._seen_rows(classes, counts)
        n_unseen_rows = np.maximum(np.rint(self.unseen_size * counts).astype(int), 1)
        random_state = check_random_state(self.random_state)
        for unseen_classes in self._unseen_classes(len(classes), random_state):
            is_unseen = np.isin(positions, unseen_classes)
            rank = ranks_within_class(positions, random_state.permutation(len(positions)))
            is_held = rank < n_seen_rows[positions]
            yield UnseenRoles(
                train=np.flatnonzero(~is_unseen & ~is_held),
                seen=np.flatnonzero(~is_unseen & is_held),
                unseen=np.flatnonzero(is_unseen & (rank < n_unseen_rows[positions])),
            )

    def _iter_indices(self, X, y=None, groups=None):
        warn_of_groups(self, groups)
        for train, seen, unseen in self.split_roles(X, y):
            yield train, np.concatenate([unseen, seen])

    def _seen_rows(self, classes, counts) -> np.ndarray:
        """Rows of each class to hold out where it is seen."""
        if self.seen_size == 0:
            return np.zeros_like(counts)
        single = np.flatnonzero(counts < 2)
        if len(single):
            raise ValueError(
                f"class {classes.tolist()[single[0]]!r} has 1 row, but seen_size={self.seen_size} "
                "needs 2: one to train on and one to hold out"
            )
        return np.clip(np.rint(self.seen_size * counts).astype(int), 1, counts - 1)

    def _unseen_classes(self, n_classes: int, random_state) -> Iterator[np.ndarray]:
        if self.n_unseen is None:
            if n_classes < self.n_splits:
                raise ValueError(
                    f"n_splits={self.n_splits} needs as many classes, but y has {n_classes}"
                )
            yield from np.array_split(random_state.permutation(n_classes), self.n_splits)
            return
        n_unseen = self.n_unseen
        if not isinstance(n_unseen, Integral):
            n_unseen = max(round(n_unseen * n_classes), 1)
        if n_unseen >= n_classes:
            raise ValueError(
                f"n_unseen={self.n_unseen} leaves no class to train on: y has {n_classes}"
            )
        for _ in range(self.n_splits):
            yield random_state.permutation(n_classes)[:n_unseen]
