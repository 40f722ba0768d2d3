"""Files that are damaged, foreign or hostile are refused before anything is made of them."""

import hashlib
import inspect
import json
import os
import shutil
import struct
import sys
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skhash import ITQHasher, PCAHasher
from skhash._persist import LoadError, load, save
from skhash._persist._codecs import CODECS
from skhash._persist._manifest import checksum
from skhash.similarity import Taxonomy

pytestmark = pytest.mark.usefixtures("nothing_is_made")
makes_objects = pytest.mark.usefixtures("objects_may_be_made")


@contextmanager
def shallow_stack(depth):
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + depth)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def refuse(path, match, **options):
    with pytest.raises(LoadError, match=match):
        load(path, **options)


# ---------------------------------------------------------------------- damage


def test_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing at"):
        load(tmp_path / "model")


def test_foreign_files(tmp_path):
    (tmp_path / "file.pkl").write_bytes(b"\x80\x04K\x01.")
    refuse(tmp_path / "file.pkl", "is a file")
    (tmp_path / "empty").mkdir()
    refuse(tmp_path / "empty", "lacks the file manifest.json")
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "arrays.safetensors").touch()
    for text in ("[]", "3", '{"format": "another"}', "{}", '{"format": ["skhash model"]}'):
        (folder / "manifest.json").write_text(text)
        refuse(folder, "not a manifest of the format 'skhash model'")
    for text in ("", "{", "\x00", '{"a": NaN}', '{"a": 1} x'):
        (folder / "manifest.json").write_text(text)
        refuse(folder, "not valid JSON")
    (folder / "manifest.json").write_bytes(b'{"format": "\xff"}')
    refuse(folder, "not valid JSON")


