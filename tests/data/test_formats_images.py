"""Image files of every mode become bytes of one size; bad ones are named, or counted."""

import os
import struct
import threading
import zlib

import numpy as np
import pytest
from PIL import Image

import np_nn as nn
from np_nn import ops
from np_nn.data.formats import decode, helpers, images
from tests.support import own_data
from tests.support.own_data import encoded, put

pytestmark = pytest.mark.kernel_independent
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 7), dtype=np.uint8)
GREY = Image.fromarray(PIXELS)


def two_classes(root):
    for label in "ab":
        for i in range(5):
            put(root / label / f"{i}.png", encoded(PIXELS))
    return root


def read(content, shape=None):
    """Return the image in these bytes as an array, in its own or a given shape."""
    (outcome,) = decode.decode_all([content])
    assert not isinstance(outcome, str), outcome
    height, width, channels, pixels = outcome
    return np.frombuffer(pixels, np.uint8).reshape(height, width, channels)


def test_every_mode_becomes_grey_or_colour():
    colour = np.stack([PIXELS, PIXELS.T.reshape(6, 7), 255 - PIXELS], axis=-1)
    np.testing.assert_array_equal(read(encoded(GREY))[..., 0], PIXELS)
    np.testing.assert_array_equal(read(encoded(colour)), colour)
    np.testing.assert_array_equal(read(encoded(GREY.convert("P")))[..., 0], PIXELS)
    deep = Image.fromarray(PIXELS.astype(np.uint16) * 257)
    for form in ("PNG", "TIFF"):
        np.testing.assert_array_equal(read(encoded(deep, form))[..., 0], PIXELS)
    assert set(read(encoded(GREY.convert("1"))).flat) == {0, 255}
    assert read(encoded(Image.fromarray(colour).convert("CMYK"), "TIFF")).shape == (6, 7, 3)
    half = np.dstack([np.zeros_like(PIXELS), np.where(PIXELS > 99, 255, 0).astype(np.uint8)])
    over_white = read(encoded(Image.fromarray(half)))[..., 0]
    np.testing.assert_array_equal(over_white, np.where(PIXELS > 99, 0, 255))


def test_an_image_that_lies_on_its_side_is_put_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate clockwise
    GREY.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(
        read((tmp_path / "a.png").read_bytes())[..., 0], np.rot90(PIXELS, -1)
    )


def test_single_files_are_read_as_those_of_folders_are(tmp_path):
    path = put(tmp_path / "a.png", encoded(PIXELS))
    np.testing.assert_array_equal(images.read([path], (6, 7))[0], PIXELS)
    assert images.read([path, path], (3, 12, 10)).shape == (2, 3, 12, 10)
    smaller = GREY.resize((4, 3), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(images.read([path], (3, 4))[0], np.asarray(smaller))
    with pytest.raises(nn.DataError, match=r"none.png: No such file"):
        images.read([tmp_path / "none.png"], (6, 7))


def test_one_colour_file_makes_all_colour_and_sizes_must_agree(tmp_path):
    root = two_classes(tmp_path / "set")
    put(root / "a" / "9.jpg", encoded(np.zeros((6, 7, 3), np.uint8), "JPEG"))
    found = nn.load(root)
    assert found.train.images.shape[1:] == (3, 6, 7)
    assert found.remarks[0] == "10 grey images were read as colour, as the others are"
    assert nn.load(root, image_size=(4, 5)).preparation.shape == (3, 4, 5)
    grey = nn.load(root, preparation=nn.load(two_classes(tmp_path / "grey")).preparation)
    assert grey.train.images.shape[1:] == (6, 7)  # as the model takes them
    put(root / "b" / "9.png", encoded(np.zeros((3, 2), np.uint8)))
    with pytest.raises(nn.DataError, match=r"9.png: 3x2 pixels, but 6x7 in .* \(--image-size 6x7"):
        nn.load(root)
    for wrong in ("0", "28x", (1, 2, 3), 5000, "a"):
        with pytest.raises(nn.NpNNError, match=r"height and a width|image_size must be"):
            nn.load(root, image_size=wrong)


def bomb(side):
    """Return a PNG of a kilobyte whose header claims side x side pixels."""

    def chunk(kind, content):
        crc = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + crc

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(b"\0" * 999))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"no image", "damaged, or no image of these formats"),
        (encoded(PIXELS)[:-30], "damaged, or no image of these formats"),
        (b"\x89PNG\r\n\x1a\nxxxx", "damaged, or no image of these formats"),
        (bomb(9000), "more than 67,108,864 pixels"),
        (bomb(50_000), "more than 67,108,864 pixels"),
        (encoded(Image.fromarray(PIXELS.astype(np.float32)), "TIFF"), "pixels are floats"),
        (encoded(Image.fromarray(PIXELS.astype(np.int32) * 999), "TIFF"), "more than 16 bits"),
    ],
)
def test_a_bad_image_is_named_or_counted(content, message, tmp_path):
    root = two_classes(tmp_path)
    put(root / "b" / "bad.png", content)
    with pytest.raises(nn.DataError, match=rf"b/bad.png: .*{message}") as caught:
        nn.load(root)
    assert "\n" not in str(caught.value)
    found = nn.load(root, skip_unreadable=True)
    assert len(found.train) + len(found.test) == 10
    assert found.remarks[0].startswith("1 unreadable file skipped: ")


