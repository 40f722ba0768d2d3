"""Checks of what every hasher promises, beside scikit-learn's own, and every similarity target.

scikit-learn's `~sklearn.utils.estimator_checks.parametrize_with_checks` asks whether an estimator
behaves as an estimator; the checks here ask whether it behaves as a hasher. A check takes an
unfitted hasher, which it clones, and raises where the promise is broken. The hasher's ``n_bits``
should be small, such as 6, for checks that do not set it themselves. The checks of a similarity
target take it with some labels that it understands.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from unittest import SkipTest

import numpy as np
from sklearn.exceptions import SkipTestWarning
from sklearn.utils import get_tags

from skhash.utils._checks import _codes, _interface, _labels, _similarity, _state

__all__ = [
    "check_hasher",
    "check_similarity",
    "hasher_checks",
    "parametrize_with_hasher_checks",
    "parametrize_with_similarity_checks",
    "similarity_checks",
]

# the checks of every hasher; others depend on its tags and parameters
_CHECKS = (
    _codes.check_codes,
    _codes.check_decision_function,
    _codes.check_n_bits,
    _codes.check_n_bits_refused,
    _codes.check_same_seed,
    _codes.check_batches,
    _codes.check_near_the_threshold,
    _codes.check_row_order,
    _codes.check_database_order,
    _state.check_copies,
    _state.check_no_torch_kept,
    _state.check_X_not_kept,
    _state.check_parameters_kept,
    _state.check_unfinished_fit,
    _interface.check_float_width,
    _interface.check_missing_values,
    _interface.check_not_fitted,
    _interface.check_output_names,
    _interface.check_input_names,
    _interface.check_pipeline,
    _interface.check_grid_search,
)
_SIMILARITY_CHECKS = (
    _similarity.check_values,
    _similarity.check_self_similarity,
    _similarity.check_symmetry,
    _similarity.check_blocks,
    _similarity.check_no_labels,
    _similarity.check_prepared,
    _similarity.check_containers,
    _similarity.check_bad_labels_refused,
    _similarity.check_labels_kept,
    _similarity.check_copies,
)


def hasher_checks(estimator) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the checks that apply to a hasher.

    Parameters
    ----------
    estimator : hasher
        An instance. Its tags say which labels it takes: ``target_tags.required`` for class
        labels, with ``target_tags.multi_output`` for multilabel indicators.

    Yields
    ------
    name : str
        Name of the check.
    check : callable
        Called without arguments, it raises if the hasher fails.

    Examples
    --------
    >>> from skhash import PCAHasher
    >>> from skhash.utils.estimator_checks import hasher_checks
    >>> name, check = next(hasher_checks(PCAHasher(n_bits=6)))
    >>> name
    'check_codes'
    >>> check()
    """
    for check in _applicable_checks(estimator):
        yield check.__name__, partial(check, estimator)


def check_hasher(estimator) -> None:
    """Run all checks that apply to a hasher.

    Parameters
    ----------
    estimator : hasher
        An instance; see `hasher_checks`.

    Raises
    ------
    AssertionError
        If a check fails; an exception that the hasher raises passes through.

    Examples
    --------
    >>> from skhash import RandomProjectionHasher
    >>> from skhash.utils.estimator_checks import check_hasher
    >>> check_hasher(RandomProjectionHasher(n_bits=6))
    """
    for name, check in hasher_checks(estimator):
        try:
            check()
        except SkipTest as reason:
            warnings.warn(f"{name} was skipped: {reason}", SkipTestWarning, stacklevel=2)


def parametrize_with_hasher_checks(estimators):
    """Decorate a pytest function to run every check on every hasher.

    Parameters
    ----------
    estimators : list of hashers
        Instances; see `hasher_checks`.

    Returns
    -------
    decorator : `pytest.mark.parametrize`
        For a function of ``estimator`` and ``check``, which calls ``check(estimator)``.

    Examples
    --------
    >>> from skhash import PCAHasher
    >>> from skhash.utils.estimator_checks import parametrize_with_hasher_checks
    >>> @parametrize_with_hasher_checks([PCAHasher(n_bits=6)])
    ... def test_hasher(estimator, check):
    ...     check(estimator)
    """
    import pytest

    return pytest.mark.parametrize(
        ("estimator", "check"),
        [
            pytest.param(estimator, check, id=f"{_short_repr(estimator)}-{check.__name__}")
            for estimator in estimators
            for check in _applicable_checks(estimator)
        ],
    )


