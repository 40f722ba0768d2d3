"""64 bits instead of 384 floats: recall, size and time of hashed sentence embeddings.

    export OMP_NUM_THREADS=1 SKHASH_DATA=...
    python benchmarks/embeddings_64_bits.py [--bytes 8 16 32 48 50 56] [--seeds 3]
    python benchmarks/embeddings_64_bits.py --tables

Vectors of all-MiniLM-L6-v2 (`flickr8k_devtest_minilm.npz`, `cc_val_minilm.npz` in the folder that
SKHASH_DATA names; without it there is nothing to do). Hashers are fitted on the development
captions of Flickr8k and half of Conceptual Captions. The other half and the test captions of
Flickr8k, of whose images none was seen, are the database, but for 1,000 queries drawn from them.
True are the 10 nearest by cosine of all 384 floats. Recall of them

- among the first 10 by Hamming distance, exact expectation over ties;
- among the first 10 of the 100 nearest by Hamming distance (ties in random order), sorted anew by
  asymmetric distance (`asymmetric_rerank`: the real query against the codes), or by the floats;
- among the first 10 of all codes by asymmetric distance ("all codes"). faiss's quantisers compare
  the real query with all codes by themselves.

Which values of the query enter the asymmetric distance (`FORMS`) is chosen for each method and
number of bits on 500 rows left out of the fit, which search those of the fit. "factors" are two
bytes an item of `asymmetric_factors`, so that 16 bits fewer make the same size. faiss's RaBitQ has
8 bytes an item beside one bit for each dimension, of which a PCA leaves as many as the size allows.
Times are those of the processor, with OMP_NUM_THREADS=1, and of 1,000 queries that are encoded
already, best of 5; faiss searches.

Every run is kept in benchmarks/results/embeddings_64_bits.jsonl and is not made again. Prints and
writes docs/benchmarks/embeddings_64_bits.md from there (`--tables`: and runs nothing).
"""

from __future__ import annotations

import argparse
import json
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
from skhash.neighbors import (
    asymmetric_distances,
    asymmetric_factors,
    asymmetric_rerank,
    pack_codes,
)

RESULTS = Path(__file__).parent / "results" / "embeddings_64_bits.jsonl"

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
    """CPU time of a call for N_QUERIES queries, best of five."""
    times = []
    for _ in range(5):
        started = time.process_time()
        function()
        times.append(time.process_time() - started)
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

    def __init__(self, database_values, query_values, factors=None):
        self.factors = factors
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
        return asymmetric_rerank(
            values, self.candidates, self.packed, k=N_NEIGHBORS, factors=self.factors
        )[0]

    def scan(self, form, fitted_values):
        """The nearest of all codes by asymmetric distance."""
        values = np.ascontiguousarray(FORMS[form](self.query_values, fitted_values))
        distances = asymmetric_distances(values, self.packed, factors=self.factors)
        return np.argpartition(distances, N_NEIGHBORS, axis=1)[:, :N_NEIGHBORS]


def judge_hasher(hasher, split, true, true_validation, with_factors=False):
    """Measures of a hasher; those after re-ranking for every form, and on validation rows."""
    started = time.process_time()
    hasher.fit(split.fitted)
    measures = {"fit, s": time.process_time() - started}
    fitted, validation, database, queries = map(hasher.decision_function, split)
    of_fitted = of_database = None
    if with_factors:
        of_fitted, of_database = (
            asymmetric_factors(values, np.square(vectors - hasher.mean_).sum(axis=1))
            for values, vectors in ((fitted, split.fitted), (database, split.database))
        )
    trial = HammingSearch(fitted, validation, of_fitted)
    search = HammingSearch(database, queries, of_database)
    relevance = np.zeros((len(queries), len(database)), dtype=bool)
    np.put_along_axis(relevance, true, True, axis=1)
    by_floats = rerank_by_floats(search.candidates, split.queries, split.database)
    measures |= {
        "bytes": search.packed.shape[1] + 2 * with_factors,
        "Hamming": recall_at_k_score(
            queries > 0, None, database > 0, None, k=N_NEIGHBORS, relevance=relevance
        ),
        "floats": share_found(by_floats, true),
        "search, ms": milliseconds(search.search),
        "re-rank, ms": milliseconds(lambda: search.rerank("v", fitted)),
    }
    # factors go with the values themselves
    for form in ["v"] if with_factors else FORMS:
        measures[f"chosen by: {form}"] = share_found(trial.rerank(form, fitted), true_validation)
        measures[f"asymmetric: {form}"] = share_found(search.rerank(form, fitted), true)
        measures[f"all codes: {form}"] = share_found(search.scan(form, fitted), true)
    return measures


