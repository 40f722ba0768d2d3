"""Each check fails on what is broken in the way it looks for, and only then."""

import contextlib
import itertools
import sys
from functools import partial

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import validate_data

from skhash.base import BaseHasher
from skhash.hashers._pca import PCAHasher
from skhash.utils._held import is_of_package, objects_within
from skhash.utils._labels import check_target
from skhash.utils.estimator_checks import (
    check_hasher,
    check_similarity,
    hasher_checks,
    parametrize_with_hasher_checks,
    parametrize_with_similarity_checks,
    similarity_checks,
)


class Sound(BaseHasher):
    """Projects samples, by way of their correlation with labels, on random directions."""

    def __init__(self, n_bits=6, random_state=None, settings=None):
        self.n_bits = n_bits
        self.random_state = random_state
        self.settings = settings

    def fit(self, X, y):
        if not isinstance(self.n_bits, int) or self.n_bits < 1:
            raise ValueError(f"n_bits must be a positive integer, got {self.n_bits!r}.")
        X, y = self._validate(X, y, reset=True, multi_output=True)
        self.mean_ = X.mean(axis=0)
        indicator = self._indicator(y)
        directions = check_random_state(self.random_state).normal(
            size=(indicator.shape[1], self.n_bits)
        )
        self.components_ = (X - self.mean_).T @ indicator @ directions
        self.n_bits_ = self.n_bits
        return self

    def _indicator(self, y):
        kind, y = check_target(y)
        if kind == "multilabel":
            return y.toarray() if sparse.issparse(y) else y
        self.classes_ = np.unique(y)
        return (y[:, np.newaxis] == self.classes_).astype(float)

    def _bit_values(self, X, dtype):
        return (X - self.mean_) @ self.components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


class SingleClass(Sound):
    """Takes no multilabel indicator, and says so."""

    def _indicator(self, y):
        if check_target(y)[0] != "class":
            raise ValueError("y must give one class per sample.")
        return super()._indicator(y)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags


class Unsupervised(Sound):
    """Has labels neither in fit nor in its attributes."""

    def fit(self, X, y=None):
        super().fit(X, np.arange(len(X)) % 4)
        del self.classes_
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags


class SignedBytes(Sound):
    def transform(self, X):
        return super().transform(X).astype(np.int8)


class PlusMinusOne(Sound):
    def transform(self, X):
        return super().transform(X) * np.uint8(2) - np.uint8(1)


class OtherThreshold(Sound):
    def transform(self, X):
        return (self.decision_function(X) > 50).astype(np.uint8)


