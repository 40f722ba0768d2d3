"""The kinds of labels that hashers, metrics and similarity targets understand."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Iterable
from typing import Any, Literal

import numpy as np
from scipy import sparse

TargetKind = Literal["class", "multilabel", "vector"]

_STRING_KINDS = "USTO"
_MISSING = ("NoneType", "NAType", "NaTType", "MaskedConstant")
_DATES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)


def target_kind(y) -> TargetKind:
    """Tell what kind of labels y holds.

    Parameters
    ----------
    y : array-like or sparse matrix
        The labels of the samples.

    Returns
    -------
    kind : {"class", "multilabel", "vector"}
        - ``"class"``: one-dimensional integers, strings, booleans or objects, or floats that
          are all whole numbers; also one column of integers or strings.
        - ``"multilabel"``: a table of zeros and ones with at least two columns, or a sparse
          matrix of zeros and ones.
        - ``"vector"``: any other table of numbers; each row is a point, such as an embedding.

    Raises
    ------
    ValueError
        If y has missing or infinite values, is one-dimensional with fractional numbers, has
        several columns of strings, or is not one- or two-dimensional.

    Examples
    --------
    >>> from skhash.utils._labels import target_kind
    >>> target_kind(["cat", "dog"]), target_kind([[0, 1], [1, 1]]), target_kind([[0.5], [2.0]])
    ('class', 'multilabel', 'vector')
    """
    return check_target(y)[0]


def check_target(y, name: str = "y", *, levels: bool = False) -> tuple[TargetKind, Any]:
    """Validate labels and bring them to the canonical form of their kind.

    Parameters
    ----------
    y : array-like or sparse matrix
        The labels of the samples; see `target_kind` for the kinds.
    name : str, default="y"
        Name of the argument in error messages.
    levels : bool, default=False
        Whether y is a table with a class label in each column. Its distinct rows are then the
        classes, as `level_labels` makes them.

    Returns
    -------
    kind : {"class", "multilabel", "vector"}
        The kind of labels.
    y : ndarray or CSR array
        - classes: ndarray of shape (n_samples,) of the user's own type;
        - multilabel: ndarray of shape (n_samples, n_labels), dtype uint8, or a CSR array of
          the same shape and dtype where y is sparse;
        - vectors: ndarray of shape (n_samples, n_features), float32 or float64.

    Raises
    ------
    ValueError
        As `target_kind` does.

    Examples
    --------
    >>> from skhash.utils._labels import check_target
    >>> check_target([[3], [1], [3]])
    ('class', array([3, 1, 3]))
    """
    if levels:
        return "class", level_labels(y, name)
    if sparse.issparse(y):
        return "multilabel", _check_sparse_indicator(y, name)
    array = label_array(y, name)
    if array.ndim == 1:
        return "class", _check_classes(array, name)
    if array.ndim != 2:
        raise ValueError(
            f"{name} must have one dimension (classes) or two (multilabel indicators or "
            f"vectors), got shape {array.shape}"
        )
    if array.dtype.kind in _STRING_KINDS:
        if array.shape[1] == 1:
            return "class", _check_classes(array[:, 0], name)
        if array.dtype.kind != "O" or str in set(map(type, array.flat)):
            raise ValueError(
                f"{name} has strings in {array.shape[1]} columns; class labels are "
                "one-dimensional; a class in each column, such as coarse and fine, asks for "
                "similarity=ColumnsSimilarity(...), and label sets for an indicator of 0 and 1 "
                "(sklearn.preprocessing.MultiLabelBinarizer makes it)"
            )
        array = _objects_to_float(array, name)
    if array.shape[1] == 1 and array.dtype.kind in "biu":
        return "class", array[:, 0]
    return _check_table(array, name)


def level_labels(y, name: str = "y") -> np.ndarray:
    """Rows of a table of class labels as labels of their own: tuples.

    Parameters
    ----------
    y : array-like or data frame of shape (n_samples, n_levels)
        One class label per column, each column of integers or of strings; or what this function
        returned.
    name : str, default="y"
        Name of the argument in error messages.

    Returns
    -------
    labels : ndarray of shape (n_samples,), dtype object
        A tuple for each row. As class labels they can be sorted, split and scored.

    Raises
    ------
    ValueError
        If y is not such a table, or labels are missing.

    Examples
    --------
    >>> from skhash.utils._labels import level_labels
    >>> level_labels([["pet", "dog"], ["pet", "cat"]])
    array([('pet', 'dog'), ('pet', 'cat')], dtype=object)
    """
    table = _level_table(y, name)
    if table.ndim != 2 or table.shape[1] == 0:
        raise ValueError(
            f"{name} must have a column of class labels for each level, shape (n_samples, "
            f"n_levels), got shape {table.shape}"
        )
    columns = [
        check_target(table[:, i], f"column {i} of {name}")[1].tolist()
        for i in range(table.shape[1])
    ]
    return np.fromiter(zip(*columns), dtype=object, count=len(table))


def _level_table(y, name: str) -> np.ndarray:
    if sparse.issparse(y):
        raise ValueError(f"{name} must be a dense table of class labels, got a sparse matrix")
    if hasattr(y, "to_numpy"):
        y = y.to_numpy()
    rows = y.tolist() if isinstance(y, np.ndarray) and y.ndim == 1 else y
    if isinstance(rows, np.ndarray):
        return rows
    lengths = {len(row) if isinstance(row, (list, tuple, np.ndarray)) else -1 for row in rows}
    if len(lengths) > 1 or -1 in lengths:
        raise ValueError(
            f"{name} must have rows with the same number of class labels, one for each level"
        )
    # objects, since numpy would turn numbers beside strings into strings
    table = np.empty((len(rows), *lengths) if lengths else (0, 1), dtype=object)
    for i, column in enumerate(zip(*rows)):
        table[:, i] = column
    return table


def check_classes(y, name: str = "y") -> np.ndarray:
    """Validate class labels, and raise ValueError where y holds any other kind."""
    kind, y = check_target(y, name)
    if kind != "class":
        raise ValueError(f"{name} must hold class labels of shape (n_samples,), got {kind} labels")
    return y


def encode_classes(
    kind: str, y, *, classes=None, at_least: int = 1, dtype=np.float32
) -> tuple[Any, Any]:
    """Number the classes of labels.

    Parameters
    ----------
    kind, y
        As `check_target` returns them.
    classes : array-like or None, default=None
        The class labels that there are, where y need not have all of them; the column numbers
        of indicators.
    at_least : int, default=1
        How many different class labels y must have.
    dtype : dtype, default=numpy.float32
        Of indicators.

    Returns
    -------
    classes : ndarray of shape (n_classes,) or None
        The sorted class labels; column numbers for indicators; None for all other kinds.
    numbers : ndarray of shape (n_samples,), int64, or (n_samples, n_classes); or None
        The number of the class of each sample, or its indicators as a dense array.

    Raises
    ------
    ValueError
        If there are too few classes, labels or columns that are not in `classes`, or `classes`
        are no class labels.

    Examples
    --------
    >>> from skhash.utils._labels import check_target, encode_classes
    >>> encode_classes(*check_target(["dog", "cat", "dog"]))
    (array(['cat', 'dog'], dtype='<U3'), array([1, 0, 1]))
    """
    if classes is not None:
        classes = np.unique(check_classes(classes, "classes"))
    if kind == "multilabel":
        if classes is not None and not np.array_equal(classes, np.arange(y.shape[1])):
            raise ValueError(
                f"y holds indicators of {y.shape[1]} labels, but classes are "
                f"{np.array2string(classes, threshold=10)}"
            )
        dense = y.toarray() if sparse.issparse(y) else y
        return np.arange(y.shape[1]), np.asarray(dense, dtype=dtype)
    if kind != "class":
        return None, None
    found, numbers = np.unique(y, return_inverse=True)
    if len(found) < at_least:
        raise ValueError(
            f"y must have {at_least} classes or more, got 1 class: {found.tolist()[0]!r}"
        )
    if classes is not None:
        known = set(classes.tolist())
        # one by one: of strings and numbers numpy says nothing, or that none is the other
        unknown = [label for label in found.tolist() if label not in known]
        if unknown:
            raise ValueError(f"y holds labels that are not in classes: {unknown[:10]}")
        places = np.searchsorted(classes, found)
        found, numbers = classes, places[numbers]
    return found, numbers.astype(np.int64, copy=False)


def encode_labels(y: Iterable[Hashable]) -> tuple[list[Hashable], np.ndarray]:
    """Replace class labels by positions in a list of the distinct ones.

    Parameters
    ----------
    y : array or sequence of shape (n_samples,)
        Class labels; they need to be hashable, not sortable.

    Returns
    -------
    labels : list
        The distinct labels in order of appearance; those of an array as plain Python objects.
    codes : ndarray of shape (n_samples,), dtype intp
        ``labels[codes[i]]`` is the label of sample i.
    """
    plain = y.tolist() if isinstance(y, np.ndarray) else list(y)
    positions = {label: i for i, label in enumerate(dict.fromkeys(plain))}
    codes = np.fromiter(map(positions.__getitem__, plain), dtype=np.intp, count=len(plain))
    return list(positions), codes


def gather(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Entries of a matrix at all pairs of rows and columns, which may repeat."""
    # whole rows last, since they are copied at once; but not of more rows than are asked for
    if len(rows) < len(values):
        return values.take(rows, axis=0).take(columns, axis=1)
    return values.take(columns, axis=1).take(rows, axis=0)


