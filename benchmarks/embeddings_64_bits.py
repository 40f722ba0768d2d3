"""64 bits instead of 384 floats: recall, size and time of hashed sentence embeddings.

    SKHASH_DATA=... python benchmarks/embeddings_64_bits.py [--bits 64 128 256] [--seeds 3]

Vectors of all-MiniLM-L6-v2 (`flickr8k_devtest_minilm.npz`, `cc_val_minilm.npz` in the folder that
SKHASH_DATA names; without it there is nothing to do). Hashers are fitted on the development
captions of Flickr8k and half of Conceptual Captions. The other half and the test captions of
Flickr8k, of whose images none was seen, are the database, but for 1,000 queries drawn from them.
True are the 10 nearest by cosine of all 384 floats. Recall of them

- among the first 10 by Hamming distance, exact expectation over ties;
- among the first 10 of the 100 nearest by Hamming distance (ties in random order), sorted anew by
  asymmetric distance (`asymmetric_rerank`: the real query against the codes), or by the floats.

Which values of the query enter the asymmetric distance (`FORMS`) is chosen for each method and
number of bits on 500 rows left out of the fit, which search those of the fit. Product quantisers
compare the real query with all codes by themselves. Times are for 1,000 queries that are encoded
already, on one thread, best of 5; faiss searches. Writes docs/benchmarks/embeddings_64_bits.md.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import NamedTuple

import faiss
import numpy as np
import pandas as pd
from _tables import write_table
from sklearn.preprocessing import normalize

from skhash import ITQHasher, KLBinaryHasher
from skhash.metrics import recall_at_k_score
from skhash.neighbors import asymmetric_rerank, pack_codes

N_NEIGHBORS, N_CANDIDATES = 10, 100
N_QUERIES, N_VALIDATION = 1000, 500

# what an exact search is asked; it fits nothing and needs no second stage
EXACT_MEASURES = ("bytes", "floats", "search, ms")


class Split(NamedTuple):
    """Unit vectors: to fit on, to choose by, to search, and to search for."""

    fitted: np.ndarray
    validation: np.ndarray
    database: np.ndarray
    queries: np.ndarray


def load_split():
    """The split of the module's docstring, without repeated captions, in random order."""
    folder = Path(os.environ["SKHASH_DATA"])
    flickr = np.load(folder / "flickr8k_devtest_minilm.npz")
    captions = np.load(folder / "cc_val_minilm.npz")["x"].astype(np.float32)
    random = np.random.default_rng(0)
    captions = random.permutation(captions)
    half = len(captions) // 2
    is_test = flickr["is_test"].astype(bool)
    vectors = flickr["x"].astype(np.float32)
    training, held_out = (
        random.permutation(np.unique(normalize(np.vstack(parts)), axis=0))
        for parts in ((vectors[~is_test], captions[:half]), (vectors[is_test], captions[half:]))
    )
    return Split(
        training[N_VALIDATION:],
        training[:N_VALIDATION],
        held_out[N_QUERIES:],
        held_out[:N_QUERIES],
    )


class Sign:
    """The signs of the features themselves, or of their distances to the mean."""

    def __init__(self, centred):
        self.centred = centred

    def fit(self, X):
        self.mean_ = X.mean(axis=0) if self.centred else np.zeros(X.shape[1], X.dtype)
        return self

    def decision_function(self, X):
        return X - self.mean_


class FaissITQ:
    """The bits of ``IndexPreTransform(ITQTransform, IndexLSH)``."""

    def __init__(self, n_bits, seed):
        self.n_bits, self.seed = n_bits, seed

    def fit(self, X):
        self.transform_ = faiss.ITQTransform(X.shape[1], self.n_bits, True)
        self.transform_.itq.seed = self.seed
        # by default it learns from ten rows a feature
        self.transform_.max_train_per_dim = len(X)
        self.transform_.train(X)
        return self

    def decision_function(self, X):
        return self.transform_.apply(X)


