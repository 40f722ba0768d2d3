"""Encode out of memory, on a Dask cluster: needs the packages dask, distributed and pyarrow."""

from skhash.distributed._codes import CodeParts, open_codes
from skhash.distributed._transform import transform

__all__ = ["CodeParts", "open_codes", "transform"]
