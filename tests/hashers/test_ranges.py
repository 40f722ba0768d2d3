"""X in any unit, about any mean: the same codes, or an error that says why not."""

from contextlib import nullcontext

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits

from skhash import hashers
from skhash._closed_form import components
from skhash.encoders import PosteriorEncoder, RelationalEncoder
from skhash.networks import resnet
from skhash.similarity import MultilabelSimilarity
from skhash.utils._checks._shared import fresh, raised

HASHERS = [getattr(hashers, name) for name in hashers.__all__ if name != "HashRetriever"]
GRADIENT = [hasher for hasher in HASHERS if "learning_rate" in hasher._get_param_names()]
SETTINGS = {"temperature": 0.85, "feature_weight": 1.0, "shrinkage": 0.5}
NAMES = [hasher.__name__ for hasher in HASHERS]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:200], y[:200]


def fitted(hasher, X, y, **parameters):
    hasher = hasher(n_bits=12)
    if "learning_rate" in hasher.get_params():
        parameters |= {"max_iter": 2, "batch_size": 64}
    if isinstance(hasher, hashers.SemanticHasher) and np.ndim(y) == 1:
        # what a trial chooses, of few rows, may magnify what rounding changes
        parameters = {"encoder": PosteriorEncoder(**SETTINGS)} | parameters
    return fresh(hasher, **parameters).fit(X, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exponent", [66, -76])
@pytest.mark.parametrize("hasher", HASHERS, ids=NAMES)
def test_a_power_of_two_as_unit_changes_nothing(hasher, exponent, dtype, digits):
    """Such units round nothing; their squares neither fit float32 nor are above 0 in it."""
    X, y = digits[0].astype(dtype), digits[1]
    expected = fitted(hasher, X, y).transform(X)
    X = np.ldexp(X, exponent)
    assert len(np.unique(expected, axis=0)) > 1
    np.testing.assert_array_equal(fitted(hasher, X, y).transform(X), expected)


@pytest.mark.parametrize("exponent", [66, -76])
@pytest.mark.parametrize(
    ("parameters", "labels"),
    [
        ({"metric": "euclidean"}, None),
        ({"similarity": MultilabelSimilarity()}, "indicators"),
        ({"encoder": RelationalEncoder()}, "classes"),
    ],
)
def test_other_ways_of_training_know_no_unit_either(parameters, labels, exponent, digits):
    X, y = digits
    hasher = hashers.KLBinaryHasher if labels is None else hashers.SemanticHasher
    y = {None: None, "classes": y, "indicators": np.eye(10, dtype=int)[y]}[labels]
    expected = fitted(hasher, X, y, **parameters).transform(X)
    X = np.ldexp(X, exponent)
    np.testing.assert_array_equal(fitted(hasher, X, y, **parameters).transform(X), expected)


def test_sparse_rows_in_a_large_unit(monkeypatch):
    monkeypatch.setattr(components, "DENSE_ELEMENTS", 0)
    X = sparse.random(200, 300, density=0.05, format="csr", random_state=0)
    expected = fitted(hashers.KLBinaryHasher, X, None).transform(X)
    X = X * 2.0**66
    np.testing.assert_array_equal(fitted(hashers.KLBinaryHasher, X, None).transform(X), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("hasher", HASHERS, ids=NAMES)
def test_a_large_mean_changes_nothing(hasher, dtype):
    """Whole numbers / 32 + 1024, and the means of 256 such, are not rounded even in float32."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:256].astype(dtype), y[:256]
    expected = fitted(hasher, X, y).transform(X)
    X = X / 32 + 1024
    np.testing.assert_array_equal(fitted(hasher, X, y).transform(X), expected)


def test_a_large_mean_changes_no_settings():
    X, y = load_digits(return_X_y=True)
    X, y = X[:256], y[:256]
    chosen = []
    for rows in (X, X / 32 + 1024):
        hasher = fitted(hashers.SemanticHasher, rows, y, encoder=PosteriorEncoder())
        chosen.append([getattr(hasher.encoder_, f"{name}_") for name in SETTINGS])
    assert chosen[0] == chosen[1] != list(SETTINGS.values())


@pytest.mark.parametrize("hasher", HASHERS, ids=NAMES)
def test_constant_rows_are_told(hasher):
    X, y = np.full((20, 4), 3.7), np.arange(20) % 2
    refused = hasher in (hashers.CCAITQHasher, hashers.SpectralHasher)
    outcome = pytest.raises(ValueError, match=r"^X must vary") if refused else nullcontext()
    with pytest.warns(UserWarning, match="X is the same for all samples"), outcome:
        codes = fitted(hasher, X, y, n_bits=2).transform(X)
    if not refused:
        assert len(np.unique(codes, axis=0)) == 1


def test_constant_images_and_sparse_rows_are_told():
    with pytest.warns(UserWarning, match="X is the same for all samples"):
        fitted(hashers.KLBinaryHasher, sparse.csr_array(np.ones((20, 4))), None)
    images = np.full((6, 8, 8, 1), 7, np.uint8)
    with pytest.warns(UserWarning, match="X is the same for all samples"):
        fitted(hashers.CSQHasher, images, [0, 1] * 3, network=resnet(8, 0.25))


@pytest.mark.parametrize("size", [1e35, 1e200, 1e-35, 1e-200])
@pytest.mark.parametrize("hasher", HASHERS, ids=NAMES)
def test_what_no_type_can_compute_is_refused(hasher, size, digits):
    """Numbers beyond float32 and within float64 are for the closed forms alone."""
    X, y = digits
    dtype = np.float64 if size < 1e-100 or size > 1e100 else np.float32
    with pytest.raises(ValueError, match=r"^X must (be within|vary by) "):
        fitted(hasher, (X * size).astype(dtype), y)


@pytest.mark.parametrize("hasher", GRADIENT)
def test_what_rounding_to_float32_levels_is_refused(hasher, digits):
    X, y = digits
    with pytest.raises(ValueError, match="X must vary by 1e-30 or more in float32"):
        fitted(hasher, X * 1e-3 + 1e9, y)


def test_what_rounding_to_float32_spoils_is_told(digits):
    X, y = digits
    with pytest.warns(UserWarning, match="float32.* keeps two digits or less"):
        fitted(hashers.CSQHasher, X * 1e-3 + 1000, y)


@pytest.mark.parametrize("hasher", GRADIENT)
def test_a_cell_that_float32_does_not_hold_is_refused(hasher, digits):
    X, y = digits
    hasher = fitted(hasher, X, y)
    X = X.copy()
    X[3, 5] = 1e39
    with pytest.raises(ValueError, match=r"X must be within 3.4e\+38.* up to 1e\+39"):
        hasher.transform(X)


@pytest.mark.parametrize("hasher", HASHERS, ids=NAMES)
def test_a_huge_cell_gives_finite_values_or_an_error(hasher, digits):
    X, y = digits
    hasher = fitted(hasher, X, y)
    for dtype in (np.float32, np.float64):
        rows = X.astype(dtype)
        rows[3, 5] = np.finfo(dtype).max / 2
        error = raised(ValueError, hasher.decision_function, rows)
        if error is not None:
            assert str(error).startswith("X ")
            continue
        values, others = hasher.decision_function(rows), np.arange(len(X)) != 3
        assert np.isfinite(values).all()
        np.testing.assert_array_equal(values[others] > 0, hasher.transform(X)[others])


def test_a_projection_beyond_float32_keeps_its_sign():
    X = np.random.RandomState(0).normal(size=(50, 4))
    hasher = hashers.RandomProjectionHasher(8, random_state=0, center=False).fit(X)
    values = hasher.decision_function(X * 1e100)
    np.testing.assert_array_equal(values > 0, hasher.transform(X))
    assert np.isfinite(values).all()


@pytest.mark.parametrize("hasher", HASHERS, ids=NAMES)
def test_codes_of_absurd_length_are_refused(hasher, digits):
    with pytest.raises(ValueError, match=r"'n_bits' parameter .*Got 1000000000"):
        hasher(n_bits=10**9).fit(*digits)


@pytest.mark.parametrize("hasher", HASHERS, ids=NAMES)
def test_masked_numbers_are_refused(hasher, digits):
    X, y = digits
    whole = fitted(hasher, X, y)
    X = np.ma.array(X, mask=X > 15)
    with pytest.raises(ValueError, match="X must have a number in each place"):
        fitted(hasher, X, y)
    with pytest.raises(ValueError, match="X must have a number in each place"):
        whole.transform(X)
