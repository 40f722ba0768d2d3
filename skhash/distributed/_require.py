"""What the extra brings."""

from __future__ import annotations

from importlib import import_module


def require(*modules: str) -> None:
    """Raise ImportError that names the extra where one of the modules is missing."""
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            raise ImportError(
                f"skhash.distributed needs {module}: "
                "pip install 'dask[array,dataframe,distributed]' pyarrow"
            ) from error
