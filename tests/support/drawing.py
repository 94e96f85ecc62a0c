"""Digits drawn on the page of np-nn draw, compared with np-nn predict.

``python -m tests.support.drawing`` draws 200 digits of MNIST's test set on the pages of two
networks, and compares picture and answer with those of np-nn predict.
"""

import base64
import tempfile
from pathlib import Path

import numpy as np

import np_nn as nn
from np_nn import cli
from np_nn.data import digit
from np_nn.training.fit import predict
from np_nn.visualize.draw.description import describe
from np_nn.visualize.draw.page import page
from tests.support.browser import browser, opened
from tests.support.rendered_digits import trained

CELL = 10  # pixels of the pad per pixel of MNIST
START = 20  # pixels of the pad before the first one
INK = 100  # minimum level of a pixel that is drawn
FRAME = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
DRAW = """(lines) => {
  const pad = document.getElementById("pad"), box = pad.getBoundingClientRect();
  const send = (type, [x, y], buttons) => pad.dispatchEvent(new PointerEvent(type, {
    pointerId: 1, buttons, clientX: box.left + x * box.width / 320,
    clientY: box.top + y * box.height / 320,
  }));
  for (const [first, ...rest] of lines) {
    send("pointerdown", first, 1);
    for (const place of rest) send("pointermove", place, 1);
    send("pointerup", rest.at(-1), 0);
  }
}"""
STATE = """() => ({
  ink: btoa(String.fromCharCode(...np_nn.pad.ink().filter((_, i) => i % 320 >= 20 && i % 320 < 300
    && i >= 6400 && i < 96000))),
  seen: [...np_nn.prepare(np_nn.pad.ink(), 320, np_nn.network.facts.preparation)],
  answer: document.getElementById("best").textContent,
})"""


def write_page(model, path, float16=None):
    """Write the page of a model; return its path."""
    path.write_text(page(path.stem, describe(model, float16)), "utf-8")
    return path


def strokes(image):
    """Return [[(x, y), (x, y)]] on the pad: a line for each run of ink in a row of an image."""
    lines = []
    for row, ink in enumerate(image > INK):
        ends = np.flatnonzero(np.diff(np.r_[0, ink.astype(int), 0])).tolist()
        for left, right in zip(ends[::2], ends[1::2], strict=True):
            first, last = (left + 1, right - 1) if right - left > 2 else ((left + right) / 2,) * 2
            y = START + CELL * (row + 0.5)
            lines.append([(START + CELL * x, y) for x in (first, last)])
    return lines


def draw(page, lines):
    """Replace the drawing on the page's pad by lines, all at once."""
    page.click("#clear")
    page.evaluate(DRAW, lines)
    page.evaluate(FRAME)


def differences(page, model, images):
    """Draw images (n, 28, 28) on the model's page; return a line for each difference.

    The picture that the page prepares must equal np_nn's in every pixel, and its answer must be the
    class that np_nn predicts.
    """
    found = []
    for number, image in enumerate(images):
        draw(page, strokes(image))
        state = page.evaluate(STATE)
        ink = np.zeros((320, 320), np.uint8)
        inner = np.frombuffer(base64.b64decode(state["ink"]), np.uint8)
        ink[20:300, 20:300] = inner.reshape(280, 280)
        split = model.info.preparation.split(digit.prepare(np.stack([255 - ink] * 3))[None])
        seen = np.reshape(state["seen"], split.images[0].shape)
        if wrong := np.count_nonzero(seen != split.images[0]):
            found.append(f"image {number}: {wrong} pixels differ")
        answer = model.info.classes[predict(model, split)[0].argmax()]
        if state["answer"] != answer:
            found.append(f"image {number}: {state['answer']}, and np_nn says {answer}")
    return found


def main(argv=None):
    command = cli.Parser(description=__doc__)
    command.add_argument("--digits", type=cli.whole_number(1), default=200, metavar="N")
    args = command.parse_args(argv)
    images = nn.load("mnist", download=False).test.images[: args.digits]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        for recipe in ("fast98", "fast99conv"):
            model = trained(recipe, seed=0)
            path = write_page(model, Path(folder, f"{recipe}.html"))
            with opened(chromium, path, "desk") as page:
                lines = differences(page, model, images)
            wrong += len(lines)
            size = path.stat().st_size / 1e6
            print(f"{recipe}, {size:.2f} MB: {len(images)} digits drawn, {len(lines)} differences")
            print("\n".join(lines), end="\n" if lines else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    cli.run(main)
