"""Make the CIFAR-100 features and thumbnails that ship in skhash/datasets/data.

Reads ``cifar100_features_efflite0_pca256.npz`` and ``cifar100_all_jpeg95.npz`` from the folder
of larger data, and prints what the quantisation costs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from skhash.datasets._mosaic import read_packed_images

N_TRAIN_IMAGES = 50_000  # the test images follow them
N_QUERIES = 2_000
TILES_PER_ROW = 50
MAX_TOTAL_BYTES = 6_000_000


def main() -> None:
    arguments = parse_arguments()
    with np.load(arguments.source / "cifar100_features_efflite0_pca256.npz") as pack:
        source = {key: pack[key] for key in pack.files if not key.endswith("_train")}
    images = read_packed_images(arguments.source / "cifar100_all_jpeg95.npz")
    if not np.array_equal(images["fine"][N_TRAIN_IMAGES:], source["y_test"]):
        raise SystemExit("the features and the images do not have the same labels")

    features = source["x_test"].astype(np.float32)
    codes, scale = quantise(features)
    train, query = split(source["y_test"])
    arguments.output.mkdir(parents=True, exist_ok=True)
    write_atomically(
        arguments.output / "cifar100_features.npz",
        lambda file: np.savez_compressed(
            file,
            features=codes,
            scale=scale,
            fine=source["y_test"],
            fine_to_coarse=source["fine_to_coarse"],
            fine_names=source["fine_names"],
            coarse_names=source["coarse_names"],
            query_indices=query.astype(np.int16),
        ),
    )
    mosaic = Image.fromarray(join_mosaic(images["images"][N_TRAIN_IMAGES:][query]))
    write_atomically(
        arguments.output / "cifar100_query_thumbnails.jpg",
        # with the source's own quality and full chroma its pixels come back almost unchanged
        lambda file: mosaic.save(file, "JPEG", quality=95, subsampling="4:4:4", optimize=True),
    )
    report(features, codes * scale, source["y_test"], source["fine_to_coarse"], train, query)
    check_total_size(arguments.output)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    shared = os.environ.get("SKHASH_DATA")
    parser.add_argument(
        "--source",
        type=Path,
        default=shared,
        required=shared is None,
        help="folder of the larger data (default: the environment variable SKHASH_DATA)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(__file__).resolve().parents[1] / "skhash" / "datasets" / "data",
        help="folder to write to (default: the package's own)",
    )
    return parser.parse_args()


def quantise(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """8-bit integers and the scale of each column, such that ``codes * scale`` is near `features`.

    A scale of its own for each column, reaching to its largest value, more than halves the error
    of one scale for all; clipping the extremes for a finer step gains hardly anything more.
    """
    scale = np.abs(features).max(axis=0) / np.float32(127)
    return np.rint(features / scale).astype(np.int8), scale


def split(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ascending train and query rows, the same number of queries from every class."""
    train, query = train_test_split(
        np.arange(len(labels)), test_size=N_QUERIES, stratify=labels, random_state=0
    )
    return np.sort(train), np.sort(query)


def join_mosaic(tiles: np.ndarray) -> np.ndarray:
    """Lay tiles out from left to right, then from top to bottom."""
    n_tiles, side = tiles.shape[:2]
    grid = tiles.reshape(n_tiles // TILES_PER_ROW, TILES_PER_ROW, side, side, 3)
    return grid.swapaxes(1, 2).reshape(-1, TILES_PER_ROW * side, 3)


def write_atomically(path: Path, write: Callable[[BytesIO], None]) -> None:
    buffer = BytesIO()
    write(buffer)
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(buffer.getvalue())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def report(features, restored, fine, fine_to_coarse, train, query) -> None:
    """Print what the quantisation costs, in the features, in cosines and in kNN accuracy."""
    error = np.linalg.norm(restored - features) / np.linalg.norm(features)
    cosines = [cosine_similarity(rows[query], rows[train]) for rows in (features, restored)]
    difference = np.abs(cosines[1] - cosines[0])
    print(f"relative RMS error of the features: {error:.4f}")
    print(f"error of a query-train cosine: RMS {rms(difference):.5f}, max {difference.max():.5f}")
    for name, labels in (("fine", fine), ("coarse", fine_to_coarse[fine])):
        before, after = (
            KNeighborsClassifier(20, metric="cosine", algorithm="brute")
            .fit(rows[train], labels[train])
            .score(rows[query], labels[query])
            for rows in (features, restored)
        )
        print(f"cosine kNN-20 accuracy, {name}: {before:.2%} before, {after:.2%} after")


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def check_total_size(folder: Path) -> None:
    total = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    print(f"{folder}: {total / 1e6:.2f} MB")
    if total > MAX_TOTAL_BYTES:
        raise SystemExit(f"{total} bytes is more than the {MAX_TOTAL_BYTES} that may ship")


if __name__ == "__main__":
    main()
