"""Where a direct encoder begins: ridge regression on vectors of the labels, then ITQ."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import issparse
from sklearn.linear_model import RidgeCV
from sklearn.utils import gen_batches

from skhash._closed_form.components import reduce_sparse
from skhash._closed_form.linear_start import linear_start
from skhash.utils._ranges import power_of_two_unit

# rows for the regression, and those among them that all are compared with: enough for a start,
# and fewer pairs than training compares
_SAMPLE_ROWS = 2**14
_LANDMARKS = 2**10
# rows compared with them at once: a block of 16 MiB
_BLOCK_ROWS = 2**11
# penalties to choose from, in units of the variance of X
_PENALTIES = np.logspace(-3, 3, 7)


def similarity_start(X, compare, n_bits, random_state):
    """Find a linear map of X whose signs follow a similarity target (ridge-ITQ).

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
        At least two rows, of which a sample is read.
    compare : callable
        From two arrays of row numbers to the similarities of the labels of these rows.
    n_bits : int
    random_state : RandomState instance

    Returns
    -------
    mean : ndarray of shape (n_features,), float32
    directions : ndarray of shape (n_features, n_bits), float32
        Scaled as `linear_start` does. All 0 where X says nothing of the labels.
    """
    rows = _sorted_sample(np.arange(X.shape[0]), _SAMPLE_ROWS, random_state)
    landmarks = _sorted_sample(rows, _LANDMARKS, random_state)
    vectors = label_vectors(compare, rows, landmarks, 2 * n_bits)
    X = X[rows]
    reduction = reduce_sparse(X, n_bits)
    if reduction is not None:
        X = reduction.values
    elif issparse(X):
        X = X.toarray()
    mean = X.mean(axis=0, dtype=np.float64)
    unit = power_of_two_unit(X - mean)
    X = ((X - mean) / unit).astype(X.dtype)
    variance = X.var(axis=0, dtype=np.float64).sum()
    if variance == 0:
        directions = np.zeros((X.shape[1], n_bits))
    else:
        ridge = RidgeCV(alphas=_PENALTIES * variance).fit(X, vectors)
        # a single column comes back as a row
        coefficients = ridge.coef_.reshape(vectors.shape[1], X.shape[1])
        _, directions = linear_start(X @ coefficients.T, n_bits, random_state)
        directions = coefficients.T @ directions / unit
    if reduction is not None:
        mean, directions = reduction.undone(mean, directions)
    return mean.astype(np.float32), directions.astype(np.float32)


def label_vectors(compare, rows, landmarks, n_components):
    """Vectors whose inner products are the similarity target, as far as it has any (Nyström).

    Parameters
    ----------
    compare : callable
        As for `similarity_start`.
    rows : ndarray of shape (n_rows,) of int
        Rows that get a vector.
    landmarks : ndarray of shape (n_landmarks,) of int
        Rows that all are compared with.
    n_components : int
        How many dimensions the vectors have at most.

    Returns
    -------
    vectors : ndarray of shape (n_rows, at most n_components), float64

    References
    ----------
    Williams & Seeger (2001), "Using the Nyström method to speed up kernel machines", NIPS.
    """
    last = len(landmarks)
    # classes of the same size have the same eigenvalue, and rounding would choose the vectors of
    # these; landmarks of unequal weight have the same inner products, and no two eigenvalues alike
    weights = np.random.RandomState(0).uniform(0.99, 1.01, size=(last, 1))
    among = compare(landmarks, landmarks) * weights * weights.T
    span = (max(last - n_components, 0), last - 1)
    values, vectors = eigh((among + among.T) / 2, subset_by_index=span)
    # an eigenvector has two signs, and rounding shall not choose between them either
    largest = np.abs(vectors).argmax(axis=0)
    vectors *= np.sign(vectors[largest, np.arange(vectors.shape[1])])
    # a target that is no inner product has eigenvalues below 0, and they no vectors
    kept = values > 1e-6 * values[-1]
    map_ = weights * vectors[:, kept] / np.sqrt(values[kept])
    return np.concatenate(
        [compare(rows[block], landmarks) @ map_ for block in gen_batches(len(rows), _BLOCK_ROWS)]
    )


def _sorted_sample(rows, size, random_state):
    if len(rows) <= size:
        return rows
    return np.sort(random_state.choice(rows, size, replace=False))
