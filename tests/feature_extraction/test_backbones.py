"""Models by name: with stand-ins for their libraries, and with the libraries where installed."""

import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from skhash.feature_extraction import ImageFeatures


class Pooled(nn.Module):
    """A model of timm, whose configuration says what it wants."""

    def __init__(self):
        super().__init__()
        self.pretrained_cfg = {"input_size": (3, 8, 8)}
        self.scale = nn.Parameter(torch.full((1,), 2.0))

    def forward(self, batch):
        assert batch.shape[1:] == (3, 8, 8)
        return self.scale * batch.mean(dim=(2, 3))


@pytest.fixture
def timm(monkeypatch):
    """Stands in for timm: counts what it loads, and crops the upper left corner of an image."""
    loaded = []

    def create_model(name, pretrained, num_classes):
        assert pretrained
        assert num_classes == 0
        loaded.append(name)
        return Pooled()

    def create_transform(*, input_size, is_training):
        assert not is_training
        side = input_size[1]

        def transform(image):
            corner = np.asarray(image)[:side, :side]
            return torch.tensor(corner.transpose(2, 0, 1) / 255, dtype=torch.float32)

        return transform

    def resolve_model_data_config(model):
        return {"input_size": model.pretrained_cfg["input_size"]}

    data = SimpleNamespace(
        create_transform=create_transform, resolve_model_data_config=resolve_model_data_config
    )
    module = SimpleNamespace(create_model=create_model, data=data, loaded=loaded)
    monkeypatch.setitem(sys.modules, "timm", module)
    return module


def corners(images):
    return images[:, :8, :8].mean(axis=(1, 2)) / 255


def test_timm_by_name(timm, images):
    features = ImageFeatures("timm/tiny.a1_in1k", device="cpu")
    values = features.fit_transform(images)
    np.testing.assert_allclose(values, 2 * corners(images), atol=1e-6)
    assert timm.loaded == ["tiny.a1_in1k"]
    features.transform(images)
    clone(features).fit_transform(images)
    assert timm.loaded == ["tiny.a1_in1k"]


def test_pickles_of_names_hold_no_weights(timm, images):
    features = ImageFeatures("timm/tiny", device="cpu").fit(images)
    content = pickle.dumps(features)
    assert b"torch" not in content
    assert len(content) < 2000
    values = pickle.loads(content).transform(images)
    np.testing.assert_array_equal(values, features.transform(images))
    assert timm.loaded == ["tiny", "tiny"]


def test_modules_of_timm_bring_their_preprocessing(timm, images):
    model = Pooled().eval()
    values = ImageFeatures(model, device="cpu").transform(images)
    np.testing.assert_allclose(values, 2 * corners(images), atol=1e-6)
    resized = ImageFeatures(model, device="cpu", image_size=8, mean=0, std=1).transform(images)
    assert np.abs(resized - values).max() > 1e-3


def test_another_preprocess_for_a_name(timm, images):
    def black(image):
        return torch.zeros(3, 8, 8)

    features = ImageFeatures("timm/tiny", device="cpu", preprocess=black)
    np.testing.assert_array_equal(features.transform(images), 0)


@pytest.fixture
def transformers(monkeypatch):
    """Stands in for transformers; `missing` and `model` are what the next load gives."""
    library = SimpleNamespace(missing=[], model=None)

    def processor(images, return_tensors):
        assert return_tensors == "pt"
        return {"pixel_values": torch.stack([torch.tensor(np.asarray(i)[0, 0]) for i in images])}

    def load(name, output_loading_info):
        assert name == "org/model"
        assert output_loading_info
        return library.model, {"missing_keys": library.missing}

    library.AutoImageProcessor = SimpleNamespace(from_pretrained=lambda name: processor)
    library.AutoModel = SimpleNamespace(from_pretrained=load)
    monkeypatch.setitem(sys.modules, "transformers", library)
    return library


class Tokens(nn.Module):
    """First pixels as two tokens, and three times the first as the pooled output."""

    def __init__(self, pooled=True):
        super().__init__()
        self.pooled = pooled

    def forward(self, pixel_values):
        tokens = torch.stack([pixel_values, pixel_values + 2], dim=1).float()
        pooled = 3 * tokens[:, 0] if self.pooled else None
        return SimpleNamespace(last_hidden_state=tokens, pooler_output=pooled)


