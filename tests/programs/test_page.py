"""np_nn.cli.page: a run's report is complete, correct, and a single self-contained file."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from np_nn import History, plots, recipes
from np_nn.cli import report
from np_nn.cli.page import page
from np_nn.data import Dataset, Split
from np_nn.data.preparation import IMAGE, Preparation
from np_nn.recipes.run import Result, Run
from np_nn.training.history import Evaluation
from tests.support.own_sets import NAMES, colour, dataset, table

pytestmark = pytest.mark.kernel_independent
VOID = {"meta", "link", "img", "br"}  # void elements
COMMAND = "python main_np.py --report r.html"


def history(steps, planned):
    """Return a training's History: the loss falls, with noise; every third batch is right."""
    made, noise = History(planned), np.random.default_rng(0).normal(1, 0.1, steps)
    with made:
        for step, loss in enumerate(np.geomspace(9, 0.1, steps) * noise):
            made.record(loss, step % 3 == 0)
    made.interrupted = steps < planned
    return made


def run(steps=40, planned=None, seeds=(0,), note="", classes="0123456789", **changes):
    """Return a Run of the np_nn recipe on noise, with half of each class answered rightly."""
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


def own(data):
    """Return a Run of own data that answers the next class for every second sample."""
    n, kinds = len(data.test), len(data.classes)
    outputs = 5 * np.eye(kinds)[(data.test.labels + np.arange(n) % 2) % kinds]
    result = Result(0, history(0, 4), Evaluation(0.5, 0.7, outputs))
    return Run("NumPy", "NumPy", recipes.RECIPES["np_nn"], data, 1, [result])


class Reader(HTMLParser):
    """Parser that collects a page's text, its addresses, and its nesting errors."""

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
    assert "Most confident mistakes none" in text
    assert text.count("100.0%") == 10


def test_all_seeds_and_the_kept_weights_are_in_the_curves(monkeypatch):
    seen, draw = [], plots.draw_curve
    monkeypatch.setattr(
        plots, "draw_curve", lambda curves, *a: seen.append(curves) or draw(curves, *a)
    )
    made = run(seeds=(0, 1))
    made.results[0].history.restored = 40
    text = Reader(page(made, COMMAND)).text
    assert "Training, 2 networks" in text
    assert [[curve.kept for curve in curves] for curves in seen] == [[40, 40]] * 2


# ---- the user's own data


def test_a_table_has_samples_and_its_mistakes_their_features():
    made = own(table())
    html = page(made, COMMAND)
    text = Reader(html).text
    for part in ("samples per second", "each true class of the samples", "petal width ($cm)"):
        assert part in text, part
    assert "images" not in text
    assert "data:image/png" not in html
    assert "40 training and 20 test samples" in report.text(made)
    assert "samples/s" in report.text(made)


def test_photos_keep_their_colours_and_proportions_also_at_night():
    html = page(own(colour()), COMMAND)
    photo = '<img class=photo src="data:image/png[^"]*" width="10" height="12"'
    assert len(re.findall(photo, html)) == 10
    assert "img:not(.photo) { filter" in html
    ink = dataset(
        np.eye(12, dtype=np.uint8)[None].repeat(30, 0), "ab", Preparation(IMAGE, (12, 12))
    )
    assert "class=photo" not in page(own(ink), COMMAND)


def test_large_images_make_no_large_page():
    assert len(page(own(colour(12, "ab", (3, 600, 500))), COMMAND)) < 300_000


def test_names_of_every_kind_are_in_the_page_and_long_ones_are_shortened():
    made = own(colour())
    read = Reader(page(made, COMMAND))
    assert not read.wrong
    assert {"猫", "größer", "$x_1$ costs $5"} <= set(map(str.strip, read.words))
    assert NAMES[-1] not in read.text
    assert "long name long name long na…" in read.text
    assert f'title="{NAMES[-1]}"' in page(made, COMMAND)


def test_remarks_of_the_data_stand_in_every_report():
    made = own(colour())
    (remark,) = made.dataset.remarks
    assert remark in Reader(page(made, COMMAND)).text
    assert remark in report.text(made).splitlines()
    assert report.as_dict(made)["remarks"] == [remark]


def test_of_many_classes_the_worst_pairs_and_recalls_are_listed():
    made = own(colour(300, [f"class {i}" for i in range(50)], (5, 5)))
    read = Reader(page(made, COMMAND))
    assert not read.wrong
    assert "Of the 50 classes: the pairs that are confused most often" in read.text
    assert "class 1 class 2 2 100.0%" in read.text
    assert "class recall" in read.text.replace("images ", "")
    assert len(page(made, COMMAND)) < 200_000


def test_a_class_without_test_samples_has_no_share():
    data = table(classes=("a", "b", "c"))
    some = data.test.labels != 2
    test = Split(data.test.images[some], data.test.labels[some])
    text = Reader(page(own(dataclasses.replace(data, test=test)), COMMAND)).text
    assert re.search(r"c - (Most|$)", text)
