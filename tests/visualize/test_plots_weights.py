"""Pictures of a training and of answers: complete, legible, and reproducible to the byte."""

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from np_nn import plots
from tests.support.pictures import TITLE, check_readable, curve, images, texts

pytestmark = pytest.mark.kernel_independent
STEPS = np.arange(0, 301, 10)
LONG = "784-1024-512-256-10 on Fashion-MNIST, " * 3


@pytest.fixture
def drawn(monkeypatch):
    """Return the figures saved, as matplotlib objects."""
    figures = []
    for module in (plots.runs, plots.images, plots.weights, plots.answers):
        keep = lambda f, path: figures.append(f) or plots.save_figure(f, path)  # noqa: E731
        monkeypatch.setattr(module, "save_figure", keep)
    return figures


def series(low, high, layers=3):
    return {
        f"layer {i}: 64 x 784": np.geomspace(low, high, len(STEPS)) * i
        for i in range(1, 1 + layers)
    }


def spreads(layers=3):
    rng = np.random.default_rng(0)
    return {
        f"layer {i}: 64 x 784": [np.histogram(rng.normal(0, 1 + s, 999), 50) for s in STEPS]
        for i in range(layers)
    }


def answers(n=400, classes=10):
    """Return labels, answers and points of overlapping groups."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % classes
    given = np.where(rng.random(n) < 0.1, (labels + 1) % classes, labels)
    return labels, given, rng.normal(labels[:, None] * [1, -1], 0.7)


def draw_all(folder, title, classes="0123456789", note=""):
    labels, given, points = answers()
    accuracy, counts = np.linspace(0.5, 1, 10), np.arange(10) ** 3
    confidence = np.where(counts > 0, np.arange(10) / 10 + 0.05, np.nan)
    rest = {"title": title, "note": note}
    return [
        plots.plot_learning(curve(), np.linspace(0.3, 0, 300), folder / "learning.png", **rest),
        plots.plot_norms(STEPS, series(1, 9), series(9, 1e-3), folder / "norms.png", **rest),
        plots.plot_dead(STEPS, series(0.01, 0.3), folder / "dead.png", **rest),
        plots.plot_histograms(STEPS, spreads(), folder / "histograms.png", **rest),
        plots.plot_filters_learnt(
            {"before": images(16) - 0.5, "after": images(16) - 0.2}, folder / "f.png", **rest
        ),
        plots.plot_class_accuracy(
            accuracy, accuracy - 0.05, accuracy, classes, folder / "classes.png", **rest
        ),
        plots.plot_calibration(
            counts, confidence, confidence**2, 0.1, folder / "calibration.png", **rest
        ),
        plots.plot_embedding(
            {"PCA": points, "t-SNE": points}, labels, given, classes, folder / "e.png", **rest
        ),
    ]


def test_the_same_bytes_each_time(tmp_path):
    first = [path.read_bytes() for path in draw_all(tmp_path, TITLE)]
    assert [path.read_bytes() for path in draw_all(tmp_path, TITLE)] == first
    assert all(len(content) < 150_000 for content in first)


def test_nothing_is_written_outside_the_picture_nor_below_10_points(tmp_path, drawn):
    draw_all(tmp_path, f"{LONG}\n{LONG}", [f"a class {i}" for i in range(10)], LONG)
    check_readable(drawn)


def test_what_follows_the_first_line_of_a_title_is_smaller(tmp_path, drawn):
    plots.plot_dead(STEPS, series(0.01, 0.3), tmp_path / "d.png", "Dead units\n784-10 on MNIST")
    title, about = drawn[0].texts
    assert (title.get_text(), about.get_text()) == ("Dead units", "784-10 on MNIST")
    assert title.get_fontsize() > about.get_fontsize()
    assert title.get_weight() == "bold" != about.get_weight()


# ---- a training


def test_curves_and_rate_share_their_iterations(tmp_path, drawn):
    plots.plot_learning(curve(), np.linspace(0.3, 0, 300), tmp_path / "l.png", TITLE)
    loss, accuracy, rate = drawn[0].axes
    assert loss.get_xlim() == accuracy.get_xlim() == rate.get_xlim() == (0, 300)
    np.testing.assert_allclose(rate.lines[0].get_ydata(), np.linspace(0.3, 0, 300))
    assert [axes.get_xlabel() for axes in drawn[0].axes] == ["", "", "iteration"]


def test_norms_of_many_decades_are_logarithmic_with_plain_numbers(tmp_path, drawn):
    plots.plot_norms(STEPS, series(1, 2), series(9, 1e-3), tmp_path / "n.png", TITLE)
    weights, gradients = drawn[0].axes
    assert (weights.get_yscale(), gradients.get_yscale()) == ("linear", "log")
    assert not any("$" in text for text in texts(drawn[0]))
    assert [line.get_color() for line in weights.lines] == [
        pytest.approx(line.get_color()) for line in gradients.lines
    ]


def test_gradients_that_vanish_and_units_that_never_die_are_drawn(tmp_path, drawn):
    none = {"layer 1": np.zeros(len(STEPS))}
    plots.plot_norms(STEPS, series(1, 9), none, tmp_path / "n.png", TITLE)
    plots.plot_dead(STEPS, none, tmp_path / "d.png", TITLE)
    assert drawn[1].axes[0].get_ylim()[1] > 0


def test_ridges_stand_on_the_lines_of_their_iterations(tmp_path, drawn):
    plots.plot_histograms(STEPS, spreads(2), tmp_path / "h.png", TITLE)
    left, right = drawn[0].axes
    labels = [label.get_text() for label in left.get_yticklabels()]
    assert (labels[0], labels[-1], len(labels)) == ("0", "300", plots.weights.RIDGES)
    assert len(left.collections) == len(right.collections) == len(labels)
    for line, ridge in zip(left.get_yticks(), left.collections, strict=True):
        assert ridge.get_paths()[0].get_extents().y1 == line  # y is down: it stands on the line
        assert ridge.get_paths()[0].get_extents().height == pytest.approx(plots.weights.OVERLAP)


def test_a_few_small_filters_are_not_squeezed(tmp_path, drawn):
    stages = {"before": images(3, 3), "after": images(3, 3)}
    plots.plot_filters_learnt(stages, tmp_path / "f.png", f"{TITLE}\n{LONG}", LONG)
    assert all(axes.get_window_extent().height > 50 for axes in drawn[0].axes[:2])


def test_deep_networks_take_more_rows(tmp_path, drawn):
    deep = {f"layer {i}": STEPS + i for i in range(10)}
    plots.plot_norms(STEPS, deep, deep, tmp_path / "n.png", TITLE)
    plots.plot_histograms(STEPS, spreads(10), tmp_path / "h.png", TITLE)
    assert all(axes.get_window_extent().height > 200 for axes in drawn[0].axes)
    assert [axes.axison for axes in drawn[1].axes] == [True] * 10 + [False] * 2
    assert {axes.get_title(loc="left") for axes in drawn[1].axes} == {*spreads(10), ""}


def test_each_time_of_filters_has_its_own_scale(tmp_path, drawn):
    stages = {"before": images(3) * 0.01, "after": images(3)}
    stages["after"][0, 0, 0] = 100
    plots.plot_filters_learnt(stages, tmp_path / "f.png", TITLE)
    before, after = (axes.images[0] for axes in drawn[0].axes[:2])
    assert 0.0098 < before.norm.vmax <= 0.01
    assert 0.98 < after.norm.vmax <= 1
    assert {"before", "after"} <= set(texts(drawn[0]))


# ---- answers


def test_classes_have_their_accuracy_and_interval(tmp_path, drawn):
    accuracy, low, high = np.array([[0.9, np.nan], [0.8, np.nan], [0.95, np.nan]])
    plots.plot_class_accuracy(accuracy, low, high, ["cat", "dog"], tmp_path / "c.png", TITLE)
    assert {"cat", "dog", "90.0%"} <= set(texts(drawn[0]))
    assert "nan%" not in texts(drawn[0])
    (segment, _) = drawn[0].axes[0].collections[0].get_segments()
    assert segment[:, 0].tolist() == [0.8, 0.95]


def test_reliability_is_at_its_confidence(tmp_path, drawn):
    counts, confidence = np.array([0, 3, 7]), np.array([np.nan, 0.5, 0.9])
    plots.plot_calibration(counts, confidence, confidence - 0.1, 0.1, tmp_path / "c.png", TITLE)
    upper, lower = drawn[0].axes
    np.testing.assert_array_equal(upper.lines[1].get_xydata()[1:], [[0.5, 0.4], [0.9, 0.8]])
    assert [bar.get_height() for bar in lower.patches] == [0, 3, 7]
    assert "expected calibration error: 10.00%" in texts(drawn[0])


def test_points_have_their_class_colour_and_mistakes_a_ring(tmp_path, drawn):
    labels, given, points = answers()
    plots.plot_embedding({"PCA": points}, labels, given, "0123456789", tmp_path / "e.png", TITLE)
    dots, rings = drawn[0].axes[0].collections
    colours = [to_hex(colour) for colour in dots.get_facecolors()]
    assert colours == [plots.answers.TEN[label] for label in labels]
    np.testing.assert_array_equal(rings.get_offsets(), points[labels != given])
    names = {text.get_text(): text.get_position() for text in drawn[0].axes[0].texts}
    assert names.keys() == set("0123456789")
    np.testing.assert_allclose(names["3"], np.median(points[labels == 3], axis=0))


def test_names_of_groups_in_one_place_stand_beside_each_other(tmp_path, drawn):
    points = np.random.default_rng(0).random((200, 2))
    labels = np.arange(200) % 4
    plots.plot_embedding({"PCA": points}, labels, labels, "abcd", tmp_path / "e.png", TITLE)
    drawn[0].draw_without_rendering()
    boxes = [text.get_window_extent() for text in drawn[0].axes[0].texts]
    assert [text.get_text() for text in drawn[0].axes[0].texts] == ["a", "b", "c", "d"]
    assert all(box.count_overlaps(boxes) == 1 for box in boxes)  # only with itself


# Matrices for linear RGB: Machado et al. 2009, full severity; normal vision is the identity.
SIGHT = {
    "all": np.eye(3),
    "no red": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "no green": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "no blue": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


def lab(colours, sight):
    """Return the CIE 1976 L*a*b* (n, 3) of named colours, as seen with this colour vision."""
    rgb = np.array([to_rgb(colour) for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.clip(linear @ np.transpose(sight), 0, 1) @ np.transpose(to_xyz) / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize("sight", SIGHT)
def test_ten_colours_stay_apart_for_the_colour_blind(sight):
    seen = lab(plots.answers.TEN, SIGHT[sight])
    apart = np.linalg.norm(seen[:, None] - seen, axis=2) + 1e3 * np.eye(10)
    assert apart.min() > 15  # a difference of 2 is barely visible
