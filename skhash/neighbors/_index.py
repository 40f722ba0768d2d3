"""Approximate search among packed codes: the binary indexes of faiss, made, searched and stored.

Labels are the numbers that faiss gives to codes in the order in which they are added.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

#: The algorithms that need faiss.
INDEXES = ("ivf", "hnsw", "multihash")
#: Names of the options that a search looks at, and a fit does not.
SEARCH_OPTIONS = ("n_probe", "ef_search", "n_flips")

# codes for each list on which the centres of the lists are learned, at most
_TRAINING_CODES_PER_LIST = 64
_TRAINING_ITERATIONS = 10
# one list in this many is searched
_LISTS_PER_PROBE = 8


def import_faiss(purpose: str):
    """faiss, or an error that says how to get it."""
    try:
        import faiss
    except ImportError as error:
        raise ImportError(f"{purpose} needs faiss: pip install faiss-cpu") from error
    return faiss


def make_index(algorithm: str, codes: np.ndarray, n_bits: int, options: dict[str, Any], seed: int):
    """An index of all codes."""
    faiss = import_faiss(f"algorithm={algorithm!r}")
    d = 8 * codes.shape[1]
    if algorithm == "ivf":
        index = _make_ivf(faiss, d, codes, options["n_lists"], seed)
    elif algorithm == "hnsw":
        index = faiss.IndexBinaryHNSW(d, options["M"])
        index.hnsw.efConstruction = options["ef_construction"]
    else:
        index = _make_multihash(faiss, d, len(codes), n_bits, options)
    index.add(codes)
    return index


def emptied(index):
    """An index without codes that is otherwise the same."""
    if type(index).__name__ == "IndexBinaryMultiHash":
        # before faiss 1.14, reset() leaves its tables full of labels that no code has any more
        import faiss

        return faiss.IndexBinaryMultiHash(index.d, index.nhash, index.b)
    index.reset()
    return index


def search(index, queries: np.ndarray, k: int, options: dict[str, Any]):
    """Distances and labels of what the index finds, k a query, best first; -1 where it lacks."""
    _set_search_options(index, options)
    return index.search(queries, k)


def range_search(index, queries: np.ndarray, radius: int, options: dict[str, Any]):
    """What the index finds up to a distance: limits, distances and labels."""
    _set_search_options(index, options)
    # faiss finds what is nearer than the radius, not what is as near
    limits, distances, labels = index.range_search(queries, radius + 1)
    return limits.astype(np.int64), distances.astype(np.int32), labels


def to_bytes(index) -> np.ndarray:
    """The index as bytes, which `from_bytes` takes back."""
    import faiss

    return faiss.serialize_index_binary(index)


def from_bytes(data: np.ndarray):
    """Undo `to_bytes`; also return what the index reads on, which must be kept as long as it is.

    Bytes that cannot be written to, as those of a memory map, are used where they lie. Such an
    index must not be added to: faiss ends the process then (see `in_memory`).
    """
    faiss = import_faiss("a saved index")
    if data.flags.writeable or not hasattr(faiss, "ZeroCopyIOReader"):
        return faiss.deserialize_index_binary(data), None
    reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(data), data.size)
    return faiss.read_index_binary(reader, faiss.IO_FLAG_MMAP_IFC), data


def in_memory(index):
    """A copy that owns what it holds."""
    import faiss

    return faiss.deserialize_index_binary(to_bytes(index))


def matches(index, algorithm: str, n_bytes: int) -> bool:
    """Whether an index is of the kind and the length of codes that it is said to be."""
    import faiss

    kinds: dict[str, Any] = {
        "ivf": faiss.IndexBinaryIVF,
        "hnsw": faiss.IndexBinaryHNSW,
        "multihash": faiss.IndexBinaryMultiHash,
    }
    return isinstance(index, kinds[algorithm]) and index.d == 8 * n_bytes


def _make_ivf(faiss, d, codes, n_lists, seed):
    if n_lists is None:
        n_lists = max(1, round(math.sqrt(len(codes))))
    elif n_lists > len(codes):
        raise ValueError(f"n_lists must be at most the {len(codes)} codes, got {n_lists}")
    quantizer = faiss.IndexBinaryFlat(d)
    index = faiss.IndexBinaryIVF(quantizer, d, n_lists)
    # the index goes on after this function, and its quantizer with it
    quantizer.this.disown()
    index.own_fields = True
    index.cp.seed = seed
    index.cp.niter = _TRAINING_ITERATIONS
    # fewer codes than 39 a list are no reason to print a warning
    index.cp.min_points_per_centroid = 1
    index.cp.max_points_per_centroid = _TRAINING_CODES_PER_LIST
    index.train(codes)
    return index


def _make_multihash(faiss, d, n_codes, n_bits, options):
    n_hashes, bits = options["n_hashes"], options["bits_per_hash"]
    if n_hashes > n_bits:
        raise ValueError(f"n_hashes must be at most the {n_bits} bits of a code, got {n_hashes}")
    if bits is None:
        # about one code a bucket, were codes spread evenly
        bits = min(n_bits // n_hashes, max(1, round(math.log2(n_codes))))
    if n_hashes * bits > n_bits:
        raise ValueError(
            f"n_hashes * bits_per_hash must be at most the {n_bits} bits of a code, got "
            f"{n_hashes} * {bits}"
        )
    if bits > 62:
        raise ValueError(f"bits_per_hash must be at most 62, got {bits}")
    return faiss.IndexBinaryMultiHash(d, n_hashes, bits)


def _set_search_options(index, options):
    name = type(index).__name__
    if name == "IndexBinaryIVF":
        n_probe = options["n_probe"]
        index.nprobe = -(-index.nlist // _LISTS_PER_PROBE) if n_probe is None else n_probe
    elif name == "IndexBinaryHNSW":
        # there are no more candidates than codes, and faiss takes memory for all it is told
        index.hnsw.efSearch = min(options["ef_search"], index.ntotal)
    else:
        index.nflip = min(options["n_flips"], index.b)