@pytest.mark.skipif(os.name == "nt", reason="links and pipes are POSIX's")
def test_links_and_pipes_are_named(tmp_path):
    root = two_classes(tmp_path / "set")
    (root / "loop").symlink_to(root.parent)
    with pytest.raises(nn.DataError, match="loop: a link to a folder that contains it"):
        nn.load(root)
    (root / "loop").unlink()
    (root / "a" / "self.png").symlink_to("self.png")
    with pytest.raises(nn.DataError, match=r"self.png: Too many levels"):
        nn.load(root)
    (root / "a" / "self.png").unlink()
    os.mkfifo(root / "a" / "pipe.png")
    with pytest.raises(nn.DataError, match=r"pipe.png: not a regular file"):
        nn.load(root)


def test_one_class_is_none(tmp_path):
    own_data.folder(tmp_path, {"cats": (np.stack([PIXELS] * 3), ["a"] * 3)})
    with pytest.raises(nn.DataError, match="one class, a"):
        nn.load(tmp_path)


def test_helper_processes_give_the_same_images_even_if_they_die(monkeypatch):
    sources = [encoded(np.full((2, 2), i % 256, np.uint8)) for i in range(900)]
    alone = helpers.decode_all(sources)
    monkeypatch.setattr(helpers, "WORTH_SECONDS", 0)
    monkeypatch.setattr(helpers, "CHUNK", 20)
    monkeypatch.setattr(ops, "threads", 3)
    started, start = [], helpers._process
    monkeypatch.setattr(helpers, "_process", lambda: started.append(start()) or started[-1])
    own = decode.decode_all

    def slow(*arguments):  # so that there is work left when the helpers have started
        threading.Event().wait(0.01)
        return own(*arguments)

    monkeypatch.setattr(decode, "decode_all", slow)
    assert helpers.decode_all(sources) == alone
    assert len(started) == 2
    assert all(process.returncode is not None for process in started)
    monkeypatch.setattr(helpers, "_process", lambda: _killed(start()))
    assert helpers.decode_all(sources) == alone


def _killed(process):
    process.kill()
    return process


def test_colour_is_neither_deskewed_nor_distorted():
    colour = np.zeros((2, 3, 8, 8), np.uint8)
    for change in (nn.deskew, lambda images: nn.Shift(1)(images, np.random.default_rng(0))):
        with pytest.raises(nn.NpNNError, match="images of 3 channels are neither deskewed nor"):
            change(colour)
    colour[0] = 9
    assert nn.standardization(colour)[0] > 0
