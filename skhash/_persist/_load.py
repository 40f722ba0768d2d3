"""Loading what was saved as a directory."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from skhash._persist._arrays import read_arrays
from skhash._persist._decode import Decoder
from skhash._persist._errors import LoadError
from skhash._persist._files import check_file, open_model
from skhash._persist._manifest import ARRAYS, MANIFEST, describe, read_manifest
from skhash._persist._names import Trust


def load(path, *, trusted: Iterable[str] = (), mmap=False, verify=True) -> Any:
    """Load what `save` wrote.

    The files are checked before anything is made of them. Of the code that they name, only
    the estimators of skhash and scikit-learn are used, and what `trusted` allows.

    Parameters
    ----------
    path : str or os.PathLike
        The directory.
    trusted : iterable of str, default=()
        Modules whose classes and functions the model may use besides: ``"project.targets"`` for
        one module, ``"project."`` for a package and all that is below it. They are imported if
        the model names them. Trust what you would import yourself. Also names of models that
        `~skhash.feature_extraction.ImageFeatures` and `~skhash.feature_extraction.TextFeatures`
        may download: ``"timm/resnet50.a1_in1k"``, ``"sentence-transformers/all-MiniLM-L6-v2"``.
    mmap : bool, default=False
        Whether arrays, and the indexes of faiss from its version 1.11 on, stay in the file, read
        as they are used and shared between processes. They cannot be written to, and the file must
        stay. Rows can still be added to an index and removed, in memory.
    verify : bool, default=True
        Whether to compare the checksum of the arrays, for which all of them are read once. False
        opens an index larger than memory at once; sizes, and the rest of what was saved, are
        checked all the same.

    Returns
    -------
    estimator : BaseEstimator or PackedCodes
        As it was saved.

    Raises
    ------
    LoadError
        A ValueError, for everything that is refused. If `path` is not a saved model, or one of a
        newer format; if its files are incomplete, damaged, or links; if it refers to code that is
        not trusted, not installed, or has other parameters; or if an object cannot be made of what
        the files hold. It says which.
    FileNotFoundError
        If there is nothing at `path`.
    TypeError, ValueError
        If `trusted` does not hold names of modules.

    See Also
    --------
    save : The way there.

    Notes
    -----
    Two files are opened together: while another process overwrites the model, the old one or the
    new one is loaded.

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
    with ExitStack() as closing:
        manifest, arrays = open_model(path, closing)
        try:
            return _load(path, manifest, arrays, trust, mmap=mmap, verify=verify)
        except (LoadError, OSError):
            raise
        except Exception as error:
            raise LoadError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def _load(path, manifest_file, arrays_file, trust, *, mmap, verify):
    manifest = read_manifest(manifest_file.read(), str(path / MANIFEST))
    name = str(path / ARRAYS)
    check_file(arrays_file, name, manifest["files"][ARRAYS], verify=verify)
    decoder = Decoder(manifest["objects"], trust, describe(manifest["saved_by"]))
    return decoder.make(read_arrays(arrays_file, manifest["arrays"], name, mmap=mmap))
