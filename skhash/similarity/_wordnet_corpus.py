"""WordNet's own files, read as they are: where they are, and what they say about hypernyms."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from zipfile import Path as ZipPath

import numpy as np

Folder = Path | ZipPath

# `cntlist` and the other files are not used here, so they may be missing
_NEEDED = ("data.noun", "index.noun")
_VARIABLES = ("SKHASH_WORDNET", "WNSEARCHDIR")
_DEBIAN = Path("/usr/share/wordnet")
_SUFFIXES = {"n": "noun", "v": "verb"}
_MISSING = (
    "WordNet was not found; there are two ways to get it: nltk's downloader, "
    "`python -m nltk.downloader wordnet`; or Debian's package, `apt-get install wordnet-base`, "
    "or any other folder of WordNet's database files (data.noun, index.noun, ...), named by the "
    "environment variable SKHASH_WORDNET or WNSEARCHDIR; skhash never downloads it itself"
)


class Lexicon:
    """The synsets of one part of speech and what lies above them.

    A synset is known by its position in `offsets`. Where there are several synsets without
    hypernyms, as among verbs, a further position after all of them is above these.
    """

    def __init__(self, pos: str, data: bytes, index: bytes):
        self.pos = pos
        self._data = data
        entries = (line.split(b" ", 1) for line in _entries(index))
        self._senses = {word.decode(): rest for word, rest in entries}
        offsets, child, parent = _read_hypernyms(data, pos)
        self.offsets = offsets
        self._has_extra_root = False
        tops = np.setdiff1d(np.arange(len(offsets)), child)
        if len(tops) > 1:
            self._has_extra_root = True
            child = np.concatenate([child, tops])
            parent = np.concatenate([parent, np.full(len(tops), len(offsets))])
            # stable, so that hypernyms stay in the order of the database
            order = np.argsort(child, kind="stable")
            child, parent = child[order], parent[order]
        self._child, self._parent = child, parent
        self._starts = np.searchsorted(child, np.arange(self.n_nodes + 1))

    @property
    def n_nodes(self) -> int:
        return len(self.offsets) + self._has_extra_root

    @property
    def words(self) -> Sequence[str]:
        return list(self._senses)

    @cached_property
    def depth(self) -> np.ndarray:
        """Nodes on the longest way up to the root; 1 for the root."""
        return _longest(self.n_nodes, self._child, self._parent) + 1

    @cached_property
    def height(self) -> np.ndarray:
        """Steps on the longest way down; 0 for synsets without hyponyms."""
        return _longest(self.n_nodes, self._parent, self._child)

    @cached_property
    def shortest_depth(self) -> np.ndarray:
        """Nodes on the shortest way up to the root; 1 for the root."""
        depth = np.zeros(self.n_nodes, dtype=np.int64)
        depth[np.setdiff1d(np.arange(self.n_nodes), self._child)] = 1
        while not depth.all():
            known = (depth[self._parent] > 0) & (depth[self._child] == 0)
            # all that are reached in this round are equally far from the root
            depth[self._child[known]] = depth.max() + 1
        return depth

    def hypernyms(self, position: int) -> list[int]:
        """Positions directly above, in the order of the database."""
        return self._parent[self._starts[position] : self._starts[position + 1]].tolist()

    def closure(self, positions: Sequence[int]) -> dict[int, list[int]]:
        """The hypernyms of the positions and of all that lie above them."""
        above: dict[int, list[int]] = {}
        waiting = list(positions)
        while waiting:
            position = waiting.pop()
            if position not in above:
                above[position] = self.hypernyms(position)
                waiting.extend(above[position])
        return above

    def lemmas(self, position: int) -> list[str]:
        """The words of a synset, the first of which it is named by."""
        fields = self._line(position).partition("|")[0].split()
        return fields[4 : 4 + 2 * int(fields[3], 16) : 2]

    def gloss(self, position: int) -> str:
        """The definition of a synset, without the examples."""
        return re.sub(r'"[^"]*"', "", self._line(position).partition("|")[2]).strip(" ;\n")

    def name(self, position: int) -> str:
        """Name such as "dog.n.01", or "*root*" for what is above all verbs."""
        if position == len(self.offsets):
            return "*root*"
        word = self.lemmas(position)[0].lower()
        return f"{word}.{self.pos}.{self.senses(word).index(position) + 1:02d}"

    def senses(self, word: str) -> list[int]:
        """Positions of the synsets of a word in the order of their numbers; [] for no word."""
        rest = self._senses.get(word)
        if rest is None:
            return []
        fields = rest.split()
        offsets = fields[len(fields) - int(fields[1]) :]
        return [self.at_offset(int(offset)) for offset in offsets]

    def at_offset(self, offset: int) -> int:
        """Position of the synset at an offset, or -1."""
        position = int(np.searchsorted(self.offsets, offset))
        found = position < len(self.offsets) and self.offsets[position] == offset
        return position if found else -1

    def _line(self, position: int) -> str:
        start = int(self.offsets[position])
        return self._data[start : self._data.index(b"\n", start)].decode()


@cache
def read_lexicon(folder: Folder, pos: str) -> Lexicon:
    """Nouns ("n") or verbs ("v") of the WordNet in a folder."""
    data, index = (folder / f"{file}.{_SUFFIXES[pos]}" for file in ("data", "index"))
    if not (data.is_file() and index.is_file()):
        raise LookupError(f"{folder} does not hold {data.name} and {index.name} of WordNet")
    return Lexicon(pos, data.read_bytes(), index.read_bytes())


def find_wordnet() -> Folder:
    """Folder of WordNet's files: that of a variable, else nltk's, else Debian's."""
    for variable in _VARIABLES:
        if os.environ.get(variable):
            folder: Folder = Path(os.environ[variable])
            if not _has_files(folder):
                raise LookupError(
                    f"{variable}={str(folder)!r} does not hold WordNet's files "
                    f"{' and '.join(_NEEDED)}; {_MISSING}"
                )
            return folder
    folder = _find_in_nltk() or _DEBIAN
    if not _has_files(folder):
        raise LookupError(_MISSING)
    return folder


