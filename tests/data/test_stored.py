"""Stored sets: the folder, what is read from it, and networks trained from it."""

import errno
import json
import os
import shutil
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import np_nn as nn
from np_nn.data.augmentation import named
from np_nn.data.batches import Batches, BlockShuffle
from np_nn.data.preparation import FEATURES
from np_nn.data.stored import images, layout, sources, store, writing
from np_nn.recipes import RECIPES, Recipe
from np_nn.recipes.prepare import prepare
from np_nn.utils import seeds
from tests.support import faults

independent = pytest.mark.kernel_independent
SIZE = 50  # samples of a shard here


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Make shards of SIZE samples, and blocks of the order of about 10; wait for no disk."""
    monkeypatch.setattr(sources, "SHARD_BYTES", 64 * SIZE)
    monkeypatch.setattr(writing, "BLOCK_BYTES", 10 * 76)
    monkeypatch.setattr(writing, "WINDOW", 4)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def part(split, count):
    return nn.Split(split.images[:count], split.labels[:count], split.scale, split.shift)


@pytest.fixture(scope="module")
def few():
    """Return 8 x 8 images, 30 % of whose pixels are not 0: 130 to train with and 50 to test."""
    rng = np.random.default_rng(0)
    x = rng.integers(1, 256, (180, 8, 8), np.uint8) * (rng.random((180, 8, 8)) < 0.3)
    y = np.arange(180) % 10
    return nn.from_arrays(
        x[:130], y[:130], (x[130:], y[130:]), classes=list("abcdefghij"), name="few"
    )


@pytest.fixture
def stored(few, tmp_path):
    return nn.store(few, tmp_path / "set", quiet=True)


def content(folder):
    """Return {name: bytes} of the files that a set consists of, without those that a kill left."""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()
            if path.name != layout.CHECKED and path.name[0] != "."}  # fmt: skip


def refused(call, *words):
    """Return the one-line DataError or NpNNError of a call; it has these words."""
    with pytest.raises(nn.NpNNError) as caught:
        call()
    line = str(caught.value)
    assert line.isprintable()
    assert all(str(word) in line for word in words), line
    return line


# ---- What is read ------------------------------------------------------------------------------


@independent
def test_a_stored_set_is_the_set(few, stored):
    for name in ("train", "test"):
        before, after = getattr(few, name), getattr(stored, name)
        assert np.array_equal(before.images, np.asarray(after.images))
        assert np.array_equal(before.labels, after.labels)
        assert (before.scale, before.shift) == (after.scale, after.shift)
        assert all(map(np.array_equal, before.rows, after.rows))
    assert stored.preparation == few.preparation
    assert (stored.classes, stored.name) == (few.classes, "set")
    assert stored.train.images.compressed


@independent
def test_images_are_indexed_as_arrays(few, stored):
    own, there = few.train.images, stored.train.images
    assert (there.shape, there.dtype, there.ndim, there.size, len(there)) == (
        own.shape, own.dtype, own.ndim, own.size, len(own)
    )  # fmt: skip
    keys = [3, -1, np.int64(5), slice(2, 9, 3), slice(None, None, -1), [1, 7, -2], np.arange(0),
            own[:, 3, 3] > 5]  # fmt: skip
    view = there.part(70, -20)
    for key in keys:
        assert np.array_equal(own[key], there[key])
    for key in (3, -1, slice(2, 9, 3), [1, 7, -2]):
        assert np.array_equal(own[70:-20][key], view[key])
    assert not isinstance(view, np.ndarray)
    assert np.array_equal(own[70:-20], np.asarray(view))
    assert len(there.part(9, 5)) == 0
    for key in (130, -131, [0, 130], [-131]):
        with pytest.raises(IndexError):
            there[key]


@independent
@pytest.mark.parametrize("kind", ["noise", "features"])
def test_dense_samples_are_stored_as_they_are(kind, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.integers(1, 256, (150, 6, 6), np.uint8)
    x = x if kind == "noise" else rng.normal(3, 2, (150, 5))
    data = nn.from_arrays(x, np.arange(150) % 3)
    there = nn.store(data, tmp_path / "set", quiet=True)
    assert not there.train.images.compressed
    assert np.array_equal(np.asarray(there.train.images), data.train.images)
    assert there.preparation == data.preparation
    network = nn.mlp((data.train.images[0].size, 8, 3))
    both = [nn.predict(network, data_.test) for data_ in (data, there)]
    assert np.array_equal(*both)
    if kind == "noise":
        refused(lambda: nn.predict(network, there.test, input="sparse"), "sparse input is for")
    else:  # another model's mean and standard deviation
        rule = replace(data.preparation, mean=(0,) * 5, std=(1,) * 5)
        assert rule.kind == FEATURES
        again = nn.load(tmp_path / "set", preparation=rule)
        assert np.allclose(again.train.images, data.preparation.std * data.train.images
                           + data.preparation.mean, atol=1e-5)  # fmt: skip


@independent
def test_black_images_are_stored(tmp_path):
    data = nn.from_arrays(np.zeros((60, 6, 6), np.uint8), np.arange(60) % 2)
    there = nn.store(data, tmp_path / "set", quiet=True)
    assert there.train.images.compressed
    assert not np.asarray(there.train.images).any()
    fit(nn.mlp((36, 2)), there.train, epochs=1, batch_size=7, quiet=True)


@independent
def test_a_generator_of_blocks_becomes_the_same_arrays(few, tmp_path):
    def blocks():
        for start, stop in ((0, 1), (1, 2), (2, 120), (120, 130)):
            yield few.train.images[start:stop].astype(np.int32), few.train.labels[start:stop]

    there = nn.store(blocks(), tmp_path / "set", test=few.test, classes=few.classes, quiet=True)
    assert np.array_equal(few.train.images, np.asarray(there.train.images))
    assert np.array_equal(few.train.labels, there.train.labels)
    assert there.classes == few.classes
    assert there.preparation.kind == "image"
    unnamed = nn.store(blocks(), tmp_path / "other", test=few.test, quiet=True)
    assert unnamed.classes == tuple("0123456789")


@independent
def test_a_copy_of_the_folder_is_checked_once(stored, tmp_path, monkeypatch):
    shutil.copytree(tmp_path / "set", tmp_path / "copy")
    os.utime(tmp_path / "copy" / "train-values.bin")
    checks = []
    of = layout.Shard.of
    monkeypatch.setattr(layout.Shard, "of", lambda arrays: checks.append(0) or of(arrays))
    assert len(nn.load(tmp_path / "copy").train) == 130
    assert len(checks) == 3 + 1
    assert len(nn.load(tmp_path / "copy").train) == 130
    assert len(checks) == 4


# ---- Distorted copies --------------------------------------------------------------------------


@independent
def test_distorted_copies_are_the_same_for_any_number_of_jobs(few, tmp_path):
    for jobs in (1, 2):
        nn.store(few, tmp_path / str(jobs), distort=2, seed=5, jobs=jobs, quiet=True)
    assert content(tmp_path / "1") == content(tmp_path / "2")
    there = nn.load(tmp_path / "1")
    assert len(there.train) == 2 * 130
    assert np.array_equal(there.train.labels, np.tile(few.train.labels, 2))
    assert np.array_equal(np.asarray(there.test.images), few.test.images)
    rng = seeds.generator(5, "store", 1, 2)  # of copy 1, shard 2
    wanted = named(store.DISTORTION)(few.train.images[2 * SIZE : 3 * SIZE], rng)
    assert np.array_equal(there.train.images[130 + 2 * SIZE : 130 + 3 * SIZE], wanted)
    assert "2 distorted copies" in there.remarks[-1]


@independent
def test_the_default_distortion_is_that_of_the_recipe():
    assert RECIPES["distorted"].augment == store.DISTORTION


# ---- Interruptions and full disks --------------------------------------------------------------


@independent
def test_a_killed_run_continues_to_the_same_bytes(few, tmp_path):
    nn.store(few, tmp_path / "whole", distort=1, quiet=True)

    def dying(countdown):
        left, write = [countdown], os.write

        def counted(*arguments):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return write(*arguments)

        os.write = counted
        nn.store(few, tmp_path / "set", distort=1, quiet=True)

    for _ in range(40):
        process = faults.child(dying, 14)
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status):
            break
        refused(lambda: nn.load(tmp_path / "set"), "the same np-nn store continues")
    assert status == 0
    assert content(tmp_path / "set") == content(tmp_path / "whole")


@independent
def test_each_call_that_writes_may_fail(few, tmp_path):
    one = replace(few, train=part(few.train, SIZE + 1), test=part(few.test, 3))
    nn.store(one, tmp_path / "whole", quiet=True)
    k = 0
    while True:
        k += 1
        with faults.FailAt(k, errno.ENOSPC) as fault, suppress(nn.NpNNError):
            nn.store(one, tmp_path / "set", quiet=True)
        if fault.calls < k:
            break
        nn.store(one, tmp_path / "set", quiet=True)
        assert content(tmp_path / "set") == content(tmp_path / "whole")
        shutil.rmtree(tmp_path / "set")
    assert k > 20


@independent
def test_a_full_disk_is_said_in_one_line_and_the_same_call_continues(few, tmp_path):
    resource = pytest.importorskip("resource", reason="this system sets no limits")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, limits[1]))
    try:
        refused(lambda: nn.store(few, tmp_path / "set", quiet=True), "cannot write",
                "File too large; the same command continues")  # fmt: skip
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(nn.store(few, tmp_path / "set", quiet=True).train) == 130


@independent
def test_a_generator_continues_if_its_blocks_are_the_same(few, tmp_path):
    def blocks(first, fail):
        for start in range(first, 130, 40):
            if fail and start == 80:
                raise KeyboardInterrupt
            yield few.train.images[start : start + 40], few.train.labels[start : start + 40]

    with pytest.raises(KeyboardInterrupt):
        nn.store(blocks(0, True), tmp_path / "set", test=few.test, quiet=True)
    refused(lambda: nn.store(blocks(40, False), tmp_path / "set", test=few.test, quiet=True),
            "holds the beginning of another set (other training samples)")  # fmt: skip
    there = nn.store(blocks(0, False), tmp_path / "set", test=few.test, quiet=True)
    assert np.array_equal(np.asarray(there.train.images), few.train.images)


@independent
def test_the_beginning_of_another_set_is_not_continued(few, tmp_path):
    nn.store(few, tmp_path / "set", quiet=True)
    (tmp_path / "set" / layout.COMPLETE).rename(tmp_path / "set" / layout.UNFINISHED)
    refused(lambda: nn.store(few, tmp_path / "set", distort=1, quiet=True), "another set")


@independent
def test_a_complete_set_is_kept(few, stored, tmp_path):
    before = content(tmp_path / "set")
    assert len(nn.store(few, tmp_path / "set", quiet=True).train) == 130
    refused(lambda: nn.store(few, tmp_path / "set", distort=1), "complete stored set already")
    blocks = iter([(few.train.images, few.train.labels)])
    refused(lambda: nn.store(blocks, tmp_path / "set", test=few.test), "name a new folder")
    assert content(tmp_path / "set") == before


# ---- Damage ------------------------------------------------------------------------------------


@independent
@pytest.mark.parametrize("name", ["train-indptr", "train-columns", "train-values", "test-labels"])
def test_a_changed_byte_is_found(stored, tmp_path, name):
    path = tmp_path / "set" / f"{name}.bin"
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 2] ^= 1
    path.write_bytes(changed)
    os.utime(path, ns=(0, 0))
    refused(lambda: nn.load(tmp_path / "set"), "are damaged", "store the set again")


@independent
@pytest.mark.parametrize("change", ["truncated", "longer", "missing"])
def test_a_file_of_the_wrong_size_is_found(stored, tmp_path, change):
    path = tmp_path / "set" / "train-values.bin"
    size = path.stat().st_size
    if change == "missing":
        path.unlink()
    else:
        os.truncate(path, size + (7 if change == "longer" else -7))
    refused(lambda: nn.load(tmp_path / "set"), path, "store the set again")


@independent
@pytest.mark.parametrize("content", [b"", b"{", b"[" * 10**5, b"\xff", b"[]", b'{"format": 3}'])
def test_a_damaged_description_is_found(stored, tmp_path, content):
    (tmp_path / "set" / layout.COMPLETE).write_bytes(content)
    refused(lambda: nn.load(tmp_path / "set"), "damaged", "store the set again")


@independent
def test_a_description_of_another_version_or_changed_is_refused(stored, tmp_path):
    path = tmp_path / "set" / layout.COMPLETE
    facts = json.loads(path.read_text())
    for name, value, words in (
        ("version", 2, "a stored set of version 2, which this np_nn does not read"),
        ("byte order", "middle", "of byte order middle"),
        ("classes", ["a"], "its digest is wrong"),
    ):
        path.write_text(json.dumps({**facts, name: value}))
        refused(lambda: nn.load(tmp_path / "set"), words)


@independent
def test_a_set_that_changes_while_it_is_read_ends_in_one_line(stored, tmp_path):
    """Never in the signal that reading beyond a file's end sends."""
    model = nn.mlp((64, 8, 10))
    path = tmp_path / "set" / "train-columns.bin"

    class Truncate(nn.Callback):
        def on_epoch_end(self, training):
            os.truncate(path, 0)

    call = {"epochs": 3, "batch_size": 10, "quiet": True, "callbacks": [Truncate()]}
    for feed in ("sparse", "dense"):
        refused(lambda feed=feed: fit(model, stored.train, input=feed, **call), path, "changed")
        os.truncate(path, 0)
    refused(lambda: nn.evaluate(model, stored.train), "changed while it was read")
    refused(lambda: stored.train.images[3], "changed while it was read")


