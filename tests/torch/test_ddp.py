"""Data-parallel training: two processes train one model, and both have it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import skhash
from skhash.metrics import mean_average_precision_score

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from ddp_worker import HASHERS, fitted, slice_of_cifar, whole_batch  # noqa: E402

SCRIPT = HERE.parents[1] / "examples" / "ddp" / "fit_ddp.py"
# the threads of two processes would wait for each other
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
}
LONGEST = 120  # seconds: processes that wait for each other in vain fail the test

pytestmark = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
    reason="torch was built without gloo",
)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What each of two processes of ddp_worker.py wrote down: (its arrays, the rest)."""
    folder = tmp_path_factory.mktemp("ddp")
    command = [sys.executable, str(HERE / "ddp_worker.py"), str(folder)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    running = [
        subprocess.Popen(command, env={**ENVIRONMENT, "RANK": str(rank)}, **options)
        for rank in range(2)
    ]
    try:
        outputs = [process.communicate(timeout=LONGEST)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0, 0], "\n".join(outputs)
    results = []
    for rank in range(2):
        with np.load(folder / f"{rank}.npz") as arrays:
            found = json.loads((folder / f"{rank}.json").read_text(encoding="utf-8"))
            results.append((dict(arrays), found))
    return results


@pytest.fixture(scope="module")
def rows():
    return slice_of_cifar()


def test_both_have_the_same_model(both):
    (arrays, found), (other_arrays, other_found) = both
    assert arrays.keys() == other_arrays.keys()
    for name, value in arrays.items():
        np.testing.assert_array_equal(value, other_arrays[name], err_msg=name)
    for name in HASHERS:
        assert found[name] == other_found[name]
    assert len(found["stopped"]["validation"]) == len(found["stopped"]["loss"])


@pytest.mark.parametrize("name", HASHERS)
def test_same_quality_as_one_process(name, both, rows):
    X, y, X_query, y_query = rows
    one = fitted(HASHERS[name](), X, y)
    arrays = both[0][0]

    def quality(query, database):
        return mean_average_precision_score(query > 0, y_query, database > 0, y)

    alone = quality(one.decision_function(X_query), one.decision_function(X))
    together = quality(arrays[f"{name} query"], arrays[name])
    # another seed differs by 0.02; without labels neighbours are looked for within half a batch
    assert together == pytest.approx(alone, abs=0.06)
    coins = np.random.default_rng(0).integers(2, size=(len(y) + len(y_query), 32)) - 0.5
    assert together > quality(coins[len(y) :], coins[: len(y)]) + 0.25


def test_mean_losses_give_the_gradients_of_one_process(both, rows):
    """Seven rows in one batch, shared as four and three: the same steps but for rounding."""
    X, y = rows[0][:7], rows[1][:7]
    one = whole_batch().fit(X, y)
    arrays, found = both[0]
    np.testing.assert_allclose(found["whole batch loss"], one.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(arrays["whole batch"], one.decision_function(X), atol=1e-3)
    assert one.loss_curve_[-1] < 0.9 * one.loss_curve_[0]


def test_each_row_is_seen_by_one_process_in_each_epoch(both):
    """103 rows in batches of 50: the last three, too few for two processes, join the second."""
    shares = [found["shares"] for _, found in both]
    assert [[len(part) for part in own] for own in shares] == [[25, 27] * 2, [25, 26] * 2]
    for epoch in (slice(0, 2), slice(2, 4)):
        seen = [row for own in shares for part in own[epoch] for row in part]
        assert sorted(seen) == list(range(103))
    assert shares[0][0] != shares[0][2]


def test_random_numbers_differ_by_process(both):
    """Those of the generator that augmentation is given, and torch's global ones."""
    own, other = (np.array(found["draws"]) for _, found in both)
    assert own.shape == (3, 2)
    assert not np.intersect1d(own, other).size


def test_checkpoint_of_one_file_resumes_all(both):
    found = [found for _, found in both]
    for own in found:
        assert own["interrupted"] == "interrupted"
        assert own["kept"]
        assert own["resumed like whole"]
    # the first alone writes, after each epoch: two, and the two that are left
    assert [own["writes"] for own in found] == [4, 0]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("other rows", "differ in checksum of X"),
        ("other seed", "differ in random_state, seed"),
        ("no seed", "whole number as random_state"),
        ("small batch", "batch_size must be at least 4, two for each of 2 processes, got 3"),
        ("little validation", "number of validation rows must be at least 4"),
    ],
)
def test_refusals_reach_all_processes(what, words, both):
    for _, found in both:
        assert words in found["refusals"][what]


@pytest.mark.slow
def test_script_under_torchrun(tmp_path, rows):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    options = ["--epochs=2", "--classes=10", "--n-bits=16", f"--save={tmp_path / 'model'}"]
    done = subprocess.run(
        [*command, str(SCRIPT), *options],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    line = re.findall(r"semantic, 16 bits, seed 0, 2 process.*mAHP@250 ([\d.]+)", done.stdout)
    assert len(line) == 1
    assert float(line[0]) > 0.5  # 0.9; by chance 0.2
    codes = skhash.load(tmp_path / "model").transform(rows[0])
    assert codes.shape == (401, 16)
