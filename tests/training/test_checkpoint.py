"""Checkpoints: a training that is stopped and resumed has the bits of an uninterrupted one."""

import hashlib
import json
import signal
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

import np_nn as nn
from np_nn import ops
from np_nn.data.fingerprint import PARTS, fingerprint
from np_nn.training import state
from np_nn.utils import archive, machine
from tests.support.trainings import blobs

DATA_PLAN = {name for part in PARTS for name in (part, f"validation {part}")}


class StopAt(nn.Callback):
    """Callback that ends a training after a batch, as a kill would."""

    def __init__(self, step):
        self.every = step

    def on_batch_end(self, training):
        training.stop = True


class Kind:
    """A kind of training: all arguments of ``fit``, created for each run."""

    def __init__(self, model, optimizer=nn.SGD, *, lr=0.05, data=None, **options):
        self.model, self.optimizer, self.lr = model, optimizer, lr
        self.data, self.options = data, options

    def train(self, digits, callbacks=(), **more):
        """Train; return everything that the training determines, as bytes."""
        nn.manual_seed(0)
        model = nn.initialize(self.model(), "torch", seed=3)
        optimizer = self.optimizer(model.parameters(), lr=self.lr)
        split = (
            self.data(digits)
            if self.data
            else nn.Split(digits.train.images[:300], digits.train.labels[:300])
        )
        options = {"epochs": 3, "batch_size": 20, "seed": 5, "quiet": True} | self.options
        history = nn.fit(
            model, split, nn.CrossEntropyLoss(), optimizer, callbacks=callbacks, **options | more
        )
        moments = [moment for moments in optimizer.moments for moment in moments]
        arrays = [*model.state_dict().values(), *moments, history.loss, history.accuracy]
        seen = [(step, one.accuracy, one.loss) for step, one in history.validation]
        return b"".join(map(np.ndarray.tobytes, arrays)), seen, history.done, history.stopped_early


def blobs_of(n):
    rng = np.random.default_rng(1)
    return nn.Split(rng.integers(0, 255, (n, 28, 28)).astype(np.uint8), np.arange(n) % 10)


def shifted(digits):
    """Return shifted pixels, of which the kernel of single images folds a sum every 64 steps."""
    return nn.Split(digits.train.images[:300], digits.train.labels[:300], 0.99 / 255, 0.01)


def noisy():
    return nn.Sequential(
        nn.Dropout(0.1), nn.Linear(784, 30, bias=False), nn.BatchNorm1d(30), nn.ReLU(),
        nn.Dropout(0.5), nn.GaussianNoise(0.1), nn.Linear(30, 10),
    )  # fmt: skip


KINDS = {
    "mlp": Kind(lambda: nn.mlp((784, 30, 10)), input="sparse"),
    "mlp, drawn with replacement": Kind(
        lambda: nn.mlp((784, 30, 10)), nn.AdamW, lr=0.001, replacement=True, input="sparse"
    ),
    "mlp, one image at a time": Kind(
        lambda: nn.mlp((784, 12, 10)), lr=0.01, batch_size=1, data=shifted, input="sparse"
    ),
    "mlp with BatchNorm and dropout": Kind(
        lambda: nn.mlp((784, 30, 20, 10), norm="batch", dropout=0.4), nn.Adam, lr=0.003,
        input="sparse",
    ),
    "noise, BatchNorm, Adam, schedule, distortion": Kind(
        noisy, nn.Adam, lr=0.003, schedule=nn.OneCycleLR(), augment=nn.Shift(1),
        validation=blobs_of(60), limits=nn.Limits(clip_norm=1.0),
    ),
    "early stopping": Kind(
        lambda: nn.mlp((784, 30, 10)), nn.RMSprop, lr=0.003, epochs=8, input="sparse",
        validation=blobs_of(60), early_stopping=nn.EarlyStopping(2),
    ),
    "convolutions": Kind(
        lambda: nn.lenet(channels=(3, 4), hidden=(20,)), nn.Adagrad, lr=0.01
    ),
}  # fmt: skip


@pytest.mark.parametrize("at", [1, 7, 15, 20, 30])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_resuming_gives_the_bits_of_never_having_stopped(kind, at, digits, tmp_path):
    path = tmp_path / "run.safetensors"
    at = at * 20 if kind.options.get("batch_size") == 1 else at
    whole = kind.train(digits)
    saved = kind.train(digits, [nn.Checkpoint(path, every=at)])
    assert saved == whole
    path.unlink()
    stopped = kind.train(digits, [nn.Checkpoint(path, every=at), StopAt(at)])
    assert stopped[2] < whole[2]
    assert kind.train(digits, resume=path) == whole


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", ["mlp", "mlp, one image at a time", "convolutions"])
def test_with_any_number_of_threads(name, threads, digits, kernels, tmp_path):
    """Compiled kernels also resume with another number; NumPy's BLAS needs the same number."""
    if kernels == "numpy" and threads > machine.cores():
        pytest.skip("a BLAS with more threads than cores waits for itself, for minutes")
    path, kind = tmp_path / "run.safetensors", KINDS[name]
    ops.set_threads(threads if kernels == "numpy" else 2)
    whole = kind.train(digits)
    kind.train(digits, [nn.Checkpoint(path, every=7), StopAt(7)])
    ops.set_threads(threads)
    resumed = kind.train(digits, resume=path)
    assert resumed == whole