def label_array(y, name: str = "y"):
    """Labels as an array that has them as they were given, and none that is missing.

    What numpy, and scikit-learn with it, would change on the way is refused: masks that it drops,
    numbers and NaN beside strings, of which it makes strings.

    Parameters
    ----------
    y : array-like or sparse matrix
    name : str, default="y"
        Name of the argument in error messages.

    Returns
    -------
    y : ndarray or sparse matrix
        Of numbers, strings or objects.

    Raises
    ------
    ValueError
        If labels are missing, dates, ragged, or strings mixed with others.

    Examples
    --------
    >>> from skhash.utils._labels import label_array
    >>> label_array(["dog", "cat"])
    array(['dog', 'cat'], dtype='<U3')
    """
    if sparse.issparse(y):
        return y
    if isinstance(y, np.ma.MaskedArray):
        if np.ma.getmaskarray(y).any():
            raise ValueError(f"{name} has missing labels (masked)")
        y = y.data
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise ValueError(
            f"{name} has rows that differ in length: pass label sets as an indicator of 0 and 1 "
            "(sklearn.preprocessing.MultiLabelBinarizer makes it)"
        ) from error
    listed = array.dtype.kind in "US" and array.ndim in (1, 2) and not hasattr(y, "dtype")
    if listed:
        given = np.asarray(y, dtype=object)
        if not all(issubclass(t, (str, bytes)) for t in set(map(type, given.flat))):
            # numpy has written numbers, or NaN, among the strings as strings
            array = given
    if array.dtype.kind not in "biuf" + _STRING_KINDS:
        hint = {"m": ": write dates as strings", "M": ": write dates as strings"}
        hint["c"] = ". Complex data not supported"  # as scikit-learn says it
        raise ValueError(
            f"{name} must hold numbers, strings or objects, got {array.dtype}"
            f"{hint.get(array.dtype.kind, '')}"
        )
    if array.dtype.kind == "O":
        _check_nothing_missing(array, name)
        if array.ndim == 1:
            _check_not_mixed(array, name)
    return array


