"""Taxonomies that come with the package."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from skhash.similarity._parents import from_edges
from skhash.similarity._taxonomy import Taxonomy

_FILES = {
    "cifar100": "cifar100.json",
    "cifar100-coarse": "cifar100_coarse.json",
    "cifar100-wordnet": "cifar100_wordnet.json",
    "imagenet1k": "imagenet1k.json",
}


def load_taxonomy(name: str, *, tree: bool = False) -> Taxonomy:
    """Load a taxonomy that comes with skhash.

    Parameters
    ----------
    name : {"cifar100", "cifar100-coarse", "cifar100-wordnet", "imagenet1k"}
        - ``"cifar100"``: the tree of Barz & Denzler [1]_ over the 100 classes of CIFAR-100,
          derived from WordNet, 163 nodes under ``"entity"``;
        - ``"cifar100-coarse"``: the 20 superclasses of CIFAR-100 [2]_ and the classes below
          them, under ``"root"``;
        - ``"cifar100-wordnet"``: the classes of CIFAR-100 and all their hypernyms in WordNet
          3.0 [3]_, some of which have several, under ``"entity.n.01"``;
        - ``"imagenet1k"``: the same for the 1,000 classes of ILSVRC 2012 [4]_.

        Classes of CIFAR-100 go by their names, such as ``"maple_tree"``, as
        `skhash.datasets.load_cifar100_features` has them in ``target_names``; those of ImageNet by
        their wnids, such as ``"n02012849"``, since two are called "crane" and two "maillot". All
        are leaves, except that ``"whale"`` is above ``"dolphin"``.

        Hypernyms are called as in WordNet, such as ``"wading_bird.n.01"``. The attribute
        ``names`` of both taxonomies maps the classes to the words of their synsets, in the
        order of the class numbers: for ImageNet's labels y from 0 to 999,
        ``np.array(list(taxonomy.names))[y]`` are the wnids.
    tree : bool, default=False
        Whether to keep one parent of each node, by the rule of `Taxonomy.to_tree`. No effect on
        taxonomies that already are trees.

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
    .. [3] Fellbaum, ed. (1998). WordNet: an electronic lexical database. MIT Press.
    .. [4] Russakovsky et al. (2015). ImageNet large scale visual recognition challenge. IJCV.

    Examples
    --------
    >>> from skhash.similarity import load_taxonomy
    >>> load_taxonomy("cifar100")
    <Taxonomy of 163 nodes: 100 leaves, height 8, root 'entity'>
    >>> imagenet = load_taxonomy("imagenet1k")
    >>> wnids = list(imagenet.names)
    >>> imagenet.names[wnids[134]], imagenet.names[wnids[517]]
    ('crane', 'crane')
    >>> imagenet.lcs(wnids[134], wnids[517])
    'whole.n.02'
    """
    if not isinstance(name, str) or name not in _FILES:
        raise ValueError(f"name must be one of {sorted(_FILES)}, got {name!r}")
    return _load_tree(name) if tree else _load(name)


@cache
def _load(name: str) -> Taxonomy:
    text = files("skhash.similarity").joinpath("data", _FILES[name]).read_text(encoding="utf-8")
    content = json.loads(text)
    return Taxonomy._from(from_edges(content["edges"]), None, content.get("names"))


@cache
def _load_tree(name: str) -> Taxonomy:
    taxonomy = _load(name)
    # a class may be above another one, and then is no leaf
    return taxonomy if taxonomy.is_tree else taxonomy.to_tree(list(taxonomy.names))
