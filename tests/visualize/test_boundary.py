"""Points in the plane: separable sets, and pictures of how a network learns to separate them."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import np_nn as nn
from np_nn.data.points import POINTS, load_points
from np_nn.plots import plane
from np_nn.utils.errors import NpNNError

pytestmark = pytest.mark.kernel_independent


@pytest.mark.parametrize("name", POINTS)
def test_points_are_the_same_each_time_and_of_two_classes(name):
    first, again, other = load_points(name), load_points(name), load_points(name, 1)
    for split in ("train", "test"):
        points, same = getattr(first, split), getattr(again, split)
        assert points.images.dtype == np.float32
        assert points.images.shape == (len(points), 2)
        assert 0.3 < points.labels.mean() < 0.7
        np.testing.assert_array_equal(points.images, same.images)
        np.testing.assert_array_equal(points.labels, same.labels)
    assert not np.array_equal(first.train.images, other.train.images)


@pytest.mark.parametrize("name", POINTS)
def test_neighbours_tell_points_apart(name):
    """The classes overlap little: the nearest point's class is nearly always correct."""
    from sklearn.neighbors import KNeighborsClassifier

    data = load_points(name)
    nearest = KNeighborsClassifier(5).fit(data.train.images, data.train.labels)
    assert nearest.score(data.test.images, data.test.labels) > 0.93


def test_an_unknown_set_is_refused():
    with pytest.raises(NpNNError, match="did you mean 'moons'"):
        load_points("moon")


def test_a_line_separates_blobs_only():
    nn.manual_seed(0)
    accuracies = {}
    for name in POINTS:
        data, model = load_points(name), nn.Sequential(nn.Linear(2, 2))
        optimizer = nn.SGD(model.parameters(), lr=0.5)
        nn.fit(model, data.train, nn.CrossEntropyLoss(), optimizer, epochs=20, seed=0, quiet=True)
        accuracies[name] = nn.evaluate(model, data.test).accuracy
    assert accuracies.pop("blobs") > 0.95
    assert max(accuracies.values()) < 0.92


# ---- pictures

X = np.array([[0, 0], [1, 1], [0, 2], [2, 1]], float)
Y = np.array([0, 1, 0, 1])


def film(name="points", moments=4):
    """Return a film in which at moment i class 1 lies to the right of i."""
    across, up, heights = plane.landscape(lambda at: at[:, 0], X)
    lands = [(across, up, (heights > i).astype(float)) for i in range(moments)]
    seen = (plane.Moment(10 * i, i / 8, land) for i, land in enumerate(lands))
    return plane.Film(name, X, Y, tuple(seen))


def test_the_border_is_where_the_probability_is_a_half():
    across, up, heights = plane.landscape(lambda at: at[:, 0] / 2, X)
    assert heights.shape == (len(up), len(across))
    axes = Figure().add_subplot()
    plane.shade(axes, across, up, heights)
    (border,) = axes.collections[-1].get_paths()
    np.testing.assert_allclose(border.vertices[:, 0], 1, atol=1e-6)


def test_the_filmstrip_shows_the_first_and_the_last_moment(tmp_path, monkeypatch):
    figures, save = [], plane.save_figure
    monkeypatch.setattr(plane, "save_figure", lambda f, path: figures.append(f) or save(f, path))
    path = plane.plot_films([film("a", 7), film("b", 7)], 3, tmp_path / "strip.png", "Title")
    assert path.stat().st_size < 150_000
    titles = [axes.get_title(loc="center") for axes in figures[0].axes]
    assert titles == ["step 0: 0%", "step 30: 38%", "step 60: 75%"] * 2
    assert [axes.get_ylabel() for axes in figures[0].axes] == ["a", "", "", "b", "", ""]


def test_frames_are_of_one_size_and_differ():
    films = [film("a"), film("b", 2)]
    frames = [plane.film_frame(films, index, "Title") for index in range(4)]
    assert [caption for caption, _ in frames] == ["Step 0", "Step 10", "Step 20", "Step 30"]
    assert {picture.width for _, picture in frames} == {960}
    assert len({picture.size for _, picture in frames}) == 1
    assert len({picture.tobytes() for _, picture in frames}) == 4