def test_it_can_be_stopped_again_and_again(digits, tmp_path):
    kind, path = KINDS["noise, BatchNorm, Adam, schedule, distortion"], tmp_path / "run"
    whole, resume, stops = kind.train(digits), None, 0
    while True:
        result = kind.train(digits, [nn.Checkpoint(path, every=4), StopAt(4)], resume=resume)
        resume, stops = path, stops + 1
        if result[2] == 45:
            break
    assert stops == 12
    assert result == whole


def test_a_finished_training_resumes_to_itself(digits, tmp_path):
    for name in ("early stopping", "mlp"):
        kind, path = KINDS[name], tmp_path / name
        whole = kind.train(digits, [nn.Checkpoint(path)])
        assert kind.train(digits, resume=path) == whole
        assert whole[3] == (name == "early stopping")


def test_a_finished_training_can_be_made_longer(digits, tmp_path):
    kind, path = KINDS["mlp, drawn with replacement"], tmp_path / "run"
    whole = kind.train(digits, epochs=4)
    kind.train(digits, [nn.Checkpoint(path)], epochs=None, steps=22)
    assert kind.train(digits, resume=path, epochs=4) == whole
    with pytest.raises(nn.NpNNError, match="it has made 22 steps, of 15"):
        kind.train(digits, resume=path, epochs=1)


def train(path=None, *, model=None, lr=0.1, data=None, callbacks=None, **options):
    model = model or nn.initialize(nn.mlp((4, 8, 3)), "torch", seed=0)
    optimizer = nn.SGD(model.parameters(), lr=lr, momentum=0.9)
    callbacks = [nn.Checkpoint(path)] if callbacks is None and path else callbacks or ()
    options = {
        "epochs": 2,
        "batch_size": 20,
        "seed": 0,
        "quiet": True,
        "callbacks": callbacks,
    } | options
    history = nn.fit(model, data or blobs(), nn.CrossEntropyLoss(), optimizer, **options)
    return model, optimizer, history


def test_the_file_is_safetensors_with_one_key_and_its_own_hash(tmp_path):
    path = tmp_path / "run.safetensors"
    model, optimizer, _ = train(path)
    content = path.read_bytes()
    arrays = load(content)
    assert np.array_equal(arrays["model.0.weight"], model.state_dict()["0.weight"])
    assert np.array_equal(arrays["optimizer.moments.0.0"], optimizer.moments[0][0])
    (key, text), = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])[
        "__metadata__"
    ].items()  # fmt: skip
    about = json.loads(text)
    assert key == "np_nn"
    assert text == json.dumps(about, sort_keys=True)
    unsigned = content.replace(about["sha256"].encode(), b"0" * 64)
    assert hashlib.sha256(unsigned).hexdigest() == about["sha256"]
    assert about["tree"]["versions"]["numpy"] == np.__version__


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3).T, np.arange(10, dtype=np.float32)[::3], np.array(3),
        np.empty((0, 2)), np.asfortranarray(np.ones((3, 2), np.int64)),
    ],
    ids=["transposed", "strided", "scalar", "empty", "fortran"],
)  # fmt: skip
def test_arrays_of_any_layout_come_back(array):
    given = archive.unpack(archive.pack({"a": [array, {"b": array}], "c": 1}))
    for back in (given["a"][0], given["a"][1]["b"]):
        assert back.dtype == array.dtype
        assert back.shape == array.shape
        assert np.array_equal(back, array)
    assert given["c"] == 1


def test_the_last_ones_are_kept(tmp_path):
    path = tmp_path / "run"
    train(path, callbacks=[nn.Checkpoint(path, every=10, keep=3)])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run", "run.1", "run.2"]
    done = [
        nn.load_checkpoint(tmp_path / name)["history"]["curves"].shape[1]
        for name in ("run", "run.1", "run.2")
    ]
    assert done == [30, 20, 10]


