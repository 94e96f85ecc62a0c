"""Training speed in the browser, beside native code and TensorFlow.js, and frame times of drawing.

    make wasm
    python benchmarks/browser.py

Contenders train 784-128-10 on the same images, batch 128, SGD with momentum, on one thread. Each is
a process of its own: the page of np-nn draw, the same C source as native code of the baseline
instruction set, TensorFlow.js with its WebAssembly and its JavaScript backend. They take turns, and
a figure is the median of the rounds. npm fetches TensorFlow.js into build/tfjs/.
"""

import argparse
import base64
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import np_nn as nn
from np_nn.data.split import Split
from np_nn.utils import machine
from np_nn.utils.errors import NpNNError
from np_nn.utils.markdown import markdown_table
from np_nn.visualize.draw import training
from np_nn.visualize.draw.description import describe
from np_nn.visualize.draw.page import page as page_of

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "kernels" / "wasm"))
import native  # noqa: E402 - from the path above

WIDTHS, BATCH, RATE = (784, 128, 10), 128, 0.05
IMAGES = 6000
SECONDS = 1.0  # target length of a turn
NAMES = ("chromium", "chromium-browser", "google-chrome")
MODULES = "node_modules/@tensorflow"
TFJS = ROOT / "build" / "tfjs"
PACKAGES = {"tfjs": "tf.min.js", "tfjs-backend-wasm": "tf-backend-wasm.min.js"}

PAGE_TURN = """async ([steps, batch, rate]) => {
  const { training } = np_nn;
  let ms = 0;
  const posted = training.posted;
  training.posted = function (message) {
    ms += message.report?.ms ?? 0;
    posted.call(this, message);
  };
  const began = performance.now();
  await training.worked.ask("run", { rate, batch, until: training.step + steps });
  training.posted = posted;
  return [ms, performance.now() - began];
}"""
TF_START = """async ([backend, wasm, images, labels, rate]) => {
  const bytes = async (data) => new Uint8Array(await (await fetch(data)).arrayBuffer());
  if (backend === "wasm") tf.wasm.setWasmPaths(wasm);
  if (!(await tf.setBackend(backend))) throw new Error(`no backend ${backend}`);
  await tf.ready();
  const [pixels, classes] = [await bytes(images), await bytes(labels)];
  const count = classes.length;
  const start = (inputs, outputs) => {
    const bound = 1 / Math.sqrt(inputs);
    return [tf.randomUniform([inputs, outputs], -bound, bound), tf.zeros([outputs])];
  };
  const [w1, b1, w2, b2] = [...start(784, 128), ...start(128, 10)].map((t) => tf.variable(t));
  const x = tf.tensor2d(Float32Array.from(pixels, (p) => p / 255), [count, 784]);
  const y = tf.oneHot(tf.tensor1d(Int32Array.from(classes), "int32"), 10);
  const optimizer = tf.train.momentum(rate, 0.9);
  let at = 0;
  window.step = (batch) => tf.tidy(() => {
    if (at + batch > count) at = 0;
    const [own, wanted] = [tf.slice(x, [at, 0], [batch, 784]), tf.slice(y, [at, 0], [batch, 10])];
    at += batch;
    const loss = () => {
      const hidden = tf.relu(tf.add(tf.matMul(own, w1), b1));
      return tf.losses.softmaxCrossEntropy(wanted, tf.add(tf.matMul(hidden, w2), b2));
    };
    return optimizer.minimize(loss, true).dataSync()[0];
  });
}"""
TF_TURN = """([steps, batch]) => {
  const began = performance.now();
  for (let i = 0; i < steps; i++) window.loss = step(batch);
  return performance.now() - began;
}"""
FRAMES = """async (count) => {
  const { pad } = np_nn, times = [];
  const frame = () => new Promise((go) => requestAnimationFrame(go));
  pad.begin([160, 160]);
  for (let i = 0; i < count; i++) {
    await new Promise((go) => setTimeout(go, 10));
    const started = frame().then(() => performance.now());
    pad.extend([160 + 90 * Math.cos(i / 9), 160 + 90 * Math.sin(i / 5)]);
    const [began] = await Promise.all([started, frame()]);
    const { port1, port2 } = new MessageChannel();
    const painted = new Promise((go) => (port1.onmessage = go));
    port2.postMessage(null);
    await painted;
    times.push(performance.now() - began);
  }
  return times;
}"""


def main():
    command = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    command.add_argument("--rounds", type=int, default=7, metavar="N")
    rounds = command.parse_args().rounds
    if not training.MODULE.is_file():
        command.error("the page cannot train without its kernels: build them by make wasm")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            whole = nn.load("mnist", quiet=True).train
            data = Split(whole.images[:IMAGES], whole.labels[:IMAGES])
            launch = launcher(stack)
        except NpNNError as error:
            command.error(str(error))
        page, version = page_of_np_nn(launch, folder)
        contenders = {"native": native_turn(folder, data), "the page": page_turn(page)}
        contenders |= tfjs_turns(launch, data)
        turns = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, turn in contenders.items():
                turns[name].append(turn())
        frames = page.evaluate(FRAMES, 200)
    report(turns, frames, version)


