"""Classes are similar when they are near in a taxonomy."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from skhash.similarity._load import load_taxonomy
from skhash.similarity._taxonomy import Taxonomy
from skhash.utils._labels import check_classes, encode_labels, gather


class TaxonomySimilarity(BaseEstimator):
    """Similarity of class labels in a taxonomy.

    Parameters
    ----------
    taxonomy : Taxonomy or str
        The taxonomy whose nodes are the labels, or the name of one for `load_taxonomy`.
    measure : {"lcs_height", "wu_palmer", "path", "leacock_chodorow"}, default="lcs_height"
        How to compare two nodes; see `Taxonomy.similarity` for the formulas.

    Examples
    --------
    >>> from skhash.similarity import TaxonomySimilarity
    >>> similarity = TaxonomySimilarity("cifar100-coarse")
    >>> similarity(["rose"], ["rose", "tulip", "shark"])
    array([[1. , 0.5, 0. ]])
    """

    def __init__(self, taxonomy, measure="lcs_height"):
        self.taxonomy = taxonomy
        self.measure = measure

    def __call__(self, y_a, y_b) -> np.ndarray:
        """Similarities of class labels.

        Parameters
        ----------
        y_a : array-like of shape (n_a,)
            Labels, each a node of the taxonomy.
        y_b : array-like of shape (n_b,)
            Labels, each a node of the taxonomy.

        Returns
        -------
        values : ndarray of shape (n_a, n_b), dtype float64
            Similarities in [0, 1].

        Raises
        ------
        ValueError
            If labels are not in the taxonomy, naming them, or the measure is unknown.
        TypeError
            If the taxonomy is neither a Taxonomy nor a name.
        """
        taxonomy = load_taxonomy(self.taxonomy) if isinstance(self.taxonomy, str) else self.taxonomy
        if not isinstance(taxonomy, Taxonomy):
            raise TypeError(
                "taxonomy must be a Taxonomy or the name of one, got "
                f"{type(taxonomy).__name__}; Taxonomy.from_edges, from_parents, from_paths and "
                "from_networkx make one"
            )
        labels_a, codes_a = encode_labels(check_classes(y_a, "y_a"))
        labels_b, codes_b = encode_labels(check_classes(y_b, "y_b"))
        values = taxonomy.similarity(labels_a, labels_b, self.measure)
        return gather(values, codes_a, codes_b)