def judge_index(index, n_bytes, split, true):
    """Measures of an index that compares real queries with all that it holds."""
    started = time.process_time()
    index.train(split.fitted)
    seconds = time.process_time() - started
    index.add(split.database)
    candidates = index.search(split.queries, N_CANDIDATES)[1]
    by_floats = rerank_by_floats(candidates, split.queries, split.database)
    return {
        "fit, s": seconds,
        "bytes": n_bytes,
        "all codes": share_found(candidates, true),
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


def rabitq(n_features, n_bytes, seed):
    """A bit for each dimension that a PCA leaves, and 8 bytes; None where that is too much."""
    n_dimensions = min(n_features, 8 * (n_bytes - 8))
    if n_dimensions <= 0:
        return None
    index = faiss.IndexRaBitQ(n_dimensions, faiss.METRIC_L2)
    # its own rotation is left to the caller
    rotation = faiss.RandomRotationMatrix(n_dimensions, n_dimensions)
    rotation.init(seed)
    index = faiss.IndexPreTransform(rotation, index)
    index.prepend_transform(faiss.PCAMatrix(n_features, n_dimensions))
    return index


QUANTISERS = {
    "PQ of faiss": lambda *size, seed: product_quantizer(*size, seed, rotated=False),
    "OPQ of faiss": lambda *size, seed: product_quantizer(*size, seed, rotated=True),
    "RaBitQ of faiss": lambda *size, seed: rabitq(*size, seed),
}
FIXED = {"signs of the floats": False, "signs, centred": True}
EXACT = "exact search, floats"
FACTORS = "ITQHasher, factors"
METHODS = [*HASHERS, FACTORS, *QUANTISERS]


def judge(method, n_bytes, seed, split, true):
    """Measures of a method, or None where there is none of this size."""
    searched, of_validation = true
    n_features = split.fitted.shape[1]
    if method == EXACT:
        exact = judge_index(faiss.IndexFlatIP(n_features), 4 * n_features, split, searched)
        return {k: v for k, v in exact.items() if k in EXACT_MEASURES}
    if method in FIXED:
        return judge_hasher(Sign(FIXED[method]), split, searched, of_validation)
    if method in QUANTISERS:
        if method != "RaBitQ of faiss" and n_features % n_bytes:
            return None
        index = QUANTISERS[method](n_features, n_bytes, seed=seed)
        return None if index is None else judge_index(index, n_bytes, split, searched)
    if method == FACTORS:
        if 8 * (n_bytes - 2) > n_features:
            return None
        hasher = ITQHasher(8 * (n_bytes - 2), random_state=seed)
        return judge_hasher(hasher, split, searched, of_validation, with_factors=True)
    if 8 * n_bytes > n_features:
        return None
    return judge_hasher(HASHERS[method](8 * n_bytes, seed), split, searched, of_validation)


def results():
    if not RESULTS.exists():
        return []
    return list(map(json.loads, RESULTS.read_text().splitlines()))


def run(sizes, n_seeds, methods):
    """Make the runs that are not kept yet."""
    split = load_split()
    true = nearest(split.queries, split.database), nearest(split.validation, split.fitted)
    done = {(r["method"], r["size"], r["seed"]) for r in results()}
    RESULTS.parent.mkdir(exist_ok=True)
    wanted = [(method, 0, 0) for method in (EXACT, *FIXED)]
    wanted += [
        (method, n_bytes, seed)
        for seed in range(n_seeds)
        for n_bytes in sizes
        for method in methods
    ]
    for method, n_bytes, seed in wanted:
        if (method, n_bytes, seed) in done:
            continue
        measures = judge(method, n_bytes, seed, split, true)
        if measures is None:
            continue
        record = {"method": method, "size": n_bytes, "seed": seed}
        record |= {k: round(float(v), 5) for k, v in measures.items()}
        with RESULTS.open("a") as file:
            file.write(json.dumps(record) + "\n")
        print(method, n_bytes, seed, flush=True)


def chosen_form(runs):
    """The form that did best on the validation rows, and None where there is none."""
    choices = [c for c in runs if c.startswith("chosen by: ") and runs[c].notna().all()]
    best = max(choices, key=lambda c: runs[c].mean(), default=None)
    return None if best is None else best.removeprefix("chosen by: ")


def summaries(records):
    """For each method and size the chosen form, and its runs with columns as in the table."""
    frame = pd.DataFrame(records)
    order = {m: i for i, m in enumerate([EXACT, *FIXED, *METHODS])}
    frame = frame.sort_values(["size", "seed"], kind="stable")
    frame = frame.sort_values("method", key=lambda m: m.map(order), kind="stable")
    for (_, method), runs in frame.groupby(["size", "method"], sort=False):
        form = chosen_form(runs)
        if form is not None:
            names = {f"{name}: {form}": name for name in ("asymmetric", "all codes")}
            runs = runs.drop(columns=["all codes"], errors="ignore").rename(columns=names)
        yield method, form, runs


def table(records):
    """Mean and standard deviation over seeds; the number of seeds where it differs."""
    rows = []
    for method, form, runs in summaries(records):
        mean = runs.mean(numeric_only=True).dropna()
        spread = runs.std(ddof=0, numeric_only=True)
        recalls = ["Hamming", "asymmetric", "floats", "all codes"]
        times = ["search, ms", "re-rank, ms", "fit, s"]
        rows.append(
            {
                "method": method,
                "bytes": int(mean["bytes"]),
                **{
                    name: f"{mean[name]:.3f} ± {spread[name]:.3f}" if name in mean else "–"
                    for name in recalls
                },
                "values": form or "–",
                **{name: f"{mean[name]:.1f}" if name in mean else "–" for name in times},
                "seeds": len(runs),
            }
        )
    return pd.DataFrame(rows).sort_values("bytes", kind="stable")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bytes", type=int, nargs="+", default=[8, 16, 32, 48, 50, 56])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", choices=METHODS, nargs="+", default=METHODS)
    parser.add_argument("--tables", action="store_true")
    options = parser.parse_args()
    if not options.tables:
        if "SKHASH_DATA" not in os.environ:
            print("nothing to do: SKHASH_DATA names no folder with the embeddings")
            return
        faiss.omp_set_num_threads(1)
        run(options.bytes, options.seeds, options.methods)
    shown = table(results())
    print(shown.to_string(index=False))
    write_table("embeddings_64_bits", shown)


if __name__ == "__main__":
    main()
