"""Train one hasher in several processes, and judge it.

In two processes, on this machine:

    OMP_NUM_THREADS=1 torchrun --standalone --nproc-per-node=2 fit_ddp.py

and in one, for comparison:

    OMP_NUM_THREADS=1 python fit_ddp.py

`fit` finds torch's process group by itself: what differs from a script for one process is
`process_group`, and that the first process alone reports and saves.
"""

import argparse
import contextlib
import os
import time

import torch
import torch.distributed as dist

import skhash
from skhash import KLBinaryHasher, OrthoHasher, SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.metrics import mean_average_hierarchical_precision_score
from skhash.similarity import TaxonomySimilarity

HASHERS = {
    "semantic": lambda **options: SemanticHasher(
        similarity=TaxonomySimilarity("cifar100"), **options
    ),
    "ortho": OrthoHasher,
    "kl_binary": KLBinaryHasher,
}


@contextlib.contextmanager
def process_group():
    """torch's process group, where `torchrun` started this process, while the context lasts."""
    if "RANK" not in os.environ:
        yield
        return
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        # each process has a GPU to itself
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def data(n_classes):
    """Features and class names to train on, and to query with."""
    cifar = load_cifar100_features()
    X, y = cifar.data, cifar.target_names[cifar.target]
    parts = (cifar.train_indices, cifar.query_indices)
    return [(X[r], y[r]) for r in (rows[cifar.target[rows] < n_classes] for rows in parts)]


def arguments():
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hasher", choices=HASHERS, default="semantic")
    parser.add_argument("--n-bits", type=int, default=64)
    parser.add_argument("--epochs", type=int, help="default: that of the hasher")
    parser.add_argument("--batch-size", type=int, help="of all processes; default: as above")
    parser.add_argument("--classes", type=int, default=100, help="the first so many of CIFAR-100")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", help="folder for the fitted hasher")
    return parser.parse_args()


def is_first():
    """Whether this process is the one that reports and saves."""
    return not dist.is_initialized() or dist.get_rank() == 0


def fit(chosen, X, y):
    """The fitted hasher that the options describe, and the seconds it took."""
    options = {"max_iter": chosen.epochs, "batch_size": chosen.batch_size}
    options = {name: value for name, value in options.items() if value is not None}
    hasher = HASHERS[chosen.hasher](n_bits=chosen.n_bits, random_state=chosen.seed, **options)
    started = time.perf_counter()
    # labels would turn the neighbours of X into classes
    hasher.fit(X, None if chosen.hasher == "kl_binary" else y)
    return hasher, time.perf_counter() - started


def report(chosen, hasher, X, y, X_query, y_query, seconds):
    """Print how well the codes find what is similar, and save the hasher where asked to."""
    size = dist.get_world_size() if dist.is_initialized() else 1
    score = mean_average_hierarchical_precision_score(
        hasher.transform(X_query),
        y_query,
        hasher.transform(X),
        y,
        similarity=TaxonomySimilarity("cifar100"),
        k=250,
    )
    print(
        f"{chosen.hasher}, {chosen.n_bits} bits, seed {chosen.seed}, {size} process(es): "
        f"mAHP@250 {score:.4f}, {seconds:.1f} s"
    )
    if chosen.save:
        skhash.save(hasher, chosen.save)


def main():
    """Fit in all processes; report in the first."""
    chosen = arguments()
    (X, y), (X_query, y_query) = data(chosen.classes)
    with process_group():
        hasher, seconds = fit(chosen, X, y)
        if is_first():
            report(chosen, hasher, X, y, X_query, y_query, seconds)


if __name__ == "__main__":
    main()