# ---- Bad input ---------------------------------------------------------------------------------


@independent
@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ([], "yields no block"),
        ([3], "block 0 of the source is not a pair"),
        ([(np.ones((2, 8, 8), np.uint8), [0])], "block 0 of the source: 2 images and 1 labels"),
        ([(np.ones((2, 8, 8), np.uint8), [0, -1])], "label -1: class numbers begin with 0"),
        ([(np.ones((2, 8, 8), np.uint8), [0.5, 1])], "the labels must be class numbers"),
        ([(np.full((2, 8, 8), np.nan), [0, 1])], "NaN or infinite"),
        ([("x", [0])], "block 0 of the source"),
        (
            [(np.ones((2, 8, 9), np.uint8), [0, 1])],
            "samples of shape [8, 9], but others are [8, 8]",
        ),
        ([(np.ones((2, 8, 8), np.uint8), [0, 11])], "label 11, but there are names of 10 classes"),
        (
            [(np.ones((2, 8, 8), np.uint8), [0, 1]), (np.ones((2, 8, 8)) / 2, [0, 1])],
            "a block of float32 samples",
        ),
    ],
)
def test_blocks_that_cannot_be_stored(few, tmp_path, blocks, words):
    def call():
        nn.store(iter(blocks), tmp_path / "s", test=few.test, classes=few.classes, quiet=True)

    refused(call, words)


