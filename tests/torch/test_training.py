"""The training loop: schedule, early stop, best state, interruption, errors, seeds, devices."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from skhash._torch.training import Run, TrainingOptions, train


class Terms(nn.Module):
    """A module that is trained, with a function from a batch of row numbers to its loss terms."""

    def __init__(self, module, objective):
        super().__init__()
        self.module, self.objective = module, objective

    def forward(self, batch):
        return self.objective(batch)


def quadratic(n=20):
    """A module of one weight, and an objective whose minimum lies at weight 3."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)

    def objective(batch):
        return {"distance": (module.weight - 3).square().mean(), "extra": module.weight.mean() * 0}

    return module, objective, torch.arange(n)


def run(module, objective, rows, *, weights=None, **keywords):
    options = TrainingOptions(
        **{"batch_size": 5, "max_iter": 60, "learning_rate": 0.1, **keywords.pop("options", {})}
    )
    weights = weights or {"distance": 1.0, "extra": 1.0}
    how = Run(options, torch.Generator().manual_seed(0))
    trained = Terms(module, objective)
    record = train(trained, weights, rows, how, **keywords)
    assert not trained.training
    return record


def test_reaches_the_minimum_and_records_each_term():
    module, objective, rows = quadratic()
    record = run(module, objective, rows)
    assert module.weight.item() == pytest.approx(3, abs=0.05)
    assert len(record.loss) == 60
    assert record.loss[-1] < 1e-2 < record.loss[0]
    assert record.terms["distance"] == pytest.approx(record.loss)
    assert record.terms["extra"] == [0.0] * 60
    assert not module.training


def test_every_row_is_seen_once_an_epoch_and_no_batch_is_single():
    module, objective, _ = quadratic()
    seen = []

    def recording(batch):
        seen.append(batch.tolist())
        return objective(batch)

    run(module, recording, torch.arange(11), options={"max_iter": 2})
    first, second = ([*a, *b] for a, b in (seen[:2], seen[2:]))
    assert sorted(first) == sorted(second) == list(range(11))
    assert first != second
    assert [len(batch) for batch in seen] == [5, 6, 5, 6]


def test_keeps_the_best_state_on_validation_rows_and_stops():
    """The validation loss is least while the weight is near 1; training would go on to 3."""
    module, _, rows = quadratic()

    def both(batch):
        validating = not module.training
        target = 1.0 if validating else 3.0
        return {"distance": (module.weight - target).square().mean()}

    record = run(
        module,
        both,
        rows[:-5],
        weights={"distance": 1.0},
        validation_rows=rows[-5:],
        options={"early_stopping": True, "n_iter_no_change": 3, "max_iter": 100},
    )
    assert module.weight.item() == pytest.approx(1, abs=0.35)
    assert record.best_iter == int(np.argmin(record.validation_loss)) + 1
    assert len(record.loss) == record.best_iter + 3 < 100


def test_interruption_keeps_the_last_whole_epoch_and_warns():
    module, objective, rows = quadratic()
    calls, weights = [], []

    def interrupted(batch):
        calls.append(len(batch))
        if len(calls) % 4 == 1:  # before each epoch
            weights.append(module.weight.item())
        if len(calls) == 15:  # in the midst of the fourth epoch
            raise KeyboardInterrupt
        return objective(batch)

    with pytest.warns(ConvergenceWarning, match="interrupted: kept the state after epoch 3"):
        record = run(module, interrupted, rows)
    assert record.interrupted
    assert record.best_iter == len(record.loss) == 3
    assert module.weight.item() == weights[3]


def test_nan_stops_with_the_name_of_the_term():
    module, objective, rows = quadratic()

    def broken(batch):
        terms = objective(batch)
        return {**terms, "extra": terms["extra"] + torch.log(module.weight.sum() * 0 - 1)}

    with pytest.raises(FloatingPointError, match="'extra' became nan"):
        run(module, broken, rows)


def test_after_epoch_may_stop():
    module, objective, rows = quadratic()
    record = run(module, objective, rows, after_epoch=lambda epoch: epoch == 4)
    assert len(record.loss) == 5


def test_weight_decay_spares_biases():
    module = nn.Linear(1, 1)
    nn.init.ones_(module.weight)
    nn.init.ones_(module.bias)
    run(
        module,
        lambda batch: {"zero": module.weight.sum() * 0},
        torch.arange(4),
        weights={"zero": 1.0},
        options={"weight_decay": 1.0},
    )
    assert module.weight.item() < 0.5
    assert module.bias.item() == 1.0


def test_verbose_reports_terms(capsys):
    run(*quadratic(), options={"max_iter": 2, "verbose": 1})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"]
    assert "distance" in lines[0]
