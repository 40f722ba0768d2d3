"""CIFAR-100 as features, small enough to ship."""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch

from skhash.utils._optional import import_optional

from ._mosaic import split_mosaic
from ._resources import DATA_MODULE, data_file, read_description

_FEATURES_FILE = "cifar100_features.npz"
_THUMBNAILS_FILE = "cifar100_query_thumbnails.jpg"
_THUMBNAIL_SIDE = 32


def load_cifar100_features(*, return_X_y=False, as_frame=False):
    """Load the CIFAR-100 test images as features of a pretrained network.

    The set ships inside the package. Its rows are the 10,000 test images of CIFAR-100 in their
    official order; its columns are the leading principal components of EfficientNet-Lite0
    features, kept as 8-bit integers. The description in ``DESCR`` says how they were made.

    =================   ==============
    Classes                        100
    Superclasses                    20
    Samples per class              100
    Samples total               10,000
    Dimensionality                 256
    Features                      real
    =================   ==============

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return ``data`` and ``target`` as pandas objects, and both together as ``frame``.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with these attributes.

        data : {ndarray, DataFrame} of shape (10000, 256), dtype float32
            The features, by components of decreasing variance.
        target : {ndarray, Series} of shape (10000,), dtype int64
            Class of each image, 0 to 99. ``target_names[target]`` gives names.
        frame : DataFrame of shape (10000, 257) or None
            ``data`` and ``target`` side by side, when `as_frame` is True.
        feature_names : list of 256 str
            Names of the columns.
        target_names : ndarray of shape (100,), dtype str
            Names of the classes, in alphabetical order.
        coarse : ndarray of shape (10000,), dtype int64
            Superclass of each image, 0 to 19.
        coarse_names : ndarray of shape (20,), dtype str
            Names of the superclasses.
        train_indices : ndarray of shape (8000,), dtype int64
            Rows to train on and to search in, 80 of each class, ascending.
        query_indices : ndarray of shape (2000,), dtype int64
            Rows to query with, 20 of each class, ascending.
        thumbnails : ndarray of shape (2000, 32, 32, 3), dtype uint8
            RGB images of the query rows, in the order of ``query_indices``. They are decoded on
            first access, which needs Pillow.
        DESCR : str
            Origin, making, accuracy and terms of the data.
        filename, data_module : str
            Name of the data file, and of the module where it lies.

    (data, target) : tuple if `return_X_y` is True
        The two entries described above.

    Raises
    ------
    ImportError
        If `as_frame` is True and pandas is missing, or when ``thumbnails`` is accessed and Pillow
        is missing.

    References
    ----------
    A. Krizhevsky (2009). Learning Multiple Layers of Features from Tiny Images.
    Technical report, University of Toronto.

    Examples
    --------
    >>> from skhash.datasets import load_cifar100_features
    >>> cifar = load_cifar100_features()
    >>> X_train, X_query = cifar.data[cifar.train_indices], cifar.data[cifar.query_indices]
    >>> X_train.shape, X_query.shape
    ((8000, 256), (2000, 256))
    >>> print(*cifar.target_names[cifar.target[:3]])
    mountain forest seal
    """
    with data_file(_FEATURES_FILE).open("rb") as file, np.load(file, allow_pickle=False) as pack:
        arrays = dict(pack)
    data = arrays["features"] * arrays["scale"]
    target = arrays["fine"].astype(np.int64)
    feature_names = [f"pca{column}" for column in range(data.shape[1])]

    frame = None
    if as_frame:
        frame = _make_frame(data, target, feature_names)
        data, target = frame[feature_names], frame["target"]
    if return_X_y:
        return data, target

    query_indices = arrays["query_indices"].astype(np.int64)
    return _FeaturesBunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=feature_names,
        target_names=arrays["fine_names"],
        coarse=arrays["fine_to_coarse"].astype(np.int64)[arrays["fine"]],
        coarse_names=arrays["coarse_names"],
        train_indices=np.setdiff1d(np.arange(len(data)), query_indices, assume_unique=True),
        query_indices=query_indices,
        DESCR=read_description("cifar100_features.rst"),
        filename=_FEATURES_FILE,
        data_module=DATA_MODULE,
    )


class _FeaturesBunch(Bunch):
    """A Bunch that decodes its thumbnails on first access.

    Those who want only the features need not wait for the images, nor install Pillow.
    """

    def __missing__(self, key):
        if key != "thumbnails":
            raise KeyError(key)
        self[key] = split_mosaic(data_file(_THUMBNAILS_FILE).read_bytes(), _THUMBNAIL_SIDE)
        return self[key]

    def __dir__(self):
        return sorted({*super().__dir__(), "thumbnails"})


def _make_frame(data, target, feature_names):
    pd = import_optional("pandas", "as_frame=True", "pandas")
    return pd.DataFrame(data, columns=feature_names).assign(target=target)
