"""Runs of `transform` that are interrupted, killed, or out of disk: what is left, and resumed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dask.array as da
import numpy as np
import pytest

from skhash import ITQHasher, LoadError
from skhash.distributed import open_codes, transform
from skhash.neighbors import pack_codes
from skhash.utils._checks._shared import call_raising

pytestmark = pytest.mark.usefixtures("serial")

# not where locks are held: a tracer can stop between the end of a block and the release of its
# lock, where Python itself takes no signal
WITHIN = tuple(
    f"skhash.distributed._{name}"
    for name in ("columns", "encode", "manifest", "output", "parts", "run", "transform")
)
WITHIN = (*WITHIN, "skhash._persist._write")


@pytest.mark.parametrize("overwrite", [False, True])
def test_interrupted_at_lines(overwrite, X, tmp_path):
    """Ctrl-C leaves no codes that are not those of a hasher, and nothing unfinished."""
    data, output = da.from_array(X, chunks=(250, -1)), tmp_path / "codes"
    old, new = (ITQHasher(n_bits=n_bits, random_state=0).fit(X) for n_bits in (5, 21))
    codes = {hasher.n_bits_: pack_codes(hasher.transform(X)) for hasher in (old, new)}

    def run():
        return transform(new, data, output, overwrite=overwrite)

    def begin():
        shutil.rmtree(output, ignore_errors=True)
        if overwrite:
            transform(old, data, output)

    run()  # the first run imports modules, which are lines too
    begin()
    n_lines, n_begun, n_raised = call_raising(run, within=WITHIN), 0, 0
    for line in np.linspace(1, n_lines, 20).astype(int):
        begin()
        try:
            call_raising(run, line=line, error=KeyboardInterrupt, within=WITHIN)
        except KeyboardInterrupt:
            n_raised += 1  # but for lines of generators that are only thrown away
        assert list(tmp_path.rglob("*.tmp")) == []
        try:
            found = open_codes(output).read()[0]
        except LoadError:
            n_begun += 1
        else:
            np.testing.assert_array_equal(found.data, codes[found.n_bits])
        np.testing.assert_array_equal(run().read()[0].data, codes[21])
    assert n_begun > 5
    assert n_raised > 15


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
@pytest.mark.parametrize("n_kills", [10, pytest.param(60, marks=pytest.mark.slow)])
def test_killed_runs(n_kills, tmp_path):
    """See killed_runs.py."""
    script = str(Path(__file__).with_name("killed_runs.py"))
    run = subprocess.run(
        [sys.executable, script, str(tmp_path), str(n_kills)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert int(run.stdout) > n_kills / 2  # there was something, and not all of it


def test_killed_before_there_is_a_manifest(hasher, X, tmp_path):
    output = tmp_path / "codes"
    output.mkdir()
    (output / "._skhash_codes.json.0123456789ab.tmp").write_text("{")
    codes = transform(hasher, da.from_array(X), output)
    np.testing.assert_array_equal(codes.read()[0].data, pack_codes(hasher.transform(X)))
    assert not list(output.glob("*.tmp"))


@pytest.mark.parametrize("limit", [0, 700, 2000])
def test_a_full_disk(limit, hasher, X, tmp_path):
    """The system refuses to let files grow: what is complete stays, and the next run goes on."""
    resource = pytest.importorskip("resource", reason="no limits on Windows")
    # the second part is longer than the others, and than the limit of bytes
    data = da.from_array(X, chunks=((10, 970, 10, 10), -1))
    output = tmp_path / "codes"
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        with pytest.raises(OSError, match="File too large"):
            transform(hasher, data, output)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(output.glob("*.tmp"))
    assert not (output / "part-000001.parquet").exists()
    with pytest.raises(LoadError):
        open_codes(output)
    codes = transform(hasher, data, output)
    np.testing.assert_array_equal(codes.read()[0].data, pack_codes(hasher.transform(X)))
