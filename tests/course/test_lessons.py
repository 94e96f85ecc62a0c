"""Each file of the course: refused as written and with typical faults, accepted when solved."""

import copy
import inspect
import re
import shutil

import numpy as np
import pytest

import np_nn as nn
from np_nn import reference
from np_nn.course import judge, trial
from np_nn.course.lessons import LESSONS, SIZES

pytestmark = pytest.mark.kernel_independent

# {file: {fault: (lines of the solution, wrong ones)}}; where a fault makes no sense, the nearest
WRONG = {
    "01_linear_forward.py": {
        "sign": ("out += bias", "out -= bias"),
        "transpose": ("np.matmul(x, weight,", "np.matmul(x, weight.T,"),
        "mean for sum": ("np.matmul(x, weight,", "np.matmul(x, weight / len(weight),"),
        "aliasing": ("np.matmul(x, weight, out=out)", "out = np.matmul(x, weight)"),
        "off by one": ("np.matmul(x, weight,", "np.matmul(x[:, 1:], weight[1:],"),
    },
    "02_relu.py": {
        "sign": ("np.maximum(x, 0,", "np.maximum(-x, 0,"),
        "transpose": ("np.maximum(x, 0,", "np.maximum(x.T, 0,"),
        "mean for sum": ("np.multiply(grad, y > 0,", "np.multiply(grad / len(grad), y > 0,"),
        "aliasing": ("np.maximum(x, 0, out=out)", "np.maximum(x, 0, out=x)"),
        "off by one": ("y > 0,", "y > 1,"),
    },
    "03_softmax_cross_entropy.py": {
        "sign": ("return -float(", "return float("),
        "transpose": ("np.exp(out).sum(axis=1", "np.exp(out).sum(axis=0"),
        "mean for sum": ("np.exp(out).sum(axis=1", "np.exp(out).mean(axis=1"),
        "aliasing": ("np.exp(log_probs, out=out)", "out = np.exp(log_probs)"),
        "off by one": ("labels] -= 1", "labels - 1] -= 1"),
    },
    "04_linear_backward.py": {
        "sign": ("np.matmul(x.T, grad,", "np.matmul(-x.T, grad,"),
        "transpose": ("np.matmul(grad, weight.T,", "np.matmul(grad, weight,"),
        "mean for sum": ("np.sum(grad, axis=0,", "np.mean(grad, axis=0,"),
        "aliasing": ("return np.sum(grad, axis=0, out=out)", "return np.sum(grad, axis=0)"),
        "off by one": ("np.matmul(x.T, grad,", "np.matmul(x[1:].T, grad[1:],"),
    },
    "05_chain.py": {
        "sign": ("(da, bias1_grad)", "(-da, bias1_grad)"),
        "transpose": ("(x, da, weight1_grad)", "(x.T, da, weight1_grad)"),
        "mean for sum": ("(x, da, weight1_grad)", "(x / n, da, weight1_grad)"),
        "aliasing": ("(dh, h, np.empty_like(h))", "(dh, h, dh)"),
        "off by one": ("(z, labels, 0.0, dz)", "(z, labels - 1, 0.0, dz)"),
    },
    "06_sgd_momentum.py": {
        "sign": ("weight -= lr", "weight += lr"),
        "transpose": ("lr * velocity", "lr * velocity.T"),
        "mean for sum": ("velocity += grad", "velocity += grad / len(grad)"),
        "aliasing": ("velocity *= momentum", "velocity = momentum * velocity"),
        "off by one": ("lr * velocity", "lr * (velocity - grad) / momentum"),
    },
    "07_adam.py": {
        "sign": ("weight -= lr", "weight += lr"),
        "transpose": ("np.sqrt(v) + eps", "np.sqrt(v).T + eps"),
        "mean for sum": ("(1 - beta1) * grad", "(1 - beta1) * grad.mean()"),
        "aliasing": ("m, v = mean /", "mean /= 2\n    m, v = mean /"),
        "off by one": ("beta1**step", "beta1**(step + 1)"),
    },
    "08_batch_norm.py": {
        "sign": ("out += bias", "out -= bias"),
        "transpose": ("np.divide(x - mean,", "np.divide((x - mean).T,"),
        "mean for sum": ("- bias_grad / len(x) -", "- bias_grad -"),
        "aliasing": ("np.mean(x, axis=0, out=mean)", "mean = np.mean(x, axis=0)"),
        "off by one": ("axis=0, out=variance", "axis=0, out=variance, ddof=1"),
    },
    "09_convolution.py": {
        "sign": ("out += bias", "out -= bias"),
        "transpose": ("weight[:, :, k, l])", "weight[:, :, k, l].T)"),
        "mean for sum": ("weight[:, :, k, l])", "weight[:, :, k, l] / weight[0].size)"),
        "aliasing": ("out[...] = 0", "out = np.zeros_like(out)"),
        "off by one": ("*weight.shape[2:]", "weight.shape[2] - 1, weight.shape[3]"),
    },
    "10_sparse_kernel.c": {
        "sign": ("value = scale", "value = -scale"),
        "transpose": ("weights[o]", "weight[o * O + columns[k]]"),
        "mean for sum": ("scale * values[k]", "scale * values[k] / O"),
        "aliasing": ("row[o] = bias[o];", ";"),  # the sums begin at what out held
        "off by one": ("k < indptr[indices[n] + 1]", "k < indptr[indices[n] + 1] - 1"),
    },
}
FAULTS = [(name, fault) for name, faults in WRONG.items() for fault in faults]
NAMED = r": (\w+\[[\d, ]+\]|the loss) is .*, wanted .*: .* \["
COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