class WholeBytesOnly(Sound):
    def fit(self, X, y):
        super().fit(X, y)
        self.n_bits_ = -(-self.n_bits // 8) * 8
        return self

    def _bit_values(self, X, dtype):
        values = super()._bit_values(X, dtype)
        return np.pad(values, [(0, 0), (0, self.n_bits_ - values.shape[1])])


class LateRefusal(Sound):
    pass


def _late_refusal(self, X, y):
    self._validate(X, y, reset=True, multi_output=True)
    return Sound.fit(self, X, y)


# a method of the class itself would be taken back where it fails
LateRefusal.fit = _late_refusal


class TruncatesBits(Sound):
    def fit(self, X, y):
        asked = self.n_bits
        with contextlib.suppress(TypeError, ValueError):
            self.n_bits = max(int(asked), 1)
        super().fit(X, y)
        self.n_bits = asked
        return self


class Unseeded(Sound):
    # each fit turns the codes of the one before: what draws at random could repeat itself
    signs = itertools.cycle([1, -1])

    def fit(self, X, y):
        super().fit(X, y)
        self.components_ = self.components_ * next(self.signs)
        return self


class IgnoresSeed(Sound):
    def fit(self, X, y):
        seed, self.random_state = self.random_state, 0
        super().fit(X, y)
        self.random_state = seed
        return self


class CentresTheBatch(Sound):
    def _bit_values(self, X, dtype):
        return (X - X.mean(axis=0)) @ self.components_


class RoundsWithTheBatch(Sound):
    """Its values are those of any matrix product, up to rounding."""

    def _decide(self, X):
        values = self._bit_values(X, np.float64)
        shift = (-1) ** len(X) * np.finfo(np.float32).eps * np.abs(values).max()
        return (values + shift).astype(np.float32)


class KnowsThePlace(Sound):
    def _bit_values(self, X, dtype):
        return super()._bit_values(X, dtype) + 100 * (np.arange(len(X)) % 2)[:, np.newaxis]


class StringsOnly(Sound):
    def _indicator(self, y):
        return super()._indicator(y if y.ndim == 2 else y.astype(str))


class OrderOfAppearance(Sound):
    def _indicator(self, y):
        indicator = super()._indicator(y)
        if y.dtype.kind == "U":
            return indicator[:, ::-1]
        return indicator


class DenseIndicatorOnly(Sound):
    def fit(self, X, y):
        return super().fit(X, check_array(y, ensure_2d=False, dtype=None))


class TakesRowsForClasses(SingleClass):
    def fit(self, X, y):
        y = np.asarray(y)
        return super().fit(X, y if y.ndim == 1 else y[:, 0])


class PeeksAtLabels(Unsupervised):
    def fit(self, X, y=None):
        super().fit(X)
        if y is not None:
            self.components_ = self.components_[::-1]
        return self


class LosesItself(Sound):
    def __getstate__(self):
        return {k: v for k, v in super().__getstate__().items() if k != "mean_"}

    def __setstate__(self, state):
        super().__setstate__({"mean_": 0.0, **state})


class HoldsTensor(Sound):
    def fit(self, X, y):
        super().fit(X, y)
        self.history_ = [{"loss": (0.5, torch.zeros(1))}]
        return self


class HoldsX(Sound):
    def fit(self, X, y):
        super().fit(X, y)
        self.nested_ = {"rows": self._validate(X, reset=False)[:5]}
        return self


class HoldsCopyOfX(Sound):
    def fit(self, X, y):
        super().fit(X, y)
        self.projected_ = [sparse.csr_array(self._validate(X, reset=False) - self.mean_)]
        return self


class RewritesParameter(Sound):
    def fit(self, X, y):
        self.settings = {"default": True}
        return super().fit(X, y)


class AltersParameter(Sound):
    """Its parameter is one object before and after, but not the same inside."""

    def fit(self, X, y):
        self.settings.append("seen")
        return super().fit(X, y)


class ChangesInPlace(Sound):
    def fit(self, X, y):
        self.history_ = getattr(self, "history_", [])
        self.history_.append(len(X))
        return super().fit(X, y)


class SwallowsInterrupts(Sound):
    def fit(self, X, y):
        with contextlib.suppress(KeyboardInterrupt):
            super().fit(X, y)
        return self


class DependsOnWidth(Sound):
    def fit(self, X, y):
        super().fit(X, y)
        if np.asarray(X).dtype == np.float32:
            self.components_ = self.components_[::-1]
        return self


class TakesNaN(Sound):
    def _validate(self, X, y="no_validation", *, reset, **options):
        X = validate_data(self, X, y, reset=reset, ensure_all_finite=False, **options)
        return X if isinstance(X, np.ndarray) else (np.nan_to_num(X[0]), X[1])


class NaNInTransform(Sound):
    def _validate(self, X, y="no_validation", *, reset, **options):
        return super()._validate(X, y, reset=reset, ensure_all_finite=reset, **options)


class NeverUnfitted(Sound):
    def transform(self, X):
        return super().transform(X) if hasattr(self, "n_bits_") else np.zeros((len(X), 1))


class AnonymousBits(Sound):
    def get_feature_names_out(self, input_features=None):
        if not hasattr(self, "n_bits_"):
            raise NotFittedError("not fitted")
        return np.array(["bit"] * self.n_bits_, dtype=object)


class ForgetsNames(Sound):
    def _validate(self, X, y="no_validation", *, reset, **options):
        return super()._validate(np.asarray(X), y, reset=reset, **options)


class CountsFits(Sound):
    """Each fit in the process gives other codes than the one before: a global state."""

    n_fits = itertools.count()

    def fit(self, X, y):
        super().fit(X, y)
        self.components_ = self.components_ * (-1) ** next(self.n_fits)
        return self


class IgnoresSetParams(Sound):
    def set_params(self, **params):
        return super().set_params(**{k: v for k, v in params.items() if k != "n_bits"})


BROKEN = [
    ("check_codes", SignedBytes, "dtype int8"),
    ("check_codes", PlusMinusOne, "hold 255"),
    ("check_decision_function", OtherThreshold, "not values > 0"),
    ("check_n_bits", WholeBytesOnly, "shape"),
    ("check_n_bits_refused", LateRefusal, "after work has begun"),
    ("check_n_bits_refused", TruncatesBits, "does not raise"),
    ("check_same_seed", Unseeded, "different codes"),
    ("check_seeds_differ", IgnoresSeed, "changes nothing"),
    ("check_batches", CentresTheBatch, "one by one"),
    ("check_near_the_threshold", RoundsWithTheBatch, "bits differ"),
    ("check_row_order", KnowsThePlace, "another order"),
    ("check_label_types", StringsOnly, "classes_ is"),
    ("check_label_types", OrderOfAppearance, "change the codes"),
    ("check_multilabel", DenseIndicatorOnly, "[Ss]parse"),
    ("check_multilabel_refused", TakesRowsForClasses, "does not raise"),
    ("check_fit_without_y", PeeksAtLabels, "y changes the codes"),
    ("check_copies", LosesItself, "pickle changes the codes"),
    ("check_no_torch_kept", HoldsTensor, "history_.*Tensor"),
    ("check_X_not_kept", HoldsX, "nested_ refers to X"),
    ("check_X_not_kept", HoldsCopyOfX, "projected_ .*size of X"),
    ("check_parameters_kept", RewritesParameter, "rewrites settings"),
    ("check_parameters_kept", partial(AltersParameter, settings=[]), "in place"),
    ("check_unfinished_fit", ChangesInPlace, "leaves traces"),
    ("check_unfinished_fit", SwallowsInterrupts, "goes on after KeyboardInterrupt"),
    ("check_float_width", DependsOnWidth, "bits agree"),
    ("check_missing_values", TakesNaN, "does not raise"),
    ("check_missing_values", NaNInTransform, "without saying so"),
    ("check_not_fitted", NeverUnfitted, "does not raise"),
    ("check_output_names", AnonymousBits, "without name"),
    ("check_input_names", ForgetsNames, "feature_names_in_"),
    ("check_pipeline", CountsFits, "in a pipeline"),
    ("check_grid_search", IgnoresSetParams, "n_bits=3 was not used"),
]


SOUND = [Sound(), SingleClass(), Unsupervised(), PCAHasher(n_bits=6)]


@parametrize_with_hasher_checks(SOUND)
def test_sound_hashers_pass(estimator, check):
    check(estimator)


def test_all_checks_in_one_call():
    hasher = Sound(n_bits=4)
    check_hasher(hasher)
    assert set(vars(hasher)) == {"n_bits", "random_state", "settings"}
    with pytest.raises(AssertionError, match="not values > 0"):
        check_hasher(OtherThreshold())


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [pytest.param(*row, id=f"{row[0]}-{i}") for i, row in enumerate(BROKEN)],
)
def test_broken_hashers_fail(name, make, message):
    check = dict(hasher_checks(make()))[name]
    with pytest.raises(Exception, match=message):
        check()


