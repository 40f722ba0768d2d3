"""Parts of docstrings that several functions or classes share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping


def shared_docs(parts: Mapping[str, str]) -> Callable:
    """Make a decorator that puts shared parts in place of lines such as ``|ties|``.

    Parameters
    ----------
    parts : mapping of str to str
        Name and text of each part, not indented.

    Returns
    -------
    decorator : callable
        For functions and classes; without docstrings (``python -OO``) it changes nothing.

    Examples
    --------
    >>> from skhash.utils._docs import shared_docs
    >>> @shared_docs({"k": "k : int"})
    ... def first(k):
    ...     '''The first items.
    ...
    ...     |k|
    ...     '''
    >>> print(first.__doc__)
    The first items.
    <BLANKLINE>
    k : int
    """

    def decorate(documented):
        if documented.__doc__:
            doc = inspect.cleandoc(documented.__doc__)
            documented.__doc__ = re.sub(
                r"^\|(\w+)\|$", lambda line: parts[line[1]].strip(), doc, flags=re.MULTILINE
            )
        return documented

    return decorate
