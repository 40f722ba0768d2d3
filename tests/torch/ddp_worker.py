"""What each of two processes does for test_ddp.py: it fits, and writes down what it found."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from skhash import ClassAnchorHasher, KLBinaryHasher, OrthoHasher, SemanticHasher
from skhash._torch.checkpoints import Checkpoint
from skhash.datasets import load_cifar100_features
from skhash.encoders import RelationalEncoder
from skhash.networks import Augmentation, Training, resnet

SMALL = {"random_state": 0, "device": "cpu", "batch_size": 64, "max_iter": 6}
NARROW = {**SMALL, "hidden_layer_sizes": (128,)}
HASHERS = {
    "posterior": lambda: SemanticHasher(32, **NARROW),
    "direct": lambda: SemanticHasher(32, encoder=RelationalEncoder(), dropout=0.2, **NARROW),
    "averaged": lambda: OrthoHasher(32, training=Training(ema_decay=0.9), **NARROW),
    "stopped": lambda: OrthoHasher(32, **{**NARROW, "early_stopping": True, "max_iter": 10}),
    "unlabelled": lambda: KLBinaryHasher(32, **NARROW),
}
# one batch holds all rows: their order is without effect, and so is how they are shared
WHOLE_BATCH = {"random_state": 0, "device": "cpu", "batch_size": 1000, "max_iter": 20}


def slice_of_cifar():
    """Eight classes: rows and labels to learn from, and others to query with."""
    cifar = load_cifar100_features()
    rows = np.flatnonzero(cifar.target < 8)[:602]
    learn = np.arange(len(rows)) % 3 > 0
    X, y = cifar.data[rows], cifar.target[rows]
    return X[learn], y[learn], X[~learn], y[~learn]


def linear(n_features, n_outputs):
    """A network without batch statistics."""
    return nn.Linear(n_features, n_outputs)


def whole_batch():
    """A hasher whose loss is a mean over rows, of a network without batch statistics."""
    return ClassAnchorHasher(16, network=linear, **WHOLE_BATCH)


def fitted(hasher, X, y):
    return hasher.fit(X, None if isinstance(hasher, KLBinaryHasher) else y)


class Noticing(nn.Module):
    """A linear network that notes the first number of each row that it is trained on."""

    def __init__(self, n_features, n_outputs, seen):
        super().__init__()
        self.linear, self.seen = nn.Linear(n_features, n_outputs), seen

    def forward(self, X):
        if self.training and torch.is_grad_enabled():
            self.seen.append(X[:, 0].tolist())
        return self.linear(X)


def shares_of_rows(found):
    seen, X = [], np.random.default_rng(0).normal(size=(103, 4))
    X[:, 0] = np.arange(103)

    def network(n_features, n_outputs):
        return Noticing(n_features, n_outputs, seen)

    options = {**SMALL, "batch_size": 50, "max_iter": 2, "learning_rate": 1e-6}
    OrthoHasher(8, network=network, **options).fit(X, np.arange(103) % 3)
    found["shares"] = seen


def image_fits(found, folder):
    """Uninterrupted, and interrupted and resumed."""
    images = np.random.default_rng(0).integers(256, size=(70, 8, 8, 3), dtype=np.uint8)
    labels, path, writes = np.arange(70) % 4, folder / "run.pt", []
    write, augmentation, draws = Checkpoint._write, Augmentation(crop=1, cutout=2), []

    def counted(self, states):
        writes.append(path.exists())
        write(self, states)

    def interrupting(batch, generator):
        interrupting.left -= 1
        if interrupting.left == 0:
            raise RuntimeError("interrupted")
        draws.append([torch.rand(1, generator=generator).item(), torch.rand(1).item()])
        return augmentation(batch, generator)

    def hasher(checkpoint=None):
        training = Training(augmentation=interrupting, ema_decay=0.8, checkpoint=checkpoint)
        options = {**SMALL, "batch_size": 16, "max_iter": 4, "network": resnet(8, 0.25)}
        return OrthoHasher(8, training=training, **options)

    interrupting.left = 0
    whole = hasher().fit(images, labels)
    found["draws"] = draws[:3]
    Checkpoint._write, interrupting.left = counted, 10
    found["interrupted"] = refusal(lambda: hasher(path).fit(images, labels))
    found["kept"] = path.exists()
    resumed = hasher(path).fit(images, labels)
    Checkpoint._write = write
    found["writes"] = len(writes)
    found["resumed like whole"] = all(
        np.array_equal(value, resumed.network_state_[name])
        for name, value in whole.network_state_.items()
    )
    return whole.decision_function(images)


def refusal(call):
    try:
        call()
    except (ValueError, RuntimeError) as error:
        return str(error)
    return "none"


def refusals(rank, X, y):
    def message(X=X, **changes):
        return refusal(lambda: OrthoHasher(8, **{**SMALL, "max_iter": 1, **changes}).fit(X, y))

    return {
        "other rows": message(X + rank),
        "other seed": message(random_state=rank),
        "no seed": message(random_state=None),
        "small batch": message(batch_size=3),
        "little validation": message(early_stopping=True, validation_fraction=0.005),
    }


def main(folder):
    rank, folder = int(os.environ["RANK"]), Path(folder)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder / 'store'}", rank=rank, world_size=2
    )
    X, y, X_query, _ = slice_of_cifar()
    found, arrays = {}, {}
    found["refusals"] = refusals(rank, X, y)
    for name, make in HASHERS.items():
        hasher = fitted(make(), X, y)
        found[name] = {
            "loss": hasher.loss_curve_,
            "validation": hasher.validation_loss_curve_,
            "best": hasher.best_iter_,
        }
        arrays[name], arrays[f"{name} query"] = (
            hasher.decision_function(rows) for rows in (X, X_query)
        )
        arrays |= {f"{name} {key}": value for key, value in hasher.objective_state_.items()}
    whole = whole_batch().fit(X[:7], y[:7])
    arrays["whole batch"] = whole.decision_function(X[:7])
    found["whole batch loss"] = whole.loss_curve_
    shares_of_rows(found)
    arrays["images"] = image_fits(found, folder)
    np.savez(folder / f"{rank}.npz", **arrays)
    (folder / f"{rank}.json").write_text(json.dumps(found), encoding="utf-8")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
