"""The perceptron of 1958 learns AND, and can never learn XOR.

One unit answers 1 where w.x + b > 0. Rosenblatt's rule changes it only when it is wrong:
w += (y - answer) * x. If a straight line separates the classes, the rule finds one. XOR has no
such line, which is why networks need a layer in between (02_xor_numpy.py).
"""

import common
import numpy as np

import np_nn as nn
from np_nn.plots import plane

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])  # two inputs, all four cases
GATES = {"AND": np.array([0, 0, 0, 1]), "XOR": np.array([0, 1, 1, 0])}


def main(argv=None):
    args = common.arguments(__doc__, argv)
    units = {}
    for name, y in GATES.items():
        unit = units[name] = nn.Perceptron(inputs=2).fit(X, y, epochs=20)
        right = int((unit.predict(X) == y).sum())
        print(f"{name}: {right} of 4 right after {len(unit.mistakes)} passes")
        print(f"     mistakes per pass: {unit.mistakes}")
    w, b = units["AND"].weight, units["AND"].bias  # (1, 0) is on the line, and counts as 0
    print(f"AND is the line {w[0]:g} x1 {w[1]:+g} x2 {b:+g} = 0. No line does XOR.")
    if not args.no_plots:
        draw(units, args)


def draw(units, args):
    title = "One unit draws one straight line"
    with common.picture(args, "01_perceptron", title, height=3.3) as figure:
        *planes, mistakes = figure.subplots(1, 3)
        for axes, (name, unit) in zip(planes, units.items(), strict=True):
            plane.boundary(axes, unit.predict, X, GATES[name])
            right = (unit.predict(X) == GATES[name]).sum()
            axes.set(title=f"{name}: {right} of 4 right", xlabel="x1", ylabel="x2")
            axes.set(xticks=[0, 1], yticks=[0, 1])
        for (name, unit), look in zip(units.items(), ("o-", "s--"), strict=True):
            colour = common.BLUE if name == "AND" else common.ORANGE
            passes = range(1, len(unit.mistakes) + 1)
            mistakes.plot(passes, unit.mistakes, look, color=colour, ms=4, label=name)
        mistakes.set(title="mistakes per pass", xlabel="pass", xticks=[1, 5, 10, 15, 20])
        mistakes.set(ylim=(-0.1, 4.2))
        mistakes.legend(loc="center right")


if __name__ == "__main__":
    common.run(main)