class TwoTowers(nn.Module):
    """A model of images and texts, whose own forward wants both."""

    def get_image_features(self, pixel_values):
        return 5.0 * pixel_values


@pytest.mark.parametrize(
    ("model", "missing", "expected"),
    [
        (Tokens(), [], lambda pixels: 3 * pixels),
        (Tokens(pooled=False), [], lambda pixels: pixels + 1),
        (Tokens(), ["pooler.dense.weight", "pooler.dense.bias"], lambda pixels: pixels),
        (TwoTowers(), [], lambda pixels: 5 * pixels),
    ],
    ids=["pooled", "tokens", "pooler without weights", "two towers"],
)
def test_transformers_by_name(transformers, images, model, missing, expected):
    transformers.model, transformers.missing = model, missing
    values = ImageFeatures("transformers/org/model", device="cpu").fit_transform(images)
    np.testing.assert_allclose(values, expected(images[:, 0, 0].astype(float)))


def test_missing_weights_are_an_error(transformers, images):
    transformers.model, transformers.missing = Tokens(), ["encoder.weight", "pooler.bias"]
    with pytest.raises(ValueError, match=r"no weights for \['encoder.weight'\] \(1 in all\)"):
        ImageFeatures("transformers/org/model", device="cpu").fit(images)


@pytest.mark.parametrize("library", ["timm", "transformers"])
def test_a_missing_library_is_named_with_its_command(monkeypatch, images, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=f"needs {library}: pip install {library}"):
        ImageFeatures(f"{library}/anything").fit(images)


def test_without_pillow_arrays_of_one_size_work(monkeypatch, network, images, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    features = ImageFeatures(network, device="cpu")
    assert features.fit_transform(images).shape == (10, 6)
    assert features.fit_transform(list(images)).shape == (10, 6)
    (tmp_path / "image.png").touch()
    for on_error in ("raise", "skip"):
        with pytest.raises(ImportError, match="pip install pillow"):
            features.set_params(on_error=on_error).fit([tmp_path / "image.png"])
    with pytest.raises(ImportError, match="pip install pillow"):
        features.set_params(image_size=9).fit(images)


def test_transformers_itself(images, tmp_path):
    """A tiny model with weights on disk, without its pooler and with: no download."""
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.ViTConfig(**sizes, intermediate_size=16, image_size=16, patch_size=8)
    transformers.ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained(tmp_path)
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    pixels = processor(images=list(images), return_tensors="pt")["pixel_values"]
    for pooler in (True, False):
        model = transformers.ViTModel(config, add_pooling_layer=pooler).eval()
        model.save_pretrained(tmp_path)
        with torch.no_grad():
            output = model(pixels)
        expected = output.pooler_output if pooler else output.last_hidden_state[:, 0]
        features = ImageFeatures(f"transformers/{tmp_path}", device="cpu", batch_size=4)
        np.testing.assert_allclose(features.fit_transform(images), expected, atol=1e-5)


def test_timm_itself(images, tmp_path):
    """A tiny model with weights on disk: no download."""
    timm = pytest.importorskip("timm", reason="needs timm")
    import json

    settings = {"input_size": [3, 32, 32], "crop_pct": 1.0, "mean": [0.1] * 3, "std": [0.2] * 3}
    model = timm.create_model("resnet10t", num_classes=7).eval()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    cfg = {**settings, "num_classes": 7, "classifier": "fc"}
    config = {"architecture": "resnet10t", "num_classes": 7, "pretrained_cfg": cfg}
    (tmp_path / "config.json").write_text(json.dumps(config))
    features = ImageFeatures(f"timm/local-dir:{tmp_path}", device="cpu").fit(images)
    assert features.n_features_out_ == model.num_features
    transform = timm.data.create_transform(**settings, interpolation="bicubic", is_training=False)
    from PIL import Image

    batch = torch.stack([transform(Image.fromarray(image)) for image in images])
    with torch.no_grad():
        expected = model.forward_head(model.forward_features(batch), pre_logits=True)
    np.testing.assert_allclose(features.transform(images), expected, atol=1e-4)
