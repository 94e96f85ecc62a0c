"""The reproduction: every published row has a recipe that trains, and finished results are kept."""

import dataclasses
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import main_np
import np_nn as nn
from np_nn import cli, plots, recipes
from np_nn.cli.finish import to_json
from np_nn.recipes import run
from np_nn.recipes.prepare import prepare
from np_nn.reproduce import __main__ as reproduce
from np_nn.reproduce import check, estimate, side_by_side, tables, trainer, training
from np_nn.reproduce.results import Results, Summary
from np_nn.utils import machine
from np_nn.visualize import network

ROOT = Path(__file__).resolve().parents[2]
RECIPES = list(recipes.RECIPES.values())
START = recipes.RECIPES["start"]

# Published test accuracies in % and times in s, as printed in the sources.
PUBLISHED = {
    "A": [98.05, 96.35, 96.33, 92.88],
    "B": [90.35, 95.89, 97.2, 90.09, 96.85, 97.2, 90.19, 95.77, 94.78, 91.0, 96.85, 96.68, 90.06,
          93.79],
    "C": [95.3, 95.5, 96.95, 97.05, 98.4, 98.47, 98.4, 98.9, 99.3, 99.65, 98.65, 98.75, 98.94,
          99.05, 99.2, 95.42, 96.59, 96.82, 98.04, 98.4, 97.76,
          97.13],
    "D": [99.05, 99.2, 99.6, 99.18],
    "fashion": [90.0, 93.2],
}  # fmt: skip
SECONDS_B = [3036, 503, 403, 3021, 527, 679, 186, 137, 280, 2397, 680, 2726]


# ---- The recipes ----------------------------------------------------------------------------


def test_every_published_row_is_there():
    for table, figures in PUBLISHED.items():
        ours = [100 * recipe.published for recipe in RECIPES if recipe.table == table]
        assert ours == pytest.approx(figures), table
    seconds = [r.published_seconds for r in RECIPES if r.table == "B" and r.published_seconds]
    assert seconds == SECONDS_B
    assert {
        table: [accuracy for _, accuracy, _, _ in rows] for table, rows in recipes.NOT_RUN.items()
    } == {"D": [0.9987, 0.9991], "fashion": [0.967]}
    assert [published for _, published, *_ in recipes.ELSEWHERE["C"]] == [0.9943]


def test_recipes_have_names_sources_and_settings_of_their_own():
    names = [recipe.name for recipe in RECIPES]
    assert len(set(names)) == len(names)
    assert len({recipe.title for recipe in RECIPES}) == len(names)
    for recipe in RECIPES:
        assert re.fullmatch("[a-z][a-z0-9_]*", recipe.name)
        assert recipe.source
        assert recipe.table in tables.TITLES or recipe is START
        said = recipe.table == "fashion" or "Fashion-MNIST" in recipe.title
        assert (recipe.dataset == "fashion") == said
        assert recipe.dataset in ("mnist", "fashion") or recipe.dataset in recipe.title
        assert recipe.published is None or 0 < recipe.published <= 1
        assert recipes.matching(recipe) is recipe
        assert estimate.estimate(recipe) < 900, recipe.name  # a quarter of an hour on two cores


def spied(monkeypatch, module, name):
    """Record the results of a module's function from now on, in the returned list."""
    function, kept = getattr(module, name), []

    def call(*arguments):
        kept.append(function(*arguments))
        return kept[-1]

    monkeypatch.setattr(module, name, call)
    return kept


def small(recipe, steps=2):
    """Return the recipe on few images, with very wide layers narrowed."""
    return dataclasses.replace(
        recipe,
        steps=steps,
        epochs=None,
        hidden=tuple(min(width, 1024) for width in recipe.hidden),
        batch_size=min(recipe.batch_size, 200),
        validation=min(recipe.validation, 300),
    )


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_trains(recipe, digits):
    settings = small(recipe)
    result = run.train(settings, prepare(settings, digits), seed=0, quiet=True)
    assert result.history.done == 2
    assert np.isfinite(result.history.loss).all()
    assert 0 <= result.test.accuracy <= 1