def launcher(stack):
    """Return a function that starts a new browser and returns an empty page of it."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NpNNError("playwright is not installed: pip install playwright") from None
    if not path:
        raise NpNNError(f"no chromium is installed: install one of {', '.join(NAMES)}")
    driver = stack.enter_context(sync_playwright())

    def launch():
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        stack.callback(browser.close)
        return browser.new_page()

    return launch


# ---- Contenders: functions that take one turn and return images/s ------------------------------


def native_turn(folder, data):
    images = data.images.reshape(len(data), -1)
    network = native.Network(native.build(folder), images, data.labels, WIDTHS)

    def turn(steps=100):
        began = time.perf_counter()
        network.train(steps, BATCH, RATE)
        seconds = time.perf_counter() - began
        if seconds < SECONDS / 2:
            return turn(max(2 * steps, int(steps * SECONDS / seconds)))
        return {"training": steps * BATCH / seconds}

    return turn


def page_of_np_nn(launch, folder):
    """Return the open page of np-nn draw, after its first step, and its browser's version."""
    model = nn.initialize(nn.mlp(WIDTHS), "torch", 0)
    model.info = nn.ModelInfo.of(nn.load("mnist", quiet=True))
    path = folder / "page.html"
    path.write_text(page_of("784-128-10", describe(model.eval()), training.facts(IMAGES)), "utf-8")
    page = launch()
    page.goto(path.as_uri())
    page.fill("#train-rate", str(RATE))
    page.click("#one-step")
    page.wait_for_function("!np_nn.training.acting")
    return page, page.context.browser.version


def page_turn(page):
    def turn(steps=200):
        trained, whole = (ms / 1000 for ms in page.evaluate(PAGE_TURN, [steps, BATCH, RATE]))
        if whole < SECONDS / 2:
            return turn(max(2 * steps, int(steps * SECONDS / whole)))
        return {"training": steps * BATCH / trained, "with tests": steps * BATCH / whole}

    return turn


def tfjs_turns(launch, data):
    """Return {name: turn} of TensorFlow.js's backends; without npm print a line and return {}."""
    if not all((TFJS / MODULES / package).is_dir() for package in PACKAGES) and not fetch():
        return {}
    scripts = [TFJS / MODULES / package / "dist" / file for package, file in PACKAGES.items()]
    wasm = {path.name: url(path.read_bytes()) for path in scripts[-1].parent.glob("*.wasm")}
    arrays = [url(data.images.tobytes()), url(data.labels.astype("u1").tobytes())]
    turns = {}
    for backend in ("wasm", "cpu"):
        page = launch()
        for script in scripts:
            page.add_script_tag(path=script)
        page.evaluate(TF_START, [backend, wasm, *arrays, RATE])
        name = f"TensorFlow.js {page.evaluate('tf.version.tfjs')}, {backend}"
        turns[name] = tfjs_turn(page)
    return turns


def fetch():
    """Install TensorFlow.js by npm; return whether that succeeded."""
    if not shutil.which("npm"):
        print("TensorFlow.js is left out: npm is not installed", file=sys.stderr)
        return False
    TFJS.mkdir(parents=True, exist_ok=True)
    names = [f"@tensorflow/{package}@4" for package in PACKAGES]
    options = ["--silent", "--no-audit", "--no-fund", f"--prefix={TFJS}"]
    if subprocess.run(["npm", "install", *options, *names]).returncode:
        print("TensorFlow.js is left out: npm could not install it", file=sys.stderr)
        return False
    return True


def url(content):
    return "data:application/octet-stream;base64," + base64.b64encode(content).decode()


def tfjs_turn(page):
    def turn(steps=10):
        seconds = page.evaluate(TF_TURN, [steps, BATCH]) / 1000
        if seconds < SECONDS / 2:
            return turn(max(2 * steps, int(steps * SECONDS / seconds)))
        return {"training": steps * BATCH / seconds}

    return turn


# ---- Report -----------------------------------------------------------------------------------


def report(turns, frames, version):
    """Print the tables. frames: ms of each frame while drawing."""
    print(f"784-128-10, batch {BATCH}, SGD with momentum, one thread. {machine.describe()}.")
    print(f"Chromium {version}. A ratio is the median of those within the rounds.\n")
    rows = []
    for name, answers in turns.items():
        for what in answers[0]:
            speeds = [answer[what] for answer in answers]
            first = [answer["training"] for answer in turns["the page"]]
            ratio = statistics.median(map(lambda a, b: a / b, first, speeds))
            label = name if what == "training" else f"{name}, {what} and pictures"
            rows.append((label, f"{statistics.median(speeds):,.0f}", f"{ratio:.2f}"))
    print(markdown_table(("contender", "images/s", "the page is times as fast"), rows))
    middle, most = statistics.median(frames), max(frames)
    print(f"\nA frame while drawing: {middle:.1f} ms, the longest of {len(frames)} {most:.1f} ms.")


if __name__ == "__main__":
    main()
