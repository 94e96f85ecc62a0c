"""Pictures of runs: held-out images, the restored weights, and several seeds as a band."""

import dataclasses

import numpy as np
import pytest

from np_nn import plots
from np_nn.plots import draw_curve, plot_training
from tests.support.pictures import TITLE, check_readable, curve, texts

pytestmark = pytest.mark.kernel_independent
HELD_OUT = ((100, 0.5, 3.0), (200, 0.97, 0.2), (300, 0.9, 0.4))


@pytest.fixture
def drawn(monkeypatch):
    """Return the figures saved, as matplotlib objects."""
    figures = []
    monkeypatch.setattr(plots.runs, "save_figure", lambda figure, path: figures.append(figure))
    return figures


def run(seed=0, kept=200, **changes):
    made = curve(test_accuracy=0.96 + seed / 100)
    shifted = made.accuracy - np.float32(seed / 100)
    return dataclasses.replace(
        made, accuracy=shifted, validation=HELD_OUT, kept=kept, **changes
    )  # fmt: skip


def lines_of(axes, marker):
    return [line for line in axes.lines if line.get_marker() == marker]


def test_held_out_results_are_whole_at_the_right_edge_and_within_the_axes(drawn):
    plot_training(run(), "", "np", TITLE)
    for figure, column in zip(drawn, (1, 2), strict=True):
        axes = figure.axes[0]
        (held_out,) = lines_of(axes, "D")
        assert not held_out.get_clip_on()
        assert held_out.get_xdata()[-1] == axes.get_xlim()[1] == 300
        low, high = axes.get_ylim()
        values = [entry[column] for entry in HELD_OUT]
        assert held_out.get_ydata() == pytest.approx(values)
        assert low <= min(values) <= max(values) <= high
    check_readable(drawn)


def test_the_kept_weights_are_marked(drawn):
    plot_training(run(), "", "np", TITLE)
    for figure, column in zip(drawn, (1, 2), strict=True):
        (ring,) = [line for line in lines_of(figure.axes[0], "o") if line.get_mfc() == "none"]
        assert (ring.get_xdata().item(), ring.get_ydata().item()) == (200, HELD_OUT[1][column])
        assert "kept: iteration 200" in texts(figure)
    assert b"kept: iteration 200" in draw_curve(run(), "loss")
    plot_training(run(kept=None), "", "np", TITLE)
    assert not any("kept" in text for text in texts(drawn[-1]))


def test_seeds_are_a_band_around_their_mean(drawn):
    runs = [run(seed, kept) for seed, kept in ((0, 200), (1, 300), (3, None))]
    plot_training(runs, "", "np", TITLE)
    axes = drawn[0].axes[0]
    assert {"mean and range of 3 seeds", "held out", "kept", "test\n97.33%"} <= set(texts(drawn[0]))
    mean = axes.lines[0]
    vertices = axes.collections[0].get_paths()[0].vertices
    at = vertices[vertices[:, 0] == 150, 1]
    own = [plots.smooth(each.accuracy, 3)[149] for each in runs]
    assert (at.min(), at.max()) == pytest.approx((min(own), max(own)))
    assert mean.get_ydata()[149] == pytest.approx(np.mean(own))
    rings = [line for line in lines_of(axes, "o") if line.get_mfc() == "none"]
    assert [ring.get_xdata().item() for ring in rings] == [200, 300]
    check_readable(drawn)


def test_seeds_that_stopped_at_different_steps_fit_into_one_picture(drawn):
    long, short = run(), run(1)
    short = dataclasses.replace(
        short, loss=short.loss[:200], accuracy=short.accuracy[:200], validation=HELD_OUT[:2]
    )
    plot_training([short, long], "", "np", TITLE)
    axes = drawn[0].axes[0]
    mean = axes.lines[0].get_ydata()
    assert len(mean) == 300
    assert mean[-1] == pytest.approx(plots.smooth(long.accuracy, 3)[-1])  # of those that reach it
    (held_out,) = lines_of(axes, "D")
    assert held_out.get_xdata().tolist() == [100, 200, 300]