@pytest.mark.parametrize("name", ["manifest.json", "arrays.safetensors"])
def test_missing_and_truncated(name, model):
    content = (model / name).read_bytes()
    for length in (0, 1, 7, 8, 100, len(content) // 2, len(content) - 2):
        (model / name).write_bytes(content[:length])
        refuse(model, "not valid JSON|was saved with")
    (model / name).write_bytes(content + b"\x00")
    refuse(model, "not valid JSON|was saved with")
    (model / name).unlink()
    refuse(model, f"lacks the file {name}")


@pytest.mark.parametrize("name", ["manifest.json", "arrays.safetensors"])
def test_every_flipped_byte_is_found(name, model):
    content = (model / name).read_bytes()
    random = np.random.RandomState(0)
    for position in random.choice(len(content), 150, replace=False):
        flipped = bytearray(content)
        flipped[position] ^= 1 << random.randint(8)
        (model / name).write_bytes(flipped)
        refuse(model, "damaged|not valid JSON|format version|not a manifest")


def test_swapped_files(model, tmp_path):
    X = np.random.RandomState(1).randn(30, 6)
    save(make_pipeline(PCA(5), ITQHasher(n_bits=3, random_state=0)).fit(X), tmp_path / "other")
    shutil.copy(tmp_path / "other" / "arrays.safetensors", model)
    refuse(model, "damaged|was saved with")


def test_a_key_twice(model):
    text = (model / "manifest.json").read_text()
    (model / "manifest.json").write_text(text.replace("{", '{"version": 1,', 1))
    refuse(model, "a key twice")


def test_huge_nesting(model, change_manifest):
    (model / "manifest.json").write_text("[" * 200_000)
    refuse(model, "nested too deeply")


def test_nested_values(model, change_manifest):
    """What JSON can hold, but no function that calls itself for every level."""
    deep = json.loads("[" * 900 + "]" * 900)
    change_manifest(model, _set("objects", 0, "params", "copy", to=deep))
    with shallow_stack(400):
        refuse(model, "nested too deeply|RecursionError")


# ---------------------------------------------------------------------- links and paths


@pytest.mark.parametrize("name", ["manifest.json", "arrays.safetensors"])
def test_links_inside(name, model, tmp_path):
    shutil.move(model / name, tmp_path / "outside")
    (model / name).symlink_to(tmp_path / "outside")
    refuse(model, "not a link")
    (model / name).unlink()
    (model / name).symlink_to(tmp_path / "nowhere")
    refuse(model, "not a link")
    (model / name).unlink()
    (model / name).mkdir()
    refuse(model, "not a link or a directory")
    (model / name).rmdir()
    # opening a pipe would wait for ever
    os.mkfifo(model / name)
    refuse(model, "must be a file itself")


@pytest.mark.parametrize("name", ["../arrays.safetensors", "/etc/passwd", "a/b", "..\\x", "", "."])
def test_paths_in_the_manifest(name, model, change_manifest):
    def edit(content):
        content["files"] = {name: content["files"].pop("arrays.safetensors")}

    change_manifest(model, edit)
    refuse(model, "damaged: KeyError")


@makes_objects
def test_more_files_are_never_read(model):
    (model / "README.md").write_text("what this is")
    (model / "evil.pkl").symlink_to("/etc/passwd")
    assert load(model)[-1].n_bits_ == 3


# ---------------------------------------------------------------------- versions and members


def test_a_newer_format(model, change_manifest):
    def edit(content):
        content["version"] = 3
        content["saved_by"] = {"skhash": "9.1"}

    change_manifest(model, edit)
    refuse(model, "format version 3, .* reads up to 2: .* skhash 9.1")
    # a newer format may keep its checksum elsewhere; the message is still the helpful one
    content = json.loads((model / "manifest.json").read_text())
    del content["sha256"], content["saved_by"]
    (model / "manifest.json").write_text(json.dumps(content))
    refuse(model, "format version 3")


@pytest.mark.parametrize("found", [None, "1", 1.0, True, -1, [1]])
def test_no_version(found, model, change_manifest):
    change_manifest(model, lambda content: content.update(version=found))
    refuse(model, "whole number as its format version")


def _set(*keys, to):
    def edit(content):
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = to

    return edit


def _remove(*keys):
    def edit(content):
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return edit


MEAN = "Pipeline.steps[0][1].mean_"
PLACES = {
    "no member": (_remove("arrays"), "damaged: KeyError"),
    "objects of another kind": (_set("objects", to={}), "damaged: KeyError"),
    "no objects": (_set("objects", to=[]), "damaged: IndexError"),
    "an object that is none": (_set("objects", 0, to=[]), "damaged: AttributeError"),
    "an object without a class": (_remove("objects", 0, "class"), "cannot be made: KeyError"),
    "state that is none": (_set("objects", 0, "state", to=[1]), "damaged: AttributeError"),
    "a value as the model": (
        _set("objects", -1, to={"value": {"partial": []}}),
        "must be the model",
    ),
    "a value that is not shared": (
        _set("objects", 0, to={"value": {"tuple": [{"object": 0}]}}),
        "a tuple cannot be shared",
    ),
    "a number as a value": (_set("objects", 0, to={"value": 1}), "cannot be made: AttributeError"),
    "an unknown tag": (_set("objects", 0, "params", "copy", to={"pickle": ""}), "is not the tag"),
    "two tags": (
        _set("objects", 0, "params", "copy", to={"tuple": [], "dict": {}}),
        "too many values",
    ),
    "a dict of a list": (
        _set("objects", 0, "params", "copy", to={"dict": []}),
        "damaged: AttributeError",
    ),
    "odd pairs": (_set("objects", 0, "params", "copy", to={"pairs": [[1]]}), "not enough values"),
    "a key of objects": (
        _set("objects", 0, "params", "copy", to={"pairs": [[{"object": 0}, 1]]}),
        "one before it",
    ),
    "an array too many": (
        _set("arrays", "more", to={"dtype": "<f8", "shape": [1], "order": "C"}),
        "it lacks .'more'.",
    ),
    "another shape": (_set("arrays", MEAN, "shape", to=[7]), "56 bytes from .* manifest wants"),
    "a negative shape": (_set("arrays", MEAN, "shape", to=[-6]), "manifest wants"),
    "another dtype": (_set("arrays", MEAN, "dtype", to="<f4"), "24 bytes from .* manifest wants"),
    "objects as a dtype": (_set("arrays", MEAN, "dtype", to="|O"), "wanted numbers"),
    "records as a dtype": (_set("arrays", MEAN, "dtype", to="i4,O"), "wanted numbers"),
    "a huge dtype": (_set("arrays", MEAN, "dtype", to="<U99999999999"), "wanted numbers"),
    "a dtype without length": (_set("arrays", MEAN, "dtype", to="<U0"), "wanted numbers"),
    "a dtype of dates": (_set("arrays", MEAN, "dtype", to="<M8[s]"), "wanted numbers"),
    "another order": (_set("arrays", MEAN, "order", to="K"), "damaged: ValueError"),
    "a shape that is none": (_set("arrays", MEAN, to="mean"), "damaged: TypeError"),
    "a number beyond all": (_set("objects", 0, "params", "tol", to=float("1e999")), "JSON|large"),
}


@makes_objects
@pytest.mark.parametrize("edit", PLACES.values(), ids=PLACES)
def test_manifests_that_make_no_sense(edit, model, change_manifest):
    change, message = edit
    change_manifest(model, change)
    refuse(model, message)


def _doubled(depth):
    """Objects of which each holds the one before it twice, as a tuple: 2**depth hashes."""
    records = [{"value": {"tuple": [0, 0]}}]
    records += [{"value": {"tuple": [{"object": i}, {"object": i}]}} for i in range(depth)]
    return records


def _taxonomies(depth):
    """Taxonomies, each with the one before it as a node twice over: 2**depth hashes."""
    state = {"nodes": ["a", "b"], "parents": [[], [0]], "names": []}
    records = [{"value": {"taxonomy": {"dict": state}}}]
    for i in range(depth):
        nodes = [{"tuple": [{"object": i}, {"object": i}]}, "b"]
        records.append({"value": {"taxonomy": {"dict": {**state, "nodes": nodes}}}})
    return records


BOMBS = {
    "taxonomies in taxonomies": lambda c: c.update(objects=_taxonomies(60) + c["objects"]),
    "a range": lambda c: _set("objects", 0, "params", "copy", to={"tuple": {"range": [0, 5e8]}})(c),
    "tuples in tuples": lambda c: c.update(objects=_doubled(60) + c["objects"]),
    "tuples as a key": lambda c: c.update(
        objects=[*_doubled(60), {"value": {"object_array": {"pairs": [[{"object": 60}, 1]]}}}]
        + c["objects"]
    ),
    "letters of no width": lambda c: c["arrays"].update(
        {MEAN: {"dtype": "<U0", "shape": [2**33], "order": "C"}}
    ),
    "no rows of many columns": lambda c: c["arrays"].update(
        {MEAN: {"dtype": "<f8", "shape": [0, 2**62, 2**62], "order": "C"}}
    ),
    "many rows": lambda c: c["arrays"].update(
        {MEAN: {"dtype": "<f8", "shape": [2**40], "order": "F"}}
    ),
    "long letters": lambda c: c["arrays"].update(
        {MEAN: {"dtype": "<U9999999", "shape": [10**6], "order": "C"}}
    ),
    "an array of objects": lambda c: _set(
        "objects",
        0,
        "params",
        "copy",
        to={"object_array": {"dict": {"dtype": "objects", "shape": [2**40], "items": []}}},
    )(c),
    "a sparse matrix": lambda c: _set(
        "objects",
        0,
        "params",
        "copy",
        to={
            "sparse": {
                "dict": {
                    "class": "csr_array",
                    "shape": [2**40, 2**40],
                    "arrays": [{"array": MEAN}, {"array": MEAN}, {"array": MEAN}],
                }
            }
        },
    )(c),
}


@makes_objects
@pytest.mark.parametrize("edit", BOMBS.values(), ids=BOMBS)
def test_nothing_gets_larger_than_the_file(edit, model, change_manifest):
    change_manifest(model, edit)
    tracemalloc.start()
    try:
        for mmap in (False, True):
            refuse(model, ".", mmap=mmap)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_is_not_waited_for(model, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refuse(tmp_path / "pipe", "is a file")
    estimator = PCAHasher()
    for name in ("manifest.json", "arrays.safetensors"):
        (model / name).unlink()
        os.mkfifo(model / name)
        with pytest.raises(ValueError, match="not overwritten"):
            save(estimator, model, overwrite=True)


REFERENCES = {
    "itself": (_set("objects", 0, "params", "copy", to={"object": 0}), "wanted one before it"),
    "a later one": (_set("objects", 0, "params", "copy", to={"object": 1}), "wanted one before it"),
    "one from behind": (_set("objects", 1, "params", "n_bits", to={"object": -2}), "one before it"),
    "no number": (_set("objects", 1, "params", "n_bits", to={"object": True}), "one before it"),
    "no array": (_set("objects", 0, "params", "copy", to={"array": "x"}), "KeyError: 'x'"),
    "a list as an array": (_set("objects", 0, "params", "copy", to={"array": [1]}), "unhashable"),
    "an array not listed": (_remove("arrays", MEAN), "unknown are"),
}


@makes_objects
@pytest.mark.parametrize("edit", REFERENCES.values(), ids=REFERENCES)
def test_references_to_what_is_not_there(edit, model, change_manifest):
    change, message = edit
    change_manifest(model, change)
    refuse(model, message)


BAD_PARTS = {
    "float": "1.5",
    "slice": [0, {"dict": {}}, 1],
    "type": "numpy.load",
    "dtype": "i4,f4",
    "pairs": [[{"tuple": [[]]}, 1]],
    "tuple": "text",
    "partial": {"dict": {"function": 3, "args": [], "keywords": {"dict": {}}}},
    "scalar": {"dict": {"dtype": "<i8", "value": "a"}},
    "object_array": {"dict": {"dtype": "objects", "shape": [3], "items": [1]}},
    "random_state": {"dict": {"bit_generator": "__import__"}},
    "method": {"dict": {"of": 3, "name": "transform"}},
    "taxonomy": {"dict": {"nodes": ["a", "b"], "parents": [[1], [0]], "names": []}},
    "sparse": {"dict": {"class": "save_npz", "shape": [1, 1], "arrays": []}},
}


def test_every_codec_refuses_something():
    assert set(BAD_PARTS) - {"pairs"} == {codec.tag for codec in CODECS}


@makes_objects
@pytest.mark.parametrize(
    "tag", ["set", "frozenset", "range", "int", "complex", "bytes", "generator", "bunch"]
)
def test_types_that_estimators_do_not_hold_have_no_tag(tag, model, change_manifest):
    change_manifest(model, _set("objects", 0, "params", "copy", to={tag: []}))
    refuse(model, "is not the tag of a value")


@makes_objects
@pytest.mark.parametrize("tag", BAD_PARTS)
def test_parts_that_a_codec_refuses(tag, tmp_path, change_manifest):
    save(FunctionTransformer(kw_args={}), tmp_path / "model")
    edit = _set("objects", 0, "params", "kw_args", to={tag: BAD_PARTS[tag]})
    change_manifest(tmp_path / "model", edit)
    refuse(tmp_path / "model", "cannot be made")


@makes_objects
def test_pairs_with_a_key_twice(tmp_path, change_manifest):
    save(FunctionTransformer(kw_args={1: 2, 3: 4}), tmp_path / "model")
    edit = _set("objects", 0, "params", "kw_args", "pairs", 1, 0, to=1.0)
    change_manifest(tmp_path / "model", edit)
    refuse(tmp_path / "model", "a key twice")


def _change_arrays(path, change_manifest, edit):
    """Change the arrays as one would who also changes the checksum."""
    arrays = load_file(path / "arrays.safetensors")
    edit(arrays)
    save_file(arrays, path / "arrays.safetensors")
    content = (path / "arrays.safetensors").read_bytes()
    record = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    change_manifest(path, _set("files", "arrays.safetensors", to=record))


def test_arrays_are_compared_with_the_manifest(model, change_manifest):
    _change_arrays(model, change_manifest, lambda a: a.update(more=np.zeros(3)))
    refuse(model, "unknown are .'more'.")
    _change_arrays(model, change_manifest, lambda a: (a.pop("more"), a.pop(MEAN)))
    refuse(model, r"it lacks \['Pipeline.steps\[0\]\[1\].mean_'\]")
    _change_arrays(model, change_manifest, lambda a: a.update({MEAN: np.zeros(6, "f4")}))
    refuse(model, "48 bytes from .* manifest wants")


def test_a_header_that_lies(model, change_manifest):
    content = (model / "arrays.safetensors").read_bytes()
    n_header = struct.unpack("<Q", content[:8])[0]
    for header in (
        b"\xff" * 8 + content[8:],
        (0).to_bytes(8, "little") + content[8:],
        content[:8] + content[8 : 8 + n_header].replace(b"[0,", b"[8,") + content[8 + n_header :],
        content[:8] + content[8 : 8 + n_header].replace(b"[0,", b'["",') + content[8 + n_header :],
        content[:8] + content[8 : 8 + n_header].replace(b"_offsets", b"_oofsets"),
        content[:8] + content[8 : 8 + n_header].replace(b"{", b"[", 1) + content[8 + n_header :],
        content[:-8],
        content + b"\x00",
        b"\x80\x04K\x01.",
    ):
        (model / "arrays.safetensors").write_bytes(header)
        record = {"bytes": len(header), "sha256": hashlib.sha256(header).hexdigest()}
        change_manifest(model, _set("files", "arrays.safetensors", to=record))
        for mmap in (False, True):
            refuse(model, "not a file of arrays|not valid JSON|manifest wants|damaged", mmap=mmap)


@makes_objects
def test_a_random_state_beyond_its_words(tmp_path, change_manifest):
    """numpy takes any position, and reads there."""
    save(FunctionTransformer(kw_args={"r": np.random.RandomState(0)}), tmp_path / "model")
    place = ("objects", 0, "value", "random_state", "dict", "state", "dict", "pos")
    for position in (-1, 625, 10**6):
        change_manifest(tmp_path / "model", _set(*place, to=position))
        refuse(tmp_path / "model", "cannot be made: .* position")


def test_indices_out_of_range(tmp_path, change_manifest):
    """Products of scipy read and write where the indices say, wherever that is."""
    value = {"m": sparse.csr_array(np.eye(3))}
    save(FunctionTransformer(kw_args=value), tmp_path / "model")

    def edit(arrays):
        indices = arrays["FunctionTransformer.kw_args.m.arrays[1]"]
        indices[:] = [0, 1, 10**6]

    _change_arrays(tmp_path / "model", change_manifest, edit)
    refuse(tmp_path / "model", "cannot be made: .*ind")


def test_strings_and_bools_that_are_none(tmp_path, change_manifest):
    value = {"word": np.array(["ab", "c"]), "flag": np.array([True, False])}
    save(FunctionTransformer(kw_args=value), tmp_path / "words")
    word, flag = (f"FunctionTransformer.kw_args.{name}" for name in ("word", "flag"))

    def edit(arrays):
        arrays[word] = np.full_like(arrays[word], 0x110000)

    _change_arrays(tmp_path / "words", change_manifest, edit)
    refuse(tmp_path / "words", "not characters")

    def edit_flag(arrays):
        arrays[word] = np.zeros_like(arrays[word])
        arrays[flag] = np.array([2, 0], dtype=np.uint8).view(bool)

    _change_arrays(tmp_path / "words", change_manifest, edit_flag)
    refuse(tmp_path / "words", "bytes other than 0 and 1")


@makes_objects
def test_the_checksum_does_not_depend_on_the_layout(model):
    content = json.loads((model / "manifest.json").read_text())
    assert content["sha256"] == checksum(content)
    (model / "manifest.json").write_text(json.dumps(content, sort_keys=True))
    assert load(model)[-1].n_bits_ == 3


def test_load_errors_are_value_errors(tmp_path):
    save(PCAHasher(), tmp_path / "model")
    (tmp_path / "model" / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match="not a manifest"):
        load(tmp_path / "model")
    assert issubclass(LoadError, ValueError)
    assert not issubclass(LoadError, BaseEstimator)


def _places(node, place=()):
    """All places in a document of JSON, outermost first."""
    yield place
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items if isinstance(node, (dict, list)) else ():
        if isinstance(value, (dict, list)):
            yield from _places(value, (*place, key))
        else:
            yield (*place, key)


@makes_objects
@pytest.mark.filterwarnings("ignore")
def test_any_change_loads_or_is_refused(tmp_path, change_manifest):
    """Whatever stands wherever, no other error than LoadError comes out."""
    value = {
        "words": np.array(["a", "b"], dtype=object),
        "pairs": {1: (2, (3,)), None: np.float32(0.5)},
        "sparse": sparse.csr_array(np.eye(2)),
        "random": np.random.RandomState(0),
        "rest": [slice(1, 2), np.inf, np.dtype("<f4"), float],
        "taxonomy": Taxonomy({"a": "b", "c": "b"}),
    }
    path = tmp_path / "model"
    save(make_pipeline(FunctionTransformer(kw_args=value), PCA()), path)
    original = (path / "manifest.json").read_bytes()
    content = json.loads(original)
    places = [place for place in _places(content) if place and place[0] != "sha256"]
    others = [None, True, -1, 2**70, 0.5, "", "x", [], [[]], {}, {"x": 1}, {"object": 0}]
    others += [{"tuple": []}, {"array": next(iter(content["arrays"]))}, {"float": "nan"}]
    random = np.random.RandomState(0)
    n_refused = 0
    for _ in range(300):
        (path / "manifest.json").write_bytes(original)
        place, other = places[random.randint(len(places))], others[random.randint(len(others))]
        change_manifest(path, _set(*place, to=other))
        try:
            load(path)
        except LoadError:
            n_refused += 1
    assert n_refused > 150