class FaissLSH:
    """The bits of ``IndexLSH`` with a random rotation and thresholds at the medians."""

    def __init__(self, n_bits, seed):
        self.n_bits, self.seed = n_bits, seed

    def fit(self, X):
        self.index_ = faiss.IndexLSH(X.shape[1], self.n_bits, True, True)
        self.index_.rrot.init(self.seed)
        self.index_.train(X)
        return self

    def decision_function(self, X):
        return self.index_.rrot.apply(X) - faiss.vector_to_array(self.index_.thresholds)


HASHERS = {
    "IndexLSH of faiss": FaissLSH,
    "ITQ of faiss": FaissITQ,
    "ITQHasher": lambda n_bits, seed: ITQHasher(n_bits, random_state=seed),
    "KLBinaryHasher, linear": lambda n_bits, seed: KLBinaryHasher(
        n_bits, network="linear", random_state=seed
    ),
    "KLBinaryHasher": lambda n_bits, seed: KLBinaryHasher(n_bits, random_state=seed),
}


def by_expectation(values, fitted):
    """Values that rank by distance to the mean value of each bit where it is 0, and 1."""
    is_one = fitted > 0
    n_ones = is_one.sum(axis=0)
    # a bit that is always the same tells nothing, whatever it is taken for
    ones = np.where(is_one, fitted, 0).sum(axis=0) / np.maximum(n_ones, 1)
    zeros = np.where(is_one, 0, fitted).sum(axis=0) / np.maximum(len(fitted) - n_ones, 1)
    return (ones - zeros) * (values - (ones + zeros) / 2)


# functions of a query's bit values, and those of the fitted rows
FORMS = {
    "v": lambda values, fitted: values,
    "tanh v/2": lambda values, fitted: np.tanh(values / 2),
    "v |v|": lambda values, fitted: values * np.abs(values),
    "expectation": by_expectation,
}


