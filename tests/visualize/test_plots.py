"""np_nn.plots: pictures are complete, reproducible, correct, and never partly written."""

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from np_nn import plots
from np_nn.plots import Curve, plot_compare, plot_training, save_figure, smooth
from np_nn.utils.errors import NpNNError
from tests.support.pictures import TITLE, check_readable, curve, images, texts

pytestmark = pytest.mark.kernel_independent
BARS = [
    {"label": "PyTorch", "step_ms": 3.17, "images_per_s": 8e4, "peak_memory_mb": 612, "ratio": 1.0},
    {"label": "NumPy", "step_ms": 2.7, "images_per_s": 9e4, "peak_memory_mb": None, "ratio": None},
]


def flat(value, steps):
    return np.full(steps, value, dtype=np.float32)


@pytest.fixture
def drawn(monkeypatch):
    """Return the figures saved, as matplotlib objects."""
    figures = []
    save = plots.save_figure
    for module in (plots.runs, plots.images, plots.confusion, plots.errors):
        keep = lambda f, path: figures.append(f) or save(f, path)  # noqa: E731
        monkeypatch.setattr(module, "save_figure", keep)
    return figures


# ---- files


def test_training_pictures_have_their_names_and_size(tmp_path):
    paths = plot_training(curve(), str(tmp_path), "np", TITLE, note="digits", reference=0.984)
    assert paths == [tmp_path / "accuracy_plot_np.png", tmp_path / "loss_plot_np.png"]
    assert sorted(tmp_path.iterdir()) == paths
    for path in paths:
        picture = matplotlib.image.imread(path)
        assert picture.shape == (540, 960, 4)
        assert np.ptp(picture[:, :, :3]) > 0.9  # not an empty canvas
        assert path.stat().st_size < 150_000


def test_compare_picture_has_its_name_and_size(tmp_path):
    path = plot_compare([curve(), curve("PyTorch")], BARS, str(tmp_path / "compare.png"), TITLE)
    assert path == tmp_path / "compare.png"
    assert list(tmp_path.iterdir()) == [path]
    assert matplotlib.image.imread(path).shape == (600, 960, 4)
    assert path.stat().st_size < 150_000


def test_same_input_gives_same_bytes_whatever_the_users_style(tmp_path):
    def bytes_of(folder):
        folder.mkdir()
        paths = plot_training(curve(), folder, "torch", TITLE)
        paths.append(plot_compare([curve(), curve("PyTorch")], BARS, folder / "c.png", TITLE))
        return [path.read_bytes() for path in paths]

    first = bytes_of(tmp_path / "a")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "figure.dpi": 50}):
        assert bytes_of(tmp_path / "b") == first
    assert b"Software" not in first[0]


def test_drawing_leaves_the_users_style_alone_and_needs_no_pyplot(tmp_path):
    program = (
        "import sys; from matplotlib import rcParams\n"
        "def style(): return {k: rcParams[k] for k in rcParams if k != 'backend'}\n"
        "before = style()\n"
        "import numpy as np; from np_nn.plots import Curve, plot_training\n"
        "plot_training(Curve('NumPy', np.ones(5), np.ones(5), 1.0, 1.0), sys.argv[1], 'np', '')\n"
        "assert style() == before, 'style changed'\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot'\n"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, cwd=root)


@pytest.mark.parametrize("wrong", ["home", "style"])
def test_a_program_draws_without_display_latex_backend_and_home(wrong, tmp_path):
    """An invalid home and backend; a user's style that requires LaTeX."""
    program = (
        "import sys; from numpy import ones; from np_nn import cli\n"
        "def main():\n"
        "  from np_nn import plots\n"
        "  plots.plot_training(plots.Curve('', ones(5), ones(5), 1, 1), sys.argv[1], 'np', 'x_1')\n"
        "cli.run(main)"
    )
    (tmp_path / "file").touch()
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nbackend: tkagg")
    places = {
        "home": {"HOME": str(tmp_path / "file"), "MPLBACKEND": "nonsense"},
        "style": {"MPLCONFIGDIR": str(tmp_path)},
    }
    kept = ("PYTHONPATH", "SYSTEMROOT")  # no DISPLAY, no PATH to LaTeX
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=Path(__file__).resolve().parents[2], env=environment | places[wrong],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list(tmp_path.glob("*.png"))) == 2


# ---- failed writes


@pytest.fixture
def earlier(tmp_path):
    path = tmp_path / "accuracy_plot_np.png"
    path.write_bytes(b"earlier picture")
    return path


