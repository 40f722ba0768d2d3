"""What ``import skhash`` offers, and what it leaves for later."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import skhash


def run(source, *arguments):
    command = [sys.executable, "-c", source, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def public_packages():
    folder = Path(skhash.__file__).parent
    found = pkgutil.iter_modules([str(folder)])
    return [item.name for item in found if item.ispkg and not item.name.startswith("_")]


def test_the_import_alone_brings_nothing_heavy():
    loaded = run("import skhash, sys; hasattr(skhash, '__wrapped__'); print(*sys.modules)")
    assert "skhash" in loaded
    assert {"numpy", "scipy", "sklearn", "torch", "faiss"}.isdisjoint(loaded)


def test_hashers_are_imported_without_torch():
    loaded = run("import sys; from skhash import SemanticHasher; print(*sys.modules)")
    assert "sklearn" in loaded
    assert {"torch", "faiss"}.isdisjoint(loaded)


def test_every_package_after_the_import_alone():
    source = """
import sys
for name in sys.argv[1:]:
    # as new, since most packages import some others
    for module in [module for module in sys.modules if module.split(".")[0] == "skhash"]:
        del sys.modules[module]
    import skhash
    print(getattr(skhash, name).__name__)
"""
    names = public_packages()
    assert run(source, *names) == [f"skhash.{name}" for name in names]


def test_names_are_listed():
    listed = dir(skhash)
    assert set(public_packages()) <= set(listed)
    assert {*skhash.__all__, *skhash.hashers.__all__, "HashRetriever", "load"} <= set(listed)
    assert len(listed) == len(set(listed))
    assert all(hasattr(skhash, name) for name in listed)


def test_a_star_imports_the_public_names():
    names: dict[str, object] = {}
    exec("from skhash import *", names)
    assert set(skhash.__all__) <= set(names)
    assert names["ITQHasher"] is skhash.hashers.ITQHasher
    assert names["save"] is skhash.save


def test_unknown_names():
    with pytest.raises(AttributeError, match="'skhash' has no attribute 'ITQHashr'"):
        skhash.ITQHashr  # noqa: B018, the access is the test
    with pytest.raises(ImportError, match="ITQHashr"):
        from skhash import ITQHashr  # noqa: F401
