"""What ImageFeatures costs beside the bare forward pass of its backbone.

    python benchmarks/image_features.py [--device cuda] [--jobs 8] [--repeats 5]

The backbone is a residual network of 18 layers (He et al. 2016) with random weights, which costs
what trained ones cost. The bare forward pass has its standardised floats ready in the memory of the
device, all of one batch; `transform` reads, prepares, moves and collects. Both run in evaluation
mode, on CUDA under bfloat16 autocast and channels-last; the better of each is kept of several runs,
taken in turn. The pictures are thumbnails of CIFAR-100 from the package; the files are JPEGs of 400
to 500 pixels that are made from them. Prints the table and writes
docs/benchmarks/image_features.md.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from _tables import write_table
from PIL import Image
from torch import nn

from skhash.datasets import load_cifar100_features
from skhash.feature_extraction import ImageFeatures


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.way_around = (
            nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))
            if stride > 1
            else nn.Identity()
        )

    def forward(self, maps):
        return torch.relu(self.body(maps) + self.way_around(maps))


def make_backbone(stem):
    """Eight blocks of 64 to 512 channels behind a stem."""
    widths = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
    blocks = [
        block
        for n_in, n_out, stride in widths
        for block in (Block(n_in, n_out, stride), Block(n_out, n_out, 1))
    ]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()


def small_backbone():
    """For 32 x 32 pixels."""
    return make_backbone([nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()])


def large_backbone():
    """For 224 x 224 pixels."""
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    return make_backbone([*stem, nn.MaxPool2d(3, 2, 1)])


def forward_seconds(backbone, side, n_images, batch_size, device):
    """Time of the forward passes alone."""
    batch = torch.randn(batch_size, 3, side, side, device=device)
    autocast = contextlib.nullcontext()
    if device.type == "cuda":
        batch = batch.contiguous(memory_format=torch.channels_last)
        autocast = torch.autocast("cuda", dtype=torch.bfloat16)
    with torch.inference_mode(), autocast:
        backbone(batch)
        wait(device)
        started = time.perf_counter()
        for start in range(0, n_images, batch_size):
            backbone(batch[: n_images - start])
        wait(device)
    return time.perf_counter() - started


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def transform_seconds(features, X):
    features.transform(X[: features.batch_size])
    started = time.perf_counter()
    features.transform(X)
    return time.perf_counter() - started


def compare(name, backbone, X, *, side, options, device):
    """A line of the table: images per second of both."""
    features = ImageFeatures(
        backbone,
        image_size=side,
        batch_size=options.batch_size,
        device=options.device,
        n_jobs=options.jobs,
    )
    on_device = backbone.to(device)
    if device.type == "cuda":
        on_device = on_device.to(memory_format=torch.channels_last)
    runs = [
        (
            forward_seconds(on_device, side, len(X), options.batch_size, device),
            transform_seconds(features, X),
        )
        for _ in range(options.repeats)
    ]
    bare, ours = (len(X) / min(seconds) for seconds in zip(*runs))
    row = {
        "X": name,
        "images": f"{len(X):,}",
        "forward, images/s": f"{bare:,.0f}",
        "transform, images/s": f"{ours:,.0f}",
        "ratio": f"{ours / bare:.2f}",
    }
    print(*row.values(), sep="  ", flush=True)
    return row


def write_files(thumbnails, n_files, folder):
    """JPEGs of different sizes, as cameras and the web have them."""
    sides = np.random.default_rng(0).integers(400, 500, size=(n_files, 2), endpoint=True)
    paths = [Path(folder) / f"{row}.jpg" for row in range(n_files)]
    for row, (path, size) in enumerate(zip(paths, sides)):
        image = Image.fromarray(thumbnails[row % len(thumbnails)])
        image.resize(tuple(map(int, size)), Image.Resampling.BICUBIC).save(path, quality=90)
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--jobs", type=int, default=-1, help="threads that decode")
    parser.add_argument("--batch-size", type=int, default=None)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    device = torch.device(options.device)
    on_cuda = device.type == "cuda"
    options.batch_size = options.batch_size or (256 if on_cuda else 32)
    n_small, n_large = (200_000, 20_000) if on_cuda else (256, 64)

    thumbnails = load_cifar100_features().thumbnails
    small = thumbnails[np.arange(n_small) % len(thumbnails)]
    resized = [Image.fromarray(image).resize((224, 224)) for image in thumbnails[:n_large]]
    large = np.stack([np.asarray(image) for image in resized])[np.arange(n_large) % len(resized)]
    shared = {"options": options, "device": device}
    with tempfile.TemporaryDirectory() as folder:
        paths = write_files(thumbnails, n_large, folder)
        rows = [
            compare("bytes, 32 x 32", small_backbone(), small, side=32, **shared),
            compare("bytes, 224 x 224", large_backbone(), large, side=224, **shared),
            compare("JPEG files, to 224 x 224", large_backbone(), paths, side=224, **shared),
        ]
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    where = torch.cuda.get_device_name() if on_cuda else f"CPU, {torch.get_num_threads()} threads"
    write_table("image_features", f"{where}; batches of {options.batch_size} images.", table)


if __name__ == "__main__":
    main()
