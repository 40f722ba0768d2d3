"""Captions of pictures with their sentence embeddings, small enough to ship."""

from __future__ import annotations

import numpy as np
from sklearn.preprocessing import normalize
from sklearn.utils import Bunch

from ._resources import DATA_MODULE, data_file, read_description

_FILE = "captions.npz"


def load_captions(*, return_X_y=False):
    """Load captions of pictures from Conceptual Captions, with their sentence embeddings.

    The set ships inside the package. Its rows are captions drawn at random from the validation
    split; ``target`` holds their embeddings by all-MiniLM-L6-v2, reduced to 128 columns and kept as
    8-bit integers. The description in ``DESCR`` says how they were made, and the terms.

    =================   ==============
    Samples total                8,000
    Features                      text
    Targets             128 real numbers
    =================   ==============

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with these attributes.

        data : ndarray of shape (8000,), dtype str
            The captions, all different.
        target : ndarray of shape (8000, 128), dtype float32
            The embedding of each, a unit vector.
        train_indices : ndarray of shape (7000,), dtype int64
            Rows to train on and to search in, ascending.
        query_indices : ndarray of shape (1000,), dtype int64
            Rows to query with, ascending.
        DESCR : str
            Origin, making and terms of the data.
        filename, data_module : str
            Name of the data file, and of the module where it lies.

    (data, target) : tuple if `return_X_y` is True
        The two entries described above.

    References
    ----------
    P. Sharma, N. Ding, S. Goodman & R. Soricut (2018). Conceptual Captions: A Cleaned, Hypernymed,
    Image Alt-text Dataset For Automatic Image Captioning. ACL.

    Examples
    --------
    >>> from skhash.datasets import load_captions
    >>> captions = load_captions()
    >>> captions.data.shape, captions.target.shape
    ((8000,), (8000, 128))
    >>> print(captions.data[0])
    author : a life in photography -- in pictures
    """
    with data_file(_FILE).open("rb") as file, np.load(file, allow_pickle=False) as pack:
        arrays = dict(pack)
    data = np.array(arrays["text"].tobytes().decode("utf-8").split("\n"))
    target = normalize(arrays["vectors"] * arrays["scale"])
    if return_X_y:
        return data, target
    query_indices = arrays["query_indices"].astype(np.int64)
    return Bunch(
        data=data,
        target=target,
        train_indices=np.setdiff1d(np.arange(len(data)), query_indices, assume_unique=True),
        query_indices=query_indices,
        DESCR=read_description("captions.rst"),
        filename=_FILE,
        data_module=DATA_MODULE,
    )
