"""Training on the page of np-nn draw: the native kernels' bits, model files, images, errors."""

import dataclasses
import gzip
import hashlib
import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

import np_nn as nn
from np_nn.commands import evaluate
from np_nn.data.preparation import Preparation
from np_nn.data.split import Split
from np_nn.utils.errors import NpNNError
from np_nn.visualize.draw import __main__ as command
from np_nn.visualize.draw import training
from tests.support.browser import browser, opened, problems

pytestmark = pytest.mark.kernel_independent
WASM = Path(__file__).resolve().parents[2] / "kernels" / "wasm"
COUNT, TESTED = 200, 40  # training and test images
FIELDS = {"widths": "24, 16", "batch": "20", "epochs": "20", "train-rate": "0.1", "seed": "7"}
STEPS = 200  # in these epochs
INFO = nn.ModelInfo(tuple("0123456789"), Preparation("digit", (28, 28), scale=1 / 255))


def module(name):
    """Return a Python file of kernels/wasm as a module."""
    spec = importlib.util.spec_from_file_location(name, WASM / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def split(count, seed):
    """Return images whose label decides which rows are bright, most of the pixels black."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    images = rng.integers(0, 256, (count, 28, 28)) * (rng.random((count, 28, 28)) < 0.1)
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 4 : 2 * label + 7, 6:22] = 200
    return Split(images.astype(np.uint8), labels)


class Data:
    train, test = split(COUNT, 0), split(TESTED, 1)

    def __init__(self, *_, **__):
        """Stand for nn.load."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("draw")


@pytest.fixture(scope="module")
def wasm(folder):
    """Return the module, built by the first compiler for WebAssembly."""
    build = module("build")
    if not build.available():
        pytest.skip("neither ziglang nor clang, lld and wasi-libc are installed")
    build.build(folder / "train.wasm", build.available()[0])
    return folder / "train.wasm"


@pytest.fixture(scope="module")
def files(folder):
    """Write a model file, and the sets as IDX files, compressed or not."""
    model = nn.initialize(nn.Sequential(nn.Linear(784, 8), nn.ReLU(), nn.Linear(8, 10)), "torch", 0)
    nn.save_model(model, folder / "m.safetensors", INFO)
    for name, part, pack in (("train", Data.train, gzip.compress), ("t10k", Data.test, bytes)):
        count, side = (number.to_bytes(4, "big") for number in (len(part), 28))
        images = b"\0\0\x08\x03" + count + side + side + part.images.tobytes()
        labels = b"\0\0\x08\x01" + count + part.labels.astype("u1").tobytes()
        (folder / f"{name}-images").write_bytes(pack(images))
        (folder / f"{name}-labels").write_bytes(pack(labels))
    return folder


def made(folder, name, *arguments):
    """Return the path of a page."""
    path = folder / name
    assert command.main([str(folder / "m.safetensors"), "-o", str(path), *arguments]) == 0
    return path


@pytest.fixture(scope="module")
def path(files, wasm):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "MODULE", wasm)
        patch.setattr(training.nn, "load", Data)
        return made(files, "page.html", "--images", str(COUNT))


@pytest.fixture(scope="module")
def chromium():
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def opened_page(chromium, path):
    """Yield the page; assert at the end that the console is empty."""
    with opened(chromium, path, "desk") as page:
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
        assert said == []


@pytest.fixture
def page(opened_page):
    """Return the page in its initial state, with the settings FIELDS."""
    opened_page.evaluate("np_nn.training.sets = undefined; np_nn.training.forget()")
    for name, value in FIELDS.items():
        opened_page.fill(f"#{name}", value)
    opened_page.select_option("#rule", "momentum")
    opened_page.select_option("#activation", "1")
    return opened_page


def ended(page):
    """Wait for the end of what the page does; return what it says then."""
    page.wait_for_function("!np_nn.training.acting && !np_nn.training.scheduled")
    return page.inner_text("#progress")


def run(page, button="run"):
    page.click(f"#{button}")
    return ended(page)


def load(page, path):
    page.set_input_files("#load", path)
    return ended(page)


def weights(page):
    values = page.evaluate("[...new Uint32Array(np_nn.training.model.weights.buffer)]")
    return np.array(values, np.uint32).view(np.float32)


def sha(array):
    return hashlib.sha256(array.tobytes()).hexdigest()


# ---- Bits -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def native(folder):
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NP_NN_ISA", "baseline")
        yield module("native"), module("native").build(folder)


