"""Images a second of end-to-end training and encoding, beside plain torch.

    OMP_NUM_THREADS=1 python benchmarks/image_training_speed.py
    python benchmarks/image_training_speed.py --device cuda --depth 20 --width 6 --rows 50000 \
        --batch 512

Random images of 32 by 32 pixels and 100 classes. Training: `SemanticHasher` with a residual
network, crops, mirror images and squares cut out, beside a loop written in torch alone with the
same network, batches, optimizer, precision and augmentation, which minimises the cross-entropy.
Encoding: `OrthoHasher.transform` from uint8 images in memory to bits, beside nothing
but the forward pass of the same network on images that are floats on the device already, in the
same batches. Both sides take turns; medians over the turns. Prints the table and writes it to
docs/benchmarks/image_training_speed.md.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
import torch
from _tables import write_table
from torch import nn

from skhash import OrthoHasher, SemanticHasher
from skhash._torch import networks
from skhash.encoders import PosteriorEncoder
from skhash.networks import Augmentation, Training, resnet

N_CLASSES = 100


class Clock:
    """An augmentation that notes when each batch came by."""

    def __init__(self):
        self.augment, self.times, self.sizes = Augmentation(crop=4, cutout=8), [], []

    def __call__(self, images, generator):
        self.times.append(time.perf_counter())
        self.sizes.append(len(images))
        return self.augment(images, generator)

    def rate(self):
        """Images a second, without the first steps, which warm caches."""
        skip = min(3, len(self.times) // 2)
        seconds = self.times[-1] - self.times[skip]
        return sum(self.sizes[skip:-1]) / seconds


def ours(X, y, options):
    clock = Clock()
    hasher = SemanticHasher(
        network=resnet(options.depth, options.width),
        training=Training(augmentation=clock),
        encoder=PosteriorEncoder(mixup=0, label_smoothing=0),
        batch_size=options.batch,
        max_iter=options.epochs,
        device=options.device,
        random_state=0,
    )
    hasher.fit(X, y)
    return clock.rate()


def plain(X, y, options):
    """The loop that anyone would write."""
    device, clock = torch.device(options.device), Clock()
    torch.manual_seed(0)
    network = resnet(options.depth, options.width)(3, N_CLASSES)
    network = network.to(device, memory_format=torch.channels_last)
    generator = torch.Generator(device).manual_seed(0)
    images, target = torch.from_numpy(X).to(device), torch.from_numpy(y).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-4)
    n_steps = options.epochs * -(-len(X) // options.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=n_steps)
    low = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
    for _ in range(options.epochs):
        order = torch.randperm(len(X), generator=generator, device=device)
        for batch in order.split(options.batch):
            maps = ((images[batch].float() / 255 - 0.5) / 0.29).permute(0, 3, 1, 2)
            with low:
                logits = network(clock(maps, generator))
            loss = nn.functional.cross_entropy(logits.float(), target[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return clock.rate()


def encoding(X, y, options):
    """Two functions that encode X: transform, and the forward pass alone."""
    hasher = OrthoHasher(
        network=resnet(options.depth, options.width),
        max_iter=1,
        batch_size=options.batch,
        device=options.device,
        random_state=0,
    ).fit(X[:1024], y[:1024])
    device = torch.device(options.device)
    network = networks.build_network(n_features=0, n_bits=64, **hasher.architecture_)
    networks.load_numpy_state(network, hasher.network_state_)
    network = network.to(device, memory_format=torch.channels_last).eval()
    n_rows = networks._ENCODE_PIXELS[device.type] // X[0].size
    batches = network.pixels(torch.from_numpy(X).to(device)).split(n_rows)
    low = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")

    def forward():
        started = time.perf_counter()
        with torch.inference_mode(), low:
            for batch in batches:
                values = network[1:](batch)
            values.cpu()
        return len(X) / (time.perf_counter() - started)

    def transform():
        started = time.perf_counter()
        hasher.transform(X)
        return len(X) / (time.perf_counter() - started)

    return transform, forward


def take_turns(one, other, repeats):
    """Medians of two rates, and of their ratio, taken in turns; a first turn does not count."""
    rates = np.array([[one(), other()] for _ in range(repeats + 1)])[1:]
    return *np.median(rates, axis=0), np.median(rates[:, 0] / rates[:, 1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--depth", type=int, default=20)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    X = rng.integers(256, size=(options.rows, 32, 32, 3), dtype=np.uint8)
    y = rng.permutation(np.arange(options.rows) % N_CLASSES)
    training = take_turns(
        lambda: ours(X, y, options), lambda: plain(X, y, options), options.repeats
    )
    encoded = take_turns(*encoding(X, y, options), options.repeats)
    table = pd.DataFrame(
        [
            [name, f"{a:,.0f}", f"{b:,.0f}", f"{ratio:.2f}"]
            for name, (a, b, ratio) in (("training", training), ("encoding", encoded))
        ],
        columns=["", "skhash, images/s", "plain torch, images/s", "ratio"],
    )
    print(table.to_string(index=False))
    place = "one GPU, bfloat16"
    if options.device == "cpu":
        n = torch.get_num_threads()
        place = f"CPU, {n} thread{'s' if n > 1 else ''}"
    note = (
        f"resnet({options.depth}, {options.width:g}), batches of {options.batch}, "
        f"{options.rows:,} images, {place}; medians of {options.repeats} turns."
    )
    write_table("image_training_speed", note, table)


if __name__ == "__main__":
    main()
