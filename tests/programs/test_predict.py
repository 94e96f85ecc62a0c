"""np-nn predict: answers as table, JSON, CSV and picture, and errors of files."""

import csv
import io
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import np_nn as nn
from np_nn import __main__ as program
from np_nn import cli, ops, plots
from np_nn.cli import blocks
from np_nn.data.preparation import Preparation
from np_nn.plots import predictions
from np_nn.saving.model_info import ModelInfo
from np_nn.training.fit import predict
from tests.support.rendered_digits import prepared, rendered, resized, right, trained

pytestmark = pytest.mark.kernel_independent
FORTY, SEED = 40, 0
PLAIN = ModelInfo(("cat", "dog", "eel"), Preparation("image", (6, 4), scale=1 / 255), "pets")


@pytest.fixture
def run(monkeypatch, capsys):
    """Return np-nn predict as a function: arguments -> (exit status, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["/usr/bin/np-nn"])
        with pytest.raises(SystemExit) as stop:
            cli.run(lambda: program.main(["predict", *map(str, arguments)]))
        return stop.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the program's folder, with m.safetensors and the images a.png and b.png."""
    monkeypatch.chdir(tmp_path)
    save(PLAIN)
    for name, grey in {"a.png": 250, "b.png": 20}.items():
        Image.new("L", (8, 12), grey).save(name)
    return tmp_path


def save(info, *last, path="m.safetensors"):
    """Write a linear model with random weights for the info; return it."""
    inputs = int(np.prod(info.preparation.shape))
    model = nn.initialize(
        nn.Sequential(nn.Flatten(), nn.Linear(inputs, len(info.classes) or 3), *last), "torch", 0
    )
    nn.save_model(model, path, info)
    return nn.load_model(path)


# ---- Forty digits in the fonts that matplotlib ships ------------------------------------------


@pytest.fixture(scope="module")
def conv(mnist):
    if not ops.KERNELS:
        pytest.skip("fast99conv takes minutes to train without compiled kernels")
    return trained("fast99conv", seed=0)


def test_forty_rendered_digits_are_read(run, conv, tmp_path):
    images, digits = zip(*rendered(FORTY, SEED), strict=True)
    files = [tmp_path / f"{number}.png" for number in range(FORTY)]
    for image, file in zip(images, files, strict=True):
        image.save(file)
    nn.save_model(conv, tmp_path / "m.safetensors")
    status, out, _ = run(tmp_path / "m.safetensors", *files, "--json", "-")
    answers = [answer["class"] for answer in json.loads(out)]
    assert status == 0
    assert np.sum(np.array(answers) == list(map(str, digits))) >= 36
    assert right(conv, [resized(image) for image in images], digits) * FORTY < 15


def test_mnists_images_as_files_keep_their_accuracy(conv, mnist):
    images, labels = mnist.test.images[:500], mnist.test.labels[:500]
    files = [prepared(Image.fromarray(image)) for image in images]
    assert right(conv, files, labels) > right(conv, images, labels) - 0.003


# ---- Answers ----------------------------------------------------------------------------------


def test_the_table_names_file_class_probability_and_the_next(run, folder):
    status, out, err = run("m.safetensors", "a.png", "b.png")
    assert (status, err) == (0, "")
    head, _, titles, _, *rows = out.splitlines()
    assert head == "m.safetensors, trained on pets; inputs: 6 x 4, prepared as image"
    assert [cell.strip() for cell in titles.split("|")[1:-1]] == [
        "file", "class", "probability", "next",
    ]  # fmt: skip
    assert [row.split()[1] for row in rows] == ["a.png", "b.png"]
    assert all(row.count("%") == 3 for row in rows)


def test_answers_are_those_of_the_model_for_its_own_preparation(run, folder):
    """Scale, shift and deskewing of the model file are applied, and nothing else."""
    own = replace(PLAIN.preparation, shape=(12, 8), deskew=True, scale=0.02, shift=-1.0)
    model = save(replace(PLAIN, preparation=own))
    image = np.zeros((12, 8), np.uint8)
    image[[2, 3, 4, 5, 6, 7], [6, 5, 4, 4, 3, 2]] = 200
    Image.fromarray(image).save("slant.png")
    assert run("m.safetensors", "slant.png", "--json", "x.json", "--top", "2")[0] == 0
    seen = nn.Split(nn.deskew(image[None]), [0], 0.02, -1.0)
    shares = nn.Softmax()(predict(model, seen))[0]
    best = np.argsort(-shares)[:2]
    (answer,) = json.loads((folder / "x.json").read_text())
    assert [one["class"] for one in answer["top"]] == [PLAIN.classes[c] for c in best]
    np.testing.assert_allclose([one["probability"] for one in answer["top"]], shares[best])
    assert (answer["file"], answer["class"]) == ("slant.png", PLAIN.classes[best[0]])
    assert answer["probability"] == answer["top"][0]["probability"]