def test_full_disk_keeps_the_earlier_picture_and_leaves_no_temporary_file(earlier):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(NpNNError, match="File too large"):
            plot_training(curve(), earlier.parent, "np", TITLE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(earlier.parent.iterdir()) == [earlier]
    assert earlier.read_bytes() == b"earlier picture"


def test_interrupt_before_the_rename_leaves_no_temporary_file(earlier, monkeypatch):
    def interrupt(source, _target):
        assert Path(source).parent == earlier.parent
        assert Path(source).read_bytes().startswith(b"\x89PNG")
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_figure(Figure(), earlier)
    assert list(earlier.parent.iterdir()) == [earlier]
    assert earlier.read_bytes() == b"earlier picture"


def test_a_missing_folder_is_one_clear_error(tmp_path):
    with pytest.raises(NpNNError, match="No such file"):
        save_figure(Figure(), tmp_path / "missing" / "picture.png")
    assert list(tmp_path.iterdir()) == []


# ---- smoothing


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 1000])
@pytest.mark.parametrize("half", [0, 1, 7, 5000])
def test_smooth_keeps_a_constant_and_the_length(steps, half):
    np.testing.assert_allclose(smooth(flat(0.1, steps), half), flat(0.1, steps), rtol=1e-12)


def test_smooth_keeps_a_ramp_up_to_both_ends():
    ramp = np.linspace(5, -3, 400)
    np.testing.assert_allclose(smooth(ramp, 20), ramp, atol=1e-12)


def test_smooth_is_the_mean_of_the_window():
    values = np.random.default_rng(0).random(500)
    expected = [values[i - 10 : i + 11].mean() for i in range(30, 490)]
    np.testing.assert_allclose(smooth(values, 10)[30:490], expected, rtol=1e-12)


def test_smooth_is_unbiased_and_calmer_than_the_noise_at_the_end():
    noise = np.random.default_rng(1).normal(3, 1, (200, 300))
    ends = np.array([smooth(row, 20)[-1] for row in noise])
    assert abs(ends.mean() - 3) < 0.15
    assert ends.std() < 0.5


def test_smooth_follows_a_steep_first_descent():
    loss = np.geomspace(90, 1, 40).tolist() + [1.0] * 4000
    assert smooth(loss, 40)[60] == pytest.approx(1, rel=0.3)  # a full window would give 9
    assert smooth(loss, 40)[0] == 90


def test_smooth_stays_within_the_values():
    falling = np.geomspace(100, 1e-6, 20)
    assert smooth(falling, 5).min() >= 1e-6


# ---- what is drawn


def test_test_results_and_reference_are_drawn_where_they_are(tmp_path, drawn):
    plot_training(curve(), tmp_path, "np", TITLE, note="embedded digits", reference=0.984)
    accuracy, loss = drawn
    assert {"test\n98.00%", "published\n98.40%", TITLE, "embedded digits"} <= set(texts(accuracy))
    assert {"test\n0.07", TITLE, "embedded digits"} <= set(texts(loss))
    assert not any("published" in text for text in texts(loss))
    levels = [
        line.get_ydata()[0] for line in accuracy.axes[0].lines if line.get_ls() in ("--", ":")
    ]
    assert sorted(levels) == [0.98, 0.984]
    (marker,) = [line for line in accuracy.axes[0].lines if line.get_marker() == "o"]
    assert (marker.get_xdata()[0], marker.get_ydata()[0]) == (300, 0.98)


def test_nothing_is_written_outside_the_picture_nor_below_10_points(tmp_path, drawn):
    long = "784-1024-512-256-10 on Fashion-MNIST, " * 4
    plot_training(curve(), tmp_path, "np", long, note=long, reference=0.9801)
    plot_compare([curve("PyTorch"), curve(), curve("compiled")], BARS, tmp_path / "c.png", long)
    draw_all(tmp_path)
    draw_all(tmp_path, classes=[f"a class {i}" for i in range(10)])
    check_readable(drawn)


def test_accuracy_axis_shows_the_top_and_says_what_it_cuts(tmp_path, drawn):
    history = np.concatenate([np.linspace(0.1, 0.9, 20), np.linspace(0.9, 1, 1980)])
    plot_training(Curve("NumPy", history, history, 0.99, 0.1), tmp_path, "np", TITLE)
    axes = drawn[0].axes[0]
    assert 0.8 <= axes.get_ylim()[0] <= 0.9 < 1 <= axes.get_ylim()[1]
    bottom = axes.get_ylim()[0]
    (text,) = [text for text in texts(drawn[0]) if "below" in text]
    assert text.endswith("from 10%")
    below = int(re.search(r"first (\d+) iterations", text)[1])
    assert (history[below:] >= bottom).all()
    assert (history[: below - 2] < bottom).all()  # the mean crosses it a little later


