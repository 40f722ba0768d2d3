"""Estimators that learn binary codes, one a file."""

from skhash.hashers._class_code import ClassCodeHasher
from skhash.hashers._itq import ITQHasher
from skhash.hashers._pca import PCAHasher
from skhash.hashers._random_projection import RandomProjectionHasher
from skhash.hashers._semantic import SemanticHasher

__all__ = [
    "ClassCodeHasher",
    "ITQHasher",
    "PCAHasher",
    "RandomProjectionHasher",
    "SemanticHasher",
]