def test_json_is_all_that_is_printed_and_csv_has_the_same(run, folder):
    status, out, err = run("m.safetensors", "a.png", "b.png", "--json", "-", "--csv", "out.csv")
    assert (status, err) == (0, "written: out.csv\n")
    content = json.loads(out)
    header, *rows = csv.reader(io.StringIO((folder / "out.csv").read_text()))
    assert header == ["file", "class", "probability", "class_2", "probability_2", "class_3",
                      "probability_3"]  # fmt: skip
    assert [row[0] for row in rows] == ["a.png", "b.png"]
    for answer, row in zip(content, rows, strict=True):
        flat = [value for one in answer["top"] for value in one.values()]
        assert row[1:] == list(map(str, flat))


def test_top_is_at_most_the_number_of_classes(run, folder):
    _, out, _ = run("m.safetensors", "a.png", "--json", "-", "--top", "99")
    assert len(json.loads(out)[0]["top"]) == 3
    _, out, _ = run("m.safetensors", "a.png", "--top", "1")
    assert "next" not in out


def test_sigmoids_give_scores(run, folder):
    save(PLAIN, nn.Sigmoid())
    _, out, _ = run("m.safetensors", "a.png", "--json", "-")
    assert 0 < json.loads(out)[0]["score"] < 1
    assert "| score |" in run("m.safetensors", "a.png")[1]


def test_classes_without_names_have_numbers(run, folder):
    save(replace(PLAIN, classes=()))
    _, out, _ = run("m.safetensors", "a.png", "--json", "-")
    assert {one["class"] for one in json.loads(out)[0]["top"]} == {"0", "1", "2"}


def test_rows_of_a_table_are_numbered(run, folder):
    own = Preparation("features", (2,), False, columns=("x", "y"), mean=(0, 0), std=(1, 1))
    save(replace(PLAIN, preparation=own))
    (folder / "t.csv").write_text("x,y\n1,2\n3,4\n")
    (folder / "u.csv").write_text("x,y\n1,2\n")
    status, out, _ = run("m.safetensors", "t.csv", "u.csv", "--json", "-")
    assert status == 0
    assert [answer["file"] for answer in json.loads(out)] == ["t.csv:1", "t.csv:2", "u.csv"]
    status, _, err = run("m.safetensors", "t.csv", "--picture", "seen.png")
    assert (status, err.count("\n")) == (2, 1)
    assert "--picture draws images, and m.safetensors takes features" in err


def test_a_folder_stands_for_its_images(run, folder):
    (folder / "pictures").mkdir()
    for name in ("2.png", "1.png", "notes.txt"):
        (folder / "pictures" / name).write_bytes((folder / "a.png").read_bytes())
    _, out, _ = run("m.safetensors", "pictures", "b.png", "--json", "-")
    files = [answer["file"].replace("\\", "/") for answer in json.loads(out)]
    assert files == ["pictures/1.png", "pictures/2.png", "b.png"]


# ---- The network's input ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(6, 4), (3, 6, 9)])
def test_the_picture_shows_the_inputs(run, folder, shape):
    save(replace(PLAIN, preparation=Preparation("image", shape, scale=1 / 255)))
    (folder / "50$%_a.png").write_bytes((folder / "a.png").read_bytes())
    status, out, _ = run("m.safetensors", "a.png", "b.png", "50$%_a.png", "--picture", "seen.png")
    assert status == 0
    assert out.endswith("written: seen.png\n")
    with Image.open(folder / "seen.png") as picture:
        seen = np.asarray(picture.convert("L")).astype(int)
    assert seen.shape[0] < seen.shape[1] < 1000
    left = seen[40:300, 20:120]
    assert np.mean(np.abs(left - 250) < 6) > 0.2  # a.png
    assert np.mean(np.abs(seen[40:300, 490:600] - 20) < 8) > 0.2  # b.png


