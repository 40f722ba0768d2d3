"""Hierarchies of classes, and how similar two classes are within one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from skhash.similarity import _parents as build
from skhash.similarity._hierarchy import Hierarchy
from skhash.similarity._measures import MEASURES, Measure, node_similarity, steps_up
from skhash.utils._labels import encode_labels, gather


class Taxonomy(Hierarchy):
    """An immutable hierarchy of classes, from one root down to the leaves.

    Nodes are named by anything hashable, mostly strings or integers. A node may have several
    parents (a directed acyclic graph, such as WordNet). Labels may be leaves or inner nodes.

    Taxonomies are equal when they have the same nodes and edges, in any order. They are immutable,
    so estimators share rather than copy them.

    Parameters
    ----------
    parents : mapping of node to parent, or to a list of parents
        Nodes that are only mentioned as parents, and those whose parent is None or an empty
        list, are roots.
    root : hashable, default=None
        Name of a node to add above the roots where there are several. None refuses several roots.
        No effect where there is one.

    Raises
    ------
    ValueError
        If the hierarchy is empty, has a cycle or, with ``root=None``, several roots.

    See Also
    --------
    TaxonomySimilarity : The same as a similarity target.
    load_taxonomy : Taxonomies that come with skhash.

    Examples
    --------
    >>> from skhash.similarity import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("animal", "cat"), ("animal", "dog"), ("plant", "oak")])
    >>> taxonomy
    <Taxonomy of 6 nodes: 3 leaves, height 2, root 'root'>
    >>> taxonomy.lcs("cat", "dog")
    'animal'
    >>> taxonomy.similarity(["cat"], ["cat", "dog", "oak"])
    array([[1. , 0.5, 0. ]])
    """

    __slots__ = ()

    @classmethod
    def from_edges(cls, edges: Iterable, *, root: Hashable | None = None) -> Taxonomy:
        """Taxonomy of pairs (parent, child).

        Parameters
        ----------
        edges : iterable of pairs, array or data frame of shape (n_edges, 2)
            Parent and child. Pairs given twice count once.
        root : hashable, default=None
            Name of a node to add above the roots where there are several.

        Returns
        -------
        taxonomy : Taxonomy
            The hierarchy.

        Raises
        ------
        ValueError
            As the class does, and where an edge is not a pair.

        Examples
        --------
        >>> from skhash.similarity import Taxonomy
        >>> Taxonomy.from_edges([("animal", "cat"), ("animal", "dog"), ("pet", "dog")], root="all")
        <Taxonomy of 5 nodes: 2 leaves, height 2, root 'all'>
        """
        return cls._from(build.from_edges(edges), root)

    @classmethod
    def from_parents(cls, parents: Mapping, *, root: Hashable | None = None) -> Taxonomy:
        """Taxonomy of a mapping from every node to its parent or a list of parents.

        Parameters
        ----------
        parents : mapping
            See the parameters of the class.
        root : hashable, default=None
            Name of a node to add above the roots where there are several.

        Returns
        -------
        taxonomy : Taxonomy
            The hierarchy.

        Raises
        ------
        ValueError
            As the class does.

        Examples
        --------
        >>> from skhash.similarity import Taxonomy
        >>> Taxonomy.from_parents({"cat": "animal", "dog": ["animal", "pet"], "pet": "animal"})
        <Taxonomy of 4 nodes: 2 leaves, height 2, root 'animal'>
        """
        return cls(parents, root=root)

    @classmethod
    def from_paths(
        cls,
        paths: Iterable,
        *,
        duplicates: Literal["raise", "qualify", "merge"] = "raise",
        root: Hashable | None = "root",
    ) -> Taxonomy:
        """Taxonomy of rows that name the nodes from the top down to a class.

        Parameters
        ----------
        paths : iterable of rows, array or data frame of shape (n_paths, n_levels)
            One path per row, such as ``zip(coarse, fine)``; repeated rows count once, so the
            columns of a data set of samples will do. A path may be shorter than others, or padded
            with None or NaN at its end.
        duplicates : {"raise", "qualify", "merge"}, default="raise"
            What to do if a name occurs in several places, such as ``"crane"`` under ``"bird"`` and
            under ``"machine"``:

            - ``"raise"``: raise, naming it;
            - ``"qualify"``: they are different nodes, named by their whole paths, ``"bird/crane"``
              and ``"machine/crane"``;
            - ``"merge"``: they are one node with several parents.
        root : hashable, default="root"
            Name of a node to add above the first names where they differ.

        Returns
        -------
        taxonomy : Taxonomy
            The hierarchy.

        Raises
        ------
        ValueError
            As the class does, and where a name occurs in several places.

        Examples
        --------
        >>> from skhash.similarity import Taxonomy
        >>> coarse, fine = ["bird", "bird", "machine"], ["crane", "owl", "crane"]
        >>> Taxonomy.from_paths(zip(coarse, fine), duplicates="qualify").leaves
        ('bird/crane', 'owl', 'machine/crane')
        """
        return cls._from(build.from_paths(paths, duplicates), root)

    @classmethod
    def from_networkx(cls, graph, *, root: Hashable | None = None) -> Taxonomy:
        """Taxonomy of a networkx graph with edges from parent to child.

        Parameters
        ----------
        graph : networkx.DiGraph
            The hierarchy; attributes of nodes and edges are not used.
        root : hashable, default=None
            Name of a node to add above the roots where there are several.

        Returns
        -------
        taxonomy : Taxonomy
            The hierarchy.

        Raises
        ------
        ValueError
            As the class does, and where the graph is not directed.

        Examples
        --------
        >>> import networkx as nx
        >>> from skhash.similarity import Taxonomy
        >>> Taxonomy.from_networkx(nx.balanced_tree(2, 3, create_using=nx.DiGraph))
        <Taxonomy of 15 nodes: 8 leaves, height 3, root 0>
        """
        return cls._from(build.from_networkx(graph), root)

    @classmethod
    def from_wordnet(
        cls, labels: Iterable, *, tree: bool = False, synsets: Mapping | None = None
    ) -> Taxonomy:
        """Taxonomy of synsets of WordNet and all that lies above them.

        Parameters
        ----------
        labels : array-like of shape (n_labels,)
            Nouns, or else verbs: names of synsets such as ``"dog.n.01"``, offsets such as
            ``"n02084071"`` (the wnids of ImageNet), words of a single sense, or keys of
            ``synsets``. They become nodes under their own names, and may be above each
            other. The other nodes are named as synsets are.
        tree : bool, default=False
            Whether to keep one hypernym of each synset, by the rule of `to_tree`. Otherwise
            all are kept.
        synsets : mapping of label to str, default=None
            The name or offset of the synset that a label stands for, such as
            ``{"crane": "crane.n.05"}``.

        Returns
        -------
        taxonomy : Taxonomy
            The hierarchy under ``"entity.n.01"``, or under ``"*root*"`` for verbs.

        Raises
        ------
        ValueError
            If a label is unknown or ambiguous, with the synsets it might stand for and what
            they mean; if two labels stand for one synset; or if nouns and verbs are mixed.
        LookupError
            If WordNet is not installed; the message says how to get it.

        See Also
        --------
        WordNetSimilarity : Compare labels within all of WordNet.

        Examples
        --------
        >>> from skhash.similarity import Taxonomy
        >>> taxonomy = Taxonomy.from_wordnet(
        ...     ["cat", "goldfish"], synsets={"cat": "cat.n.01"}
        ... )  # doctest: +SKIP
        >>> taxonomy.lcs("cat", "goldfish")  # doctest: +SKIP
        'vertebrate.n.01'
        """
        from skhash.similarity._wordnet_senses import wordnet_parents

        distinct, _ = _encode(labels, "labels")
        taxonomy = cls._from(wordnet_parents(distinct, synsets), None)
        return taxonomy.to_tree(distinct) if tree else taxonomy

    def to_tree(self, labels: Iterable | None = None) -> Taxonomy:
        """Taxonomy in which every node has one parent.

        Each node keeps the deepest of its parents, so that all nodes stay as deep as they are;
        among equally deep ones, the one with the most leaves below it; if these tie too, the first.
        Nodes that are then above none of the labels are left out.

        Parameters
        ----------
        labels : array-like of shape (n_labels,), default=None
            Nodes to keep, with all that is above them. None keeps the leaves.

        Returns
        -------
        taxonomy : Taxonomy
            The tree.

        Raises
        ------
        ValueError
            If labels are not in the taxonomy.

        Examples
        --------
        >>> from skhash.similarity import Taxonomy
        >>> taxonomy = Taxonomy.from_parents(
        ...     {"dog": ["pet", "canine"], "pet": "animal", "canine": "mammal", "mammal": "animal"}
        ... )
        >>> taxonomy.to_tree().edges
        (('animal', 'mammal'), ('mammal', 'canine'), ('canine', 'dog'))
        """
        keep = list(self.leaves) if labels is None else _encode(labels, "labels")[0]
        self._locate(keep)
        below = steps_up(self._levels.up, self._locate(self.leaves)) > 0
        n_leaves = np.asarray(below.sum(axis=0)).ravel()
        rank = {
            node: (int(self._levels.depth[i]), int(n_leaves[i]))
            for node, i in self._position.items()
        }
        tree = build.tree_of(self._parents, rank, keep)
        names = {node: name for node, name in self.names.items() if node in tree}
        return self._from(tree, None, names)

    @classmethod
    def _from(
        cls, parents: build.Parents, root: Hashable | None, names: Mapping | None = None
    ) -> Taxonomy:
        # a tuple would be taken for the name of one parent
        return cls({node: list(above) for node, above in parents.items()}, root=root, names=names)

    def lcs(self, a, b, measure: str = "lcs_height") -> Hashable:
        """Lowest common subsumer: the node above both through which a measure compares them.

        Parameters
        ----------
        a, b : node
            The nodes; each counts as above itself.
        measure : str, default="lcs_height"
            In a tree all measures agree. Otherwise, see `similarity` for which one each takes; of
            several, the one with the shortest path between a and b, then the lowest, then the first
            in `nodes`.

        Returns
        -------
        node : hashable
            The subsumer.
        """
        chosen = _check_measure(measure)
        steps = steps_up(self._levels.up, self._locate([a, b])).toarray()
        common = np.flatnonzero((steps > 0).all(axis=0))
        way = steps[:, common].sum(axis=0)
        score = chosen.rank(self._levels)[common] - chosen.weight * way
        best = np.lexsort((self._levels.height[common], way, -score))[0]
        return self.nodes[common[best]]

    def similarity(
        self, labels_a: Sequence, labels_b: Sequence | None = None, measure: str = "lcs_height"
    ) -> np.ndarray:
        """Similarities of labels.

        Parameters
        ----------
        labels_a : array-like of shape (n_a,)
            Nodes, leaves or not, in any number.
        labels_b : array-like of shape (n_b,), default=None
            Nodes to compare them with; None stands for ``labels_a``.
        measure : {"lcs_height", "wu_palmer", "path", "leacock_chodorow"}, default="lcs_height"
            With `lcs` a node above both labels (each is above itself), `way` the steps from one up
            to it and down to the other, both by the shortest path, and `D` the greatest depth in
            the taxonomy:

            - ``"lcs_height"``: `1 - height(lcs) / height(root)`, by the lowest lcs [1]_ [2]_;
            - ``"wu_palmer"``: `2 depth(lcs) / (2 depth(lcs) + way)`, by the deepest lcs, and among
              equally deep ones the one with the shortest way [3]_;
            - ``"path"``: `1 / (1 + way)`, by the lcs with the shortest way;
            - ``"leacock_chodorow"``: `-log((way + 1) / (2 D))`, by the lcs with the shortest
              way [4]_, shifted and scaled such that `way = 0` gives 1 and the longest
              conceivable way, `2 (D - 1)`, gives 0: `1 - log(way + 1) / log(2 D - 1)`.

            Under all of them a node has similarity 1 with itself, even where ``"lcs_height"`` of an
            inner node would be less.

        Returns
        -------
        values : ndarray of shape (n_a, n_b), dtype float64
            Similarities in [0, 1].

        Raises
        ------
        ValueError
            If labels are not in the taxonomy, naming them, or the measure is unknown.

        Notes
        -----
        The distinct labels are compared once. The work is the number of pairs below each
        node, summed over the nodes; beyond the result, memory is bounded.

        References
        ----------
        .. [1] Deng, Berg & Fei-Fei (2011). Hierarchical semantic indexing for large scale
           image retrieval. CVPR.
        .. [2] Barz & Denzler (2019). Hierarchy-based image embeddings for semantic image
           retrieval. WACV, eq. 1.
        .. [3] Wu & Palmer (1994). Verbs semantics and lexical selection. ACL.
        .. [4] Leacock & Chodorow (1998). Combining local context and WordNet similarity for
           word sense identification. In WordNet: an electronic lexical database.

        Examples
        --------
        >>> from skhash.similarity import Taxonomy
        >>> taxonomy = Taxonomy.from_edges(
        ...     [("R", "A"), ("R", "B"), ("A", "a1"), ("A", "a2"), ("B", "b1")]
        ... )
        >>> taxonomy.similarity(["a1"], ["a1", "a2", "b1"], measure="path").round(3)
        array([[1.   , 0.333, 0.2  ]])
        """
        chosen = _check_measure(measure)
        names_a, codes_a = _encode(labels_a, "labels_a")
        nodes_a = nodes_b = self._locate(names_a)
        codes_b = codes_a
        if labels_b is not None:
            names_b, codes_b = _encode(labels_b, "labels_b")
            nodes_b = self._locate(names_b)
        values = node_similarity(self._levels, nodes_a, nodes_b, chosen)
        if len(codes_a) == len(nodes_a) and len(codes_b) == len(nodes_b):
            return values
        return gather(values, codes_a, codes_b)


def _check_measure(measure: str) -> Measure:
    if not isinstance(measure, str) or measure not in MEASURES:
        raise ValueError(f"measure must be one of {sorted(MEASURES)}, got {measure!r}")
    return MEASURES[measure]


def _encode(labels, name: str):
    if hasattr(labels, "to_numpy"):
        labels = labels.to_numpy()
    if isinstance(labels, (str, bytes)) or not np.iterable(labels):
        raise ValueError(f"{name} must be a sequence of labels, got {labels!r}")
    if isinstance(labels, np.ndarray) and labels.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {labels.shape}")
    return encode_labels(labels)
