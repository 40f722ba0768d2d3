"""What encoding on Dask needs."""

from __future__ import annotations

from skhash.utils._optional import import_optional


def require(*modules: str) -> None:
    """Raise ImportError that names the packages where one of the modules is missing."""
    for module in modules:
        import_optional(
            module, "skhash.distributed", "dask[array,dataframe,distributed]", "pyarrow"
        )
