"""Classes are similar when they are near in WordNet."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from skhash.similarity._hierarchy import Hierarchy
from skhash.similarity._measures import (
    MEASURES,
    Levels,
    Measure,
    node_similarity,
    steps_across,
)
from skhash.similarity._wordnet_corpus import Lexicon
from skhash.similarity._wordnet_senses import locate_synsets
from skhash.utils._labels import check_classes, encode_labels, gather

_MEASURES = ("wu_palmer", "path", "leacock_chodorow", "lcs_height")


class WordNetSimilarity(BaseEstimator):
    r"""Similarity of class labels in WordNet.

    Labels are synsets, compared by the hypernyms that they share in the whole of WordNet, so the
    similarity of two labels does not depend on which others there are. The whole matrix is computed
    at once; a thousand labels take a few seconds including reading WordNet.

    Parameters
    ----------
    measure : {"wu_palmer", "path", "leacock_chodorow", "lcs_height"}, default="wu_palmer"
        With `lcs` a synset above both labels (each is above itself), `depth` the synsets on
        the longest way from it to the root, `way` the steps of the shortest way between two
        synsets over one above both, and `height` the steps of the longest way down:

        - ``"wu_palmer"``: `2 depth(lcs) / (2 depth(lcs) + way(a, lcs) + way(lcs, b))` [1]_. As
          nltk has it, the lcs is the one whose shortest way to the root is the longest, and
          of several the first by name;
        - ``"path"``: `1 / (1 + way(a, b))`;
        - ``"leacock_chodorow"``: `1 - log(1 + way(a, b)) / log(2 D)`, the similarity of Leacock and
          Chodorow [2]_, `-log((1 + way(a, b)) / (2 D))`, divided by its largest value `log(2 D)`
          and clipped at 0. `D` is the steps of the longest way in WordNet, 19 for the nouns of
          WordNet 3.0, and one more for verbs, which need a root above them;
        - ``"lcs_height"``: `1 - height(lcs) / height(root)`, by the lowest lcs [3]_, with the
          heights of all of WordNet. `TaxonomySimilarity` of `Taxonomy.from_wordnet` is the same
          with heights counted down to the given labels only.

        Under all of them a synset has similarity 1 with itself.
    synsets : mapping of label to str, default=None
        The synset that a label stands for, such as ``{"crane": "crane.n.05"}``, by name or by
        offset (``"n02012849"``). Labels that it lacks are looked up as they are.

    See Also
    --------
    Taxonomy.from_wordnet : The part of WordNet above some labels.
    load_taxonomy : Such parts that come with skhash and need no WordNet.

    Notes
    -----
    WordNet is looked for in the folder named by the environment variable SKHASH_WORDNET or
    WNSEARCHDIR, then among the data of nltk (the corpus "wordnet"), then where Debian's package
    wordnet-base puts it, ``/usr/share/wordnet``. It is never downloaded. ImageNet's wnids are
    offsets in WordNet 3.0, which both nltk and Debian have.

    ``"wu_palmer"``, ``"path"`` and ``"leacock_chodorow"`` times `log(2 D)` are nltk's
    ``wup_similarity``, ``path_similarity`` and ``lch_similarity`` of two different nouns. Verbs
    have many roots; here one node is above them all and counts like any other, which nltk does
    differently.

    References
    ----------
    .. [1] Wu & Palmer (1994). Verbs semantics and lexical selection. ACL.
    .. [2] Leacock & Chodorow (1998). Combining local context and WordNet similarity for
       word sense identification. In WordNet: an electronic lexical database.
    .. [3] Deng, Berg & Fei-Fei (2011). Hierarchical semantic indexing for large scale
       image retrieval. CVPR.

    Examples
    --------
    >>> from skhash.similarity import WordNetSimilarity
    >>> similarity = WordNetSimilarity(synsets={"dog": "dog.n.01"})
    >>> similarity(["dog"], ["n02084071", "cat.n.01", "goldfish"]).round(3)  # doctest: +SKIP
    array([[1.   , 0.857, 0.6  ]])
    """

    def __init__(self, measure="wu_palmer", *, synsets=None):
        self.measure = measure
        self.synsets = synsets

    def __call__(self, y_a, y_b) -> np.ndarray:
        """Similarities of class labels.

        Parameters
        ----------
        y_a : array-like of shape (n_a,)
            Nouns, or else verbs: names of synsets such as ``"dog.n.01"``, offsets such as
            ``"n02084071"``, keys of ``synsets``, or words that have one sense as a noun.
        y_b : array-like of shape (n_b,)
            The same.

        Returns
        -------
        values : ndarray of shape (n_a, n_b), dtype float64
            Similarities in [0, 1].

        Raises
        ------
        ValueError
            If a label is unknown or ambiguous, with the synsets it might stand for and what
            they mean; if nouns and verbs are mixed; or if the measure is unknown.
        TypeError
            If synsets is not a mapping.
        LookupError
            If WordNet is not installed; the message says how to get it.
        """
        if not isinstance(self.measure, str) or self.measure not in _MEASURES:
            raise ValueError(f"measure must be one of {list(_MEASURES)}, got {self.measure!r}")
        labels_a, codes_a = encode_labels(check_classes(y_a, "y_a"))
        labels_b, codes_b = encode_labels(check_classes(y_b, "y_b"))
        if not labels_a or not labels_b:
            return np.zeros((len(codes_a), len(codes_b)))
        lexicon, positions = locate_synsets(labels_a + labels_b, self.synsets)
        values = _synset_similarity(
            lexicon, positions[: len(labels_a)], positions[len(labels_a) :], self.measure
        )
        return gather(values, codes_a, codes_b)


def _synset_similarity(
    lexicon: Lexicon, positions_a: np.ndarray, positions_b: np.ndarray, measure: str
) -> np.ndarray:
    """Similarities of synsets, by what lies above them."""
    hierarchy = Hierarchy(lexicon.closure([*positions_a.tolist(), *positions_b.tolist()]))
    nodes = np.array(hierarchy.nodes)
    levels = hierarchy._levels._replace(height=lexicon.height[nodes], depth=lexicon.depth[nodes])
    nodes_a = hierarchy._locate(positions_a.tolist())
    nodes_b = hierarchy._locate(positions_b.tolist())
    if measure == "wu_palmer":
        chosen = _wu_palmer(lexicon, nodes)
        return node_similarity(levels, nodes_a, nodes_b, chosen, steps_across)
    if measure == "leacock_chodorow":
        longest = int(lexicon.depth.max()) - 1
        chosen = MEASURES["path"]._replace(
            similarity=lambda scores, _: np.maximum(0, 1 - np.log1p(-scores) / np.log(2 * longest))
        )
    else:
        chosen = MEASURES[measure]
    return node_similarity(levels, nodes_a, nodes_b, chosen)


def _wu_palmer(lexicon: Lexicon, nodes: np.ndarray) -> Measure:
    """The measure as nltk computes it, over synsets in the order of a hierarchy."""
    names = {node: lexicon.name(node) for node in nodes.tolist()}
    shortest = lexicon.shortest_depth
    # from the worst to the best lcs; a sort in two steps, as names are to fall and depths to rise
    order = sorted(range(len(nodes)), key=lambda i: names[int(nodes[i])], reverse=True)
    order.sort(key=lambda i: shortest[nodes[i]])
    place = np.empty(len(nodes), dtype=np.int64)
    place[order] = np.arange(1, len(nodes) + 1)
    depths = np.concatenate([[0], lexicon.depth[nodes[order]]])
    # more than any two ways, so that they never outweigh a place
    unit = 4 * int(lexicon.depth.max())

    def similarity(scores: np.ndarray, _: Levels) -> np.ndarray:
        best = -(-scores // unit)
        way = best * unit - scores
        return 2 * depths[best] / (2 * depths[best] + way)

    return Measure(lambda _: place * unit, 1, similarity)
