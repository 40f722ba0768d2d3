"""The distribution and its extras, and what messages tell people to install."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
# commands in messages and docstrings, whose packages may have extras, such as 'psycopg[binary]'
COMMAND = re.compile(r"pip install ((?:'?[a-z][\w.-]*(?:\[[\w,]+\])?'? ?)+)")


def requirements():
    listed = [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    return {re.match(r"[\w.-]+", line).group().lower() for line in listed}


def test_the_name_is_not_that_of_the_other_project():
    assert PROJECT["name"] == "scikit-hash"
    assert "skhash" not in requirements()


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_takes_in_others_by_the_name_of_the_distribution(extra):
    own = [line for line in EXTRAS[extra] if line.startswith("scikit-hash")]
    for line in own:
        names = re.fullmatch(r"scikit-hash\[([\w,]+)\]", line).group(1).split(",")
        assert set(names) <= set(EXTRAS) - {extra}


def test_messages_name_packages_that_an_extra_has():
    """`pip install skhash` would install another project."""
    found = {}
    for path in sorted((ROOT / "skhash").rglob("*.py")):
        text = path.read_text("utf-8")
        named = " ".join(COMMAND.findall(text)).replace("'", "").split()
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "import_optional":
                named += [each.value for each in call.args[2:] if isinstance(each, ast.Constant)]
        found.update({package.partition("[")[0]: path.name for package in named})
    assert {"faiss-cpu", "psycopg", "dask", "onnx", "pillow", "timm"} <= set(found)
    assert set(found) <= requirements(), found
