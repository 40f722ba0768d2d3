"""WordNet: the same numbers as nltk, labels of every form, and where the files are found."""

from __future__ import annotations

import math
import os
import pickle
import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from skhash import SemanticHasher
from skhash.similarity import (
    Taxonomy,
    TaxonomySimilarity,
    WordNetSimilarity,
    load_taxonomy,
)
from skhash.similarity._wordnet_corpus import find_wordnet, read_lexicon

try:
    FOLDER = find_wordnet()
except LookupError:
    pytest.skip("WordNet is not installed", allow_module_level=True)

NOUNS = read_lexicon(FOLDER, "n")
MEASURES = ["wu_palmer", "path", "leacock_chodorow", "lcs_height"]
SYNSETS = {"dog": "dog.n.01", "cat": "n02121620", "truck": "truck.n.01"}
NOUN_FILES = ("data.noun", "index.noun")
VERB_FILES = ("data.verb", "index.verb")


@pytest.fixture(scope="module")
def wordnet(tmp_path_factory):
    """nltk's own reader, on a copy of the files laid out as nltk wants them."""
    import nltk
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    root = tmp_path_factory.mktemp("nltk_data")
    folder = root / "corpora" / "wordnet"
    folder.mkdir(parents=True)
    for name in WordNetCorpusReader._FILES:
        source = FOLDER / name
        if source.is_file():
            (folder / name).write_bytes(source.read_bytes())
    # Debian leaves it out; the similarities do not depend on what the files are called
    lexnames = "".join(f"{number:02d}\tlex.{number}\t1\n" for number in range(45))
    (folder / "lexnames").write_text(lexnames)
    nltk.data.path.insert(0, str(root))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield WordNetCorpusReader(str(folder), None)
    nltk.data.path.remove(str(root))
    shutil.rmtree(root)


def random_nouns(n, seed=0):
    return np.random.default_rng(seed).choice(NOUNS.offsets, n, replace=False)


def wnids(offsets):
    return np.array([f"n{offset:08d}" for offset in offsets])


def of_nltk(wordnet, measure, pairs):
    synsets = [
        [wordnet.synset_from_pos_and_offset("n", int(offset)) for offset in pair] for pair in pairs
    ]
    name = {"wu_palmer": "wup", "path": "path", "leacock_chodorow": "lch"}[measure]
    return np.array([getattr(a, f"{name}_similarity")(b) for a, b in synsets])


# ------------------------------------------------------------------------------------- values


@pytest.mark.parametrize("measure", ["wu_palmer", "path"])
def test_a_thousand_pairs_agree_with_nltk(wordnet, measure):
    pairs = random_nouns(2000).reshape(2, 1000)
    ours = WordNetSimilarity(measure)(wnids(pairs[0]), wnids(pairs[1])).diagonal()
    np.testing.assert_allclose(ours, of_nltk(wordnet, measure, pairs.T), rtol=1e-12)


@pytest.mark.parametrize("measure", ["wu_palmer", "path"])
def test_pairs_of_imagenet_agree_with_nltk(wordnet, measure):
    # near each other, they meet in other ways than random nouns do
    classes = np.array(list(load_taxonomy("imagenet1k").names)).reshape(2, 500)
    values = WordNetSimilarity(measure)(classes[0], classes[1]).diagonal()
    pairs = np.array([[int(wnid[1:]) for wnid in row] for row in classes])
    np.testing.assert_allclose(values, of_nltk(wordnet, measure, pairs.T), rtol=1e-12)


@pytest.mark.slow
def test_leacock_chodorow_agrees_with_nltk(wordnet):
    pairs = random_nouns(2000, seed=1).reshape(2, 1000)
    ours = WordNetSimilarity("leacock_chodorow")(wnids(pairs[0]), wnids(pairs[1])).diagonal()
    want = np.maximum(0, of_nltk(wordnet, "leacock_chodorow", pairs.T) / math.log(2 * 19))
    np.testing.assert_allclose(ours, want, atol=1e-12)