@pytest.mark.parametrize(("rule", "activation"), [("momentum", "1"), ("adam", "3")])
def test_training_has_the_bits_of_the_native_kernels(page, native, rule, activation):
    code, library = native
    images = Data.train.images.reshape(COUNT, -1)
    network = code.Network(
        library, images, Data.train.labels, (784, 24, 16, 10), 7, int(activation), rule
    )
    network.train(STEPS, 20, 0.1)
    page.select_option("#rule", rule)
    page.select_option("#activation", activation)
    assert f"784-24-16-10: step {STEPS}, epoch 20.00, " in run(page)
    assert sha(weights(page)) == sha(network.weights)


def test_pause_step_and_rewind_change_no_bit(page):
    run(page)
    whole, text = sha(weights(page)), page.inner_text("#progress")
    assert "step 0, epoch 0.00" in run(page, "rewind")
    for _ in range(3):
        run(page, "one-step")
    assert "step 3, " in page.inner_text("#progress")
    page.fill("#epochs", "100000")
    page.click("#run")
    page.wait_for_function("np_nn.training.step > 20")
    assert page.inner_text("#run") == "Pause"
    assert page.is_disabled("#rewind")
    run(page)
    assert page.inner_text("#run") == "Run"
    run(page, "rewind")
    page.fill("#epochs", "20")
    run(page)
    assert (sha(weights(page)), page.inner_text("#progress")[:30]) == (whole, text[:30])


def test_pictures_of_a_training(page):
    run(page)
    counts = [int(text or 0) for text in page.locator("#confusion tbody td").all_inner_texts()]
    assert sum(counts) == TESTED
    right = sum(counts[::11]) / TESTED
    assert right > 0.9
    label = page.get_by_role("img", name="Accuracy").get_attribute("aria-label")
    assert f"on test images {100 * right:.1f} %" in label
    assert page.locator("polyline").first.get_attribute("points").count(",") > 3
    assert page.get_by_role("img", name="Weights of the first layer").is_visible()


# ---- Model files ------------------------------------------------------------------------------


def saved(page, folder):
    with page.expect_download() as download:
        page.click("#save-model")
    download.value.save_as(folder / "trained.safetensors")
    return folder / "trained.safetensors"


def test_a_saved_model_is_np_nns_and_comes_back(page, folder):
    run(page)
    trained = weights(page)
    model = nn.load_model(saved(page, folder))
    assert model.info.recipe == {"optimizer": "sgd:momentum=0.9", "lr": 0.1, "batch_size": 20}
    assert evaluate.recipe(model.info).batch_size == 20  # np-nn evaluate and --load take them
    assert (model.info.dataset, model.info.classes) == ("mnist", INFO.classes)
    held = np.concatenate([parameter.data.ravel() for parameter in model.parameters()])
    assert sha(held) == sha(trained)
    outputs = nn.predict(model, model.info.preparation.split(Data.test.images))
    right = np.mean(outputs.argmax(1) == Data.test.labels)
    assert f"on test images {100 * right:.1f} %" in page.inner_text("#curves")
    run(page, "rewind")
    assert load(page, folder / "trained.safetensors").startswith("784-24-16-10: step 0, ")
    assert sha(weights(page)) == sha(trained)
    run(page, "one-step")
    assert sha(weights(page)) != sha(trained)
    run(page, "rewind")
    assert sha(weights(page)) == sha(trained)
    page.select_option("#rule", "adam")
    run(page, "one-step")
    run(page, "rewind")
    assert sha(weights(page)) == sha(trained)


def test_a_model_of_np_nn_is_trained_and_drawn_for(page, tmp_path):
    layers = nn.Linear(784, 12, bias=False), nn.Tanh(), nn.Linear(12, 10, bias=False)
    model = nn.initialize(nn.Sequential(nn.Flatten(), *layers), "torch", 0)
    info = dataclasses.replace(
        INFO, preparation=Preparation("digit", (28, 28), scale=0.01, shift=-0.5)
    )
    nn.save_model(model, tmp_path / "own.safetensors", info)
    load(page, tmp_path / "own.safetensors")
    assert (page.input_value("#widths"), page.input_value("#activation")) == ("12", "3")
    run(page, "use")
    assert "The network trained here, 784-12-10" in page.inner_text("#about")
    page.click("#example")
    page.wait_for_function("np_nn.lesson.passes")
    x, values = page.evaluate(
        "[[...np_nn.lesson.x], np_nn.lesson.passes.values.map((v) => [...v])]"
    )
    model.eval()
    out = np.array([x], np.float32)
    for layer, value in zip(list(model)[1:], values[1:], strict=True):
        out = layer(out)
        np.testing.assert_allclose(value, out[0], rtol=1e-5, atol=1e-5)
    assert "step 1, " in run(page, "one-step")


OTHERS = {
    "other": nn.Sequential(nn.Linear(784, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 10)),
    "are prepared": nn.Sequential(nn.Linear(784, 10)),
}


