"""Train a neural network in NumPy on MNIST, and compare it with the published result."""

import np_nn as nn
from np_nn import cli, losses, models, ops, optim, report, run, saving


def main(argv=None):
    command = cli.parser(__doc__, recipe="np_nn")
    cli.add_numpy_options(command)
    cli.add_report(command)
    saving.add_options(command)
    args = cli.parse(command, saving.arguments(command, argv))
    callbacks = saving.callbacks(args)
    settings, data = args.settings, cli.load(args)

    results = []
    for seed in args.seed:
        model = models.build(settings, data, seed)
        loss = losses.build(settings, data)
        optimizer = optim.build(settings, model.parameters())
        history = nn.fit(
            model, data.train, loss, optimizer,
            **run.fit_options(settings, data), callbacks=callbacks, resume=args.resume,
            seed=seed, input=args.input, quiet=args.quiet,
        )  # fmt: skip
        test = nn.evaluate(model, data.test, loss, input=args.input, keep=True)
        results.append(report.Result(seed, history, test))
        saving.export(args, model, data)
        if history.interrupted:
            break

    done = report.Run("NumPy", ops.describe(), settings, data, args.threads, results)
    return report.finish(done, args)


if __name__ == "__main__":
    cli.run(main)
