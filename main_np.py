"""Train a neural network in NumPy on MNIST, and compare it with the published result."""

import np_nn as nn
from np_nn import cli, ops
from np_nn.cli import save_options
from np_nn.recipes import build
from np_nn.recipes.run import Result, Run


def main(argv=None):
    command = cli.parser(__doc__, recipe="np_nn")
    cli.add_numpy_options(command)
    cli.add_report(command)
    save_options.add_options(command)
    args = cli.parse(command, save_options.arguments(command, argv))
    callbacks = save_options.callbacks(args)
    settings, data = args.settings, cli.load(args)

    results = []
    for seed in args.seed:
        model = build.model(settings, data, seed)
        loss = build.loss(settings, data)
        optimizer = build.optimizer(settings, model.parameters())
        history = nn.fit(
            model, data.train, loss, optimizer,
            **build.fit_options(settings, data), callbacks=callbacks, resume=args.resume,
            seed=seed, input=args.input, quiet=args.quiet,
        )  # fmt: skip
        test = nn.evaluate(model, data.test, loss, input=args.input, keep=True)
        results.append(Result(seed, history, test))
        save_options.export(args, model, data)
        if history.interrupted:
            break

    done = Run("NumPy", ops.describe(), settings, data, args.threads, results)
    return cli.finish(done, args)


if __name__ == "__main__":
    cli.run(main)
