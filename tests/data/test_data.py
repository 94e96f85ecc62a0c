"""Data sets: finding, downloading, verifying and parsing, and all their errors."""

import gzip
import hashlib
import io
import os
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from np_nn import data
from np_nn.data import dataset, known
from np_nn.utils.errors import DataError, NpNNError
from tests.support.loopback import Loopback

pytestmark = pytest.mark.kernel_independent
REAL = os.environ.get("NP_NN_DATA")
TRAIN_X, TRAIN_Y, TEST_X, TEST_Y = NAMES = [file.name for file in data.DATASETS["mnist"].files]
REAL_SOURCES = dict(data.DATASETS)


# ---- small data sets, and their folders --------------------------------------------------------


def idx(array):
    """Return IDX bytes, written by hand so that the reader is not tested with itself."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Small:
    """A data set of 20 + 10 images: its arrays and its files, plain and packed, by name."""

    def __init__(self, name, seed):
        rng = np.random.default_rng(seed)
        self.arrays = {
            TRAIN_X: rng.integers(0, 256, (20, 28, 28)),
            TRAIN_Y: rng.integers(0, 10, 20),
            TEST_X: rng.integers(0, 256, (10, 28, 28)),
            TEST_Y: rng.integers(0, 10, 10),
        }
        self.plain = {file: idx(array) for file, array in self.arrays.items()}
        self.gz = {f"{file}.gz": gzip.compress(body) for file, body in self.plain.items()}
        self.source = replace(REAL_SOURCES[name], files=self._files(name), mirrors=())

    def _files(self, name):
        of_gz = name == "kmnist"
        digest = {
            f: sha256(self.gz[f"{f}.gz"] if of_gz else body) for f, body in self.plain.items()
        }
        return tuple(data.File(f, self.arrays[f].shape, digest[f], of_gz) for f in NAMES)

    def write(self, root, packed=False, without=()):
        raw = Path(root, self.source.folder, "raw")
        raw.mkdir(parents=True)
        for name, body in (self.gz if packed else self.plain).items():
            if name not in without:
                (raw / name).write_bytes(body)
        return raw

    def check(self, dataset):
        for split, images, labels in (
            (dataset.train, TRAIN_X, TRAIN_Y),
            (dataset.test, TEST_X, TEST_Y),
        ):
            assert split.images.dtype == np.uint8
            assert split.labels.dtype == np.int64
            assert split.images.flags.c_contiguous
            np.testing.assert_array_equal(split.images, self.arrays[images])
            np.testing.assert_array_equal(split.labels, self.arrays[labels])


@pytest.fixture(autouse=True)
def isolated(tmp_path, monkeypatch):
    """Hide the user's cache, data folder and proxy."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setenv("NP_NN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("NP_NN_DATA", raising=False)


@pytest.fixture
def web():
    before = set(threading.enumerate())
    with Loopback() as server:
        yield server
    left = set(threading.enumerate()) - before
    assert [thread for thread in left if type(thread).__name__ != "TMonitor"] == []  # tqdm's own


@pytest.fixture
def small(web, monkeypatch):
    """Replace the real data sets by small ones, whose only mirror answers 404."""
    sets = {name: Small(name, seed) for seed, name in enumerate(data.DATASETS)}
    for name, one in sets.items():
        monkeypatch.setitem(data.DATASETS, name, replace(one.source, mirrors=(web.url("404"),)))
    web.add("good", sets["mnist"].gz)
    return sets


@pytest.fixture
def mnist(small):
    return small["mnist"]


@pytest.fixture
def fetch(small, web, tmp_path):
    """Return a function that downloads MNIST from the given mirrors into tmp_path/root."""

    def run(*folders, name="mnist", root=tmp_path / "root"):
        mirrors = [web.url(folder) for folder in folders]
        data.fetch(name, root, mirrors=mirrors, timeout=(2, 0.3), quiet=True)
        return root

    return run


def files_in(root):
    return sorted(path.name for path in Path(root).rglob("*") if path.is_file())


@contextmanager
def fails(*words, exactly=DataError):
    """Assert that a DataError of one line holds all of `words`."""
    with pytest.raises(exactly) as caught:
        yield
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert str(word) in message