def test_values_that_nltk_documents():
    # of dog.n.01 and cat.n.01 in its how-to on WordNet
    documented = {
        "wu_palmer": 0.8571428571428571,
        "path": 0.2,
        "leacock_chodorow": 2.0281482472922856 / math.log(38),
    }
    for measure, value in documented.items():
        assert WordNetSimilarity(measure)(["dog.n.01"], ["cat.n.01"])[0, 0] == pytest.approx(value)


def test_lcs_by_heights_of_all_of_wordnet():
    lexicon = NOUNS
    (carnivore,), (entity,) = lexicon.senses("carnivore")[:1], lexicon.senses("entity")
    assert lexicon.name(carnivore) == "carnivore.n.01"
    value = WordNetSimilarity("lcs_height")(["dog.n.01"], ["cat.n.01"])[0, 0]
    assert value == 1 - lexicon.height[carnivore] / lexicon.height[entity]
    # counted by hand, one hyponym after the other, down the longest way
    assert lexicon.height[entity] == lexicon.depth.max() - 1 == 19


@pytest.mark.parametrize("measure", MEASURES)
def test_symmetric_with_ones_and_independent_of_the_company(measure):
    labels = wnids(random_nouns(60, seed=2))
    values = WordNetSimilarity(measure)(labels, labels)
    np.testing.assert_array_equal(values, values.T)
    np.testing.assert_array_equal(np.diagonal(values), 1)
    assert values.min() >= 0
    alone = WordNetSimilarity(measure)(labels[:1], labels[7:8])
    np.testing.assert_array_equal(alone, values[:1, 7:8])
    # labels in another order, and some repeated
    np.testing.assert_array_equal(
        WordNetSimilarity(measure)(labels[[5, 3, 5]], labels[::-1]), values[[5, 3, 5], ::-1]
    )


@pytest.mark.parametrize("measure", ["path", "lcs_height", "wu_palmer"])
def test_as_a_taxonomy_of_the_same_synsets(measure):
    names = np.array(["dog.n.01", "cat.n.01", "truck.n.01", "rose.n.01"])
    values = TaxonomySimilarity(Taxonomy.from_wordnet(names), measure)(names, names)
    expected = WordNetSimilarity(measure)(names, names)
    if measure == "lcs_height":
        # fewer leaves, lower nodes: the order of the pairs is what stays
        assert values[0, 1] > values[0, 2] > 0
        assert expected[0, 1] > expected[0, 2] > 0
    else:
        np.testing.assert_allclose(values, expected)


def test_verbs_have_a_common_root():
    values = WordNetSimilarity("path")(["run.v.01"], ["sprint.v.01", "think.v.03", "run.v.01"])
    assert values[0, 2] == 1 > values[0, 0] > values[0, 1] > 0
    assert Taxonomy.from_wordnet(["run.v.01", "think.v.03"]).root == "*root*"


# ------------------------------------------------------------------------------------- labels


def test_all_forms_of_a_label():
    similarity = WordNetSimilarity(synsets=SYNSETS)
    same = np.array(["dog", "dog.n.01", "n02084071", "domestic_dog", "Domestic dog"])
    np.testing.assert_array_equal(similarity(same, same), 1)
    np.testing.assert_array_equal(WordNetSimilarity(synsets={3: "dog.n.01"})([3], [3]), 1)
    assert similarity(["dog"], ["cat"])[0, 0] == pytest.approx(6 / 7)
    assert similarity([], ["dog"]).shape == (0, 1)


def test_ambiguous_word_lists_its_senses():
    with pytest.raises(ValueError, match="'crane' has 5 senses") as caught:
        WordNetSimilarity()(["crane"], ["goldfish"])
    message = str(caught.value)
    assert "crane.n.05 (n02012849): large long-necked wading bird" in message
    assert "crane.n.04 (n03126707): lifts and moves heavy objects" in message


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("aquarium_fish", r"'aquarium_fish' is not a noun.*\n(.*\n)*.*fish\.n\.01 \(n02512053\)"),
        ("goldfisch", r"'goldfisch' is not a noun.*\n.*goldfish\.n\.01.*freshwater fishes"),
        ("run.v.99", r"'run.v.99' is not a synset.*\n.*run\.v\.01 \(v"),
        ("dog.n.22", r"'dog.n.22' is not a synset.*\n.*dog\.n\.01 \(n02084071\)"),
        ("n00000001", "'n00000001' is not the offset"),
        ("happy.a.01", "adjective or adverb"),
        ("0xyzzyx", r"'0xyzzyx' is not a noun of WordNet \(verbs .*'\)$"),
        (7, "7 is not a string, and synsets does not have it"),
        ("tiger", r"'tiger' is mapped to 'big cat', which is not the name"),
        ("lion", r"'lion' is mapped to 5, which"),
    ],
)
def test_unknown_label(label, message):
    similarity = WordNetSimilarity(synsets={"tiger": "big cat", "lion": 5})
    with pytest.raises(ValueError, match=message):
        similarity([label], [label])