def test_of_many_inputs_the_picture_shows_the_first(folder, monkeypatch):
    monkeypatch.setattr(predictions, "MOST", 2)
    images, names = np.zeros((3, 3, 2), np.float32), ["x" * 80, "two", "three"]
    tops = [[("a", 0.5), ("b", -0.1)]] * 3
    text = plots.plot_predictions(images, names, tops, "p.svg", "t", "{:.2f}").read_text("utf-8")
    assert "the first 2 of 3 samples" in text
    assert [f"<!-- {name} -->" in text for name in names] == [False, True, False]
    assert f"<!-- ...{'x' * 39} -->" in text


def test_another_ending_of_the_picture_is_refused_at_once(run, folder):
    status, out, err = run("m.safetensors", "a.png", "--picture", "seen.gif", "--csv", "x.csv")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "png" in err
    assert not (folder / "x.csv").exists()


def test_a_terminal_shows_inputs_as_text(run, folder, monkeypatch):
    assert not set(run("m.safetensors", "b.png")[1]) & set(blocks.BLOCKS.strip())
    monkeypatch.setattr("np_nn.commands.predict.sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    image = np.zeros((6, 4), np.uint8)
    image[1:5, 2] = 255
    Image.fromarray(image).save("b.png")
    out = run("m.safetensors", "b.png", "b.png")[1]
    assert "\n  ▄     ▄\n  █     █\n  ▀     ▀\n" in out
    for quiet in (["--quiet"], ["--json", "-"]):
        assert "▄" not in run("m.safetensors", "b.png", *quiet)[1]
    monkeypatch.setenv("COLUMNS", "40")
    assert "▄" not in run("m.safetensors", "b.png")[1]


def test_half_blocks_draw_two_rows_in_one_and_shrink_large_images():
    image = np.array([[9, 0, 9, 0], [0, 9, 9, 0], [9, 9, 0, 0]])
    assert blocks.half_blocks(image) == ["▀▄█ ", "▀▀  "]
    assert blocks.half_blocks(np.stack([image] * 3)) == ["▀▄█ ", "▀▀  "]
    assert len(blocks.half_blocks(np.ones((200, 100)))[0]) <= blocks.MOST
    assert blocks.side_by_side([image] * 3, ["one", "a long title", "3"], 10).splitlines() == [
        "one   ...e", "▀▄█   ▀▄█", "▀▀    ▀▀", "3", "▀▄█", "▀▀",
    ]  # fmt: skip


# ---- Errors -----------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_costs_no_other(run, folder):
    (folder / "bad.png").write_bytes(b"no image")
    status, out, err = run("m.safetensors", "bad.png", "a.png", "gone.png", "--csv", "out.csv")
    assert status == 2
    assert "a.png" in out
    assert len((folder / "out.csv").read_text().splitlines()) == 2
    one, other = (line for line in err.splitlines())
    assert one.startswith("np-nn predict: error: bad.png: ")
    assert other.startswith("np-nn predict: error: gone.png: ")


def test_without_any_file_that_can_be_read_nothing_is_written(run, folder):
    (folder / "empty").mkdir()
    status, out, err = run("m.safetensors", "empty", "--csv", "out.csv")
    assert (status, out) == (2, "")
    assert err == "np-nn predict: error: empty: no image file in this folder\n"
    assert not (folder / "out.csv").exists()


def test_a_folder_for_a_model_of_arrays_is_refused(run, folder):
    save(replace(PLAIN, preparation=Preparation("array", (2, 2), scale=1 / 255)))
    np.save("x.npy", np.uint8([[1, 2], [3, 4]]))
    assert run("m.safetensors", "x.npy")[0] == 0
    status, _, err = run("m.safetensors", folder)
    assert (status, err.count("\n")) == (2, 1)
    assert "a folder, but the model takes no images" in err


def test_a_model_that_does_not_say_what_it_takes_is_refused(run, folder):
    save(PLAIN, path="n.safetensors")
    nn.save_model(nn.Sequential(nn.Linear(4, 3)), "n.safetensors")
    status, out, err = run("n.safetensors", "a.png")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "n.safetensors does not describe its inputs: save the model with" in err


@pytest.mark.parametrize(
    "words",
    ["--csv a.png", "--json m.safetensors", "--picture b.png", "--csv x --json x"],
)
def test_outputs_are_kept_apart_from_inputs(run, folder, words):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    status, out, err = run("m.safetensors", "a.png", folder, *words.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "conflict: give each a file" in err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