@independent
def test_arguments_that_do_not_fit_together(few, tmp_path):
    def store(source=few, folder=tmp_path / "new", **options):
        return lambda: nn.store(source, folder, quiet=True, **options)

    (tmp_path / "there").write_text("")
    refused(store(iter([])), "give test=(x, y)")
    refused(store(iter([]), test=few.test, distort=2), "distort is for a Dataset")
    refused(store(test=few.test), "has its own test samples")
    refused(store(augment=nn.Shift()), "give their number with distort")
    refused(store(folder=tmp_path), "holds other files, such as there")
    refused(store(folder=tmp_path / "there"), "not a folder")
    refused(store(distort=1, augment=lambda images, rng: images[:1]), "must return images like")
    sparse = pytest.importorskip("scipy.sparse").csr_matrix(np.eye(4, dtype=np.uint8))
    matrix = nn.Dataset("m", nn.Split(sparse, [0, 1, 0, 1]), few.test, ("a", "b"))
    refused(store(matrix), "a scipy.sparse matrix is not stored")


@independent
def test_what_needs_all_images_in_memory_is_refused_if_they_are_too_many(stored, monkeypatch):
    monkeypatch.setattr(images, "MOST_BYTES", 8_000)
    words = "do not fit into memory", "when they are stored"
    call = {"epochs": 1, "batch_size": 10, "quiet": True}
    refused(lambda: fit(nn.mlp((64, 10)), stored.train, augment=nn.Shift(1), **call), *words)
    refused(lambda: nn.deskew(stored.train.images), *words)
    refused(lambda: np.asarray(stored.train.images), *words)