def test_main_np_and_the_pictures_train_a_row_as_it_is_reproduced(tmp_path):
    words = ["--recipe", "keras", "--dataset", "digits", "--steps", "20"]
    words += ["--batch-size", "50", "--seed", "3", "--quiet"]
    args = cli.parse(network.parser(""), [*words, "--out", str(tmp_path)])
    ours = run.train(args.settings, cli.load(args), seed=3, quiet=True)
    *_, drawn = network.train(args)
    assert main_np.main([*words, "--no-plots", "--json", str(tmp_path / "run.json")]) == 0
    (printed,) = json.loads((tmp_path / "run.json").read_text())["runs"]
    assert (drawn.history.loss == ours.history.loss).all()
    assert printed["batches"]["loss"] == ours.history.loss.tolist()
    assert drawn.test.accuracy == printed["test_accuracy"] == ours.test.accuracy


def test_the_best_epoch_on_the_test_set_is_taken_only_where_it_was_published(digits, monkeypatch):
    settings = dataclasses.replace(small(recipes.RECIPES["nielsen_30"]), steps=None, epochs=4)
    data, args = prepare(settings, digits), reproduce.parser().parse_args(["--quiet"])
    found = spied(monkeypatch, run, "train")
    best = trainer.train(settings, data, 0, args)["accuracy"]
    tried = [evaluation.accuracy for _, evaluation in found[0].history.validation]
    assert len(tried) == 4
    assert best == max(tried)
    settings = dataclasses.replace(settings, best_on_test=False)
    assert trainer.train(settings, data, 0, args)["accuracy"] == tried[-1]
    assert {recipe.name for recipe in RECIPES if recipe.best_on_test} == {
        "nielsen_30",
        "nielsen_100",
        "nielsen_cross_entropy",
    }


# ---- The program ----------------------------------------------------------------------------


@pytest.fixture
def program(digits, monkeypatch, tmp_path):
    """Return the program as a function: arguments -> exit status; ten steps a row, on digits."""
    real, trained, loaded = run.train, [], []
    monkeypatch.setattr(training.data, "load", lambda n, *_, **__: loaded.append(n) or digits)

    def train(settings, data, seed, *options):
        trained.append((settings.name, seed))
        return real(dataclasses.replace(settings, steps=10, epochs=None), data, seed, *options)

    monkeypatch.setattr(run, "train", train)

    def call(*arguments):
        options = ["--out", str(tmp_path), "--quiet", *map(str, arguments)]
        trained.clear()
        with pytest.raises(SystemExit) as exit_info:
            cli.run(lambda: reproduce.main(options))
        return exit_info.value.code

    call.trained, call.loaded, call.folder = trained, loaded, tmp_path
    return call


def stored(program):
    return json.loads((program.folder / "results.json").read_text())


def test_what_is_finished_is_not_trained_again(program, capsys):
    assert program("--rows", "geohot") == 0
    assert program.trained == [("geohot", 0), ("geohot", 1), ("geohot", 2)]
    first = stored(program)
    assert program("--rows", "geohot", "fast98", "--seeds", 2) == 0
    assert program.trained == [("fast98", 0), ("fast98", 1)]
    assert program("--rows", "geohot", "--seeds", 4) == 0
    assert program.trained == [("geohot", 3)]
    assert stored(program)["geohot"]["results"][:3] == first["geohot"]["results"]
    assert program("--rows", "geohot", "--again", "--seeds", 1) == 0
    assert program.trained == [("geohot", 0)]
    assert len(stored(program)["geohot"]["results"]) == 4
    assert "| geohot, NumPy " in capsys.readouterr().out