def _check_nothing_missing(y: np.ndarray, name: str) -> None:
    types = set(map(type, y.flat))
    # pandas marks a missing label by NA, which even refuses to be compared
    missing = sorted(t.__name__ for t in types if t.__name__ in _MISSING)
    if missing:
        raise ValueError(f"{name} has missing labels ({', '.join(missing)})")
    dates = sorted(t.__name__ for t in types if issubclass(t, _DATES))
    if dates:
        raise ValueError(
            f"{name} must hold numbers, strings or objects that are no dates, got "
            f"{', '.join(dates)}: write dates as strings"
        )
    if any(issubclass(t, (float, np.floating)) for t in types) and np.any(np.not_equal(y, y)):
        raise ValueError(f"{name} has missing labels (NaN)")


def _check_not_mixed(y: np.ndarray, name: str) -> None:
    types = set(map(type, y))
    if len({issubclass(t, (str, bytes)) for t in types}) == 2:
        names = sorted(t.__name__ for t in types)
        raise ValueError(f"{name} mixes strings with other labels: {', '.join(names)}")


def _check_classes(y: np.ndarray, name: str) -> np.ndarray:
    if y.dtype.kind == "O":
        _check_objects(y, name)
        return y
    if y.dtype.kind == "f":
        _check_finite(y, name)
        _check_whole(y, name)
    return y