# ---- names -------------------------------------------------------------------------------------


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(NpNNError) as caught:
        data.load("minst")
    assert str(caught.value) == (
        "unknown data set 'minst'; did you mean 'mnist'? "
        f"(one of auto, {', '.join(REAL_SOURCES)}, digits), and there is no such file or folder"
    )
    with pytest.raises(NpNNError, match="did you mean 'mnist'"):
        data.load("MNIST")
    with pytest.raises(NpNNError, match=r"unknown data set 'xyz' \(one of"):
        data.load("xyz")
    with pytest.raises(NpNNError, match="unknown data set 'auto'"):
        data.fetch("auto", "root")


def test_the_real_sources_are_complete():
    for name, source in REAL_SOURCES.items():
        counts = [file.shape[0] for file in source.files]
        assert counts[::2] == counts[1::2]
        if name in ("mnist", "fashion", "kmnist"):
            assert counts == [60000, 60000, 10000, 10000]
            assert len(source.classes) == 10
            assert source.mirrors
        assert all(url.startswith("https://") and url.endswith("/") for url in source.mirrors)
    digests = [file.sha256 for source in REAL_SOURCES.values() for file in source.files]
    assert len(set(digests)) == len(digests) == 4 * len(REAL_SOURCES)
    assert all(len(bytes.fromhex(digest)) == 32 for digest in digests)


def test_importing_it_loads_no_heavy_library():
    heavy = {"pooch", "requests", "sklearn", "scipy", "idx2numpy"}
    code = f"import sys, np_nn.data; print({heavy} & set(sys.modules))"
    root = Path(data.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=True)
    assert done.stdout.split() == [b"set()"]


# ---- finding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mnist", "fashion", "kmnist"])
@pytest.mark.parametrize("packed", [False, True])
def test_plain_and_packed_files_are_read(small, tmp_path, name, packed):
    small[name].write(tmp_path / "root", packed)
    dataset = data.load(name, tmp_path / "root", scale=1.0, download=False)
    small[name].check(dataset)
    assert (dataset.name, dataset.root) == (name, tmp_path / "root")
    assert dataset.classes == REAL_SOURCES[name].classes
    assert dataset.train.scale == dataset.test.scale == 1.0
    assert (len(dataset.train), len(dataset.test)) == (20, 10)
    unverified = name == "kmnist" and not packed
    assert ("Not verified" in dataset.note) == unverified


@pytest.mark.parametrize("name", ["mnist", "kmnist"])
@pytest.mark.parametrize("packed", [False, True])
def test_files_with_a_dot_before_idx_are_found(small, tmp_path, name, packed):
    for path in small[name].write(tmp_path, packed).iterdir():
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    found = data.load(name, tmp_path, scale=1.0, download=False)
    small[name].check(found)
    assert {*(tmp_path / found.root).rglob("*.idx*")} <= {*data.paths(found)}


def test_relative_folders_are_those_of_the_start(mnist, tmp_path, monkeypatch):
    monkeypatch.setenv("NP_NN_DATA", "here")
    monkeypatch.setenv("NP_NN_CACHE", "")
    mnist.write(Path("here"))
    data.absolute_folders()
    assert os.environ["NP_NN_CACHE"] == ""
    monkeypatch.chdir(tmp_path)
    assert data.load("mnist", download=False).root == tmp_path / "cwd" / "here"


def test_a_notebook_without_ipywidgets_shows_no_warning():
    """pooch, too, imports tqdm.auto, which warns there."""
    code = """
import sys, types
shell = types.SimpleNamespace(config={"IPKernelApp": {}})
sys.modules |= {"IPython": types.SimpleNamespace(get_ipython=lambda: shell), "ipywidgets": None}
from np_nn import data
data.cache_folder()
assert "tqdm.auto" in sys.modules
"""
    environment = {name: text for name, text in os.environ.items() if name != "NP_NN_CACHE"}
    root = Path(data.__file__).parents[2]
    command = [sys.executable, "-W", "error", "-c", code]
    subprocess.run(command, cwd=root, env=environment, check=True)


def test_places_are_searched_in_order(mnist, tmp_path, monkeypatch):
    monkeypatch.setenv("NP_NN_DATA", str(tmp_path / "env"))
    for place in (tmp_path / "cache", Path("data"), tmp_path / "env"):
        mnist.write(place)  # each new one takes precedence
        assert data.load("mnist", download=False).root == place


