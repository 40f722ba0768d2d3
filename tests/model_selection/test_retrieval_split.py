import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skhash.model_selection import RetrievalSplit

NAMES = np.array(["ant", "bee", "cat"])


def labels(*counts):
    return np.repeat(NAMES[: len(counts)], counts)


def count_by_class(y, rows):
    return [int(np.sum(y[rows] == name)) for name in np.unique(y)]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        # train, database and query rows of classes with 9 and 12 rows
        ({"n_queries_per_class": 2, "n_train_per_class": 3}, ([3, 3], [4, 7], [2, 2])),
        ({"n_queries_per_class": 2, "n_database_per_class": 3}, ([4, 7], [3, 3], [2, 2])),
        ({"n_queries_per_class": 2, "n_database_per_class": 0}, ([7, 10], [0, 0], [2, 2])),
        ({"n_queries_per_class": 2}, ([4, 5], [3, 5], [2, 2])),
        (
            {"n_queries_per_class": 1, "n_database_per_class": 2, "n_train_per_class": 4},
            ([4, 4], [2, 2], [1, 1]),
        ),
    ],
)
def test_role_sizes(sizes, expected):
    y = labels(9, 12)
    for roles in RetrievalSplit(n_splits=3, random_state=0, **sizes).split_roles(y, y):
        assert tuple(count_by_class(y, rows) for rows in roles) == expected


@given(
    counts=st.lists(st.integers(3, 12), min_size=1, max_size=5),
    n_database=st.none() | st.integers(0, 1),
    n_train=st.none() | st.just(1),
    seed=st.integers(0, 2**31),
)
def test_no_row_has_two_roles(counts, n_database, n_train, seed):
    y = np.random.RandomState(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    splitter = RetrievalSplit(
        n_splits=2,
        n_queries_per_class=1,
        n_database_per_class=n_database,
        n_train_per_class=n_train,
        random_state=seed,
    )
    for roles in splitter.split_roles(y, y):
        rows = np.concatenate(roles)
        assert len(np.unique(rows)) == len(rows)
        assert set(y[roles.query]) == set(y[roles.train]) == set(y)
        if n_database is None or n_train is None:
            assert len(rows) == len(y)


def test_split_tests_queries_first():
    y = labels(8, 8)
    splitter = RetrievalSplit(n_splits=4, n_queries_per_class=3, random_state=1)
    for roles, (train, test) in zip(splitter.split_roles(y, y), splitter.split(y, y), strict=True):
        assert np.array_equal(train, roles.train)
        assert np.array_equal(test[:6], roles.query)
        assert np.array_equal(test[6:], roles.database)


def test_every_row_becomes_a_query_at_times():
    y = labels(6, 6)
    splitter = RetrievalSplit(n_splits=40, n_queries_per_class=1, random_state=0)
    drawn = {row for roles in splitter.split_roles(y, y) for row in roles.query.tolist()}
    assert drawn == set(range(12))


def test_same_seed_same_splits():
    y = labels(8, 8, 8)
    splitter = RetrievalSplit(n_queries_per_class=2, random_state=3)
    first, again = list(splitter.split(y, y)), list(clone(splitter, safe=False).split(y, y))
    for split, other in zip(first, again, strict=True):
        assert all(map(np.array_equal, split, other))
    assert not np.array_equal(first[0][1], first[1][1])


@pytest.mark.parametrize("kind", [list, pd.Series, lambda y: pd.Series(y, index=y + "?")])
def test_labels_of_any_container(kind):
    y = labels(5, 5)
    splitter = RetrievalSplit(n_splits=1, n_queries_per_class=1, random_state=0)
    expected = next(splitter.split(y, y))
    assert all(map(np.array_equal, next(splitter.split(y, kind(y))), expected))


def test_small_class_is_named():
    y = labels(8, 3, 8)
    splitter = RetrievalSplit(n_queries_per_class=2, n_train_per_class=4)
    with pytest.raises(ValueError, match=r"'bee' has 3 rows, but 7 or more .*1 of 3 classes"):
        next(splitter.split(y, y))


def test_smallest_class_that_does():
    y = labels(3, 3)
    roles = next(RetrievalSplit(n_queries_per_class=1, n_train_per_class=1).split_roles(y, y))
    assert [len(rows) for rows in roles] == [2, 2, 2]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_splits": 0}, ValueError, "n_splits must be at least 1, got 0"),
        ({"n_queries_per_class": 0}, ValueError, "n_queries_per_class must be at least 1"),
        ({"n_queries_per_class": 0.2}, TypeError, "n_queries_per_class must be an integer"),
        ({"n_train_per_class": 0}, ValueError, "n_train_per_class must be at least 1"),
        ({"n_database_per_class": -1}, ValueError, "n_database_per_class must be at least 0"),
    ],
)
def test_bad_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        RetrievalSplit(**parameters)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "y is needed"),
        (np.eye(4, dtype=int), "got multilabel labels"),
        (np.full((4, 2), 0.5), "got vector labels"),
    ],
)
def test_bad_labels(y, message):
    with pytest.raises(ValueError, match=message):
        next(RetrievalSplit(n_queries_per_class=1).split(np.zeros((4, 1)), y))


def test_reads_as_it_is_written():
    splitter = RetrievalSplit(3, n_queries_per_class=4, random_state=0)
    assert splitter.get_n_splits() == 3
    assert repr(splitter).replace("\n       ", "") == (
        "RetrievalSplit(n_database_per_class=None, n_queries_per_class=4, n_splits=3,"
        " n_train_per_class=None, random_state=0)"
    )
    assert "n_queries_per_class=4" in repr(GridSearchCV(None, {}, cv=splitter))
