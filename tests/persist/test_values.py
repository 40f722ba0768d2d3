"""Any value that a parameter or attribute may have comes back equal and of the same type."""

import functools
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.preprocessing import FunctionTransformer

from skhash._persist import load, save
from skhash.similarity import Taxonomy, load_taxonomy


def round_trip(value, path, **options):
    # any estimator will do: this one keeps what it is given
    save(FunctionTransformer(kw_args=value), path, overwrite=path.exists())
    return load(path, **options).kw_args


numbers = npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
dtypes = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(endianness="?"),
    npst.floating_dtypes(sizes=(16, 32, 64), endianness="?"),
    npst.unicode_string_dtypes(endianness="?", min_len=1, max_len=5),
    npst.byte_string_dtypes(min_len=1, max_len=5),
)
arrays = npst.arrays(dtypes, numbers)
text = st.text(st.characters(exclude_categories=["Cs"]))
# a scalar is written as JSON has it, which has no bytes and no numbers beyond 64 bits
scalars = dtypes.flatmap(npst.from_dtype).filter(
    lambda value: (
        isinstance(value, np.generic)
        and not isinstance(value, bytes)
        and not (isinstance(value, np.integer) and value > 2**63 - 1)
    )
)
integers = st.integers(-(2**63), 2**63 - 1)
atoms = st.one_of(
    st.none(),
    st.booleans(),
    integers,
    st.floats(),
    text,
    scalars,
    arrays,
    arrays.map(np.asfortranarray),
    dtypes,
    st.sampled_from([int, float, str, object, np.float32, np.str_]),
    st.builds(slice, integers, st.none(), integers),
)
keys = st.one_of(text, integers, st.booleans(), st.tuples(text, integers), st.none())
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(text, inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4),
    ),
    max_leaves=8,
)


@given(value=values)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_values(value, tmp_path, assert_same):
    assert_same(value, round_trip(value, tmp_path / "model"))


def _object_array(items, shape):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array.reshape(shape)


