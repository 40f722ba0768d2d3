"""The average of weights against one computed by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from skhash import HashNetHasher
from skhash._torch import steps
from skhash._torch.averaging import WeightAverage
from skhash._torch.training import Run, TrainingOptions, train
from skhash.networks import Training


class Constant(nn.Linear):
    """A linear layer whose forward pass gives a loss term of its weights alone."""

    def forward(self, batch):
        return {"loss": (self.weight - 3).square().mean() + self.bias.square().mean()}


def shown(module, average):
    with average.shown():
        return {name: value.clone() for name, value in module.state_dict().items()}


def test_by_hand():
    """Weights 0, then 1, 2, 3 ... : decays 2/11, 3/12, then the 0.3 asked for."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    average, expected = WeightAverage(module, 0.3), 0.0
    for step, decay in enumerate([2 / 11, 3 / 12, 0.3, 0.3], start=1):
        nn.init.constant_(module.weight, step)
        average.update()
        expected = decay * expected + (1 - decay) * step
    assert shown(module, average)["weight"].item() == pytest.approx(expected, rel=1e-6)
    assert module.weight.item() == 4  # and is itself again


def test_buffers_are_averaged_and_counts_are_not():
    module = nn.BatchNorm1d(1)
    average = WeightAverage(module, 0.5)
    module.running_mean.fill_(11.0)
    module.num_batches_tracked.fill_(7)
    average.update()
    state = shown(module, average)
    assert state["running_mean"].item() == pytest.approx(11 * 9 / 11)
    assert state["num_batches_tracked"].item() == 7


def test_training_keeps_the_average_of_all_steps(monkeypatch):
    module, decay = Constant(2, 1), 0.8
    seen = [module.weight.detach().clone()]

    class Recording(WeightAverage):
        def update(self):
            seen.append(module.weight.detach().clone())
            super().update()

    monkeypatch.setattr(steps, "WeightAverage", Recording)
    options = TrainingOptions(batch_size=4, max_iter=7, learning_rate=0.1, ema_decay=decay)
    run = Run(options, torch.Generator().manual_seed(0))
    train(module, {"loss": 1.0}, torch.arange(12), run)
    expected = seen[0]
    for step, weight in enumerate(seen[1:], start=1):
        share = min(decay, (1 + step) / (10 + step))
        expected = share * expected + (1 - share) * weight
    assert len(seen) == 1 + 3 * 7
    torch.testing.assert_close(module.weight.detach(), expected)


def test_validation_sees_the_average():
    """Raw weights jump between -1 and 1; their average stays near 0 and is what is judged."""
    judged = []

    class Jumping(nn.Linear):
        def forward(self, batch):
            if not self.training:
                judged.append(abs(self.weight.item()))
            else:
                sign = 1.0 if self.weight.item() <= 0 else -1.0
                with torch.no_grad():
                    self.weight.fill_(sign)
            return {"loss": self.weight.sum() * 0 + 1}

    module = Jumping(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    options = TrainingOptions(
        batch_size=2,
        max_iter=30,
        learning_rate=1e-6,
        early_stopping=True,
        n_iter_no_change=100,
        ema_decay=0.95,
    )
    run = Run(options, torch.Generator().manual_seed(0))
    train(module, {"loss": 1.0}, torch.arange(10), run, validation_rows=torch.arange(2))
    assert len(judged) == 30
    assert max(judged[-10:]) < 0.2


def test_averages_change_hashers_of_features_too():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 5)), rng.integers(3, size=60)
    options = {"max_iter": 3, "hidden_layer_sizes": (8,), "random_state": 0, "device": "cpu"}
    plain, same, averaged = (
        HashNetHasher(8, training=training, **options).fit(X, y).decision_function(X)
        for training in (None, Training(), Training(ema_decay=0.9))
    )
    np.testing.assert_array_equal(plain, same)
    assert not np.allclose(plain, averaged)
