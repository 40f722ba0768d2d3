"""Arrays of any form hold the same numbers: every function of skhash.metrics gives the same."""

import inspect

import numpy as np
import pandas as pd
import pytest

from skhash import metrics
from skhash.similarity import PrecomputedSimilarity

FUNCTIONS = [
    name
    for name in metrics.__all__
    if inspect.isfunction(getattr(metrics, name)) and not name.startswith("get_scorer")
]
TARGET = PrecomputedSimilarity(np.array([[1, 0.5, 0], [0.5, 1, 0.25], [0, 0.25, 1]]), range(3))
#: Arguments that hold numbers, and the range of what tests give them, in eighths.
NUMBERS = {
    "codes": None,
    "query_codes": None,
    "database_codes": None,
    "outputs": (1, 8),
    "P": (-16, 17),
    "Q": (-16, 17),
    "values": (-16, 17),
    "query_values": (-16, 17),
    "database_values": (-16, 17),
}


def strided(array):
    wide = np.zeros((2 * array.shape[0], 3 * array.shape[1]), array.dtype)
    wide[::2, ::3] = array
    return wide[::2, ::3]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def memory_mapped(array, path):
    np.save(path, array)
    return np.load(path, mmap_mode="r")


def polars_frame(array):
    polars = pytest.importorskip("polars")
    return polars.DataFrame(array, schema=[f"bit{i}" for i in range(array.shape[1])])


FORMS = {
    "Fortran": np.asfortranarray,
    "strided": strided,
    "backwards": lambda array: array[::-1].copy()[::-1],
    "read-only": read_only,
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "big-endian floats": lambda array: array.astype(">f8"),
    "float16": lambda array: array.astype(np.float16),
    "masked, but nothing is": np.ma.array,
    "list": lambda array: array.tolist(),
    "pandas": pd.DataFrame,
    "polars": polars_frame,
}


def arguments_of(function):
    """Keyword arguments of a call, those of numbers as C-contiguous arrays."""
    random = np.random.default_rng(0)
    fixed = {
        "labels": np.arange(60) % 3,
        "query_labels": np.arange(60) % 3,
        "database_labels": np.arange(60) % 3,
        "k": 5,
        "random_state": 0,
        "similarity": TARGET,
        "score": metrics.mean_average_precision_score,
    }
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in NUMBERS:
            limits = NUMBERS[name]
            if limits is None:
                found[name] = random.integers(2, size=(60, 13)).astype(np.uint8)
            else:
                found[name] = random.integers(*limits, size=(60, 13)) / 8
        elif name in fixed and (parameter.default is parameter.empty or name.endswith("labels")):
            found[name] = fixed[name]
        elif name == "random_state":
            found[name] = 0
    return found


def in_form(arguments, form):
    return {name: form(value) if name in NUMBERS else value for name, value in arguments.items()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_forms(name, form):
    function = getattr(metrics, name)
    arguments = arguments_of(function)
    found = function(**in_form(arguments, FORMS[form]))
    # what is rounded less or more: float16 is computed in float32
    assert_close(found, function(**arguments))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_memory_maps(name, tmp_path):
    function = getattr(metrics, name)
    arguments = arguments_of(function)
    found = {
        key: memory_mapped(value, tmp_path / f"{key}.npy") if key in NUMBERS else value
        for key, value in arguments.items()
    }
    assert_close(function(**found), function(**arguments))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_masked_numbers_are_refused(name):
    function = getattr(metrics, name)
    arguments = arguments_of(function)

    def masked(array):
        mask = np.zeros(array.shape, bool)
        mask[3, 2] = True
        return np.ma.array(array, mask=mask)

    with pytest.raises(ValueError, match="masked"):
        function(**in_form(arguments, masked))


def assert_close(found, expected):
    if isinstance(expected, metrics.RetrievalReport):
        found, expected = dict(found), dict(expected)
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_close(found[key], value)
    elif isinstance(expected, tuple):
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