@pytest.mark.parametrize(
    "value",
    [
        [-0.0, 0.0, np.inf, -np.inf, np.nan, 5e-324, 1e308, 0.1],
        [2**63 - 1, -(2**63)],
        {"dict": {"callable": "os:system"}, "array": [{"object": 0}], "class": {"pairs": []}},
        {1: "int", "1": "str", 1.5: "float", (1, ("a",)): "tuple", None: "none"},
        {np.int64(3): np.float32(0.1), np.str_("a"): np.bool_(True)},
        [slice(None, 3), slice(1, None, 2)],
        _object_array(["a", 1, None, [1, 2], (3,), 0.5], (2, 3)),
        _object_array([[1, 2], [3, 4]], (2,)),
        np.array(["", "a\x00b", "🐝"]),
        np.array([b"", b"a\x00b"]),
        np.empty((0, 3)),
        np.empty((3, 0), dtype="U4"),
        np.zeros((2, 3, 4))[:, ::-1],
        np.broadcast_to(np.float32(2), (3, 4)),
        np.dtype("O"),
        [np.log1p, np.mean, np.linalg.norm, {}],
        functools.partial(np.linalg.norm, ord=1),
        Taxonomy({("x", 1): "b", 2: ["b", "c"], "c": "a", "b": "a"}),
        load_taxonomy("imagenet1k"),
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_corners(value, tmp_path, assert_same):
    trusted = ["numpy", "numpy.linalg"]
    assert_same(value, round_trip(value, tmp_path / "model", trusted=trusted))


@pytest.mark.parametrize("kind", ["csr", "csc"])
@pytest.mark.parametrize("container", ["array", "matrix"])
def test_sparse(kind, container, tmp_path, assert_same):
    dense = np.kron(np.array([[1, 0, 2], [0, 3, 0]]), np.eye(2)).astype(np.float32)
    value = getattr(sparse, f"{kind}_{container}")(dense)
    loaded = round_trip({"value": value}, tmp_path / "model")["value"]
    assert_same(value, loaded)
    assert np.array_equal((loaded @ np.arange(6)), dense @ np.arange(6))


def test_random_states_go_on(tmp_path):
    old = np.random.RandomState(3)
    old.randn(3)
    loaded = round_trip([old], tmp_path / "model")
    assert np.array_equal(loaded[0].randn(700), old.randn(700))


def test_what_is_one_object_stays_one(tmp_path):
    array, text = np.arange(3), ["a"]
    value = round_trip({"a": array, "b": [array], "c": array.copy(), "d": text}, tmp_path / "model")
    assert value["a"] is value["b"][0]
    assert value["a"] is not value["c"]
    table = json.loads((tmp_path / "model" / "manifest.json").read_text())["arrays"]
    assert len(table) == 2


def test_the_same_estimator_gives_the_same_files(tmp_path):
    words = [f"word {i}" for i in range(50)]
    for name in ("one", "two"):
        save(FunctionTransformer(kw_args={"words": np.array(words, dtype=object)}), tmp_path / name)
    for file in ("manifest.json", "arrays.safetensors"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def _local_function():
    def local():
        """Found under no name."""

    return local


def _local_estimator():
    class Local(BaseEstimator):
        """Found under no name."""

    return Local()


def _holding_itself():
    estimator = FunctionTransformer()
    estimator.kw_args = {"me": [estimator]}
    return estimator.kw_args


def _deep(n):
    value = 0
    for _ in range(n):
        value = [value]
    return value


class _WithSlots:
    __slots__ = ("a",)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({"f": lambda x: x}, TypeError, r"kw_args\.f .*<lambda>"),
        ([_local_function()], TypeError, r"kw_args\[0\] .*no name to import it by"),
        (_local_estimator(), TypeError, "kw_args .*no name to import it by"),
        ("\ud800", ValueError, "not valid text"),
        (np.ma.masked_array([1, 2], [0, 1]), TypeError, "MaskedArray"),
        (np.zeros(3, dtype=np.longdouble), TypeError, "dtype"),
        (np.zeros(3, dtype="i4,f4"), TypeError, "dtype"),
        (np.longdouble(1), TypeError, "dtype"),
        (np.random.RandomState(np.random.Philox(0)), TypeError, "Philox"),
        (np.random.default_rng(0), TypeError, "Generator"),
        ({"a", "b"}, TypeError, r"builtins\.set"),
        (2**63, TypeError, r"builtins\.int"),
        (np.array(["a"], dtype=np.dtypes.StringDType()), TypeError, "dtype StringDType"),
        (np.datetime64("2026-11-21T09:00"), TypeError, "dtype"),
        (np.zeros(3, dtype=complex), TypeError, "dtype"),
        ({frozenset("a"): 1}, TypeError, r"builtins\.frozenset"),
        ("text".upper, TypeError, "no name"),
        (FunctionTransformer().fit, TypeError, "the method fit"),
        (_WithSlots(), TypeError, "attributes alone"),
        (_deep(200), ValueError, "deep"),
        (_holding_itself(), ValueError, "part of"),
    ],
    ids=lambda value: None if isinstance(value, (str, type)) else type(value).__name__,
)
def test_what_cannot_be_saved_is_named(value, error, message, tmp_path):
    with pytest.raises(error, match=message):
        save(FunctionTransformer(kw_args=value), tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_tensors_and_frames_are_refused(tmp_path):
    torch = pytest.importorskip("torch", reason="torch comes with skhash")
    pandas = pytest.importorskip("pandas", reason="pandas is for tests")
    with pytest.raises(TypeError, match=r"kw_args\.weight .*torch\.Tensor"):
        save(FunctionTransformer(kw_args={"weight": torch.zeros(2)}), tmp_path / "model")
    with pytest.raises(TypeError, match="NumPy array instead"):
        save(FunctionTransformer(kw_args=pandas.Series([1, 2])), tmp_path / "model")


@pytest.mark.parametrize("thing", [None, 3, FunctionTransformer, load_taxonomy("cifar100")])
def test_only_estimators_are_saved(thing, tmp_path):
    with pytest.raises(TypeError, match="must be an estimator or packed codes"):
        save(thing, tmp_path / "model")
