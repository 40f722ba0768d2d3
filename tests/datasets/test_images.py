"""Fetching CIFAR-100, against a small archive of the official form on a local server."""

import _thread
import hashlib
import io
import pickle
import signal
import struct
import tarfile
import threading
import time
import urllib.error
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from skhash.datasets import _archive, _images, fetch_cifar100

N_TRAIN, N_TEST = 50, 10
FINE_NAMES, COARSE_NAMES = ["apple", "bear", "clock"], ["alive", "dead"]


def python2_pickle(value):
    """`value` as cPickle of Python 2 wrote it at protocol 2, which is the form of the archive.

    Python 3 writes neither its byte strings nor the integers in a dtype any more.
    """
    return b"\x80\x02" + _opcodes(value) + b"."


def _opcodes(value):
    if value is None:
        return b"N"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, str | bytes):
        raw = value.encode() if isinstance(value, str) else value
        return b"T" + struct.pack("<i", len(raw)) + raw
    if isinstance(value, tuple):
        return b"(" + b"".join(map(_opcodes, value)) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(map(_opcodes, value)) + b"e"
    if isinstance(value, dict):
        return b"}(" + b"".join(_opcodes(part) for item in value.items() for part in item) + b"u"
    assert value.dtype == np.uint8
    dtype = b"cnumpy\ndtype\n" + _opcodes(("u1", 0, 1)) + b"R"
    dtype += _opcodes((3, "|", None, None, None, -1, -1, 0)) + b"b"
    blank = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
    blank += _opcodes((0,)) + _opcodes("b") + b"tR"
    shape, data = _opcodes(value.shape), _opcodes(value.tobytes())
    return blank + b"(" + _opcodes(1) + shape + dtype + b"\x89" + data + b"tb"


def make_archive(images, fine, coarse, **replaced):
    """Bytes of an archive of the official form; `replaced` are other contents of its files."""
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)

    def half(rows):
        labels = {"fine_labels": fine[rows].tolist(), "coarse_labels": coarse[rows].tolist()}
        names = [f"image_{row}.png" for row in range(len(fine[rows]))]
        return python2_pickle({"filenames": names, "data": planes[rows], **labels})

    names = {"fine_label_names": FINE_NAMES, "coarse_label_names": COARSE_NAMES}
    files = {
        "meta": python2_pickle(names),
        "file.txt~": b"",
        "train": half(slice(None, N_TRAIN)),
        "test": half(slice(N_TRAIN, None)),
        **replaced,
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-100-python/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def truth():
    rng = np.random.default_rng(0)
    n = N_TRAIN + N_TEST
    return {
        "images": rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8),
        "fine": rng.integers(0, 3, n),
        "coarse": rng.integers(0, 2, n),
    }


class Server(ThreadingHTTPServer):
    """Serves `content` in two halves, and calls `between` after the first, if it is set.

    Of the first `n_cut` answers it sends the first half only.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.between, self.n_cut, self.n_requests = b"", None, 0, 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        content, server = self.server.content, self.server
        server.n_requests += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        if server.between is not None:
            server.between()
        if server.n_requests > server.n_cut:
            self.wfile.write(content[len(content) // 2 :])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch, truth):
    monkeypatch.delenv("SKHASH_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(_images, "_N_TRAIN", N_TRAIN)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        server.content = make_archive(**truth)
        checksum = hashlib.sha256(server.content).hexdigest()
        url = f"http://127.0.0.1:{server.server_port}/cifar-100-python.tar.gz"
        monkeypatch.setattr(_images, "_ARCHIVE_URL", url)
        monkeypatch.setattr(_images, "_ARCHIVE_SHA256", checksum)
        yield server
        server.shutdown()
        thread.join()


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def assert_is_truth(bunch, truth):
    np.testing.assert_array_equal(bunch.images, truth["images"])
    np.testing.assert_array_equal(bunch.target, truth["fine"])
    np.testing.assert_array_equal(bunch.coarse, truth["coarse"])
    assert bunch.target.dtype == bunch.coarse.dtype == np.int64
    assert bunch.target_names.tolist() == FINE_NAMES
    assert bunch.coarse_names.tolist() == COARSE_NAMES
    np.testing.assert_array_equal(bunch.train_indices, np.arange(N_TRAIN))
    np.testing.assert_array_equal(bunch.test_indices, np.arange(N_TRAIN, N_TRAIN + N_TEST))
    assert bunch.source == "official"


def test_the_second_fetch_reads_the_cache(server, truth, tmp_path, capsys):
    assert_is_truth(fetch_cifar100(data_home=tmp_path, verbose=True), truth)
    assert f"Downloading {_images._ARCHIVE_URL}" in capsys.readouterr().out
    # the archive and everything temporary are gone
    assert list(tmp_path.rglob("*")) == [tmp_path / "cifar100", tmp_path / "cifar100/cifar100.npz"]
    assert_is_truth(fetch_cifar100(data_home=tmp_path, download_if_missing=False), truth)
    assert server.n_requests == 1


def test_download_if_missing_is_false(server, tmp_path):
    with pytest.raises(OSError, match="download_if_missing is False"):
        fetch_cifar100(tmp_path, False)
    assert server.n_requests == 0


def test_wrong_checksum_leaves_nothing(server, tmp_path):
    server.content = server.content[:-1] + bytes([server.content[-1] ^ 1])
    with pytest.raises(OSError, match="SHA256 checksum"):
        fetch_cifar100(data_home=tmp_path)
    assert files_below(tmp_path) == []


@pytest.mark.filterwarnings("ignore:Retry downloading:UserWarning")
def test_broken_connections_leave_nothing(server, tmp_path):
    server.n_cut = 3
    with pytest.raises(OSError, match="could not be downloaded") as raised:
        fetch_cifar100(data_home=tmp_path, n_retries=2, delay=0.01)
    assert isinstance(raised.value.__cause__, urllib.error.ContentTooShortError)
    assert server.n_requests == 3
    assert files_below(tmp_path) == []


def test_a_broken_connection_is_tried_again(server, truth, tmp_path):
    server.n_cut = 1
    with pytest.warns(UserWarning, match="Retry downloading"):
        bunch = fetch_cifar100(data_home=tmp_path, n_retries=1, delay=0.01)
    assert_is_truth(bunch, truth)


@pytest.fixture
def heeds_ctrl_c():
    """A process started in the background may have been told to ignore the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
