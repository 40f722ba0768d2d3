"""The script that makes the shipped files."""

import os
import subprocess
import sys
from importlib import resources
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "make_cifar100_features.py"


def _run(*arguments, **environment):
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.skipif(
    "SKHASH_DATA" not in os.environ, reason="SKHASH_DATA names no folder of larger data"
)
def test_script_makes_what_is_shipped(tmp_path):
    """Compared once read: the bytes depend on the versions of zlib and libjpeg."""
    image_module = pytest.importorskip("PIL.Image")
    finished = _run("--output", tmp_path, **os.environ)
    assert finished.returncode == 0, finished.stderr
    shipped = resources.files("skhash.datasets.data")
    assert {path.name for path in tmp_path.iterdir()} == {
        "cifar100_features.npz",
        "cifar100_query_thumbnails.jpg",
    }
    with (
        np.load(tmp_path / "cifar100_features.npz") as made,
        np.load(BytesIO((shipped / "cifar100_features.npz").read_bytes())) as kept,
    ):
        assert made.files == kept.files
        for key in made.files:
            np.testing.assert_array_equal(made[key], kept[key])
            assert made[key].dtype == kept[key].dtype
    pictures = [
        np.asarray(image_module.open(BytesIO(path.read_bytes())), dtype=int)
        for path in (
            tmp_path / "cifar100_query_thumbnails.jpg",
            shipped / "cifar100_query_thumbnails.jpg",
        )
    ]
    np.testing.assert_allclose(*pictures, atol=3)


def test_script_wants_a_source():
    environment = {key: value for key, value in os.environ.items() if key != "SKHASH_DATA"}
    finished = _run(**environment)
    assert finished.returncode == 2
    assert "--source" in finished.stderr
