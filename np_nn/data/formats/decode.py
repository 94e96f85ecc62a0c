"""Decoding of single image files by Pillow, in this process and in helper processes.

It imports no other file of np_nn: `images` also runs it as a program of its own, which starts in
the time that Pillow takes to import.
"""

import io
import os
import pickle
import stat
import sys
import warnings

import numpy as np
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP", "PPM", "MPO")
MOST_BYTES = 2**28  # of a file
MOST_PIXELS = 2**26  # of an image, before it is decoded: 8192 x 8192
TOO_MANY = f"more than {MOST_PIXELS:,} pixels"
ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")


class UndecodableError(ValueError):
    """An image file that cannot be read; the message says why."""


def decode_all(sources, channels=None, size=None):
    """Decode images: a list of (height, width, channels, pixels), or a text that says what failed.

    sources: paths, or the bytes of files. channels: 1 or 3, or None for what each file has.
    size: (height, width), or None for what each file has.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged metadata
        return [_outcome(source, channels, size) for source in sources]


def _outcome(source, channels, size):
    try:
        content = source if isinstance(source, bytes) else _content(source)
        return decode(content, channels, size)
    except UndecodableError as error:
        return str(error)
    except OSError as error:  # Pillow's own have no strerror
        return error.strerror or "no image that can be read: damaged, or of another format"
    except Image.DecompressionBombError:
        return TOO_MANY
    except Exception:  # Pillow raises every kind for damaged files
        return "damaged image"


def _content(path):
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb", buffering=0) as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise UndecodableError("not a regular file")
        if state.st_size > MOST_BYTES:
            raise UndecodableError(f"larger than {MOST_BYTES:,} bytes")
        return file.read()


def decode(content, channels=None, size=None):
    """Decode one image: (height, width, channels, pixels), rows of bytes, channels last.

    Alpha is laid over white; 16 bits become 8; a palette or another colour space becomes RGB.
    """
    if not content:
        raise UndecodableError("empty file")
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if image.width * image.height > MOST_PIXELS:
            raise UndecodableError(TOO_MANY)
        if image.mode not in ("L", "RGB") or image.info.keys() & {"exif", "transparency"}:
            image = _plain(image)
        elif image.format in ("JPEG", "TIFF", "WEBP", "MPO"):
            image = ImageOps.exif_transpose(image)
        if channels and image.mode != (mode := "L" if channels == 1 else "RGB"):
            image = image.convert(mode)
        if size and (image.height, image.width) != tuple(size):
            image = image.resize(size[::-1], Image.Resampling.BILINEAR)
        return image.height, image.width, 1 if image.mode == "L" else 3, image.tobytes()


def _plain(image):
    """Return an image of any mode as one of mode L or RGB, upright."""
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise UndecodableError("pixels are floats, whose range is unknown: store 8 or 16 bits")
    if image.mode.startswith("I"):
        return _eight_bits(image)
    grey = image.mode in ("1", "L", "LA", "La") or (image.mode == "P" and _is_grey(image))
    if image.mode in ALPHA or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("L" if grey else "RGB")


def _eight_bits(image):
    pixels = np.asarray(image).astype(np.int64)
    if pixels.size and not 0 <= pixels.min() <= pixels.max() < 2**16:
        raise UndecodableError("pixels have more than 16 bits")
    return Image.fromarray((pixels >> 8).astype(np.uint8))  # convert("L") would clip them


def _is_grey(image):
    palette = image.getpalette()
    return palette[0::3] == palette[1::3] == palette[2::3]


def serve(requests, answers):
    """Answer pickled requests, the arguments of ``decode_all``, until there are no more."""
    while True:
        try:
            arguments = pickle.load(requests)
        except EOFError:
            return
        pickle.dump(decode_all(*arguments), answers, protocol=5)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
