"""What test_checkpoints.py runs apart: fits that are killed, each in a fork, and resumed here.

All fits are those of one process and its forks, in one thread: arithmetic is the same in all.
"""

import os
import signal
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import torch

from skhash import SemanticHasher
from skhash.networks import Augmentation, Training, resnet
from skhash.utils._checks._shared import call_raising

WRITERS = ("skhash._torch.checkpoints", "skhash._persist._write")


class Killed(BaseException):
    """Whoever raises it is gone."""

    def __init__(self):
        os.kill(os.getpid(), signal.SIGKILL)


def fit(path):
    """Fit a hasher that goes through everything that a checkpoint holds."""
    rng = np.random.default_rng(0)
    X, y = rng.integers(256, size=(60, 6, 6, 1), dtype=np.uint8), rng.integers(3, size=60)
    training = Training(augmentation=Augmentation(crop=1, cutout=2), ema_decay=0.8, checkpoint=path)
    options = {"batch_size": 16, "max_iter": 3, "random_state": 0, "device": "cpu"}
    hasher = SemanticHasher(8, network=resnet(8, 0.25), training=training, **options)
    return hasher.fit(X, y)


def fitted(hasher):
    """Digest of all fitted attributes but the similarity, a function that is always the same."""
    return joblib.hash({k: v for k, v in vars(hasher).items() if k.endswith("_")})


def main(folder, n_kills):
    """Kill at lines of the writing and of everything; exit with words where a fit differs."""
    path = Path(folder) / "run.pt"
    whole = fitted(fit(None))
    fit(path)  # imports what fits with a checkpoint need: modules are lines too
    n_resumed = 0
    for within in (WRITERS, ("skhash",)):
        n_lines = call_raising(fit, path, within=within)
        for line in np.linspace(1, 0.98 * n_lines, n_kills).astype(int):
            child = os.fork()
            if child == 0:
                call_raising(fit, path, line=line, error=Killed, within=within)
                os._exit(1)  # the line was never reached
            _, status = os.waitpid(child, 0)
            if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
                sys.exit(f"line {line} of {within}: the fit ended with status {status}")
            n_resumed += path.exists()
            if fitted(fit(path)) != whole:
                sys.exit(f"line {line} of {within}: the resumed fit is another")
            if os.listdir(folder):
                sys.exit(f"line {line} of {within}: {os.listdir(folder)} is left")
    print(n_resumed)


if __name__ == "__main__":
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    main(sys.argv[1], int(sys.argv[2]))
