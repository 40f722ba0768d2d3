"""Saving an estimator as a directory."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import save_file
from sklearn.base import BaseEstimator

from skhash._persist._encode import Encoder
from skhash._persist._errors import LoadError
from skhash._persist._files import file_checksum, open_model
from skhash._persist._manifest import ARRAYS, FORMAT, MANIFEST, make_manifest
from skhash._persist._objects import is_own_value_class
from skhash._persist._write import write_directory
from skhash.utils._locks import reading


def save(estimator, path, *, overwrite=False) -> None:
    """Save an estimator as a directory of JSON and arrays, which `load` reads without pickle.

    Parameters
    ----------
    estimator : BaseEstimator or PackedCodes
        A hasher, fitted or not, an index, or any other estimator of skhash; or one of scikit-learn
        that keeps its state in attributes, such as a `~sklearn.pipeline.Pipeline` around a hasher;
        or packed codes.
    path : str or os.PathLike
        The directory to make, and its parents where they are missing.
    overwrite : bool, default=False
        Whether to replace a model that was saved there. Anything else is never replaced.

    Raises
    ------
    TypeError
        If it is not an estimator; or if a parameter or attribute cannot be saved, naming it. A
        function or class must be found under its name in a module: a lambda, a local function
        or one of ``__main__`` is not.
    ValueError
        If there is something else at `path` than a saved model, with ``overwrite=True``; or if
        the estimator contains itself, or is nested too deeply.
    FileExistsError
        If there is anything at `path`, with ``overwrite=False``.
    OSError
        If it cannot be written, on a full disk for instance.

    See Also
    --------
    load : The way back.

    Notes
    -----
    The directory is written under another name beside `path`, flushed to the disk, and moved once
    it is complete. A save that fails or is interrupted leaves what was at `path` as it was. To
    replace a model, the two directories change places in one call of the system (Linux, on most
    file systems): at every moment the old or the new one is at `path`. Elsewhere that takes two
    renames; a process that is killed between them leaves the old one in a hidden directory beside
    `path`, and `load` says where. What killed saves leave behind is removed by the next save to the
    same path.

    Parameters, fitted attributes, types and the memory order of arrays are kept, so that the
    loaded estimator gives the same codes bit for bit. Callbacks set on it are left out.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_digits
    >>> import skhash
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = skhash.ITQHasher(n_bits=16, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skhash.save(hasher, Path(folder) / "digits")
    ...     loaded = skhash.load(Path(folder) / "digits")
    >>> bool((loaded.transform(X) == hasher.transform(X)).all())
    True
    """
    if not isinstance(estimator, BaseEstimator) and not is_own_value_class(type(estimator)):
        raise TypeError(f"estimator must be an estimator or packed codes, got {estimator!r}")
    encoder = Encoder()
    # another thread may change an index
    reading(encoder.encode)(estimator, type(estimator).__name__)

    def fill(directory):
        record = _write_arrays(directory / ARRAYS, encoder.tensors)
        manifest = make_manifest(encoder.objects, encoder.arrays, {ARRAYS: record})
        (directory / MANIFEST).write_bytes(manifest)

    # absolute, so that it has a parent; links are not followed, for a link is not replaced
    write_directory(Path(os.path.abspath(path)), fill, partial(_check_target, overwrite=overwrite))


def _write_arrays(path, tensors):
    """Write the file of arrays, and return what the manifest says of it."""
    path.touch()
    usual = path.stat().st_mode
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        # as what failed, a full disk for instance, is called elsewhere
        raise OSError(f"{path} could not be written: {error}") from error
    # safetensors makes files that nobody else may read
    path.chmod(usual)
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": file_checksum(file)}


def _check_target(path, overwrite):
    """Refuse a path that a model cannot be saved at."""
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise FileExistsError(f"{path} exists; overwrite=True replaces a model saved there")
    if not _is_saved_model(path):
        raise ValueError(
            f"{path} is not overwritten: it is not, or not only, a model that skhash.save wrote"
        )


def _is_saved_model(path):
    try:
        with ExitStack() as closing:
            content = json.loads(open_model(path, closing)[0].read())
        names = {entry.name for entry in path.iterdir()}
    except (LoadError, OSError, ValueError, RecursionError):
        return False
    is_model = isinstance(content, dict) and content.get("format") == FORMAT
    return is_model and names <= {MANIFEST, ARRAYS} and not path.is_symlink()
