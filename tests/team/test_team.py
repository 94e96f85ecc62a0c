"""A team: the bits of one process on any number of ranks, and all ways in which ranks fail."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import np_nn as nn
from np_nn import ops
from np_nn.team import world as worlds
from np_nn.team.held import Held
from np_nn.team.shard import CompiledShard, LayerShard
from np_nn.training import inputs
from np_nn.utils import machine
from tests.support import ranks
from tests.support.ranks import FAULT_STEP, MODELS, SHARDS, spawn

WHY = "mpi4py or mpiexec is missing"
needs_mpi = pytest.mark.skipif(
    not importlib.util.find_spec("mpi4py") or not ranks.mpiexec(), reason=WHY
)
PROGRAM = ("-m", "tests.support.ranks")
QUICK = ["--dataset", "digits", "--steps", "12", "--batch-size", "40", "--no-plots"]


def digests(text):
    """Return {kind: digest} of the lines of tests.support.ranks."""
    return {line.split()[0]: line.split()[2] for line in text.splitlines()}


@pytest.fixture
def expected():
    """Return the digests of one process."""
    return {kind: ranks.train(kind, nn.Team(SHARDS))[1] for kind in MODELS}


@needs_mpi
@pytest.mark.kernel_independent
def test_one_to_three_ranks_give_the_bits_of_one_process(expected):
    for count in (1, 2, 3):
        done = spawn(count, *PROGRAM, *MODELS)
        assert (done.returncode, done.stderr) == (0, ""), count
        assert digests(done.stdout) == expected, count


@pytest.mark.kernel_independent
def test_one_process_needs_no_mpi(expected, monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    worlds.world.cache_clear()
    try:
        assert {kind: ranks.train(kind, nn.Team(SHARDS))[1] for kind in MODELS} == expected
    finally:
        worlds.world.cache_clear()


# --- the mathematics --------------------------------------------------------------------------


def trained(team, model=None, split=None, loss=None, lr=0.1, **options):
    """Train a small network for some steps; return its weights and its history."""
    split = split or ranks.data()
    model = nn.initialize(model or ranks.mlp(), "torch", seed=0)
    options = {"epochs": 2, "batch_size": 24, "seed": 0, "quiet": True} | options
    optimizer = nn.SGD(model.parameters(), lr=lr, momentum=0.9)
    history = nn.fit(model, split, loss or nn.CrossEntropyLoss(), optimizer, team=team, **options)
    return model.state_dict(), history


LOSSES = [
    nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.1),
    nn.CrossEntropyLoss(weight=[1, 0, 3]), nn.CrossEntropyLoss(reduction="sum"), nn.FocalLoss(),
    nn.MSELoss(), nn.MSELoss("sum"), nn.BCEWithLogitsLoss(),
]  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("kind", ["sparse", "dense"])
@pytest.mark.parametrize("shards", [1, 5, 24])
def test_the_sum_of_shards_is_the_gradient_of_the_batch(loss, kind, shards):
    split = ranks.data()
    if loss.targets == "values":
        split = nn.Split(split.images, nn.one_hot(split.labels, 3))
    options = {
        "split": split,
        "loss": loss,
        "input": kind,
        "l2": 0.1,
        "lr": 0.001 if loss.is_sum else 0.1,
    }
    alone, one = trained(None, **options)
    shared, many = trained(nn.Team(shards), **options)
    assert np.allclose(many.loss, one.loss, rtol=1e-4)
    assert np.array_equal(many.accuracy, one.accuracy)
    for name, array in alone.items():
        assert np.abs(shared[name] - array).max() <= 1e-4 * np.abs(array).max(), name


def test_a_shard_of_classes_without_weight_has_no_gradient():
    order = np.argsort(np.arange(108) % 3, kind="stable")  # classes one after the other
    options = {"loss": nn.CrossEntropyLoss(weight=[1, 0, 3]), "order": lambda: order}
    options |= {"batch_size": 108, "epochs": 3}
    alone, _ = trained(None, **options)
    shared, history = trained(nn.Team(9), **options)
    assert np.isfinite(history.loss).all()
    for name, array in alone.items():
        assert np.abs(shared[name] - array).max() <= 1e-4 * np.abs(array).max()


def test_compiled_and_layered_shards_agree():
    made, split = ranks.compiled_norm(), ranks.data()
    nn.initialize(made, "torch", seed=0)
    made[1].bias.data += 0.1
    loss, batch, found = nn.CrossEntropyLoss(), np.arange(30), {}
    held, shapes = Held(made), [p.shape for p in made.parameters()]
    held.keep()
    feed = inputs.choose(split, made, "sparse")
    for kind in (LayerShard, CompiledShard):
        held.begin(2)
        gradients = [np.zeros(shape, np.float32) for shape in shapes]
        result = kind(made, split.labels, loss)(feed, batch[:10], batch, gradients)
        found[kind] = [*gradients, *(b.data.copy() for b in held.means), np.array(result)]
    for one, other in zip(*found.values(), strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-5)


def test_running_statistics_are_the_mean_of_the_shards():
    norm, x = nn.BatchNorm1d(4), np.random.default_rng(0).random((10, 4), np.float32)
    model = nn.Sequential(norm, nn.Linear(4, 3))
    nn.initialize(model, "torch", seed=0)
    split, seen = nn.Split(x, np.arange(10) % 3), []
    nn.fit(
        model, split, nn.CrossEntropyLoss(), nn.SGD(model.parameters(), lr=0.1), steps=1,
        batch_size=10, order=lambda: np.arange(10), quiet=True, team=nn.Team(2),
    )  # fmt: skip
    for part in (x[:5], x[5:]):
        seen.append((0.1 * part.mean(axis=0), 0.9 + 0.1 * part.var(axis=0, ddof=1)))
    (mean, variance), (other_mean, other_variance) = seen
    assert np.allclose(norm.running_mean.data, (mean + other_mean) / 2, rtol=1e-5)
    assert np.allclose(norm.running_var.data, (variance + other_variance) / 2, rtol=1e-5)
    assert norm.num_batches_tracked.data == 1


def test_a_frozen_batch_norm_stays_as_it_is():
    model = ranks.norm()
    model[1].running_mean.data[...] = np.linspace(-1, 1, 40, dtype=np.float32)
    model[1].eval()
    before = model[1].running_mean.data.copy()
    trained(nn.Team(3), model)
    assert model[1].running_mean.data.tobytes() == before.tobytes()


def test_each_shard_drops_other_units():
    masks = []

    class Spy(nn.Dropout):
        def forward(self, x):
            y = super().forward(x)
            if self.training:
                masks.append(tuple(np.flatnonzero(y[0])))
            return y

    data = nn.Split(np.ones((12, 60), np.float32), np.arange(12) % 3)
    model = nn.Sequential(Spy(0.5), nn.Linear(60, 3))
    trained(nn.Team(4), model, data, batch_size=12, epochs=3)
    assert len(masks) == len(set(masks)) == 12


def test_threads_change_no_bit(kernels):
    if kernels == "numpy":
        pytest.skip("the matrix products of NumPy's BLAS depend on the number of threads")
    found = set()
    for threads in (1, 2, 3):
        ops.set_threads(threads)
        found.add(ranks.train("compiled_norm", nn.Team(SHARDS))[1])
    assert len(found) == 1


# --- what does not fit ------------------------------------------------------------------------


@pytest.mark.kernel_independent
def test_shards_too_small_for_batch_norm_are_refused_before_the_first_step():
    said = r"BatchNorm1d.* on a last batch of 12 in 20 shards; take a batch size of 54"
    with pytest.raises(nn.NpNNError, match=said):
        trained(nn.Team(20), ranks.compiled_norm())
    trained(nn.Team(20), ranks.compiled_norm(), batch_size=54, epochs=1)
    with pytest.raises(nn.NpNNError, match="on a last batch of 8 in 5 shards"):
        trained(nn.Team(5), ranks.compiled_norm(), batch_size=50)


@pytest.mark.kernel_independent
def test_parameters_of_two_types_are_refused():
    model = nn.Sequential(nn.Linear(144, 5), nn.Linear(5, 3).to("float64"))
    with pytest.raises(nn.NpNNError, match=r"the model has float32 and float64: convert it with"):
        trained(nn.Team(2), model, input="dense")


@pytest.mark.kernel_independent
def test_a_checkpoint_is_resumed_in_as_many_shards(tmp_path):
    file = tmp_path / "run"
    alone, _ = trained(nn.Team(3), epochs=4)
    trained(nn.Team(3), callbacks=[nn.Checkpoint(file)])
    resumed, _ = trained(nn.Team(3), epochs=4, resume=file)
    assert all(resumed[name].tobytes() == alone[name].tobytes() for name in alone)
    for team, here in ((nn.Team(4), 4), (None, None)):
        said = f"another training: its shards is 3, here it is {here}"
        with pytest.raises(nn.NpNNError, match=said):
            trained(team, epochs=4, resume=file)


@pytest.mark.kernel_independent
@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("raise ImportError('libmpi.so.12: no such file')", "mpi4py finds no MPI library: pip"),
        ("raise RuntimeError('cannot load MPI library')", "mpi4py finds no MPI library: pip"),
        ("class COMM_WORLD: size = 1\ndef Get_library_version(): return 'MPICH 5'\n",
         r"4 processes were started, but not as ranks of mpi4py's MPI library \(MPICH 5\)"),
    ],
)  # fmt: skip
def test_an_mpi_that_does_not_work_is_one_line(start, said, tmp_path):
    package = tmp_path / "mpi4py"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "MPI.py").write_text(start)
    done = subprocess.run(
        [sys.executable, "main_np.py", "--shards", "2", *QUICK], cwd=ranks.ROOT, text=True,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ranks.ROOT}", "PMI_SIZE": "4"}, check=False,
        capture_output=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert re.search(said, done.stderr)


@pytest.mark.kernel_independent
def test_ranks_without_mpi4py_are_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "3")
    worlds.world.cache_clear()
    try:
        with pytest.raises(nn.NpNNError, match=r"3 ranks were started, .* needs mpi4py: pip"):
            nn.Team(4)
    finally:
        worlds.world.cache_clear()


# --- ranks that differ or fail ----------------------------------------------------------------


@needs_mpi
@pytest.mark.kernel_independent
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("recipe", r"all: rank 1 would not train the same as rank 0: its optimizer is Adam.*0\.02"),
        ("data", "all: rank 1 would .*: its images' SHA-256 is"),
        ("weights", "all: rank 1 would .*: its initial weights' SHA-256 is"),
        (
            "kernels",
            r"all: rank 1 would .*: its outputs' SHA-256 \(they depend on CPU",
        ),
        ("order", "all: the ranks draw different batches: `order` must return the same on all"),
        ("changed", r"all: the weights of rank 1 are no longer those of rank 0 after step 10"),
        ("raised", r"rank 1 of 2 ends the training: OSError: a callback failed"),
        ("bug", r"rank 1 of 2 ends the training: ZeroDivisionError"),
    ],
)
def test_a_rank_that_differs_or_fails_ends_all_in_one_line(fault, said, tmp_path):
    done = spawn(2, *PROGRAM, "mlp", "--fault", fault)
    lines = [line for line in done.stderr.splitlines() if line.startswith(("all:", "rank "))]
    assert done.returncode != 0
    assert done.stdout == ""
    assert re.match(said, lines[0])


@needs_mpi
@pytest.mark.kernel_independent
@pytest.mark.parametrize("saved", [True, False])
def test_a_dead_rank_ends_all_and_the_last_checkpoint_is_named(saved, tmp_path):
    file = tmp_path / "run"
    done = spawn(3, *PROGRAM, "norm", "--fault", "killed", *(["--save", file] if saved else []))
    kept = f"{file} holds step 6" if saved else "no checkpoint was saved"
    assert done.returncode != 0
    assert done.stderr == f"a rank of the team died, and the training ended with it; {kept}\n"
    resumed = spawn(2, *PROGRAM, "norm", "--save", file, *(["--resume"] if saved else []))
    assert digests(resumed.stdout) == {"norm": ranks.train("norm", nn.Team(SHARDS))[1]}


@needs_mpi
@pytest.mark.kernel_independent
def test_ctrl_c_in_one_rank_ends_all_after_the_same_step(tmp_path):
    file = tmp_path / "run"
    done = spawn(2, *PROGRAM, "norm", "--fault", "interrupted", "--save", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"norm {FAULT_STEP} interrupted\n"
    assert nn.load_checkpoint(file)["history"]["curves"].shape == (3, 6)
    resumed = spawn(3, *PROGRAM, "norm", "--resume", "--save", file)
    assert digests(resumed.stdout) == {"norm": ranks.train("norm", nn.Team(SHARDS))[1]}


# --- the command line -------------------------------------------------------------------------


@needs_mpi
@pytest.mark.kernel_independent
def test_rank_0_of_a_program_prints_and_writes(tmp_path):
    found = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        folder.mkdir()
        json_file, model = folder / "run.json", folder / "model.safetensors"
        done = spawn(
            count, "main_np.py", *QUICK, "--shards", 3, "--json", json_file, "--export", model,
            "--save", folder / "run", "--log", folder / "log",
            env={name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("test accuracy") == 1
        assert done.stderr.count("epoch") == 1  # the header of the progress
        assert len(list(folder.iterdir())) == 4
        content = json.loads(json_file.read_text())
        assert content["ranks"] == count
        assert content["threads"] == max(1, machine.cores() // count)
        assert content["hyperparameters"]["shards"] == 3
        assert "in 3 shards" in content["settings"]
        found.append(nn.load_model(model).state_dict())
    assert f"2 ranks of {content['threads']} thread" in done.stdout
    for name, array in found[0].items():
        assert array.tobytes() == found[1][name].tobytes()


@needs_mpi
@pytest.mark.kernel_independent
def test_ctrl_c_ends_a_program_of_ranks_with_its_table_and_130(tmp_path):
    file = tmp_path / "run"
    words = ["--shards", 2, *QUICK, "--steps", 10**6, "--save", file, "--save-every", 20, "--quiet"]
    team = subprocess.Popen(
        ranks.command(2, "main_np.py", *words), cwd=ranks.ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    while not file.exists():
        time.sleep(0.05)
    team.send_signal(signal.SIGINT)  # to mpiexec, which sends it to the ranks
    out, err = team.communicate(timeout=30)
    assert team.returncode == 130
    assert out.count("test accuracy") == 1
    assert re.search(rf"interrupted at iteration .*; kept: the table.*; {file} holds step", err)


@needs_mpi
@pytest.mark.kernel_independent
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--shards", "2"], "main_np.py: error: 3 ranks for 2 shards: start at most 2, or"),
        (["--shards", "0"], "main_np.py: error: argument --shards: a whole number >= 1 is needed"),
        (["--shards", "4", "--lr", "1e30"], "main_np.py: error: the loss became"),
    ],
    ids=str,
)
def test_an_error_of_all_ranks_is_one_line(words, said):
    done = spawn(3, "main_np.py", *QUICK, "--quiet", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(said)