# ---- Training ----------------------------------------------------------------------------------


def fit(model, data, *, optimizer=None, **options):
    optimizer = optimizer or nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return nn.fit(model, data, nn.CrossEntropyLoss(), optimizer, **options)


def bits(model):
    return b"".join(array.tobytes() for array in model.state_dict().values())


def network(kind):
    nn.manual_seed(0)
    if kind == "mlp":
        return nn.initialize(nn.mlp((64, 16, 10)), "torch", seed=1)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 10))
    return nn.initialize(model, "torch", seed=1)


@pytest.mark.parametrize("kind", ["mlp", "convolution"])
@pytest.mark.parametrize("feed", ["auto", "dense"])
def test_a_network_trains_as_from_memory_in_the_same_order(few, stored, kind, feed):
    rng = seeds.generator(7, "shuffle")
    shuffle = stored.train.images.shuffle
    assert shuffle.window == 4 * shuffle.block < 60
    options = {"epochs": 3, "batch_size": 20, "seed": 7, "quiet": True, "input": feed}
    models = [network(kind), network(kind)]
    fit(models[0], stored.train, validation=stored.test, **options)
    order = lambda: shuffle.order(rng, 130)  # noqa: E731
    fit(models[1], few.train, validation=few.test, order=order, **options)
    assert bits(models[0]) == bits(models[1])
    found = [
        nn.evaluate(model, data.test) for model, data in zip(models, (stored, few), strict=True)
    ]
    assert found[0].loss == found[1].loss


