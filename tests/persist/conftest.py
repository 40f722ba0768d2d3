"""Tools of these tests: comparison of all that an estimator keeps, manifests that are changed."""

import functools
import json
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from skhash import ITQHasher
from skhash._persist import _decode, save
from skhash._persist._manifest import MANIFEST, checksum
from skhash.similarity import Taxonomy
from skhash.utils._packing import PackedCodes


def _differences(a, b, place):
    """Where two values differ in type or content, with all that they are made of."""
    if type(a) is not type(b):
        yield f"{place}: {type(a)} became {type(b)}"
    elif isinstance(a, np.ndarray):
        yield from _array_differences(a, b, place)
    elif sparse.issparse(a):
        if a.shape != b.shape or a.dtype != b.dtype or abs(a - b).sum() != 0:
            yield f"{place}: {a!r} became {b!r}"
    elif isinstance(a, Taxonomy):
        if (a, a.nodes, a.edges, list(a.names)) != (b, b.nodes, b.edges, list(b.names)):
            yield f"{place}: {a!r} became {b!r}"
    elif isinstance(a, dict):
        if list(map(repr, a)) != list(map(repr, b)):
            yield f"{place}: keys {list(a)} became {list(b)}"
        for (key, one), other in zip(a.items(), b.values()):
            yield from _differences(one, other, f"{place}[{key!r}]")
    elif isinstance(a, (list, tuple)):
        if len(a) != len(b):
            yield f"{place}: {len(a)} became {len(b)}"
        for i, (one, other) in enumerate(zip(a, b)):
            yield from _differences(one, other, f"{place}[{i}]")
    elif isinstance(a, np.random.RandomState):
        yield from _differences(a.get_state(legacy=False), b.get_state(legacy=False), place)
    elif isinstance(a, functools.partial):
        yield from _differences(
            [a.func, a.args, a.keywords], [b.func, b.args, b.keywords], f"{place}()"
        )
    elif isinstance(a, BaseEstimator):
        yield from _member_differences(a.__getstate__(), b.__getstate__(), place)
    elif isinstance(a, PackedCodes):
        yield from _differences([a.data, a.n_bits], [b.data, b.n_bits], place)
    elif isinstance(a, float):
        if np.float64(a).tobytes() != np.float64(b).tobytes() and not (a != a and b != b):
            yield f"{place}: {a!r} became {b!r}"
    elif isinstance(a, np.generic):
        yield from _array_differences(np.asarray(a), np.asarray(b), place)
    elif a != b and not (a != a and b != b):
        yield f"{place}: {a!r} became {b!r}"


def _member_differences(a, b, place):
    if set(a) != set(b):
        yield f"{place}: attributes {sorted(a)} became {sorted(b)}"
    for name in set(a) & set(b):
        yield from _differences(a[name], b[name], f"{place}.{name}")


def _array_differences(a, b, place):
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        yield f"{place}: {a.dtype} {a.shape} became {b.dtype} {b.shape}"
    elif a.flags.forc and a.flags.c_contiguous != b.flags.c_contiguous:
        yield f"{place}: the order in memory changed"
    elif a.dtype.kind == "O":
        yield from _differences(a.ravel().tolist(), b.ravel().tolist(), place)
    elif a.tobytes() != b.tobytes():
        yield f"{place}: the values changed"


@pytest.fixture(scope="session")
def assert_same():
    """A function that compares two values down to dtypes, memory order and the sign of zero."""

    def check(a, b):
        assert not list(_differences(a, b, type(a).__name__))

    return check


@pytest.fixture(scope="session")
def data():
    """Features, and labels as strings and as numbers."""
    X, y = make_blobs(60, n_features=10, centers=4, random_state=0)
    return X, np.array(["ant", "bee", "cat", "dög"])[y], y + 7


@pytest.fixture
def change_manifest():
    """A function that changes the manifest of a saved model as one would who knows the format."""

    def change(path, edit):
        content = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        edit(content)
        content["sha256"] = checksum(content)
        (path / MANIFEST).write_text(json.dumps(content), encoding="utf-8")

    return change


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    """A function that makes a module of source text that can be imported; it returns the name."""
    made = []

    def make(source, name="users_targets"):
        *packages, module = name.split(".")
        folder = tmp_path.joinpath("code", *packages)
        folder.mkdir(parents=True, exist_ok=True)
        for depth in range(len(packages)):
            tmp_path.joinpath("code", *packages[: depth + 1], "__init__.py").touch()
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path / "code")
        made.append(name)
        return name

    yield make
    for name in made:
        for known in [known for known in sys.modules if known.startswith(name.split(".")[0])]:
            del sys.modules[known]


@pytest.fixture
def model(tmp_path):
    X = np.random.RandomState(0).randn(30, 6)
    path = tmp_path / "model"
    save(make_pipeline(PCA(5), ITQHasher(n_bits=3, random_state=0)).fit(X), path)
    return path


@pytest.fixture
def nothing_is_made(monkeypatch, request):
    """No test that asks for this may get as far as making an object, but those that say so."""
    made = []
    original = _decode.make

    def make(kind, state):
        made.append(kind)
        return original(kind, state)

    monkeypatch.setattr(_decode, "make", make)
    yield made
    if "objects_may_be_made" not in request.fixturenames:
        assert not made


@pytest.fixture
def objects_may_be_made():
    """What is refused here is found only when the values themselves are made."""