def milliseconds(function):
    """Time of a call for N_QUERIES queries, best of five."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return 1000 * min(times)


def nearest(queries, database, k=N_NEIGHBORS):
    """Rows of the nearest by inner product."""
    index = faiss.IndexFlatIP(database.shape[1])
    index.add(database)
    return index.search(queries, k)[1]


def share_found(found, true):
    """Share of the true rows among the first ones found."""
    found = found[:, :N_NEIGHBORS]
    return (found[:, :, np.newaxis] == true[:, np.newaxis]).any(axis=1).mean()


def rerank_by_floats(candidates, queries, database):
    products = database[candidates] @ queries[:, :, np.newaxis]
    order = np.argsort(-products[:, :, 0], axis=1)
    return np.take_along_axis(candidates, order, axis=1)


class HammingSearch:
    """Candidates of queries by Hamming distance, to be sorted anew."""

    def __init__(self, database_values, query_values):
        self.packed = pack_codes(database_values > 0)
        self.query_packed = pack_codes(query_values > 0)
        self.query_values = query_values
        self.index = faiss.IndexBinaryFlat(8 * self.packed.shape[1])
        self.index.add(self.packed)
        self.candidates = self.search()

    def search(self):
        return self.index.search(self.query_packed, N_CANDIDATES)[1]

    def rerank(self, form, fitted_values):
        values = np.ascontiguousarray(FORMS[form](self.query_values, fitted_values))
        return asymmetric_rerank(values, self.candidates, self.packed, k=N_NEIGHBORS)[0]


def judge_hasher(hasher, split, true, true_validation):
    """Measures of a hasher; those after re-ranking for every form, and on validation rows."""
    started = time.perf_counter()
    hasher.fit(split.fitted)
    measures = {"fit, s": time.perf_counter() - started}
    fitted, validation, database, queries = map(hasher.decision_function, split)
    trial = HammingSearch(fitted, validation)
    search = HammingSearch(database, queries)
    relevance = np.zeros((len(queries), len(database)), dtype=bool)
    np.put_along_axis(relevance, true, True, axis=1)
    by_floats = rerank_by_floats(search.candidates, split.queries, split.database)
    measures |= {
        "bytes": search.packed.shape[1],
        "Hamming": recall_at_k_score(
            queries > 0, None, database > 0, None, k=N_NEIGHBORS, relevance=relevance
        ),
        "floats": share_found(by_floats, true),
        "search, ms": milliseconds(search.search),
        "re-rank, ms": milliseconds(lambda: search.rerank("v", fitted)),
    }
    for form in FORMS:
        measures["chosen by", form] = share_found(trial.rerank(form, fitted), true_validation)
        measures["asymmetric", form] = share_found(search.rerank(form, fitted), true)
    return measures


def judge_index(index, n_bytes, split, true):
    """Measures of an index that compares real queries with all that it holds."""
    started = time.perf_counter()
    index.train(split.fitted)
    seconds = time.perf_counter() - started
    index.add(split.database)
    candidates = index.search(split.queries, N_CANDIDATES)[1]
    by_floats = rerank_by_floats(candidates, split.queries, split.database)
    return {
        "fit, s": seconds,
        "bytes": n_bytes,
        "asymmetric": share_found(candidates, true),
        "floats": share_found(by_floats, true),
        "search, ms": milliseconds(lambda: index.search(split.queries, N_CANDIDATES)),
    }


def product_quantizer(n_features, n_bytes, seed, rotated):
    """Bytes that number the nearest of 256 centres in parts of the vector, or of its rotation."""
    index = faiss.IndexPQ(n_features, n_bytes, 8)
    index.pq.cp.seed = seed
    if not rotated:
        return index
    rotation = faiss.OPQMatrix(n_features, n_bytes)
    rotation.niter = 10
    return faiss.IndexPreTransform(rotation, index)


def run(bits, n_seeds):
    """Measures of each method and seed, in the order of the table."""
    split = load_split()
    n_features = split.fitted.shape[1]
    true = nearest(split.queries, split.database)
    true_validation = nearest(split.validation, split.fitted)
    exact = judge_index(faiss.IndexFlatIP(n_features), 4 * n_features, split, true)
    yield "exact search, floats", [{k: v for k, v in exact.items() if k in EXACT_MEASURES}]
    for name, centred in (("signs of the floats", False), ("signs, centred", True)):
        yield name, [judge_hasher(Sign(centred), split, true, true_validation)]
    for n_bits in bits:
        for name, make in HASHERS.items():
            runs = [
                judge_hasher(make(n_bits, seed), split, true, true_validation)
                for seed in range(n_seeds)
            ]
            yield name, runs
        for name, rotated in (("PQ of faiss", False), ("OPQ of faiss", True)):
            n_bytes = n_bits // 8
            runs = [
                judge_index(
                    product_quantizer(n_features, n_bytes, seed, rotated), n_bytes, split, true
                )
                for seed in range(n_seeds)
            ]
            yield name, runs


def summary(name, runs):
    """A row of the table: mean and standard deviation over seeds."""
    runs = pd.DataFrame(runs)
    mean, spread = runs.mean(), runs.std(ddof=0)
    form = "–"
    recalls = ["Hamming", "asymmetric", "floats"]
    if "Hamming" in mean:
        form = max(FORMS, key=lambda form: mean["chosen by", form])
        recalls[1] = ("asymmetric", form)
    shown = [
        f"{mean[recall]:.3f} ± {spread[recall]:.3f}" if recall in mean else "–"
        for recall in recalls
    ]
    times = ["search, ms", "re-rank, ms", "fit, s"]
    return {
        "method": name,
        "bytes": int(mean["bytes"]),
        "Hamming": shown[0],
        "asymmetric": shown[1],
        "values": form,
        "floats": shown[2],
        **{column: f"{mean[column]:.1f}" if column in mean else "–" for column in times},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    if "SKHASH_DATA" not in os.environ:
        print("nothing to do: SKHASH_DATA names no folder with the embeddings")
        return
    faiss.omp_set_num_threads(1)
    rows = []
    for name, runs in run(options.bits, options.seeds):
        rows.append(summary(name, runs))
        print(*rows[-1].values(), sep="  ", flush=True)
    table = pd.DataFrame(rows)
    write_table("embeddings_64_bits", table)


if __name__ == "__main__":
    main()
