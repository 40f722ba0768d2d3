"""Texts to rows of features, by a sentence encoder."""

from __future__ import annotations

import os
from numbers import Integral
from typing import Any, ClassVar

import joblib
import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval

from skhash.similarity._encoded import as_function, check_rows
from skhash.utils._optional import import_optional
from skhash.utils._whole_fit import WholeFit

from ._progress import Progress
from ._vector_file import VectorFile

# what tells whether a function computes what it did when its vectors were kept
_PROBE = "The quick brown fox jumps over the lazy dog."


class TextFeatures(WholeFit, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Vectors of texts by a sentence encoder, as a scikit-learn transformer.

    The encoder is used as it is: nothing is trained. Each distinct text is encoded once, and with a
    `cache` once for all.

    Parameters
    ----------
    encoder : str, callable or object with a method ``encode``
        What computes the vectors.

        - The name of a model of sentence-transformers with its owner, such as
          ``"sentence-transformers/all-MiniLM-L6-v2"``, or the path of a folder with a slash in it,
          such as ``"./model"``. It needs ``pip install sentence-transformers``, and a model that
          is not there yet is downloaded when it is first used.
        - A `sentence_transformers.SentenceTransformer`, or any object with a method ``encode``, or
          a callable: from a list of str to an array of shape (n_texts, n_features).
    cache : str or os.PathLike, default=None
        A file in which vectors are kept, and found again by the encoder and what a text says, so
        that the next process encodes new texts only. It is made where it is missing; several
        processes and encoders may share it. None keeps nothing.
    batch_size : int, default=512
        Texts in one call of the encoder; what is done is in the cache if a later call fails.
    device : str, default="auto"
        Where a named model runs: "auto" is CUDA where there is a GPU, else Apple's MPS, else the
        CPU; or any device of torch. Other encoders have their own.
    verbose : int, default=0
        1 prints every few seconds how many texts are done.

    Attributes
    ----------
    n_features_out_ : int
        Number of features.

    See Also
    --------
    ImageFeatures : The same for images.
    skhash.similarity.SentenceSimilarity : Texts as labels, compared by an encoder.

    Notes
    -----
    X is a list, a column of a data frame or an array of str. ``transform`` needs no ``fit`` before
    it; ``fit`` tries the encoder out on one text.

    A name is better than a model if the estimator is saved: pickles and files then hold no weights,
    and the model is opened on first use. `skhash.load` opens a model by name only if the name is
    ``trusted``, and leaves out the `cache`, which belongs to one machine.

    In a cache a name stands for one model: remove the file when the model behind the name has
    changed. Other encoders are known by their content, and a function by its name together with
    what it makes of a sample sentence.

    The vectors of a text in different batches may differ by rounding.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import HashingVectorizer
    >>> from skhash.feature_extraction import TextFeatures
    >>> letters = HashingVectorizer(analyzer="char", n_features=32)
    >>> features = TextFeatures(lambda texts: letters.transform(texts).toarray())
    >>> features.fit_transform(["a dog runs", "a dog runs fast", "a boat"]).shape
    (3, 32)

    With a model of sentence-transformers, and a hasher that learns from the vectors:

    >>> from sklearn.pipeline import make_pipeline
    >>> from skhash import SemanticHasher
    >>> pipeline = make_pipeline(
    ...     TextFeatures("sentence-transformers/all-MiniLM-L6-v2", cache="vectors.sqlite"),
    ...     SemanticHasher(n_bits=64),
    ... )
    """

    n_features_out_: int

    # what would be downloaded by name: `skhash.load` asks the caller to trust the name
    _fetches = ("encoder",)
    # a path of one machine, which no file may choose on another
    _stays_behind = ("cache",)
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        # the type of the encoder is checked where it is opened, by messages that help
        "encoder": "no_validation",
        "cache": [str, os.PathLike, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "verbose": ["verbose"],
    }

    def __init__(self, encoder, *, cache=None, batch_size=512, device="auto", verbose=0):
        self.encoder = encoder
        self.cache = cache
        self.batch_size = batch_size
        self.device = device
        self.verbose = verbose

    def fit(self, X, y=None):
        """Check the parameters and the texts, and try the encoder on one of them.

        Parameters
        ----------
        X : array-like of n_samples str
            The texts.
        y : ignored

        Returns
        -------
        self : TextFeatures

        Raises
        ------
        TypeError, ValueError
            If a parameter is out of its range, X does not hold texts, or the encoder does not
            return a row of finite numbers for each text.
        ImportError
            If the encoder is named, and sentence-transformers is missing.
        OSError
            If the cache is another file, or cannot be written.
        """
        self._validate_params()
        texts = _check_texts(X)
        # the user may have trained the encoder further since
        self.__dict__.pop("_known", None)
        self.n_features_out_ = self._encode(texts[:1], verbose=0).shape[1]
        return self

    def transform(self, X):
        """Vectors of texts.

        Parameters
        ----------
        X : array-like of n_samples str
            The texts.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features_out), dtype float32

        Raises
        ------
        TypeError, ValueError, ImportError, OSError
            As in ``fit``.
        """
        self._validate_params()
        features = self._encode(_check_texts(X), verbose=self.verbose)
        wanted = getattr(self, "n_features_out_", features.shape[1])
        if features.shape[1] != wanted:
            raise ValueError(
                f"encoder returned {features.shape[1]} features, but {wanted} when it was fitted"
            )
        return features

    def _encode(self, texts, verbose):
        distinct = list(dict.fromkeys(texts))
        _check_encoder(self.encoder, self.device)
        store = None if self.cache is None else VectorFile(self.cache, self._identity())
        vectors = {} if store is None else store.take(distinct)
        new = [text for text in distinct if text not in vectors]
        progress = Progress(len(distinct), "texts") if verbose else None
        if progress is not None and vectors:
            progress.advance(len(vectors))
        n_features = next((len(vector) for vector in vectors.values()), None)
        for start in range(0, len(new), self.batch_size):
            batch = new[start : start + self.batch_size]
            rows = self._encode_batch(batch, n_features)
            n_features = rows.shape[1]
            if store is not None:
                store.put(batch, rows)
            vectors.update(zip(batch, rows))
            if progress is not None:
                progress.advance(len(batch))
        return np.stack([vectors[text] for text in texts])

    def _encode_batch(self, texts, n_features=None):
        rows = check_rows(as_function(self._open())(texts), len(texts), n_features)
        return rows.astype(np.float32, copy=False)

    def _open(self):
        """The encoder; a named one is kept until its name or the device changes."""
        if not isinstance(self.encoder, str):
            return self.encoder
        opened, wanted = self.__dict__.get("_opened"), (self.encoder, self.device)
        if opened is None or opened[0] != wanted:
            from skhash.utils._devices import resolve_device

            library = import_optional(
                "sentence_transformers", f"encoder={self.encoder!r}", "sentence-transformers"
            )
            device = str(resolve_device(self.device))
            model = library.SentenceTransformer(self.encoder, device=device)
            opened = self._opened = (wanted, model)
        return opened[1]

    def _identity(self):
        """What the cache knows the encoder by."""
        if isinstance(self.encoder, str):
            return f"name:{self.encoder}"
        if (known := self.__dict__.get("_known")) is None or known[0] is not self.encoder:
            probe = self._encode_batch([_PROBE]).round(3) + np.float32(0)
            try:
                known = (self.encoder, joblib.hash([_portable(self.encoder), probe]))
            except Exception as error:
                raise TypeError(
                    "cache needs an encoder that can be told from others, by its name or by its "
                    f"pickle, and {self.encoder!r} cannot be pickled: {error}"
                ) from error
            self._known = known
        return f"hash:{known[1]}"

    @property
    def _n_features_out(self):
        return self.n_features_out_

    def __sklearn_clone__(self):
        # an encoder is not trained here: the clone may share it, where a deep copy would be large
        shell = object.__new__(type(self))
        shell.__dict__.update(self.__dict__, encoder=None)
        clone = super(TextFeatures, shell).__sklearn_clone__()
        clone.encoder = self.encoder
        clone._opened = self.__dict__.get("_opened")
        return clone

    def __getstate__(self):
        state = dict(super().__getstate__())
        for name in ("_opened", "_known"):
            state.pop(name, None)
        return state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = False
        return tags


def _check_encoder(encoder, device):
    if not isinstance(encoder, str):
        as_function(encoder)
        if device != "auto":
            raise ValueError(f"device is that of a named model, and encoder is {encoder!r}")
    elif "/" not in encoder:
        raise ValueError(
            "encoder must be a model with its owner, such as "
            "'sentence-transformers/all-MiniLM-L6-v2', or the path of a folder, such as './model', "
            f"got {encoder!r}"
        )


def _portable(encoder):
    """The encoder as what has the same pickle in every process."""
    model = getattr(encoder, "__self__", encoder)
    if not hasattr(model, "state_dict"):
        return encoder
    weights = {name: tensor.cpu().float().numpy() for name, tensor in model.state_dict().items()}
    return [type(model).__qualname__, repr(model), weights]


def _check_texts(X) -> list[str]:
    if isinstance(X, (str, bytes, os.PathLike, dict)) or issparse(X):
        raise TypeError(
            f"X must hold texts, one str per row, got a single {type(X).__name__}: pass a list"
        )
    if not hasattr(X, "__len__") and not hasattr(X, "__array__"):
        raise TypeError(f"X must be a list or a column of texts, got {type(X).__name__}")
    if not isinstance(X, (list, tuple)):
        array = np.asarray(X)
        if array.ndim != 1:
            raise ValueError(
                f"X must have one text per row, in one dimension, got shape {array.shape}"
            )
        X = array.tolist()
    texts = list(X)
    if not texts:
        raise ValueError("X must hold at least one text, got 0")
    row = next((row for row, text in enumerate(texts) if not isinstance(text, str)), None)
    if row is not None:
        is_missing = str(texts[row]) in ("None", "nan", "<NA>")
        hint = "; fill in what is missing, with '' for instance" if is_missing else ""
        raise TypeError(
            f"X must hold texts, one str per row, got {type(texts[row]).__name__} in X[{row}]{hint}"
        )
    return [str(text) for text in texts]
