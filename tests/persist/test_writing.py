"""A model is written whole or not at all, and takes the place of a model only."""

import itertools
import json
import os
import re
import shutil
import signal
import stat
import sys

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
    save(models[0], tmp_path / "new" / "folders" / "model")
    assert load(tmp_path / "new" / "folders" / "model").n_bits_ == 3


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


ORDERS = pytest.mark.parametrize("exchange", [True, False], ids=["exchange", "two renames"])


@pytest.fixture
def set_exchange(monkeypatch):
    """A function that chooses between directories that change places and two renames."""

    def choose(exchange):
        if not exchange:
            monkeypatch.setattr(_write, "_exchange", lambda *_: False)
        elif sys.platform != "linux":
            pytest.skip("directories change places on Linux only")

    return choose


class _AtLine:
    """Has something done at a line of the modules that write, and counts the lines."""

    def __init__(self, wanted, action):
        self.wanted, self.action, self.n_lines = wanted, action, 0

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_):
        sys.settrace(self._before)

    def _call(self, frame, event, arg):
        files = (_write.__file__, _save.__file__)
        return self._line if frame.f_code.co_filename in files else None

    def _line(self, frame, event, arg):
        if event == "line":
            self.n_lines += 1
            if self.wanted in (self.n_lines, "every"):
                self.action()
        return self._line


def _interrupt():
    raise KeyboardInterrupt


@ORDERS
def test_the_directories_change_places(exchange, models, tmp_path, set_exchange):
    """What other tests say of the exchange would be empty if it never took place."""
    set_exchange(exchange)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert _write._exchange(tmp_path / "one", tmp_path / "two") == exchange
    assert (tmp_path / "two" / "one").exists() == exchange


def test_old_or_new_is_there_at_every_line(models, tmp_path, set_exchange):
    set_exchange(True)
    path, seen = tmp_path / "model", []
    save(models[0], path)

    def look():
        content = json.loads((path / "manifest.json").read_text())
        seen.append(content["objects"][0]["params"]["n_bits"])

    with _AtLine("every", look):
        save(models[1], path, overwrite=True)
    assert seen == sorted(seen)
    assert set(seen) == {3, 4}


@pytest.mark.parametrize(
    ("exchange", "there_before"),
    [(True, False), (True, True), (False, True)],
    ids=["nothing there", "exchange", "two renames"],
)
def test_interrupted_at_any_line(exchange, there_before, models, tmp_path, set_exchange):
    """Ctrl-C leaves the old or the new, and the next save leaves nothing beside it."""
    set_exchange(exchange)
    path, found = tmp_path / "model", set()
    n_lines = 0
    if there_before:
        save(models[0], path)
    for line in itertools.count(1):
        with _AtLine(line, _interrupt) as lines:
            try:
                save(models[1], path, overwrite=True)
            except KeyboardInterrupt:
                found.add(load(path).n_bits_ if path.exists() else None)
        if lines.n_lines < line:
            break
        n_lines = line
        save(models[0], path, overwrite=True)
        assert os.listdir(tmp_path) == ["model"]
        assert load(path).n_bits_ == 3
        if not there_before:
            shutil.rmtree(path)
    assert n_lines > 50
    assert found == ({3, 4} if there_before else {None, 4})


