"""Scikit-learn-style estimators that learn binary codes whose Hamming distance follows meaning."""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

_PACKAGES = (
    "codebooks",
    "datasets",
    "distributed",
    "encoders",
    "export",
    "feature_extraction",
    "hashers",
    "metrics",
    "model_selection",
    "neighbors",
    "networks",
    "similarity",
    "utils",
)
# what is public here beside the hashers, by the package that it comes from
_OTHERS = {
    "LoadError": "_persist",
    "load": "_persist",
    "save": "_persist",
}

if TYPE_CHECKING:
    from skhash import codebooks as codebooks
    from skhash import datasets as datasets
    from skhash import distributed as distributed
    from skhash import encoders as encoders
    from skhash import export as export
    from skhash import feature_extraction as feature_extraction
    from skhash import hashers as hashers
    from skhash import metrics as metrics
    from skhash import model_selection as model_selection
    from skhash import neighbors as neighbors
    from skhash import networks as networks
    from skhash import similarity as similarity
    from skhash import utils as utils
    from skhash._persist import LoadError as LoadError
    from skhash._persist import load as load
    from skhash._persist import save as save
    from skhash.hashers import *  # noqa: F403, so that a new hasher is named in one place only
else:
    # each on first use (PEP 562): importing scikit-learn and torch takes seconds
    def __getattr__(name):
        if name in _PACKAGES:
            return import_module(f"skhash.{name}")
        if name in _OTHERS:
            return getattr(import_module(f"skhash.{_OTHERS[name]}"), name)
        # tools look up many names with underscores in any module, which should import nothing
        if name == "__all__" or not name.startswith("_"):
            hashers = import_module("skhash.hashers")
            if name == "__all__":
                return sorted([*hashers.__all__, *_OTHERS, "__version__"])
            if name in hashers.__all__:
                return getattr(hashers, name)
        raise AttributeError(f"module 'skhash' has no attribute {name!r}")

    def __dir__():
        return [*__getattr__("__all__"), *_PACKAGES]
