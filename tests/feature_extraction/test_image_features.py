"""The transformer: the same features from every kind of X, aligned rows, nothing changed."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.utils import estimator_checks
from sklearn.utils.fixes import parse_version
from torch import nn

from skhash.feature_extraction import ImageFeatures

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def expected_features(network, images):
    """By torch alone."""
    standardised = (images / 255 - MEAN) / STD
    batch = torch.tensor(standardised.transpose(0, 3, 1, 2), dtype=torch.float32)
    with torch.no_grad():
        return network(batch).mean(dim=(2, 3)).numpy()


def make(network, **params):
    return ImageFeatures(network, **{"device": "cpu", "batch_size": 4, **params})


# those of scikit-learn's checks that bring no X of their own, which would be rows of features
CHECKS = (
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_mixin_order,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
)


def test_sklearn_checks():
    features = ImageFeatures(nn.Conv2d(3, 4, 3))
    with pytest.warns(SkipTestWarning, match="requires input"):
        estimator_checks.check_estimator(features)
    for check in CHECKS:
        check("ImageFeatures", features)


def test_everything_that_an_image_may_come_as(network, images, paths):
    from PIL import Image

    expected = expected_features(network, images)
    opened = [Image.open(path) for path in paths]
    mixed = [images[0], paths[1], str(paths[2]), opened[3], images[4] / 255, *images[5:]]
    column = np.array([str(path) for path in paths])
    for X in (images, images / 255, list(images), paths, column, opened, mixed):
        features = make(network).fit_transform(X)
        assert features.dtype == np.float32
        np.testing.assert_allclose(features, expected, atol=1e-5)


def test_grey_images(network, images):
    grey = images[..., 0]
    expected = expected_features(network, np.stack([grey] * 3, axis=-1))
    for X in (grey, grey[..., None], list(grey), grey / 255):
        np.testing.assert_allclose(make(network).fit_transform(X), expected, atol=1e-5)


def test_memory_maps_are_read_batch_by_batch(network, images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features = make(network).fit_transform(mapped)
    np.testing.assert_allclose(features, expected_features(network, images), atol=1e-5)


@pytest.mark.parametrize("params", [{"batch_size": 1}, {"batch_size": 100}, {"n_jobs": 3}])
def test_batches_and_threads_change_nothing(network, images, paths, params):
    expected = make(network).fit_transform(images)
    features = make(network, **params).fit_transform(paths)
    np.testing.assert_allclose(features, expected, atol=1e-5)


def test_images_of_different_sizes(network, images):
    X = [images[0], images[1][:, :9], images[2] / 255]
    with pytest.raises(ValueError, match="image_size"):
        make(network).fit_transform(X)
    features = make(network, image_size=16).fit_transform(X)
    alone = [make(network, image_size=16).transform([image])[0] for image in X]
    np.testing.assert_allclose(features, alone, atol=1e-5)


def test_a_callable_gets_standardised_batches(images):
    shapes = []

    def colors(batch):
        shapes.append(tuple(batch.shape))
        return batch.mean(dim=(2, 3)).double().numpy()

    features = make(colors).transform(images)
    np.testing.assert_allclose(
        features, (images.mean(axis=(1, 2)) / 255 - MEAN) / STD, rtol=1e-4, atol=1e-5
    )
    assert shapes == [(4, 3, 20, 16), (4, 3, 20, 16), (2, 3, 20, 16)]


def test_a_callable_preprocess(images):
    def darker(image):
        return np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 510

    features = make(lambda batch: batch.amax(dim=(2, 3)), preprocess=darker).transform(images)
    np.testing.assert_allclose(features, images.max(axis=(1, 2)) / 510, rtol=1e-6)


def test_tokens_are_averaged_over_their_positions(images):
    def tokens(batch):
        return batch.flatten(start_dim=2).mT

    features = make(tokens, mean=0, std=1).transform(images)
    np.testing.assert_allclose(features, images.mean(axis=(1, 2)) / 255, atol=1e-5)


def test_the_module_is_left_as_it_was(network, images):
    network.train()
    network[1].eval()
    before = copy.deepcopy(network.state_dict())
    expected = expected_features(copy.deepcopy(network).eval(), images)
    features = make(network).fit_transform(images)
    np.testing.assert_allclose(features, expected, atol=1e-5)
    assert [part.training for part in network] == [True, False, True, True]
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(parameter.grad is None for parameter in network.parameters())


def test_fit_takes_the_module_as_it_is_now(network, images):
    network.train()
    features = make(network)
    before = features.fit_transform(images)
    with torch.no_grad():
        network[0].weight.mul_(2)
    np.testing.assert_array_equal(features.transform(images), before)
    assert np.abs(features.fit_transform(images) - before).max() > 1e-3


def test_a_parameter_set_anew_takes_effect(network, images):
    features = make(network).fit(images)
    before = features.transform(images)
    features.set_params(mean=0.0, std=1.0)
    after = features.transform(images)
    np.testing.assert_array_equal(after, make(network, mean=0.0, std=1.0).fit_transform(images))
    assert np.abs(after - before).max() > 1e-3


def test_half_precision(network, images):
    expected = make(network).transform(images)
    for half in (make(network, mixed_precision=True), make(copy.deepcopy(network).bfloat16())):
        features = half.transform(images)
        assert features.dtype == np.float32
        difference = np.abs(features - expected).max() / np.abs(expected).max()
        assert 0 < difference < 0.03


def test_clones_share_the_module_and_keep_their_settings(network, images):
    features = make(network, n_jobs=2).set_output(transform="pandas")
    cloned = clone(features.fit(images))
    assert cloned.backbone is network
    assert cloned.get_params() == features.get_params()
    assert not hasattr(cloned, "n_features_out_")
    assert list(cloned.fit_transform(images)) == [f"imagefeatures{i}" for i in range(6)]


def test_pickles(network, images):
    fitted = make(network).fit(images)
    expected = fitted.transform(images)
    for copied in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert copied.backbone is not network
        np.testing.assert_array_equal(copied.transform(images), expected)
        assert copied.n_features_out_ == 6
    assert b"_opened" not in pickle.dumps(fitted)


def test_names_and_frames(network, paths):
    pd = pytest.importorskip("pandas")
    X = pd.Series([str(path) for path in paths], index=range(100, 110))
    features = make(network).set_output(transform="pandas").fit(X)
    frame = features.transform(X)
    if parse_version(sklearn.__version__) >= parse_version("1.9"):
        # before, scikit-learn kept the index of a DataFrame only
        assert frame.index.tolist() == list(range(100, 110))
    assert frame.columns.tolist() == features.get_feature_names_out().tolist()
    with pytest.raises(NotFittedError):
        make(network).get_feature_names_out()


def break_files(paths):
    """Cut a file in half, delete another, and say which."""
    paths[2].write_bytes(paths[2].read_bytes()[:100])
    paths[7].unlink()
    return np.isin(np.arange(10), [2, 7])


def test_a_broken_file_is_named(network, paths):
    break_files(paths)
    with pytest.raises(ValueError, match=r"X\[7\] \('.*7\.png'\) is not a file"):
        make(network).fit(paths)
    with pytest.raises(ValueError, match=r"X\[2\] \('.*2\.png'\).*cannot be read.*skip"):
        make(network).transform(paths[:5])


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_skipped_rows_are_nan_and_the_others_in_place(network, images, paths, batch_size):
    broken = break_files(paths)
    features = make(network, on_error="skip", batch_size=batch_size)
    with pytest.warns(UserWarning, match=r"2 of 10 images.*X\[2\].*2\.png.*X\[7\].*7\.png") as seen:
        values = features.fit_transform(paths)
    assert len(seen) == 1
    np.testing.assert_array_equal(np.isnan(values).all(axis=1), broken)
    np.testing.assert_allclose(
        values[~broken], expected_features(network, images)[~broken], atol=1e-5
    )


def test_the_first_image_may_be_broken(network, paths):
    paths[0].write_text("no image")
    features = make(network, on_error="skip").fit(paths)
    assert features.n_features_out_ == 6
    with pytest.warns(UserWarning, match="1 of 1"):
        assert np.isnan(features.transform(paths[:1])).all()
    with pytest.raises(ValueError, match="none of the 1 images"):
        make(network, on_error="skip").fit(paths[:1])


def test_readable_tells_which_to_keep(network, images, paths):
    broken = break_files(paths)
    for n_jobs in (None, 3):
        np.testing.assert_array_equal(make(network, n_jobs=n_jobs).readable(paths), ~broken)
    assert make(network).readable(images).all()


def test_floats_of_another_range_are_no_broken_image(network, images):
    X = [images[0], images[1].astype(float)]
    with pytest.raises(ValueError, match=r"X\[1\]: images of floats must lie in \[0, 1\]"):
        make(network, on_error="skip").transform(X)
    with pytest.raises(ValueError, match=r"rows 0 to 0.*divide by 255"):
        make(network).fit(images.astype(float))


def test_what_a_backbone_must_return(images):
    for backbone, message in (
        (lambda batch: batch.sum(), "one row of features per image"),
        (lambda batch: batch[:1].mean(dim=(2, 3)), r"got shape \(1, 3\) for 4 images"),
        (lambda batch: batch.mean(dim=(2, 3)) / 0, r"NaN or infinity for X\[0\]"),
    ):
        with pytest.raises(ValueError, match=message):
            make(backbone).transform(images)
    with pytest.raises(TypeError, match="tensor of features, got object"):
        make(lambda batch: object()).fit(images)
    changing = make(lambda batch: batch.flatten(1))
    with pytest.raises(ValueError, match="12 features, but 960 when"):
        changing.fit(images).transform(images[:, :2, :2])


WRONG = {
    "no backbone": ({"backbone": 3}, TypeError, "backbone must be a torch.nn.Module"),
    "a class": ({"backbone": nn.Conv2d}, TypeError, "backbone"),
    "a bare name": ({"backbone": "resnet18"}, ValueError, "begins with 'timm/'"),
    "an empty name": ({"backbone": "timm/"}, ValueError, "backbone"),
    "preprocess": ({"preprocess": "crop"}, ValueError, "preprocess"),
    "batch_size": ({"batch_size": 0}, ValueError, "batch_size"),
    "device": ({"device": "abacus"}, ValueError, "device"),
    "on_error": ({"on_error": "ignore"}, ValueError, "on_error"),
    "both": (
        {"preprocess": len, "image_size": 9},
        ValueError,
        "image_size cannot be combined with",
    ),
    "size by name": (
        {"backbone": "timm/resnet18", "mean": 0.0, "std": 1.0},
        ValueError,
        "mean, std cannot be combined with 'timm/resnet18'",
    ),
}


@pytest.mark.parametrize(("params", "error", "message"), WRONG.values(), ids=WRONG)
def test_wrong_parameters(network, images, params, error, message):
    features = make(network).set_params(**params)
    for method in (features.fit, features.transform):
        with pytest.raises(error, match=message):
            method(images)


def test_progress_is_printed_and_ends_with_all(network, images, capsys):
    make(network).fit_transform(images)
    assert capsys.readouterr().out == ""
    make(network, verbose=1).fit_transform(images)
    assert capsys.readouterr().out.splitlines()[-1].startswith("encoded 10 of 10 images")


def test_what_is_in_memory_is_bounded(tmp_path):
    """A slow backbone: decoding must not run away from it."""
    Image = pytest.importorskip("PIL.Image")
    Image.new("RGB", (8, 8)).save(tmp_path / "image.png")
    prepared, done = [], []

    def preprocess(image):
        prepared.append(1)
        return np.zeros((3, 8, 8), dtype=np.float32)

    def backbone(batch):
        done.append(len(batch))
        # batches before this one, this one, and two ahead for the thread
        assert len(prepared) <= sum(done) + 2 * 5 + 5
        return batch.mean(dim=(2, 3))

    features = make(backbone, preprocess=preprocess, batch_size=5)
    assert features.transform([tmp_path / "image.png"] * 200).shape == (200, 3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda(network, images, paths):
    expected = make(network).fit_transform(images)
    exact = make(network, device="cuda", mixed_precision=False).fit(images)
    assert exact.device_ == "cuda"
    assert next(network.parameters()).device.type == "cpu"
    np.testing.assert_allclose(exact.transform(paths), expected, atol=1e-3)
    mixed = make(network, device="cuda").fit_transform(images)
    assert 0 < np.abs(mixed - expected).max() < 0.03 * np.abs(expected).max()
    # trained on a GPU, and opened where there may be none
    on_cuda = make(copy.deepcopy(network).cuda(), device="cuda", mixed_precision=False).fit(images)
    opened = pickle.loads(pickle.dumps(on_cuda))
    assert next(opened.backbone.parameters()).device.type == "cpu"
    np.testing.assert_allclose(
        opened.set_params(device="cpu").transform(images), expected, atol=1e-5
    )
