"""Small tables of any kind with labels of any kind: codes of the right form, or a clear refusal."""

import re
import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from skhash import hashers, load, save
from skhash.similarity import LabelSimilarity

HASHERS = [getattr(hashers, name) for name in hashers.__all__ if name != "HashRetriever"]
# what numpy, torch and Python say where nobody has looked before
VAGUE = re.compile(
    "broadcast|not aligned|truth value|mat1|must match the size|out of bounds|out of range|"
    "has no attribute|not supported between|unexpected keyword|positional argument|not iterable|"
    "unhashable|inhomogeneous|zero-size array|Singular matrix|did not converge|argmax of an empty"
)


@st.composite
def tables(draw):
    shape = draw(st.integers(1, 14)), draw(st.integers(1, 5))
    kind = draw(st.sampled_from(["normal", "few", "constant", "integer", "any", "float32"]))
    if kind == "any":
        return draw(npst.arrays(np.float64, shape, elements=st.floats(-1e30, 1e30)))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    X = random.normal(size=shape) * draw(st.sampled_from([1, 1e-20, 1e15]))
    if kind == "few":
        return X[random.integers(min(2, len(X)), size=len(X))]
    if kind == "constant":
        return np.full(shape, X[0, 0])
    if kind == "integer":
        return random.integers(-3, 4, size=shape)
    return X.astype(np.float32) if kind == "float32" else X


@st.composite
def labels(draw, n_samples):
    random = np.random.default_rng(draw(st.integers(0, 99)))
    n_classes = draw(st.integers(1, 5))
    numbers = random.integers(n_classes, size=n_samples)
    kinds = {
        "none": None,
        "numbers": numbers * 7 - 3,
        "bools": numbers % 2 == 0,
        "strings": np.array(["ant", "bee", "cat", "dög", ""])[numbers],
        "objects": np.array(["ant", "bee", "cat", "dög", ""], dtype=object)[numbers],
        "list": numbers.tolist(),
        "real": random.normal(size=n_samples),
        "column": numbers[:, None],
        "indicators": random.integers(2, size=(n_samples, n_classes)),
        "vectors": random.normal(size=(n_samples, n_classes)),
        "no labels": np.zeros((n_samples, 3), int),
        "too few": numbers[:-1],
        "too deep": numbers.reshape(-1, 1, 1),
    }
    return kinds[draw(st.sampled_from(sorted(kinds)))]


@st.composite
def cases(draw):
    X = draw(tables())
    options = {"n_bits": draw(st.integers(1, 6))}
    make = draw(st.sampled_from(HASHERS))
    names = make._get_param_names()
    if "similarity" in names:
        options["similarity"] = LabelSimilarity()
    if "max_iter" in names and "batch_size" in names:
        options |= {"max_iter": 1, "device": "cpu", "batch_size": draw(st.integers(1, 16))}
        options["early_stopping"] = draw(st.booleans())
        options["hidden_layer_sizes"] = draw(st.sampled_from([(), (3,)]))
    if "random_state" in names:
        options["random_state"] = draw(st.integers(0, 3))
    return make(**options), X, draw(labels(len(X)))


@given(cases())
def test_codes_or_a_clear_refusal(tmp_path_factory, case):
    hasher, X, y = case
    with warnings.catch_warnings():
        # constant X, early ends and classes of one sample are worth a warning, and are tried here
        warnings.simplefilter("ignore")
        try:
            codes = hasher.fit(X, y).transform(X)
        except (ValueError, TypeError) as error:
            refusal = str(error)
        else:
            refusal = None
    if refusal is not None:
        assert not VAGUE.search(refusal)
        return
    assert codes.dtype == np.uint8
    assert codes.shape == (len(X), hasher.n_bits)
    assert codes.max() <= 1
    np.testing.assert_array_equal(hasher.transform(X[:1]), codes[:1])
    path = tmp_path_factory.mktemp("saved") / "hasher"
    save(hasher, path)
    np.testing.assert_array_equal(load(path).transform(X), codes)
