"""Residual networks for small images."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real

from sklearn.utils import check_scalar


@dataclass(frozen=True)
class ResNet:
    """What `resnet` returns: makes a residual network when called.

    Parameters
    ----------
    depth : int, default=20
    width : float, default=1.0
        See `resnet`.
    """

    depth: int = 20
    width: float = 1.0

    def __post_init__(self):
        check_scalar(self.depth, "depth", Integral, min_val=8)
        if (self.depth - 2) % 6:
            raise ValueError(f"depth must be 6 n + 2, such as 8, 14 or 20, got {self.depth}")
        # less would leave no channel
        check_scalar(self.width, "width", Real, min_val=1 / 16)

    def __call__(self, n_channels, n_outputs):
        """Make the network, with weights drawn from torch's global generator.

        Parameters
        ----------
        n_channels, n_outputs : int

        Returns
        -------
        module : torch.nn.Module
            From float images of shape (n, n_channels, height, width) to (n, n_outputs).
        """
        from skhash._torch.residual import ResidualNetwork

        return ResidualNetwork(n_channels, n_outputs, depth=self.depth, width=self.width)


def resnet(depth=20, width=1.0):
    """Residual network for small images, such as 32 by 32 pixels.

    A convolution of 3 by 3, three stages of ``(depth - 2) / 6`` residual blocks with 16, 32 and
    64 channels times `width`, the mean over what remains of the image, and a linear layer. Each
    stage halves the sides of the one before it. A block is two convolutions of 3 by 3, each
    after batch normalisation and rectification ("pre-activation").

    Parameters
    ----------
    depth : int, default=20
        Number of layers: 6 n + 2, such as 8, 14, 20, 32.
    width : float, default=1.0
        Factor of the numbers of channels.

    Returns
    -------
    network : ResNet
        For the parameter `network` of a hasher that is trained by gradient. It can be compared,
        copied and pickled; the weights are drawn in ``fit``, from the hasher's `random_state`.

    Raises
    ------
    ValueError
        If there is no network of this depth or width.

    References
    ----------
    He, Zhang, Ren & Sun (2016), "Identity mappings in deep residual networks", ECCV,
    arXiv:1603.05027. Zagoruyko & Komodakis (2016), "Wide residual networks", BMVC,
    arXiv:1605.07146.

    Examples
    --------
    >>> from skhash.networks import resnet
    >>> network = resnet(depth=14, width=0.5)
    >>> network
    ResNet(depth=14, width=0.5)
    >>> module = network(3, 64)
    >>> sum(parameter.numel() for parameter in module.parameters())
    46056
    """
    return ResNet(depth, width)