@pytest.mark.parametrize("every", [3, 11])
def test_a_training_resumes_to_the_same_bits(stored, tmp_path, every):
    class Stop(nn.Callback):
        def on_batch_end(self, training):
            training.stop = training.history.done >= every

    options = {"epochs": 3, "batch_size": 20, "seed": 7, "quiet": True}
    whole, half = network("mlp"), network("mlp")
    fit(whole, stored.train, **options)
    callbacks = [nn.Checkpoint(tmp_path / "run", every=1), Stop()]
    fit(half, stored.train, callbacks=callbacks, **options)
    resumed = network("mlp")
    fit(resumed, nn.load(tmp_path / "set").train, resume=tmp_path / "run", **options)
    assert bits(half) != bits(whole) == bits(resumed)


def test_a_training_is_not_resumed_in_another_order(few, stored, tmp_path):
    options = {"epochs": 2, "batch_size": 20, "seed": 7, "quiet": True}
    fit(network("mlp"), stored.train, callbacks=[nn.Checkpoint(tmp_path / "run")], **options)
    others = few, nn.store(few, tmp_path / "copies", distort=1, quiet=True)
    for other in others:
        call = lambda other=other: fit(  # noqa: E731
            network("mlp"), other.train, resume=tmp_path / "run", **options
        )
        refused(call, "another training: its images' SHA-256 is")


@independent
def test_held_out_and_standardized_images_are_those_of_memory(few, stored):
    settings = Recipe(validation=30, standardize=True, dataset="digits", batch_size=20)
    ours, theirs = prepare(settings, stored), prepare(settings, few)
    for name in ("train", "validation", "test"):
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert np.array_equal(np.asarray(mine.images), other.images)
        assert (mine.scale, mine.shift) == (other.scale, other.shift)
    assert not isinstance(ours.train.images, np.ndarray)


@independent
def test_the_order_reads_a_window_at_a_time():
    rng = np.random.default_rng(0)
    for n, block, window in ((100, 7, 21), (5, 10, 40), (64, 8, 8), (1, 1, 1)):
        order = BlockShuffle(block, window).order(rng, n)
        assert order.dtype == np.int64
        assert np.array_equal(np.sort(order), np.arange(n))
    order = BlockShuffle(100, 400).order(rng, 10_000)
    assert all(len(np.unique(order[i : i + 400] // 100)) == 4 for i in range(0, 10_000, 400))
    assert np.mean(np.diff(order) == 1) < 0.02


@independent
def test_each_window_is_announced_while_the_one_before_is_in_use():
    announced, seen = [], []
    shuffle = BlockShuffle(5, 20, announced.append)
    for block in Batches(70, 8, epochs=2, shuffle=shuffle).blocks(lambda: 1):
        seen += block[0].tolist()
        epoch = announced[:4] if len(seen) <= 70 else announced[4:]
        assert set(block[0].tolist()) <= set(np.concatenate(epoch).tolist())
    assert [len(samples) for samples in announced] == [40, 20, 10, 0] * 2
    assert sorted(seen) == sorted([*range(70)] * 2)


@independent
def test_a_dataset_is_pickled_by_the_names_of_its_files(stored):
    import pickle

    again = pickle.loads(pickle.dumps(stored.train.images.part(10, 20)))
    assert np.array_equal(np.asarray(again), np.asarray(stored.train.images[10:20]))
    assert again.digest == stored.train.images.part(10, 20).digest


@independent
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_job_ends_in_one_line(few, tmp_path):
    def kill(images, rng):
        os.kill(os.getpid(), signal.SIGKILL)

    options = {"distort": 1, "augment": kill, "jobs": 2, "quiet": True}
    refused(lambda: nn.store(few, tmp_path / "set", **options), "a process was killed")