@pytest.mark.parametrize("name", ["auto", "mnist"])
@pytest.mark.parametrize("given", ["given", "typo", ""])
def test_a_folder_that_is_named_is_the_only_one(mnist, tmp_path, monkeypatch, web, name, given):
    """Folders: one with other files, a missing one, and an empty name (an unset shell variable)."""
    use_mirrors(monkeypatch, web, "good")
    monkeypatch.setenv("NP_NN_DATA", str(tmp_path / "env"))
    for place in (tmp_path / "cache", Path("data"), tmp_path / "env"):
        mnist.write(place)
    (tmp_path / "given").mkdir()
    (tmp_path / "given/7.png").touch()
    folder = given and tmp_path / given
    raw = Path(folder, "MNIST/raw")
    with fails("MNIST was not found in ", TRAIN_X, f"into {raw}", "--download", "download=True"):
        data.load(name, folder)
    assert files_in(tmp_path / "given") == ["7.png"]
    assert not (tmp_path / "typo").exists()
    assert web.requested == []
    mnist.check(data.load(name, folder, download=True))
    assert files_in(raw) == sorted(NAMES)


def test_no_digits_stand_in_for_a_folder_that_is_named(mnist, tmp_path):
    with fails("HTTP 404", tmp_path):
        data.load("auto", tmp_path, download=True)


