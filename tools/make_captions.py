"""Make the captions and their sentence embeddings that ship in skhash/datasets/data.

Reads ``cc_val_captions.txt.gz`` and ``cc_val_minilm.npz`` from the folder of larger data, and
prints what the reduction of the embeddings costs.
"""

from __future__ import annotations

import argparse
import gzip
import os
from io import BytesIO
from pathlib import Path

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import normalize

N_CAPTIONS = 8_000
N_QUERIES = 1_000
N_COMPONENTS = 128
MAX_BYTES = 1_500_000


def main() -> None:
    arguments = parse_arguments(__doc__)
    with gzip.open(arguments.source / "cc_val_captions.txt.gz", "rt", encoding="utf-8") as file:
        texts = np.array(file.read().splitlines())
    with np.load(arguments.source / "cc_val_minilm.npz") as archive:
        vectors = archive["x"].astype(np.float32)
    rng = np.random.default_rng(0)
    _, first = np.unique(texts, return_index=True)
    rows = np.sort(rng.choice(np.sort(first), N_CAPTIONS, replace=False))
    # not centred, so that cosines are what is kept
    reduced = normalize(TruncatedSVD(N_COMPONENTS, random_state=0).fit(vectors).transform(vectors))
    codes, scale = quantise(reduced[rows])
    buffer = BytesIO()
    np.savez_compressed(
        buffer,
        text=np.frombuffer("\n".join(texts[rows]).encode(), dtype=np.uint8),
        vectors=codes,
        scale=scale,
        query_indices=np.sort(rng.choice(N_CAPTIONS, N_QUERIES, replace=False)).astype(np.int16),
    )
    report(vectors[rows], codes * scale)
    write(arguments.output / "captions.npz", buffer.getvalue())


def parse_arguments(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
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


def quantise(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """8-bit integers and the scale of each column; their product is near the vectors."""
    # one number of all-MiniLM-L6-v2 is always 0, as half-precision floats have it
    scale = np.maximum(np.abs(vectors).max(axis=0) / np.float32(127), np.finfo(np.float32).tiny)
    return np.rint(vectors / scale).astype(np.int8), scale.astype(np.float32)


def report(exact: np.ndarray, kept: np.ndarray) -> None:
    """Print how well the cosines of the kept vectors follow the exact ones."""
    cosines = [unit @ unit.T for unit in (normalize(exact), normalize(kept))]
    pairs = np.triu_indices(len(exact), 1)
    print(f"correlation of cosines: {np.corrcoef(*(c[pairs] for c in cosines))[0, 1]:.4f}")
    for cosine in cosines:
        np.fill_diagonal(cosine, -1)
    nearest = [np.argpartition(-cosine, 10, axis=1)[:, :10] for cosine in cosines]
    shared = np.mean([len(np.intersect1d(*rows)) / 10 for rows in zip(*nearest)])
    print(f"of the 10 nearest, {shared:.1%} are the same")


def write(path: Path, content: bytes) -> None:
    print(f"{path.name}: {len(content) / 1e6:.2f} MB")
    if len(content) > MAX_BYTES:
        raise SystemExit(f"{len(content)} bytes is more than the {MAX_BYTES} that may ship")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
