"""The features that ship inside the package."""

import os
import pickle
import sys
import zipfile
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from skhash.datasets import fetch_cifar100, load_cifar100_features

needs_shared_data = pytest.mark.skipif(
    "SKHASH_DATA" not in os.environ, reason="SKHASH_DATA names no folder of larger data"
)


@pytest.fixture(scope="module")
def cifar():
    return load_cifar100_features()


@pytest.fixture(scope="module")
def exact():
    """The features before they were rounded to 8 bits."""
    path = Path(os.environ["SKHASH_DATA"], "cifar100_features_efflite0_pca256.npz")
    with np.load(path) as pack:
        return {
            "data": pack["x_test"].astype(np.float32),
            "target": pack["y_test"],
            "fine_to_coarse": pack["fine_to_coarse"],
            "target_names": pack["fine_names"],
            "coarse_names": pack["coarse_names"],
        }


def _knn_accuracy(bunch, data, labels):
    model = KNeighborsClassifier(20, metric="cosine", algorithm="brute")
    model.fit(data[bunch.train_indices], labels[bunch.train_indices])
    return model.score(data[bunch.query_indices], labels[bunch.query_indices])


def test_every_class_has_a_hundred_rows_and_every_superclass_five_classes(cifar):
    assert cifar.data.shape == (10_000, 256)
    assert cifar.data.dtype == np.float32
    assert cifar.target.dtype == np.int64
    np.testing.assert_array_equal(np.bincount(cifar.target), np.full(100, 100))
    pairs = np.unique(np.column_stack([cifar.target, cifar.coarse]), axis=0)
    np.testing.assert_array_equal(pairs[:, 0], np.arange(100))
    np.testing.assert_array_equal(np.bincount(pairs[:, 1]), np.full(20, 5))


def test_names_of_classes_and_superclasses(cifar):
    assert len(set(cifar.target_names)) == 100
    assert list(cifar.target_names) == sorted(cifar.target_names)
    superclass = dict(
        zip(cifar.target_names[cifar.target], cifar.coarse_names[cifar.coarse], strict=True)
    )
    fish = {name for name, coarse in superclass.items() if coarse == "fish"}
    assert fish == {"aquarium_fish", "flatfish", "ray", "shark", "trout"}
    assert superclass["lawn_mower"] == "vehicles_2"


def test_split_is_stratified_and_covers_every_row_once(cifar):
    rows = np.concatenate([cifar.train_indices, cifar.query_indices])
    np.testing.assert_array_equal(np.sort(rows), np.arange(10_000))
    np.testing.assert_array_equal(np.bincount(cifar.target[cifar.train_indices]), np.full(100, 80))
    np.testing.assert_array_equal(np.bincount(cifar.target[cifar.query_indices]), np.full(100, 20))
    assert np.all(np.diff(cifar.train_indices) > 0)
    assert np.all(np.diff(cifar.query_indices) > 0)


def test_the_described_accuracy_and_oddities(cifar):
    """The numbers in DESCR; rows and labels in different orders would give 1 % and 5 %."""
    for labels, described in ((cifar.target, "52.95 %"), (cifar.coarse, "69.30 %")):
        assert described in cifar.DESCR
        # near ties in cosine may fall otherwise on other processors
        accuracy = 100 * _knn_accuracy(cifar, cifar.data, labels)
        assert accuracy == pytest.approx(float(described.split()[0]), abs=0.1)
    for first, second, names in ((3438, 7715, "otter seal"), (4654, 6709, "girl baby")):
        np.testing.assert_array_equal(cifar.data[first], cifar.data[second])
        assert " ".join(cifar.target_names[cifar.target[[first, second]]]) == names


def test_columns_are_centred_uncorrelated_components_by_falling_variance(cifar):
    # fitted on the training images, so that on the test images all of it holds nearly
    spread = cifar.data.std(axis=0)
    assert np.all(np.abs(cifar.data.mean(axis=0)) < 0.1 * spread)
    assert np.all(spread[1:] < 1.06 * spread[:-1])
    correlation = np.corrcoef(cifar.data, rowvar=False) - np.eye(256)
    assert np.abs(correlation).max() < 0.1


def test_thumbnails_show_the_query_rows(cifar):
    """The features foretell the brightness of their own images, and nothing of any others."""
    assert cifar.thumbnails.shape == (2000, 32, 32, 3)
    assert cifar.thumbnails.dtype == np.uint8
    brightness = cifar.thumbnails.mean(axis=(1, 2, 3))
    predicted = cross_val_predict(Ridge(100.0), cifar.data[cifar.query_indices], brightness, cv=4)
    assert np.corrcoef(predicted, brightness)[0, 1] > 0.7


