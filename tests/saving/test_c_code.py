"""A model as one C file: compiled by every installed compiler, it computes np_nn's outputs."""

import ctypes
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

import np_nn as nn
from np_nn import models
from np_nn.data.preparation import FEATURES, IMAGE, Preparation
from np_nn.saving.c_code import FOLDER, FUNCTIONS
from np_nn.saving.c_steps import WRITERS
from np_nn.saving.model_info import ModelInfo
from tests import cases

STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
TOLERANCE = 1e-5  # of max(1, |output|)

pytestmark = pytest.mark.skipif(not COMPILERS, reason="no C compiler: neither gcc nor clang")
independent = pytest.mark.kernel_independent
any_compiler = pytest.mark.parametrize("compiler", COMPILERS)


def compiled(compiler, *sources, options=("-O1",)):
    """Compile C files into one shared library."""
    library = sources[0].with_suffix(f".{compiler}.so")
    command = [compiler, *STRICT, *options, "-shared", "-fPIC", *sources, "-o", library, "-lm"]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


def program(source, *options, compiler=COMPILERS[:1]):
    """Compile a C file into a program."""
    path = source.with_suffix(".program")
    command = [*compiler, *STRICT, "-DNP_NN_MAIN", *options, source, "-o", path, "-lm"]
    subprocess.run(command, check=True)
    return path


def run(path, content):
    return subprocess.run([path], input=content, capture_output=True, check=False)


def outputs(library, prefix, samples, count):
    """Return PREFIX_predict's outputs (n, count) for samples (n, ...)."""
    predict = getattr(library, f"{prefix}_predict")
    samples, made = np.ascontiguousarray(samples), np.empty((len(samples), count), np.float32)
    for sample, out in zip(samples, made, strict=True):
        predict(ctypes.c_void_p(sample.ctypes.data), ctypes.c_void_p(out.ctypes.data))
    return made


def far(made, wanted):
    """Return the samples with an output beyond the tolerance."""
    return (np.abs(made - wanted) / np.maximum(1, np.abs(wanted)) > TOLERANCE).any(axis=1)


def info_of(shape, pixels=True, classes=(), **more):
    return ModelInfo(classes, Preparation(shape=shape, pixels=pixels, **more))


def settled(model, seed=3):
    """Return the model with changed weights, and statistics other than the initial ones."""
    rng = np.random.default_rng(seed)
    for held in model.named_buffers().values():
        if held.data.dtype.kind == "f":
            held.data += rng.uniform(0, 1, held.shape).astype(np.float32)
    return model.eval()


# ---- The numbers ------------------------------------------------------------------------------


@independent
def test_every_layer_in_c_computes_the_same(tmp_path):
    written = [case for case in cases.LAYERS if case.kind in WRITERS]
    assert len({case.kind for case in written}) >= 24
    made = [(case.make().eval(), case.inputs(np.float32)) for case in written]
    made.append((nn.Residual(nn.Residual(nn.Dropout(0.5)), nn.Dropout(0.5)), made[0][1]))
    made.append((nn.Residual(nn.Sequential(nn.Residual(nn.ReLU()), nn.ReLU())), made[0][1]))
    for number, (layer, x) in enumerate(made):
        # Images are flattened, as in a classifier.
        model = nn.Sequential(layer, nn.Flatten()) if x.ndim == 4 else layer
        nn.export_c(settled(model), tmp_path / f"l{number}.c", info_of(x.shape[1:], pixels=False))
    library = compiled(COMPILERS[0], *sorted(tmp_path.glob("*.c")), options=("-O0",))
    for number, (layer, x) in enumerate(made):
        wanted = layer(x).reshape(len(x), -1)
        assert not far(outputs(library, f"l{number}", x, wanted.shape[1]), wanted).any(), layer


@independent
@any_compiler
def test_every_model_in_c_computes_the_same(compiler, tmp_path):
    info = info_of((3, 12, 12), scale=0.01, shift=-0.5)
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 12, 12), np.uint8)
    small = {"channels": (4, 8), "hidden": (16,)}
    settings = dict.fromkeys(models.MODELS, small) | {"resnet": {"channels": (4, 8)}}
    networks = {"mlp": nn.mlp((432, 32, 32, 10), norm="batch", dropout=0.5)}
    networks["residual_mlp"] = models.residual_mlp(432)
    for name in models.MODELS.keys() - networks.keys():
        networks[name] = models.MODELS[name]((3, 12, 12), **settings[name])
    for name, model in networks.items():
        nn.export_c(settled(model), tmp_path / f"{name}.c", info)
    library = compiled(compiler, *sorted(tmp_path.glob("*.c")))
    for name, model in networks.items():
        wanted = nn.predict(model, info.preparation.split(images))
        assert not far(outputs(library, name, images, 10), wanted).any(), name


