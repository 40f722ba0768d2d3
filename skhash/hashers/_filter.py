"""Which rows a search may find: a mask, or a condition on the payload.

A condition is parsed by Python and computed here, node by node. Nothing of it is run as code, so
that it may come from whoever asks, which cannot be said of ``pandas.DataFrame.query``.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

_COMPARISONS: dict[type, Callable] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda column, values: column.isin(values),
    ast.NotIn: lambda column, values: ~column.isin(values),
}
_JOINS: dict[type, Callable] = {
    ast.And: operator.and_,
    ast.BitAnd: operator.and_,
    ast.Or: operator.or_,
    ast.BitOr: operator.or_,
}
# strings, in which a backtick is one, or a name between backticks
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`([^`]*)`""", re.DOTALL)


def rows_passing(filter, payload, n_samples: int) -> np.ndarray:
    """Numbers of the rows that pass, ascending.

    Parameters
    ----------
    filter : str, or array-like of shape (n_samples,), dtype bool
        A condition on the columns of the payload, or a mask of the rows.
    payload : DataFrame or None
        What is known of the rows.
    n_samples : int
        How many rows there are.

    Raises
    ------
    ValueError
        If it is neither, or the condition is more than comparisons, or names no column.
    """
    if isinstance(filter, str):
        if payload is None:
            raise ValueError("filter is a condition on the payload, and fit was given none")
        mask = _condition(filter, payload)
    else:
        mask = np.asarray(filter)
    if mask.dtype != bool or mask.shape != (n_samples,):
        raise ValueError(
            f"filter must be a condition, or a mask of True and False for each of the {n_samples} "
            f"rows, got {mask.dtype} of shape {mask.shape}"
        )
    return np.flatnonzero(mask)


def _condition(text, payload):
    names: dict[str, str] = {}

    def plain(match):
        if match[1] is None:
            return match[0]
        return names.setdefault(match[1], f"_column_{len(names)}")

    try:
        tree = ast.parse(_QUOTED.sub(plain, text).strip(), mode="eval")
        columns = {stand_in: payload.get(name) for name, stand_in in names.items()}
        return np.asarray(_mask(tree.body, {**payload, **columns}))
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(
            f"filter must compare columns of the payload ({', '.join(payload.columns)}) with "
            f"values, by ==, !=, <, <=, >, >=, in and not in, joined by and, or and not; got "
            f"{text!r:.200}: {error}"
        ) from error


def _mask(node: ast.AST, columns) -> Any:
    if isinstance(node, ast.BoolOp):
        return reduce(_JOINS[type(node.op)], [_mask(value, columns) for value in node.values])
    if isinstance(node, ast.BinOp) and type(node.op) in _JOINS:
        return _JOINS[type(node.op)](_mask(node.left, columns), _mask(node.right, columns))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
        return ~_mask(node.operand, columns)
    if isinstance(node, ast.Compare):
        return _comparison(node, columns)
    column = _column(node, columns)
    if column.dtype != bool:
        raise TypeError(f"{ast.unparse(node)} is not true or false")
    return column


def _comparison(node, columns):
    sides = [_side(side, columns) for side in (node.left, *node.comparators)]
    results = []
    for compare, left, right in zip(node.ops, sides, sides[1:]):
        is_list = isinstance(compare, ast.In | ast.NotIn)
        if (
            type(compare) not in _COMPARISONS
            or isinstance(left, list)
            or isinstance(right, list) != is_list
            or (is_list and not hasattr(left, "isin"))
        ):
            raise TypeError(f"{ast.unparse(node)} is not a comparison of a column")
        results.append(_COMPARISONS[type(compare)](left, right))
    passed = reduce(operator.and_, results)
    if isinstance(passed, bool):
        raise TypeError(f"{ast.unparse(node)} is not a comparison of a column")
    return passed


def _side(node, columns):
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [_value(item) for item in node.elts]
    return _column(node, columns) if isinstance(node, ast.Name) else _value(node)


def _value(node):
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _value(node.operand)
        if isinstance(value, int | float):
            return -value
    elif isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
        return node.value
    raise TypeError(f"{ast.unparse(node)} is not a number or a string")


def _column(node, columns):
    if not isinstance(node, ast.Name):
        raise TypeError(f"{ast.unparse(node)} is not a comparison")
    column = columns.get(node.id)
    if column is None:
        raise ValueError(f"there is no column {node.id}")
    return column