def test_a_score_with_ties_by_position_fails(monkeypatch):
    def by_position(query_codes, query_labels, database_codes, database_labels, *, similarity, k):
        distances = (query_codes[:, np.newaxis] != database_codes).sum(axis=2)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return np.mean(database_labels[nearest] == query_labels[:, np.newaxis])

    check = dict(hasher_checks(Sound()))["check_database_order"]
    check()
    monkeypatch.setattr("skhash.metrics.mean_average_hierarchical_precision_score", by_position)
    with pytest.raises(AssertionError, match="with the database order"):
        check()


def test_every_check_has_something_that_fails_it():
    known = {name for hasher in SOUND for name, _ in hasher_checks(hasher)}
    assert known == {name for name, _, _ in BROKEN} | {"check_database_order"}


def test_checks_follow_tags_and_parameters():
    names = {type(hasher).__name__: set(dict(hasher_checks(hasher))) for hasher in SOUND}
    assert names["Sound"] - names["Unsupervised"] == {"check_label_types", "check_multilabel"}
    assert names["SingleClass"] - names["Sound"] == {"check_multilabel_refused"}
    assert names["Unsupervised"] - names["PCAHasher"] == {"check_seeds_differ"}


def test_a_class_is_refused():
    with pytest.raises(TypeError, match="instance, got the class PCAHasher"):
        check_hasher(PCAHasher)