def test_a_home_folder_is_expanded(mnist, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    mnist.write(tmp_path / "mine")
    assert data.load("mnist", "~/mine", download=False).root == tmp_path / "mine"


def test_without_the_variable_the_cache_is_the_users(monkeypatch):
    import pooch

    monkeypatch.delenv("NP_NN_CACHE")
    assert known._own_root(None) == Path(pooch.os_cache("np_nn"))


def test_unpacked_is_preferred_but_for_kmnist(small, tmp_path):
    for name in ("mnist", "kmnist"):
        raw = small[name].write(tmp_path)
        for file in NAMES:
            (raw / f"{file}.gz").write_bytes(small[name].gz[f"{file}.gz"])
    (tmp_path / "MNIST/raw" / f"{TRAIN_X}.gz").write_bytes(b"never read")
    (tmp_path / "KMNIST/raw" / TRAIN_X).write_bytes(b"never read")
    small["mnist"].check(data.load("mnist", tmp_path))
    small["kmnist"].check(data.load("kmnist", tmp_path))


def test_what_is_nowhere_is_named_with_all_places(mnist, tmp_path):
    with fails(f"{tmp_path / 'typo'} (which does not exist)", TRAIN_X, tmp_path / "typo/MNIST/raw"):
        data.load("mnist", tmp_path / "typo", download=False)
    with fails(f"{tmp_path / 'typo'} (which does not exist)", "HTTP 404"):
        data.load("mnist", tmp_path / "typo", download=True)
    with fails(f"found in data (which does not exist), {tmp_path / 'cache'} (which does not"):
        data.load("mnist", download=False)


@pytest.mark.parametrize("name", ["auto", "mnist"])
def test_an_incomplete_folder_of_others_is_an_error(mnist, tmp_path, monkeypatch, web, name):
    mnist.write(tmp_path / "env", without=[TEST_Y])
    mnist.write(tmp_path / "cache")  # is not used instead
    monkeypatch.setenv("NP_NN_DATA", str(tmp_path / "env"))
    with fails(f"put {TEST_Y} ", tmp_path / "env/MNIST/raw"):
        data.load(name)
    assert web.requested == []


@pytest.mark.parametrize("name", ["auto", "mnist"])
def test_an_incomplete_folder_is_completed_if_that_is_asked_for(
    mnist, tmp_path, monkeypatch, web, name
):
    use_mirrors(monkeypatch, web, "good")
    raw = mnist.write(tmp_path / "given", packed=True, without=[f"{TEST_Y}.gz"])
    for download in (None, False):
        with fails(f"incomplete MNIST; put {TEST_Y} ", f"into {raw}, or ask for a download"):
            data.load(name, tmp_path / "given", download=download)
    mnist.check(data.load(name, tmp_path / "given", download=True))
    assert web.requested == [f"/good/{TEST_Y}.gz"]


# ---- damaged files -----------------------------------------------------------------------------


def use_mirrors(monkeypatch, web, *folders):
    mirrors = tuple(web.url(folder) for folder in folders)
    monkeypatch.setitem(data.DATASETS, "mnist", replace(data.DATASETS["mnist"], mirrors=mirrors))


def header(*dims, kind=8, rank=None):
    return bytes([0, 0, kind, rank or len(dims)]) + struct.pack(f">{len(dims)}I", *dims)


PIXELS = bytes(20 * 784)
PLAIN_DAMAGE = {
    "empty": (lambda good: b"", "found nothing"),
    "two bytes": (lambda good: good[:2], "found 00 00"),
    "half a header": (lambda good: good[:10], "expected IDX"),
    "truncated": (lambda good: good[:-1], "truncated: expected 15696 bytes, found 15695"),
    "one byte more": (lambda good: good + b"\0", "found more"),
    "far too long": (lambda good: good * 100, "found more"),
    "a web page": (lambda good: b"<!DOCTYPE html>", "found 3c 21"),
    "wrong magic": (lambda good: b"\1" + good[1:], "found 01 00"),
    "signed bytes": (lambda good: header(20, 28, 28, kind=9) + PIXELS, "found 00 00 09"),
    "wrong rank": (lambda good: header(20 * 784) + PIXELS, "expected shape (20, 28, 28)"),
    "rank 0": (lambda good: header() + PIXELS, "rank 1 to 4"),
    "rank 255": (lambda good: header(rank=255) + PIXELS, "rank 1 to 4"),
    "wrong dims": (lambda good: header(28, 20, 28) + PIXELS, "found (28, 20, 28)"),
    "hostile dims": (lambda good: header(1 << 31, 1 << 31, 9), "found (2147483648"),
    "one bit": (lambda good: good[:-1] + bytes([good[-1] ^ 1]), "wrong checksum"),
}
GZ_DAMAGE = {
    "truncated": (lambda good: gzip.compress(good)[:-20], "truncated or damaged gzip"),
    "only the CRC cut": (lambda good: gzip.compress(good)[:-8], "truncated or damaged gzip"),
    "wrong CRC": (lambda good: gzip.compress(good)[:-8] + bytes(8), "truncated or damaged gzip"),
    "wrong stream": (lambda good: gzip.compress(good)[:10] + b"\xff" * 500, "invalid block type"),
    "more behind": (lambda good: gzip.compress(good) + b"x", "damaged gzip"),
    "bomb": (lambda good: gzip.compress(bytes(1 << 24)), "found more"),
    "content": (lambda good: gzip.compress(good[:-1]), "truncated"),
}


@pytest.mark.parametrize("damage", PLAIN_DAMAGE)
@pytest.mark.parametrize("name", ["auto", "mnist"])
def test_damage_is_an_error_and_stays(mnist, tmp_path, web, damage, name):
    make, words = PLAIN_DAMAGE[damage]
    check_damage(mnist, tmp_path, web, TRAIN_X, make(mnist.plain[TRAIN_X]), name, words)


@pytest.mark.parametrize("damage", GZ_DAMAGE)
def test_damage_of_gzip_is_an_error_and_stays(mnist, tmp_path, web, damage):
    make, words = GZ_DAMAGE[damage]
    check_damage(mnist, tmp_path, web, f"{TRAIN_X}.gz", make(mnist.plain[TRAIN_X]), "auto", words)


def check_damage(mnist, tmp_path, web, file, content, name, words):
    """Assert that a damaged file is named and kept, and no good one further on is used."""
    raw = mnist.write(tmp_path / "given", packed=file.endswith(".gz"))
    mnist.write(tmp_path / "cache")
    (raw / file).write_bytes(content)
    with fails(raw / file, words):
        data.load(name, tmp_path / "given")
    assert (raw / file).read_bytes() == content
    assert web.requested == []


def test_damage_is_reported_before_the_network_is_asked(mnist, tmp_path, web):
    raw = mnist.write(tmp_path / "given", without=[TRAIN_X])
    (raw / TEST_Y).write_bytes(b"damaged")
    with fails(raw / TEST_Y):
        data.load("auto", tmp_path / "given", download=True)
    assert web.requested == []


def test_a_file_of_another_set_is_recognised(small, tmp_path):
    raw = small["mnist"].write(tmp_path)
    for file, content in small["fashion"].plain.items():
        (raw / file).write_bytes(content)
    with fails(raw / TRAIN_X, f"this is Fashion-MNIST's {TRAIN_X}"):
        data.load("mnist", tmp_path)


def test_kmnist_is_verified_by_its_gz_only(small, tmp_path):
    raw = small["kmnist"].write(tmp_path, packed=True)
    again = gzip.compress(small["kmnist"].plain[TRAIN_X], 1)
    (raw / f"{TRAIN_X}.gz").write_bytes(again)
    with fails("wrong checksum", raw / f"{TRAIN_X}.gz"):
        data.load("kmnist", tmp_path)


def test_labels_of_unverified_files_are_still_labels(small, tmp_path):
    raw = small["kmnist"].write(tmp_path)
    (raw / TEST_Y).write_bytes(idx(np.full(10, 10)))
    with fails(raw / TEST_Y, "expected labels 0 to 9", "10"):
        data.load("kmnist", tmp_path)


def test_images_and_labels_must_agree(mnist, tmp_path, monkeypatch):
    raw = mnist.write(tmp_path)
    nine = idx(np.arange(9))
    (raw / TEST_Y).write_bytes(nine)
    files = (*mnist.source.files[:3], data.File(TEST_Y, (9,), sha256(nine)))
    monkeypatch.setitem(data.DATASETS, "mnist", replace(mnist.source, files=files))
    with fails(f"{raw / TEST_X} holds 10 images", f"{raw / TEST_Y} holds 9 labels"):
        data.load("mnist", tmp_path)


@pytest.mark.parametrize("kind", ["folder", "fifo", "dangling link", "loop of links"])
def test_what_is_no_file_is_an_error_and_stays(mnist, tmp_path, web, kind):
    path = mnist.write(tmp_path / "given", without=[TEST_X]) / TEST_X
    {
        "folder": path.mkdir,
        "fifo": lambda: os.mkfifo(path),
        "dangling link": lambda: path.symlink_to("nowhere"),
        "loop of links": lambda: path.symlink_to(path.name),
    }[kind]()
    with fails(path):
        data.load("auto", tmp_path / "given")
    assert os.path.lexists(path)
    assert web.requested == []


def test_a_nul_in_a_path_is_an_error():
    with fails("null"):
        data.load("mnist", "a\0b")
    with fails("null"):
        data.read_idx("a\0b")


# ---- permissions, full disks, interrupts --------------------------------------------------------


@pytest.fixture
def public():
    """Yield a folder that every user may enter; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def nobody():
    """Run as an ordinary user, as root may do everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("closed", [TRAIN_X, "."])
def test_without_permission_to_read(mnist, public, closed, web):
    raw = mnist.write(public / "root")
    mnist.check(data.load("mnist", public / "root"))  # also imports all modules
    (raw / closed).chmod(0)
    try:
        with nobody(), fails(raw, "Permission denied"):
            data.load("auto", public / "root")
    finally:
        (raw / closed).chmod(0o755)
    assert web.requested == []


def test_without_permission_to_write(fetch, public, web):
    fetch("good")  # all modules are imported
    (public / "root").mkdir()
    (public / "root").chmod(0o555)
    asked = len(web.requested)
    with nobody(), fails("Permission denied", public / "root/MNIST/raw"):
        fetch("good", root=public / "root")
    assert len(web.requested) == asked
    assert files_in(public) == []


def test_a_file_in_place_of_the_folder(fetch, tmp_path):
    (tmp_path / "root").write_text("mine")
    with fails(tmp_path / "root"):
        fetch("good")
    assert (tmp_path / "root").read_text() == "mine"


def test_a_full_disk_leaves_nothing_half_written(fetch, small, web, tmp_path):
    fetch("good", root=tmp_path / "warm")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for name in ("mnist", "kmnist"):
        web.add("good", small[name].gz)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
        try:
            with fails("File too large", TRAIN_X):
                fetch("good", name=name)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert files_in(tmp_path / "root") == []


@pytest.mark.parametrize("where", ["np_nn.data.download._download", "os.replace"])
def test_an_interrupt_leaves_nothing_half_written(fetch, tmp_path, monkeypatch, where):
    def interrupt(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(where, interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch("good")
    assert files_in(tmp_path) == []


# ---- fetching ----------------------------------------------------------------------------------

BAD = {
    "403": "HTTP 403",
    "404": "HTTP 404",
    "hang": "timed out",
    "truncated": "truncated",
    "endless": "more than",
    "fashion": f"download: wrong checksum: this is Fashion-MNIST's {TRAIN_X}",
    "page": "download: expected IDX",
    "redirect": "HTTP 302",
    "nonsense": "",
}


@pytest.fixture
def bad_mirrors(web, small):
    web.add("fashion", small["fashion"].gz)
    web.add("page", {f"{name}.gz": b"<html>Hello</html>" for name in NAMES})


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_mirror_is_passed_over(fetch, bad_mirrors, mnist, web, bad):
    root = fetch(bad, "good", "404")
    mnist.check(data.load("mnist", root, download=False))
    assert files_in(root) == sorted(NAMES)
    assert web.requested[0] == f"/{bad}/{TRAIN_X}.gz"
    asked = [path for path in web.requested if not path.startswith(f"/{bad}/")]
    assert asked == [f"/good/{name}.gz" for name in NAMES]  # the last mirror is not asked


def test_the_first_good_mirror_wins_from_then_on(fetch, web):
    fetch("403", "good")
    assert web.requested == [f"/403/{TRAIN_X}.gz", *(f"/good/{name}.gz" for name in NAMES)]


def test_if_all_fail_each_is_named_with_its_reason(fetch, bad_mirrors, web, tmp_path):
    reasons = [f"{web.url(folder)} ({reason}" for folder, reason in BAD.items()]
    with fails(*reasons, f"put {', '.join(NAMES)} ", f"into {tmp_path / 'root/MNIST/raw'}"):
        fetch(*BAD)
    assert files_in(tmp_path) == []
    assert {path.split("/")[2] for path in web.requested} == {f"{TRAIN_X}.gz"}  # first file only


def test_nobody_listens(small, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with fails(f"http://127.0.0.1:{port} (could not connect)"):
        data.fetch("mnist", tmp_path, mirrors=[f"http://127.0.0.1:{port}"], quiet=True)


def test_what_exists_is_neither_fetched_nor_overwritten(fetch, mnist, web, tmp_path):
    raw = mnist.write(tmp_path / "root", packed=True, without=[f"{TEST_X}.gz"])
    before = {path: path.stat().st_mtime_ns for path in raw.iterdir()}
    fetch("good")
    assert web.requested == [f"/good/{TEST_X}.gz"]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert set(raw.iterdir()) - set(before) == {raw / TEST_X}
    fetch("403")  # needs no download: all files exist
    assert len(web.requested) == 1


def test_of_kmnist_both_forms_are_kept(fetch, small, web):
    web.add("kmnist", small["kmnist"].gz)
    root = fetch("kmnist", name="kmnist")
    assert files_in(root) == sorted([*NAMES, *(f"{name}.gz" for name in NAMES)])
    dataset = data.load("kmnist", root, download=False)
    small["kmnist"].check(dataset)
    assert dataset.note == ""


def test_a_server_may_unpack_what_can_be_verified_unpacked(fetch, small, web):
    for name in ("mnist", "kmnist"):
        web.add("unpacked", {f"{file}.gz": body for file, body in small[name].plain.items()})
        if name == "mnist":
            small[name].check(data.load(name, fetch("unpacked"), download=False))
        else:
            with fails("wrong checksum"):
                fetch("unpacked", name=name)


def test_stored_files_have_ordinary_permissions(fetch, tmp_path):
    (tmp_path / "ordinary").touch()
    root = fetch("good")
    assert (root / "MNIST/raw" / TRAIN_X).stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_downloads_go_to_data_dir_else_to_the_cache(mnist, tmp_path, monkeypatch, web):
    use_mirrors(monkeypatch, web, "good")
    monkeypatch.setenv("NP_NN_DATA", str(tmp_path / "env"))
    assert data.load("mnist", quiet=True).root == tmp_path / "cache"
    shutil.rmtree(tmp_path / "cache")
    mnist.check(data.load("mnist", tmp_path / "given", download=True, quiet=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cwd", "given"]


@pytest.mark.parametrize(("quiet", "terminal"), [(False, True), (True, True), (False, False)])
def test_a_bar_is_shown_on_a_terminal_unless_quiet(
    small, web, tmp_path, monkeypatch, quiet, terminal
):
    stderr = io.StringIO()
    stderr.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", stderr)
    data.fetch("mnist", tmp_path, mirrors=[web.url("good")], quiet=quiet)
    assert ("100%" in stderr.getvalue()) == (terminal and not quiet)


# ---- auto and the digits -----------------------------------------------------------------------


def test_auto_is_mnist_if_it_is_found(mnist, tmp_path):
    mnist.write(tmp_path / "cache")
    dataset = data.load()
    assert (dataset.name, dataset.note) == ("mnist", "")


def test_auto_is_mnist_if_it_can_be_fetched(mnist, monkeypatch, web):
    use_mirrors(monkeypatch, web, "403", "good")
    mnist.check(data.load(quiet=True))


@pytest.mark.parametrize(("download", "reason"), [(True, "HTTP 404"), (False, "not found")])
def test_auto_falls_back_to_the_digits_and_says_so(mnist, download, reason):
    dataset = data.load(download=download, scale=1.0)
    assert (dataset.name, dataset.root, dataset.train.scale) == ("digits", None, 1.0)
    assert all(words in dataset.note for words in ("NOT comparable to MNIST", "8x8"))
    assert reason in dataset.reason
    assert "\n" not in dataset.note + dataset.reason
    with fails(reason):
        data.load("mnist", download=download)


def test_auto_falls_back_where_nothing_can_be_stored(mnist, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    dataset = data.load()
    assert dataset.name == "digits"
    assert str(tmp_path / "cache") in dataset.reason


def test_digits():
    dataset = data.load("digits")
    assert dataset.train.images.shape == (1500, 28, 28)
    assert dataset.test.images.shape == (297, 28, 28)
    assert "NOT comparable to MNIST" in dataset.note
    for split in (dataset.train, dataset.test):
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
        assert split.images.flags.c_contiguous
        assert (split.images.min(), split.images.max()) == (0, 255)
        share = np.bincount(split.labels, minlength=10) / len(split)
        assert share == pytest.approx(np.full(10, 0.1), abs=0.006)


def test_digits_are_those_of_scikit_learn_each_in_one_split():
    from sklearn.datasets import load_digits

    dataset = data.load("digits")
    splits = (dataset.train, dataset.test)
    corners = np.rint(load_digits().images[:, ::7, ::7] * 255 / 16)  # zoom keeps the corners
    ours = np.concatenate([split.images[:, ::27, ::27] for split in splits])
    both = [
        np.c_[x.reshape(-1, 4), y]
        for x, y in (
            (corners, load_digits().target),
            (ours, np.concatenate([s.labels for s in splits])),
        )
    ]
    np.testing.assert_array_equal(*(rows[np.lexsort(rows.T)] for rows in both))
    whole = np.concatenate([split.images for split in splits]).reshape(1797, -1)
    assert len(np.unique(whole, axis=0)) == 1797


def test_digits_are_the_same_every_time():
    first, second = (data.load("digits") for _ in range(2))
    np.testing.assert_array_equal(first.test.images, second.test.images)
    digest = sha256(first.train.labels.astype(np.uint8).tobytes())
    assert digest == "f7a4592d6bffe353ae5d807bdb69b7e9fa28f78b10678d3de92d4f82d0e33375"


# ---- the IDX reader on any bytes ---------------------------------------------------------------

LIMIT = 1 << 14


@st.composite
def nearly_idx(draw):
    """Return a nearly valid file: a header, a body of about its size, maybe packed or cut."""
    dims = draw(st.lists(st.integers(0, 5) | st.sampled_from([1 << 16, 2**32 - 1]), max_size=5))
    kind = draw(st.sampled_from([8, 8, 8, 9, 11, 14, 0]))
    size = min(int(np.prod(dims, dtype=object)), 200) + draw(st.sampled_from([0, 0, 0, -1, 1]))
    content = header(*dims, kind=kind) + draw(
        st.binary(min_size=max(size, 0), max_size=max(size, 0))
    )
    if draw(st.booleans()):
        content = gzip.compress(content)
    return content[: draw(st.sampled_from([None, None, -1, 12, 3]))]


def read_bytes(content, **options):
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return data.read_idx(file.name, **options)


@given(st.binary(max_size=300) | st.binary(max_size=300).map(gzip.compress) | nearly_idx())
def test_any_bytes_give_their_array_or_a_data_error(content):
    try:
        array = read_bytes(content, max_bytes=LIMIT)
    except DataError:
        return
    assert array.dtype == np.uint8
    plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    assert idx(array) == plain


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.booleans())
def test_all_good_files_are_read(dims, packed):
    array = np.random.default_rng(0).integers(0, 256, dims)
    content = gzip.compress(idx(array)) if packed else idx(array)
    np.testing.assert_array_equal(read_bytes(content), array)
    np.testing.assert_array_equal(read_bytes(content, shape=dims), array)
    with fails("expected"):
        read_bytes(content, shape=[*dims, 2])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (idx(np.ones(5)) + b"\0", "too long: expected 13 bytes, found 14"),
        (idx(np.ones(5))[:-1], "truncated: expected 13 bytes, found 12"),
        (header(0), "found (0,)"),
        (header(2, 0, 3), "found (2, 0, 3)"),
        (header(1, 1, 1, 1, 1) + b"x", "rank 1 to 4"),
    ],
)
def test_without_a_shape_the_header_must_be_true(content, words):
    with fails("expected", words):
        read_bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        header(1 << 16, 1 << 16),
        header(*[2**32 - 1] * 4),
        gzip.compress(header(1 << 26) + bytes(1 << 26)),
        header(1 << 26) + bytes(1 << 26),
    ],
    ids=["4 GiB claimed", "more than 64 bits claimed", "gzip bomb", "too large"],
)
def test_memory_stays_bounded(content):
    read_bytes(idx(np.ones(1)))  # imports idx2numpy
    tracemalloc.start()
    try:
        with fails("expected"):
            read_bytes(content, max_bytes=LIMIT)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


# ---- the real files, and torchvision -----------------------------------------------------------


@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_the_real_files(name, monkeypatch):
    if not REAL:
        pytest.skip("NP_NN_DATA is not set")
    monkeypatch.setenv("NP_NN_DATA", REAL)
    dataset = data.load(name, download=False)
    assert dataset.train.images.shape == (60000, 28, 28)
    assert dataset.test.images.shape == (10000, 28, 28)
    assert np.bincount(dataset.test.labels).sum() == 10000
    first = {"mnist": [5, 0, 4, 1, 9], "fashion": [9, 0, 0, 3, 0]}
    assert dataset.train.labels[:5].tolist() == first[name]
    assert (dataset.name, dataset.root, dataset.note) == (name, Path(REAL), "")


@pytest.fixture
def torchvision_sets():
    return pytest.importorskip("torchvision.datasets", reason="torchvision is not installed")


@pytest.mark.parametrize("name", ["mnist", "kmnist"])
def test_torchvision_reads_what_we_fetch(torchvision_sets, fetch, small, web, name):
    web.add(name, small[name].gz)
    root = fetch(name, name=name)
    reader = getattr(torchvision_sets, small[name].source.folder)
    for train, images, labels in ((True, TRAIN_X, TRAIN_Y), (False, TEST_X, TEST_Y)):
        theirs = reader(root, train=train, download=False)
        np.testing.assert_array_equal(theirs.data.numpy(), small[name].arrays[images])
        np.testing.assert_array_equal(theirs.targets.numpy(), small[name].arrays[labels])


@pytest.mark.parametrize("name", ["mnist", "kmnist"])
def test_we_read_what_torchvision_fetches(
    torchvision_sets, small, web, tmp_path, monkeypatch, name
):
    web.add(name, small[name].gz)
    fetcher = getattr(torchvision_sets, small[name].source.folder)
    md5 = [(file, hashlib.md5(body).hexdigest()) for file, body in small[name].gz.items()]
    monkeypatch.setattr(fetcher, "mirrors", [web.url(name)])
    monkeypatch.setattr(fetcher, "resources", md5)
    fetcher(tmp_path / "theirs", download=True)
    dataset = data.load(name, tmp_path / "theirs", download=False)
    small[name].check(dataset)
    assert dataset.note == ""


def test_a_set_of_the_users_own_has_its_own_title():
    split = dataset.Split(np.zeros((1, 28, 28), np.uint8), [0])
    for name, title in (("mine", "mine"), ("mnist", "MNIST"), ("digits", "scikit-learn's digits")):
        assert dataset.Dataset(name, split, split, ("0",), None).title == title
