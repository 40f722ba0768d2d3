"""Estimators that learn binary codes, one a file, and one that also searches them."""

from skhash.hashers._cca_itq import CCAITQHasher
from skhash.hashers._class_anchor import ClassAnchorHasher
from skhash.hashers._class_code import ClassCodeHasher
from skhash.hashers._csq import CSQHasher
from skhash.hashers._dpn import DPNHasher
from skhash.hashers._dpsh import DPSHHasher
from skhash.hashers._greedy import GreedyHasher
from skhash.hashers._hashnet import HashNetHasher
from skhash.hashers._itq import ITQHasher
from skhash.hashers._kl_binary import KLBinaryHasher
from skhash.hashers._ortho import OrthoHasher
from skhash.hashers._pca import PCAHasher
from skhash.hashers._random_projection import RandomProjectionHasher
from skhash.hashers._rank_consistency import RankConsistencyHasher
from skhash.hashers._retriever import HashRetriever
from skhash.hashers._semantic import SemanticHasher
from skhash.hashers._spectral import SpectralHasher

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
    "OrthoHasher",
    "PCAHasher",
    "RandomProjectionHasher",
    "RankConsistencyHasher",
    "SemanticHasher",
    "SpectralHasher",
]
