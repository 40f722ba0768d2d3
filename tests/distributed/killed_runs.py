"""What test_stopped.py runs apart: runs of `transform` that are killed, each in a fork."""

import os
import shutil
import signal
import sys
from pathlib import Path

import dask
import dask.array as da
import numpy as np

from skhash import ITQHasher, LoadError
from skhash.distributed import open_codes, transform
from skhash.utils._checks._shared import call_raising

WITHIN = ("skhash.distributed", "skhash._persist._write")


class Killed(BaseException):
    """Whoever raises it is gone."""

    def __init__(self):
        os.kill(os.getpid(), signal.SIGKILL)


def main(folder, n_kills):
    """Kill new runs and those that overwrite; exit with words where what is left is not right."""
    X = np.random.default_rng(0).normal(size=(400, 16)).astype(np.float32)
    data, output = da.from_array(X, chunks=(100, -1)), Path(folder) / "codes"
    old, new = (ITQHasher(n_bits=n_bits, random_state=0).fit(X) for n_bits in (5, 11))
    codes = {hasher.n_bits_: np.packbits(hasher.transform(X), axis=1) for hasher in (old, new)}

    def run(overwrite):
        transform(new, data, output, overwrite=overwrite)

    def begin(overwrite):
        shutil.rmtree(output, ignore_errors=True)
        if overwrite:
            transform(old, data, output)

    n_begun = 0
    for overwrite in (False, True):
        begin(overwrite)
        run(overwrite)
        begin(overwrite)
        n_lines = call_raising(run, overwrite, within=WITHIN)
        for line in np.linspace(1, 0.98 * n_lines, n_kills).astype(int):
            begin(overwrite)
            child = os.fork()
            if child == 0:
                call_raising(run, overwrite, line=line, error=Killed, within=WITHIN)
                os._exit(1)  # the line was never reached
            _, status = os.waitpid(child, 0)
            if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
                sys.exit(f"line {line}: the run ended with status {status}")
            try:
                found = open_codes(output).read()[0]
            except LoadError:
                n_begun += output.exists()
            else:
                np.testing.assert_array_equal(found.data, codes[found.n_bits])
            run(overwrite)
            np.testing.assert_array_equal(open_codes(output).read()[0].data, codes[11])
            if any(name.endswith(".tmp") for name in os.listdir(output)):
                sys.exit(f"line {line}: {os.listdir(output)} is left")
    print(n_begun)


if __name__ == "__main__":
    with dask.config.set(scheduler="synchronous"):
        main(sys.argv[1], int(sys.argv[2]))