def test_many_unknown_labels_are_cut_short():
    with pytest.raises(ValueError, match=r"and 3 more$"):
        WordNetSimilarity()([f"n0000000{i}" for i in range(8)], ["goldfish"])


def test_wrong_parameters():
    with pytest.raises(
        ValueError, match=r"measure must be one of \['wu_palmer', 'path', .* got 'wup'"
    ):
        WordNetSimilarity("wup")(["goldfish"], ["goldfish"])
    with pytest.raises(TypeError, match="synsets must be a mapping of label to synset, got list"):
        WordNetSimilarity(synsets=["dog.n.01"])(["dog"], ["dog"])
    with pytest.raises(ValueError, match=r"'run\.v\.01' is a verb and others are nouns"):
        WordNetSimilarity()(["dog.n.01"], ["run.v.01"])


def test_manners():
    similarity = WordNetSimilarity("path", synsets=SYNSETS)
    assert similarity.get_params() == {"measure": "path", "synsets": SYNSETS}
    y = np.array(["dog", "cat", "truck"])
    for copied in (clone(similarity), pickle.loads(pickle.dumps(similarity))):
        np.testing.assert_array_equal(copied(y, y), similarity(y, y))
    assert len(pickle.dumps(similarity)) < 1000
    assert clone(similarity).set_params(measure="lcs_height").measure == "lcs_height"


def test_semantic_hasher():
    X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    y = np.array(["dog", "cat", "truck"])[np.arange(60) % 3]
    hasher = SemanticHasher(
        n_bits=8, similarity=WordNetSimilarity(synsets=SYNSETS), max_iter=2, random_state=0
    ).fit(X, y)
    assert hasher.transform(X).shape == (60, 8)
    assert hasher.class_similarity_[0, 1] == pytest.approx(6 / 7)  # cat and dog


# ---------------------------------------------------------------------------------- taxonomies


def test_taxonomy_has_all_hypernyms():
    taxonomy = Taxonomy.from_wordnet(["dog", "n02121620"], synsets=SYNSETS)
    assert set(taxonomy.leaves) == {"dog", "n02121620"}
    assert set(taxonomy.parents("dog")) == {"canine.n.02", "domestic_animal.n.01"}
    assert taxonomy.lcs("dog", "n02121620") == "carnivore.n.01"
    assert taxonomy.root == "entity.n.01"
    assert not taxonomy.is_tree


def test_tree_keeps_the_deepest_hypernym():
    labels = ["dog.n.01", "cat.n.01", "domestic_animal.n.01"]
    dag = Taxonomy.from_wordnet(labels)
    tree = Taxonomy.from_wordnet(labels, tree=True)
    assert tree.is_tree
    assert tree.parents("dog.n.01") == ("canine.n.02",)
    # nothing is below it any more, but it is a label
    assert "domestic_animal.n.01" in tree.leaves
    assert all(tree.depth(node) == dag.depth(node) for node in tree.nodes)
    assert "domestic_animal.n.01" not in Taxonomy.from_wordnet(labels[:2], tree=True)


def test_labels_above_each_other():
    taxonomy = Taxonomy.from_wordnet(["beast", "dog.n.01"], synsets={"beast": "animal.n.01"})
    assert taxonomy.leaves == ("dog.n.01",)
    assert "beast" in taxonomy.ancestors("dog.n.01")
    assert "animal.n.01" not in taxonomy