def test_interrupted_download_leaves_nothing(server, truth, tmp_path):
    # the reader waits for the second half, so that Ctrl-C finds it within the download
    server.between = _thread.interrupt_main
    with pytest.raises(KeyboardInterrupt):
        fetch_cifar100(data_home=tmp_path)
    assert files_below(tmp_path) == []
    server.between = None
    assert_is_truth(fetch_cifar100(data_home=tmp_path), truth)


def test_interrupted_writing_leaves_nothing(server, tmp_path, monkeypatch):
    def interrupted(path, **arrays):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_cifar100(data_home=tmp_path)
    assert files_below(tmp_path) == []


def test_damaged_cache_is_named(server, tmp_path):
    fetch_cifar100(data_home=tmp_path)
    (cache,) = files_below(tmp_path)
    cache.write_bytes(cache.read_bytes()[:-100])
    with pytest.raises(OSError, match=r"cifar100\.npz is damaged; delete it"):
        fetch_cifar100(data_home=tmp_path)


class WritesFile:
    """Pickles as a call of `open` that would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_malicious_pickle_is_refused(server, truth, tmp_path, monkeypatch):
    trace = tmp_path / "trace"
    server.content = make_archive(**truth, test=pickle.dumps(WritesFile(trace), protocol=2))
    checksum = hashlib.sha256(server.content).hexdigest()
    monkeypatch.setattr(_images, "_ARCHIVE_SHA256", checksum)
    with pytest.raises(pickle.UnpicklingError, match=r"refused to load (io|__builtin__)\.open"):
        fetch_cifar100(data_home=tmp_path)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    "stream",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"cnumpy\nload\n.",
        b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.",
    ],
)
def test_unpickler_refuses_every_other_name(stream):
    with pytest.raises(pickle.UnpicklingError, match="refused to load"):
        _archive._PlainUnpickler(io.BytesIO(stream)).load()


def test_archive_without_its_files(tmp_path):
    path = tmp_path / "other.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("cifar-10-batches-py/readme.html"))
    with pytest.raises(OSError, match="lacks meta, test, train"):
        _archive.read_archive(path)


def test_progress_names_what_has_arrived(tmp_path, capsys):
    (tmp_path / "archive.part").write_bytes(bytes(3_000_000))
    output, deadline = "", time.monotonic() + 10
    with _images._report_progress(tmp_path, interval=0.01):
        while "3 of 169 MB" not in output and time.monotonic() < deadline:
            output += capsys.readouterr().out
    assert "3 of 169 MB" in output


def test_shared_copy_comes_first(server, tmp_path, monkeypatch):
    """A pack of 7 flat images in mosaics of 2 x 2 places; the last mosaic has one to spare."""
    image_module = pytest.importorskip("PIL.Image")
    colours = np.random.default_rng(0).integers(0, 256, (7, 3), dtype=np.uint8)
    jpegs = []
    for tiles in (colours[:4], np.vstack([colours[4:], [[0, 0, 0]]]).astype(np.uint8)):
        mosaic = tiles.reshape(2, 2, 3).repeat(32, axis=0).repeat(32, axis=1)
        buffer = io.BytesIO()
        image_module.fromarray(mosaic).save(buffer, "JPEG", quality=95, subsampling=0)
        jpegs.append(buffer.getvalue())
    np.savez(
        tmp_path / "cifar100_all_jpeg95.npz",
        blob=np.frombuffer(b"".join(jpegs), dtype=np.uint8),
        offsets=np.cumsum([0, *map(len, jpegs)]),
        per_mosaic=4,
        tiles_per_row=2,
        side=32,
        n=7,
        fine=np.arange(7, dtype=np.uint8),
        coarse=np.arange(7, dtype=np.uint8) // 2,
        fine_names=np.array(list("abcdefg")),
        coarse_names=np.array(list("wxyz")),
    )
    monkeypatch.setenv("SKHASH_DATA", str(tmp_path))
    monkeypatch.setattr(_images, "_N_TRAIN", 5)
    bunch = fetch_cifar100(data_home=tmp_path / "unused")
    assert bunch.source == "SKHASH_DATA (JPEG quality 95)"
    assert bunch.images.shape == (7, 32, 32, 3)
    expected = np.broadcast_to(colours[:, np.newaxis, np.newaxis], bunch.images.shape)
    np.testing.assert_allclose(bunch.images.astype(int), expected, atol=3)
    np.testing.assert_array_equal(bunch.target, np.arange(7))
    np.testing.assert_array_equal(bunch.coarse, [0, 0, 1, 1, 2, 2, 3])
    assert "".join(bunch.target_names) == "abcdefg"
    np.testing.assert_array_equal(bunch.test_indices, [5, 6])
    assert server.n_requests == 0
    assert not (tmp_path / "unused").exists()


def test_a_folder_without_the_pack_is_passed_over(server, truth, tmp_path, monkeypatch):
    monkeypatch.setenv("SKHASH_DATA", str(tmp_path))
    assert_is_truth(fetch_cifar100(data_home=tmp_path / "home"), truth)