def test_each_data_set_that_is_needed_is_loaded_once(program):
    rows = ("fashion_mlp", "geohot", "fashion_mlp", "np_nn")
    assert program("--rows", *rows, "--seeds", 1) == 0
    assert program.trained == [("fashion_mlp", 0), ("geohot", 0), ("np_nn", 0)]
    assert program.loaded == ["fashion", "mnist"]
    assert program("--rows", "fashion_mlp", "lenet5", "--seeds", 1) == 0
    assert program.loaded == ["fashion", "mnist", "mnist"]


def test_a_row_with_other_settings_is_trained_again(program, monkeypatch):
    assert program("--rows", "geohot", "--seeds", 2) == 0
    changed = dataclasses.replace(recipes.RECIPES["geohot"], lr=0.002)
    monkeypatch.setitem(recipes.RECIPES, "geohot", changed)
    assert program("--rows", "geohot", "--seeds", 1) == 0
    assert program.trained == [("geohot", 0)]
    assert len(stored(program)["geohot"]["results"]) == 1  # the others have other settings
    retitled = dataclasses.replace(changed, title="another title", note="new")
    monkeypatch.setitem(recipes.RECIPES, "geohot", retitled)
    assert program("--rows", "geohot", "--seeds", 1) == 0
    assert program.trained == []


def test_a_setting_that_came_later_changes_no_row(program):
    assert program("--rows", "geohot", "--seeds", 1) == 0
    rows = stored(program)
    del rows["geohot"]["settings"]["deskew"], rows["geohot"]["settings"]["dataset"]
    (program.folder / "results.json").write_text(json.dumps(rows))
    assert program("--rows", "geohot", "--seeds", 1) == 0
    assert program.trained == []


def test_ctrl_c_costs_one_network_at_most(program, monkeypatch, capsys):
    train = run.train

    def interrupted(settings, data, seed, *options):
        if seed == 1:
            raise KeyboardInterrupt
        return train(settings, data, seed, *options)

    monkeypatch.setattr(run, "train", interrupted)
    assert program("--rows", "geohot") == 130
    out, err = capsys.readouterr()
    assert "(n=1)" in out
    assert err.startswith("interrupted; kept: 1 trained networks in ")
    monkeypatch.setattr(run, "train", train)
    assert program("--rows", "geohot") == 0
    assert program.trained == [("geohot", 1), ("geohot", 2)]


def test_ctrl_c_within_a_training_keeps_nothing_of_it(program, monkeypatch):
    train = run.train

    def interrupted(*arguments):
        result = train(*arguments)
        result.history.interrupted = True
        return result

    monkeypatch.setattr(run, "train", interrupted)
    assert program("--rows", "geohot") == 130
    assert not (program.folder / "results.json").exists()


def test_a_failing_row_is_reported_and_the_next_one_runs(program, monkeypatch, capsys):
    train = run.train

    def failing(settings, data, seed, *options):
        if settings.name == "geohot":
            raise nn.DivergedError("the loss became nan")
        return train(settings, data, seed, *options)

    monkeypatch.setattr(run, "train", failing)
    assert program("--rows", "geohot", "np_nn", "--seeds", 1) == 0
    out = capsys.readouterr().out
    assert " failed |" in out
    assert "- geohot, NumPy: seed 0 failed: DivergedError: the loss became nan" in out
    assert "(n=1)" in out
    monkeypatch.setattr(run, "train", train)
    assert program("--rows", "geohot", "--seeds", 1) == 0  # a failed run is repeated
    assert program.trained == [("geohot", 0)]
    assert "failed" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "geohott"], "unknown row 'geohott'; did you mean 'geohot'?"),
        (["--table", "E"], "unknown table 'E'"),
        (["--seeds", "0"], "a whole number >= 1"),
        (["--nonsense"], "unknown option --nonsense"),
    ],
)
def test_bad_input_is_one_line_and_status_2(program, arguments, message, capsys):
    assert program(*arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"geohot": {"results": []}}'])
def test_a_file_of_others_is_not_overwritten(program, content, capsys):
    (program.folder / "results.json").write_text(content)
    assert program("--rows", "geohot") == 2
    assert "not results of this program" in capsys.readouterr().err
    assert (program.folder / "results.json").read_text() == content


