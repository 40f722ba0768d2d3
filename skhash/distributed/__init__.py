"""Encode on a Dask cluster, out of memory: ``pip install 'skhash[distributed]'``."""

from skhash.distributed._codes import CodeParts, open_codes
from skhash.distributed._transform import transform

__all__ = ["CodeParts", "open_codes", "transform"]