def similarity_checks(similarity, y) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the checks of a similarity target.

    Parameters
    ----------
    similarity : callable
        The target, see :doc:`/guide/similarity`. A function need not be copied, cloned or
        pickled; an object with ``get_params`` must.
    y : array-like of shape (n_samples,) or (n_samples, n_columns)
        Some labels that it understands, at least three, not all alike.

    Yields
    ------
    name : str
        Name of the check.
    check : callable
        Called without arguments, it raises if the target fails.

    Examples
    --------
    >>> from skhash.similarity import LabelSimilarity
    >>> from skhash.utils.estimator_checks import similarity_checks
    >>> name, check = next(similarity_checks(LabelSimilarity(), ["cat", "dog", "cow"]))
    >>> name
    'check_values'
    >>> check()
    """
    y = _check_examples(similarity, y)
    for check in _SIMILARITY_CHECKS:
        yield check.__name__, partial(check, similarity, y)


def check_similarity(similarity, y) -> None:
    """Run all checks of a similarity target.

    Parameters
    ----------
    similarity : callable
        The target.
    y : array-like of shape (n_samples,) or (n_samples, n_columns)
        Some labels that it understands; see `similarity_checks`.

    Raises
    ------
    AssertionError
        If a check fails; an exception that the target raises passes through.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import check_array
    >>> from skhash.utils.estimator_checks import check_similarity
    >>> def near_in_age(y_a, y_b):
    ...     a, b = (check_array(y, ensure_2d=False, ensure_min_samples=0) for y in (y_a, y_b))
    ...     return np.exp(-np.abs(a[:, np.newaxis] - b) / 10)
    >>> check_similarity(near_in_age, [20.0, 35.0, 60.0])
    """
    for _, check in similarity_checks(similarity, y):
        check()


def parametrize_with_similarity_checks(similarities):
    """Decorate a pytest function to run every check on every similarity target.

    Parameters
    ----------
    similarities : list of (similarity, y)
        Targets, each with labels that it understands; see `similarity_checks`.

    Returns
    -------
    decorator : `pytest.mark.parametrize`
        For a function of ``check``, which calls ``check()``.

    Examples
    --------
    >>> from skhash.similarity import LabelSimilarity
    >>> from skhash.utils.estimator_checks import parametrize_with_similarity_checks
    >>> @parametrize_with_similarity_checks([(LabelSimilarity(), ["cat", "dog", "cow"])])
    ... def test_similarity(check):
    ...     check()
    """
    import pytest

    return pytest.mark.parametrize(
        "check",
        [
            pytest.param(check, id=f"{_short_repr(similarity)[:60]}-{name}")
            for similarity, y in similarities
            for name, check in similarity_checks(similarity, y)
        ],
    )


def _check_examples(similarity, y):
    if isinstance(similarity, type) or not callable(similarity):
        raise TypeError(f"similarity must be an instance that can be called, got {similarity!r}")
    y = np.asarray(y)
    if y.ndim not in (1, 2) or len(y) < 3 or np.all(y == y[0]):
        raise ValueError(
            "y must hold at least three labels, not all alike, in one or two dimensions, got "
            f"shape {y.shape}"
        )
    return y


def _applicable_checks(estimator):
    if isinstance(estimator, type):
        raise TypeError(f"estimator must be an instance, got the class {estimator.__name__}")
    yield from _CHECKS
    target = get_tags(estimator).target_tags
    if not target.required:
        yield _labels.check_fit_without_y
    else:
        yield _labels.check_label_types
        yield (
            _labels.check_multilabel if target.multi_output else _labels.check_multilabel_refused
        )
    if "random_state" in estimator.get_params():
        yield _codes.check_seeds_differ


def _short_repr(estimator):
    # an address is another in each process, and names of tests may not be
    return re.sub(r" at 0x[0-9a-f]+|\s", "", repr(estimator))