def test_the_list_shows_every_row_and_trains_none(program, capsys):
    assert program("--list") == 0
    out = capsys.readouterr().out
    assert all((f"\n| {recipe.name} " in out) == bool(recipe.table) for recipe in RECIPES)
    assert not program.trained
    assert not list(program.folder.iterdir())


def test_rows_are_chosen_by_name_or_by_table():
    def chosen(*arguments):
        rows = reproduce._chosen(reproduce.parser().parse_args(arguments))
        return [recipe.name for recipe in rows]

    assert chosen() == [recipe.name for recipe in RECIPES if recipe.table]
    assert chosen("--rows", "ciresan") == ["ciresan"]
    assert chosen("--table", "ours", "A")[0] == "np_nn"
    assert estimate.seeds(recipes.RECIPES["ciresan"]) == 1
    assert estimate.seeds(recipes.RECIPES["geohot"]) == 3


def test_the_rest_is_estimated_at_the_pace_so_far():
    row = recipes.RECIPES["np_nn"]
    clock = estimate.Clock()
    expected = estimate.estimate(row)
    assert clock.left([(row, 0)]) == expected
    clock.done(row, None)  # a failure does not count
    clock.done(row, 3 * expected)
    assert clock.left([(row, 0), (row, 1)]) == pytest.approx(6 * expected)
    words = [estimate.duration(seconds) for seconds in (3, 600, 9000)]
    assert words == ["3 s", "10 min", "2.5 h"]


# ---- Side by side ---------------------------------------------------------------------------


@pytest.fixture
def jobs(digits, monkeypatch, tmp_path):
    """Return the program as a function: (jobs, arguments) -> exit status and what is stored.

    Rows of MNIST are trained in full on digits; the machine has two cores. No process is left.
    """
    monkeypatch.setattr(training.data, "load", lambda *_, **__: digits)
    monkeypatch.setattr(machine, "cores", lambda: 2)

    def call(count, *arguments):
        folder = tmp_path / str(count)
        options = ["--jobs", count, "--threads", 2, "--out", folder, *arguments]
        others = {*multiprocessing.active_children()}  # of tests before
        status = reproduce.main([*map(str, options)])
        assert {*multiprocessing.active_children()} <= others
        path = folder / "results.json"
        return status, json.loads(path.read_text()) if path.exists() else {}

    return call


@pytest.mark.kernel_independent
def test_jobs_give_the_same_results_and_errors(jobs, monkeypatch, capsys):
    steep = dataclasses.replace(recipes.RECIPES["keras"], lr=1e30)
    monkeypatch.setitem(recipes.RECIPES, "keras", steep)
    both = {}
    for count in (1, 2):
        status, rows = jobs(count, "--rows", "geohot", "fast98", "keras", "--seeds", 2)
        assert status == 0
        err = capsys.readouterr().err
        assert "keras, seed 1: 6 of 6, about " in err
        assert re.search(r"^fast98, seed 1: 0\.\d{4} in \S+ s$", err, re.MULTILINE)
        for result in (*rows["geohot"]["results"], *rows["fast98"]["results"]):
            assert result.pop("seconds") > 0
            assert result.pop("threads") == 2 // count
            result.pop("machine")  # its cores are real in a process
        both[count] = rows
    assert both[1] == both[2]
    assert both[2]["keras"]["results"][0]["error"].startswith("DivergedError: the loss became ")


@pytest.mark.kernel_independent
def test_a_killed_process_costs_one_network(jobs, monkeypatch, capsys):
    started = side_by_side.Worker.__init__

    def first_is_killed(worker, *arguments):
        started(worker, *arguments)
        if not killed:
            killed.append(worker.process.pid)
            worker.process.kill()

    killed = []
    monkeypatch.setattr(side_by_side.Worker, "__init__", first_is_killed)
    status, rows = jobs(2, "--rows", "geohot", "--seeds", 3)
    assert status == 0
    errors = [result.get("error") for result in rows["geohot"]["results"]]
    why = "its process was killed (signal 9); if memory ran out, use fewer --jobs"
    assert errors == [why, None, None]
    out, err = capsys.readouterr()
    assert f"geohot, seed 0: failed: {why}\n" in err
    assert f"- geohot, NumPy: seed 0 failed: {why}\n" in out


