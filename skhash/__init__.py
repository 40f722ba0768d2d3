"""Scikit-learn-style estimators that learn binary codes whose Hamming distance follows meaning."""

from skhash._persist import LoadError, load, save
from skhash.hashers import (
    CCAITQHasher,
    ClassAnchorHasher,
    ClassCodeHasher,
    CSQHasher,
    DPNHasher,
    DPSHHasher,
    GreedyHasher,
    HashNetHasher,
    HashRetriever,
    ITQHasher,
    KLBinaryHasher,
    OrthoHasher,
    PCAHasher,
    RandomProjectionHasher,
    RankConsistencyHasher,
    SemanticHasher,
    SpectralHasher,
)

__version__ = "0.1.0.dev0"
__all__ = [
    "CCAITQHasher",
    "CSQHasher",
    "ClassAnchorHasher",
    "ClassCodeHasher",
    "DPNHasher",
    "DPSHHasher",
    "GreedyHasher",
    "HashNetHasher",
    "HashRetriever",
    "ITQHasher",
    "KLBinaryHasher",
    "LoadError",
    "OrthoHasher",
    "PCAHasher",
    "RandomProjectionHasher",
    "RankConsistencyHasher",
    "SemanticHasher",
    "SpectralHasher",
    "__version__",
    "load",
    "save",
]
