"""Time of all similarities among a thousand nouns of WordNet, beside that of nltk's for a pair.

    python benchmarks/wordnet_speed.py

The nouns are the 1,000 classes of ImageNet, or as many drawn at random. "first" is the first call
in a process, which reads WordNet; "next" the best of the following ones. nltk's time is that of a
thousand pairs, after one run over them that fills its caches. WordNet is found as
`skhash.similarity.WordNetSimilarity` finds it. Prints the table and writes it to
docs/benchmarks/wordnet_speed.md.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from _tables import write_table

from skhash.similarity import WordNetSimilarity, load_taxonomy
from skhash.similarity._wordnet_corpus import find_wordnet, read_lexicon

MEASURES = ("wu_palmer", "path", "leacock_chodorow", "lcs_height")
NLTK_NAMES = {
    "wu_palmer": "wup_similarity",
    "path": "path_similarity",
    "leacock_chodorow": "lch_similarity",
}
N_PAIRS = 1000


def main() -> None:
    imagenet = np.array(list(load_taxonomy("imagenet1k").names))
    nouns = {"ImageNet": imagenet, "random": draw_nouns(len(imagenet))}
    columns = ("nouns", "measure", "first", "next", "nltk, 1,000 pairs")
    rows = []
    with nltk_reader() as reader:
        for name, labels in nouns.items():
            for measure in MEASURES:
                rows.append([name, measure, *measure_times(reader, labels, measure)])
                print(*rows[-1], sep="  ")
    write_table("wordnet_speed", pd.DataFrame(rows, columns=columns))


def draw_nouns(n: int) -> np.ndarray:
    offsets = read_lexicon(find_wordnet(), "n").offsets
    drawn = np.random.default_rng(0).choice(offsets, n, replace=False)
    return np.array([f"n{offset:08d}" for offset in drawn])


def measure_times(reader, labels: np.ndarray, measure: str) -> list[str]:
    similarity = WordNetSimilarity(measure)
    # as in a new process
    read_lexicon.cache_clear()
    first, *others = (seconds(lambda: similarity(labels, labels)) for _ in range(4))
    cells = [f"{first:.2f} s", f"{min(others):.2f} s", "-"]
    if measure != "lcs_height":
        pairs = np.random.default_rng(1).choice(labels, (N_PAIRS, 2))
        synsets = [
            [reader.synset_from_pos_and_offset("n", int(wnid[1:])) for wnid in pair]
            for pair in pairs
        ]

        def run() -> None:
            for a, b in synsets:
                getattr(a, NLTK_NAMES[measure])(b)

        run()
        cells[-1] = f"{seconds(run):.2f} s"
    return cells


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@contextmanager
def nltk_reader() -> Iterator:
    """nltk's reader of the same files, laid out as it wants them."""
    import nltk
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    source = find_wordnet()
    with tempfile.TemporaryDirectory() as root, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(root) / "corpora" / "wordnet"
        folder.mkdir(parents=True)
        for name in WordNetCorpusReader._FILES:
            if (source / name).is_file():
                (folder / name).write_bytes((source / name).read_bytes())
        # Debian leaves it out
        names = "".join(f"{number:02d}\tlex.{number}\t1\n" for number in range(45))
        (folder / "lexnames").write_text(names)
        nltk.data.path.insert(0, root)
        yield WordNetCorpusReader(str(folder), None)
        nltk.data.path.remove(root)


if __name__ == "__main__":
    main()