@pytest.mark.kernel_independent
def test_ctrl_c_ends_the_processes_and_keeps_what_is_finished(jobs, monkeypatch, capsys):
    add = Results.add

    def interrupted(results, recipe, result):
        add(results, recipe, result)
        raise KeyboardInterrupt

    monkeypatch.setattr(Results, "add", interrupted)
    status, rows = jobs(2, "--rows", "geohot", "keras", "--seeds", 1)
    assert status == 130
    assert sum(len(row["results"]) for row in rows.values()) == 1
    assert "interrupted; kept: 1 trained networks in " in capsys.readouterr().err


@pytest.mark.kernel_independent
@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a process alone")
def test_ctrl_c_at_any_moment_is_one_line(tmp_path):
    """The whole foreground group gets SIGINT, as from a terminal: once while processes start."""
    code = (
        "from np_nn import cli, data; from np_nn.reproduce import __main__ as r, training; "
        "from np_nn.utils import machine; digits = data.load('digits'); "
        "training.data.load = lambda *_, **__: digits; machine.cores = lambda: 2; "
        "cli.run(lambda: r.main(['--jobs', '2', '--rows', 'plain', '--out', 'out']))"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    assert running.stderr.readline().startswith("plain, seed 0: 1 of 3")
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.splitlines()[-1].startswith("interrupted; kept: 0 trained networks in ")
    assert "Traceback" not in err


def test_programs_that_write_at_once_lose_no_result(tmp_path):
    def add(recipe):
        results = Results(tmp_path / "results.json")  # read before the others have written
        ready.wait()
        for seed in range(3):
            results.add(recipe, result(seed, 0.5))

    ready = threading.Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, RECIPES[:8]))
    rows = json.loads((tmp_path / "results.json").read_text())
    assert [len(rows[recipe.name]["results"]) for recipe in RECIPES[:8]] == [3] * 8
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_the_estimate_knows_of_jobs():
    clock, row = estimate.Clock(jobs=2), recipes.RECIPES["np_nn"]
    one = estimate.estimate(row)
    assert clock.left([(row, seed) for seed in range(4)]) == pytest.approx(2 * one)
    assert clock.left([(row, 0)]) == pytest.approx(one)


# ---- The check ------------------------------------------------------------------------------


def test_the_check_finds_the_row_that_is_off(program, capsys):
    assert program("--rows", "geohot", "fast98", "--seeds", 1) == 0
    rows = stored(program)
    (program.folder / "RESULTS.md").unlink()
    for result in rows["fast98"]["results"]:
        result["accuracy"] -= 0.1
    (program.folder / "results.json").write_text(json.dumps(rows))
    capsys.readouterr()
    assert program("--check", "--rows", "geohot", "fast98", "--seeds", 1) == 1
    geohot, fast98 = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"geohot: 0\.\d+, stored 0\.\d+, difference \+0.0000, at .*: ok", geohot)
    assert re.fullmatch(r"fast98: .*, difference \+0.1000, at most 0\.\d+: OFF", fast98)
    assert stored(program) == rows  # nothing is stored
    assert not (program.folder / "RESULTS.md").exists()
    assert program("--check", "--rows", "geohot", "--seeds", 1) == 0


