"""Checks of the codes: their form, their number of bits, what they depend on."""

from __future__ import annotations

import numpy as np

from skhash.utils._checks._shared import (
    N_FEATURES,
    N_SAMPLES,
    assert_codes,
    assert_raises,
    assert_same_values,
    fit,
    fresh,
    make_data,
    raised,
    rows_at_threshold,
)


def check_codes(estimator):
    """Codes are uint8 arrays of 0 and 1, one row a sample and one column a bit."""
    X, y = make_data()
    hasher = fresh(estimator)
    n_bits = hasher.get_params()["n_bits"]
    assert hasher.fit(X, y) is hasher, "fit does not return self"
    assert_codes(hasher.transform(X), N_SAMPLES, n_bits)
    assert_codes(hasher.transform(X[:1]), 1, n_bits)
    assert_codes(fresh(estimator).fit_transform(X, y), N_SAMPLES, n_bits)


def check_decision_function(estimator):
    """A bit is 1 where its real value is above 0."""
    X, _ = make_data()
    hasher = fit(estimator)
    values = hasher.decision_function(X)
    assert values.dtype == np.float32, f"values have dtype {values.dtype} instead of float32"
    assert np.all(np.isfinite(values)), "values are not finite"
    assert np.array_equal(hasher.transform(X), values > 0), "transform is not values > 0"


def check_n_bits(estimator):
    """Any number of bits works, a multiple of 8 or not; where it cannot, the error names it."""
    X, y = make_data(n_classes=2)
    for n_bits in (1, 7, 13):
        codes = fit(estimator, X, y, n_bits=n_bits).transform(X)
        assert_codes(codes, N_SAMPLES, n_bits)
    n_bits = 3 * N_FEATURES + 1
    hasher = fresh(estimator, n_bits=n_bits)
    error = raised(ValueError, hasher.fit, X, y)
    if error is None:
        assert_codes(hasher.transform(X), N_SAMPLES, n_bits)
    else:
        assert "n_bits" in str(error), f"n_bits={n_bits} raises without naming n_bits: {error}"


def check_n_bits_refused(estimator):
    """What is not a positive integer is refused by name before anything is done."""
    X, y = make_data()
    for n_bits in (0, -1, 1.5, "64", None):
        hasher = fresh(estimator, n_bits=n_bits)
        before = set(vars(hasher))
        what = f"n_bits={n_bits!r}"
        assert_raises((ValueError, TypeError), "n_bits", hasher.fit, X, y, what=what)
        assert set(vars(hasher)) == before, f"{what} raises only after work has begun"


def check_same_seed(estimator):
    """The same seed gives the same codes."""
    X, _ = make_data()
    first, second = (fit(estimator).transform(X) for _ in range(2))
    assert np.array_equal(first, second), "two fits with one seed give different codes"


def check_seeds_differ(estimator):
    """Other seeds give other codes: the seed is not ignored."""
    X, y = make_data()
    codes = [fit(estimator, X, y, n_bits=13, random_state=s).transform(X) for s in range(3)]
    assert any(not np.array_equal(codes[0], other) for other in codes[1:]), (
        "random_state changes nothing"
    )


def check_batches(estimator):
    """The code of a row does not depend on the rows beside it."""
    X, _ = make_data()
    hasher = fit(estimator)
    expected = hasher.decision_function(X)[:7]
    alone = np.concatenate([hasher.decision_function(X[i : i + 1]) for i in range(7)])
    assert_same_values(alone, expected, "rows encoded one by one")
    beside = hasher.decision_function(np.concatenate([X[:7], 100 * X]))[:7]
    assert_same_values(beside, expected, "rows encoded beside other rows")


def check_near_the_threshold(estimator):
    """However many rows are encoded at once, a bit is the same, even of values next to 0.

    Matrix products of other heights sum in another order. Rows at which a bit changes show it.
    """
    X, _ = make_data(np.float32)
    hasher = fit(estimator)
    rows = rows_at_threshold(hasher, X, n_pairs=500)
    expected = hasher.decision_function(rows)
    for height in (1, 2, 3, 7, 64, 1000):
        starts = range(0, min(len(rows), 40 * height), height)
        values = np.concatenate([hasher.decision_function(rows[i : i + height]) for i in starts])
        assert_same_values(values, expected[: len(values)], f"{height} rows at once")


def check_row_order(estimator):
    """Rows in another order get the same codes in that order."""
    X, _ = make_data()
    hasher = fit(estimator)
    order = np.random.RandomState(1).permutation(N_SAMPLES)
    values, expected = hasher.decision_function(X[order]), hasher.decision_function(X)[order]
    assert_same_values(values, expected, "rows in another order")


def check_database_order(estimator):
    """A score of the codes does not depend on the order of the database."""
    from skhash.metrics import mean_average_hierarchical_precision_score
    from skhash.similarity import LabelSimilarity

    X, y = make_data()
    hasher = fit(estimator)
    database = np.arange(20, N_SAMPLES)
    shuffled = np.random.RandomState(1).permutation(database)

    def score(rows):
        return mean_average_hierarchical_precision_score(
            hasher.transform(X[:20]),
            y[:20],
            hasher.transform(X[rows]),
            y[rows],
            similarity=LabelSimilarity(),
            k=10,
        )

    # sorted by class both ways, which is where ties broken by position show most
    orders = [shuffled, database[np.argsort(y[database])], database[np.argsort(-y[database])]]
    expected = score(database)
    for rows in orders:
        difference = abs(score(rows) - expected)
        assert difference < 1e-9, f"the score changes by {difference:.3g} with the database order"
