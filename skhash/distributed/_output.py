"""The directory of an output: begin it, or go on where a run has stopped."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

from skhash._persist._write import unfinished_files
from skhash.distributed._manifest import NAME, Manifest
from skhash.distributed._parts import check_part, count_rows, write_part
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

    found = _check(manifest, folder)
    for i, (of_part, expected) in enumerate(zip(found, source.n_rows)):
        if of_part is not None and expected not in (None, of_part[0]):
            found[i] = None
    missing = [i for i, of_part in enumerate(found) if of_part is None]
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
            for i, of_part in zip(missing, compute(tasks, verbose=verbose)):
                found[i] = of_part
            _check_reached(manifest, folder, missing)
    except BaseException:
        rows = [count_rows(part, folder) for part in manifest.parts]
        known = [of_part and of_part[1] for of_part in found]
        replace(manifest, part_rows=rows, part_sha256=known).write(folder)
        raise
    part_rows, part_sha256 = map(list, zip(*found))
    replace(manifest, part_rows=part_rows, part_sha256=part_sha256).write(folder)
    for leftover in [*folder.glob(".part-*.tmp"), *unfinished_files(folder / NAME)]:
        leftover.unlink(missing_ok=True)


def _check(manifest, folder) -> list[tuple[int, str] | None]:
    """Rows and checksums of the parts that are there and whole, None for the others."""
    import dask

    there = [i for i, part in enumerate(manifest.parts) if (folder / part.name).exists()]
    # reading takes its time; the scheduler has more hands
    check = dask.delayed(check_part, pure=False)
    tasks = [check(manifest.parts[i], folder, manifest.part_sha256[i]) for i in there]
    found: list[tuple[int, str] | None] = [None] * len(manifest.parts)
    for i, of_part in zip(there, compute(tasks, verbose=False)):
        found[i] = of_part
    return found


def _check_reached(manifest, folder, written):
    parts = manifest.parts
    lost = [parts[i].name for i in written if not (folder / parts[i].name).exists()]
    if lost:
        raise ValueError(
            f"output: workers have written {lost[0]}, and {folder} here does not have it; workers "
            "and client must share the file system under the same path"
        )
