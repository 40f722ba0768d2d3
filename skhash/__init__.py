"""Scikit-learn-style estimators that learn binary codes whose Hamming distance follows meaning."""

from skhash.hashers import (
    CCAITQHasher,
    ClassCodeHasher,
    ITQHasher,
    KLBinaryHasher,
    PCAHasher,
    RandomProjectionHasher,
    SemanticHasher,
    SpectralHasher,
)

__version__ = "0.1.0.dev0"
__all__ = [
    "CCAITQHasher",
    "ClassCodeHasher",
    "ITQHasher",
    "KLBinaryHasher",
    "PCAHasher",
    "RandomProjectionHasher",
    "SemanticHasher",
    "SpectralHasher",
    "__version__",
]
