"""Codes and hashers for other programs: databases, and ONNX."""

from skhash.export._bitstrings import bitstrings_to_codes, codes_to_bitstrings
from skhash.export._compare_onnx import OnnxComparison, compare_onnx
from skhash.export._pgvector import search_pgvector, to_pgvector
from skhash.export._to_onnx import to_onnx

__all__ = [
    "OnnxComparison",
    "bitstrings_to_codes",
    "codes_to_bitstrings",
    "compare_onnx",
    "search_pgvector",
    "to_onnx",
    "to_pgvector",
]
