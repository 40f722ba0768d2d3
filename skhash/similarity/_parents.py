"""Turn each way of writing a hierarchy into one: every node and its parents."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Literal

import numpy as np

Node = Hashable
Parents = dict[Node, tuple[Node, ...]]

_SHOWN = 10


def from_edges(edges: Iterable) -> Parents:
    """Parents of every node, from (parent, child) pairs."""
    parents: dict[Node, dict[Node, None]] = {}
    for edge in _rows(edges):
        if isinstance(edge, (str, bytes)) or len(edge) != 2:
            raise ValueError(f"edges must be pairs (parent, child), got {edge!r}")
        parent, child = map(_check_node, edge)
        parents.setdefault(parent, {})
        parents.setdefault(child, {})[parent] = None
    return {node: tuple(above) for node, above in parents.items()}


def from_parents(mapping: Mapping) -> Parents:
    """Parents of every node, from a mapping of child to parent, or to several parents."""
    if not isinstance(mapping, Mapping):
        raise TypeError(f"parents must be a mapping of child to parent, got {_type(mapping)}")
    parents: Parents = {}
    for child, above in mapping.items():
        nodes = tuple(map(_check_node, _several(above)))
        parents[_check_node(child)] = tuple(dict.fromkeys(nodes))
    for node in [node for above in parents.values() for node in above]:
        parents.setdefault(node, ())
    return parents


def from_paths(paths: Iterable, duplicates: Literal["raise", "qualify", "merge"]) -> Parents:
    """Parents of every node, from rows that name the nodes from the top to a leaf."""
    if duplicates not in ("raise", "qualify", "merge"):
        raise ValueError(f"duplicates must be 'raise', 'qualify' or 'merge', got {duplicates!r}")
    prefixes = _prefixes(paths)
    if duplicates == "merge":
        names = {prefix: prefix[-1] for prefix in prefixes}
    else:
        names = _names_of_prefixes(prefixes, qualify=duplicates == "qualify")
    parents: dict[Node, dict[Node, None]] = {}
    for prefix in prefixes:
        above = parents.setdefault(names[prefix], {})
        if len(prefix) > 1:
            above[names[prefix[:-1]]] = None
    return {node: tuple(above) for node, above in parents.items()}


def from_networkx(graph) -> Parents:
    """Parents of every node, from a directed graph with edges from parent to child."""
    if not hasattr(graph, "is_directed"):
        raise TypeError(f"graph must be a networkx DiGraph, got {_type(graph)}")
    if not graph.is_directed():
        raise ValueError("graph must be directed, with edges from parent to child")
    return from_parents({node: list(graph.predecessors(node)) for node in graph.nodes})


def with_single_root(parents: Parents, root: Node | None) -> Parents:
    """Add a node above the roots where there are several, or refuse them where root is None."""
    roots = [node for node, above in parents.items() if not above]
    if len(roots) == 1:
        return parents
    if root is None:
        leaves = parents.keys() - {over for above in parents.values() for over in above}
        hint = ""
        if len(leaves) < len(roots):
            hint = "; or, where it is upside down, write edges as (parent, child)"
        raise ValueError(
            f"the hierarchy has {len(roots)} roots: {name_some(roots)}; pass root='name' to add "
            f"a common one above them, under which they have nothing in common{hint}"
        )
    root = _check_node(root)
    if root in parents:
        raise ValueError(f"root={root!r} is the name of another node; choose a free one")
    return {root: (), **{node: above or (root,) for node, above in parents.items()}}


def check_acyclic(parents: Parents) -> None:
    """Raise where there are no nodes, or nodes that are above themselves."""
    if not parents:
        raise ValueError("the hierarchy has no nodes")
    own = [node for node, above in parents.items() if node in above]
    if own:
        raise ValueError(f"nodes that are their own parent: {name_some(own)}")
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        cycle = error.args[1]
        shown = [repr(node) for node in cycle[:_SHOWN]] + ["..."] * (len(cycle) > _SHOWN)
        raise ValueError(f"the hierarchy has a cycle: {' > '.join(shown)}") from error


def children_of(parents: Parents) -> dict[Node, tuple[Node, ...]]:
    """Children of every node, in the order of the nodes."""
    children: dict[Node, list[Node]] = {node: [] for node in parents}
    for node, above in parents.items():
        for parent in above:
            children[parent].append(node)
    return {node: tuple(below) for node, below in children.items()}


def depth_first_order(children: dict[Node, tuple[Node, ...]], root: Node) -> list[Node]:
    """The nodes, every one after all its parents and, in a tree, followed by all below it."""
    # reversed postorder; children are taken last to first, so that it has them first to last
    postorder: list[Node] = []
    seen = {root}
    stack = [(root, reversed(children[root]))]
    while stack:
        node, rest = stack[-1]
        below = next((child for child in rest if child not in seen), None)
        if below is None:
            postorder.append(node)
            stack.pop()
        else:
            seen.add(below)
            stack.append((below, reversed(children[below])))
    return postorder[::-1]


def tree_of(parents: Parents, rank: Mapping[Node, tuple], keep: Iterable[Node]) -> Parents:
    """One parent per node, the one of highest rank; only nodes above those to keep."""
    tree: Parents = {}
    for start in keep:
        node = start
        while node not in tree:
            above = parents[node]
            # the first of those that rank alike
            tree[node] = (max(above, key=rank.__getitem__),) if above else ()
            node = tree[node][0] if above else node
    return {node: tree[node] for node in parents if node in tree}


def name_some(nodes: Sequence) -> str:
    """A few of the nodes by name, and the number of the others."""
    shown = ", ".join(repr(node) for node in nodes[:_SHOWN])
    return shown if len(nodes) <= _SHOWN else f"{shown} and {len(nodes) - _SHOWN} more"


def _rows(table: Iterable) -> Iterable:
    # iterating over a data frame would give its column names
    if hasattr(table, "to_numpy"):
        table = table.to_numpy()
    return table.tolist() if isinstance(table, np.ndarray) else table


def _several(parents) -> Iterable[Node]:
    if parents is None:
        return ()
    # whatever can be hashed, such as a tuple, may be a node itself
    return (parents,) if isinstance(parents, Hashable) else parents


def _check_node(node) -> Node:
    if isinstance(node, np.generic):
        node = node.item()
    if not isinstance(node, Hashable):
        raise TypeError(f"nodes must be hashable, got {node!r}")
    if _is_missing(node):
        raise ValueError(f"nodes must have a name, got {node!r}")
    return node


def _is_missing(node) -> bool:
    # only NaN differs from itself
    return node is None or type(node).__name__ == "NAType" or node != node


def _prefixes(paths: Iterable) -> list[tuple[Node, ...]]:
    """Every place on the paths, as the names that lead to it."""
    prefixes: dict[tuple[Node, ...], None] = {}
    for path in _rows(paths):
        if isinstance(path, (str, bytes)):
            raise TypeError(f"paths must be rows of names such as ('animal', 'cat'), got {path!r}")
        names = list(path)
        while names and _is_missing(names[-1]):
            names.pop()
        row = tuple(map(_check_node, names))
        prefixes.update(dict.fromkeys(row[: end + 1] for end in range(len(row))))
    return list(prefixes)


def _names_of_prefixes(prefixes: list[tuple], qualify: bool) -> dict[tuple, Node]:
    places: dict[Node, list[tuple]] = {}
    for prefix in prefixes:
        places.setdefault(prefix[-1], []).append(prefix)
    if not qualify:
        _refuse_ambiguous({name: at for name, at in places.items() if len(at) > 1}, prefixes)
    names = {
        prefix: prefix[-1] if len(places[prefix[-1]]) == 1 else "/".join(map(str, prefix))
        for prefix in prefixes
    }
    if len(set(names.values())) < len(names):
        taken: dict[Node, int] = {}
        for name in names.values():
            taken[name] = taken.get(name, 0) + 1
        clashes = [name for name, times in taken.items() if times > 1]
        raise ValueError(f"qualified names clash with other names: {name_some(clashes)}")
    return names


def _refuse_ambiguous(places: dict[Node, list[tuple]], prefixes: list[tuple]) -> None:
    if not places:
        return
    shown = []
    for name, found in list(places.items())[:_SHOWN]:
        above = [repr(prefix[-2]) if len(prefix) > 1 else "no parent" for prefix in found]
        shown.append(f"{name!r} (under {' and '.join(above)})")
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    below = {prefix[-2:] for prefix in prefixes if len(prefix) > 1}
    hint = ""
    if len({over for over, _ in below}) == len(below):
        # every name has one below it: turned round, each would have one above it
        hint = "; or, since paths go from the top down to a class, turn the rows round: path[::-1]"
    raise ValueError(
        f"names that occur in several places of the paths: {', '.join(shown)}{more}; pass "
        "duplicates='qualify' to tell them apart by their path, such as 'bird/crane', or "
        f"duplicates='merge' to make each one node with several parents{hint}"
    )


def _type(value) -> str:
    return type(value).__name__
