"""transform_labels: codes of labels, of those that were trained on and of others."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import skhash
from skhash import ClassCodeHasher, CSQHasher, DPNHasher, HashRetriever, OrthoHasher, SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.encoders import PosteriorEncoder, RelationalEncoder
from skhash.hashers import _label_codes
from skhash.neighbors import HammingNeighbors
from skhash.similarity import (
    ColumnsSimilarity,
    LabelSimilarity,
    PrecomputedSimilarity,
    SentenceSimilarity,
    TaxonomySimilarity,
    load_taxonomy,
)

GOLDEN = Path(__file__).parents[1] / "golden"
SMALL = {
    "n_bits": 16,
    "hidden_layer_sizes": (32,),
    "max_iter": 15,
    "batch_size": 32,
    "device": "cpu",
    "random_state": 0,
}
ANIMALS = np.array(["bee", "cat", "dog", "eel"])
# "dog" and "cat" are alike; "hound" is a dog in all but its name, "fox" near both of them
KNOWN = PrecomputedSimilarity(
    [
        [1.0, 0.0, 0.0, 0.1, 0.0, 0.0],
        [0.0, 1.0, 0.6, 0.0, 0.6, 0.8],
        [0.0, 0.6, 1.0, 0.0, 1.0, 0.8],
        [0.1, 0.0, 0.0, 1.0, 0.0, 0.0],
        [0.0, 0.6, 1.0, 0.0, 1.0, 0.8],
        [0.0, 0.8, 0.8, 0.0, 0.8, 1.0],
    ],
    labels=[*ANIMALS, "hound", "fox"],
)
SEMANTIC = [
    SemanticHasher(**SMALL, similarity=KNOWN, encoder=PosteriorEncoder()),
    SemanticHasher(**SMALL, similarity=KNOWN, encoder=RelationalEncoder()),
]
CODEBOOK = [
    make(**SMALL, similarity=KNOWN, codebook="semantic")
    for make in (OrthoHasher, CSQHasher, DPNHasher)
]


@pytest.fixture(scope="module")
def blobs():
    """Four clusters, well apart."""
    random = np.random.default_rng(0)
    numbers = np.repeat(np.arange(4), 40)
    X = 4 * random.normal(size=(4, 10))[numbers] + random.normal(size=(160, 10))
    return X.astype(np.float32), numbers


def test_arbitrary_codes_of_classes_are_found_by_name_too(blobs):
    X, y = blobs
    names = np.array(["a", "b", "c", "d"])
    hasher = ClassCodeHasher(8, random_state=0).fit(X, names[y])
    np.testing.assert_array_equal(hasher.transform_labels(names[[2, 0]]), hasher.codebook_[[2, 0]])
    assert (hasher.transform(X) == hasher.transform_labels(names[y])).all(axis=1).mean() > 0.9
    with pytest.raises(ValueError, match="labels has 'e', which has similarity 0 with all labels"):
        hasher.transform_labels(["a", "e"])


def majority(codes):
    return (codes.mean(axis=0) > 0.5).astype(np.uint8)


def nearest(codes, database):
    return np.abs(codes[:, np.newaxis].astype(int) - database).sum(axis=2).argmin(axis=1)


@pytest.mark.parametrize("hasher", SEMANTIC)
def test_a_class_has_the_majority_of_the_bits_of_its_samples(blobs, hasher):
    X, numbers = blobs
    hasher = clone(hasher).fit(X, ANIMALS[numbers])
    expected = [majority(hasher.transform(X[numbers == number])) for number in range(4)]
    codes = hasher.transform_labels(ANIMALS)
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(codes, expected)


@pytest.mark.parametrize("hasher", CODEBOOK)
def test_a_class_has_its_row_of_the_codebook(blobs, hasher):
    X, numbers = blobs
    hasher = clone(hasher).fit(X, ANIMALS[numbers])
    order = [2, 0, 0, 3]
    codes = hasher.transform_labels(ANIMALS[order])
    np.testing.assert_array_equal(codes, hasher.codebook_[order])


@pytest.mark.parametrize("hasher", [SEMANTIC[0], CODEBOOK[0]])
def test_another_label_has_the_code_that_is_expected(blobs, hasher):
    """The mean code of the classes, and the similarities times the weights, by hand."""
    X, numbers = blobs
    hasher = clone(hasher).fit(X, ANIMALS[numbers])
    means = getattr(hasher, "label_codes_", getattr(hasher, "codebook_", None))
    fox = np.array([0, 0.8, 0.8, 0])
    expected = means.mean(axis=0) + fox @ hasher.label_weights_ > 0.5
    np.testing.assert_array_equal(hasher.transform_labels(["fox"])[0], expected)
    codes = hasher.transform_labels(["fox", *ANIMALS])
    distances = (codes[0] != codes[1:]).sum(axis=1)
    assert distances[1:3].sum() < distances[[0, 3]].sum()


@pytest.mark.parametrize("hasher", [*SEMANTIC, CODEBOOK[0]])
def test_what_is_the_same_to_the_target_has_nearly_the_same_code(blobs, hasher):
    """Of four labels, none of them alike, "hound" has the similarities of "dog" to all others."""
    X, numbers = blobs
    matrix = np.eye(5)
    matrix[2, 4] = matrix[4, 2] = 1
    target = PrecomputedSimilarity(matrix, labels=[*ANIMALS, "hound"])
    hasher = clone(hasher).set_params(similarity=target).fit(X, ANIMALS[numbers])
    hound, dog = hasher.transform_labels(["hound", "dog"])
    means = getattr(hasher, "label_codes_", getattr(hasher, "codebook_", None))
    # the least noise moves a mean code by a hundredth of its way to the mean of all
    clear = np.abs(means[2] - 0.5) > 0.01
    assert clear.mean() > 0.8
    np.testing.assert_array_equal(hound[clear], dog[clear])


@pytest.mark.parametrize("hasher", [*SEMANTIC, CODEBOOK[0]])
def test_codes_depend_on_no_other_label_and_on_no_name(blobs, hasher):
    X, numbers = blobs
    hasher = clone(hasher).fit(X, ANIMALS[numbers])
    labels = np.array(["fox", "dog", "hound", "bee", "fox"])
    codes = hasher.transform_labels(labels)
    one_by_one = [hasher.transform_labels([label])[0] for label in labels]
    np.testing.assert_array_equal(codes, one_by_one)
    np.testing.assert_array_equal(hasher.transform_labels(labels[::-1]), codes[::-1])
    np.testing.assert_array_equal(hasher.transform_labels(labels.tolist()), codes)
    assert hasher.transform_labels([]).shape == (0, 16)

    renamed = PrecomputedSimilarity(KNOWN.matrix, labels=[f"the {name}" for name in KNOWN.labels])
    other = clone(hasher).set_params(similarity=renamed)
    other.fit(X, np.char.add("the ", ANIMALS[numbers]))
    np.testing.assert_array_equal(other.transform_labels(np.char.add("the ", labels)), codes)


@pytest.mark.parametrize(
    "hasher",
    [
        SemanticHasher(encoder=PosteriorEncoder()),
        SemanticHasher(encoder=RelationalEncoder()),
        OrthoHasher(codebook="semantic"),
    ],
)
def test_unseen_classes_lie_with_their_siblings(hasher):
    """Nearer to the images of their superclass than under any other assignment of names."""
    cifar = load_cifar100_features()
    names, groups = cifar.target_names[cifar.target], cifar.coarse
    taxonomy = TaxonomySimilarity("cifar100-coarse")
    random = np.random.default_rng(0)
    unseen = random.choice(cifar.target_names, 20, replace=False)
    rows = cifar.train_indices[::3]
    rows = rows[~np.isin(names[rows], unseen)]
    hasher = clone(hasher).set_params(
        n_bits=32, similarity=taxonomy, network="linear", max_iter=4, random_state=0, device="cpu"
    )
    hasher.fit(cifar.data[rows], names[rows])
    query = cifar.query_indices[~np.isin(names[cifar.query_indices], unseen)]
    database = hasher.transform(cifar.data[query]).astype(int)
    codes = hasher.transform_labels(unseen).astype(int)
    distances = np.abs(codes[:, np.newaxis] - database).sum(axis=2)
    group_of = dict(zip(names, groups))
    superclass = np.array([group_of[name] for name in unseen])

    def mean_distance(order):
        return distances[superclass[order][:, np.newaxis] == groups[query]].mean()

    others = [mean_distance(random.permutation(len(unseen))) for _ in range(200)]
    assert mean_distance(np.arange(len(unseen))) < min(others)


def test_an_inner_node_finds_what_is_below_it(blobs):
    X, numbers = blobs
    names = np.array(["rose", "tulip", "shark", "ray"])[numbers]
    target = TaxonomySimilarity("cifar100-coarse")
    hasher = SemanticHasher(**SMALL, similarity=target).fit(X, names)
    index = HammingNeighbors(n_neighbors=80).fit(hasher.transform(X))
    found = index.kneighbors(hasher.transform_labels(["flowers"]), return_distance=False)[0]
    assert set(names[found]) == {"rose", "tulip"}
    root = load_taxonomy("cifar100-coarse").root
    with pytest.raises(ValueError, match=f"labels has '{root}', which has similarity 0 with all"):
        hasher.transform_labels(["rose", root])


def test_a_retriever_is_searched_by_name(blobs):
    X, numbers = blobs
    hasher = SemanticHasher(**SMALL, similarity=KNOWN)
    retriever = HashRetriever(hasher).fit(X, ANIMALS[numbers])
    codes = retriever.hasher_.transform_labels(ANIMALS)
    _, rows = retriever.neighbors_.kneighbors(codes, n_neighbors=30)
    assert (numbers[rows] == np.arange(4)[:, np.newaxis]).all()


def test_vectors(blobs):
    """A vector between two of the training, and a single one that looks like an indicator."""
    X, numbers = blobs
    vectors = np.eye(4) + 0.01
    hasher = SemanticHasher(**SMALL).fit(X, vectors[numbers])
    assert hasher.classes_ is None
    known = hasher.transform_labels(vectors)
    np.testing.assert_array_equal(nearest(known, hasher.transform(X)) // 40, np.arange(4))
    np.testing.assert_array_equal(hasher.transform_labels(np.eye(4, dtype=int)), known)
    # in each bit as both, or as either
    between = hasher.transform_labels([[0.0, 0.0, 1.0, 0.9]])
    distances = (between != known).sum(axis=1)
    assert distances[2:].sum() == (known[2] != known[3]).sum()
    with pytest.raises(ValueError, match="labels must have 4 columns, as y had, got 3"):
        hasher.transform_labels(vectors[:, :3])
    with pytest.raises(ValueError, match="labels has row 1, which has similarity 0 with all"):
        hasher.transform_labels([[1.0, 0, 0, 0], [-1.0, -1.0, -1.0, -1.0]])


def test_sentences(blobs):
    X, numbers = blobs

    def letters(texts):
        return np.array([[text.count(letter) for letter in "bcde"] for text in texts], float)

    said = np.array(["b", "c", "d", "e"], dtype=object)
    hasher = SemanticHasher(**SMALL, similarity=SentenceSimilarity(letters)).fit(X, said[numbers])
    codes = hasher.transform_labels(["bbb!", "c", "ddd d"])
    np.testing.assert_array_equal(nearest(codes, hasher.transform(X)) // 40, np.arange(3))


@pytest.mark.parametrize("convert", [np.asarray, csr_array])
def test_label_sets(blobs, convert):
    X, numbers = blobs
    sets = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1], [0, 1, 1, 0]])
    hasher = SemanticHasher(**SMALL).fit(X, convert(sets[numbers]))
    codes = hasher.transform_labels(convert(sets))
    np.testing.assert_array_equal(nearest(codes, hasher.transform(X)) // 40, np.arange(4))
    # one label alone lies with the sets that have it
    distances = (hasher.transform_labels(convert([[1, 0, 0, 0]])) != codes).sum(axis=1)
    assert distances[:2].sum() < distances[2:].sum()


@pytest.mark.parametrize("make", [OrthoHasher, CSQHasher])
def test_label_sets_have_the_majority_of_their_class_codes(blobs, make):
    X, numbers = blobs
    sets = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 1, 1], [0, 1, 1, 0]])
    hasher = make(**SMALL).fit(X, sets[numbers])
    codes = hasher.transform_labels(sets[:2])
    votes = hasher.codebook_[:3].sum(axis=0)
    np.testing.assert_array_equal(codes, [votes >= 2, hasher.codebook_[0]])
    with pytest.raises(ValueError, match="labels must have a label in each row, got none in row 1"):
        hasher.transform_labels([[1, 0, 0, 0], [0, 0, 0, 0]])


def test_labels_of_several_levels(blobs):
    X, numbers = blobs
    y = np.array([["pet", "cat"], ["pet", "dog"], ["tree", "oak"], ["tree", "elm"]])
    target = ColumnsSimilarity([(0, LabelSimilarity(), 1), (1, LabelSimilarity(), 1)])
    hasher = SemanticHasher(**SMALL, similarity=target).fit(X, y[numbers])
    codes = hasher.transform_labels([*y, ["tree", "fir"]])
    distances = (codes[4] != codes[:4]).sum(axis=1)
    assert distances[2:].sum() < distances[:2].sum()


@pytest.mark.parametrize("hasher", [SEMANTIC[0], CODEBOOK[0], SemanticHasher(**SMALL)])
def test_copies(blobs, hasher, tmp_path):
    X, numbers = blobs
    y = ANIMALS[numbers] if not isinstance(hasher.similarity, str) else np.eye(4)[numbers] + 0.01
    labels = ["fox", "dog"] if y.ndim == 1 else [[0.5, 0.5, 0, 0], [1, 0, 0, 0]]
    hasher = clone(hasher).fit(X, y)
    expected = hasher.transform_labels(labels)
    skhash.save(hasher, tmp_path / "model")
    loaded = skhash.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.transform_labels(labels), expected)
    unpickled = pickle.load(io.BytesIO(pickle.dumps(hasher)))
    np.testing.assert_array_equal(unpickled.transform_labels(labels), expected)
    assert type(loaded.label_weights_) is np.ndarray
    with pytest.raises(NotFittedError):
        clone(hasher).transform_labels(labels)


@pytest.mark.parametrize("name", ["semantic", "ortho", "csq", "dpn"])
def test_models_saved_before_say_what_to_do(name):
    hasher = skhash.load(GOLDEN / name)
    with pytest.raises(ValueError, match="was saved before it had codes of labels: fit it again"):
        hasher.transform_labels(hasher.classes_)


def test_labels_that_say_nothing(blobs):
    X, numbers = blobs
    hasher = SemanticHasher(**SMALL, similarity=KNOWN).fit(X, ANIMALS[numbers])
    with pytest.raises(ValueError, match="lacks: \\['yak'\\]"):
        hasher.transform_labels(["cat", "yak"])
    with pytest.raises(ValueError, match="labels must be of the kind 'class', as y was, got 've"):
        hasher.transform_labels([[0.5, 1.0]])
    with pytest.raises(ValueError, match="labels must have one dimension"):
        hasher.transform_labels("cat")
    for plain in (SemanticHasher(**SMALL), OrthoHasher(**SMALL)):
        plain.fit(X, ANIMALS[numbers]).transform_labels(["cat"])
        with pytest.raises(ValueError, match=r"labels has 'fox'.*under LabelSimilarity"):
            plain.transform_labels(["cat", "fox"])


def test_few_of_many_rows_are_read(blobs, monkeypatch):
    """A rare class is among them, and so many of each class as fit."""
    monkeypatch.setattr(_label_codes, "_ROWS", 30)
    X, numbers = blobs
    numbers = np.where(numbers == 3, 2, numbers)
    numbers[17] = 3
    random = np.random.RandomState(0)
    known, rows, of_rows = _label_codes.sample_labels("class", numbers, ANIMALS, numbers, random)
    np.testing.assert_array_equal(np.bincount(of_rows), [7, 7, 7, 1])
    np.testing.assert_array_equal(numbers[rows], of_rows)
    assert len(np.unique(rows)) == len(rows)
    assert known is ANIMALS
    hasher = SemanticHasher(**SMALL, similarity=KNOWN).fit(X, ANIMALS[numbers])
    expected = hasher.transform(X[17:18])
    np.testing.assert_array_equal(hasher.transform_labels(ANIMALS[3:]), expected)


def test_few_of_many_labels_are_kept(blobs, monkeypatch):
    monkeypatch.setattr(_label_codes, "_ROWS", 100)
    monkeypatch.setattr(_label_codes, "_LABELS", 20)
    X, numbers = blobs
    y = np.eye(4)[numbers] + np.random.default_rng(0).uniform(0.01, 0.1, size=(160, 4))
    y[1::2] = y[::2]
    hasher = SemanticHasher(**SMALL).fit(X, y)
    known = hasher.known_labels_
    assert known.shape == (20, 4)
    rows = [np.flatnonzero((y == label).all(axis=1)) for label in known]
    assert all(len(found) == 2 for found in rows)
    # of the two rows with a label one or both were read
    codes = hasher.transform(X)
    for found, code in zip(rows, hasher.label_codes_):
        of_rows = codes[found]
        assert any(np.array_equal(code, mean) for mean in (*of_rows, of_rows.mean(axis=0)))
    places = nearest(hasher.transform_labels(np.eye(4)), codes)
    np.testing.assert_array_equal(numbers[places], np.arange(4))
