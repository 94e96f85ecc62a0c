"""The page of np-nn draw in a real browser: pictures, passes, steps, keyboard, themes."""

import base64
import re

import drawing as documented
import numpy as np
import pytest

import np_nn as nn
from np_nn.analysis.trace import PASSIVE
from np_nn.data import digit
from np_nn.data.preparation import Preparation
from tests.support import drawing
from tests.support.browser import browser, opened, problems
from tests.support.drawn_networks import INFO, NETWORKS, mlp

pytestmark = pytest.mark.kernel_independent


@pytest.fixture(scope="module")
def chromium():
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def trained():
    """Return the network of the documentation's page."""
    return documented.trained()


@pytest.fixture(scope="module")
def path(trained, tmp_path_factory):
    return drawing.write_page(trained, tmp_path_factory.mktemp("draw") / "digit.html")


def example(tab):
    """Draw the page's example, and label it a 3."""
    tab.click("#example")
    tab.get_by_role("button", name="3, ").click()
    tab.evaluate(drawing.FRAME)


def test_twenty_drawn_digits_are_seen_and_named_as_np_nn_does(chromium, trained, path, digits):
    with opened(chromium, path, "desk") as tab:
        assert drawing.differences(tab, trained, digits.test.images[:20]) == []


def test_a_deskewed_picture_has_the_same_pixels(chromium, digits, tmp_path):
    deskewed = Preparation("digit", (28, 28), scale=1 / 255, deskew=True)
    model = mlp(4, nn.ModelInfo(INFO.classes, deskewed))
    with opened(chromium, drawing.write_page(model, tmp_path / "m.html"), "desk") as tab:
        assert drawing.differences(tab, model, digits.test.images[20:24]) == []


def test_the_saved_drawing_is_what_the_network_saw(chromium, path, tmp_path):
    with opened(chromium, path) as tab:
        tab.click("#example")
        with tab.expect_download() as download:
            tab.click("#save")
        download.value.save_as(tmp_path / "digit.png")
        seen = tab.evaluate(drawing.STATE)["seen"]
    np.testing.assert_array_equal(digit.read([tmp_path / "digit.png"])[0].ravel(), seen)


PASSES = """() => {
  const { passes, network } = np_nn.lesson;
  const list = (arrays) => arrays.map((array) => [...array]);
  const gradients = network.layers.map((_, i) => Object.fromEntries(
    Object.entries(network.gradients(passes, i)).map(([name, array]) => [name, [...array]])));
  return { values: list(passes.values), grads: list(passes.grads), loss: passes.loss, gradients };
}"""


def close(found, wanted):
    """Compare with a tolerance of 1e-5 of the largest value, and at most 1e-5."""
    most = min(1, np.abs(wanted).max())
    np.testing.assert_allclose(found, np.ravel(wanted), rtol=0, atol=1e-5 * most)


def traced(model, tab):
    """Return the Trace of the picture on the page, with label 3."""
    seen = np.array(tab.evaluate(drawing.STATE)["seen"], np.float32).reshape(1, 28, 28)
    x = seen * np.float32(1 / 255)
    return nn.trace(model, x if "Conv2d" in str(model[0]) else x.ravel(), 3, nn.CrossEntropyLoss())


@pytest.mark.parametrize("name", NETWORKS)
def test_every_number_of_both_passes_is_that_of_trace(chromium, tmp_path, name):
    model = NETWORKS[name]()
    with opened(chromium, drawing.write_page(model, tmp_path / "m.html")) as tab:
        example(tab)
        found, wanted = tab.evaluate(PASSES), traced(model, tab)
    close(found["loss"], wanted.loss)
    close(found["values"][0], wanted.x)
    close(found["grads"][0], wanted.grad)
    for at, stage in enumerate(wanted.stages):
        close(found["values"][at + 1], stage.output)
        close(found["grads"][at + 1], stage.grad)
        for array, grad in found["gradients"][at].items():
            close(grad, getattr(stage.layer, array).grad)
    learn = [layer for layer in model if not isinstance(layer, PASSIVE) and layer.children() == {}]
    assert [bool(g) for g in found["gradients"]] == [hasattr(layer, "weight") for layer in learn]


def numbers(text):
    """Return the numbers of a line of the page."""
    return [
        float(n)
        for n in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", text.replace("\N{MINUS SIGN}", "-"))
    ]


def test_a_unit_in_numbers(chromium, trained, path):
    with opened(chromium, path) as tab:
        example(tab)
        unit = traced(trained, tab).unit()  # the unit with the largest effect on the loss
        lines = tab.locator("#unit-lines li").all_inner_texts()
        assert tab.locator("#unit-title").inner_text() == f"h, unit {unit.number}"
        shown = [numbers(line) for line in lines[1:3] + lines[4:]]
        most = np.abs(unit.grad_w).argmax()
        grad = unit.grad_w[most]
        expected = [
            [unit.h - unit.b, unit.b, unit.h],
            [unit.grad_h],
            [unit.w[most], 0.1, grad, unit.w[most] - 0.1 * grad],
            [unit.b, 0.1, unit.grad_h, unit.b - 0.1 * unit.grad_h],
        ]
        for got, want in zip(shown, expected, strict=True):
            np.testing.assert_allclose(np.abs(got), np.abs(want), rtol=6e-4)
        assert tab.locator("#unit-pictures figcaption").all_inner_texts() == [
            "weights w", "x · w", "∂L/∂w", "change of w",
        ]  # fmt: skip