def test_other_model_files_are_refused_in_a_line(page, folder, tmp_path):
    deskewed = dataclasses.replace(INFO.preparation, deskew=True)
    infos = {"other": INFO, "are prepared": dataclasses.replace(INFO, preparation=deskewed)}
    for word, model in OTHERS.items():
        nn.save_model(model, tmp_path / "m.safetensors", infos[word])
        assert word in load(page, tmp_path / "m.safetensors")
    content = bytearray((folder / "m.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "m.safetensors").write_bytes(content)
    assert load(page, tmp_path / "m.safetensors").startswith("m.safetensors: It is damaged")
    (tmp_path / "m.safetensors").write_bytes(b"no model")
    assert "It is not a model of np_nn" in load(page, tmp_path / "m.safetensors")
    assert "step 1, " in run(page, "one-step")


# ---- Images -----------------------------------------------------------------------------------


def choose(page, *paths):
    page.set_input_files("#files", paths)
    return ended(page)


def test_files_of_images_are_those_of_the_page(page, folder):
    run(page)
    embedded = sha(weights(page))
    paths = [
        folder / f"{part}-{what}" for what in ("labels", "images") for part in ("t10k", "train")
    ]
    choose(page, *paths)
    assert f"{COUNT} training and {TESTED} test images: " in page.inner_text("#images")
    run(page)
    assert sha(weights(page)) == embedded
    choose(page, *paths[1::2])  # of a single pair the end is held out
    assert f"{COUNT - COUNT // 6} training and {COUNT // 6}" in page.inner_text("#images")


def test_other_files_are_refused_in_a_line(page, folder, tmp_path):
    images = (folder / "train-images").read_bytes()
    plain = bytearray(gzip.decompress(images))
    plain[11] = 29
    for name, content in {
        "cut": images[:-200], "rows": plain, "short": gzip.decompress(images)[:-1], "text": b"text",
        "few": b"\0\0\x08\x01\0\0\0\2ab", "empty": b"",
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    whole = folder / "train-labels"
    assert "cut: damaged, its gzip" in choose(page, tmp_path / "cut", whole)
    assert "rows: images of 29 x 28 pixels" in choose(page, tmp_path / "rows", whole)
    assert "short: damaged, " in choose(page, tmp_path / "short", whole)
    assert "text: not an IDX file" in choose(page, tmp_path / "text", whole)
    assert "empty: not an IDX file" in choose(page, tmp_path / "empty")
    few = choose(page, folder / "train-images", tmp_path / "few")
    assert few == f"train-images: choose one file of {COUNT} labels with it."
    assert choose(page, whole).startswith("Choose a file of images with its labels")
    assert "step 1, " in run(page, "one-step")


# ---- Settings ---------------------------------------------------------------------------------


def test_a_rate_that_diverges_is_told_and_nothing_is_lost(page):
    run(page, "one-step")
    run(page, "rewind")
    start = sha(weights(page))
    page.fill("#train-rate", "1e30")
    assert "the network is back at its start; choose a learning rate below 1e+30" in run(page)
    assert sha(weights(page)) == start
    page.fill("#train-rate", "0.1")
    assert "step 200" in run(page)


BAD = (
    ("widths", "12, no", "Hidden layers: up to 31 widths"),
    ("widths", "0", "Hidden layers: up to 31 widths"),
    ("batch", "1", "Batch size: choose a whole number of at least 2"),
    ("epochs", "", "Epochs: choose a whole number of at least 1"),
    ("train-rate", "-1", "Learning rate: choose a number of at least 0"),
)


def test_bad_settings_are_told_in_a_line(page):
    for field, value, message in BAD:
        page.fill(f"#{field}", value)
        assert message in run(page)
        page.fill(f"#{field}", FIELDS[field])
        run(page, "one-step")
        assert page.get_attribute("#progress", "class") == ""


# ---- The page ---------------------------------------------------------------------------------


def test_the_page_opens_anywhere(chromium, path):
    assert problems(chromium, path) == []


def test_a_page_without_kernels_says_how_to_make_them(chromium, files, monkeypatch, capsys):
    monkeypatch.setattr(training, "MODULE", files / "none.wasm")
    path = made(files, "without.html")
    assert "\nthe page cannot train: make wasm builds its kernels\n" in capsys.readouterr().out
    with opened(chromium, path) as page:
        assert "Run make wasm" in page.inner_text("#train")


def test_more_images_than_there_are_are_refused(monkeypatch):
    monkeypatch.setattr(training.nn, "load", Data)
    with pytest.raises(NpNNError, match=f"--images {COUNT + 1}: mnist has {COUNT} training images"):
        training.facts(COUNT + 1)
