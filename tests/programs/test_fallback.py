"""Without MNIST and network: the defaults of every command suit the digits that stand in."""

import pytest

import main_np
from np_nn import cli, recipes
from np_nn.data.batches import Batches
from np_nn.recipes import run
from np_nn.visualize import __main__ as visualize

pytestmark = pytest.mark.kernel_independent


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """Provide a machine without MNIST, on which trainings end after two steps."""
    monkeypatch.chdir(tmp_path)
    for name in ("NP_NN_DATA", "NP_NN_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / "empty"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing listens there
    fit = run.fit
    short = {"epochs": None, "steps": 2}
    monkeypatch.setattr(run, "fit", lambda *given, **more: fit(*given, **more | short))


@pytest.mark.parametrize("name", visualize.COMMANDS)
def test_every_picture_is_drawn(name, tmp_path, capsys):
    few = ["--grid", "3"] if name == "surface" else []
    assert visualize.main([name, "--quiet", "--out", str(tmp_path / "out"), *few]) == 0
    assert list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("recipe", ["np_nn", "nielsen_30", "gd_60000", "fast99"])
def test_a_recipe_is_trained(recipe, capsys):
    assert main_np.main(["--recipe", recipe, "--no-plots", "--quiet"]) == 0
    assert "on scikit-learn's digits" in capsys.readouterr().out


def test_the_sizes_of_every_recipe_fit(digits, monkeypatch):
    monkeypatch.setattr(cli.program, "read", lambda args, name: digits)
    for name in (name for name, recipe in recipes.RECIPES.items() if not recipe.deskew):
        args = cli.parse(cli.parser(""), ["--recipe", name, "--no-plots"])
        data = cli.load(args)
        assert len(Batches(len(data.train), **args.settings.plan))
        if recipes.RECIPES[name].validation:
            assert (len(data.train), len(data.validation)) == (1250, 250)


def test_sizes_that_are_given_stay(digits, monkeypatch):
    monkeypatch.setattr(cli.program, "read", lambda args, name: digits)
    words = ["--recipe", "gd_60000", "--batch-size", "5000", "--validation", "100", "--no-plots"]
    args = cli.parse(cli.parser(""), words)
    assert len(cli.load(args).train) == 1400
    assert (args.settings.batch_size, args.settings.validation) == (5000, 100)
