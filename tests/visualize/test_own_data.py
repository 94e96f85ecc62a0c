"""Pictures of the user's own data sets: colour, any size, any names, many classes, tables."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

import np_nn as nn
from np_nn import cli, plots
from np_nn.analysis.trace import trace
from np_nn.plots import names, pixels
from np_nn.recipes import Recipe, build
from np_nn.recipes.prepare import prepare
from np_nn.visualize import network, story, training
from tests.support.commands import draw, refused
from tests.support.own_sets import COLUMNS, NAMES, colour, table
from tests.support.pictures import TITLE, check_readable, texts

pytestmark = pytest.mark.kernel_independent
SETS = {"colour": colour, "table": table}
SHORT = [
    "--hidden",
    "4",
    "--steps",
    "3",
    "--batch-size",
    "4",
    "--no-deskew",
    "--init",
    "torch",
    "--quiet",
]
FILES = {  # of each command
    "pass": ["pass", "pass_before"],
    "training": [f"training{part}" for part in ("", "_dead", "_filters", "_histograms", "_norms")],
    "answers": ["calibration", "class_accuracy", "confusion", "embedding", "errors"],
    "surface": ["surface"],
    "effects": ["effects"],
}


@pytest.fixture
def own(monkeypatch):
    """Let the commands load a Dataset, whatever their arguments name; no picture is rendered."""

    def lay_out(figure, kind):
        figure.draw_without_rendering()
        return kind.encode()

    monkeypatch.setattr(plots.figure, "render", lay_out)

    def use(data):
        monkeypatch.setattr(cli, "load", lambda args: prepare(args.settings, data))

    return use


@pytest.fixture
def drawn(monkeypatch):
    """Return the figures saved, as matplotlib objects, laid out but not written."""
    figures = []

    def keep(figure, path):
        figure.draw_without_rendering()
        figures.append(figure)
        return path

    for module in (plots.images, plots.confusion, plots.errors, plots.samples, plots.answers):
        monkeypatch.setattr(module, "save_figure", keep)
    return figures


# ---- every command on every kind of data


@pytest.mark.parametrize("data", SETS)
@pytest.mark.parametrize("command", FILES)
def test_commands_draw_every_kind_of_data(command, data, own, tmp_path):
    own(SETS[data]())
    grid = ["--grid", "3"] if command == "surface" else []
    written = draw(tmp_path, command, [*SHORT, *grid])
    assert written == [f"{name}.png" for name in FILES[command]]


@pytest.mark.parametrize("command", FILES)
def test_a_network_for_images_refuses_a_table_in_one_line(command, own, tmp_path, capsys):
    own(table())
    words = ["--model", "lenet", *SHORT[2:]]
    line = refused(capsys, command, *words, "--out", str(tmp_path))
    assert "lenet takes images, and each sample is a row of 3 features" in line


def test_what_cannot_be_drawn_is_noted_and_the_rest_is_drawn(own, tmp_path, capsys):
    own(colour(9, "ab", (1, 1)))
    assert "errors.png" in draw(tmp_path, "answers", SHORT)
    assert not (tmp_path / "embedding.png").exists()
    assert (
        "an embedding needs at least 5 samples and 2 units, got 3 and 4" in capsys.readouterr().err
    )


@pytest.mark.parametrize(("words", "count"), [([], 6), (["--validation", "9"], 9)])
def test_a_part_of_any_training_set_is_held_out_to_draw_it(words, count, own, tmp_path):
    own(colour())
    data = training._data(cli.parse(training.parser(), ["--out", str(tmp_path), *words]))
    assert (len(data.train), len(data.validation)) == (40 - count, count)


def test_titles_name_the_network_of_the_data(own, tmp_path, monkeypatch):
    own(table())
    titles = []
    monkeypatch.setattr(plots, "plot_surface", lambda *args: titles.append(args[7]))
    monkeypatch.setattr(plots, "plot_effects", lambda *args: titles.append(args[2]))
    for command in ("surface", "effects"):
        draw(tmp_path, command, [*SHORT, *(["--grid", "2"] if command == "surface" else [])])
    assert all("\n3-4-2" in title and "on own" in title for title in titles)


# ---- a pass


def scene(data, index=0, **changes):
    """Return the Panels, the Answer and the Trace of an untrained network."""
    settings = Recipe(hidden=(4,), batch_size=4, steps=1, scale=1 / 255, **changes)
    data = prepare(settings, data)
    model, loss = build.model(settings, data, 0), nn.CrossEntropyLoss()
    x = (data.test.images[index].ravel() * np.float32(data.test.scale)).astype(np.float32)
    passed = trace(model, x, data.test.labels[index], loss)
    shown = story.shown_classes(passed, data.test.labels[index])
    panels = story.panels(passed, data, shown, passed.unit(), loss)
    return panels, story.answer(passed, data.classes, shown, data.test.labels[index], loss), passed


def test_a_pass_shows_colour_as_a_photo_and_features_as_bars():
    panels, _, _ = scene(colour())
    assert (panels[0].kind, panels[0].values.shape) == ("photo", (3, 12, 10))
    panels, _, _ = scene(table())
    assert (panels[0].kind, panels[0].names) == ("bars", COLUMNS)
    panels, _, _ = scene(table(columns=tuple(map(str, range(40)))))
    assert panels[0].kind == "maps"


def test_a_pass_of_many_classes_shows_the_largest_and_the_right_one():
    classes = [f"class {i}" for i in range(30)]
    panels, answer, passed = scene(colour(180, classes, (4, 4)))
    out, label = passed.stages[-1].output, 120 % 30
    best = {classes[c] for c in np.argsort(-out)[:9]} | {classes[label]}
    assert best <= set(answer.classes) == set(panels[-1].names)
    assert (len(answer.values), answer.left_out) == (10, 20)
    assert [answer.classes[i] for i in np.flatnonzero(answer.target)] == [classes[label]]


# ---- names


def test_names_are_one_short_line_that_the_fonts_have():
    assert names.short("T-shirt/top") == "T-shirt/top"
    assert names.short("größer\n\tals") == "größer als"
    assert names.short("猫") == r"\u732b"
    assert names.short("a first and a second") == "a first a…a second"
    assert [len(names.short("x" * 99, most)) for most in (1, 2, 18)] == [1, 2, 18]


def test_other_scripts_are_drawn_where_a_font_is_installed(monkeypatch):
    """STIX, shipped with matplotlib, has a sign that DejaVu Sans lacks, as such a font would."""
    sign = "\N{COMBINING ENCLOSING CIRCLE}"
    assert names.readable(sign) == r"\u20dd"
    monkeypatch.setattr(names, "OTHERS", ("no such font", "STIXGeneral"))
    for function in (names.families, names._drawable):
        function.cache_clear()
    try:
        assert names.families() == ["DejaVu Sans", "STIXGeneral"]
        assert names.readable(sign) == sign
    finally:
        monkeypatch.undo()
        for function in (names.families, names._drawable):
            function.cache_clear()


def test_names_of_every_kind_are_readable_in_every_picture(tmp_path, drawn):
    labels, answers = np.arange(60) % 6, np.arange(60) // 10
    scores, points = np.eye(6)[answers] * 0.9, np.random.default_rng(0).random((60, 2))
    accuracy = np.linspace(0.5, 1, 6)
    title = f"{NAMES[2]}: {NAMES[3]}\nof a folder"
    plots.plot_confusion(labels, answers, NAMES, tmp_path / "c.png", title, NAMES[2])
    plots.plot_errors(colour().train.images, labels[:40], scores[:40], NAMES, tmp_path, title)
    plots.plot_class_accuracy(accuracy, accuracy, accuracy, NAMES, tmp_path, title)
    plots.plot_embedding({"PCA": points}, labels, answers, NAMES, tmp_path, title)
    plots.plot_samples(colour(), tmp_path, title)
    plots.plot_samples(table(), tmp_path, title)
    check_readable(drawn)
    for figure in drawn:
        assert r"\u732b: $x_1$ costs $5" in texts(figure)
    assert {"größer", r"\u732b", "$x_1$ costs $5", "a|b c"} <= set(texts(drawn[0]))


# ---- pixels


def test_ink_is_drawn_black_and_photos_as_bright_as_they_are():
    ink = np.zeros((5, 8, 8), np.uint8)
    ink[:, 3] = 200
    assert pixels.look(ink) == pixels.INK
    assert pixels.look(ink / 255) == pixels.INK
    assert pixels.look(255 - ink) == pixels.LIGHT
    assert not pixels.is_photo(ink)
    assert pixels.is_photo(np.stack(3 * [ink], axis=1))

    def corner(image, **look):
        return np.array(Image.open(io.BytesIO(pixels.draw_image(image, **look))))[0, 0].tolist()

    assert corner(ink[0]) == [255, 255, 255]
    assert corner(255 - ink[0], **pixels.LIGHT) == [255, 255, 255]
    assert corner(np.stack([ink[0] + 9, ink[0], ink[0] + 5])) == [9, 0, 5]


@pytest.mark.parametrize("shape", [(1, 1), (1000, 30), (3, 7, 500), (1, 5, 4), (2, 5, 4)])
def test_images_of_any_size_keep_their_proportions(shape):
    image = np.full(shape, 77, np.uint8)
    content = pixels.draw_image(image, **pixels.LIGHT)
    width, height = Image.open(io.BytesIO(content)).size
    assert max(width, height) == min(128, max(shape[-2:]))
    assert width / height == pytest.approx(shape[-1] / shape[-2], rel=0.35)
    left, right, bottom, top = pixels.fitted(2, 3, 1, shape[-2:])
    assert (right - left) / (bottom - top) == pytest.approx(shape[-1] / shape[-2])
    assert max(right - left, bottom - top) == pytest.approx(1)
    assert (left + right, top + bottom) == pytest.approx((5, 7))


def test_mistaken_photos_are_drawn_in_their_colours(tmp_path, drawn):
    images = colour().train.images[:2]
    scores = np.eye(2)[[1, 0]]
    plots.plot_errors(images, np.array([0, 1]), scores, ["cat", "dog"], tmp_path, TITLE)
    shown = [image.get_array() for image in drawn[0].axes[0].images]
    for image, pixels_ in zip(images, shown, strict=True):
        np.testing.assert_array_equal(np.moveaxis(image, 0, -1), pixels_)


def test_filters_of_colour_are_grey_at_zero(tmp_path, drawn):
    filters = np.zeros((4, 3, 5, 6))
    filters[1, 0], filters[1, 2] = 2, -2
    plots.plot_filters_learnt({"before": filters, "after": 0 * filters}, tmp_path, TITLE)
    tiles = drawn[0].axes[0].images[0].get_array()
    assert tiles.shape == (5, 4 * 7 - 1, 3)
    np.testing.assert_allclose(tiles[2, 2], [0.5, 0.5, 0.5])
    np.testing.assert_allclose(tiles[2, 9], [1, 0.5, 0])
    assert "grey: 0, full colour: ±2" in texts(drawn[0])


# ---- many classes


def test_a_confusion_matrix_of_many_classes_shows_squares(tmp_path, drawn):
    classes = [f"class {i}" for i in range(300)]
    labels = np.arange(600) % 300
    answers = np.where(labels == 7, 9, labels)
    plots.plot_confusion(labels, answers, classes, tmp_path, TITLE)
    axes = drawn[0].axes[0]
    (marks,) = axes.collections
    assert (marks.get_offsets().tolist(), marks.get_array().tolist()) == ([[9, 7]], [2])
    assert not axes.texts
    assert len(axes.get_xticks()) <= 16
    assert axes.get_xticklabels()[1].get_text() == classes[int(axes.get_xticks()[1])]
    plots.plot_confusion(labels, labels, classes, tmp_path, TITLE)  # without a mistake
    check_readable(drawn)


def test_letters_still_have_their_numbers(tmp_path, drawn):
    letters = "abcdefghijklmnopqrstuvwxyz"
    labels = np.arange(26 * 9) % 26
    plots.plot_confusion(labels, labels, letters, tmp_path, TITLE)
    assert texts(drawn[0]).count("9") == texts(drawn[0]).count("100.0% right") == 26


def test_of_many_classes_those_of_the_lowest_accuracy_are_drawn(tmp_path, drawn):
    accuracy = np.append(np.linspace(1, 0, 99), np.nan)
    classes = [f"class {i}" for i in range(100)]
    plots.plot_class_accuracy(accuracy, accuracy, accuracy, classes, tmp_path, TITLE)
    shown = set(texts(drawn[0]))
    assert {"class 59", "class 98"} <= shown
    assert not {"class 58", "class 99"} & shown
    assert any("the 40 lowest of 100" in text for text in shown)


def test_losses_of_many_classes_are_not_cut_off(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(plots.effects, "save_figure", lambda figure, path: figures.append(figure))
    effect = plots.Effect("1", np.arange(1, 9), np.full(8, np.log(1000)))
    plots.plot_effects({"lr": [effect]}, tmp_path, TITLE, classes=1000)
    assert figures[0].axes[0].get_ylim()[1] > np.log(1000)


# ---- tables


def test_mistaken_rows_name_their_largest_features(tmp_path, drawn):
    rows = np.array([[0.1, -3, 2], [0, 1, 0]], np.float32)
    scores = np.array([[0.2, 0.8], [0.3, 0.7]])
    plots.plot_errors(
        rows, np.array([0, 1]), scores, "ab", tmp_path, TITLE, columns=("x", "y", "z")
    )
    assert {"b (80.0%)", "is a (20.0%)", "y -3, z +2"} <= set(texts(drawn[0]))
    assert plots.largest_features(rows[0], most=1) == [("feature 2", -3.0)]


def test_weights_of_features_stand_above_their_names(tmp_path, drawn):
    weights = np.array([[0, 1.0, -2], [0, 0, 0]])
    plots.plot_feature_weights({"before": weights, "after": weights / 2}, COLUMNS, tmp_path, TITLE)
    before = drawn[0].axes[0].images[0]
    np.testing.assert_array_equal(before.get_array(), weights)
    assert (before.norm.vmin, before.norm.vmax) == (-2, 2)
    assert {"sepal length", "petal width ($cm)", r"\u732b"} <= set(texts(drawn[0]))


# ---- samples of a data set


def test_samples_are_drawn_class_by_class_with_their_counts(tmp_path, drawn):
    data = colour()
    plots.plot_samples(data, tmp_path)
    shown = set(texts(drawn[0]))
    about = "40 training and 20 test images of 12 x 10 pixels, 6 classes"
    assert {"Samples of own", about, "größer", "7 / 3", "6 / 4"} <= shown
    images = [image.get_array() for image in drawn[0].axes[0].images]
    assert len(images) == 40
    np.testing.assert_array_equal(images[7], np.moveaxis(data.train.images[1], 0, -1))


def test_samples_of_many_classes_say_what_is_left_out(tmp_path, drawn):
    plots.plot_samples(colour(90, [f"class {i}" for i in range(30)], (6, 9)), tmp_path)
    assert any("30 classes; the first 20 classes are drawn" in text for text in texts(drawn[0]))
    assert "class 19" in texts(drawn[0])
    assert "class 20" not in texts(drawn[0])
    assert all(image.cmap.name == "gray" for image in drawn[0].axes[0].images)
    check_readable(drawn)


def test_samples_of_a_table_are_histograms_in_its_own_units(tmp_path, drawn):
    data = table()
    plots.plot_samples(data, tmp_path)
    first = drawn[0].axes[0]
    counts, edges, _ = first.patches[0].get_data()
    mine = data.train.images[data.train.labels == 0, 0] * 2.0 + 5.0
    np.testing.assert_array_equal(counts, np.histogram(mine, edges)[0])
    assert to_hex(first.patches[0].get_edgecolor()) == plots.answers.TEN[0]
    assert {"setosa: 20 / 10", "versicolor: 20 / 10", "sepal length"} <= set(texts(drawn[0]))


def test_samples_of_a_wide_table_of_many_classes_say_what_is_left_out(tmp_path, drawn):
    wide = table(60, [f"class {i}" for i in range(11)], tuple(f"column {i}" for i in range(14)))
    plots.plot_samples(wide, tmp_path)
    shown = texts(drawn[0])
    assert any("14 features, 11 classes; the first 12 features are drawn" in text for text in shown)
    assert "all 11 classes" in shown
    assert "column 12" not in shown


def test_targets_of_a_loss_of_values_are_counted_by_class(tmp_path, drawn):
    plots.plot_samples(prepare(Recipe(loss="mse"), colour()), tmp_path)
    assert "7 / 3" in texts(drawn[0])


def test_notes_stand_on_stderr(capsys):
    network.note("left out")
    assert capsys.readouterr() == ("", "note: left out\n")
