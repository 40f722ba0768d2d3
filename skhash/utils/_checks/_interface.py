"""Checks of what goes in and out, alone and among other estimators."""

from __future__ import annotations

from typing import Any
from unittest import SkipTest

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash.utils._checks._shared import (
    N_SAMPLES,
    assert_codes,
    assert_raises,
    assert_same_values,
    fit,
    fresh,
    make_data,
)


def check_float_width(estimator):
    """Features in float32 and float64 give nearly the same codes."""
    X, y = make_data(np.float32)
    codes, expected = (fit(estimator, X.astype(t), y).transform(X) for t in ("f4", "f8"))
    share = np.mean(codes == expected)
    assert share > 0.95, f"only {share:.0%} of the bits agree between float32 and float64"


def check_missing_values(estimator):
    """NaN in X is refused by name, in fit and in transform."""
    X, y = make_data()
    hasher = fit(estimator, X, y)
    X[3, 2] = np.nan
    assert_raises(ValueError, "NaN", fresh(estimator).fit, X, y, what="fit with NaN in X")
    assert_raises(ValueError, "NaN", hasher.transform, X, what="transform of NaN")


def check_not_fitted(estimator):
    """Before fit, encoding raises NotFittedError."""
    X, _ = make_data()
    hasher = fresh(estimator)
    for call in (hasher.transform, hasher.decision_function):
        what = f"{call.__name__} before fit"
        assert_raises(NotFittedError, "not fitted", call, X, what=what)
    assert_raises(
        NotFittedError, "not fitted", hasher.get_feature_names_out, what="names before fit"
    )


def check_output_names(estimator):
    """Every bit has a name, and codes come as a table on request."""
    pandas = _import_pandas()
    X, y = make_data()
    table = pandas.DataFrame(X, index=np.arange(N_SAMPLES) * 2).add_prefix("x")
    hasher = fit(estimator, table, y)
    names = hasher.get_feature_names_out().tolist()
    assert len(set(names)) == hasher.get_params()["n_bits"], f"there is a bit without name: {names}"
    codes = hasher.transform(table)
    output = hasher.set_output(transform="pandas").transform(table)
    assert output.columns.tolist() == names, f"columns are not the names: {output.columns}"
    assert output.index.equals(table.index), "the index of the table is lost"
    assert set(map(str, output.dtypes)) == {"uint8"}, f"columns have dtypes {set(output.dtypes)}"
    assert np.array_equal(output.to_numpy(), codes), "the table holds other codes"


def check_input_names(estimator):
    """The names of the columns of a table are kept, and checked later on."""
    pandas = _import_pandas()
    X, y = make_data()
    table = pandas.DataFrame(X).add_prefix("x")
    hasher = fit(estimator, table, pandas.Series(y))
    assert hasher.feature_names_in_.tolist() == table.columns.tolist(), "feature_names_in_ differs"
    expected = fit(estimator, X, y).transform(X)
    assert np.array_equal(hasher.transform(table), expected), "a table gives other codes"
    renamed = table.rename(columns={"x0": "other"})
    assert_raises(ValueError, "other", hasher.transform, renamed, what="another column name")


def _import_pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise SkipTest("pandas is not installed") from None
    return pandas


def check_pipeline(estimator):
    """In a pipeline the codes are those of the transformed features."""
    X, y = make_data()
    scaled = StandardScaler().fit_transform(X)
    expected = fit(estimator, scaled, y).decision_function(scaled)
    pipeline = make_pipeline(StandardScaler(), fresh(estimator)).fit(X, y)
    assert_codes(pipeline.transform(X), N_SAMPLES, estimator.get_params()["n_bits"])
    assert_same_values(pipeline.decision_function(X), expected, "in a pipeline")


def check_grid_search(estimator):
    """The number of bits can be searched."""
    X, y = make_data()
    search = GridSearchCV(
        fresh(estimator), {"n_bits": [2, 3]}, scoring=_n_columns, cv=2, error_score="raise"
    )
    search.fit(X, y)
    assert search.best_params_ == {"n_bits": 3}, f"n_bits=3 was not used: {search.cv_results_}"
    assert_codes(search.transform(X), N_SAMPLES, 3)


def _n_columns(estimator, X, y=None):
    return estimator.transform(X).shape[1]
