"""Anything kept, with any damage: refused by LoadError, or the same as before; nothing else.

`make fuzz` tries ten times as many damages, of other seeds.
"""

import hashlib
import json
import os
import signal
import struct
import tracemalloc
import warnings
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from skhash import CSQHasher, HashRetriever, ITQHasher, LoadError, SemanticHasher, load, save
from skhash._persist._manifest import ARRAYS, MANIFEST
from skhash._torch.checkpoints import Checkpoint
from skhash.distributed import open_codes, transform
from skhash.neighbors import HammingNeighbors, PackedCodes, pack_codes
from skhash.similarity import Taxonomy, TaxonomySimilarity

TIMES = int(os.environ.get("SKHASH_FUZZ", "1"))
SEED = int(os.environ.get("SKHASH_FUZZ_SEED", "0"))
X = np.random.default_rng(0).normal(size=(40, 6))
CODES = np.random.default_rng(1).integers(2, size=(60, 20), dtype=np.uint8)
LABELS = np.array(["ant", "bee", "cat", "dog"])[np.arange(40) % 4]
TREE = Taxonomy({"ant": "insect", "bee": "insect", "cat": "mammal", "dog": "mammal"}, root="animal")

OF_FAISS = ("ivf", "hnsw", "multihash")
MODELS = {
    "pipeline": lambda: make_pipeline(PCA(5), ITQHasher(n_bits=3, random_state=0)).fit(X),
    "semantic": lambda: SemanticHasher(
        8, similarity=TaxonomySimilarity(TREE), max_iter=1, random_state=0, device="cpu"
    ).fit(X, LABELS),
    "labelled": lambda: CSQHasher(4, max_iter=1, random_state=0, device="cpu").fit(X, LABELS),
    "brute": lambda: HammingNeighbors(algorithm="brute").fit(CODES, ids=np.arange(60) * 7),
    "retriever": lambda: HashRetriever(ITQHasher(4, random_state=0)).fit(X, LABELS),
    "packed": lambda: PackedCodes(pack_codes(CODES), 20),
    **{
        algorithm: partial(HammingNeighbors(algorithm=algorithm, n_lists=4).fit, CODES)
        for algorithm in OF_FAISS
    },
}


class State:
    """A part of a run that keeps what it is given."""

    def __init__(self, state):
        self.state = state

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = state


# ---------------------------------------------------------------------- damage to bytes


def flipped(content, random):
    place = random.integers(len(content))
    return (
        content[:place] + bytes([content[place] ^ (1 << random.integers(8))]) + content[place + 1 :]
    )


def replaced(content, random):
    place, length = random.integers(len(content)), random.integers(1, 9)
    return content[:place] + random.bytes(length) + content[place + length :]


def zeroed(content, random):
    place, length = random.integers(len(content)), random.integers(1, 65)
    return content[:place] + bytes(len(content[place : place + length])) + content[place + length :]


def cut(content, random):
    return content[: random.integers(len(content))]


def longer(content, random):
    return content + random.bytes(random.integers(1, 100))


def without_a_piece(content, random):
    place, length = random.integers(len(content)), random.integers(1, 65)
    return content[:place] + content[place + length :]


def with_a_piece_twice(content, random):
    place, length = random.integers(len(content)), random.integers(1, 65)
    return content[: place + length] + content[place:]


def with_a_number(content, random):
    """Sizes and places are written in eight or four bytes."""
    number = random.choice([0, 1, 2**31 - 1, 2**32 - 1, 2**62])
    form = "<Q" if number > 2**32 or random.integers(2) else "<I"
    place = random.integers(len(content))
    return content[:place] + struct.pack(form, number) + content[place + struct.calcsize(form) :]


BYTES = (
    flipped,
    replaced,
    zeroed,
    cut,
    longer,
    without_a_piece,
    with_a_piece_twice,
    with_a_number,
)

# ---------------------------------------------------------------------- damage that has a checksum


ODD = (
    *(None, True, 0, -1, 1, 3, 2**31, 2**62, -(2**63), 1.5, "", "x", "../x", "\x00", "n" * 300),
    *([], [1], [[]], {}, {"x": 1}, {"object": 0}, {"object": 99}, {"array": "x"}, {"tuple": [1]}),
    *({"float": "nan"}, {"type": "object"}, {"dtype": "O"}, {"dict": {}}, {"pairs": [[1, 2]]}),
    *({"callable": "os:system"}, {"slice": [0, 2**40, 1]}, {"taxonomy": {"dict": {}}}),
    *([0] * 1000, {"scalar": {"dict": {"dtype": "<U9", "value": "x"}}}),
)


