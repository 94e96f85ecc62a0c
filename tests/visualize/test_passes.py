"""python -m np_nn.visualize pass: pictures show the computed values, legibly."""

import re
from dataclasses import replace
from itertools import chain
from tempfile import gettempdir

import numpy as np
import pytest
from matplotlib import style

import np_nn as nn
from np_nn import cli, plots
from np_nn.plots import passes
from np_nn.visualize import answers, network
from np_nn.visualize.passes import Image, parser
from tests.support.commands import SMALL, draw, refused

pytestmark = pytest.mark.kernel_independent
MINUS = "\N{MINUS SIGN}"
NETWORKS = {
    "wide": ["--hidden", "384", "--unit", "383"],
    "deep": ["--hidden", "9", "8", "--activation", "tanh"],
    "values": ["--loss", "mse", "--output", "sigmoid"],
    "lenet": ["--recipe", "fast99conv", "--channels", "4", "20"],
}


def figure_of(*words, classes=None):
    """Return the Figure of an untrained network, not written."""
    args = cli.parse(parser(), [*SMALL, "--out", gettempdir(), *words])
    prepared = model, *_ = network.prepare(args)
    image = Image(args, *prepared)
    image.data = replace(image.data, classes=classes or image.data.classes)
    scene = image.scene(model.state_dict(), args.unit or 0)
    with style.context(["default", plots.STYLE]):
        full = passes.reaches(scene[0], scene[2])
        return passes.draw_pass(*scene, image.title("before training"), "digits", full)


@pytest.fixture(scope="module")
def figure():
    return figure_of("--hidden", "12", "--unit", "7")


def shown(figure):
    """Return all texts that a figure shows."""
    legends = [axes.get_legend().get_texts() for axes in figure.axes if axes.get_legend()]
    texts = [[*axes.texts, axes.title] for axes in figure.axes]
    return [text for text in chain(figure.texts, *texts, *legends) if text.get_text()]


def words(figure):
    return "\n".join(text.get_text() for text in shown(figure)).replace(MINUS, "-")


@pytest.mark.parametrize("name", NETWORKS)
def test_all_text_is_in_the_picture_and_large_enough(name):
    figure = figure_of(*NETWORKS[name], classes=nn.DATASETS["fashion"].classes)
    figure.draw_without_rendering()  # computes the layout
    assert len(shown(figure)) > 30
    for text in shown(figure):
        assert text.get_fontsize() >= 10
        box = text.get_window_extent()
        assert min(box.x0, box.y0) >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text


def test_panels_follow_the_layers_and_their_formulas(figure):
    titles = [axes.get_title(loc="center") for axes in figure.axes]
    forward = ["x, the image", "h = x W₁ + b₁", "a = max(h, 0)", "z = a W₂ + b₂", "p = softmax(z)"]
    backward = [
        "∂L/∂x\n= ∂L/∂h W₁ᵀ",
        "∂L/∂h\n= ∂L/∂a if h > 0",
        "∂L/∂a\n= ∂L/∂z W₂ᵀ",
        f"∂L/∂z\n= p {MINUS} y",
    ]
    assert [title for title in titles if title in forward] == forward
    assert [title for title in titles if title in backward] == backward


def numbers(pattern, text):
    found = re.search(pattern.replace("#", r"\(?([\d.e-]+)\)?"), text)
    return [float(number) for number in found.groups()]


@pytest.mark.parametrize("unit", [0, 1, 2, 3])
def test_the_numbers_of_a_unit_follow_its_formulas(unit):
    text = words(figure_of("--unit", str(unit)))
    assert f"Unit {unit} of h" in text
    products, bias, h = numbers("   = # [+] # = #", text)
    assert h == pytest.approx(products + bias, abs=0.01 * abs(products))
    assert numbers(r"a = max\(h, 0\) = #", text) == [max(h, 0)]
    (grad_h,) = numbers("∂L/∂h = #", text)
    if h > 0:
        w, lr, grad, after = numbers("learning rate .*← # - # · # = #", text)
        assert lr == 0.3
        assert after == pytest.approx(w - lr * grad, abs=1.2e-4)
        x, slope, product = numbers("x.* ∂L/∂h = # · # = #, the largest", text)
        assert product == pytest.approx(x * slope, rel=0.01)
        assert slope == pytest.approx(grad_h, rel=0.01)
    else:
        assert grad_h == 0
        assert "the unit learns nothing" in text


