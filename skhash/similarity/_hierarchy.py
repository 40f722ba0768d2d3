"""What a taxonomy is made of: nodes under one root, immutable once made."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from difflib import get_close_matches
from html import escape
from itertools import starmap
from types import MappingProxyType

import numpy as np

from skhash.similarity import _parents as build
from skhash.similarity._measures import Levels, levels, steps_up

_SHOWN = 5
# what notebooks show: nodes in all, children of a node, levels that are unfolded
_HTML_NODES, _HTML_CHILDREN, _HTML_OPEN = 400, 25, 2
# a node where it is shown, and those shown below it
_Shown = tuple[build.Node, list]


class Hierarchy:
    """An immutable directed acyclic graph of named nodes under one root; see `Taxonomy`."""

    __slots__ = ("_children", "_levels", "_names", "_parents", "_position")

    _children: dict[build.Node, tuple[build.Node, ...]]
    _levels: Levels
    _names: dict[build.Node, str]
    _parents: build.Parents
    _position: dict[build.Node, int]

    def __init__(
        self,
        parents: Mapping,
        *,
        root: Hashable | None = None,
        names: Mapping[Hashable, str] | None = None,
    ):
        above = build.from_parents(parents)
        build.check_acyclic(above)
        above = build.with_single_root(above, root)
        children = build.children_of(above)
        top = next(node for node, over in above.items() if not over)
        order = build.depth_first_order(children, top)
        position = {node: i for i, node in enumerate(order)}
        strangers = [node for node in names or () if node not in position]
        if strangers:
            raise ValueError(
                f"names has nodes that the taxonomy lacks: {build.name_some(strangers)}"
            )
        fields = {
            "_names": dict(names or {}),
            "_parents": above,
            "_children": children,
            "_position": position,
            "_levels": levels([[position[over] for over in above[node]] for node in order]),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def nodes(self) -> tuple:
        """All nodes, depth first: every node after its parents, related ones together."""
        return tuple(self._position)

    @property
    def leaves(self) -> tuple:
        """The nodes without children, in the order of `nodes`."""
        return tuple(node for node in self._position if not self._children[node])

    @property
    def root(self) -> Hashable:
        """The node above all others."""
        return next(iter(self._position))

    @property
    def edges(self) -> tuple:
        """All pairs (parent, child), by child in the order of `nodes`."""
        return tuple((above, node) for node in self._position for above in self._parents[node])

    @property
    def names(self) -> Mapping:
        """Readable names of nodes that are named by a code, in the order they were given."""
        return MappingProxyType(self._names)

    @property
    def is_tree(self) -> bool:
        """Whether no node has several parents."""
        return all(len(above) <= 1 for above in self._parents.values())

    def parents(self, node) -> tuple:
        """The nodes directly above a node."""
        return self._parents[self._check_node(node)]

    def children(self, node) -> tuple:
        """The nodes directly below a node."""
        return self._children[self._check_node(node)]

    def ancestors(self, node) -> tuple:
        """All nodes above a node, excluding itself, in the order of `nodes`."""
        above = np.sort(steps_up(self._levels.up, self._locate([node])).indices)
        nodes = self.nodes
        # the last one is the node itself, which comes after all that are above it
        return tuple(nodes[i] for i in above[:-1])

    def height(self, node) -> int:
        """Steps of the longest path down to a leaf: 0 for leaves."""
        return int(self._levels.height[self._locate([node])[0]])

    def depth(self, node) -> int:
        """Nodes on the longest path up to the root: 1 for the root itself."""
        return int(self._levels.depth[self._locate([node])[0]])

    def _check_node(self, node) -> Hashable:
        self._locate([node])
        return node

    def _locate(self, labels: Sequence) -> np.ndarray:
        """Positions of labels in the order of the nodes."""
        unknown = [label for label in labels if label not in self._position]
        if unknown:
            self._raise_unknown(unknown)
        return np.array([self._position[label] for label in labels], dtype=np.intp)

    def _raise_unknown(self, labels: Sequence) -> None:
        names = [node for node in self._position if isinstance(node, str)]
        shown = []
        for label in labels[:_SHOWN]:
            close = get_close_matches(label, names, n=3) if isinstance(label, str) else []
            hint = f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
            shown.append(repr(label) + hint)
        more = f" and {len(labels) - len(shown)} more" if len(labels) > len(shown) else ""
        hint = ""
        if len(names) == len(self._position) and all(isinstance(label, int) for label in labels):
            hint = ": look up the names of numbered classes first, target_names[y]"
        raise ValueError(
            f"labels that are not in the taxonomy: {', '.join(shown)}{more}; its nodes are, for "
            f"example, {build.name_some(self.leaves[:3])}{hint}"
        )

    def __contains__(self, node) -> bool:
        return node in self._position

    def __eq__(self, other) -> bool:
        if not isinstance(other, Hierarchy):
            return NotImplemented
        return self is other or self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def _content(self) -> frozenset:
        return frozenset((node, frozenset(above)) for node, above in self._parents.items())

    def __setattr__(self, name, value):
        raise AttributeError(f"Taxonomy cannot be changed: {name!r} was to be set")

    def __delattr__(self, name):
        raise AttributeError(f"Taxonomy cannot be changed: {name!r} was to be deleted")

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __getstate__(self) -> dict[str, list]:
        """Nodes, and what is above each by its number, for pickle, skops and `skhash.save`."""
        number = {node: i for i, node in enumerate(self._parents)}
        return {
            "nodes": list(self._parents),
            "parents": [[number[over] for over in above] for above in self._parents.values()],
            "names": [[number[node], name] for node, name in self._names.items()],
        }

    def __setstate__(self, state: Mapping[str, list]) -> None:
        if hasattr(self, "_parents"):
            raise AttributeError("Taxonomy cannot be changed: it has its state already")
        nodes, parents = state["nodes"], state["parents"]
        if len(nodes) != len(parents):
            raise ValueError(f"{len(nodes)} nodes cannot have {len(parents)} lists of parents")
        above = {node: [nodes[i] for i in rows] for node, rows in zip(nodes, parents)}
        names = {nodes[i]: name for i, name in state["names"]}
        # by its own class: what a subclass asks for beside is not in the state
        Hierarchy.__init__(self, above, names=names)

    def __repr__(self) -> str:
        return (
            f"<Taxonomy of {len(self._position)} nodes: {len(self.leaves)} leaves, "
            f"height {self.height(self.root)}, root {self.root!r}>"
        )

    def _repr_html_(self) -> str:
        """The upper part, level by level as long as there is room, as a tree that unfolds."""
        top: _Shown = (self.root, [])
        queue, room = deque([top]), _HTML_NODES - 1
        while queue:
            node, below = queue.popleft()
            children = self._children[node][: min(room, _HTML_CHILDREN)]
            room -= len(children)
            # under several parents a node is shown several times
            below += [(child, []) for child in children]
            queue.extend(below)
        return f"<div><code>{escape(repr(self))}</code>{self._html(*top, 0)}</div>"

    def _html(self, node: build.Node, below: list, level: int) -> str:
        name = escape(str(node))
        n_hidden = len(self._children[node]) - len(below)
        if not below and not n_hidden:
            return f"<div>{name}</div>"
        inside = "".join(starmap(self._html, ((*entry, level + 1) for entry in below)))
        more = f"<div><i>{n_hidden} more</i></div>" if n_hidden else ""
        return (
            f"<details{' open' if level < _HTML_OPEN else ''}><summary>{name}</summary>"
            f'<div style="margin-left: 1.5em">{inside}{more}</div></details>'
        )
