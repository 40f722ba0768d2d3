"""Saving an estimator as a directory."""

from __future__ import annotations

import os
from pathlib import Path

from sklearn.base import BaseEstimator

from skhash._persist._encode import Encoder
from skhash._persist._manifest import MANIFEST, make_manifest
from skhash._persist._write import check_target, write_directory, write_tensors


def save(estimator, path, *, overwrite=False) -> None:
    """Save an estimator as a directory of JSON and arrays, which `load` reads without pickle.

    Parameters
    ----------
    estimator : BaseEstimator
        A hasher, fitted or not, or any other estimator of skhash; or one of scikit-learn that
        keeps its state in attributes, such as a `~sklearn.pipeline.Pipeline` around a hasher.
    path : str or os.PathLike
        The directory to make. Its parent must exist.
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
    FileNotFoundError
        If the parent of `path` does not exist.

    See Also
    --------
    load : The way back.

    Notes
    -----
    The directory is written under another name beside `path`, flushed to the disk, and renamed
    once it is complete. A save that fails leaves what was at `path` as it was, and nothing else.
    To replace a model takes two renames: a machine that loses power between them has the old model
    under a hidden name beside `path`, which ends in ".old".

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
    if not isinstance(estimator, BaseEstimator) or isinstance(estimator, type):
        raise TypeError(f"estimator must be an estimator, got {estimator!r}")
    # absolute, so that it has a parent; links are not followed, for a link is not replaced
    target = Path(os.path.abspath(path))
    check_target(target, overwrite)
    encoder = Encoder()
    encoder.encode(estimator, type(estimator).__name__)

    def fill(directory):
        files = write_tensors(directory, encoder.tensors)
        manifest = make_manifest(encoder.objects, encoder.arrays, files)
        (directory / MANIFEST).write_bytes(manifest)

    write_directory(target, fill)
