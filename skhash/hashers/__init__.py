"""Estimators that learn binary codes, one a file."""

from skhash.hashers._semantic import SemanticHasher

__all__ = ["SemanticHasher"]
