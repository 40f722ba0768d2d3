"""Near-duplicates among a million codes, and what codes find of the duplicates by cosine.

    OMP_NUM_THREADS=2 python benchmarks/duplicates.py [--codes 1000000]

The first table: random codes of 64 bits, 5 % of which are copies of others with up to 3 bits
flipped. "planted" is the share of the copies within the radius that are found, which an exact
search makes 1; times are those of the processor, all threads together.

The second: captions with vectors of 384 numbers (all of Conceptual Captions' validation split under
SKHASH_DATA, else the 8,000 that ship with 128 numbers). Two are duplicates if the cosine of their
vectors is at least --cosine. `ITQHasher` is fitted on the vectors; each row is the radius with the
best F1. "groups": how far the groups agree with those of the exact duplicates, as adjusted Rand
index.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _tables import write_table
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_rand_score
from sklearn.utils import gen_batches

from skhash import ITQHasher
from skhash.datasets import load_captions
from skhash.neighbors import PackedCodes, find_duplicates


def make_codes(n_codes):
    """Random codes, rows that are copies, what they copy, and in how many bits they differ."""
    rng = np.random.default_rng(0)
    bits = np.unpackbits(rng.integers(256, size=(n_codes, 8), dtype=np.uint8), axis=1)
    rows = rng.permutation(n_codes)
    n_copies = n_codes // 20
    copies, sources = rows[:n_copies], rows[n_copies : 2 * n_copies]
    n_flips = rng.integers(4, size=n_copies)
    flips = rng.random((n_copies, 64)).argsort(axis=1)[:, :3]
    bits[copies] = bits[sources]
    for number, column in enumerate(flips.T):
        bits[copies, column] ^= (number < n_flips).astype(np.uint8)
    return PackedCodes(np.packbits(bits, axis=1), 64), copies, sources, n_flips


def search_many(n_codes):
    codes, copies, sources, n_flips = make_codes(n_codes)
    rows = []
    for radius in (0, 1, 2, 3, 4):
        started, wall = time.process_time(), time.perf_counter()
        found = find_duplicates(codes, radius)
        spent = time.process_time() - started
        wall = time.perf_counter() - wall
        pairs = found.pairs[:, 0] * n_codes + found.pairs[:, 1]
        wanted = np.sort(np.stack([copies, sources], 1)[n_flips <= radius], axis=1)
        is_found = np.isin(wanted[:, 0] * n_codes + wanted[:, 1], pairs)
        rows.append(
            {
                "radius": radius,
                "pairs": f"{len(found.pairs):,}",
                "groups": f"{found.groups.max() + 1:,}",
                "planted": f"{is_found.mean():.3f}",
                "seconds": f"{spent:.1f}",
            }
        )
        print(rows[-1], f"wall {wall:.1f} s", flush=True)
    return pd.DataFrame(rows)


def load_vectors():
    shared = os.environ.get("SKHASH_DATA")
    if shared is None:
        return load_captions().target
    with np.load(Path(shared) / "cc_val_minilm.npz") as archive:
        vectors = archive["x"].astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def cosine_pairs(vectors, least):
    parts = []
    for rows in gen_batches(len(vectors), 1000):
        near = np.argwhere(vectors[rows] @ vectors.T >= least)
        near[:, 0] += rows.start
        parts.append(near[near[:, 0] < near[:, 1]])
    return np.concatenate(parts)


def compare(vectors, least):
    n = len(vectors)
    exact = cosine_pairs(vectors, least)
    links = coo_array((np.ones(len(exact)), exact.T), shape=(n, n))
    groups = connected_components(links, directed=False)[1]
    print(f"{n:,} captions, {len(exact):,} pairs with a cosine of at least {least}")
    rows = []
    for n_bits in (64, 128, 256):
        hasher = ITQHasher(n_bits, random_state=0).fit(vectors)
        codes = hasher.transform(vectors)
        candidates = []
        for radius in range(n_bits // 4):
            found = find_duplicates(codes, radius)
            keys = found.pairs[:, 0] * n + found.pairs[:, 1]
            right = np.isin(keys, exact[:, 0] * n + exact[:, 1]).sum()
            precision, recall = right / max(1, len(keys)), right / len(exact)
            f1 = 2 * right / (len(keys) + len(exact))
            agreement = adjusted_rand_score(groups, found.groups)
            candidates.append((f1, radius, precision, recall, agreement))
            if precision < 0.3:
                break
        f1, radius, precision, recall, agreement = max(candidates)
        rows.append(
            {
                "bits": n_bits,
                "radius": radius,
                "precision": f"{precision:.3f}",
                "recall": f"{recall:.3f}",
                "F1": f"{f1:.3f}",
                "groups": f"{agreement:.3f}",
            }
        )
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--cosine", type=float, default=0.9)
    options = parser.parse_args()
    found = compare(load_vectors(), options.cosine)
    many = search_many(options.codes)
    write_table("duplicates", many, "Against the cosine of the vectors:", found)


if __name__ == "__main__":
    main()
