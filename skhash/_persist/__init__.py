"""What is kept: directories of JSON and arrays, written whole, read without running their code."""

from skhash._persist._errors import LoadError
from skhash._persist._load import load
from skhash._persist._save import save

__all__ = ["LoadError", "load", "save"]
