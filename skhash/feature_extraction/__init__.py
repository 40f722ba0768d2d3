"""From things that are not rows of numbers yet to rows of features."""

from ._image_features import ImageFeatures
from ._text_features import TextFeatures

__all__ = ["ImageFeatures", "TextFeatures"]
