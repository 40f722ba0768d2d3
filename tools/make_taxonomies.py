"""Make the taxonomies that ship with skhash: ``python tools/make_taxonomies.py``.

Reads the tree of Barz & Denzler and the superclasses of CIFAR-100 from the folder that the
environment variable SKHASH_DATA names, and writes skhash/similarity/data.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

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


def write(name: str, *, edges: list[tuple[str, str]], **header: str) -> None:
    # one edge a line, so that changes of the file can be read
    lines = ",\n    ".join(json.dumps(edge) for edge in edges)
    fields = "".join(
        f"  {json.dumps(key)}: {json.dumps(text, ensure_ascii=False)},\n"
        for key, text in header.items()
    )
    text = f'{{\n{fields}  "edges": [\n    {lines}\n  ]\n}}\n'
    (TARGET / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
