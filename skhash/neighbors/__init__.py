"""Codes as bytes, and search among them."""

from skhash.neighbors._asymmetric import asymmetric_distances, asymmetric_rerank
from skhash.neighbors._duplicates import Duplicates, find_duplicates
from skhash.neighbors._factors import AsymmetricFactors, asymmetric_factors
from skhash.neighbors._hamming_neighbors import HammingNeighbors
from skhash.utils._packing import PackedCodes, pack_codes, unpack_codes

__all__ = [
    "AsymmetricFactors",
    "Duplicates",
    "HammingNeighbors",
    "PackedCodes",
    "asymmetric_distances",
    "asymmetric_factors",
    "asymmetric_rerank",
    "find_duplicates",
    "pack_codes",
    "unpack_codes",
]
