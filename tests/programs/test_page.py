"""np_nn.cli.page: a run's report is complete, honest, and one file that needs no other."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from np_nn import History, recipes
from np_nn.cli.page import page
from np_nn.data import Dataset, Split
from np_nn.recipes.run import Result, Run
from np_nn.training.history import Evaluation

pytestmark = pytest.mark.kernel_independent
VOID = {"meta", "link", "img", "br"}  # tags that are never closed
COMMAND = "python main_np.py --report r.html"


def history(steps, planned):
    """The record of a training: the loss falls, with noise, and every third batch is right."""
    made, noise = History(planned), np.random.default_rng(0).normal(1, 0.1, steps)
    with made:
        for step, loss in enumerate(np.geomspace(9, 0.1, steps) * noise):
            made.record(loss, step % 3 == 0)
    made.interrupted = steps < planned
    return made


def run(steps=40, planned=None, seeds=(0,), note="", classes="0123456789", **changes):
    """A Run of the np_nn recipe on noise, of which half of each class is answered rightly."""
    settings = dataclasses.replace(recipes.RECIPES["np_nn"], **changes)
    images = np.random.default_rng(0).integers(0, 255, (60, 28, 28)).astype(np.uint8)
    labels = np.arange(60) % 10
    outputs = 5 * np.eye(10)[(labels + np.arange(60) // 10 % 2) % 10]
    split = Split(images, labels)
    data = Dataset("mnist", split, split, tuple(classes), None, note)
    tests = [Evaluation(0.98 + seed / 100, 0.5, outputs) for seed in seeds]
    past = history(steps, planned or steps)
    results = [Result(seed, past, test) for seed, test in zip(seeds, tests, strict=True)]
    return Run("NumPy", "compiled kernels", settings, data, 2, results)


class Reader(HTMLParser):
    """The text of a page, the addresses in it, and what does not nest."""

    def __init__(self, html):
        super().__init__()
        self.words, self.addresses, self.open, self.wrong = [], [], [], []
        self.feed(html)
        self.wrong += self.open

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.words.append(data)


def test_a_page_tells_what_a_run_was_and_gave():
    made = run(seeds=(0, 1))
    text = Reader(page(made, COMMAND)).text
    for part in (
        "784-512-10 on MNIST", "0.9850 ± 0.0071", "0.9805", "+0.0045", "98.50%", COMMAND,
        "NumPy on compiled kernels", "batch size 256", "40", "numpy", "50.0%", "is 0",
    ):  # fmt: skip
        assert part in text, part


def test_what_was_changed_stands_beside_the_recipes_own():
    html = page(run(lr=0.5, hidden=(64, 32)), COMMAND)
    assert re.findall(r"<b>([^<]*)</b> <s>([^<]*)</s>", html) == [
        ("64, 32", "512"),
        ("0.5", "0.001"),
    ]
    assert "no recipe has these settings" in html


def test_a_page_needs_no_other_file_and_nests():
    html = page(run(), COMMAND)
    read = Reader(html)
    assert not read.wrong
    assert all(address.startswith("data:") for address in read.addresses)
    assert len(read.addresses) == 1 + 2 + 20  # icon, curves, mistakes
    for outside in ("<script", "@import", "url(", "http:", "https:"):
        assert outside not in html


def test_a_page_of_a_long_training_stays_small():
    assert len(page(run(steps=50_000), COMMAND)) < 500_000


def test_texts_of_others_are_no_html():
    evil = "<script>alert(1)</script>"
    html = page(run(note=evil, classes=[evil] * 10), f"python {evil}")
    assert evil not in html
    assert Reader(html).text.count(evil) > 10


def test_an_interrupted_run_says_so():
    assert (
        "Interrupted at iteration 7 of 40." in Reader(page(run(steps=7, planned=40), COMMAND)).text
    )
    html = page(run(steps=0, planned=40), COMMAND)
    assert "Interrupted at iteration 0 of 40." in Reader(html).text
    assert "svg" not in html
    assert "terrupted" not in page(run(), COMMAND)


def test_a_network_without_mistakes_has_none_to_show():
    made = run()
    first = made.results[0]
    right = dataclasses.replace(first.test, outputs=np.eye(10)[made.dataset.test.labels])
    made.results[0] = dataclasses.replace(first, test=right)
    text = Reader(page(made, COMMAND)).text
    assert "The surest mistakes none" in text
    assert text.count("100.0%") == 10