def test_a_short_run_with_a_zero_loss_stays_in_its_frame(tmp_path, drawn):
    loss = np.array([50, 5, 0.5, 0, 0.05, 0])
    plot_training(Curve("NumPy", loss, flat(0.5, 6), None, None), tmp_path, "np", TITLE)
    box = drawn[1].get_tightbbox()
    assert box.y0 >= 0
    assert box.y1 <= 4.5
    assert drawn[1].axes[0].get_window_extent().height > 350  # the layout has not collapsed


def test_a_bad_test_result_is_never_off_the_axis(tmp_path, drawn):
    good = np.linspace(0.99, 1, 500)
    plot_training(
        Curve("NumPy", 1.01 - good, good, 0.31, 40.0), tmp_path, "np", TITLE, reference=0.2
    )
    assert drawn[0].axes[0].get_ylim()[0] <= 0.2
    assert drawn[1].axes[0].get_ylim()[1] >= 40


@pytest.mark.parametrize(("last", "scale"), [(2.0, "linear"), (0.02, "log")])
def test_loss_axis_is_logarithmic_beyond_a_decade(tmp_path, drawn, last, scale):
    loss = np.geomspace(3, last, 200)
    plot_training(Curve("NumPy", loss, flat(0.5, 200), None, None), tmp_path, "np", TITLE)
    assert drawn[1].axes[0].get_yscale() == scale


def test_log_axis_survives_zeros_and_labels_many_decades(tmp_path, drawn):
    loss = np.geomspace(90, 1e-12, 3000)
    loss[2000::3] = 0
    plot_training(Curve("NumPy", loss, flat(1, 3000), 1.0, 0.0), tmp_path, "np", TITLE)
    axes = drawn[1].axes[0]
    low, high = axes.get_ylim()
    assert 0 < low < 1e-8
    assert high >= 90
    assert sum(low <= tick <= high for tick in axes.get_yticks()) >= 3
    assert "test\n0" in texts(drawn[1])


@pytest.mark.parametrize("steps", [1, 2, 10, 99, 250])
@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("test", [None, 0.0, 1.0])
def test_degenerate_histories_are_drawn_without_a_warning(tmp_path, drawn, steps, value, test):
    run = Curve("NumPy", flat(value, steps), flat(value, steps), test, test)
    plot_training(run, tmp_path, "np", "", reference=test)
    for figure in drawn:
        np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), value)
        assert figure.axes[0].get_xlim()[1] == steps


@pytest.mark.parametrize("steps", [1, 10])
def test_short_comparison_is_drawn_without_a_warning(tmp_path, steps):
    runs = [Curve(label, flat(0, steps), flat(0, steps), None, None) for label in ("a", "PyTorch")]
    assert plot_compare(runs, BARS, tmp_path / "compare.png", TITLE).is_file()


@pytest.mark.parametrize(
    ("loss", "accuracy"), [([], []), ([1.0], [1.0, 1.0]), ([[1.0]], [[1.0]]), ([np.nan], [1.0])]
)
def test_a_curve_that_cannot_be_drawn_is_refused(loss, accuracy):
    with pytest.raises(NpNNError, match="NumPy: loss and accuracy must be"):
        Curve("NumPy", np.array(loss), np.array(accuracy), None, None)


# ---- learnt networks


def draw_all(folder, count=30, classes="0123456789"):
    """Draw every picture of images, of a network that mistakes each odd image."""
    labels = np.arange(count) % len(classes)
    scores = np.full((count, len(classes)), 0.01)
    scores[np.arange(count), (labels + labels % 2) % len(classes)] = np.linspace(0.5, 0.9, count)
    answers, stages = scores.argmax(axis=1), [("filters", images(8)), ("pooling", images(20, 14))]
    return [
        plots.plot_filters(images(8, 5) - 0.5, folder / "filters.png", TITLE),
        plots.plot_feature_maps(images(1)[0], stages, {"a": 1.0}, folder / "maps.png", TITLE),
        plots.plot_confusion(labels, answers, classes, folder / "confusion.png", TITLE, "digits"),
        plots.plot_errors(
            images(count), labels, scores, classes, folder / "errors.png", TITLE, "digits"
        ),
    ]


def test_pictures_of_images_are_the_same_bytes_each_time(tmp_path):
    paths = draw_all(tmp_path)
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in draw_all(tmp_path)] == first
    assert all(len(content) < 150_000 for content in first)


