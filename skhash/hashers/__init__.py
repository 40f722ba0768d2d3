"""Estimators that learn binary codes, one a file."""

from skhash.hashers._cca_itq import CCAITQHasher
from skhash.hashers._class_anchor import ClassAnchorHasher
from skhash.hashers._class_code import ClassCodeHasher
from skhash.hashers._itq import ITQHasher
from skhash.hashers._kl_binary import KLBinaryHasher
from skhash.hashers._ortho import OrthoHasher
from skhash.hashers._pca import PCAHasher
from skhash.hashers._random_projection import RandomProjectionHasher
from skhash.hashers._rank_consistency import RankConsistencyHasher
from skhash.hashers._semantic import SemanticHasher
from skhash.hashers._spectral import SpectralHasher

__all__ = [
    "CCAITQHasher",
    "ClassAnchorHasher",
    "ClassCodeHasher",
    "ITQHasher",
    "KLBinaryHasher",
    "OrthoHasher",
    "PCAHasher",
    "RandomProjectionHasher",
    "RankConsistencyHasher",
    "SemanticHasher",
    "SpectralHasher",
]
