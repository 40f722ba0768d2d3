"""The vectors of sentences that have been encoded, and the encoding of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from skhash.utils._labels import encode_labels


class EncodedSentences:
    """Vectors by sentence, made by one encoder on first use.

    Parameters
    ----------
    encoder : callable or object with a method ``encode``
        From a list of str to an array of shape (n_sentences, n_features).
    """

    def __init__(self, encoder) -> None:
        self.encoder = encoder
        self._vectors: dict[str, np.ndarray] = {}

    def take(
        self, sentences: list[str], *, batch_size: int, cache_size: int, verbose: int
    ) -> np.ndarray:
        """Vectors of the sentences, shape (n_sentences, n_features)."""
        labels, places = encode_labels(sentences)
        distinct = cast("list[str]", labels)
        new = [text for text in distinct if text not in self._vectors]
        fresh = self._encode_batches(new, batch_size, verbose)
        row = dict(zip(new, fresh))
        found = [row[text] if text in row else self._vectors[text] for text in distinct]
        if not found:
            return np.empty((0, self._n_features() or 1), dtype=np.float32)
        vectors = np.stack(found)
        self._keep(row, cache_size)
        return vectors if len(distinct) == len(places) else vectors[places]

    def _encode_batches(self, sentences: Sequence[str], batch_size: int, verbose: int):
        """One row for each sentence, batch by batch."""
        encode, n_features = as_function(self.encoder), self._n_features()
        for start in range(0, len(sentences), batch_size):
            batch = list(sentences[start : start + batch_size])
            rows = check_rows(encode(batch), len(batch), n_features)
            n_features = rows.shape[1]
            if verbose:
                done = start + len(batch)
                print(f"encoded {done:,} of {len(sentences):,} sentences", flush=True)
            yield from rows

    def _n_features(self) -> int | None:
        return next((len(vector) for vector in self._vectors.values()), None)

    def _keep(self, fresh: dict[str, np.ndarray], cache_size: int) -> None:
        # a copy: a view would keep the whole batch in memory
        for text in list(fresh)[max(0, len(fresh) - cache_size) :] if cache_size else ():
            self._vectors[text] = fresh[text].copy()
        for text in list(self._vectors)[: max(0, len(self._vectors) - cache_size)]:
            del self._vectors[text]


def as_function(encoder) -> Callable:
    """The function that an encoder stands for."""
    if isinstance(encoder, (str, bytes, type)):
        raise TypeError(
            "encoder must be a callable or have a method encode, such as "
            f"SentenceTransformer(name), got {encoder!r}"
        )
    # first, since models of sentence-transformers can be called too, but not with strings
    encode = getattr(encoder, "encode", None)
    if callable(encode):
        return encode
    if callable(encoder):
        return encoder
    hint = ""
    if hasattr(encoder, "transform"):
        hint = " Pass the transform of a fitted pipeline: encoder=pipeline.transform."
    raise TypeError(
        f"encoder must be a callable or have a method encode, got {type(encoder).__name__}.{hint}"
    )


def check_rows(returned, n_sentences: int, n_features: int | None) -> np.ndarray:
    """What an encoder returned, one row of finite numbers for each sentence."""
    if sparse.issparse(returned):
        raise ValueError(
            "encoder returned a sparse matrix; vectors of sentences are dense, such as those of "
            "TfidfVectorizer followed by TruncatedSVD"
        )
    rows = np.asarray(returned)
    if rows.ndim != 2 or len(rows) != n_sentences or rows.dtype.kind not in "iuf":
        raise ValueError(
            f"encoder must return an array of shape ({n_sentences}, n_features) for "
            f"{n_sentences} sentences, got shape {rows.shape} of dtype {rows.dtype}"
        )
    if n_features is not None and rows.shape[1] != n_features:
        raise ValueError(
            f"encoder must always return the same number of features, got {rows.shape[1]} after "
            f"{n_features}"
        )
    dtype = np.float32 if rows.dtype == np.float16 else [np.float64, np.float32]
    return check_array(rows, dtype=dtype, input_name="what encoder returned")
