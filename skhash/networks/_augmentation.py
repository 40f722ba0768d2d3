"""What is done to training images so that a network sees more than it was given."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

from sklearn.utils import check_scalar


@dataclass(frozen=True)
class Augmentation:
    """Random crops, mirror images and squares cut out, another for each image of each batch.

    It is applied where the network is trained, to the whole batch at once.

    Parameters
    ----------
    crop : int, default=4
        Each image is moved by up to this many pixels along either axis, and what comes in at the
        edges has the mean colour. 0 moves none.
    flip : bool, default=True
        Whether half of the images are mirrored left to right. Not for digits or text.
    cutout : int, default=0
        Side of a square of the mean colour, in pixels, whose centre is anywhere in the image; a
        part of it may lie outside. 0 cuts out none.

    References
    ----------
    DeVries & Taylor (2017), "Improved regularization of convolutional neural networks with
    cutout", arXiv:1708.04552.

    Examples
    --------
    >>> from skhash.networks import Augmentation, Training
    >>> Training(augmentation=Augmentation(cutout=8))
    Training(augmentation=Augmentation(crop=4, flip=True, cutout=8))
    """

    crop: int = 4
    flip: bool = True
    cutout: int = 0

    def __post_init__(self):
        check_scalar(self.crop, "crop", Integral, min_val=0)
        check_scalar(self.flip, "flip", bool)
        check_scalar(self.cutout, "cutout", Integral, min_val=0)

    def __call__(self, images, generator):
        """Augment a batch.

        Parameters
        ----------
        images : Tensor of shape (n, n_channels, height, width), float
            Mean colour 0.
        generator : torch.Generator
            On their device.

        Returns
        -------
        images : Tensor
            Of the same shape.
        """
        from skhash._torch.augmentation import augment

        return augment(
            images, crop=self.crop, flip=self.flip, cutout=self.cutout, generator=generator
        )