def quickly_trained(model, data, **more):
    """Train a model on 6,000 images for one epoch; return it and the prepared test set."""
    model.info = ModelInfo(data.classes, Preparation(IMAGE, (28, 28), scale=1 / 255, **more))
    train, test = (
        model.info.preparation.split(split.images[:count], split.labels[:count])
        for split, count in ((data.train, 6000), (data.test, 10_000))
    )
    optimizer = nn.SGD(model.parameters(), lr=0.03, momentum=0.9)
    nn.fit(model, train, nn.CrossEntropyLoss(), optimizer, epochs=1, batch_size=32, quiet=True)
    return model.eval(), test


def mnist_outputs(model, folder, images):
    """Return the outputs of a model's C file for MNIST's images, with float and int8 weights."""
    for name, int8 in (("whole", False), ("small", True)):
        nn.export_c(model, folder / f"{name}.c", int8=int8)
    library = compiled(COMPILERS[0], *folder.glob("*.c"), options=("-O3",))
    return (outputs(library, name, images, 10) for name in ("whole", "small"))


@independent
@pytest.mark.parametrize(
    "network", [lambda: nn.mlp((784, 64, 10), norm="batch"), lambda: nn.lenet(channels=(4, 8))]
)
def test_classes_of_the_mnist_test_set_are_equal_and_int8_costs_nothing(network, mnist, tmp_path):
    model, test = quickly_trained(network(), mnist)
    wanted = nn.predict(model, test)
    made, small = mnist_outputs(model, tmp_path, mnist.test.images)
    assert np.array_equal(made.argmax(1), wanted.argmax(1))
    assert not far(made, wanted).any()
    right, right_small = (np.mean(o.argmax(1) == test.labels) for o in (made, small))
    assert abs(right - right_small) <= 0.002
    assert right > 0.85


def test_classes_of_deskewed_images_are_equal(mnist, tmp_path):
    model, test = quickly_trained(nn.mlp((784, 32, 10)), mnist, deskew=True)
    wanted = nn.predict(model, test)
    made, _ = mnist_outputs(model, tmp_path, mnist.test.images)
    assert np.array_equal(made.argmax(1), wanted.argmax(1))
    # CPUs with fused multiply-add round one pixel in 600,000 differently from NumPy.
    assert far(made, wanted).mean() <= (0.005 if nn.ops.active else 0)


@independent
def test_a_black_image_is_deskewed_too(tmp_path):
    images = np.zeros((3, 9, 8), np.uint8)
    images[1, 4] = 200  # a single row has no slant
    images[2, :, 7] = 255
    info = info_of((9, 8), deskew=True)
    nn.use("numpy")
    nn.export_c(nn.Flatten(), tmp_path / "straight.c", info)
    library = compiled(COMPILERS[0], tmp_path / "straight.c")
    assert np.array_equal(
        outputs(library, "straight", images, 72), nn.deskew(images).reshape(3, 72)
    )


@independent
def test_features_are_standardized_as_in_python(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(50, 1000, (20, 4)).astype(np.float32)
    means, stds = tuple(rng.normal(50, 9, 4).tolist()), (3.0, 1e-3, 700.0, 0.1)
    preparation = Preparation(FEATURES, (4,), False, columns=tuple("abcd"), mean=means, std=stds)
    model = nn.mlp((4, 8, 3), "tanh", output="softmax").eval()
    model.info = ModelInfo(("left", "right", "none"), preparation)
    nn.export_c(model, tmp_path / "rows.c")
    wanted = nn.predict(model, preparation.split(x))
    library = compiled(COMPILERS[0], tmp_path / "rows.c")
    assert not far(outputs(library, "rows", x, 3), wanted).any()
    text = "\n".join(", ".join(map(repr, row)) for row in x.tolist())
    path = program(tmp_path / "rows.c")
    done = run(path, text.encode())
    assert done.stdout.decode().split() == [model.info.classes[i] for i in wanted.argmax(1)]
    for content in (b"", b"1, 2, 3, 4\n5, six", b"1,,2,3,4", b"1,2,3\n4", b"1,2,3,4,5\n6,7,8"):
        done = run(path, content)
        assert done.returncode == 2
        assert done.stderr == b"rows: stdin must hold rows of 4 numbers\n"


@independent
def test_int8_is_a_third_of_the_text_and_near(tmp_path):
    model, info = nn.mlp((784, 32, 10)).eval(), info_of((28, 28), scale=1 / 255)
    model[0].weight.data[:, 3] = 0  # a unit whose weights are all 0
    before = model.state_dict()
    for name, int8 in (("whole.c", False), ("small.c", True)):
        nn.export_c(model, tmp_path / name, info, int8)
    assert (tmp_path / "small.c").stat().st_size < (tmp_path / "whole.c").stat().st_size / 2.5
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    library = compiled(COMPILERS[0], tmp_path / "small.c")
    wanted = nn.predict(model, info.preparation.split(images))
    np.testing.assert_allclose(outputs(library, "small", images, 10), wanted, atol=0.02)
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())


