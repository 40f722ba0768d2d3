"""Pipelines that begin with images: clone, search, cache, pickle."""

import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skhash import ClassCodeHasher, ITQHasher, SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.feature_extraction import ImageFeatures
from skhash.metrics import get_scorer


def colors(batch):
    """Mean colours of a grid of 4 by 4: features that tell some classes apart."""
    from torch.nn.functional import adaptive_avg_pool2d

    return adaptive_avg_pool2d(batch, 4).flatten(start_dim=1)


def corner(batch):
    """The upper left pixel."""
    return batch[:, :, 0, 0]


@pytest.fixture(scope="module")
def cifar():
    """200 real pictures of 10 classes."""
    pytest.importorskip("PIL", reason="Pillow decodes the thumbnails")
    bunch = load_cifar100_features()
    rows = np.flatnonzero(bunch.target[bunch.query_indices] < 10)
    names = bunch.target_names[bunch.target[bunch.query_indices[rows]]]
    return bunch.thumbnails[rows], names


@pytest.fixture
def pipeline():
    features = ImageFeatures(colors, device="cpu")
    hasher = SemanticHasher(
        n_bits=16, max_iter=5, hidden_layer_sizes=(32,), device="cpu", random_state=0
    )
    return make_pipeline(features, hasher)


def as_files(images, folder):
    from PIL import Image

    paths = [str(folder / f"{row}.png") for row in range(len(images))]
    for path, image in zip(paths, images):
        Image.fromarray(image).save(path)
    return paths


def test_codes_of_arrays_and_of_files(pipeline, cifar, tmp_path):
    images, y = cifar
    codes = pipeline.fit(images, y).transform(images)
    assert codes.shape == (200, 16)
    assert codes.dtype == np.uint8
    paths = as_files(images, tmp_path)
    np.testing.assert_array_equal(pipeline.transform(paths), codes)
    np.testing.assert_array_equal(clone(pipeline).fit(paths, y).transform(images), codes)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(pipeline)).transform(images), codes)


@pytest.mark.parametrize("kind", ["arrays", "paths"])
def test_grid_search(pipeline, cifar, tmp_path, kind):
    images, y = cifar
    X = images if kind == "arrays" else as_files(images, tmp_path)
    pipeline.set_params(semantichasher=ClassCodeHasher(n_bits=8, random_state=0))
    search = GridSearchCV(
        pipeline,
        {"imagefeatures__backbone": [corner, colors]},
        scoring=get_scorer("map"),
        cv=StratifiedKFold(2),
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_ == {"imagefeatures__backbone": colors}
    assert np.ptp(search.cv_results_["mean_test_score"]) > 0


@pytest.mark.slow
def test_a_search_in_other_processes(network, cifar):
    images, y = cifar
    pipeline = make_pipeline(ImageFeatures(network, device="cpu"), ITQHasher(4, random_state=0))
    parameters = {"imagefeatures__mean": [None, 0.0]}
    scores = [
        GridSearchCV(
            pipeline, parameters, scoring=get_scorer("map"), cv=StratifiedKFold(2), n_jobs=n_jobs
        )
        .fit(images[::2], y[::2])
        .cv_results_["mean_test_score"]
        for n_jobs in (None, 2)
    ]
    np.testing.assert_allclose(*scores)


def test_memory_computes_features_once(pipeline, cifar, tmp_path, monkeypatch, network):
    images, y = cifar
    calls = []
    transform = ImageFeatures.transform
    monkeypatch.setattr(
        ImageFeatures, "transform", lambda self, X: calls.append(len(X)) or transform(self, X)
    )
    memory = joblib.Memory(tmp_path, verbose=0)
    for backbone in (colors, network):
        calls.clear()
        cached = clone(pipeline).set_params(memory=memory, imagefeatures__backbone=backbone)
        first = cached.fit(images, y).transform(images[:5])
        assert calls == [200, 5]
        # only the hasher is fitted anew, also where a pickle arrives in another process
        again = pickle.loads(pickle.dumps(cached)).set_params(semantichasher__n_bits=8)
        assert again.fit(images, y).transform(images[:5]).shape == (5, 8)
        assert calls == [200, 5, 5]
        assert first.shape == (5, 16)
        cached.set_params(imagefeatures__mean=0.0).fit(images, y)
        assert calls == [200, 5, 5, 200]


def test_a_column_of_paths(cifar, tmp_path):
    pd = pytest.importorskip("pandas")
    images, _ = cifar
    frame = pd.DataFrame({"path": as_files(images[:6], tmp_path), "price": np.arange(6.0)})
    columns = make_column_transformer(
        (ImageFeatures(colors, device="cpu"), "path"), remainder="passthrough"
    )
    values = columns.fit_transform(frame)
    assert values.shape == (6, 49)
    assert list(columns.get_feature_names_out())[-1] == "remainder__price"


def test_skipped_rows_end_in_a_plain_error(pipeline, cifar, tmp_path):
    images, y = cifar
    paths = as_files(images, tmp_path)
    (tmp_path / "3.png").write_text("broken")
    pipeline.set_params(imagefeatures__on_error="skip")
    with (
        pytest.warns(UserWarning, match=r"X\[3\] .*3\.png"),
        pytest.raises(ValueError, match="NaN"),
    ):
        pipeline.fit(paths, y)
    keep = pipeline[0].readable(paths)
    kept = [path for path, is_kept in zip(paths, keep) if is_kept]
    assert pipeline.fit(kept, y[keep]).transform(kept).shape == (199, 16)
