import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhash.model_selection import RetrievalSplit, UnseenClassSplit

NAMES = np.array(["ant", "bee", "cat", "dog", "elk"])


@given(
    counts=st.lists(st.integers(2, 9), min_size=3, max_size=6),
    n_unseen=st.sampled_from([None, 1, 2, 0.3]),
    seen_size=st.sampled_from([0, 0.2, 0.9]),
    unseen_size=st.sampled_from([0.1, 0.5, 1.0]),
    as_strings=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_unseen_classes_are_never_trained_on(
    counts, n_unseen, seen_size, unseen_size, as_strings, seed
):
    y = np.random.RandomState(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    y = np.array(list("abcdef"))[y] if as_strings else y
    splitter = UnseenClassSplit(
        n_splits=3,
        n_unseen=n_unseen,
        seen_size=seen_size,
        unseen_size=unseen_size,
        random_state=seed,
    )
    splits = zip(splitter.split_roles(y, y), splitter.split(y, y), strict=True)
    for (train, seen, unseen), (train_too, test) in splits:
        assert np.array_equal(train, train_too)
        assert np.array_equal(test, np.concatenate([unseen, seen]))
        assert not set(y[unseen]) & set(y[train])
        assert not set(y[unseen]) & set(y[seen])
        rows = np.concatenate([train, test])
        assert len(np.unique(rows)) == len(rows)
        # the seen and unseen classes are all classes, each with a row to train on or test with
        assert set(y[unseen]) | set(y[train]) == set(y)
        assert set(y[seen]) == (set(y[train]) if seen_size else set())
        if unseen_size == 1:
            assert len(rows) == len(y)


@pytest.mark.parametrize(("n_splits", "sizes"), [(5, [1] * 5), (2, [2, 3]), (4, [1, 1, 1, 2])])
def test_each_class_is_unseen_once(n_splits, sizes):
    y = np.repeat(NAMES, 4)
    splitter = UnseenClassSplit(n_splits, random_state=0)
    unseen = [np.unique(y[roles.unseen]) for roles in splitter.split_roles(y, y)]
    assert sorted(map(len, unseen)) == sizes
    assert sorted(np.concatenate(unseen)) == NAMES.tolist()


@pytest.mark.parametrize(("n_unseen", "expected"), [(2, 2), (0.4, 2), (0.01, 1), (4, 4)])
def test_number_of_unseen_classes(n_unseen, expected):
    y = np.repeat(NAMES, 4)
    splitter = UnseenClassSplit(30, n_unseen=n_unseen, random_state=0)
    drawn = [tuple(np.unique(y[roles.unseen])) for roles in splitter.split_roles(y, y)]
    assert {len(classes) for classes in drawn} == {expected}
    assert {name for classes in drawn for name in classes} == set(NAMES)


def test_share_of_each_class():
    # 10 and 20 rows of the seen class, a fifth of which are 2 and 4; half of the other 5 and 10
    y = np.repeat(["ant", "bee"], [10, 20])
    splitter = UnseenClassSplit(2, seen_size=0.2, unseen_size=0.5, random_state=0)
    for train, seen, unseen in splitter.split_roles(y, y):
        n_seen = 10 if y[train[0]] == "ant" else 20
        assert [len(train), len(seen), len(unseen)] == [
            n_seen - n_seen // 5,
            n_seen // 5,
            (30 - n_seen) // 2,
        ]


def test_order_of_rows_does_not_choose_the_classes():
    y = np.repeat(NAMES, 4)
    splitter = UnseenClassSplit(2, random_state=7)
    shuffled = np.random.RandomState(0).permutation(y)
    for roles, others in zip(
        splitter.split_roles(y, y), splitter.split_roles(shuffled, shuffled), strict=True
    ):
        assert set(y[roles.unseen]) == set(shuffled[others.unseen])


def test_seen_rows_differ_between_splits():
    y = np.repeat(NAMES, 10)
    splitter = UnseenClassSplit(2, n_unseen=1, random_state=0)
    (_, first, _), (_, second, _) = splitter.split_roles(y, y)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_splits": 0}, ValueError, "n_splits must be at least 1"),
        ({"n_splits": 1}, ValueError, "n_splits=1 leaves no class to train on"),
        ({"n_unseen": 0}, ValueError, "n_unseen must be at least 1, got 0"),
        ({"n_unseen": 1.5}, ValueError, r"n_unseen must be a share in \(0, 1\), got 1.5"),
        ({"seen_size": 1.0}, ValueError, r"seen_size must be a share in \[0, 1\), got 1.0"),
        ({"unseen_size": 0}, ValueError, r"unseen_size must be a share in \(0, 1\], got 0"),
    ],
)
def test_bad_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        UnseenClassSplit(**parameters)


@pytest.mark.parametrize(
    ("splitter", "counts", "message"),
    [
        (UnseenClassSplit(6), [4] * 5, "n_splits=6 needs as many classes, but y has 5"),
        (UnseenClassSplit(n_unseen=5), [4] * 5, "n_unseen=5 leaves no class to train on"),
        (UnseenClassSplit(2), [4, 4, 1, 4, 1], "class 'cat' has 1 row, but seen_size=0.2 needs 2"),
    ],
)
def test_too_few(splitter, counts, message):
    y = np.repeat(NAMES, counts)
    with pytest.raises(ValueError, match=message):
        next(splitter.split(y, y))


def test_single_rows_do_where_no_seen_row_is_held_out():
    y = NAMES
    train, test = next(UnseenClassSplit(5, seen_size=0, random_state=0).split(y, y))
    assert (len(train), len(test)) == (4, 1)


def test_repr():
    assert repr(UnseenClassSplit(2, n_unseen=0.2)).startswith(
        "UnseenClassSplit(n_splits=2, n_unseen=0.2, random_state=None, seen_size=0.2,"
    )


def test_what_is_no_number():
    with pytest.raises(TypeError, match="n_unseen must be a number, got '3'"):
        UnseenClassSplit(n_unseen="3")
    with pytest.raises(TypeError, match="seen_size must be a number, got None"):
        UnseenClassSplit(seen_size=None)


@pytest.mark.parametrize(
    "splitter", [UnseenClassSplit(2), RetrievalSplit(n_queries_per_class=1, n_splits=1)]
)
def test_groups_are_not_ignored_silently(splitter):
    y = np.repeat([0, 1, 2], 6)
    name = type(splitter).__name__
    with pytest.warns(UserWarning, match=f"The groups parameter is ignored by {name}"):
        list(splitter.split(y, y, groups=y))