def test_weights_can_be_used_without_the_training(tmp_path):
    path = tmp_path / "run"
    model, _, _ = train(path)
    other = nn.load_weights(nn.mlp((4, 8, 3)), path)
    assert np.array_equal(nn.predict(other, blobs()), nn.predict(model, blobs()))
    with pytest.raises(nn.NpNNError, match="run is of another model"):
        nn.load_weights(nn.mlp((4, 9, 3)), path)


def test_the_best_weights_are_those_that_early_stopping_returns(tmp_path):
    path, rule = tmp_path / "run", nn.EarlyStopping(1, monitor="loss")
    model, _, history = train(
        path, validation=blobs(9), early_stopping=rule, lr=3.0, epochs=30
    )  # fmt: skip
    assert history.stopped_early
    other = nn.load_weights(nn.mlp((4, 8, 3)), path)
    assert np.array_equal(nn.predict(other, blobs()), nn.predict(model, blobs()))


OTHERS = {
    "model": {"model": nn.mlp((4, 9, 3))},
    "optimizer": {"lr": 0.2},
    "batch size": {"batch_size": 10},
    "seed": {"seed": 1},
    "replacement": {"replacement": True},
    "schedule": {"schedule": nn.StepLR()},
    "number of images": {"data": blobs(299)},
    "early stopping": {"validation": blobs(), "early_stopping": nn.EarlyStopping()},
    "limits": {"limits": nn.Limits(max_norm=2)},
    "augment": {"augment": nn.Shift()},
    "scale": {"data": replace(blobs(), scale=1.0)},
    "shift": {"data": replace(blobs(), shift=0.1)},
    "images' SHA-256": {"data": replace(blobs(), images=blobs().images ^ 1)},
    "labels' SHA-256": {"data": replace(blobs(), labels=blobs().labels[::-1])},
    "validation scale": {"validation": blobs(60)},
}


@pytest.mark.parametrize(("what", "change"), OTHERS.items(), ids=OTHERS)
def test_a_checkpoint_of_another_training_is_refused(what, change, tmp_path):
    path = tmp_path / "run"
    train(path)
    with pytest.raises(nn.NpNNError, match=f"cannot resume from .*run: another.* its {what} is"):
        train(resume=path, **change)


def test_other_held_out_images_are_another_training(tmp_path):
    path, rule = tmp_path / "run", {"early_stopping": nn.EarlyStopping(1)}
    train(path, validation=blobs(60), **rule)
    with pytest.raises(nn.NpNNError, match="its validation images' SHA-256 is"):
        train(resume=path, validation=blobs(57), **rule)


