"""Images to rows of features, by a pretrained network."""

from __future__ import annotations

import sys
import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skhash.utils._threads import begin_threads, bounded_jobs
from skhash.utils._whole_fit import WholeFit

from ._extract import extract, readable_rows
from ._inputs import check_images

# what decides how features are computed; n_jobs, say, does not
_EXTRACTOR_PARAMS = (
    "backbone",
    "preprocess",
    "image_size",
    "mean",
    "std",
    "device",
    "mixed_precision",
)


class ImageFeatures(WholeFit, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Features of images by a pretrained network, as a scikit-learn transformer.

    The network is used as it is: nothing is trained. Images are decoded by threads while the
    network works, and only a few batches are in memory at a time.

    Parameters
    ----------
    backbone : torch.nn.Module, callable or str
        What computes features.

        - A module maps float tensors of shape (n, 3, height, width) to features. It is used in
          evaluation mode, and is itself neither changed nor moved: if necessary, a copy is. - A
          callable does the same, and gets its batches on `device`. It may return an array.
        - ``"timm/<model>"`` is a pretrained model of timm without its classifier, such as
          ``"timm/resnet50.a1_in1k"``; ``"transformers/<model or folder>"`` a model of the Hugging
          Face library, such as ``"transformers/facebook/dinov2-small"``. Both need
          ``pip install timm transformers``, and download weights when first used.

        Maps of features and sequences of tokens are averaged over their positions; from a model of
        transformers its pooled output is taken, or the first token if a checkpoint has no weights
        for the pooling.
    preprocess : {"auto"} or callable, default="auto"
        From decoded images to what the backbone takes. "auto" is what a named model was trained
        with (of a module of timm too); for other modules and callables, images are resized and
        cropped to `image_size` and standardised by `mean` and `std`. A callable takes a PIL image
        (RGB, 8 bits) and returns a float tensor of shape (channels, height, width), as the
        ``weights.transforms()`` of torchvision do.
    image_size : int, (int, int) or None, default=None
        Height and width in pixels under ``preprocess="auto"`` for modules and callables. Images are
        resized (bicubic, antialiased) until they just cover it, and the centre is cropped. None
        leaves images as they are; they must then all have the same size.
    mean, std : float, sequence of 3 floats or None, default=None
        Of the channels, for values in [0, 1], with `image_size`. None is the mean and standard
        deviation of ImageNet, which nearly all published weights expect; ``mean=0.0, std=1.0``
        leaves values in [0, 1].
    batch_size : int, default=64
        Images in one pass through the backbone.
    device : str, default="auto"
        "auto" is CUDA where there is a GPU, else Apple's MPS, else the CPU; or any device of
        torch.
    mixed_precision : bool or "auto", default="auto"
        Whether the backbone runs under autocast, in bfloat16 (in float16 on a GPU without it).
        "auto": on CUDA. Features are float32 in any case.
    n_jobs : int or None, default=None
        Threads that read, decode and resize. None is 1 unless in a `joblib.parallel_config`
        context; -1 is one per processor core. Each works at most two batches ahead.
    on_error : {"raise", "skip"}, default="raise"
        What to do about a file that is missing, broken or truncated. "raise" names it in a
        ValueError. "skip" fills its row with NaN, so that rows still match those of y, and warns;
        see `readable`.
    verbose : int, default=0
        1 prints every few seconds how many images are done.

    Attributes
    ----------
    n_features_out_ : int
        Number of features.
    device_ : str
        Device that computed in ``fit``.

    See Also
    --------
    skhash.SemanticHasher : Codes from the features.

    Notes
    -----
    X may be an array of shape (n, height, width, channels) or, if grey, (n, height, width), of
    bytes or of floats in [0, 1]; or a list of such images of any size, of paths and of PIL images,
    mixed as you like; or a column of paths of a data frame. All become upright RGB: the orientation
    recorded by the camera is applied, grey is repeated, palettes and CMYK are converted, 16 bits
    are scaled, transparency is laid on white. Truncated files are errors, unless
    ``PIL.ImageFile.LOAD_TRUNCATED_IMAGES`` says otherwise.

    ``transform`` needs no ``fit`` before it; ``fit`` tries everything out on one image. A name is
    better than a module if the estimator is saved: pickles then hold no weights, and the model is
    loaded on first use. Pickles of modules open on machines without a GPU. Clones share the module,
    since it is not trained.

    With ``joblib.Memory``, in a pipeline or around ``transform``, features are computed once and
    reused by later processes; files are known by their paths, not by their contents.

    On CUDA, modules run channels-last. One that calls ``view`` on maps of features must call
    ``reshape`` instead, or be passed as a callable: ``backbone=module.forward``.

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> from skhash.feature_extraction import ImageFeatures
    >>> images = np.random.default_rng(0).integers(256, size=(5, 32, 32, 3), dtype=np.uint8)
    >>> backbone = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    >>> features = ImageFeatures(backbone, device="cpu").fit_transform(images)
    >>> features.shape, features.dtype
    ((5, 8), dtype('float32'))
    """

    n_features_out_: int
    device_: str

    # what would be downloaded by name: `skhash.load` asks the caller to trust the name
    _fetches = ("backbone",)
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        # the type of the backbone is checked where it is opened, by messages that help
        "backbone": "no_validation",
        "preprocess": [StrOptions({"auto"}), callable],
        "image_size": [Interval(Integral, 1, None, closed="left"), "array-like", None],
        "mean": [Real, "array-like", None],
        "std": [Real, "array-like", None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "mixed_precision": [StrOptions({"auto"}), "boolean"],
        "n_jobs": [Integral, None],
        "on_error": [StrOptions({"raise", "skip"})],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        backbone,
        *,
        preprocess="auto",
        image_size=None,
        mean=None,
        std=None,
        batch_size=64,
        device="auto",
        mixed_precision="auto",
        n_jobs=None,
        on_error="raise",
        verbose=0,
    ):
        self.backbone = backbone
        self.preprocess = preprocess
        self.image_size = image_size
        self.mean = mean
        self.std = std
        self.batch_size = batch_size
        self.device = device
        self.mixed_precision = mixed_precision
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.verbose = verbose

    def fit(self, X, y=None):
        """Check the parameters and the images, and try the backbone on one of them.

        Parameters
        ----------
        X : array-like of n images
            See the notes of the class. All are looked at; one is decoded.
        y : ignored

        Returns
        -------
        self : ImageFeatures

        Raises
        ------
        TypeError, ValueError
            If a parameter is out of its range, X does not hold images, or the backbone does not
            return features. Under ``on_error="skip"``, if none of the images can be read.
        ImportError
            If the library of a named backbone, or Pillow, is missing.
        """
        images = self._check(X)
        if not isinstance(self.backbone, str):
            # the user may have trained it further since
            self.__dict__.pop("_opened", None)
        extractor = self._open()
        self.n_features_out_ = self._try_out(images, extractor)
        self.device_ = str(extractor.device)
        return self

    def transform(self, X):
        """Features of images.

        Parameters
        ----------
        X : array-like of n images
            See the notes of the class.

        Returns
        -------
        features : ndarray of shape (n, n_features_out), dtype float32
            NaN in the rows of images that could not be read, under ``on_error="skip"``.

        Raises
        ------
        TypeError, ValueError
            As in ``fit``; and, under ``on_error="raise"``, if an image cannot be read, naming it.

        Warns
        -----
        UserWarning
            If images were skipped; they are named.
        """
        images = self._check(X)
        features, failures = self._extract(images, self._open(), verbose=self.verbose)
        if failures:
            some = "; ".join([failures[row] for row in sorted(failures)][:5])
            warnings.warn(
                f"{len(failures)} of {len(images)} images could not be read, and their features "
                f"are NaN: {some}{'; ...' if len(failures) > 5 else ''}",
                # past the wrapper of set_output
                stacklevel=3,
            )
        if features is None:
            return self._none_readable(len(images))
        if features.shape[1] != getattr(self, "n_features_out_", features.shape[1]):
            raise ValueError(
                f"backbone returned {features.shape[1]} features, but {self.n_features_out_} when "
                "it was fitted"
            )
        return features

    def readable(self, X):
        """Which images can be read, so that the others can be left out with their rows of y.

        Every image is decoded, and no features are computed.

        Parameters
        ----------
        X : array-like of n images
            See the notes of the class.

        Returns
        -------
        mask : ndarray of shape (n,), dtype bool

        Examples
        --------
        >>> from skhash.feature_extraction import ImageFeatures
        >>> paths = ["missing.jpg"]
        >>> ImageFeatures("timm/resnet50.a1_in1k").readable(paths)
        array([False])
        """
        self._validate_params()
        images = check_images(X, must_exist=False)
        return readable_rows(images, n_threads=effective_n_jobs(bounded_jobs(self.n_jobs)))

    def _check(self, X):
        self._validate_params()
        return check_images(X, must_exist=self.on_error == "raise")

    def _open(self):
        """The backbone on its device, kept until a parameter that it depends on changes."""
        params = {name: getattr(self, name) for name in _EXTRACTOR_PARAMS}
        opened = self.__dict__.get("_opened")
        if opened is None or any(opened[0][name] is not params[name] for name in params):
            from ._extractor import Extractor

            opened = self._opened = (params, Extractor(**params))
        return opened[1]

    def _extract(self, images, extractor, verbose=0):
        begin_threads()
        return extract(
            images,
            extractor,
            batch_size=self.batch_size,
            n_threads=effective_n_jobs(bounded_jobs(self.n_jobs)),
            on_error=self.on_error,
            verbose=verbose,
        )

    def _try_out(self, images, extractor):
        """Number of features of the first image that can be read."""
        for row in range(len(images)):
            features, _ = self._extract(images[row : row + 1], extractor)
            if features is not None:
                return int(features.shape[1])
        raise ValueError(f"none of the {len(images)} images in X can be read")

    def _none_readable(self, n_images):
        check_is_fitted(self, "n_features_out_")
        return np.full((n_images, self.n_features_out_), np.nan, dtype=np.float32)

    @property
    def _n_features_out(self):
        return self.n_features_out_

    def __sklearn_clone__(self):
        # a module is not trained here: the clone may share it, where a deep copy would be large
        shell = object.__new__(type(self))
        shell.__dict__.update(self.__dict__, backbone=None)
        clone = super(ImageFeatures, shell).__sklearn_clone__()
        clone.backbone = self.backbone
        if isinstance(self.backbone, str) and "_opened" in self.__dict__:
            clone._opened = self._opened
        return clone

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("_opened", None)
        if _is_module(self.backbone):
            from ._portable import PortableModule

            state["backbone"] = PortableModule(self.backbone)
        return state

    def __setstate__(self, state):
        if hasattr(state["backbone"], "skeleton"):
            state = {**state, "backbone": state["backbone"].restore()}
        super().__setstate__(state)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = False
        return tags


def _is_module(backbone):
    """Whether a backbone is a module of torch, without importing torch for names."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(backbone, torch.nn.Module)