def test_the_tolerance_of_the_check():
    row = recipes.RECIPES["geohot"]

    def off(stored, accuracy):
        stored = Summary(row, [result(seed, one) for seed, one in enumerate(stored)])
        return check.compare(stored, Summary(row, [result(0, accuracy)]))[0]

    assert not off([0.96], 0.963)
    assert off([0.96], 0.9569)
    assert not off([0.95, 0.96, 0.97], 0.99)  # three times a spread of 0.01
    assert off([0.95, 0.96, 0.97], 0.9299)
    stored = Summary(row, [result(0, 0.96)])
    failed = Summary(row, [{"seed": 0, "error": "DivergedError: no"}])
    assert check.compare(stored, failed) == (True, "geohot: failed: DivergedError: no")


def test_a_check_needs_stored_results(program, capsys):
    assert program("--check") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"holds no result of {', '.join(check.ROWS)}: train without --check first" in line
    assert program("--check", "--table", "A") == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_the_committed_results_are_reached(mnist, capsys):
    rows = ["--rows", "geohot", "fast98"]  # all: make check
    assert reproduce.main(["--check", *rows, "--out", str(ROOT / "reproduction"), "--quiet"]) == 0
    assert capsys.readouterr().out.count(": ok\n") == 2


# ---- The tables -----------------------------------------------------------------------------


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "results.json")


def result(seed, accuracy, seconds=10.0):
    return {
        "seed": seed, "accuracy": accuracy, "loss": 0.1, "seconds": seconds, "steps": 1,
        "threads": 2, "kernels": "compiled", "machine": "a machine", "versions": {},
    }  # fmt: skip


def test_a_summary_is_mean_and_spread(results):
    row = recipes.RECIPES["geohot"]
    for seed, accuracy in enumerate((0.96, 0.97)):
        results.add(row, result(seed, accuracy, 10 + seed))
    results.add(row, {"seed": 2, "error": "no"})
    summary = Summary(row, results.of(row))
    assert summary.n == 2
    assert summary.accuracy == pytest.approx(0.965)
    assert summary.spread == pytest.approx(0.00707, abs=1e-5)
    assert summary.seconds == 10  # of the faster one
    assert summary.difference == pytest.approx(0.0015)
    assert Summary(row, []).accuracy is None


def test_the_table_shows_published_and_ours(results):
    results.add(recipes.RECIPES["gd_1"], result(0, 0.9725, 13))
    results.add(recipes.RECIPES["adam_1"], result(0, 0.95, 100))
    text = tables.text(results, "B")
    assert "`python -m np_nn.reproduce --table B`" in text
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    rows = {row[0]: row[1:] for row in cells}
    net = "784-100-100-10"
    assert rows["gradient descent, batch 1"] == [
        net, "0.9720", "0.9725 (n=1)", "+0.0005", "403", "13", "31.0", "a", "3",
    ]  # fmt: skip
    assert rows["Adam, batch 1"][2:4] == ["0.9500 (n=1)", "**-0.0168**"]
    assert rows["Adam, batch 1"][-2:] == ["a", "8, 10"]
    unrun = [net, "0.9685", "not run", "-", "680", "-", "-", "-", "8"]
    assert rows["Adam, batch 100"] == unrun
    total = "of 2 of the 12 rows with a published time: published 52.1 minutes, ours 1.9 minutes, "
    assert f"{total}27.7 times as fast." in text
    assert "\n- machine a: a machine; 2 threads, compiled\n" in text
    assert "\n8. published settings, but with the true gradient" in text
    assert "\n10. experiment: `python reproduction/experiments/source_rule.py adam_1`: " in text


def test_the_total_is_that_of_all_rows_when_all_are_run(results):
    for row in RECIPES:
        if row.table == "B":
            results.add(row, result(0, row.published, 60.0))
    line = (
        "Computing time of all rows with a published time: published 4.0 hours, ours 12.0 minutes"
    )
    assert f"{line}, {sum(SECONDS_B) / 720:.1f} times as fast." in tables.text(results, "B")


def test_off_is_by_more_than_the_standard():
    assert not tables.is_off(None)
    assert not tables.is_off(0.9635 - 0.9535)  # 0.01, up to rounding
    assert tables.is_off(-0.0101)


