"""Real data: a small set that ships inside the package, and larger ones fetched once."""

from ._captions import load_captions
from ._features import load_cifar100_features
from ._images import fetch_cifar100

__all__ = ["fetch_cifar100", "load_captions", "load_cifar100_features"]
