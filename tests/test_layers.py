"""Imports run one way: a package knows those before it in the order that CONTRIBUTING.md states."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import skhash

ROOT = Path(skhash.__file__).parent
CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"
# what stands for all of them: the checks run what they check, and the top offers everything
ABOVE_ALL = {"skhash", "skhash.utils.estimator_checks", "skhash.utils._checks"}


def stated_order():
    """Names between arrows, in the line that begins with the first of them."""
    line = re.search(r"^`utils` → .*$", CONTRIBUTING.read_text(encoding="utf-8"), re.M)
    return re.findall(r"`(\w+)`", line[0])


def module_name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in ROOT.rglob("*.py")}


def imports(module, *, inside_functions):
    """Modules of skhash that a module imports, at its top or anywhere."""
    path = MODULES[module]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree) if inside_functions else tree.body:
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(filter(None, [start, node.module]))
            # a name is a module where there is one of it
            found = [
                name if (name := f"{base}.{alias.name}") in MODULES else base
                for alias in node.names
            ]
        else:
            continue
        yield from (name for name in found if name in MODULES)


def package_of(module):
    return module.split(".")[1] if "." in module else ""


def is_above_all(module):
    return any(module == name or module.startswith(name + ".") for name in ABOVE_ALL - {"skhash"})


def test_every_package_has_its_place():
    assert set(stated_order()) == {package_of(module) for module in MODULES} - {""}


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"skhash"}))
def test_imports_run_down(module):
    if is_above_all(module):
        return
    place = stated_order().index
    for name in imports(module, inside_functions=True):
        if name != "skhash":  # for its version
            assert not is_above_all(name) or module == "skhash.utils", f"{module} imports {name}"
            assert place(package_of(name)) <= place(package_of(module)), f"{module} imports {name}"


def test_no_module_imports_itself_by_way_of_others():
    graph = {module: set(imports(module, inside_functions=False)) for module in MODULES}
    del graph["skhash"]
    for names in graph.values():
        names.discard("skhash")
    # raises CycleError, which names the circle
    list(TopologicalSorter(graph).static_order())
