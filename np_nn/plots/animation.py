"""Animations, as a GIF or as a web page with a slider."""

import base64
import io
from pathlib import Path

import numpy as np
from jinja2 import Template
from PIL import Image

from np_nn.utils.errors import NpNNError
from np_nn.utils.files import write_file

COLOURS_OF_GIF = 64  # colours of the one palette of all frames: small files, no flicker
SAMPLE = 3  # the palette is chosen from every third pixel each way, which is enough
PAGE = Path(__file__).with_name("animation.html")


def save_animation(frames, path, title, seconds=0.5, hold=2.0) -> Path:
    """Write a looping animation to `path`, atomically; return `path` as a Path.

    The same frames give the same bytes.

    Args:
        frames: (caption, picture) of each frame, pictures of one size as ``snapshot`` returns.
        path: ends in .gif, or in .html for a page with a slider, which shows the captions and
            works offline.
        title: title of the page.
        seconds: display time of a frame.
        hold: display time of the last frame, in seconds.

    Raises:
        NpNNError: for another ending, and if the file cannot be written.
    """
    path, frames = Path(path), list(frames)
    if path.suffix not in FORMATS:
        raise NpNNError(f"cannot write {path}: an animation ends in {' or '.join(FORMATS)}")
    pictures = _with_one_palette([picture for _, picture in frames])
    milliseconds = [*[round(1000 * seconds)] * (len(frames) - 1), round(1000 * hold)]
    captions = [caption for caption, _ in frames]
    write_file(path, FORMATS[path.suffix](pictures, captions, milliseconds, title))
    return path


def _with_one_palette(pictures):
    pixels = [np.asarray(picture)[::SAMPLE, ::SAMPLE] for picture in pictures]
    sample = Image.fromarray(np.concatenate(pixels))
    palette = sample.quantize(COLOURS_OF_GIF, Image.Quantize.MAXCOVERAGE, kmeans=2)
    return [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]


def _gif(pictures, captions, milliseconds, title):
    content, (first, *others) = io.BytesIO(), pictures
    first.save(
        content, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0
    )  # fmt: skip
    return content.getvalue()


def _page(pictures, captions, milliseconds, title):
    frames = zip(captions, map(_png, pictures), milliseconds, strict=True)
    page = Template(PAGE.read_text("utf-8"), autoescape=True)
    return page.render(title=title, frames=list(frames)).encode()


def _png(picture):
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return base64.b64encode(content.getvalue()).decode()


FORMATS = {".gif": _gif, ".html": _page}
