"""Taxonomies that come with the package."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from skhash.similarity._taxonomy import Taxonomy

_FILES = {"cifar100": "cifar100.json", "cifar100-coarse": "cifar100_coarse.json"}


def load_taxonomy(name: str) -> Taxonomy:
    """Load a taxonomy that comes with skhash.

    Parameters
    ----------
    name : {"cifar100", "cifar100-coarse"}
        - ``"cifar100"``: the tree of Barz & Denzler [1]_ over the 100 classes of CIFAR-100,
          derived from WordNet, 163 nodes under ``"entity"``;
        - ``"cifar100-coarse"``: the 20 superclasses of CIFAR-100 [2]_ and the classes below
          them, under ``"root"``.

        The leaves of both are the names of the classes, such as ``"maple_tree"``, as
        `skhash.datasets.load_cifar100_features` has them in ``target_names``.

    Returns
    -------
    taxonomy : Taxonomy
        The taxonomy; a second call returns the same object.

    Raises
    ------
    ValueError
        If there is no taxonomy of that name.

    References
    ----------
    .. [1] Barz & Denzler (2019). Hierarchy-based image embeddings for semantic image
       retrieval. WACV.
    .. [2] Krizhevsky (2009). Learning multiple layers of features from tiny images.

    Examples
    --------
    >>> from skhash.similarity import load_taxonomy
    >>> load_taxonomy("cifar100")
    <Taxonomy of 163 nodes: 100 leaves, height 8, root 'entity'>
    """
    if not isinstance(name, str) or name not in _FILES:
        raise ValueError(f"name must be one of {sorted(_FILES)}, got {name!r}.")
    return _load(name)


@cache
def _load(name: str) -> Taxonomy:
    text = files("skhash.similarity").joinpath("data", _FILES[name]).read_text(encoding="utf-8")
    return Taxonomy.from_edges(json.loads(text)["edges"])