@pytest.fixture
def examine(tmp_path):
    """Return a function (name, text) -> the line with which the text is refused, or None."""

    def line_of(name, text):
        if name.endswith(".c") and not COMPILER:
            pytest.skip("there is no C compiler")
        path = tmp_path / name
        path.write_text(text, "utf-8")
        try:
            trial.load(path)
        except nn.NpNNError as error:
            return f"{name}: {error}"

    return line_of


def test_there_are_ten_lessons_with_five_faults_each():
    assert WRONG.keys() == LESSONS.keys()
    assert len(LESSONS) == 10
    assert all(len(faults) == 5 for faults in WRONG.values())


@pytest.mark.parametrize("name", LESSONS)
def test_a_file_as_written_is_refused(name, examine):
    written = LESSONS[name].written
    for secret in (">>>", "<<<", "hint:", "CASES"):
        assert secret not in written
    line = examine(name, written)
    assert "not written yet: put your lines here; --hint shows a hint" in line
    number = int(re.search(r"line (\d+): NotImpl|c: ?(\d+):", line).expand(r"\1\2"))
    assert "not written yet" in written.splitlines()[number - 1]


@pytest.mark.parametrize("name", LESSONS)
def test_a_file_with_its_solution_is_accepted(name, examine):
    assert examine(name, LESSONS[name].text) is None


def test_the_given_gradient_in_c_is_right_also_with_a_shift(tmp_path, examine):
    lesson = LESSONS["10_sparse_kernel.c"]
    assert examine(lesson.name, lesson.text) is None
    module = trial._module(tmp_path / lesson.name)
    rng = np.random.default_rng(0)
    rows = reference.compress(rng.integers(0, 3, (6, 5), np.uint8))
    batch, grad = (rows, np.array([4, 0, 4]), 0.5, 0.25), rng.random((3, 2), np.float32)
    weight, bias = rng.random((5, 2), np.float32), rng.random(2, np.float32)
    for name, rest, shape in (
        ("sparse_linear_backward_weight", (grad,), (5, 2)),
        ("sparse_linear_forward", (weight, bias), (3, 2)),
        ("sparse_linear_forward", (weight, None), (3, 2)),
    ):
        own, wanted = np.empty((2, *shape), np.float32)
        getattr(module, name)(*batch, *rest, own)
        np.testing.assert_allclose(own, getattr(reference, name)(*batch, *rest, wanted), rtol=1e-6)