def test_taxonomy_refuses_labels_of_one_synset():
    with pytest.raises(ValueError, match=r"'dog.n.01' and 'n02084071' stand for one synset, dog.n"):
        Taxonomy.from_wordnet(["dog.n.01", "n02084071"])
    synsets = {"entity.n.01": "dog.n.01"}
    with pytest.raises(ValueError, match=r"'entity.n.01' is the name of another synset"):
        Taxonomy.from_wordnet(["entity.n.01"], synsets=synsets)


@pytest.mark.parametrize("tree", [False, True])
def test_shipped_imagenet_is_made_of_it(tree):
    shipped = load_taxonomy("imagenet1k", tree=tree)
    assert Taxonomy.from_wordnet(list(shipped.names), tree=tree) == shipped


def test_shipped_cifar100_agrees_with_what_nltk_said():
    if "SKHASH_DATA" not in os.environ:
        pytest.skip("SKHASH_DATA, which has the values, is not set")
    with np.load(Path(os.environ["SKHASH_DATA"]) / "wordnet_sims_cifar100.npz") as data:
        values = {"wu_palmer": data["wup"], "path": data["path"]}
        ids = data["wnids"].astype(str)
    # in the order of the classes
    names = list(load_taxonomy("cifar100-wordnet").names)
    path = TaxonomySimilarity("cifar100-wordnet", "path")(names, names)
    np.testing.assert_allclose(path, values["path"], atol=1e-7)
    for measure, expected in values.items():
        # nltk's own similarity of a synset with itself may be less
        np.fill_diagonal(expected, 1)
        np.testing.assert_allclose(WordNetSimilarity(measure)(ids, ids), expected, atol=1e-7)


# ------------------------------------------------------------------------------ where it lies


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No WordNet in sight."""
    import nltk

    for variable in ("SKHASH_WORDNET", "WNSEARCHDIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    monkeypatch.setattr("skhash.similarity._wordnet_corpus._DEBIAN", tmp_path / "none")
    return tmp_path


def copy_files(folder, names=NOUN_FILES):
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes((FOLDER / name).read_bytes())


def test_missing_says_how_to_get_it(nowhere):
    with pytest.raises(LookupError, match=r"nltk\.downloader wordnet.*SKHASH_WORDNET or WNSEARCH"):
        WordNetSimilarity()(["goldfish"], ["goldfish"])
    with pytest.raises(LookupError, match="never downloads"):
        Taxonomy.from_wordnet(["goldfish"])


@pytest.mark.parametrize("variable", ["SKHASH_WORDNET", "WNSEARCHDIR"])
def test_folder_of_a_variable(nowhere, monkeypatch, variable):
    # no lexnames, no verbs: what is not needed may be missing
    copy_files(nowhere / "wn")
    monkeypatch.setenv(variable, str(nowhere / "wn"))
    assert WordNetSimilarity("path")(["dog.n.01"], ["cat.n.01"])[0, 0] == 0.2
    monkeypatch.setenv(variable, str(nowhere / "elsewhere"))
    with pytest.raises(LookupError, match=f"{variable}=.*elsewhere' does not hold"):
        WordNetSimilarity()(["goldfish"], ["goldfish"])


def test_corpus_of_nltk(nowhere):
    copy_files(nowhere / "corpora" / "wordnet")
    assert find_wordnet() == nowhere / "corpora" / "wordnet"


def test_zipped_corpus_of_nltk(nowhere):
    # as nltk's downloader leaves it
    (nowhere / "corpora").mkdir()
    with zipfile.ZipFile(nowhere / "corpora" / "wordnet.zip", "w") as archive:
        archive.writestr("wordnet/", "")
        for name in NOUN_FILES:
            archive.writestr(f"wordnet/{name}", (FOLDER / name).read_bytes())
    assert WordNetSimilarity("path")(["dog.n.01"], ["cat.n.01"])[0, 0] == 0.2
    # read once
    assert read_lexicon(find_wordnet(), "n") is read_lexicon(find_wordnet(), "n")


def test_import_reads_nothing():
    import subprocess
    import sys

    code = "import sys, skhash.similarity; sys.exit('nltk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