def _check_objects(y: np.ndarray, name: str) -> None:
    types = set(map(type, y))
    unhashable = sorted(t.__name__ for t in types if t.__hash__ is None)
    if unhashable:
        raise ValueError(
            f"{name} has labels that cannot be hashed ({', '.join(unhashable)}); pass label sets "
            "as an indicator of 0 and 1 (sklearn.preprocessing.MultiLabelBinarizer)"
        )
    if any(issubclass(t, (float, np.floating)) for t in types):
        _check_classes(_objects_to_float(y, name), name)


def _check_table(y: np.ndarray, name: str) -> tuple[TargetKind, np.ndarray]:
    if y.shape[1] == 0:
        raise ValueError(f"{name} has no columns")
    if y.dtype.kind == "f":
        _check_finite(y, name)
    if y.shape[1] > 1 and np.all((y == 0) | (y == 1)):
        return "multilabel", y.astype(np.uint8)
    wide_enough = y.dtype in (np.float32, np.float64)
    return "vector", y if wide_enough else y.astype(_vector_dtype(y.dtype))


def _vector_dtype(dtype: np.dtype) -> type:
    return np.float32 if dtype == np.float16 else np.float64


def _check_sparse_indicator(y, name: str):
    y = sparse.csr_array(y)
    if y.dtype.kind not in "biuf" or not np.all((y.data == 0) | (y.data == 1)):
        raise ValueError(
            f"{name} is sparse, a multilabel indicator, and must hold only 0 and 1; pass vectors "
            "as a dense array"
        )
    y = y.astype(np.uint8)
    y.eliminate_zeros()
    return y


def _check_finite(y: np.ndarray, name: str) -> None:
    bad = np.argwhere(~np.isfinite(y))
    if len(bad):
        where = tuple(bad[0].tolist())
        raise ValueError(f"{name} has missing or infinite values: {y[where]} at index {where}")


def _check_whole(y: np.ndarray, name: str) -> None:
    fractional = np.flatnonzero(y != np.floor(y))
    if len(fractional):
        raise ValueError(
            f"{name} is one-dimensional with fractional values such as {y[fractional[0]]}: class "
            "labels are integers or strings; pass real-valued targets as a column of "
            "shape (n, 1)"
        )


def _objects_to_float(y: np.ndarray, name: str) -> np.ndarray:
    try:
        return y.astype(np.float64)
    except (TypeError, ValueError) as error:
        types = ", ".join(sorted({type(value).__name__ for value in y.flat}))
        raise ValueError(f"{name} mixes numbers with other objects: {types}") from error
