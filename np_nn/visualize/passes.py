"""Draw one image's forward and backward pass, before, during and after training."""

from pathlib import Path

import numpy as np
from matplotlib import style

import np_nn as nn
from np_nn import cli
from np_nn.analysis.snapshots import Snapshots
from np_nn.analysis.trace import trace
from np_nn.data.split import noun
from np_nn.plots import STYLE, save_animation, snapshot
from np_nn.plots.passes import draw_pass, plot_pass, reaches
from np_nn.recipes import run
from np_nn.training import inputs
from np_nn.utils.converters import file_path
from np_nn.utils.errors import NpNNError
from np_nn.utils.progress import announce
from np_nn.visualize import network
from np_nn.visualize.story import answer, panels, shown_classes, story

INDEX = 7  # default test sample
FRAMES = 24
DENSER = 3  # power that puts more snapshots at the beginning, where most changes: see Snapshots


def parser():
    command = network.parser(__doc__, recipe="fast98")
    add = command.add_argument_group("what to draw").add_argument
    add(
        "--index", type=cli.whole_number(0), metavar="N",
        help=f"number of the test sample (default: {INDEX}, or the last one)",
    )  # fmt: skip
    add(
        "--unit", type=cli.whole_number(0), metavar="N",
        help="unit of the first Linear layer to show in numbers (default: the largest |h dL/dh|)",
    )  # fmt: skip
    network.add_load(command)
    add("--weights", type=file_path, metavar="FILE", help="load these weights instead of training")
    add("--animate", action="store_true", help="also draw the training: pass.gif and pass.html")
    return command


def draw(args):
    """Draw the passes that the arguments ask for; return the files."""
    given = [name for name in ("weights", "load") if getattr(args, name)]
    if given and args.animate:
        raise NpNNError(f"--animate shows a training, and --{given[0]} skips it: give one of them")
    if len(given) > 1:
        raise NpNNError("--load brings its own weights: leave out --weights")
    prepared = network.prepare(args)
    image = Image(args, *prepared)
    states = _states(args, prepared)
    *_, last = states
    passed = image.passed(states[last])
    unit, shown = passed.unit(args.unit).number, shown_classes(passed, image.target)
    scenes = {moment: image.scene(state, unit, shown) for moment, state in states.items()}
    folder, note = Path(args.out), image.data.note

    def still(moment, name):
        path = folder / f"{name}.{args.format}"
        return plot_pass(*scenes[moment], path, image.title(moment), note)

    written = [still(last, "pass")]
    if len(scenes) > 1:
        written.append(still(next(iter(scenes)), "pass_before"))
    if args.animate:
        frames = list(_frames(scenes, image, args.quiet))
        about = image.title("while it is trained")
        written += [
            save_animation(frames, folder / f"pass.{kind}", about) for kind in ("gif", "html")
        ]
    return written


def _states(args, prepared):
    """Return {moment: state of the network at that moment}."""
    model, _, _ = prepared
    if args.weights:
        nn.load_weights(model, args.weights)
        return {f"with {args.weights.name}": model.state_dict()}
    if args.loaded:
        return {"after training": model.state_dict()}
    kept = Snapshots(FRAMES if args.animate else 2, DENSER)
    network.train(args, [kept], prepared)
    return {
        f"after {step:,} steps" if step else "before training": state
        for step, state in kept.states.items()
    }


def _frames(scenes, image, quiet):
    """Yield (caption, picture) of each moment; all share one colour scale."""
    full = np.max([reaches(panels, story) for panels, _, story in scenes.values()], axis=0)
    with style.context(["default", STYLE]):
        for moment in announce(list(scenes), lambda moment: f"drawing {moment}", quiet):
            figure = draw_pass(*scenes[moment], image.title(moment), image.data.note, full)
            yield moment, snapshot(figure)


class Image:
    """Test sample that the arguments name, and its passes through the model.

    Raises NpNNError if there is no such sample or no such unit.
    """

    def __init__(self, args, model, loss, data):
        self.args, self.model, self.data = args, model, data
        last = len(data.test) - 1
        self.index = min(INDEX, last) if args.index is None else args.index
        if self.index > last:
            raise NpNNError(f"--index must be 0..{last}, got {self.index}")
        self.x = inputs.choose(data.test, model, "dense")(np.array([self.index]))[0].copy()
        self.target = data.test.labels[self.index]
        # Plain cross-entropy is shown: label smoothing and class weights are for training only.
        self.loss = nn.CrossEntropyLoss() if loss.targets == "classes" else loss
        trace(model, self.x, self.target, self.loss).unit(args.unit)

    def passed(self, state):
        """Load these weights into the model, and return its Trace."""
        self.model.load_state_dict(state)
        return trace(self.model, self.x, self.target, self.loss)

    def scene(self, state, number, shown=None):
        """Return the Panels, the Answer and the Story of a unit, with these weights.

        shown: numbers of the classes that are drawn; None: see ``shown_classes``.
        """
        passed, shape = self.passed(state), self.data.test.images.shape[1:]
        unit = passed.unit(number)
        shown = shown_classes(passed, self.target) if shown is None else shown
        return (
            panels(passed, self.data, shown, unit, self.loss),
            answer(passed, self.data.classes, shown, self.target, self.loss),
            story(passed, unit, shape, self.args.settings.lr),
        )

    def title(self, moment):
        """Return one line: the sample, the network, and the moment."""
        way = f"through {run.network(self.args.settings, self.data)} and back, {moment}"
        word = noun(self.data.test.images).removesuffix("s")
        return f"{self.data.title}, test {word} {self.index}, {way}"
