"""The encoders of `SemanticHasher`: the ways from X to bits, as small estimators."""

from skhash.encoders._base import BaseEncoder
from skhash.encoders._posterior import PosteriorEncoder
from skhash.encoders._relational import RelationalEncoder

__all__ = ["BaseEncoder", "PosteriorEncoder", "RelationalEncoder"]