def test_the_page_holds_all_tables_with_and_without_results(results):
    assert all(f"\n## {title}\n" in tables.page(results) for title in tables.TITLES.values())
    results.add(recipes.RECIPES["lecun_300"], result(0, 0.97))
    page = tables.page(results)
    assert all(tables.text(results, table) in page for table in tables.TITLES)
    assert "not run: 56 hours on 2 cores, by `python reproduction/" in page


def test_a_row_that_an_example_runs_names_its_command(results):
    [(title, published, _, ours, note)] = recipes.ELSEWHERE["C"]
    text = tables.text(results, "C")
    [row] = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith(f"| {title} ")]
    cells, difference = [cell.strip() for cell in row], f"{ours - published:+.4f}"
    assert cells[2:5] == [f"{published:.4f}", f"{ours:.4f} (n=1)", difference]
    assert f"\n{cells[-1]}. {note}.\n" in text
    command = re.search("`python (.*)`", note)[1]
    assert (ROOT / command).is_file()
    shown = (ROOT / "examples" / "README.md").read_text("utf-8").split(f"python {command}\n")[1]
    assert f"| {100 * (1 - ours):.2f} % |" in shown.split("\n## ")[0]


def test_the_picture_is_drawn(tmp_path):
    dots = [plots.Dot("a", 0.98, 0.981, 0.001), plots.Dot("b", None, 1.0, 0.0)]
    path = plots.plot_reproduction("one", dots, tmp_path / "picture.png")
    first = path.read_bytes()
    assert len(first) > 5_000
    assert plots.plot_reproduction("one", dots, path).read_bytes() == first


def test_the_committed_page_is_that_of_the_committed_results():
    folder = ROOT / "reproduction"
    if not folder.exists():
        pytest.skip("nothing is reproduced yet")
    results = Results(folder / "results.json")
    assert (folder / "RESULTS.md").read_text() == tables.page(results)
    for name in results.rows:
        assert name in recipes.RECIPES, f"{name}: a row without a recipe"
        assert results.of(recipes.RECIPES[name]), f"{name}: the recipe has changed: run it again"
    shown = re.findall(r"\]\((\w+\.png)\)", (folder / "RESULTS.md").read_text())
    assert sorted(shown) == sorted(path.name for path in folder.glob("*.png"))
    for name in shown:
        with Image.open(folder / name) as picture:
            width, height = picture.size
        assert (width, height <= 720) == (960, True), name


def test_a_result_can_be_written_as_json(digits):
    settings = small(recipes.RECIPES["geohot"])
    args = reproduce.parser().parse_args(["--threads", "1"])
    made = trainer.train(settings, prepare(settings, digits), 0, args)
    assert json.loads(to_json(made)) == made
    assert made.keys() == result(0, 1.0).keys()
    assert made["versions"]["numpy"] == np.__version__


def test_the_machine_is_that_of_the_fastest_training(results):
    row = recipes.RECIPES["np_nn"]
    results.add(row, result(0, 0.98, 10))
    results.add(row, result(1, 0.98, 9) | {"machine": "another", "threads": 1})
    results.add(recipes.RECIPES["geohot"], result(0, 0.96))
    text = tables.text(results, "A")
    assert re.search(r"np_nn, NumPy .* 9 \| +- \| +a \| .*\n.*geohot, NumPy .* b \| ", text)
    assert "- machine a: another; 1 thread, compiled\n- machine b: a machine; 2 threads," in text


def test_a_difference_names_its_experiment(results, monkeypatch):
    results.add(recipes.RECIPES["np_nn"], result(0, 0.9))
    assert f"\n1. {tables.UNEXPLAINED}.\n" in tables.text(results, "A")
    explained = dataclasses.replace(recipes.RECIPES["np_nn"], experiment="`a command`: 0.9")
    monkeypatch.setitem(recipes.RECIPES, "np_nn", explained)
    text = tables.text(results, "A")
    assert "\n1. experiment: `a command`: 0.9.\n" in text
    assert tables.UNEXPLAINED not in text
