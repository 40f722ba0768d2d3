"""Encode what does not fit into memory, on the scheduler that Dask has."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from skhash.distributed._codes import open_codes
from skhash.distributed._encode import Encoding, check_estimator, prepare_encoding
from skhash.distributed._fingerprint import estimator_fingerprint
from skhash.distributed._manifest import Manifest
from skhash.distributed._output import prepare_output, write_missing
from skhash.distributed._require import require
from skhash.distributed._sources import Source, open_source


def transform(
    estimator,
    data,
    output=None,
    *,
    columns: str | Sequence[str] | None = None,
    ids: str | None = None,
    packed: bool = True,
    block_rows: int = 16_384,
    overwrite: bool = False,
    check_input: bool = True,
    verbose: bool = False,
) -> Any:
    """Encode a Dask array, a Dask DataFrame or a Parquet data set.

    The work is done by the scheduler that Dask has: threads of this process, or the cluster of
    a ``distributed.Client``. A task reads one partition, encodes it block by block on one thread
    and writes its codes. The estimator is sent to each worker once.

    Parameters
    ----------
    estimator : estimator
        A fitted hasher, or a pipeline that ends in one.
    data : dask Array, dask DataFrame, str or Path
        An array of shape (n_samples, n_features), whose chunks may be of unknown size; a frame;
        or the path of a Parquet file or a folder of them, which the workers have to reach.
    output : str or Path, default=None
        Directory for the codes, which is made; the workers have to reach it under this path.
        None writes nothing and returns a lazy Dask array.
    columns : str or list of str, default=None
        The columns of a table that hold the features: numeric ones, or one with a vector in each
        row. None takes those that the estimator was fitted on by name, else all but `ids`.
    ids : str, default=None
        Column of a table whose values are written beside the codes.
    packed : bool, default=True
        Whether a lazy array holds packed codes or bits. What is written is always packed.
    block_rows : int, default=16384
        The most rows that a task encodes at once; it bounds the memory beside the partition.
        Of Parquet files not even the partition is held, only this many rows of it.
    overwrite : bool, default=False
        Whether codes of another estimator or of other data in `output` may be deleted. Nothing
        but such codes ever is.
    check_input : bool, default=True
        Whether to resume only if Dask's name of the data, or the footers and times of the Parquet
        files, are what they were. Dask names some data at random, such as those of impure
        `dask.delayed` functions, and copied files get another time: False compares only the
        number and sizes of partitions, and the columns.
    verbose : bool, default=False
        Whether to show Dask's progress bar.

    Returns
    -------
    codes : dask Array of shape (n_samples, ceil(n_bits / 8)) or (n_samples, n_bits), or CodeParts
        Lazy codes, dtype uint8; or, where `output` is given, what was written, see `open_codes`.

    Raises
    ------
    TypeError, ValueError
        If the estimator does not encode such data, or `output` holds anything else. Nothing has
        been computed then.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    ImportError
        If Dask or pyarrow is missing; ``pip install 'dask[array,dataframe,distributed]' pyarrow``.

    See Also
    --------
    open_codes : Read what was written.

    Notes
    -----
    A part of `output` is a Parquet file with a column ``code`` of fixed-size binary values, as
    `~skhash.neighbors.pack_codes` packs them, and the ids; one for each partition. Row groups of
    a Parquet file are joined to partitions of up to about a million rows. A part appears under
    its name when it is complete. Call again after a failure, with the same arguments: parts that
    are complete, and whose checksums hold, are kept, and only the others are encoded. Two calls
    should not write to one directory at a time.

    Codes are those of ``estimator.transform``. Sums of floats depend in their last digit on how
    many rows are multiplied at once, so that a value within rounding of its threshold could fall
    on either side.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn.datasets import load_digits
    >>> from skhash import ITQHasher
    >>> from skhash.distributed import transform
    >>> X, _ = load_digits(return_X_y=True)
    >>> hasher = ITQHasher(n_bits=20, random_state=0).fit(X)
    >>> codes = transform(hasher, da.from_array(X, chunks=(1000, -1)))
    >>> codes.shape, codes.chunks[0]
    ((1797, 3), (1000, 797))
    >>> from skhash.neighbors import pack_codes
    >>> bool((codes[900:1100].compute() == pack_codes(hasher.transform(X[900:1100]))).all())
    True
    """
    require("dask", "pyarrow")
    check_scalar(block_rows, "block_rows", Integral, min_val=1)
    _check_writing(output, ids, packed, overwrite)
    check_estimator(estimator)
    source = open_source(data, columns, ids, estimator)
    encoding = prepare_encoding(estimator, source, block_rows)
    fingerprint = estimator_fingerprint(estimator)
    if output is None:
        return _lazy_codes(estimator, fingerprint, source, encoding, packed)
    wanted = Manifest.new(
        encoding.n_bits,
        ids,
        {"class": type(estimator).__name__, "fingerprint": fingerprint},
        {**source.structure, "token": source.token},
        len(source.partitions),
    )
    # workers have working directories of their own
    folder = Path(output).absolute()
    manifest = prepare_output(folder, wanted, overwrite=overwrite, check_input=check_input)
    write_missing(manifest, folder, estimator, source, encoding, verbose=verbose)
    return open_codes(folder)


def _check_writing(output, ids, packed, overwrite):
    if output is not None and not packed:
        raise ValueError("packed=False gives bits as a lazy array; output takes packed codes only")
    if output is None and (ids is not None or overwrite):
        raise ValueError("ids and overwrite need output, got None")


def _lazy_codes(estimator, fingerprint, source: Source, encoding: Encoding, packed: bool):
    import dask
    import dask.array as da

    # a literal in the graph, rather than scattered, for any scheduler may compute it
    model = dask.delayed(estimator, name=f"estimator-{fingerprint}", traverse=False)
    encode = dask.delayed(encoding.packed if packed else encoding.bits, pure=True)
    n_columns = encoding.n_bytes if packed else encoding.n_bits
    return da.concatenate(
        [
            da.from_delayed(
                encode(model, partition),
                shape=(np.nan if n_rows is None else n_rows, n_columns),
                meta=np.empty((0, n_columns), np.uint8),
            )
            for partition, n_rows in zip(source.partitions, source.n_rows)
        ]
    )
