"""The directory of an output: begin it, or go on where a run has stopped."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

from skhash._persist._write import unfinished_files
from skhash.distributed._manifest import NAME, Manifest
from skhash.distributed._parts import count_rows, write_part
from skhash.distributed._run import compute, share


def prepare_output(folder: Path, wanted: Manifest, *, overwrite: bool, check_input: bool):
    """Manifest of the output to write: that of the run to go on with, or the wanted one.

    Raises
    ------
    ValueError
        If the directory holds anything else; it is left as it is.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"output must be a directory, got the file {folder}")
    # a run that was killed before it had a manifest leaves an unfinished one
    if folder.exists() and {*folder.iterdir()} - {*unfinished_files(folder / NAME)}:
        if not (folder / NAME).exists():
            raise ValueError(f"output must be empty or hold packed codes, and {folder} does not")
        found = Manifest.read(folder)
        if not overwrite:
            found.check_resumable(wanted, check_input=check_input)
            return found
        # its manifest goes last, so that the directory is never one that nobody knows
        for part in found.parts:
            (folder / part.name).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    wanted.write(folder)
    return wanted


def write_missing(manifest: Manifest, folder: Path, estimator, source, encoding, *, verbose):
    """Encode the partitions whose parts are not there, and complete the manifest.

    The manifest is brought up to date also where this fails or is interrupted.
    """
    import dask

    part_rows = _count(manifest, folder, read=True)
    for i, expected in enumerate(source.n_rows):
        if expected is not None and part_rows[i] != expected:
            part_rows[i] = None
    missing = [i for i, n_rows in enumerate(part_rows) if n_rows is None]
    try:
        if missing:
            model = share(estimator, f"estimator-{manifest.estimator['fingerprint']}")
            parts = manifest.parts
            write = dask.delayed(write_part)
            # Dask orders what is equal by name; the name is new, for it may remember a failure
            call = f"write-part-{uuid.uuid4().hex}"
            tasks = [
                write(
                    encoding,
                    model,
                    source.partitions[i],
                    parts[i],
                    folder,
                    dask_key_name=f"{call}-{i:06d}",
                )
                for i in missing
            ]
            for i, n_rows in zip(missing, compute(tasks, verbose=verbose)):
                part_rows[i] = n_rows
            _check_reached(manifest, folder, missing)
    except BaseException:
        replace(manifest, part_rows=_count(manifest, folder, read=False)).write(folder)
        raise
    replace(manifest, part_rows=part_rows).write(folder)
    for leftover in [*folder.glob(".part-*.tmp"), *unfinished_files(folder / NAME)]:
        leftover.unlink(missing_ok=True)


def _count(manifest, folder, *, read) -> list[int | None]:
    """Rows of the parts that are there, None for the others."""
    import dask

    parts = manifest.parts
    there = [part for part in parts if (folder / part.name).exists()]
    if not read:
        counts = [count_rows(part, folder, read=False) for part in there]
    else:
        # reading takes its time; the scheduler has more hands
        count = dask.delayed(count_rows, pure=False)
        counts = compute([count(part, folder, read=True) for part in there], verbose=False)
    rows = {part.index: n_rows for part, n_rows in zip(there, counts)}
    return [rows.get(part.index) for part in parts]


def _check_reached(manifest, folder, written):
    parts = manifest.parts
    lost = [parts[i].name for i in written if not (folder / parts[i].name).exists()]
    if lost:
        raise ValueError(
            f"output: workers have written {lost[0]}, and {folder} here does not have it; workers "
            "and client must share the file system under the same path"
        )
