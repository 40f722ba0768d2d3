"""A codebook by the name of its kind."""

from __future__ import annotations

import numpy as np

from skhash.codebooks._checks import check_codebook, check_similarity_matrix, check_size
from skhash.codebooks._hadamard import hadamard_codebook
from skhash.codebooks._maxhd import maxhd_codebook
from skhash.codebooks._random import balanced_codebook, bernoulli_codebook
from skhash.codebooks._semantic import semantic_codebook

_DRAWN = {
    "maxhd": maxhd_codebook,
    "bernoulli": bernoulli_codebook,
    "balanced": balanced_codebook,
    "hadamard": hadamard_codebook,
}


def make_codebook(kind, n_classes, n_bits, *, similarity=None, random_state=None) -> np.ndarray:
    """A binary code for each class.

    Parameters
    ----------
    kind : {"maxhd", "bernoulli", "balanced", "hadamard", "semantic"} or array-like
        - ``"maxhd"``: random codes at a minimum distance, see `maxhd_codebook`;
        - ``"bernoulli"``: fair coins, see `bernoulli_codebook`;
        - ``"balanced"``: random codes with balanced bits, see `balanced_codebook`;
        - ``"hadamard"``: codes exactly half of the bits apart, see `hadamard_codebook`;
        - ``"semantic"``: codes whose distances follow the similarity, see `semantic_codebook`.

        An array of shape (n_classes, n_bits) is checked and returned as bits: it may hold 0 and
        1, booleans, or -1 and 1, and needs a different row for each class.
    n_classes : int
        Number of codes.
    n_bits : int
        Length of the codes; ``2 ** n_bits`` must not be less than n_classes.
    similarity : array-like of shape (n_classes, n_classes), default=None
        Similarities of the classes, symmetric, in [0, 1], such as
        `skhash.similarity.class_similarity` returns. Needed for ``"semantic"``, ignored
        otherwise.
    random_state : int, RandomState instance or None, default=None
        Draws what is random. Give an int for the same codes in every call.

    Returns
    -------
    codebook : ndarray of shape (n_classes, n_bits), dtype uint8
        Distinct rows of 0 and 1.

    Raises
    ------
    ValueError
        If the kind is unknown, cannot have these sizes or lacks its similarity, or if an array is
        not a codebook of these sizes.

    Examples
    --------
    >>> from skhash.codebooks import make_codebook
    >>> make_codebook("hadamard", 8, 16, random_state=0).shape
    (8, 16)
    >>> make_codebook([[-1, 1], [1, 1]], 2, 2)
    array([[0, 1],
           [1, 1]], dtype=uint8)
    """
    n_classes, n_bits = check_size(n_classes, n_bits)
    if not isinstance(kind, str):
        return check_codebook(kind, n_classes, n_bits)
    if kind == "semantic":
        if similarity is None:
            raise ValueError("similarity must be given for a 'semantic' codebook, got None")
        similarity = check_similarity_matrix(similarity, n_classes)
        return semantic_codebook(similarity, n_bits, random_state=random_state)
    if kind not in _DRAWN:
        kinds = [*_DRAWN, "semantic"]
        raise ValueError(f"kind must be one of {kinds} or an array of bits, got {kind!r}")
    return _DRAWN[kind](n_classes, n_bits, random_state)