@pytest.mark.parametrize(("name", "fault"), FAULTS)
def test_a_wrong_solution_is_refused_with_the_first_wrong_element(name, fault, examine):
    right, wrong = WRONG[name][fault]
    text = LESSONS[name].text
    assert text.count(right) >= 1
    line = examine(name, text.replace(right, wrong))
    if (name, fault) == ("02_relu.py", "aliasing"):
        assert "] is an input: it was -" in line
        assert " and is now 0; " in line
    elif (name, fault) == ("04_linear_backward.py", "aliasing"):
        assert "out[0] is nan, wanted " in line
        assert "; out is as before the call: write into it" in line
    else:
        assert re.search(NAMED, line)


@pytest.mark.parametrize("name", LESSONS)
def test_every_output_has_a_formula(name):
    lesson = LESSONS[name]
    for function, hints in lesson.hints.items():
        assert hints
        assert len(list(lesson.cases(function))) == len(SIZES)
        reference, given = lesson.reference(function), next(lesson.cases(function))
        before = copy.deepcopy(given)
        result = reference(*given)
        names = list(inspect.signature(reference).parameters)
        for place, old, new in judge._arrays(names, before, given):
            if not np.array_equal(old, new, equal_nan=True):
                formula = lesson.formula(function, place, [0] * new.ndim)
                assert formula, f"{function}: {place}"
        assert not isinstance(result, float) or lesson.formula(function, "loss")


def test_a_formula_has_the_elements_index():
    lesson = LESSONS["04_linear_backward.py"]
    formula = lesson.formula("linear_backward_weight", "out", (2, 0))
    assert formula == "sum over n of x[n, 2] * grad[n, 0]"


HEAD = "def relu_backward(grad, y, out): pass\ndef relu_forward(x, out):\n    "


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def f(:", "line 1: SyntaxError: "),
        ("import nowhere", "line 1: ModuleNotFoundError: No module named 'nowhere'"),
        ("1 / 0", "line 1: ZeroDivisionError: division by zero"),
        ("exit()", "line 1: SystemExit"),
        ("", "relu_forward is missing"),
        ("relu_forward = 3", "relu_forward must be a function, got 3"),
        ("def relu_forward(x): pass", r"relu_forward must take (x, out), got a function of (x)"),
        (HEAD + "out[...] = x[9]", "line 3: IndexError: index 9"),
        (HEAD + "exit()", "line 3: SystemExit"),
        (HEAD + "out[...] = x.clip(0)", "return out itself, not None [relu_forward of x (3, 3)"),
        (HEAD + "out[...] = x.clip(0); return out.copy()",
         "return out itself, not float32 of shape (3, 3)"),
        (HEAD + "out[...] = x.clip(0)[:, :1]; return out", "out[0, 1] is "),
    ],
)  # fmt: skip
def test_what_a_file_may_hold_is_refused_in_one_line(text, line, examine):
    assert line in examine("02_relu.py", text)


def test_a_loss_must_be_a_number(examine):
    text = LESSONS["03_softmax_cross_entropy.py"].text
    text = text.replace("return -float(", "return str(")
    assert "return the loss, a float, not '" in examine("03_softmax_cross_entropy.py", text)


def test_writing_beyond_an_array_in_c_is_seen(examine):
    text = LESSONS["10_sparse_kernel.c"].text
    right = "for (int64_t o = 0; o < O; o++) row[o] = bias[o];"
    assert right in text
    line = examine("10_sparse_kernel.c", text.replace(right, right.replace("o < O", "o <= O")))
    assert "10_sparse_kernel.c: it writes beyond the end of out: a loop has a step too" in line


def test_without_a_compiler_a_line_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    name = "10_sparse_kernel.c"
    path = tmp_path / name
    path.write_text(LESSONS[name].text)
    with pytest.raises(nn.NpNNError, match=r"there is no C compiler.*lessons 1 to 9 need none"):
        trial.load(path)
