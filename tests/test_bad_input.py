"""The worst that may come in, and the error that says so: one line a mistake.

Each line has what is called, the exception and how its message begins or what it names. What an
estimator's own tests try already is not repeated.
"""

import json
import os

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

import skhash
from skhash import codebooks as cb
from skhash import datasets as ds
from skhash import export, metrics, model_selection, neighbors, networks
from skhash import similarity as sim
from skhash.distributed import open_codes, transform
from skhash.feature_extraction import ImageFeatures
from skhash.neighbors import HammingNeighbors, PackedCodes

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(30, 6))
CODES = RANDOM.integers(2, size=(30, 8), dtype=np.uint8)
LABELS = np.arange(30) % 3
VALUES = RANDOM.normal(size=(30, 8))
RAGGED = [[0, 1], [0]]
TARGET = sim.PrecomputedSimilarity([[1, 0.5, 0], [0.5, 1, 0.2], [0, 0.2, 1]], range(3))
TREE = sim.Taxonomy({"ant": "insect", "bee": "insect", "cat": "mammal"}, root="animal")
nan, inf = float("nan"), float("inf")

mean_ap = metrics.mean_average_precision_score
hp = metrics.hierarchical_precision_score


def scored(function=mean_ap, codes=CODES, labels=LABELS, **options):
    return function(codes, labels, CODES, LABELS, **options)


def fitted(hasher):
    return hasher.fit(X, LABELS)


def index(**options):
    return HammingNeighbors(**options).fit(CODES)


def index_of_vectors(vectors):
    return HammingNeighbors(2).fit(CODES, vectors=vectors)


def fit(name, X=X, y=LABELS, **options):
    make = getattr(skhash, name)
    if "device" in make._get_param_names():
        options = {"device": "cpu", "max_iter": 1, **options}
    return make(4, **options).fit(X, y)


def cell(value, dtype=float):
    """X with one cell changed."""
    changed = X.astype(dtype)
    changed[3, 2] = value
    return changed


def generator():
    yield [0, 1]


