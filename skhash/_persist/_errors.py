"""What is raised for a saved model that cannot be loaded."""

from __future__ import annotations


class LoadError(ValueError):
    """A directory that `skhash.load` refuses: not a saved model, damaged, or not trusted."""

    # as users import it
    __module__ = "skhash"