def test_another_sparse_matrix_is_refused(tmp_path):
    scipy_sparse = pytest.importorskip("scipy.sparse")
    path, images = tmp_path / "run", blobs().images.reshape(300, 4)

    def matrix(images):
        return nn.Split(scipy_sparse.csr_matrix(images), blobs().labels)

    same = matrix(images)
    same.images.indices = same.images.indices.astype(np.int64)  # as scipy may choose it
    train(path, data=matrix(images))
    train(resume=path, data=same)
    for other in (np.roll(images, 1, axis=1), np.roll(images, 1, axis=0), images // 2):
        with pytest.raises(nn.NpNNError, match="its images' SHA-256 is"):
            train(resume=path, data=matrix(other))


def test_the_layout_in_memory_is_no_other_data(tmp_path):
    path, data = tmp_path / "run", blobs()
    images = np.asfortranarray(data.images)
    train(path)
    train(resume=path, data=nn.Split(images, data.labels.astype(">i4")))


def test_data_are_hashed_only_where_a_checkpoint_is_written_or_read(tmp_path, monkeypatch):
    hashed = []
    monkeypatch.setattr(state, "fingerprint", lambda data: hashed.append(data) or fingerprint(data))
    train()
    assert not hashed
    train(tmp_path / "run", callbacks=[nn.Checkpoint(tmp_path / "run", every=1)])
    assert len(hashed) == 2  # training and held-out images, once each


def test_a_checkpoint_without_fingerprints_resumes_with_a_warning(tmp_path):
    path = tmp_path / "run"
    train(path)
    tree = archive.read(path)
    old = {name: value for name, value in tree["plan"].items() if name not in DATA_PLAN}
    assert len(old) == len(tree["plan"]) - 8
    archive.write(path, tree | {"plan": old})
    with pytest.warns(UserWarning, match="kept no fingerprint of the data: make sure that"):
        train(path, resume=path, epochs=3)
    train(resume=path, epochs=3)  # it has them now: no warning
    archive.write(path, tree | {"plan": old | {"seed": 1}})
    with pytest.raises(nn.NpNNError, match="its seed is 1"):
        train(resume=path)


def broken(content):
    """Yield (what is wrong, bytes, message) of files."""
    size = int.from_bytes(content[:8], "little")
    yield "empty", b"", "damaged, or was not written by np_nn"
    yield "truncated header", content[:50], "damaged, or was not written"
    yield "truncated", content[:-1], "SHA-256"
    yield "longer", content + b"\0", "SHA-256"
    yield "endless header", b"\xff" * 8 + content[8:], "damaged, or was not written"
    yield "not JSON", content[:8] + b"[" * size + content[8 + size :], "damaged, or was not"
    yield "text", b"hello, world" * 100, "damaged, or was not written"
    yield "other safetensors", save({"a": np.zeros(3)}), "not written by np_nn"
    about = {"format": archive.FORMAT + 1, "tree": {}}
    yield "newer", save({}, {"np_nn": json.dumps(about)}), r"later np_nn \(format 2; .*update"
    for at in (0, 9, size // 2, size + 8, (size + len(content)) // 2, len(content) - 1):
        flipped = bytearray(content)
        flipped[at] ^= 1
        yield f"bit at {at}", bytes(flipped), "damaged|later np_nn"
    deep = b'{"format": 1, "sha256": "%s", "tree": %s}' % (b"0" * 64, b"[" * 900 + b"]" * 900)
    deep = save({}, {"np_nn": deep.decode()})
    digest = hashlib.sha256(deep).hexdigest().encode()
    yield "deep", deep.replace(b"0" * 64, digest, 1), "nested too deeply"
    yield "no training", archive.pack({"a": 1}), "not a checkpoint of a training"
    tree = archive.unpack(content)
    for name, part in {
        "model": {"0.weight": np.zeros(3, np.float32)},
        "optimizer": {"lr": float("nan"), "steps": -1, "moments": []},
        "history": {"curves": np.zeros((3, 31)), "validation": [], "stopped early": False},
        "random generators": {"shuffle": {}, "augmentation": {}},
        "plan": {},
        "layers' random numbers": [],
    }.items():
        yield f"hostile {name}", archive.pack(tree | {name: part}), "cannot resume from"


def test_what_is_damaged_or_hostile_changes_nothing(tmp_path):
    path = tmp_path / "run"
    train(path)
    model, optimizer, _ = train()

    def state():
        arrays = [*model.state_dict().values(), *(m for own in optimizer.moments for m in own)]
        return b"".join(map(np.ndarray.tobytes, arrays)), optimizer.steps, optimizer.lr

    before, tried = state(), 0
    for what, content, message in broken(path.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(nn.NpNNError, match=message) as caught:
            nn.fit(
                model, blobs(), nn.CrossEntropyLoss(), optimizer, epochs=2, batch_size=20,
                resume=path, seed=0, quiet=True,
            )  # fmt: skip
        assert "\n" not in str(caught.value), what
        assert str(path) in str(caught.value), what
        assert state() == before, what
        tried += 1
    assert tried > 15


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_what_is_no_file_is_named(what, tmp_path):
    path = tmp_path / what if what == "missing" else tmp_path
    with pytest.raises(nn.NpNNError, match=f"{path} is"):
        train(resume=path)


def test_a_diverging_run_keeps_the_last_good_one_and_says_so(tmp_path):
    path = tmp_path / "run"

    def explode(step, steps):
        return 1.0 if step < 17 else 1e30

    with pytest.raises(nn.DivergedError, match=r"--lr.*; .*run holds step 15$"):
        train(path, schedule=explode)
    assert nn.load_checkpoint(path)["history"]["curves"].shape[1] == 15


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    path = tmp_path / "run"

    class Spoil(nn.Callback):
        every = 10

        def on_batch_end(self, training):
            if training.history.done == 20:
                training.model[0].weight.data[0] = np.nan

    with pytest.raises(nn.DivergedError, match=r"no longer finite.* holds step 10$"):
        train(path, callbacks=[Spoil(), nn.Checkpoint(path, every=10)])
    assert nn.load_checkpoint(path)["history"]["curves"].shape[1] == 10


def test_ctrl_c_keeps_the_last_one(tmp_path):
    path = tmp_path / "run"

    class Interrupt(nn.Callback):
        every = 17

        def on_batch_end(self, training):
            signal.raise_signal(signal.SIGINT)

    whole = train(epochs=3)[0].state_dict()
    _, _, history = train(path, callbacks=[Interrupt(), nn.Checkpoint(path, every=5)], epochs=3)
    assert history.interrupted
    assert history.saved == (path, 15)
    resumed = train(resume=path, epochs=3)[0].state_dict()
    assert all(np.array_equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.parametrize("options", [{"keep": 0}, {"every": 0}], ids=str)
def test_impossible_numbers_are_refused(options, tmp_path):
    with pytest.raises(nn.NpNNError, match="at least 1"):
        train(callbacks=[nn.Checkpoint(tmp_path / "run", **options)])
