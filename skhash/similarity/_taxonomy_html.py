"""A taxonomy as a collapsible tree, for notebooks."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skhash.similarity._hierarchy import Hierarchy

_MAX_NODES = 400
_MAX_CHILDREN = 25
_OPEN_LEVELS = 2


class _Entry:
    """A node where it is shown; under several parents, it is shown several times."""

    __slots__ = ("below", "hidden", "node")

    def __init__(self, node: Hashable):
        self.node = node
        self.below: list[_Entry] = []
        self.hidden = 0


def taxonomy_html(taxonomy: Hierarchy) -> str:
    """HTML of the upper part of a taxonomy, its size bounded."""
    body = _render(_choose(taxonomy))
    return f"<div><code>{escape(repr(taxonomy))}</code>{body}</div>"


def _choose(taxonomy: Hierarchy) -> _Entry:
    """What to show: level by level, as long as there is room."""
    top = _Entry(taxonomy.root)
    queue = deque([top])
    room = _MAX_NODES - 1
    while queue:
        entry = queue.popleft()
        children = taxonomy.children(entry.node)
        shown = children[: min(room, _MAX_CHILDREN)]
        room -= len(shown)
        entry.below = [_Entry(child) for child in shown]
        entry.hidden = len(children) - len(shown)
        queue.extend(entry.below)
    return top


def _render(top: _Entry) -> str:
    pieces: list[str] = []
    # what is still to be written: entries with their level, and closing tags
    stack: list[tuple[_Entry, int] | str] = [(top, 0)]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            pieces.append(item)
            continue
        entry, level = item
        name = escape(str(entry.node))
        if not entry.below and not entry.hidden:
            pieces.append(f"<div>{name}</div>")
            continue
        state = " open" if level < _OPEN_LEVELS else ""
        pieces.append(f"<details{state}><summary>{name}</summary>")
        pieces.append('<div style="margin-left: 1.5em">')
        more = f"<div><i>{entry.hidden} more</i></div>" if entry.hidden else ""
        stack.append(f"{more}</div></details>")
        stack.extend((child, level + 1) for child in reversed(entry.below))
    return "".join(pieces)