def _in_child(work):
    """Run a function in a forked process, and return its number."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")


@forks
@ORDERS
def test_killed_at_a_line(exchange, models, tmp_path, set_exchange):
    """No handler runs: the kernel ends the process, and lets go of its lock."""
    set_exchange(exchange)
    path, found, there = tmp_path / "model", [], []
    save(models[0], path)
    with _AtLine("every", lambda: there.append(path.exists())):
        save(models[0], path, overwrite=True)
    between = [line for line, is_there in enumerate(there, 1) if not is_there]
    assert (not between) == exchange
    for line in (*range(1, len(there) + 1, 10), *between):
        save(models[0], path, overwrite=True)

        def work(line=line):
            with _AtLine(line, lambda: os.kill(os.getpid(), signal.SIGKILL)):
                save(models[1], path, overwrite=True)

        _, status = os.waitpid(_in_child(work), 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        try:
            found.append(load(path).n_bits_)
        except FileNotFoundError as error:
            # between the renames; the message says where the old one is
            assert not exchange
            old = re.search(r"which is (.*old)$", str(error))[1]
            assert load(old).n_bits_ == 3
            found.append(None)
        save(models[0], path, overwrite=True)
        assert os.listdir(tmp_path) == ["model"]
    assert set(found) == ({3, 4} if exchange else {3, 4, None})


@forks
@ORDERS
def test_readers_during_overwrites(exchange, models, tmp_path, set_exchange):
    set_exchange(exchange)
    path = tmp_path / "model"
    save(models[0], path)

    def work():
        for i in range(150):
            save(models[i % 2], path, overwrite=True)

    child, found = _in_child(work), []
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        found.append(load(path, mmap=len(found) % 2 == 0).n_bits_)
    assert set(found) == {3, 4}


@forks
def test_several_writers(models, tmp_path, set_exchange):
    set_exchange(True)
    path = tmp_path / "model"

    def work():
        for i in range(20):
            save(models[i % 2], path, overwrite=True)
        (tmp_path / f"done {os.getpid()}").touch()

    children = [_in_child(work) for _ in range(4)]
    for child in children:
        os.waitpid(child, 0)
        (tmp_path / f"done {child}").unlink()
    assert load(path).n_bits_ in (3, 4)
    assert os.listdir(tmp_path) == ["model"]


@ORDERS
def test_a_live_writer_is_left_alone(exchange, models, tmp_path, set_exchange, monkeypatch):
    set_exchange(exchange)
    path = tmp_path / "model"
    save(models[1], path)
    original = _save.make_manifest

    def make_manifest(*parts):
        monkeypatch.setattr(_save, "make_manifest", original)
        # another save at the same path, from beginning to end
        save(models[1], path, overwrite=True)
        assert len(os.listdir(tmp_path)) == 2
        return original(*parts)

    monkeypatch.setattr(_save, "make_manifest", make_manifest)
    save(models[0], path, overwrite=True)
    assert load(path).n_bits_ == 3
    assert os.listdir(tmp_path) == ["model"]


def test_leftovers_of_other_models_stay(models, tmp_path):
    others = [".model.b.0123456789ab.saving", ".model.0123456789ab.savings", ".model.saving"]
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / ".model.0123456789ab.saving").mkdir()
    save(models[0], tmp_path / "model")
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "model"])


@pytest.mark.parametrize("there_before", [False, True])
@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_a_full_disk(share, there_before, models, tmp_path):
    """The system refuses to let files grow, as it does where there is no room for them."""
    resource = pytest.importorskip("resource", reason="no limits on Windows")
    path = tmp_path / "model"
    save(models[1], path)
    limit = int(share * (max(file.stat().st_size for file in path.iterdir()) - 1))
    shutil.rmtree(path)
    if there_before:
        save(models[0], path)
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        with pytest.raises(OSError, match=r"File too large|could not be written"):
            save(models[1], path, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path) == (["model"] if there_before else [])
    if there_before:
        assert load(path).n_bits_ == 3


@pytest.mark.parametrize("there_before", [False, True])
def test_an_error_leaves_what_was_there(there_before, models, tmp_path, monkeypatch):
    path = tmp_path / "model"
    if there_before:
        save(models[0], path)
    with monkeypatch.context() as patched:
        patched.setattr(_save, "make_manifest", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            save(models[1], path, overwrite=True)
    assert os.listdir(tmp_path) == (["model"] if there_before else [])
    if there_before:
        assert load(path).n_bits_ == 3


def test_what_comes_in_between_is_not_overwritten(models, tmp_path, monkeypatch):
    path, original = tmp_path / "model", _save.make_manifest

    def make_manifest(*parts):
        path.mkdir(exist_ok=True)
        (path / "thesis.txt").write_text("precious")
        return original(*parts)

    monkeypatch.setattr(_save, "make_manifest", make_manifest)
    with pytest.raises(FileExistsError):
        save(models[0], path)
    with pytest.raises(ValueError, match="not overwritten"):
        save(models[0], path, overwrite=True)
    assert os.listdir(tmp_path) == ["model"]
    assert os.listdir(path) == ["thesis.txt"]


def test_a_model_can_be_moved_and_copied(models, tmp_path):
    save(models[0], tmp_path / "model")
    shutil.copytree(tmp_path / "model", tmp_path / "copy")
    (tmp_path / "model").rename(tmp_path / "moved")
    (tmp_path / "latest").symlink_to("moved")
    for name in ("copy", "moved", "latest"):
        assert load(tmp_path / name).n_bits_ == 3
