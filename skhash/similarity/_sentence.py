"""Texts are similar when the vectors of a sentence encoder are."""

from __future__ import annotations

from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from skhash.similarity._embedding import EmbeddingSimilarity
from skhash.similarity._encoded import EncodedSentences
from skhash.utils._labels import check_target


class SentenceSimilarity(BaseEstimator):
    """Similarity of labels that are sentences, by the cosine of their vectors from an encoder.

    Under this target an array of strings holds sentences: `~skhash.SemanticHasher` then learns no
    classes, and compares the sentences of a batch, never all with all. Under every other target,
    and for every other hasher, strings are the names of classes.

    Parameters
    ----------
    encoder : callable or object with a method ``encode``
        Takes a list of str and returns an array of shape (n_sentences, n_features): a
        `sentence_transformers.SentenceTransformer`, or the ``transform`` of a fitted
        scikit-learn pipeline of `TfidfVectorizer` and `TruncatedSVD`, for instance.
    floor : float in [-1, 1), default=0.0
        The cosine at and below which sentences have nothing in common; see
        `EmbeddingSimilarity`.
    temperature : float or None, default=None
        The lower, the more of the range of similarity is reserved for sentences that say nearly the
        same; see `EmbeddingSimilarity`.
    batch_size : int, default=1024
        Sentences in one call of the encoder.
    cache_size : int, default=100_000
        Number of sentences whose vectors are kept for later calls, the most recent ones; 0 keeps
        none. With 384 features of 4 bytes, 100,000 take 154 MB.
    verbose : int, default=0
        1 prints how many sentences have been encoded after each call of the encoder.

    See Also
    --------
    EmbeddingSimilarity : The same for vectors that you have.

    Notes
    -----
    Each distinct sentence is encoded once. The encoder is assumed to be fixed: clones share it and
    the cached vectors, so a search over parameters encodes nothing twice. Pickles hold the encoder
    but no vectors.

    Names of classes can be compared by their sentences and remain classes:
    ``PrecomputedSimilarity(SentenceSimilarity(encoder)(names, names), labels=names)``.

    Examples
    --------
    >>> from sklearn.decomposition import TruncatedSVD
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from sklearn.pipeline import make_pipeline
    >>> from skhash.similarity import SentenceSimilarity
    >>> texts = ["a dog runs", "the dog runs fast", "a boat at sea", "boats on the sea"]
    >>> lsa = make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0)).fit(texts)
    >>> SentenceSimilarity(lsa.transform)(["a dog"], ["the dog", "a boat"]).round(1)
    array([[0.9, 0. ]])
    """

    #: What hashers and metrics take labels for; see `skhash.similarity.check_labels`.
    label_kind: ClassVar[str] = "sentence"

    def __init__(
        self,
        encoder,
        *,
        floor=0.0,
        temperature=None,
        batch_size=1024,
        cache_size=100_000,
        verbose=0,
    ):
        self.encoder = encoder
        self.floor = floor
        self.temperature = temperature
        self.batch_size = batch_size
        self.cache_size = cache_size
        self.verbose = verbose

    def __call__(self, y_a, y_b) -> np.ndarray:
        """Similarities of sentences.

        Parameters
        ----------
        y_a : array-like of n_a str
            Sentences.
        y_b : array-like of n_b str
            Sentences.

        Returns
        -------
        values : ndarray of shape (n_a, n_b), dtype float64
            Similarities in [0, 1].

        Raises
        ------
        TypeError
            If the encoder cannot be called, or the labels are not strings.
        ValueError
            If a parameter is out of its range, or the encoder returns anything but one row of
            finite numbers for each sentence.
        """
        return self.compare(self.prepare(y_a, "y_a"), self.prepare(y_b, "y_b"))

    def encode(self, y, name: str = "y") -> np.ndarray:
        """Vectors of sentences, as the encoder returns them.

        Parameters
        ----------
        y : array-like of n_samples str
            Sentences.
        name : str, default="y"
            Name of the argument in error messages.

        Returns
        -------
        vectors : ndarray of shape (n_samples, n_features), float32 or float64

        Raises
        ------
        TypeError, ValueError
            As calling the target does.
        """
        self._check_params()
        sentences = _check_sentences(y, name)
        return self._store().take(
            sentences,
            batch_size=self.batch_size,
            cache_size=self.cache_size,
            verbose=self.verbose,
        )

    def prepare(self, y, name: str = "y") -> np.ndarray:
        """Encode sentences, for `compare`; see `EmbeddingSimilarity.prepare`."""
        return self._of_vectors().prepare(self.encode(y, name), name)

    def compare(self, prepared_a, prepared_b) -> np.ndarray:
        """Similarities of sentences that `prepare` encoded; see `EmbeddingSimilarity.compare`."""
        return self._of_vectors().compare(prepared_a, prepared_b)

    def _store(self) -> EncodedSentences:
        store = self.__dict__.get("_encoded")
        if store is None or store.encoder is not self.encoder:
            store = self._encoded = EncodedSentences(self.encoder)
        return store

    def _of_vectors(self) -> EmbeddingSimilarity:
        return EmbeddingSimilarity(floor=self.floor, temperature=self.temperature)

    def _check_params(self) -> None:
        for name, least in (("batch_size", 1), ("cache_size", 0)):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name} must be a whole number from {least} up, got {value!r}")

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("_encoded", None)
        return state

    def __sklearn_clone__(self):
        # a deep copy of a large encoder would be slow, and would have to encode everything again
        copied = type(self)(**self.get_params(deep=False))
        copied._encoded = self._store()
        return copied


def _check_sentences(y, name: str) -> list[str]:
    kind, array = check_target(y, name)
    if kind != "class" or (array.size and array.dtype.kind not in "UTO"):
        raise TypeError(
            f"{name} must hold sentences, one str per sample, got {array.dtype} of shape "
            f"{array.shape}"
        )
    sentences = array.tolist()
    other = next((value for value in sentences if not isinstance(value, str)), None)
    if other is not None:
        raise TypeError(f"{name} must hold sentences, one str per sample, got {other!r}")
    return sentences