METRICS = [
    (lambda: scored(codes=RAGGED), ValueError, "query_codes cannot be used"),
    (lambda: scored(codes=None), ValueError, "query_codes must have shape"),
    (lambda: scored(codes=3), ValueError, "query_codes must have shape"),
    (lambda: scored(codes=CODES[0]), ValueError, "query_codes must have shape"),
    (lambda: scored(codes=CODES[:0], labels=[]), ValueError, "query_codes is empty"),
    (lambda: scored(codes=CODES[:, :5]), ValueError, "5 .*8"),
    (lambda: scored(codes=CODES * 2), ValueError, "query_codes must hold only 0 and 1, got 2"),
    (lambda: scored(codes=CODES - 0.5), ValueError, "query_codes must hold only 0 and 1"),
    (lambda: scored(codes=CODES.astype(complex)), ValueError, "query_codes must hold the numbers"),
    (lambda: scored(codes=CODES.astype(str)), ValueError, "query_codes must hold the numbers"),
    (lambda: scored(codes="codes"), ValueError, "query_codes must have shape"),
    (lambda: scored(codes={0, 1}), ValueError, "query_codes must have shape"),
    (lambda: scored(codes=generator()), ValueError, "query_codes must have shape"),
    (lambda: scored(labels=LABELS[:7]), ValueError, "query_labels must hold 30 labels, got 7"),
    (lambda: scored(labels=None), ValueError, "query_labels is missing"),
    (lambda: scored(ties=CODES), ValueError, "ties must be one of"),
    (lambda: scored(ties=sparse.csr_array(CODES)), ValueError, "ties must be one of"),
    (lambda: scored(no_relevant=["warn"]), ValueError, "no_relevant must be one of"),
    (lambda: scored(metric=np.array(["hamming"] * 2)), ValueError, "metric must be one of"),
    (lambda: scored(normalizer={}), ValueError, "normalizer must be one of"),
    (lambda: scored(k=RAGGED), ValueError, "k cannot be used"),
    (lambda: scored(k=0), ValueError, "k must be"),
    (lambda: scored(k=31), ValueError, "k"),
    (lambda: scored(k=nan), (TypeError, ValueError), "k must hold integers"),
    (lambda: scored(k="5"), (TypeError, ValueError), "k must hold integers"),
    (lambda: scored(relevance=RAGGED), ValueError, "relevance cannot be used"),
    (lambda: scored(relevance=CODES), ValueError, "relevance must have shape"),
    (lambda: scored(relevance=np.full((30, 30), nan)), ValueError, "relevance contains NaN"),
    (lambda: scored(exclude_self=RAGGED), ValueError, "exclude_self cannot be used"),
    (lambda: scored(exclude_self=[99] * 30), ValueError, "exclude_self must hold rows"),
    (lambda: scored(n_jobs="all"), TypeError, "n_jobs must be a whole number or None"),
    (lambda: scored(n_jobs=0.5), TypeError, "n_jobs must be a whole number or None"),
    (lambda: scored(device="nowhere"), ValueError, "device must be"),
    (lambda: scored(similarity=TARGET, threshold=nan), ValueError, "threshold must be a finite"),
    (lambda: scored(hp, similarity=None, k=3), (TypeError, ValueError), "similarity"),
    (
        lambda: scored(metrics.ndcg_score, relevance=np.eye(30), similarity=TARGET),
        ValueError,
        "relevance and similarity both",
    ),
    (lambda: scored(hp, similarity=TARGET, k=[]), ValueError, "k must"),
    (lambda: scored(hp, similarity=sim.LabelSimilarity, k=3), TypeError, "similarity"),
    (lambda: metrics.precision_within_radius(CODES, LABELS, radius=-1), ValueError, "radius"),
    (lambda: metrics.quantization_error(VALUES[0]), ValueError, "values cannot be used"),
    (lambda: metrics.quantization_error(["a"]), ValueError, "values cannot be used"),
    (lambda: metrics.quantization_error(VALUES, corners=3), ValueError, "corners must be two"),
    (lambda: metrics.quantization_error(VALUES, corners="ab"), ValueError, "corners must be two"),
    (lambda: metrics.quantization_error(VALUES, corners=(1, -1)), ValueError, "corners must be"),
    (lambda: metrics.empirical_kl_divergence(X[0], X), ValueError, "P cannot be used"),
    (lambda: metrics.empirical_kl_divergence(X, None), ValueError, "Q cannot be used"),
    (lambda: metrics.empirical_kl_divergence(X, X[:, :3]), ValueError, "Q must have"),
    (lambda: metrics.binary_kl(VALUES), ValueError, "outputs must be between 0 and 1"),
    (lambda: metrics.class_distances(CODES, LABELS[:3]), ValueError, "labels must be 30"),
    (lambda: metrics.bit_balance(RAGGED), ValueError, "codes cannot be used"),
    (lambda: metrics.get_scorer(None), TypeError, "name must be one score"),
    (lambda: metrics.get_scorer("map@0"), ValueError, "map@0"),
    (lambda: metrics.get_scorer("ndgc@10"), ValueError, "unknown score 'ndgc@10'"),
    (
        lambda: metrics.distance_similarity_correlation(CODES, LABELS, "cosine"),
        TypeError,
        "similarity must be a target",
    ),
]
SIMILARITIES = [
    (lambda: sim.evaluate_similarity(None, [0], [1]), TypeError, "similarity must be a target"),
    (lambda: sim.evaluate_similarity(lambda a, b: 3, [0], [1]), ValueError, "must return shape"),
    (lambda: sim.evaluate_similarity(lambda a, b: "x", [0], [1]), ValueError, "must return an"),
    (lambda: sim.evaluate_similarity(lambda a, b: [[2.0]], [0], [1]), ValueError, "2.0"),
    (lambda: sim.class_similarity(TARGET, [0, 7]), ValueError, "lacks: .7."),
    (lambda: sim.load_taxonomy("cifar1000"), ValueError, "name must be one of"),
    (lambda: sim.load_taxonomy(None), (TypeError, ValueError), "name must be one of"),
    (lambda: sim.Taxonomy({}), ValueError, "the hierarchy has no nodes"),
    (lambda: sim.Taxonomy(None), TypeError, "parents must be"),
    (lambda: sim.Taxonomy({"a": "a"}), ValueError, "'a'"),
    (lambda: sim.Taxonomy({"a": "b", "b": "a"}), ValueError, "circle|cycle"),
    (lambda: sim.Taxonomy({"a": ["b", ["c"]]}), TypeError, "nodes must be hashable"),
    (lambda: sim.Taxonomy.from_edges([("a",)]), ValueError, "edges"),
    (lambda: sim.Taxonomy.from_edges([]), ValueError, "the hierarchy has no nodes"),
    (lambda: TREE.depth("dog"), (KeyError, ValueError), "dog"),
    (lambda: sim.TaxonomySimilarity(TREE)(["dog"], ["cat"]), ValueError, "dog"),
    (lambda: sim.TaxonomySimilarity(TREE, "wup")(["ant"], ["cat"]), ValueError, "measure"),
    (lambda: sim.TaxonomySimilarity(3)(["ant"], ["cat"]), (TypeError, ValueError), "taxonomy"),
    (lambda: sim.PrecomputedSimilarity(X)([0], [1]), ValueError, "matrix must"),
    (lambda: sim.PrecomputedSimilarity(RAGGED)([0], [1]), ValueError, "matrix cannot be used"),
    (lambda: sim.PrecomputedSimilarity(np.eye(2), "ab")([0], [1]), ValueError, "labels"),
    (lambda: sim.WeightedSimilarity([])([0], [1]), ValueError, "targets"),
    (lambda: sim.WeightedSimilarity(TARGET)([0], [1]), (TypeError, ValueError), "targets"),
    (lambda: sim.MappedSimilarity(TARGET, None)([0], [1]), (TypeError, ValueError), "mapping"),
    (lambda: sim.MappedSimilarity(TARGET, {"a": 0})(["b"], ["a"]), ValueError, "'b'"),
    (lambda: sim.EmbeddingSimilarity("dot")(VALUES, VALUES), ValueError, "metric"),
    (lambda: sim.EmbeddingSimilarity(floor=2)(VALUES, VALUES), ValueError, "floor"),
    (lambda: sim.MultilabelSimilarity("dice")(CODES, CODES), ValueError, "measure"),
    (lambda: sim.SentenceSimilarity(None)(["a"], ["b"]), (TypeError, ValueError), "encoder"),
    (lambda: sim.SentenceSimilarity(len)([2, 3], [4]), TypeError, "y_a must hold sentences"),
    (lambda: sim.ColumnsSimilarity([])([[0]], [[1]]), ValueError, "columns"),
]
CODEBOOKS = [
    (lambda: cb.make_codebook(None, 3, 8), ValueError, "codebook must be"),
    (lambda: cb.make_codebook(RAGGED, 2, 2), ValueError, "codebook cannot be used"),
    (
        lambda: cb.make_codebook([[1, 0], [1, 0]], 2, 2),
        ValueError,
        "codebook must have a different",
    ),
    (lambda: cb.make_codebook("hadamar", 3, 8), ValueError, "kind must be one of"),
    (lambda: cb.make_codebook("hadamard", 3, 10**9), ValueError, "n_bits must be at most"),
    (lambda: cb.bernoulli_codebook(3.0, 8), TypeError, "n_classes must be an int"),
    (lambda: cb.bernoulli_codebook(300, 8), ValueError, "n_bits=8 gives 256 codes"),
    (lambda: cb.semantic_codebook(X, 8), ValueError, "similarity must"),
    (lambda: cb.semantic_codebook("cosine", 8), ValueError, "similarity cannot be used"),
    (
        lambda: cb.semantic_codebook(np.eye(3), 8, gamma=-1),
        ValueError,
        "'gamma' parameter .* must be",
    ),
    (lambda: cb.semantic_codebook(np.eye(3), 8, rho=10**12), ValueError, "rho"),
    (
        lambda: cb.maxhd_codebook(3, 8, min_distance=2),
        ValueError,
        "'min_distance' parameter .* must be",
    ),
]
NEIGHBORS = [
    (lambda: neighbors.pack_codes(RAGGED), ValueError, "codes cannot be used"),
    (lambda: neighbors.unpack_codes(CODES, "8"), TypeError, "n_bits must be a whole number"),
    (lambda: neighbors.unpack_codes(CODES, 0), ValueError, "n_bits must be at least 1"),
    (lambda: neighbors.unpack_codes(RAGGED, 8), ValueError, "packed cannot be used"),
    (lambda: PackedCodes(CODES, 8), ValueError, "must be uint8 of shape .n_samples, 1."),
    (lambda: PackedCodes(None, 8), ValueError, "must be uint8"),
    (lambda: HammingNeighbors(0).fit(CODES).kneighbors(CODES), ValueError, "n_neighbors"),
    (lambda: index(algorithm="annoy"), ValueError, "algorithm"),
    (lambda: index().kneighbors(CODES[:, :5]), ValueError, "5"),
    (lambda: index().kneighbors(CODES, n_neighbors=31), ValueError, "n_neighbors"),
    (lambda: index().kneighbors(CODES, n_neighbors="5"), (TypeError, ValueError), "n_neighbors"),
    (lambda: index().radius_neighbors(CODES, -1), ValueError, "radius"),
    (lambda: index().remove([99]), (KeyError, ValueError), "99"),
    (lambda: index().add(CODES[:, :5]), ValueError, "5"),
    (lambda: HammingNeighbors().fit(CODES, ids=[1, 1] * 15), ValueError, "ids"),
    (lambda: HammingNeighbors().fit(CODES, ids=[1]), ValueError, "ids"),
    (lambda: HammingNeighbors().kneighbors(CODES), NotFittedError, "HammingNeighbors"),
    (lambda: index().kneighbors(CODES, rerank=9), ValueError, "rerank sorts by the real values"),
    (lambda: index_of_vectors(VALUES[:3]), ValueError, "vectors has 3 rows, but X has 30"),
    (lambda: index_of_vectors("x"), ValueError, "vectors cannot be used"),
    (
        lambda: index_of_vectors(VALUES).kneighbors(CODES, rerank=2, vectors=VALUES[:, :3]),
        ValueError,
        "vectors has 3 columns, but those of fit had 8",
    ),
    (
        lambda: index_of_vectors(VALUES).kneighbors(rerank=2, vectors=VALUES),
        ValueError,
        "vectors must be None if X is None",
    ),
    (
        lambda: index().kneighbors(PackedCodes(np.empty((0, 1), np.uint8), 8)),
        ValueError,
        "X must have at least one sample",
    ),
    (
        lambda: np.asarray(PackedCodes(CODES[:, :1], 8), copy=False),
        ValueError,
        "packed codes cannot be unpacked without a copy",
    ),
    (lambda: neighbors.asymmetric_distances("x", CODES), ValueError, "query_values cannot"),
    (lambda: neighbors.asymmetric_distances(VALUES, RAGGED), ValueError, "codes cannot be used"),
    (lambda: neighbors.asymmetric_distances(VALUES[:, :5], CODES), ValueError, "codes must have"),
    (
        lambda: neighbors.asymmetric_rerank(VALUES, RAGGED, CODES),
        ValueError,
        "candidates cannot be used",
    ),
    (
        lambda: neighbors.asymmetric_rerank(VALUES, np.zeros((30, 2), int), CODES, k="1"),
        TypeError,
        "k must be an instance of int",
    ),
]
HASHERS = [
    (lambda: fit("ITQHasher", cell(nan)), ValueError, "X contains NaN"),
    (lambda: fit("ITQHasher", cell(inf)), ValueError, "X contains infinity"),
    (lambda: fit("CSQHasher", cell(1e300)), ValueError, "X"),
    (lambda: fit("CSQHasher", cell("a", object)), ValueError, "could not convert string"),
    (lambda: fit("CSQHasher", X[0]), ValueError, "Expected 2D array"),
    (lambda: fit("CSQHasher", X * 1j), ValueError, "Complex data not supported"),
    (lambda: fit("CSQHasher", X[:0], LABELS[:0]), ValueError, "0 sample"),
    (lambda: fit("CSQHasher", X, LABELS[:7]), ValueError, r"inconsistent numbers of samples"),
    (lambda: fit("CSQHasher", X, None), ValueError, "requires y"),
    (lambda: fit("CSQHasher", X, np.zeros(30)), ValueError, "y"),
    (lambda: fit("CSQHasher", batch_size=0), ValueError, "batch_size"),
    (lambda: fit("CSQHasher", learning_rate=nan), ValueError, "learning_rate"),
    (lambda: fit("CSQHasher", learning_rate=-1), ValueError, "learning_rate"),
    (lambda: fit("CSQHasher", max_iter=1.5), ValueError, "max_iter"),
    (lambda: fit("CSQHasher", codebook=np.eye(2)), ValueError, "codebook must have shape"),
    (lambda: fit("CSQHasher", random_state="abc"), ValueError, "random_state"),
    (lambda: fit("CSQHasher", validation_fraction=2), ValueError, "validation_fraction"),
    (lambda: fit("CSQHasher", hidden_layer_sizes=(0,)), ValueError, "hidden_layer_sizes"),
    (lambda: fit("CSQHasher", hidden_layer_sizes="big"), (TypeError, ValueError), "hidden_layer"),
    (lambda: fit("SemanticHasher", similarity=None), (TypeError, ValueError), "similarity"),
    (lambda: fit("SemanticHasher", similarity="cosine"), (TypeError, ValueError), "similarity"),
    (lambda: fit("SemanticHasher", encoder="posteriour"), ValueError, "encoder"),
    (lambda: fit("KLBinaryHasher", kl_target="betta"), ValueError, "kl_target"),
    (lambda: fit("SpectralHasher", X[:1], None), ValueError, "1 sample"),
    (lambda: fit("ITQHasher", X[:, :2]), ValueError, "n_bits=4 is more than"),
    (lambda: skhash.ITQHasher("8").fit(X), ValueError, "n_bits"),
    (lambda: skhash.PCAHasher(4).transform(X), NotFittedError, "PCAHasher"),
    (lambda: fit("PCAHasher").transform(X[:, :3]), ValueError, "3 features"),
    (lambda: fit("PCAHasher").transform(cell(nan)), ValueError, "X contains NaN"),
    (lambda: skhash.HashRetriever(LogisticRegression()).fit(X, LABELS), TypeError, "hasher"),
    (
        lambda: ImageFeatures("resnet").fit(np.zeros((1, 8, 8, 3), np.uint8)),
        (TypeError, ValueError),
        "backbone",
    ),
    (lambda: ImageFeatures(None).fit([X]), (TypeError, ValueError), "backbone"),
    (lambda: networks.resnet(depth=19), ValueError, "depth"),
    (lambda: networks.Augmentation(crop=-1), ValueError, "crop"),
]
SPLITS = [
    (
        lambda: next(model_selection.RetrievalSplit(n_queries_per_class=0).split(X, LABELS)),
        ValueError,
        "n_queries_per_class",
    ),
    (
        lambda: next(model_selection.RetrievalSplit(n_queries_per_class=99).split(X, LABELS)),
        ValueError,
        "n_queries_per_class",
    ),
    (lambda: next(model_selection.RetrievalSplit().split(X, None)), ValueError, "y"),
    (
        lambda: next(model_selection.UnseenClassSplit(n_unseen=9).split(X, LABELS)),
        ValueError,
        "n_unseen",
    ),
    (
        lambda: model_selection.retrieval_evaluate(None, X, LABELS, similarity=TARGET, k=1),
        TypeError,
        "estimator .* must be a transformer, got None",
    ),
    (
        lambda: model_selection.retrieval_evaluate(
            skhash.PCAHasher(4), X, LABELS, similarity=TARGET, name="mapp"
        ),
        ValueError,
        "unknown score 'mapp@",
    ),
]


