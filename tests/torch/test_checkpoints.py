"""Checkpoints: an interrupted and resumed fit is the fit that was not interrupted."""

import contextlib
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from torch import nn

from skhash import HashNetHasher, KLBinaryHasher, OrthoHasher, SemanticHasher
from skhash._torch.checkpoints import Checkpoint
from skhash.networks import Augmentation, Training, resnet
from skhash.utils._checks._shared import call_raising

SMALL = {"batch_size": 16, "max_iter": 4, "random_state": 0, "device": "cpu"}


# the modules that write a checkpoint
WRITERS = ("skhash._torch.checkpoints", "skhash._persist._write")


class Stop(Exception):
    """Stands for whatever ends a process in the midst of training."""


class Interrupting:
    """An augmentation, or the body of a network, that raises in its call of a number."""

    def __init__(self, at=None, error=Stop, then=None):
        self.at, self.error, self.then, self.calls = at, error, then, 0

    def count(self):
        self.calls += 1
        if self.calls == self.at:
            raise self.error

    def __call__(self, images, generator):
        self.count()
        return images if self.then is None else self.then(images, generator)


class Body(nn.Module):
    """A network of features with dropout from torch's global generator."""

    def __init__(self, counter, n_features, n_outputs):
        super().__init__()
        self.counter = counter
        self.layers = nn.Sequential(
            nn.Linear(n_features, 8), nn.Dropout(0.3), nn.BatchNorm1d(8), nn.Linear(8, n_outputs)
        )

    def forward(self, X):
        if self.training:
            self.counter.count()
        return self.layers(X)


class Factory:
    """Of `Body`."""

    def __init__(self, counter):
        self.counter = counter

    def __call__(self, n_features, n_outputs):
        return Body(self.counter, n_features, n_outputs)


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    return rng.normal(size=(70, 6)), rng.integers(4, size=70)


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return rng.integers(256, size=(70, 8, 8, 3), dtype=np.uint8), rng.integers(4, size=70)


def of_images(path, counter):
    counter.then = Augmentation(crop=1, cutout=2)
    training = Training(augmentation=counter, ema_decay=0.8, checkpoint=path)
    return {"network": resnet(8, 0.25), "training": training}


def of_features(path, counter):
    return {"network": Factory(counter), "training": Training(ema_decay=0.9, checkpoint=path)}


def state(hasher):
    return {**hasher.network_state_, **{f"o.{k}": v for k, v in hasher.objective_state_.items()}}


def assert_same_fit(one, other):
    one_state, other_state = state(one), state(other)
    assert one_state.keys() == other_state.keys()
    for name, value in one_state.items():
        np.testing.assert_array_equal(value, other_state[name], err_msg=name)
    assert one.loss_curve_ == other.loss_curve_
    assert one.loss_terms_ == other.loss_terms_
    assert one.validation_loss_curve_ == other.validation_loss_curve_
    assert (one.n_iter_, one.best_iter_) == (other.n_iter_, other.best_iter_)


