"""Make the stored models of tests/golden, and the codes that they have to give on any machine.

    python tools/make_golden.py

Run it where a change of codes is meant, and say so in the CHANGELOG: who has codes of an older
version in a database, and a model to go with them, counts on their staying what they are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import skhash
from skhash import (
    CCAITQHasher,
    ClassAnchorHasher,
    ClassCodeHasher,
    CSQHasher,
    DPNHasher,
    DPSHHasher,
    GreedyHasher,
    HashNetHasher,
    ITQHasher,
    KLBinaryHasher,
    OrthoHasher,
    PCAHasher,
    RandomProjectionHasher,
    RankConsistencyHasher,
    SemanticHasher,
    SpectralHasher,
)
from skhash.datasets import load_cifar100_features
from skhash.networks import resnet
from skhash.utils._checks._shared import rows_at_threshold

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
N_QUERIES, N_IMAGES, N_PAIRS = 500, 60, 100

_NETWORK = {"hidden_layer_sizes": (24,), "max_iter": 4, "random_state": 0, "device": "cpu"}
_FEATURES = {
    "cca_itq": CCAITQHasher(20, random_state=0),
    "class_anchor": ClassAnchorHasher(20, **_NETWORK),
    "class_code": ClassCodeHasher(20, random_state=0),
    "csq": CSQHasher(20, **_NETWORK),
    "dpn": DPNHasher(20, **_NETWORK),
    "dpsh": DPSHHasher(20, **_NETWORK),
    "greedy": GreedyHasher(20, **_NETWORK),
    "hashnet": HashNetHasher(20, **_NETWORK),
    "itq": ITQHasher(20, random_state=0),
    "kl_binary": KLBinaryHasher(20, **_NETWORK),
    "ortho": OrthoHasher(20, **_NETWORK),
    "pca": PCAHasher(20),
    "random_projection": RandomProjectionHasher(20, random_state=0),
    "rank_consistency": RankConsistencyHasher(20, **_NETWORK),
    "semantic": SemanticHasher(20, **_NETWORK),
    "semantic_linear": SemanticHasher(20, **(_NETWORK | {"network": "linear"})),
    "spectral": SpectralHasher(20),
}
_IMAGES = {
    "semantic_images": SemanticHasher(20, **(_NETWORK | {"network": resnet(8, 0.25)})),
}


def main():
    """Fit the hashers, and store them and their codes."""
    cifar = load_cifar100_features()
    rows = cifar.train_indices[::4]
    X, y = cifar.data[rows].astype(np.float32), cifar.target[rows]
    queries = cifar.data[cifar.query_indices[:N_QUERIES]].astype(np.float32)
    images, classes = cifar.thumbnails[:N_IMAGES], cifar.coarse[cifar.query_indices[:N_IMAGES]]
    np.savez_compressed(GOLDEN / "images.npz", images=images)
    codes = {}
    for name, hasher in (_FEATURES | _IMAGES).items():
        seen = images if name in _IMAGES else queries
        hasher.fit(*((images, classes) if name in _IMAGES else (X, y)))
        skhash.save(hasher, GOLDEN / name, overwrite=True)
        codes[name] = np.packbits(hasher.transform(seen), axis=1)
        reals = seen / np.float32(255) if name in _IMAGES else seen
        near = rows_at_threshold(hasher, reals, N_PAIRS)
        codes[f"{name}_at_threshold"] = np.packbits(hasher.transform(near), axis=1)
    np.savez_compressed(GOLDEN / "codes.npz", **codes)


if __name__ == "__main__":
    main()
