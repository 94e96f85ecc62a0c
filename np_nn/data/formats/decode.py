"""Decoding of single image files by Pillow, in this process and in helper processes.

It imports no other file of np_nn: `helpers` also runs it as a separate program, whose start takes
only the import of Pillow.
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
MOST_BYTES = 2**28  # maximum size of a file
MOST_PIXELS = 2**26  # maximum pixels of an image, checked before decoding: 8192 x 8192
TOO_MANY = f"more than {MOST_PIXELS:,} pixels"
DAMAGED = "damaged, or no image of these formats: " + ", ".join(FORMATS[:-1])
READING = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # for pipes
ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")


class UndecodableError(ValueError):
    """Image file that cannot be read; the message says why."""


def decode_all(sources, channels=None, size=None):
    """Decode images: a list of (height, width, channels, pixels), or error messages (str).

    sources: paths, or the bytes of files. channels: 1 or 3; None: as in each file.
    size: (height, width); None: as in each file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of damaged metadata
        return [_outcome(source, channels, size) for source in sources]


def _outcome(source, channels, size):
    try:
        content = source if isinstance(source, bytes) else _content(source)
        return decode(content, channels, size)
    except UndecodableError as error:
        return str(error)
    except OSError as error:  # Pillow's own have no strerror
        return error.strerror or DAMAGED
    except Image.DecompressionBombError:
        return TOO_MANY
    except Exception:  # Pillow raises any type for damaged files
        return DAMAGED


def _content(path):
    descriptor = os.open(path, READING)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise UndecodableError("not a regular file")
        if state.st_size > MOST_BYTES:
            raise UndecodableError(f"larger than {MOST_BYTES:,} bytes")
        return os.read(descriptor, state.st_size)
    finally:
        os.close(descriptor)


def decode(content, channels=None, size=None):
    """Decode one image: (height, width, channels, pixels), rows of bytes, channels last.

    Images with alpha are composited onto white; 16 bits become 8; colour palettes and other
    colour spaces become RGB.
    """
    if not content:
        raise UndecodableError("empty file")
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if image.width * image.height > MOST_PIXELS:
            raise UndecodableError(TOO_MANY)
        info = image.info
        if image.mode not in ("L", "RGB") or "exif" in info or "transparency" in info:
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
    """Answer pickled requests, the arguments of ``decode_all``, until the input ends."""
    while True:
        try:
            arguments = pickle.load(requests)
        except EOFError:
            return
        pickle.dump(decode_all(*arguments), answers, protocol=5)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
