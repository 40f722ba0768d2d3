"""scikit-learn's own checks. They draw real values of X, hence ``binarize``."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from skhash.neighbors import HammingNeighbors


@parametrize_with_checks([HammingNeighbors(n_neighbors=3, binarize=0.0)])
def test_sklearn_checks(estimator, check):
    check(estimator)
