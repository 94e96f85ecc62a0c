"""Texts and numbers of a trace's picture, in the letters x, h, a, z, p."""

import re

import numpy as np

from np_nn.data.split import is_images
from np_nn.layers import Conv2d, Linear, ReLU, Softmax
from np_nn.layers.activations import Activation
from np_nn.plots.passes import Answer, Panel, Story
from np_nn.plots.pixels import is_photo

LETTERS = {Linear: "h", Conv2d: "h", Activation: "a"}
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


MOST_BARS = 10  # maximum classes, or features of a table, that are drawn as bars with their names


def shown_classes(passed, target):
    """Return the sorted numbers of the classes to draw: the target's, and the largest outputs.

    passed: a Trace. target: the label, or target values, whose largest counts.
    """
    out = passed.stages[-1].output
    wanted = int(np.argmax(target)) if np.ndim(target) else int(target)
    order = [wanted, *(c for c in np.argsort(-out, kind="stable") if c != wanted)]
    return np.sort(order[:MOST_BARS])


def panels(passed, data, shown, unit, loss):
    """Return a Panel for each array of a Trace.

    Args:
        passed: Trace of a test sample.
        data: Dataset.
        shown: class numbers, see ``shown_classes``.
        unit: Unit to frame.
        loss: Loss.
    """
    shape = data.test.images.shape[1:]
    layers = [stage.layer for stage in passed.stages]
    letters, forward, backward = zip(*formulas(layers), strict=True)
    names = ["x", *letters]
    first, word, features = _first(data, shape)
    made = [f"x, the {word}", *forward]
    last = "= p \N{MINUS SIGN} y" if loss.targets == "classes" else "of the loss"
    back = [*backward, last]
    kinds = [first, *["maps"] * (len(layers) - 1), "bars"]
    arrays = [(passed.x.reshape(shape), passed.grad.reshape(shape))]
    arrays += [(stage.output, stage.grad) for stage in passed.stages]
    arrays[-1] = tuple(array[shown] for array in arrays[-1])
    framed = passed.first_linear + 1
    marks = {at: unit.number for at in (framed, framed + 1) if at < len(layers)}
    bars = {0: features, len(layers): tuple(data.classes[c] for c in shown)}
    return [
        Panel(*words, *pair, kind, marks.get(at), bars.get(at, ()))
        for at, (*words, pair, kind) in enumerate(
            zip(names, made, back, arrays, kinds, strict=True)
        )
    ]


def _first(data, shape):
    """Return the kind of the first Panel, the word for its sample, and the names of its bars."""
    images = data.test.images
    if is_images(images):
        return "photo" if is_photo(images) else "image", "image", ()
    names = data.preparation.columns or tuple(f"feature {i + 1}" for i in range(shape[0]))
    return "bars" if len(names) <= MOST_BARS else "maps", "features", names


def formulas(layers):
    """Return (letter, forward, backward) of each layer.

    letter: symbol of its output; forward: formula of the output; backward: formula of the gradient
    at its input.
    """
    names = ["x", *_names(layers)]
    rules = map(_rule, layers, names, names[1:], _counted(list(map(type, layers))))
    return [(name, *rule) for name, rule in zip(names[1:], rules, strict=True)]


def _names(layers):
    """Return letters: h of weighted sums, a of activations, u of others, z of the last layer."""
    letters = [
        next((letter for kind, letter in LETTERS.items() if isinstance(layer, kind)), "u")
        for layer in layers[:-1]
    ]
    return [*map(str.__add__, letters, _counted(letters)), "z"]


def _counted(kinds):
    """Return a subscript for each: its number among its kind; "" for the only one."""
    return [
        _index(kinds[: at + 1].count(kind)) if kinds.count(kind) > 1 else ""
        for at, kind in enumerate(kinds)
    ]


def _rule(layer, before, after, count):
    """Return the formulas of a layer's output and of the gradient at its input."""
    if type(layer) is Linear:
        bias = f" + b{count}" if layer.bias else ""
        return f"{after} = {before} W{count}{bias}", f"= ∂L/∂{after} W{count}ᵀ"
    if type(layer) is ReLU:
        return f"{after} = max({before}, 0)", f"= ∂L/∂{after} if {before} > 0"
    name = _word(layer)
    return f"{after} = {name}({before})", f"through {name}"


