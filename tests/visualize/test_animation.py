"""np_nn.plots.save_animation: complete, reproducible, and without network requests."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from np_nn.plots import save_animation, snapshot
from np_nn.utils.errors import NpNNError
from tests.support.browser import browser, opened, problems

pytestmark = pytest.mark.kernel_independent
TITLE = "a <b>pass</b> & more"


@pytest.fixture(scope="module")
def frames():
    """Return three pictures of one colour each, with captions."""
    colours = ["#D55E00", "white", "#0072B2"]
    figures = [Figure((2, 1), facecolor=colour, dpi=60) for colour in colours]
    return [(f'step "{step}"', snapshot(figure)) for step, figure in enumerate(figures)]


def test_a_gif_shows_each_frame_for_its_time_and_begins_anew(tmp_path, frames):
    path = save_animation(frames, tmp_path / "a.gif", TITLE, seconds=0.2, hold=1.5)
    with Image.open(path) as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (3, (120, 60), 0)
        for number, (_, picture) in enumerate(frames):
            gif.seek(number)
            assert gif.info["duration"] == (1500 if number == 2 else 200)
            difference = np.array(gif.convert("RGB"), int) - np.array(picture, int)
            assert np.abs(difference).max() <= 8


def test_a_page_holds_all_frames_and_asks_for_nothing(tmp_path, frames):
    page = save_animation(frames, str(tmp_path / "a.html"), TITLE).read_text("utf-8")
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) == 1 + len(frames)
    assert all(source.startswith("data:") for source in sources)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page)
    assert "<title>a &lt;b&gt;pass&lt;/b&gt; &amp; more</title>" in page
    assert 'data-caption="step &#34;2&#34;"' in page
    assert page.count(" hidden>") == len(frames) - 1
    assert '<meta name="viewport" content="width=device-width' in page


def test_a_page_plays_pauses_and_follows_its_slider(tmp_path, frames):
    path = save_animation(frames, tmp_path / "a.html", TITLE, seconds=0.05, hold=0.05)
    with browser() as chromium:
        assert problems(chromium, path) == []
        with opened(chromium, path) as page:
            page.wait_for_function("document.querySelector('output').value.includes('1')")
            page.get_by_role("button", name="Pause").click()
            page.get_by_role("slider").fill("2")
            page.wait_for_timeout(200)
            assert page.locator("output").text_content() == 'step "2"'
            assert page.get_by_role("img").count() == 1
            assert page.get_by_role("img").get_attribute("alt") == f'{TITLE}: step "2"'


@pytest.mark.parametrize("name", ["a.gif", "a.html"])
def test_the_same_frames_give_the_same_bytes(tmp_path, frames, name):
    first = save_animation(frames, tmp_path / name, TITLE).read_bytes()
    assert save_animation(frames, tmp_path / name, TITLE).read_bytes() == first


def test_another_ending_and_a_missing_folder_are_refused(tmp_path, frames):
    with pytest.raises(NpNNError, match=r"ends in \.gif or \.html"):
        save_animation(frames, tmp_path / "a.mp4", TITLE)
    with pytest.raises(NpNNError, match="No such file"):
        save_animation(frames, tmp_path / "missing" / "a.gif", TITLE)
    assert not list(tmp_path.iterdir())
