"""Pretrained models by name, and how each of their libraries wants its images."""

from __future__ import annotations

import torch
from torch import nn

from skhash.utils._optional import import_optional

from ._preprocessing import ByFunction, one_by_one

LIBRARIES = ("timm", "transformers")


def is_name(backbone) -> bool:
    """Whether a backbone is given by name, such as ``"timm/resnet50.a1_in1k"``.

    Raises
    ------
    TypeError, ValueError
        If it is neither a name nor something to call.
    """
    if isinstance(backbone, str):
        library, _, model = backbone.partition("/")
        if library in LIBRARIES and model:
            return True
        raise ValueError(
            "backbone must be a torch.nn.Module, a callable, or the name of a model that begins "
            f"with 'timm/' or 'transformers/', got {backbone!r}"
        )
    if isinstance(backbone, type) or not callable(backbone):
        raise TypeError(
            "backbone must be a torch.nn.Module, a callable, or the name of a model, got "
            f"{backbone!r}"
        )
    return False


def load_backbone(name: str) -> tuple[nn.Module, ByFunction]:
    """A pretrained model and its preprocessing.

    Parameters
    ----------
    name : str
        ``"timm/<model>"``, or ``"transformers/<model or folder>"``.

    Raises
    ------
    ImportError
        If the library is not installed.
    ValueError
        If weights are missing in what was saved under that name.
    """
    library, _, model = name.partition("/")
    return {"timm": _load_timm, "transformers": _load_transformers}[library](model)


def timm_preprocessing(model: nn.Module) -> ByFunction:
    """The preprocessing that a model of timm was trained with."""
    data = _import_library("timm").data
    return one_by_one(
        data.create_transform(**data.resolve_model_data_config(model), is_training=False)
    )


def _load_timm(name: str) -> tuple[nn.Module, ByFunction]:
    # without classes the output is what the classifier would see
    model = _import_library("timm").create_model(name, pretrained=True, num_classes=0)
    return model, timm_preprocessing(model)


def _load_transformers(name: str) -> tuple[nn.Module, ByFunction]:
    library = _import_library("transformers")
    processor = library.AutoImageProcessor.from_pretrained(name)
    model, report = library.AutoModel.from_pretrained(name, output_loading_info=True)
    missing = sorted(report["missing_keys"])
    fresh = [key for key in missing if "pooler" not in key]
    if fresh:
        raise ValueError(
            f"backbone 'transformers/{name}': the saved model has no weights for {fresh[:3]} "
            f"({len(fresh)} in all), which would be drawn at random"
        )

    def pixels(images):
        return processor(images=images, return_tensors="pt")["pixel_values"]

    # autocast chooses half precision, even if a model was saved in it
    return _Encoder(model.float(), pooler_is_trained=not missing), ByFunction(pixels)


class _Encoder(nn.Module):
    """A model of transformers that takes pixels only and returns features."""

    def __init__(self, model, *, pooler_is_trained):
        super().__init__()
        self.model = model
        self.pooler_is_trained = pooler_is_trained

    def forward(self, pixels):
        # models of images and texts, such as CLIP, want a text in their own forward
        if hasattr(self.model, "get_image_features"):
            return self.model.get_image_features(pixel_values=pixels)
        output = self.model(pixel_values=pixels)
        if not self.pooler_is_trained:
            # many checkpoints of classifiers lack the pooler, a layer upon the first token
            return output.last_hidden_state[:, 0]
        return output


def _import_library(name: str):
    return import_optional(name, f"backbone='{name}/...'", name)


def as_features(output, n_images: int) -> torch.Tensor:
    """Rows of features from what a backbone returned.

    Parameters
    ----------
    output : Tensor, ndarray, or output of a model of transformers
        Rows stay; maps of shape (n, channels, height, width) and sequences of shape
        (n, tokens, channels) are averaged over their positions.
    n_images : int

    Returns
    -------
    features : Tensor of shape (n_images, n_features)
    """
    for name in ("pooler_output", "last_hidden_state"):
        if getattr(output, name, None) is not None:
            output = getattr(output, name)
            break
    try:
        features = torch.as_tensor(output)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(
            f"backbone must return a tensor of features, got {type(output).__name__}"
        ) from None
    if features.ndim == 4:
        features = features.mean(dim=(2, 3))
    elif features.ndim == 3:
        features = features.mean(dim=1)
    if features.ndim != 2 or len(features) != n_images or features.is_complex():
        raise ValueError(
            "backbone must return one row of features per image, got shape "
            f"{tuple(torch.as_tensor(output).shape)} for {n_images} images"
        )
    return features
