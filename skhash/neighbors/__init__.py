"""Codes as bytes, and search among them."""

from skhash.neighbors._asymmetric import asymmetric_distances, asymmetric_rerank
from skhash.neighbors._packing import pack_codes, unpack_codes

__all__ = ["asymmetric_distances", "asymmetric_rerank", "pack_codes", "unpack_codes"]
