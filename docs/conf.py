"""Configuration of the documentation; `make docs` builds it without a network."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path

from docutils import nodes

# The examples work on small matrices. Threads that wait for each other bring them nothing, and on a
# busy machine cost minutes. Set before NumPy is imported, or it is without effect.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# windows would wait for somebody to close them
os.environ.setdefault("MPLBACKEND", "agg")

import skhash

HERE = Path(__file__).parent
PACKAGES = (
    "skhash",
    "skhash.similarity",
    "skhash.metrics",
    "skhash.model_selection",
    "skhash.neighbors",
    "skhash.networks",
    "skhash.codebooks",
    "skhash.datasets",
    "skhash.distributed",
    "skhash.export",
    "skhash.feature_extraction",
    "skhash.utils.estimator_checks",
)

project = "skhash"
author = "the skhash developers"
project_copyright = author
version = release = skhash.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "matplotlib.sphinxext.plot_directive",
]
# figures from the runs that benchmarks keep
plot_basedir = str(HERE)
plot_formats = [("svg", 100)]
plot_html_show_formats = False
plot_html_show_source_link = False
exclude_patterns = ["_build", "benchmarks/*.md"]
templates_path = ["_templates"]
# a single backtick names an object, as it does in the docstrings
default_role = "py:obj"
nitpicky = False

html_theme = "furo"
html_title = f"skhash {release}"
html_copy_source = False
html_show_sphinx = False

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True

myst_enable_extensions = ["dollarmath", "substitution"]
# tables that the benchmarks have written, by the name of the script; see benchmarks.md
myst_substitutions = {
    script.stem: "*No table is kept here: run the command.*"
    for script in (HERE.parent / "benchmarks").glob("*.py")
} | {table.stem: table.read_text() for table in (HERE / "benchmarks").glob("*.md")}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "api/generated/backreferences",
    "doc_module": ("skhash",),
    "plot_gallery": "True",
    "abort_on_example_error": False,
    "remove_config_comments": True,
    "show_signature": False,
    "image_scrapers": ("matplotlib",),
}


def check_api_is_complete(app):
    """Warn of public names that no page of the reference lists."""
    from sphinx.util import logging

    listed = "\n".join(page.read_text() for page in (HERE / "api").glob("*.rst")).split()
    for package in PACKAGES:
        prefix = package.removeprefix("skhash").lstrip(".")
        for name in import_module(package).__all__:
            if name.startswith("__"):
                continue
            entry = f"{prefix}.{name}".lstrip(".")
            # what the top level only repeats is listed where it belongs
            if not any(item in (entry, name) or item.endswith(f".{name}") for item in listed):
                logging.getLogger(__name__).warning(
                    "%s.%s is in no page of docs/api", package, name
                )


def escape_trailing_underscores(app, what, name, obj, options, lines):
    """Keep the shape ``(n_features_in_,)`` of an attribute from being read as a reference."""
    lines[:] = [re.sub(r"(of shape \(\w+)_,", r"\1\\_,", line) for line in lines]


def unlink_cutoffs(app, doctree):
    """Keep ``HP@250`` and ``unseen@all`` from becoming addresses of electronic mail."""
    for reference in list(doctree.findall(nodes.reference)):
        if reference.get("refuri", "").startswith("mailto:"):
            reference.replace_self(reference.children)


def setup(app):
    app.connect("builder-inited", check_api_is_complete)
    app.connect("doctree-read", unlink_cutoffs)
    # after numpydoc, which rewrites the docstrings at the priority of 500
    app.connect("autodoc-process-docstring", escape_trailing_underscores, priority=600)
