"""Make the utterances and their sentence embeddings that ship in skhash/datasets/data.

Reads ``hwu64_minilm.npz`` from the folder of larger data, and prints what the quantisation costs.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from make_captions import parse_arguments, quantise, report, write

# as many of every intent as the smallest one has
N_TRAIN, N_QUERIES = 27, 9


def main() -> None:
    arguments = parse_arguments(__doc__)
    with np.load(arguments.source / "hwu64_minilm.npz") as archive:
        source = {name: archive[name] for name in archive.files}
    rng = np.random.default_rng(0)
    train, queries = (
        draw(source["intent"], source["is_test"] == is_test, size, rng)
        for is_test, size in ((False, N_TRAIN), (True, N_QUERIES))
    )
    rows = np.sort(np.concatenate([train, queries]))
    vectors = source["x"].astype(np.float32)[rows]
    codes, scale = quantise(vectors)
    buffer = BytesIO()
    np.savez_compressed(
        buffer,
        text=np.frombuffer("\n".join(source["text"][rows]).encode(), dtype=np.uint8),
        vectors=codes,
        scale=scale,
        intent=source["intent"][rows].astype(np.int8),
        intent_names=source["intents"],
        intent_scenario=source["intent_scenario"].astype(np.int8),
        scenario_names=source["scenarios"],
        query_indices=np.flatnonzero(np.isin(rows, queries)).astype(np.int16),
    )
    report(vectors, codes * scale)
    write(arguments.output / "intents.npz", buffer.getvalue())


def draw(intents: np.ndarray, allowed: np.ndarray, size: int, rng) -> np.ndarray:
    """Rows by lot, `size` of every intent."""
    rows = [np.flatnonzero(allowed & (intents == intent)) for intent in np.unique(intents)]
    return np.concatenate([rng.choice(of_one, size, replace=False) for of_one in rows])


if __name__ == "__main__":
    main()
