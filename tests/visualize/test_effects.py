"""Effects of one changed setting: every curve is in its place, and divergence is labelled."""

import numpy as np
import pytest

from np_nn import plots
from np_nn.plots import effects
from np_nn.visualize import __main__ as visualize

pytestmark = pytest.mark.kernel_independent
STEPS = np.arange(1, 41)


@pytest.fixture
def drawn(monkeypatch):
    figures, save = [], effects.save_figure
    monkeypatch.setattr(effects, "save_figure", lambda f, path: figures.append(f) or save(f, path))
    return figures


def effect(label, end, **more):
    return plots.Effect(label, 10 * STEPS, np.geomspace(2.3, end, 40), **more)


def ends(axes):
    """Return {label at the end of a line: (its height, its colour)}."""
    return {text.get_text(): (text.get_position()[1], text.get_color()) for text in axes.texts}


def test_a_label_has_its_lines_colour_and_none_lies_on_another(tmp_path, drawn):
    family = [effect("a", 0.5), effect("b", 0.5, is_base=True), effect("c", 0.51)]
    plots.plot_effects({"one": family}, tmp_path / "e.png", "Title")
    axes = drawn[0].axes[0]
    written = ends(axes)
    drawn_in = [line.get_color() for line in axes.lines]
    assert [written[label][1] for label in "abc"] == drawn_in
    assert written["b"][1] == "black"
    heights = sorted(height for height, _ in written.values())
    assert min(np.diff(heights)) == pytest.approx(effects.GAP)


def test_labels_stay_in_order_and_in_the_panel():
    for places in ([0, 0, 0.02], [0.9, 1, 1], [0.1, 0.5, 0.9], [-3, 0.5, 7]):
        found = effects.spread(places)
        assert (np.diff(found) >= effects.GAP - 1e-12).all()
        assert 0 <= found.min() <= found.max() <= 1
    assert effects.spread([0.1, 0.5, 0.9]).tolist() == [0.1, 0.5, 0.9]


def test_a_diverged_training_is_said_to_be_one(tmp_path, drawn):
    family = [effect("0.1", 0.3, is_base=True), effect("9", 1e30, diverged=True)]
    plots.plot_effects({"learning rate": family}, tmp_path / "e.png", "Title")
    axes = drawn[0].axes[0]
    assert ends(axes)["9\ndiverged"][0] == 1
    assert [line.get_marker() for line in axes.lines] == ["None", "None", "X"]


def test_the_command_keeps_what_diverges_and_trains_all_on_as_many_images(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        plots, "plot_effects", lambda families, path, *about: seen.update(families) or path
    )
    small = "--dataset digits --hidden 8 --steps 40 --batch-size 20 --quiet --activation relu"
    visualize.main(["effects", *small.split(), "--lr", "1e30", "--out", str(tmp_path)])
    assert list(seen) == ["learning rate", "initialisation", "batch size", "activation"]
    base = [each for family in seen.values() for each in family if each.is_base]
    assert [each.label for each in base] == ["1e+30", "kaiming_normal", "20", "relu"]
    assert all(each.diverged for each in base)
    assert len({tuple(each.loss) for each in base}) == 1
    rates = {each.label: each for each in seen["learning rate"]}
    assert not rates["0.001"].diverged
    assert rates["0.001"].images[-1] == 800
