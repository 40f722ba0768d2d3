"""scikit-learn's checks and ours, on every hasher of the package; none is expected to fail."""

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys

import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.utils.estimator_checks import parametrize_with_checks

import skhash
from skhash import hashers
from skhash.base import BaseHasher
from skhash.encoders import RelationalEncoder
from skhash.hashers._gradient import GradientHasher
from skhash.utils.estimator_checks import parametrize_with_hasher_checks

SMALL_NETWORK = {"hidden_layer_sizes": (8,), "max_iter": 3, "batch_size": 32, "device": "cpu"}

# what the defaults do not cover; hashers that train a network and are not named get a small one
SETTINGS = {
    "ClassCodeHasher": [{}, {"estimator": LinearDiscriminantAnalysis()}],
    "DPNHasher": [{**SMALL_NETWORK, "codebook": "semantic"}],
    "OrthoHasher": [
        SMALL_NETWORK,
        {**SMALL_NETWORK, "network": "linear", "codebook": "semantic", "margin_type": "angular"},
    ],
    "RandomProjectionHasher": [{}, {"orthogonal": True, "center": False}],
    "SemanticHasher": [
        SMALL_NETWORK,
        {**SMALL_NETWORK, "network": "linear"},
        {**SMALL_NETWORK, "encoder": RelationalEncoder()},
    ],
}


def hasher_classes():
    """Find the hashers in the modules themselves, so that none is forgotten here or in __all__."""
    modules = [
        importlib.import_module(f"skhash.hashers.{module.name}")
        for module in pkgutil.iter_modules(hashers.__path__)
    ]
    return [
        member
        for module in modules
        for name, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, BaseHasher)
        and not inspect.isabstract(member)
        and member.__module__ == module.__name__
        and not name.startswith("_")
    ]


def default_settings(make):
    return SMALL_NETWORK if "hidden_layer_sizes" in make().get_params() else {}


def instances(n_bits):
    return [
        make(n_bits=n_bits, **settings)
        for make in hasher_classes()
        for settings in SETTINGS.get(make.__name__, [default_settings(make)])
    ]


# some of these checks have X of two columns, and no more than two principal components
@parametrize_with_checks(instances(n_bits=2))
def test_sklearn_checks(estimator, check):
    check(estimator)


# as they come; those that ask for principal components have them above, with few bits
DEFAULTS = [make() for make in hasher_classes() if make.__name__ not in ("PCAHasher", "ITQHasher")]


@parametrize_with_checks([made for made in DEFAULTS if not isinstance(made, GradientHasher)])
def test_sklearn_checks_of_defaults(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([made for made in DEFAULTS if isinstance(made, GradientHasher)])
def test_sklearn_checks_of_trained_defaults(estimator, check):
    check(estimator)


@parametrize_with_hasher_checks(instances(n_bits=6))
def test_hasher_checks(estimator, check):
    check(estimator)


def test_every_hasher_is_exported():
    names = {make.__name__ for make in hasher_classes()}
    assert set(SETTINGS) <= names
    assert names | {"HashRetriever"} == set(hashers.__all__)
    assert names <= set(skhash.__all__)


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("SCIPY_ARRAY_API") == "1", reason="the checks above had it")
def test_again_with_array_api():
    """The checks that are skipped without a variable, which scipy reads when it is imported."""
    command = [sys.executable, "-m", "pytest", __file__, "-q", "-m", "not slow"]
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=--import-mode=importlib"]
    run = subprocess.run(
        [*command, "-k", "array_api and not again", *options],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
    # scikit-learn skips its check of array API input where the variable is not set
    summary = run.stdout.splitlines()[-1]
    assert " passed" in summary
    assert "skipped" not in summary
