"""Scikit-learn-style estimators that learn binary codes whose Hamming distance follows meaning."""

from skhash.hashers import *  # noqa: F403
from skhash.hashers import __all__ as _hashers

__version__ = "0.1.0.dev0"
__all__ = ["__version__", *_hashers]