def _has_files(folder: Folder) -> bool:
    return all((folder / name).is_file() for name in _NEEDED)


def _find_in_nltk() -> Folder | None:
    try:
        import nltk

        found = nltk.data.find("corpora/wordnet/")
    except (ImportError, LookupError):
        return None
    if hasattr(found, "zipfile"):
        return _in_zip(str(found.zipfile.filename), found.entry)
    return Path(found.path)


# one object for a zip file, so that the lexicon read from it is found again
@cache
def _in_zip(path: str, entry: str) -> Folder:
    return ZipPath(path, entry if entry.endswith("/") else entry + "/")


def _entries(text: bytes) -> list[bytes]:
    # lines that begin with a space hold the licence
    return [line for line in text.split(b"\n") if line and not line.startswith(b" ")]


def _read_hypernyms(data: bytes, pos: str):
    """Offsets of all synsets, and pairs of positions (child, parent) sorted by child."""
    # @ points to a hypernym, @i to that of an instance
    pointer = re.compile(rb" @i? (\d{8}) " + pos.encode())
    # what follows the bar is prose
    heads = [line.partition(b"|")[0] for line in _entries(data)]
    offsets = np.array([int(head[:8]) for head in heads], dtype=np.int64)
    above = [pointer.findall(head) for head in heads]
    child = np.repeat(np.arange(len(heads)), [len(found) for found in above])
    targets = np.array([int(offset) for found in above for offset in found], dtype=np.int64)
    return offsets, child, np.searchsorted(offsets, targets)


def _longest(n_nodes: int, node: np.ndarray, next_node: np.ndarray) -> np.ndarray:
    """Steps of the longest way from every node along the pairs (node, next_node)."""
    steps = np.zeros(n_nodes, dtype=np.int64)
    for _ in range(n_nodes):
        longer = np.zeros_like(steps)
        np.maximum.at(longer, node, steps[next_node] + 1)
        if np.array_equal(longer, steps):
            return steps
        steps = longer
    raise ValueError("the hypernyms of this WordNet have a cycle")
