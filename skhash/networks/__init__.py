"""Networks for images, and how networks are trained."""

from skhash.networks._augmentation import Augmentation
from skhash.networks._recipe import Recipe
from skhash.networks._resnet import ResNet, resnet

__all__ = ["Augmentation", "Recipe", "ResNet", "resnet"]