WEIGHTS = (
    "() => np_nn.network.arrays.map((a) => btoa(String.fromCharCode(...new Uint8Array(a.buffer))))"
)


def weights(tab):
    return [np.frombuffer(base64.b64decode(text), "<f4") for text in tab.evaluate(WEIGHTS)]


def test_a_step_is_gradient_descent_and_is_undone_to_the_bit(chromium, path):
    with opened(chromium, path) as tab:
        assert tab.locator("#update").is_disabled()
        example(tab)
        before, grads = weights(tab), tab.evaluate(PASSES)["gradients"]
        tab.fill("#rate", "0.05")
        tab.click("#update")
        tab.click("#update")
        tab.evaluate(drawing.FRAME)
        assert "2 times" in tab.locator("#steps").inner_text()
        tab.click("#undo-step")
        flat = [np.array(g, np.float32) for layer in grads for g in layer.values()]
        for old, new, grad in zip(before, weights(tab), flat, strict=True):
            np.testing.assert_allclose(new, old - 0.05 * grad, rtol=0, atol=1e-7)
        tab.click("#update")
        tab.click("#reset")
        tab.evaluate(drawing.FRAME)
        assert all(map(np.array_equal, before, weights(tab)))
        assert "unchanged" in tab.locator("#steps").inner_text()


def test_the_passes_are_walked_stage_by_stage(chromium, path):
    with opened(chromium, path) as tab:
        example(tab)
        tab.click("#forward")
        tab.evaluate(drawing.FRAME)
        ahead = tab.locator("#stages .back.ahead")
        assert ahead.count() == 5  # pixels, h, a, z and the loss
        tab.click("#step")
        tab.evaluate(drawing.FRAME)
        assert ahead.count() == 3  # the loss and its gradient at z are there
        tab.click("#backward")
        tab.click("#step")
        tab.evaluate(drawing.FRAME)
        assert "once" in tab.locator("#steps").inner_text()
        assert tab.locator("#stages .stage.ahead").count() == 4  # all but the pixels
        tab.evaluate("np_nn.lesson.constructor.CYCLE = 100")
        tab.get_by_role("button", name="Play").click()
        tab.wait_for_function("np_nn.network.steps > 2")
        tab.get_by_role("button", name="Pause").click()


def test_strokes_are_undone_and_erased(chromium, path):
    def ink():
        return tab.evaluate("np_nn.pad.ink().reduce((sum, ink) => sum + ink, 0)")

    with opened(chromium, path) as tab:
        box = tab.locator("#pad").bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        tab.mouse.move(middle[0] - 60, middle[1])
        tab.mouse.down()
        tab.mouse.move(middle[0] + 60, middle[1], steps=5)
        tab.mouse.up()
        first = ink()
        assert first > 255 * 120 * 20
        tab.click("#eraser")
        tab.mouse.click(*middle)
        assert 0 < ink() < first
        tab.click("#undo")
        assert ink() == first
        tab.click("#undo")
        assert ink() == 0
        tab.evaluate(drawing.FRAME)
        assert tab.locator("#best").inner_text() == "?"


# Both before a frame shows the first one, as a key that is held down repeats.
TWO_KEYS = """element => ["Home", "ArrowRight"].forEach(
  (key) => element.dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true })))"""


def test_the_keyboard_does_everything(chromium, path):
    with opened(chromium, path) as tab:
        for _ in ("the link to the training", "day or night", "the pad"):
            tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.id") == "pad"
        for key in (*["ArrowUp"] * 8, " ", *["ArrowDown"] * 16, " "):
            tab.keyboard.press(key)
        tab.wait_for_function("document.getElementById('spoken').textContent.endsWith('%')")
        tab.get_by_role("button", name="1, ").press("Enter")
        tab.evaluate(drawing.FRAME)
        assert "You meant 1" in tab.locator("#state").inner_text()
        units = tab.get_by_role("slider", name="h = x W")
        units.focus()
        units.evaluate(TWO_KEYS)
        tab.evaluate(drawing.FRAME)
        assert tab.locator("#unit-title").inner_text() == "h, unit 1"
        assert units.get_attribute("aria-valuetext").startswith("unit 1: ")


NAMELESS = """() => [...document.querySelectorAll("button, input, [tabindex], [role=img]")]
  .filter((each) => each.checkVisibility())
  .filter((each) => !(each.ariaLabel || each.textContent.trim() || each.labels?.length))
  .map((each) => each.outerHTML)"""


@pytest.mark.parametrize("name", ["empty", "drawn"])
def test_it_fits_day_and_night_a_phone_and_a_desk(chromium, path, tmp_path, name):
    whole = tmp_path / "digit.html"
    script = (
        "<script type=module>document.getElementById('example').click();"
        "requestAnimationFrame(() => setTimeout(() => np_nn.lesson.mean(3)))</script>"
    )
    whole.write_text(path.read_text("utf-8") + (script if name == "drawn" else ""), "utf-8")
    assert problems(chromium, whole) == []
    with opened(chromium, whole) as tab:
        assert tab.evaluate(NAMELESS) == []
        assert tab.evaluate("document.documentElement.dataset.theme") == "light"
        tab.click("#theme")
        assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
