"""Networks for images, and how networks are trained."""

from skhash.networks._augmentation import Augmentation
from skhash.networks._resnet import ResNet, resnet
from skhash.networks._training import Training

__all__ = ["Augmentation", "ResNet", "Training", "resnet"]