class NoPandas:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":
            raise ImportError(name)


def test_skipped_checks_are_told(monkeypatch):
    # scikit-learn looks pandas up in sys.modules, so that it must not be found there at all
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoPandas(), *sys.meta_path])
    with pytest.warns(SkipTestWarning, match="was skipped: pandas is not installed") as skipped:
        check_hasher(PCAHasher(n_bits=4))
    names = [str(warning.message).split()[0] for warning in skipped]
    assert names == ["check_output_names", "check_input_names"]


def test_torch_is_found_wherever_it_hides():
    class Module(torch.nn.Linear):
        pass

    foreign = [torch.float32, torch.zeros(1), torch.nn.ReLU, Module(1, 1), torch.relu]
    assert all(is_of_package(item, "torch") for item in foreign)
    own = ["torch", 1, None, np.zeros(1), dict, len, Sound(), Sound]
    assert not any(is_of_package(item, "torch") for item in own)
    hidden = {"a": (1, [partial(max, key=torch.float16)])}
    assert any(item is torch.float16 for item in objects_within(hidden))


# ---------------------------------------------------------------------------- similarity targets

AGES = np.array([20.0, 35.0, 60.0, 35.0])


class Near(BaseEstimator):
    """A sound target: numbers are similar where they are near."""

    def __init__(self, scale=10.0):
        self.scale = scale

    def __call__(self, y_a, y_b):
        return self.compare(self.prepare(y_a), self.prepare(y_b))

    def prepare(self, y):
        return check_array(y, ensure_2d=False, ensure_min_samples=0, dtype=float)

    def compare(self, prepared_a, prepared_b):
        return np.exp(-np.abs(prepared_a[:, np.newaxis] - prepared_b) / self.scale)


class Lists(Near):
    def __call__(self, y_a, y_b):
        return super().__call__(y_a, y_b).tolist()


class Distances(Near):
    def __call__(self, y_a, y_b):
        return 1 - np.log(super().__call__(y_a, y_b))


class Nobody(Near):
    def __call__(self, y_a, y_b):
        return super().__call__(y_a, y_b) * 0.9


class Older(Near):
    def __call__(self, y_a, y_b):
        a, b = self.prepare(y_a), self.prepare(y_b)
        return (a[:, np.newaxis] >= b).astype(float)


class Ranks(Near):
    """Divides by what is there."""

    def __call__(self, y_a, y_b):
        values = super().__call__(y_a, y_b)
        return values / values.max(initial=1) if len(values) > 2 else values**2


class ByPlace(Near):
    def __call__(self, y_a, y_b):
        values = super().__call__(y_a, y_b)
        values[np.arange(len(values)) % 2 == 1] = 1
        return values


class NeedsLabels(Near):
    def prepare(self, y):
        return check_array(y, ensure_2d=False, dtype=float)


class Unprepared(Near):
    def compare(self, prepared_a, prepared_b):
        return super().compare(prepared_a, prepared_b) ** 2

    def __call__(self, y_a, y_b):
        return Near().__call__(y_a, y_b)


