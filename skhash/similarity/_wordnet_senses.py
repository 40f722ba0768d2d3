"""Which synset of WordNet a label stands for."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from skhash.similarity._parents import Parents
from skhash.similarity._wordnet_corpus import Lexicon, find_wordnet, read_lexicon

_NAME = re.compile(r"(.+)\.([nvasr])\.(\d+)")
_WNID = re.compile(r"([nvasr])(\d{8})")
_SHOWN = 5


class _NoSynsetError(Exception):
    """Why a label has no synset."""


def locate_synsets(
    labels: Sequence[Hashable], synsets: Mapping | None
) -> tuple[Lexicon, np.ndarray]:
    """The lexicon that labels are of, and their positions in it."""
    finder = _Finder(_check_mapping(synsets))
    found: dict[Hashable, tuple[str, int]] = {}
    refused: list[str] = []
    for label in dict.fromkeys(labels):
        try:
            found[label] = finder.locate(label)
        except _NoSynsetError as reason:
            refused.append(f"{label!r} {reason}")
    if refused:
        more = [f"and {len(refused) - _SHOWN} more"] * (len(refused) > _SHOWN)
        raise ValueError(
            "labels that do not name one synset of WordNet; say which is meant by "
            "synsets={label: synset}:\n" + "\n".join(refused[:_SHOWN] + more)
        )
    kinds = sorted({pos for pos, _ in found.values()})
    if len(kinds) > 1:
        verb = next(label for label, (pos, _) in found.items() if pos == "v")
        raise ValueError(
            "labels must be all nouns or all verbs, which have nothing above both of them in "
            f"WordNet; {verb!r} is a verb and others are nouns"
        )
    positions = np.array([found[label][1] for label in labels], dtype=np.intp)
    return finder.lexicon(kinds[0] if kinds else "n"), positions


def wordnet_parents(labels: Sequence[Hashable], synsets: Mapping | None) -> Parents:
    """Parents of labels and of all that lies above them in WordNet, by name."""
    lexicon, positions = locate_synsets(labels, synsets)
    own: dict[int, Hashable] = {}
    for label, position in zip(labels, positions.tolist()):
        if position in own:
            raise ValueError(
                f"labels {own[position]!r} and {label!r} stand for one synset, "
                f"{lexicon.name(position)}; a taxonomy has one node for it"
            )
        own[position] = label
    above = lexicon.closure(list(own))
    names = {position: own.get(position, lexicon.name(position)) for position in above}
    if len(set(names.values())) < len(names):
        taken = {lexicon.name(position) for position in above if position not in own}
        clash = next(label for label in own.values() if label in taken)
        raise ValueError(f"label {clash!r} is the name of another synset that is above some label")
    return {
        names[position]: tuple(names[over] for over in hypernyms)
        for position, hypernyms in above.items()
    }


def _check_mapping(synsets) -> Mapping:
    if synsets is None:
        return {}
    if not isinstance(synsets, Mapping):
        raise TypeError(
            f"synsets must be a mapping of label to synset, got {type(synsets).__name__}"
        )
    return synsets


class _Finder:
    """Looks labels up in WordNet, whose folder is looked for once."""

    def __init__(self, synsets: Mapping):
        self._synsets = synsets
        self._folder = find_wordnet()

    def locate(self, label: Hashable) -> tuple[str, int]:
        """Part of speech and position of the synset that a label stands for."""
        if label in self._synsets:
            target = self._synsets[label]
            found = self._locate_code(target)
            if found is None:
                raise _NoSynsetError(
                    f"is mapped to {target!r}, which is not the name of a synset, such as "
                    "'dog.n.01', nor an offset, such as 'n02084071'"
                )
            return found
        return self._locate_code(label) or ("n", self._locate_word(label))

    def lexicon(self, pos: str) -> Lexicon:
        if pos not in "nv":
            raise _NoSynsetError("is an adjective or adverb, which have no hypernyms in WordNet")
        return read_lexicon(self._folder, pos)

    def _locate_code(self, label: Hashable) -> tuple[str, int] | None:
        """Synset of a name or an offset; None for what is neither."""
        if not isinstance(label, str):
            return None
        if match := _WNID.fullmatch(label):
            pos, digits = match.groups()
            position = self.lexicon(pos).at_offset(int(digits))
            if position < 0:
                raise _NoSynsetError("is not the offset of a synset of this WordNet")
            return pos, position
        if match := _NAME.fullmatch(label):
            word, pos, number = match.groups()
            lexicon = self.lexicon(pos)
            senses = lexicon.senses(word.lower())
            if not 1 <= int(number) <= len(senses):
                candidates = _candidates(lexicon, senses, word)
                raise _NoSynsetError(f"is not a synset of WordNet{candidates}")
            return pos, senses[int(number) - 1]
        return None

    def _locate_word(self, label: Hashable) -> int:
        if not isinstance(label, str):
            raise _NoSynsetError("is not a string, and synsets does not have it")
        nouns = self.lexicon("n")
        word = label.lower().replace(" ", "_")
        senses = nouns.senses(word)
        if len(senses) == 1:
            return senses[0]
        if senses:
            raise _NoSynsetError(f"has {len(senses)} senses as a noun:{_list(nouns, senses)}")
        raise _NoSynsetError(
            "is not a noun of WordNet (verbs go by names such as 'run.v.01')"
            + _candidates(nouns, [], word)
        )


def _candidates(lexicon: Lexicon, senses: Sequence[int], word: str) -> str:
    """The senses of the word, or else of those spelt like it, and of its last part."""
    if not senses:
        # comparing with all hundred thousand would take a second
        alike = [other for other in lexicon.words if other[:2] == word[:2]]
        words = [*get_close_matches(word, alike, n=2), re.split("[_-]", word)[-1]]
        senses = [sense for other in dict.fromkeys(words) for sense in lexicon.senses(other)]
    return f"; perhaps:{_list(lexicon, senses)}" if senses else ""


def _list(lexicon: Lexicon, senses: Sequence[int]) -> str:
    return "".join(
        f"\n    {lexicon.name(sense)} ({_wnid(lexicon, sense)}): {lexicon.gloss(sense)}"
        for sense in dict.fromkeys(senses)
    )


def _wnid(lexicon: Lexicon, position: int) -> str:
    return f"{lexicon.pos}{lexicon.offsets[position]:08d}"