def at(path, content):
    path.write_text(content)
    return path


FILES = [
    (lambda path: skhash.save(X, path), TypeError, "estimator must be an estimator"),
    (lambda path: skhash.save(None, path), TypeError, "estimator must be an estimator"),
    (lambda path: skhash.save(skhash.PCAHasher, path), TypeError, "estimator must be"),
    (
        lambda path: skhash.save(skhash.SemanticHasher(similarity=lambda a, b: a), path),
        TypeError,
        "SemanticHasher.similarity",
    ),
    (
        lambda path: skhash.save(skhash.PCAHasher(pd.Series([4])), path),
        TypeError,
        "PCAHasher.n_bits",
    ),
    (lambda path: skhash.save(skhash.PCAHasher(), None), TypeError, "path|NoneType"),
    (lambda path: skhash.load(path), FileNotFoundError, "there is nothing at"),
    (lambda path: skhash.load(at(path, "x")), skhash.LoadError, "is a file"),
    (lambda path: skhash.load(path.parent), skhash.LoadError, "lacks the file manifest"),
    (lambda path: skhash.load(os.devnull), skhash.LoadError, "is a file"),
    (lambda path: skhash.load(path, trusted=None), TypeError, "trusted"),
    (lambda path: open_codes(path), skhash.LoadError, "holds no packed codes"),
    (lambda path: open_codes(at(path, json.dumps({}))), skhash.LoadError, "no packed codes"),
    (lambda path: transform(skhash.PCAHasher(4), X, path), NotFittedError, "PCAHasher"),
    (lambda path: transform(None, X, path), TypeError, "estimator must have a transform"),
    (
        lambda path: transform(fit("PCAHasher"), [1, 2], path),
        (TypeError, ValueError),
        "data must be",
    ),
    (
        lambda path: transform(fit("PCAHasher"), "no.parquet", path),
        (FileNotFoundError, ValueError),
        "no.parquet",
    ),
    (lambda path: transform(fit("PCAHasher"), X, path, block_rows=0), ValueError, "block_rows"),
    (lambda path: ds.fetch_cifar100(path, False), OSError, "download_if_missing"),
    (lambda path: export.to_onnx(skhash.PCAHasher(4)), NotFittedError, "PCAHasher"),
    (lambda path: export.to_onnx(LogisticRegression()), TypeError, "hasher"),
    (lambda path: export.to_onnx(fit("PCAHasher"), dtype="int8"), ValueError, "dtype"),
    (lambda path: export.bitstrings_to_codes(["01", "2"]), ValueError, "bitstrings must"),
    (lambda path: export.bitstrings_to_codes(RAGGED), ValueError, "bitstrings cannot be used"),
    (lambda path: export.bitstrings_to_codes([]), ValueError, "bitstrings must"),
    (lambda path: export.codes_to_bitstrings(CODES * 3), ValueError, "codes must hold only"),
    (lambda path: export.to_pgvector(None, "t", CODES), TypeError, "connection must be"),
    (lambda path: export.search_pgvector(None, "t", CODES), TypeError, "connection must be"),
]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    METRICS + SIMILARITIES + CODEBOOKS + NEIGHBORS + HASHERS + SPLITS,
)
def test_calls(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(("call", "error", "message"), FILES)
def test_files(call, error, message, tmp_path):
    with pytest.raises(error, match=message):
        call(tmp_path / "there")