def test_thumbnails_are_decoded_once_and_only_when_asked_for():
    bunch = load_cifar100_features()
    assert "thumbnails" in dir(bunch)
    assert "thumbnails" not in bunch
    assert bunch.thumbnails is bunch["thumbnails"]
    with pytest.raises(AttributeError, match="no_such_entry"):
        _ = bunch.no_such_entry
    restored = pickle.loads(pickle.dumps(load_cifar100_features()))
    np.testing.assert_array_equal(restored.thumbnails, bunch.thumbnails)


def test_features_load_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    bunch = load_cifar100_features()
    with pytest.raises(ImportError, match="pip install pillow"):
        _ = bunch.thumbnails


def test_return_X_y(cifar):
    X, y = load_cifar100_features(return_X_y=True)
    np.testing.assert_array_equal(X, cifar.data)
    np.testing.assert_array_equal(y, cifar.target)


def test_as_frame(cifar):
    pd = pytest.importorskip("pandas")
    bunch = load_cifar100_features(as_frame=True)
    assert list(bunch.data.columns) == cifar.feature_names == [f"pca{i}" for i in range(256)]
    assert set(bunch.data.dtypes) == {np.dtype(np.float32)}
    np.testing.assert_array_equal(bunch.data.to_numpy(), cifar.data)
    pd.testing.assert_series_equal(bunch.target, pd.Series(cifar.target, name="target"))
    pd.testing.assert_frame_equal(bunch.frame, pd.concat([bunch.data, bunch.target], axis=1))
    assert cifar.frame is None
    X, y = load_cifar100_features(return_X_y=True, as_frame=True)
    pd.testing.assert_frame_equal(X, bunch.data)
    pd.testing.assert_series_equal(y, bunch.target)


def test_as_frame_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        load_cifar100_features(as_frame=True)


def test_shipped_files_are_small_and_carry_no_times(cifar):
    folder = resources.files(cifar.data_module)
    assert sum(len(file.read_bytes()) for file in folder.iterdir() if file.is_file()) <= 6_000_000
    with (folder / cifar.filename).open("rb") as file, zipfile.ZipFile(file) as pack:
        assert {info.date_time for info in pack.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@needs_shared_data
def test_quantisation_error_is_as_described(cifar, exact):
    error = cifar.data - exact["data"]
    half_step = np.abs(exact["data"]).max(axis=0) / 254
    assert np.all(np.abs(error) <= half_step * (1 + 1e-5))
    assert np.linalg.norm(error) / np.linalg.norm(exact["data"]) == pytest.approx(0.010, abs=5e-4)
    cosines = [
        cosine_similarity(data[cifar.query_indices], data[cifar.train_indices])
        for data in (cifar.data, exact["data"])
    ]
    difference = cosines[0] - cosines[1]
    assert np.sqrt(np.mean(difference**2)) == pytest.approx(0.0015, abs=5e-5)
    assert np.abs(difference).max() < 0.010


@needs_shared_data
def test_quantisation_keeps_the_accuracy(cifar, exact):
    for labels in (cifar.target, cifar.coarse):
        before = _knn_accuracy(cifar, exact["data"], labels)
        assert _knn_accuracy(cifar, cifar.data, labels) == pytest.approx(before, abs=0.003)


@needs_shared_data
def test_labels_and_names_are_those_of_the_source(cifar, exact):
    np.testing.assert_array_equal(cifar.target, exact["target"])
    np.testing.assert_array_equal(cifar.coarse, exact["fine_to_coarse"][exact["target"]])
    np.testing.assert_array_equal(cifar.target_names, exact["target_names"])
    np.testing.assert_array_equal(cifar.coarse_names, exact["coarse_names"])


@needs_shared_data
def test_thumbnails_agree_with_the_images(cifar):
    images = fetch_cifar100()
    assert images.source == "SKHASH_DATA (JPEG quality 95)"
    assert images.images.shape == (60_000, 32, 32, 3)
    np.testing.assert_array_equal(images.target[images.test_indices], cifar.target)
    np.testing.assert_array_equal(images.coarse[images.test_indices], cifar.coarse)
    originals = images.images[images.test_indices[cifar.query_indices]].astype(np.float64)
    squared = ((cifar.thumbnails - originals) ** 2).mean(axis=(1, 2, 3))
    worst_psnr = 10 * np.log10(255**2 / squared.max())
    assert worst_psnr > 45
