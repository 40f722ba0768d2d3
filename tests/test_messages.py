"""Errors have one style: lower case unless they begin with a name, and no full stop.

A message goes on after a colon or a semicolon rather than in a second sentence.
"""

import ast
import re
from pathlib import Path

import pytest

import skhash

ROOT = Path(skhash.__file__).parent
CLASSES = {
    node.name
    for path in ROOT.rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.ClassDef)
}


def written(node):
    """The text of a message, with braces for values; None where none of it is written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            getattr(value, "value", "") if isinstance(value, ast.Constant) else "{}"
            for value in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = written(node.left), written(node.right)
        return None if left is None and right is None else f"{left or '{}'}{right or '{}'}"
    return None


def is_error(function):
    name = getattr(function, "attr", None) or getattr(function, "id", "")
    return name.endswith("Error")


def messages(source):
    """Lines and messages of the errors that a module makes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and is_error(node.func):
            text = written(node.args[0])
            if text is not None:
                yield node.lineno, text


def fault(text):
    """What is wrong with a message, or None."""
    first = re.match(r"[A-Z][a-z]+\b", text)
    if first and first[0] not in CLASSES:
        return "begins with a capital letter"
    if text.endswith(".") and not text.endswith("..."):
        return "ends with a full stop"
    if re.search(r"[^.]\. +[A-Z{]", text):
        return "has two sentences"
    return None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("n_bits must be positive, got 0", None),
        ("X has shape {}, but one row is needed; got similarity=...", None),
        ("Taxonomy cannot be changed", None),
        ("Wrong number of bits", "begins with a capital letter"),
        ("n_bits must be positive.", "ends with a full stop"),
        ("the images differ in size. Say which it is", "has two sentences"),
    ],
)
def test_faults_are_found(text, wrong):
    assert fault(text) == wrong


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_errors_have_one_style(path):
    source = path.read_text(encoding="utf-8")
    faults = [
        f"line {line} {wrong}: {text}" for line, text in messages(source) if (wrong := fault(text))
    ]
    assert not faults, "\n".join(faults)
