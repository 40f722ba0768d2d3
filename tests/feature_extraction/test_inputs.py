"""What X may be, and how it is refused."""

import numpy as np
import pytest
from scipy import sparse

from skhash.feature_extraction._inputs import check_images

WRONG = {
    "a path": ("cat.jpg", TypeError, "single str"),
    "a dict": ({}, TypeError, "single dict"),
    "sparse": (sparse.eye_array(3), TypeError, "images"),
    "a generator": ((i for i in range(3)), TypeError, "generator"),
    "rows of features": (np.zeros((4, 5)), ValueError, r"shape \(4, 5\)"),
    "one image": (np.zeros((32, 32, 3)), ValueError, r"pass X\[None\]"),
    "nothing": ([], ValueError, "at least one"),
    "no rows": (np.zeros((0, 8, 8, 3)), ValueError, "at least one"),
    "no pixels": (np.zeros((2, 0, 8, 3)), ValueError, "empty"),
    "channels first": (np.zeros((4, 3, 32, 32)), ValueError, "moveaxis"),
    "one channels first": ([np.zeros((3, 32, 32))], ValueError, r"X\[0\].*moveaxis"),
    "5 channels": (np.zeros((4, 8, 8, 5)), ValueError, "1, 3 or 4 channels"),
    "64 bits": (np.zeros((4, 8, 8, 3), dtype=int), ValueError, "astype"),
    "16 bits": ([np.zeros((8, 8), dtype=np.uint16)], ValueError, r"X\[0\].*65535"),
    "a number": ([np.zeros((8, 8)), 3], TypeError, r"int in X\[1\]"),
    "a vector": ([np.zeros((8, 8)), np.zeros(8)], ValueError, r"X\[1\] must have shape"),
    "nested lists": ([[[0.0, 1.0]]], TypeError, r"list in X\[0\]"),
    "two columns": (np.array([["a", "b"]]), ValueError, "one dimension"),
}


@pytest.mark.parametrize(("X", "error", "message"), WRONG.values(), ids=WRONG)
def test_wrong_x(X, error, message):
    with pytest.raises(error, match=message):
        check_images(X, must_exist=False)


def test_missing_files_are_found_before_the_work(tmp_path):
    there = tmp_path / "there.jpg"
    there.touch()
    missing = [there, str(tmp_path / "missing.jpg")]
    with pytest.raises(ValueError, match=r"X\[1\] \('.*missing\.jpg'\) is not a file"):
        check_images(missing, must_exist=True)
    assert check_images(missing, must_exist=False) == missing


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ValueError, match="is not a file"):
        check_images([tmp_path], must_exist=True)


def test_columns_of_paths():
    pd = pytest.importorskip("pandas")
    names = ["a.jpg", "b.jpg"]
    for column in (np.array(names), pd.Series(names), pd.Series(names, dtype="string"), names):
        assert check_images(column, must_exist=False) == names


def test_arrays_are_not_copied(images):
    assert np.shares_memory(check_images(images, must_exist=True), images)
