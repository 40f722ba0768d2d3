"""From things that are not rows of numbers yet to rows of features."""

from ._image_features import ImageFeatures

__all__ = ["ImageFeatures"]
