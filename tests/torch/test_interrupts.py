"""Ctrl-C goes on from a fit, ends a search, and leaves torch as it was."""

import signal
import subprocess
import sys
import textwrap
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from torch import nn

from skhash import OrthoHasher, SemanticHasher
from skhash._torch import fitting
from skhash._torch.training import train
from skhash.utils._checks._shared import call_raising, raised

SMALL = {"hidden_layer_sizes": (8,), "batch_size": 16, "max_iter": 4, "random_state": 0}


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 6)), np.arange(60) % 3


def settings():
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
        torch.get_rng_state().numpy().tobytes(),
        np.random.get_state()[1].tobytes(),  # noqa: NPY002 - it is to be left alone
        signal.getsignal(signal.SIGINT),
    )


@pytest.mark.filterwarnings("ignore:training interrupted")
@pytest.mark.parametrize("make", [OrthoHasher, SemanticHasher])
def test_torch_is_left_as_it_was(make, features):
    """Whatever line of skhash or of torch an interrupt comes at."""
    within = ("skhash", "torch", "contextlib")
    make(6, **SMALL).fit(*features)
    fits = [make(6, **SMALL).fit, make(6, **SMALL).fit(*features).transform]
    for method in fits:
        arguments = features if method.__name__ == "fit" else features[:1]
        n_lines = call_raising(method, *arguments, within=within)
        before = settings()
        for line in np.unique(np.geomspace(1, n_lines - 1, 12).astype(int)):
            options = {"line": line, "error": KeyboardInterrupt, "within": within}

            def call(method=method, arguments=arguments, options=options):
                call_raising(method, *arguments, **options)

            raised(KeyboardInterrupt, call)
            assert settings() == before, line


def test_an_optimizer_cut_short(features, monkeypatch):
    """It puts gradients back on only after another call, which an interrupt may come in."""
    import torch._dynamo

    hasher, calls, original = OrthoHasher(6, **SMALL), [], torch._dynamo.graph_break

    def interrupted(*args, **kwargs):
        calls.append(torch.is_grad_enabled())
        if len(calls) == 6:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    monkeypatch.setattr(torch._dynamo, "graph_break", interrupted)
    with pytest.raises(KeyboardInterrupt):
        hasher.fit(*features)
    if len(calls) < 6 or calls[5]:
        pytest.skip("this torch has other optimizers")
    assert torch.is_grad_enabled()


class Network(nn.Sequential):
    """Raises in a training step of a number."""

    def __init__(self, at, n_features, n_outputs):
        super().__init__(nn.Linear(n_features, 8), nn.Tanh(), nn.Linear(8, n_outputs))
        self.left = at

    def forward(self, X):
        self.left -= self.training
        if self.training and self.left == 0:
            raise KeyboardInterrupt
        return super().forward(X)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_best_state_is_that_of_an_epoch(early_stopping, features, monkeypatch):
    """An interrupted fit holds what one holds that ends after the same epoch, bit for bit."""
    options = {"early_stopping": early_stopping, "store_codes": True, **SMALL}
    found, n_steps = [], 4  # an epoch
    for at in (2 * n_steps + 1, 3 * n_steps):
        found.append(SemanticHasher(6, network=partial(Network, at), **options))
        with pytest.warns(match="interrupted"), pytest.raises(KeyboardInterrupt):
            found[-1].fit(*features)

    def shorter(*arguments, after_epoch, **keywords):
        return train(*arguments, after_epoch=lambda epoch: epoch == 1, **keywords)

    monkeypatch.setattr(fitting, "train", shorter)
    expected = SemanticHasher(6, network=partial(Network, 0), **options).fit(*features)
    assert expected.n_iter_ == 2
    for hasher in found:
        assert vars(hasher).keys() == vars(expected).keys()
        for name in ("network_state_", "loss_curve_", "loss_terms_", "validation_loss_curve_"):
            np.testing.assert_equal(getattr(hasher, name), getattr(expected, name))
        for name in ("n_iter_", "best_iter_", "training_codes_", "classes_"):
            np.testing.assert_equal(getattr(hasher, name), getattr(expected, name))


def test_no_whole_epoch_leaves_nothing(features):
    hasher = SemanticHasher(6, network=partial(Network, 4), **SMALL)
    with pytest.raises(KeyboardInterrupt):
        hasher.fit(*features)
    with pytest.raises(NotFittedError):
        hasher.transform(features[0])


SEARCH = """
    import os, signal
    import numpy as np
    from sklearn.model_selection import GridSearchCV
    from skhash import SemanticHasher
    from skhash.encoders import BaseEncoder

    class Interrupted(BaseEncoder):
        n_steps = 0

        def loss(self, outputs, similarity):
            Interrupted.n_steps += 1
            if Interrupted.n_steps == 2 * 12 + 9:  # in the third epoch of the third fit
                os.kill(os.getpid(), signal.SIGINT)
            return (outputs @ outputs.T - similarity).square().mean()

    def score(hasher, X, y):
        print("scored", flush=True)
        return 0.0

    signal.signal(signal.SIGINT, signal.default_int_handler)
    X = np.random.default_rng(0).normal(size=(48, 4))
    hasher = SemanticHasher(
        4, encoder=Interrupted(), hidden_layer_sizes=(4,), batch_size=8, max_iter=3, device="cpu"
    )
    search = GridSearchCV(hasher, {"learning_rate": [1e-3, 1e-2]}, scoring=score, cv=3)
    search.fit(X, np.arange(48) % 2)
    print("searched")
"""


def test_a_search_ends():
    """The interrupt is that of the system; scores end with the fit that it comes in."""
    command = [sys.executable, "-c", textwrap.dedent(SEARCH)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == -signal.SIGINT, run.stderr
    assert run.stderr.rstrip().endswith("KeyboardInterrupt")
    assert run.stdout.split() == ["scored", "scored"]