def test_colours_say_the_sign_and_the_frame_is_the_units(figure):
    maps = [axes.images[0] for axes in figure.axes if axes.images]
    signed = [image for image in maps if image.cmap.name == "signed"]
    assert (len(maps), len(signed)) == (6 + 3, 8)  # all except the image itself
    assert all(image.norm.vmin == -image.norm.vmax for image in signed)
    frames = [
        p for axes in figure.axes for p in axes.patches if p.get_width() == p.get_height() == 1
    ]
    places = [(frame.get_x() + 0.5, frame.get_y() + 0.5) for frame in frames]
    assert places == 4 * [(3, 1)]  # of 12 units in rows of 4: h, a and their gradients


def test_weights_of_a_file_are_drawn_without_training(tmp_path, monkeypatch):
    model = nn.initialize(nn.mlp((784, 8, 10)), "torch", seed=5)
    nn.save_weights(model, tmp_path / "mine.safetensors")
    figures, save = [], passes.save_figure
    keep = lambda figure, path: figures.append(figure) or save(figure, path)  # noqa: E731
    monkeypatch.setattr(passes, "save_figure", keep)
    arguments = [*SMALL, "--weights", str(tmp_path / "mine.safetensors"), "--index", "9"]
    assert draw(tmp_path / "out", "pass", arguments) == ["pass.png"]
    text = words(figures[0])
    assert "with mine.safetensors" in text.replace("\n", " ")
    data = nn.load("digits")
    p = nn.Softmax()(nn.predict(model, data.test))[9, data.test.labels[9]]
    assert numbers("-log ([0-9].*)", text) == pytest.approx([p], rel=0.01)


@pytest.fixture
def file(tmp_path, digits):
    """Return a model file of deskewed digits, with classes in an order of its own."""
    rule = replace(digits.preparation, deskew=True, scale=1 / 100)
    info = nn.ModelInfo(digits.classes[::-1], rule, "digits", {"loss": "mse", "lr": 0.125})
    path = tmp_path / "mine.safetensors"
    nn.save_model(nn.initialize(nn.lenet(channels=(2, 3)), "torch", seed=5), path, info)
    return path


def test_the_network_of_a_model_file_is_drawn_without_training(file, tmp_path, monkeypatch):
    figures, save = [], passes.save_figure
    keep = lambda figure, path: figures.append(figure) or save(figure, path)  # noqa: E731
    monkeypatch.setattr(passes, "save_figure", keep)
    arguments = ["--load", str(file), "--index", "9", "--quiet"]
    assert draw(tmp_path / "out", "pass", arguments) == ["pass.png"]
    text = words(figures[0]).replace("\n", " ")
    assert "through the network of mine.safetensors and back, after training" in text
    assert "learning rate 0.125" in text


def test_the_answers_of_a_model_file_are_drawn_without_training(file, tmp_path):
    assert "confusion.png" in draw(tmp_path / "out", "answers", ["--load", str(file), "--quiet"])
    args = cli.parse(answers.parser(), ["--load", str(file), "--quiet"])
    model, data, result = network.trained(args)
    assert data.classes == tuple("9876543210")
    rule = nn.load_model(file).info.preparation
    raw = nn.load("digits").test
    split = rule.split(raw.images, 9 - raw.labels)
    assert np.array_equal(result.outputs, nn.predict(model, split))
    assert result.accuracy == nn.evaluate(model, split).accuracy
    assert network.about(args, data) == "the network of mine.safetensors on scikit-learn's digits"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--index", "297"], "--index must be 0..296, got 297"),
        (["--index", "-1"], "a whole number >= 0 is needed"),
        (["--unit", "8"], "the unit must be 0..7, got 8"),
        (["--weights", "nowhere.safetensors"], "nowhere.safetensors is not there"),
        (["--weights", "x.safetensors", "--animate"], "--animate shows a training"),
        (["--load", "x.safetensors"], "--hidden cannot be combined with --load"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(more, said, tmp_path, capsys):
    assert said in refused(capsys, "pass", *SMALL, "--out", str(tmp_path), *more)
    assert not list(tmp_path.iterdir())


def test_weights_of_another_network_are_refused(tmp_path, capsys):
    nn.save_weights(nn.mlp((784, 9, 10)), tmp_path / "mine.safetensors")
    arguments = [*SMALL, "--weights", str(tmp_path / "mine.safetensors"), "--out", str(tmp_path)]
    assert "is of another model" in refused(capsys, "pass", *arguments)