@pytest.mark.parametrize(
    ("make", "data", "how"),
    [
        (SemanticHasher, "images", of_images),  # mixup draws from numpy
        (OrthoHasher, "images", of_images),
        (HashNetHasher, "features", of_features),  # its sharpness grows by steps
        (KLBinaryHasher, "features", of_features),  # as does its binary target
    ],
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_resumed_is_uninterrupted(make, data, how, early_stopping, request, tmp_path):
    X, y = request.getfixturevalue(data)
    path = tmp_path / "run.pt"
    options = {**SMALL, "early_stopping": early_stopping}
    if make is KLBinaryHasher:
        options["kl_target"] = draw_bits
    n_steps = 4 if early_stopping else 5  # an epoch

    def fit(checkpoint, at=None):
        return make(8, **how(checkpoint, Interrupting(at)), **options).fit(X, y)

    whole = fit(None)
    assert whole.n_iter_ == 4
    for at in (2 * n_steps + 2, n_steps + 1):  # in the third epoch, then at once in the fourth
        with pytest.raises(Stop):
            fit(path, at)
        assert path.exists()
    assert_same_fit(fit(path), whole)
    assert list(tmp_path.iterdir()) == []  # done, and nothing is left behind


def draw_bits(size, rng):
    return rng.uniform(size=size)


def test_interrupted_by_hand_keeps_the_file(images, tmp_path):
    X, y = images
    path = tmp_path / "run.pt"

    def hasher(at=None, error=None):
        return OrthoHasher(8, **of_images(path, Interrupting(at, error)), **SMALL)

    stopped = hasher(12, KeyboardInterrupt)
    warns = pytest.warns(ConvergenceWarning, match="the state after epoch 2")
    with warns, pytest.raises(KeyboardInterrupt):
        stopped.fit(X, y)
    assert stopped.n_iter_ == 2
    assert stopped.transform(X).shape == (70, 8)
    whole = OrthoHasher(8, **of_images(None, Interrupting()), **SMALL).fit(X, y)
    assert_same_fit(hasher().fit(X, y), whole)
    assert not path.exists()


@pytest.mark.parametrize("within", [WRITERS, ("skhash",)], ids=["writing", "all"])
def test_interrupted_at_lines(within, features, tmp_path):
    """Wherever Ctrl-C comes, the next fit is that which was not interrupted, and cleans up."""
    path = tmp_path / "run.pt"

    def fit():
        made = HashNetHasher(8, **of_features(path, Interrupting()), **SMALL)
        return made.fit(*features)

    whole, n_lines = fit(), call_raising(fit, within=within)
    for line in np.linspace(1, n_lines, 10).astype(int):
        with contextlib.suppress(KeyboardInterrupt), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            call_raising(fit, line=line, error=KeyboardInterrupt, within=within)
            pytest.fail(f"line {line} was not reached")
        assert {file.name for file in tmp_path.iterdir()} <= {"run.pt"}
        assert_same_fit(fit(), whole)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
@pytest.mark.parametrize("n_kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_fits(n_kills, tmp_path):
    """A process that is killed leaves the file of an epoch; see killed_fits.py."""
    command = [sys.executable, str(Path(__file__).with_name("killed_fits.py"))]
    run = subprocess.run(
        [*command, str(tmp_path), str(n_kills)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert int(run.stdout) > n_kills  # of two times as many; the others had no file yet


def test_a_full_disk(features, tmp_path):
    """The system refuses to let the file grow: the one before stays, the hasher is as it was."""
    resource = pytest.importorskip("resource", reason="no limits on Windows")
    path = tmp_path / "run.pt"

    def hasher(at=None):
        return HashNetHasher(8, **of_features(path, Interrupting(at)), **SMALL)

    whole = hasher().fit(*features)
    with pytest.raises(Stop):
        hasher(12).fit(*features)
    before, stopped = path.read_bytes(), hasher()
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
        with pytest.raises(OSError, match="File too large"):
            stopped.fit(*features)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]
    assert path.read_bytes() == before
    with pytest.raises(NotFittedError):
        stopped.transform(features[0])
    assert_same_fit(stopped.fit(*features), whole)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_iter": 6}, "max_iter \\(4 then, 6 now\\)"),
        ({"random_state": 1}, "random_state"),
        ({"codebook": "bernoulli"}, "codebook"),
        ({"y": True}, "checksum of y"),
        ({"X": True}, "checksum of X"),
    ],
)
def test_another_fit_is_refused(changes, words, images, tmp_path):
    X, y = images
    path = tmp_path / "run.pt"
    with pytest.raises(Stop):
        OrthoHasher(8, **of_images(path, Interrupting(12)), **SMALL).fit(X, y)
    X = X[::-1] if changes.pop("X", False) else X
    y = y[::-1] if changes.pop("y", False) else y
    again = OrthoHasher(8, **of_images(path, Interrupting()), **{**SMALL, **changes})
    with pytest.raises(ValueError, match=words):
        again.fit(X, y)
    assert path.exists()


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0)])
def test_needs_a_seed(random_state, features, tmp_path):
    training = Training(checkpoint=tmp_path / "run.pt")
    hasher = HashNetHasher(8, training=training, **{**SMALL, "random_state": random_state})
    with pytest.raises(ValueError, match="whole number as random_state"):
        hasher.fit(*features)


def test_other_files_and_folders_are_refused(features, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a checkpoint")
    with pytest.raises(ValueError, match="no checkpoint of skhash"):
        HashNetHasher(8, training=Training(checkpoint=path), **SMALL).fit(*features)
    assert path.read_text() == "not a checkpoint"
    nowhere = Training(checkpoint=tmp_path / "no" / "run")
    with pytest.raises(ValueError, match="a folder that exists"):
        HashNetHasher(8, training=nowhere, **SMALL).fit(*features)


def test_file_is_whole_at_any_time(tmp_path):
    """A state that cannot be written leaves the one before in place, and no part of a file."""
    module = nn.Linear(2, 1)
    checkpoint = Checkpoint(tmp_path / "run.pt", {"a": 1}, {"module": module})
    checkpoint.save()

    class Broken:
        def state_dict(self):
            return {"unpicklable": threading.Lock()}

    with pytest.raises(TypeError):
        Checkpoint(tmp_path / "run.pt", {"a": 1}, {"module": Broken()}).save()
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]
    other = nn.Linear(2, 1)
    assert Checkpoint(tmp_path / "run.pt", {"a": 1}, {"module": other}).load()
    assert torch.equal(module.weight, other.weight)
