"""Real data: small sets that ship inside the package, and larger ones fetched once."""

from ._captions import load_captions
from ._features import load_cifar100_features
from ._images import fetch_cifar100
from ._intents import load_intents

__all__ = ["fetch_cifar100", "load_captions", "load_cifar100_features", "load_intents"]