@independent
def test_every_c_function_has_its_place():
    assert sorted(FUNCTIONS) == sorted(path.stem for path in FOLDER.glob("*.h"))


# ---- The file ---------------------------------------------------------------------------------


@pytest.fixture
def signs(tmp_path):
    """Return a small network's file with hostile names, a few images and their classes."""
    names = ('a"b\\', "é??/", "*/ evil /*", "\n%s\x00")
    model = nn.mlp((20, 4)).eval()
    info = info_of((4, 5), classes=names, scale=1 / 255)
    nn.export_c(model, tmp_path / "2 Signs!.c", replace(info, dataset="*/ int x; /*"))
    images = np.random.default_rng(0).integers(0, 256, (30, 4, 5), np.uint8)
    shown = [name.rstrip("\x00") for name in names]
    wanted = [shown[i] for i in nn.predict(model, info.preparation.split(images)).argmax(1)]
    assert len(set(wanted)) > 2
    return tmp_path / "2 Signs!.c", images, wanted


@independent
def test_the_program_reads_images_and_idx_files(signs):
    path, images, wanted = signs
    binary, expected = program(path), "".join(f"{name}\n" for name in wanted).encode()
    header = np.array([0x803, *images.shape], ">i4").tobytes()
    for content in (images.tobytes(), header + images.tobytes()):
        done = run(binary, content)
        assert (done.returncode, done.stdout) == (0, expected)
    for content in (b"", images.tobytes()[:-1], header):
        done = run(binary, content)
        assert done.returncode == 2
        assert done.stderr == b"model_2_signs: stdin must hold images of 20 bytes, or an IDX file\n"


@independent
def test_a_regression_prints_its_number(tmp_path):
    nn.export_c(nn.Linear(2, 1), tmp_path / "y.c", info_of((2,), pixels=False, classes=("y",)))
    assert np.isfinite(float(run(program(tmp_path / "y.c"), b"1 2\n").stdout))


@independent
@pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler: g++ is missing")
def test_the_file_is_c_plus_plus_too(signs):
    path, images, wanted = signs
    source = path.rename(path.with_suffix(".cpp"))
    strict = [option for option in STRICT if option != "-std=c99"]
    binary = source.with_suffix(".program")
    subprocess.run(["g++", *strict, "-DNP_NN_MAIN", source, "-o", binary], check=True)
    assert run(binary, images[0].tobytes()).stdout.decode() == f"{wanted[0]}\n"


@independent
@any_compiler
def test_the_comment_at_the_top_is_a_program(compiler, signs):
    path, *_ = signs
    lines = path.read_text("ascii").partition("*/")[0].splitlines()
    start = lines.index(" *     #include <stdio.h>")
    (stop,) = (n for n, line in enumerate(lines) if line == " *     }")
    example = "\n".join(line[3:].removeprefix("    ") for line in lines[start : stop + 1])
    main = path.with_name("main.c")
    main.write_text(f"{example}\n")
    binary = path.with_name("example")
    subprocess.run([compiler, *STRICT, main, path, "-o", binary], check=True)
    assert re.match(rb"first output: [-\d.]+\nclass: ", run(binary, b"").stdout)


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x


@independent
def test_what_cannot_be_exported_says_so(tmp_path):
    path, info = tmp_path / "model.c", info_of((4,), pixels=False)
    broken = nn.Linear(4, 3)
    broken.weight.data[0, 0] = np.nan
    image, plane = info_of((1, 4, 4)), info_of((3, 4, 4), deskew=True)
    for model, given, message in (
        (nn.ReLU(), None, "has no sample shape"),
        (Doubled(), info, r"Doubled\(\) cannot be written as C"),
        (nn.Linear(5, 3), info, r"Linear\(5, 3\) expects"),
        (broken, info, "layer_weight holds NaN or infinity"),
        (nn.MaxPool2d(2), image, r"outputs are images \(1, 2, 2\)"),
        (nn.Linear(4, 3), info_of((4,), classes=("a",)), "3 outputs, but its info 1 classes"),
        (nn.Linear(48, 3), plane, "gray uint8 images"),
    ):
        with pytest.raises(nn.NpNNError, match=message) as caught:
            nn.export_c(model, path, given)
        assert "\n" not in str(caught.value)
    with pytest.raises(nn.NpNNError, match="cannot write"):
        nn.export_c(nn.ReLU(), tmp_path / "no" / "model.c", info)
    assert not list(tmp_path.iterdir())