class ArraysOnly(Near):
    def __call__(self, y_a, y_b):
        return self.compare(self.prepare(y_a[:]), self.prepare(y_b[:]) + isinstance(y_b, list))


class TakesMissing(Near):
    def prepare(self, y):
        return np.nan_to_num(np.asarray(y, dtype=float))


class Sorts(Near):
    def __call__(self, y_a, y_b):
        values = super().__call__(y_a, y_b)
        np.asarray(y_b)[:1] += 1
        return values


class Remembers(Near):
    """Returns one array again and again."""

    kept = np.ones((4, 4))

    def __call__(self, y_a, y_b):
        values = super().__call__(y_a, y_b)
        if values.shape != self.kept.shape:
            return values
        self.kept *= values if self.kept.all() else 1
        return self.kept


class RewritesScale(Near):
    def __call__(self, y_a, y_b):
        self.scale = float(self.scale) + 1e-12
        return super().__call__(y_a, y_b)


class Counts(Near):
    def __call__(self, y_a, y_b):
        self.n_calls = getattr(self, "n_calls", 0) + 1
        return super().__call__(y_a, y_b)


class ForgetsScale(Near):
    def __setstate__(self, state):
        super().__setstate__({**state, "scale": 2.0})


BROKEN_TARGETS = [
    ("check_values", Lists, "no ndarray but list"),
    ("check_values", Distances, r"not in \[0, 1\]: 2.5"),
    ("check_self_similarity", Nobody, "similarity 0.9 with itself"),
    ("check_symmetry", Older, "order of the two sides changes the similarity by up to 1"),
    ("check_blocks", Ranks, "a block of labels changes"),
    ("check_blocks", ByPlace, "labels changes"),
    ("check_no_labels", NeedsLabels, "0 sample"),
    ("check_prepared", Unprepared, "to prepare the labels changes"),
    ("check_containers", ArraysOnly, "a list changes"),
    ("check_bad_labels_refused", TakesMissing, "a missing label does not raise"),
    ("check_labels_kept", Sorts, "changes the labels"),
    ("check_labels_kept", Remembers, "write into values returned before"),
    ("check_copies", RewritesScale, "rewrites scale"),
    ("check_copies", Counts, r"keeps \['n_calls'\]"),
    ("check_copies", ForgetsScale, "changes the similarity"),
]


@parametrize_with_similarity_checks([(Near(), AGES), (Near(scale=1), AGES.tolist())])
def test_a_sound_target_passes(check):
    check()


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [pytest.param(*row, id=f"{row[0]}-{row[1].__name__}") for row in BROKEN_TARGETS],
)
def test_broken_targets_fail(name, make, message):
    check = dict(similarity_checks(make(), AGES))[name]
    with pytest.raises(Exception, match=message):
        check()


def test_every_check_of_a_target_has_one_that_fails_it():
    assert dict(similarity_checks(Near(), AGES)).keys() == {name for name, *_ in BROKEN_TARGETS}


def test_a_function_needs_no_parameters():
    def near(y_a, y_b):
        return Near()(y_a, y_b)

    check_similarity(near, AGES)
    with pytest.raises(AssertionError, match="with itself"):
        check_similarity(lambda y_a, y_b: near(y_a, y_b) / 2, AGES)


@pytest.mark.parametrize(
    ("similarity", "y", "error", "message"),
    [
        (Near, AGES, TypeError, "similarity must be an instance that can be called"),
        ("auto", AGES, TypeError, "similarity must be an instance that can be called"),
        (Near(), AGES[:2], ValueError, "at least three labels"),
        (Near(), [1, 1, 1], ValueError, "not all alike"),
        (Near(), np.zeros((3, 2, 2)), ValueError, "one or two dimensions"),
    ],
)
def test_bad_examples_of_a_target_are_refused(similarity, y, error, message):
    with pytest.raises(error, match=message):
        check_similarity(similarity, y)