def _word(layer):
    """Return a layer's name without "Adaptive" and dimensions, which its shapes show."""
    return re.sub(r"^Adaptive|[12]d$", "", type(layer).__name__)


def answer(passed, classes, shown, target, loss):
    """Return the Answer at the end of a Trace.

    Args:
        passed: Trace of a sample.
        classes: names.
        shown: class numbers, see ``shown_classes``.
        target: label, or target values.
        loss: Loss.
    """
    out, names = passed.stages[-1].output, tuple(classes[c] for c in shown)
    left_out = len(classes) - len(shown)
    if loss.targets == "values":
        text = f"L = {type(loss).__name__}\n   = {passed.loss:.3g}"
        return Answer("z, and y", names, out[shown], target[shown], text, left_out)
    p = Softmax()(out[None])[0]
    loss = ["L = -log p(right)", f"   = -log {p[target]:.3g}", f"   = {passed.loss:.3g}"]
    wanted = (shown == target).astype(float)
    return Answer("p = softmax(z)", names, p[shown], wanted, _typeset(loss), left_out)


def story(passed, unit, shape, lr):
    """Return the Story of a Unit of a Trace. shape: of the sample; lr: the learning rate."""
    at = passed.first_linear
    x, w, grad = (
        array.reshape(unit.x.shape if at else shape) for array in (unit.x, unit.w, unit.grad_w)
    )
    layers = [stage.layer for stage in passed.stages]
    after = layers[at + 1] if unit.a is not None else None
    framed = ", framed above" if after else ""
    title = f"Unit {unit.number} of {_names(layers)[at]}{framed}, in numbers"
    return Story(title, w, x * w, grad, _forward(unit, after), _backward(unit, after, lr))


def _forward(unit, after):
    lines = [
        "x: its inputs, w: its weights, b: its bias",
        f"h = {_sum(unit.x.size)} + b",
        f"   = {unit.h - unit.b:.4g} + {_bracketed(unit.b)} = {unit.h:.3g}",
    ]
    if after:
        formula = "max(h, 0)" if type(after) is ReLU else f"{_word(after)}(h)"
        lines.append(f"a = {formula} = {unit.a:.3g}")
    return _typeset(lines)


def _sum(count):
    """Return the sum of products of x and w, abbreviated if there are more than three."""
    products = [f"x{_index(i)} w{_index(i)}" for i in (*range(1, min(count, 3) + 1), count)]
    return " + ".join(products[:count] if count <= 3 else [*products[:2], "…", products[-1]])


def _backward(unit, after, lr):
    lines = [f"∂L/∂a = {unit.grad_a:.3g}"] if after else []
    lines += [f"∂L/∂h = {unit.grad_h:.3g}{_reason(unit, after)}", *_step(unit, lr)]
    return _typeset(lines)


def _step(unit, lr):
    """Return lines on the weight with the largest gradient, and on its update by one SGD step."""
    grads = unit.grad_w.ravel()
    if not grads.any():
        return ["∂L/∂w = x ∂L/∂h = 0: of this sample the unit learns nothing"]
    most = int(np.abs(grads).argmax())
    i, x, w, grad = _index(most + 1), unit.x.flat[most], unit.w.flat[most], grads[most]
    return [
        f"∂L/∂w{i} = x{i} ∂L/∂h = {x:.4g} · {_bracketed(unit.grad_h)} = {grad:.3g}, the largest",
        f"SGD, learning rate {lr:g}: w{i} ← {w:.4g} - {lr:g} · {_bracketed(grad)} "
        f"= {w - lr * grad:.3g}",
    ]


def _reason(unit, after):
    if type(after) is ReLU:
        return " = ∂L/∂a, as h > 0" if unit.h > 0 else ", as h < 0: ReLU lets nothing back"
    return f", through {_word(after)}" if after else ""


def _index(number):
    return str(number).translate(SUBSCRIPTS)


def _bracketed(value):
    return f"({value:.4g})" if value < 0 else f"{value:.4g}"


def _typeset(lines):
    """Join lines, with minus signs in place of hyphens, which are too short to be seen."""
    return "\n".join(lines).replace("-", "\N{MINUS SIGN}")
