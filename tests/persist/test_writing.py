"""A model is written whole or not at all, and takes the place of a model only."""

import os
import shutil
import stat

import numpy as np
import pytest

from skhash import PCAHasher
from skhash._persist import _save, _write, load, save


@pytest.fixture
def models():
    X = np.random.RandomState(0).randn(30, 6)
    return [PCAHasher(n_bits=n_bits).fit(X) for n_bits in (3, 4)]


def test_files(models, tmp_path):
    save(models[0], tmp_path / "model")
    assert sorted(os.listdir(tmp_path)) == ["model"]
    assert sorted(os.listdir(tmp_path / "model")) == ["arrays.safetensors", "manifest.json"]
    # as any file that a user makes: what others may do with it is for the umask to say
    (tmp_path / "plain").touch()
    modes = {(tmp_path / "model" / name).stat().st_mode for name in os.listdir(tmp_path / "model")}
    assert {stat.S_IMODE(mode) for mode in modes} == {
        stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    }


def test_paths_of_all_forms(models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(models[0], "relative")
    save(models[0], f"{tmp_path}/slash/")
    save(models[0], os.fsencode(tmp_path / "bytes").decode())
    assert sorted(os.listdir(tmp_path)) == ["bytes", "relative", "slash"]
    assert load("relative").n_bits_ == 3
    with pytest.raises(FileNotFoundError, match="directory that exists"):
        save(models[0], tmp_path / "nowhere" / "model")


def test_overwrite(models, tmp_path):
    path = tmp_path / "model"
    save(models[0], path, overwrite=True)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        save(models[1], path)
    assert load(path).n_bits_ == 3
    save(models[1], path, overwrite=True)
    assert load(path).n_bits_ == 4
    assert os.listdir(tmp_path) == ["model"]


def _file(path):
    path.write_text("precious")


def _foreign_directory(path):
    path.mkdir()
    (path / "manifest.json").write_text('{"format": "another"}')
    (path / "arrays.safetensors").write_text("precious")


def _with_a_neighbour(path):
    save(PCAHasher(), path)
    (path / "notes.txt").write_text("precious")


def _link(path):
    save(PCAHasher(), path.parent / "elsewhere")
    path.symlink_to(path.parent / "elsewhere")


def _dangling_link(path):
    path.symlink_to(path.parent / "nowhere")


@pytest.mark.parametrize(
    "make",
    [_file, os.mkdir, _foreign_directory, _with_a_neighbour, _link, _dangling_link],
    ids=lambda make: make.__name__,
)
def test_nothing_else_is_overwritten(make, models, tmp_path):
    path = tmp_path / "model"
    make(path)
    before = {entry: entry.lstat().st_mtime_ns for entry in tmp_path.rglob("*")}
    with pytest.raises(FileExistsError):
        save(models[0], path)
    with pytest.raises(ValueError, match="not overwritten"):
        save(models[0], path, overwrite=True)
    assert {entry: entry.lstat().st_mtime_ns for entry in tmp_path.rglob("*")} == before


class Killed(BaseException):
    """As an interrupt from the keyboard, it is no Exception."""


def _fail_at(monkeypatch, owner, name, call):
    """Have a function raise at one of its calls; the list says how often it was called."""
    original, calls = getattr(owner, name), []

    def fail(*args, **options):
        calls.append(args)
        if len(calls) == call:
            raise Killed
        return original(*args, **options)

    monkeypatch.setattr(owner, name, fail)
    return calls


@pytest.mark.parametrize("there_before", [False, True])
@pytest.mark.parametrize(
    ("owner", "name", "call"),
    [
        (_write, "save_file", 1),
        (_write.hashlib, "file_digest", 1),
        (_save, "make_manifest", 1),
        (os, "fsync", 1),
        (os, "fsync", 2),
        (os, "rename", 1),
        (os, "rename", 2),
    ],
)
def test_killed_in_the_middle(owner, name, call, there_before, models, tmp_path, monkeypatch):
    path = tmp_path / "model"
    if there_before:
        save(models[0], path)
    elif (name, call) == ("rename", 2):
        pytest.skip("a new model takes one rename")
    with monkeypatch.context() as patched:
        calls = _fail_at(patched, owner, name, call)
        with pytest.raises(Killed):
            save(models[1], path, overwrite=True)
        assert len(calls) >= call
    assert os.listdir(tmp_path) == (["model"] if there_before else [])
    if there_before:
        assert load(path).n_bits_ == 3
    save(models[1], path, overwrite=True)
    assert load(path).n_bits_ == 4


def test_a_full_disk(models, tmp_path, monkeypatch):
    save(models[0], tmp_path / "model")

    def full(tensors, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_write, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        save(models[1], tmp_path / "model", overwrite=True)
    assert os.listdir(tmp_path) == ["model"]
    assert load(tmp_path / "model").n_bits_ == 3


def test_the_old_model_is_there_until_the_new_is_complete(models, tmp_path, monkeypatch):
    path, seen = tmp_path / "model", []
    save(models[0], path)
    original = os.rename

    def rename(source, target):
        if target == path:
            seen.append(load(source).n_bits_)
        else:
            seen.append(load(path).n_bits_)
        original(source, target)

    monkeypatch.setattr(os, "rename", rename)
    save(models[1], path, overwrite=True)
    assert seen == [3, 4]


def test_a_model_can_be_moved_and_copied(models, tmp_path):
    save(models[0], tmp_path / "model")
    shutil.copytree(tmp_path / "model", tmp_path / "copy")
    (tmp_path / "model").rename(tmp_path / "moved")
    (tmp_path / "latest").symlink_to("moved")
    for name in ("copy", "moved", "latest"):
        assert load(tmp_path / name).n_bits_ == 3