def test_filters_are_white_at_zero(tmp_path, drawn):
    plots.plot_filters(images(8, 5) - 0.7, tmp_path / "f.png", TITLE)
    (image,) = drawn[0].axes[0].images
    assert image.norm.vmin == -image.norm.vmax
    assert image.get_array().shape == (5, 8 * 6 - 1)
    assert image.cmap(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.01)


def test_feature_maps_say_how_many_there_are(tmp_path, drawn):
    draw_all(tmp_path)
    titles = [axes.get_title(loc="left") for axes in drawn[1].findobj(Axes)]
    assert {"filters: 8 maps of 28 x 28", "pooling: 16 of 20 maps of 14 x 14"} <= set(titles)


def test_confusion_counts(tmp_path, drawn):
    labels, answers = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 2])
    plots.plot_confusion(labels, answers, "abc", tmp_path / "c.png", TITLE)
    (axes,) = drawn[0].axes
    assert axes.images[0].get_array().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    shown = [text.get_text() for text in axes.texts]
    assert shown == ["2", "1", "1", "1", "1", "66.7% right", "50.0% right", "100.0% right"]


def test_the_surest_errors_come_first(tmp_path, drawn):
    draw_all(tmp_path)
    above = [text.get_text() for text in drawn[3].axes[0].texts]
    chances = [float(re.search(r"\((.*)%\)", answer)[1]) for answer in above[::2]]
    assert len(chances) == len(drawn[3].axes[0].images) == 15  # 15 of 30 images
    assert chances == sorted(chances, reverse=True)
    assert above[:2] == ["0 (90.0%)", "is 9 (1.0%)"]


def test_a_network_without_errors_and_absent_classes_are_drawn(tmp_path, drawn):
    labels, scores = np.zeros(3, int), np.eye(3)[[0, 0, 0]]
    plots.plot_errors(images(3), labels, scores, "abc", tmp_path / "e.png", TITLE)
    plots.plot_confusion(labels, scores.argmax(axis=1), "abc", tmp_path / "c.png", TITLE)
    assert not any(axes.images for axes in drawn[0].axes)
    assert sum("right" in text for text in texts(drawn[1])) == 1


# ---- comparison


def test_curves_that_agree_lie_over_each_other_visibly(tmp_path, drawn):
    runs = [curve("PyTorch"), curve("NumPy"), curve("compiled", test_accuracy=None)]
    plot_compare(runs, BARS, tmp_path / "compare.png", TITLE)
    for axes in drawn[0].axes[:2]:
        widths = [line.get_linewidth() for line in axes.lines]
        assert widths == sorted(widths, reverse=True)
        assert widths[0] > 3 * widths[-1]
        assert [line.get_linestyle() for line in axes.lines] == ["-", "-", "--"]
        assert len({line.get_color() for line in axes.lines}) == 3
        assert axes.get_title(loc="left").endswith(("at most 0", "at most 0.00%"))
    assert {"PyTorch, test 98.00%", "compiled"} <= set(texts(drawn[0]))


def test_the_largest_gap_is_told(tmp_path, drawn):
    low, high = (Curve("a", flat(v, 50), flat(v, 50), None, None) for v in (0.25, 0.75))
    plot_compare([low, high], BARS, tmp_path / "compare.png", TITLE)
    titles = [axes.get_title(loc="left") for axes in drawn[0].axes[:2]]
    assert titles[0].endswith("at most 0.5")
    assert titles[1].endswith("at most 50.00%")


def test_bars_carry_values_ratios_and_the_contenders_colours(tmp_path, drawn):
    plot_compare([curve("PyTorch"), curve()], BARS, tmp_path / "compare.png", TITLE)
    expected = {"3.17 ms (1.00\u00d7 as fast)", "2.70 ms", "80,000", "612 MB", "unknown"}
    assert expected <= set(texts(drawn[0]))
    lines, bars = drawn[0].axes[0].lines, drawn[0].axes[2].patches
    assert [bar.get_width() for bar in bars] == [3.17, 2.7]
    for line, bar in zip(lines, bars, strict=True):
        assert matplotlib.colors.to_rgb(line.get_color()) == bar.get_facecolor()[:3]


def test_two_contenders_of_different_length(tmp_path, drawn):
    plot_compare([curve(steps=300), curve("PyTorch", steps=90)], BARS, tmp_path / "c.png", TITLE)
    assert drawn[0].axes[0].get_title(loc="left") == "loss"
    assert drawn[0].axes[1].get_xlim() == (0, 300)