def places(tree, path=()):
    """All places in a document, as keys one after the other."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items if isinstance(tree, (dict, list)) else ():
        yield (*path, key)
        yield from places(value, (*path, key)) if isinstance(value, (dict, list)) else ()


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def edit(document, random):
    """Change a document at one place as nobody would who means well."""
    every = list(places(document))
    *parents, key = every[random.integers(len(every))]
    parent = at(document, parents)
    kind = random.integers(4)
    if kind == 0:
        parent[key] = ODD[random.integers(len(ODD))]
    elif kind == 1:
        del parent[key]
    elif kind == 2:
        other = at(document, every[random.integers(len(every))])
        parent[key] = json.loads(json.dumps(other))
    elif isinstance(parent, dict):
        parent[f"{key}_"] = parent.pop(key)
    else:
        parent.insert(key, parent[key])


# ---------------------------------------------------------------------- what must hold


@contextmanager
def bounded():
    """Less memory than 20 MB, and an end."""

    def give_up(*arguments):
        raise AssertionError("no end in sight")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def saved(name, path):
    if name in OF_FAISS:
        pytest.importorskip("faiss")
    model = MODELS[name]()
    save(model, path)
    return model


def damaged(original, random):
    """The content of a file, or of two, after one or more accidents."""
    content = original
    while content == original:
        for _ in range(random.integers(1, 3)):
            content = BYTES[random.integers(len(BYTES))](content, random) if content else content
    return content


@pytest.mark.parametrize("name", MODELS)
def test_damaged_models(name, tmp_path, assert_same):
    original = saved(name, tmp_path / "model")
    files = sorted((tmp_path / "model").iterdir())
    contents = {file: file.read_bytes() for file in files}
    random = np.random.default_rng([SEED, list(MODELS).index(name)])
    for number in range(50 * TIMES):
        file = files[number % 2]
        file.write_bytes(damaged(contents[file], random))
        try:
            with bounded():
                loaded = load(tmp_path / "model", mmap=bool(number % 3 == 0))
        except LoadError:
            pass
        else:
            assert_same(original, loaded)
        file.write_bytes(contents[file])


@pytest.mark.parametrize("name", MODELS)
def test_manifests_that_somebody_changed(name, tmp_path, change_manifest):
    """Checksums fit, so what loads may be another model; but nothing else happens."""
    saved(name, tmp_path / "model")
    manifest = (tmp_path / "model" / MANIFEST).read_bytes()
    random = np.random.default_rng([SEED, 100 + list(MODELS).index(name)])
    for number in range(30 * TIMES):
        change_manifest(tmp_path / "model", partial(edit, random=random))
        try:
            with bounded(), warnings.catch_warnings():
                # of another version, which scikit-learn reports
                warnings.simplefilter("ignore")
                load(tmp_path / "model", mmap=bool(number % 3 == 0))
        except LoadError:
            pass
        (tmp_path / "model" / MANIFEST).write_bytes(manifest)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in OF_FAISS])
def test_arrays_that_somebody_changed(name, tmp_path, change_manifest):
    """As above; faiss, which reads bytes of its own, was not written for this."""
    saved(name, tmp_path / "model")
    content = (tmp_path / "model" / ARRAYS).read_bytes()
    random = np.random.default_rng([SEED, 200 + list(MODELS).index(name)])
    for number in range(20 * TIMES):
        changed = damaged(content, random)
        (tmp_path / "model" / ARRAYS).write_bytes(changed)
        record = {"bytes": len(changed), "sha256": hashlib.sha256(changed).hexdigest()}
        change_manifest(tmp_path / "model", lambda c, r=record: c.update(files={ARRAYS: r}))
        try:
            with bounded():
                load(tmp_path / "model", mmap=bool(number % 3 == 0))
        except LoadError:
            pass


def test_damaged_checkpoints(tmp_path):
    state = {"weight": torch.arange(12.0).reshape(3, 4), "epoch": 3, "loss": [0.5, 0.25]}
    path, identity = tmp_path / "run.pt", {"max_iter": 4}
    Checkpoint(path, identity, {"one": State(state), "other": State({"rows": 7})}).save()
    content = path.read_bytes()
    random = np.random.default_rng([SEED, 300])
    for _ in range(100 * TIMES):
        path.write_bytes(damaged(content, random))
        parts = {"one": State(None), "other": State(None)}
        with bounded(), pytest.raises(LoadError):
            Checkpoint(path, identity, parts).load()
        assert parts["one"].state is None


def test_damaged_codes(tmp_path):
    da, dask = pytest.importorskip("dask.array"), pytest.importorskip("dask")
    pytest.importorskip("pyarrow")
    hasher = ITQHasher(n_bits=5, random_state=0)
    with dask.config.set(scheduler="synchronous"):
        transform(hasher.fit(X), da.from_array(X, chunks=(20, -1)), tmp_path / "codes")
    packed, ids = open_codes(tmp_path / "codes").read()
    files = sorted((tmp_path / "codes").iterdir())
    contents = {file: file.read_bytes() for file in files}
    assert len(files) == 3
    random = np.random.default_rng([SEED, 400])
    for number in range(90 * TIMES):
        file = files[number % 3]
        file.write_bytes(damaged(contents[file], random))
        try:
            with bounded():
                found, found_ids = open_codes(tmp_path / "codes").read()
        except LoadError:
            pass
        else:
            assert found.n_bits == 5
            np.testing.assert_array_equal(found.data, packed.data)
            np.testing.assert_array_equal(found_ids, ids)
        file.write_bytes(contents[file])
