"""Loading an estimator that was saved as a directory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from skhash._persist._decode import decode
from skhash._persist._manifest import ARRAYS, MANIFEST, describe, read_manifest
from skhash._persist._names import Trust
from skhash._persist._read import check_directory, check_file, read_arrays


def load(path, *, trusted: Iterable[str] = (), mmap=False) -> Any:
    """Load an estimator that `save` wrote.

    The files are checked before anything is made of them. Of the code that they name, only
    the estimators of skhash and scikit-learn are used, and what `trusted` allows.

    Parameters
    ----------
    path : str or os.PathLike
        The directory.
    trusted : iterable of str, default=()
        Modules whose classes and functions the model may use besides: ``"project.targets"`` for
        one module, ``"project."`` for a package and all that is below it. They are imported if
        the model names them. Trust what you would import yourself.
    mmap : bool, default=False
        Whether arrays stay in the file, read as they are used and shared between processes.
        They cannot be written to, and the file must stay.

    Returns
    -------
    estimator : BaseEstimator
        As it was saved.

    Raises
    ------
    LoadError
        A ValueError. If `path` is not a saved model, or one of a newer format; if its files are
        incomplete, damaged, or links; or if it refers to code that is not trusted, not installed,
        or has other parameters. It says which.
    FileNotFoundError
        If there is nothing at `path`.
    TypeError, ValueError
        If `trusted` does not hold names of modules.

    See Also
    --------
    save : The way there.

    Notes
    -----
    The checksums find damage, not malice: who can change the files can change the checksums.
    Against malice stands what is *not* done: no pickle is read, no function is called, and no
    module is imported, that the files choose. A file can still hold any parameters and numbers,
    so a model from a stranger may give wrong codes, use much memory, or crash native code.

    Parameters that a class has gained since the model was saved get their defaults. A model that
    was trained on CUDA encodes on the CPU where there is none.

    Examples
    --------
    A function as a parameter is saved by its name, and loaded where its module is trusted:

    >>> import tempfile
    >>> from sklearn.metrics.pairwise import rbf_kernel
    >>> import skhash
    >>> hasher = skhash.SemanticHasher(n_bits=16, similarity=rbf_kernel)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skhash.save(hasher, folder + "/model")
    ...     loaded = skhash.load(folder + "/model", trusted=["sklearn.metrics.pairwise"])
    >>> loaded.similarity is rbf_kernel
    True
    """
    trust = Trust(trusted)
    path = Path(path)
    check_directory(path)
    manifest = read_manifest(path / MANIFEST)
    check_file(path / ARRAYS, manifest["files"][ARRAYS])
    specs = manifest["arrays"]
    make_model = decode(manifest["objects"], specs, trust, describe(manifest["saved_by"]))
    return make_model(read_arrays(path / ARRAYS, specs, mmap=mmap))
