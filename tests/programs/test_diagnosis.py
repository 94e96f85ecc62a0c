"""np_nn.cli.diagnosis: a run near chance is reported, and the suggested remedy works."""

import dataclasses
import shlex

import numpy as np
import pytest

from np_nn import cli, recipes
from np_nn.cli import report
from np_nn.cli.diagnosis import UNKNOWN, diagnose
from np_nn.data import Dataset, Split
from np_nn.recipes.prepare import prepare
from np_nn.recipes.run import Result, Run, train
from np_nn.training.history import Evaluation, History

pytestmark = pytest.mark.kernel_independent

# Options of main_np.py with which the digits are not learnt, and the diagnosis.
FAILURES = {
    "--hidden 100 100 100 100 --steps 300": "the original init is too small for 5 layers",
    "--lr 0.1 --steps 100": "learning rate 0.1 is too high for inputs up to 255, pixels without",
    "--recipe start --lr 30 --epochs 3": "the learning rate 30 is too high: the loss rose to",
    "--init zeros --steps 100": "all weights start at 0",
    "--steps 1 --lr 1e-6": "1 step of 256 images are too few",
    "--lr 1e-9 --steps 200": "the learning rate 1e-09 is too small",
    "--activation sigmoid --hidden 30 30 30 30 --init standard_normal --steps 150": "inputs up to",
}


def settings_of(words):
    return cli.parse(cli.parser(""), [*shlex.split(words), "--no-plots"]).settings


def trained(words, data):
    settings = settings_of(words)
    data = prepare(settings, dataclasses.replace(data, name="digits"))
    return Run("NumPy", "", settings, data, 1, [train(settings, data, 0, quiet=True)])


@pytest.mark.parametrize("words", FAILURES)
def test_a_run_near_chance_names_the_likely_reason_and_what_to_try(words, digits):
    run = trained(words, digits)
    (line,) = diagnose(run)
    assert f"test accuracy {run.test_accuracy:.4f} is near chance" in line
    assert FAILURES[words] in line
    assert line in report.warnings(run)
    assert f"warning: {line}" in report.text(run)
    assert line in report.as_dict(run)["warnings"]


def test_the_remedy_works_when_it_is_tried(digits):
    tried = set()
    for words in ("--hidden 100 100 100 100 --steps 20", "--lr 0.1 --steps 20"):
        (line,) = diagnose(trained(words, digits))
        remedy = line.split("Try ")[1].removesuffix(", without other changes")
        tried.add(remedy)
        assert trained(f"{remedy} --epochs 5", digits).test_accuracy > 0.9
    assert tried == {"--recipe start", "--recipe start --hidden 100 100 100 100"}


def test_a_run_that_has_learnt_is_not_diagnosed(digits):
    run = trained("--recipe start --epochs 2", digits)
    assert run.test_accuracy > 0.9
    assert diagnose(run) == []


def made(labels, answers, *, loss=1.0, seeds=(0,), interrupted=False):
    """Return a Run of made-up answers to test images of two classes."""
    images = np.zeros((len(labels), 2), np.uint8)
    split = Split(images, np.array(labels))
    outputs = np.eye(2)[np.asarray(answers, int)]
    accuracy = float(np.mean(np.array(labels) == answers))
    history = History(200)
    with history:
        history.record(np.linspace(1, 0.1, 200), np.ones(200))
    history.interrupted = interrupted
    results = [Result(seed, history, Evaluation(accuracy, loss, outputs)) for seed in seeds]
    data = Dataset("own", split, split, ("cat", "dog"), None)
    return Run("NumPy", "", recipes.RECIPES["start"], data, 1, results)


def test_chance_is_the_share_of_the_largest_class():
    labels = np.arange(1000) < 800
    (line,) = diagnose(made(labels.astype(int), np.ones(1000, int)))
    assert "accuracy 0.8000 is near chance, as the largest class is 0.8000 of the images" in line
    assert "(it answers dog for every image)" in line
    assert UNKNOWN in line
    assert diagnose(made(labels.astype(int), np.arange(1000) < 860)) == []


def test_few_images_leave_more_room_for_luck():
    labels = np.arange(20) % 2
    assert diagnose(made(labels, np.where(np.arange(20) < 4, 1 - labels, 1)))
    assert diagnose(made(labels, labels)) == []


def test_a_loss_of_chance_gives_it_away_too():
    labels = np.arange(1000) % 2
    answers = np.where(np.arange(1000) < 700, labels, 1 - labels)
    assert diagnose(made(labels, answers, loss=0.7))
    assert diagnose(made(labels, answers, loss=0.5)) == []


def test_each_seed_is_looked_at_and_an_interrupted_run_is_not():
    labels = np.arange(100) % 2
    lines = diagnose(made(labels, np.ones(100, int), seeds=(3, 4)))
    assert [line.split(":")[0] for line in lines] == ["seed 3", "seed 4"]
    assert diagnose(made(labels, np.ones(100, int), interrupted=True)) == []


def test_settings_without_a_recipe_are_a_note_and_no_warning():
    run = made(np.arange(100) % 2, np.arange(100) % 2)
    assert report.notes(run) == []
    changed = dataclasses.replace(run, settings=dataclasses.replace(run.settings, lr=0.01))
    assert report.notes(changed) == []  # own data have no published result
    changed = dataclasses.replace(changed, dataset=dataclasses.replace(run.dataset, name="mnist"))
    (note,) = report.notes(changed)
    assert note.startswith("no recipe has these settings")
    assert f"note: {note}" in report.text(changed)
    assert note in report.as_dict(changed)["notes"]
    assert report.as_dict(changed)["warnings"] == []


def test_remarks_on_the_data_reach_the_report():
    run = made(np.arange(100) % 2, np.arange(100) % 2)
    data = dataclasses.replace(run.dataset, remarks=("3 files were left out",))
    run = dataclasses.replace(run, dataset=data)
    assert "\n3 files were left out\n" in report.text(run)
    assert report.as_dict(run)["notes"] == ["3 files were left out"]
