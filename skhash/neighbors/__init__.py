"""Codes as bytes, and search among them."""

from skhash.neighbors._packing import pack_codes, unpack_codes

__all__ = ["pack_codes", "unpack_codes"]
