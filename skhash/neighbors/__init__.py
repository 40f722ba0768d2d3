"""Codes as bytes, and search among them."""

from skhash.neighbors._asymmetric import asymmetric_distances, asymmetric_rerank
from skhash.neighbors._hamming_neighbors import HammingNeighbors
from skhash.neighbors._retriever import HashRetriever
from skhash.utils._packing import PackedCodes, pack_codes, unpack_codes

__all__ = [
    "HammingNeighbors",
    "HashRetriever",
    "PackedCodes",
    "asymmetric_distances",
    "asymmetric_rerank",
    "pack_codes",
    "unpack_codes",
]
