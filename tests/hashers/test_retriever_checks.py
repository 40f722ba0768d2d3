"""scikit-learn's own checks of a classifier."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from skhash import HashRetriever, RandomProjectionHasher

# random bits, and not a few of them: some of the data have two columns
HASHER = RandomProjectionHasher(n_bits=64, random_state=0)


@parametrize_with_checks([HashRetriever(), HashRetriever(HASHER, rerank=9)])
def test_sklearn_checks(estimator, check):
    check(estimator)
