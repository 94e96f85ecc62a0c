"""Train a neural network in NumPy on MNIST, and compare it with the published result."""

import np_nn as nn
from np_nn import cli, models, ops, optim, report


def main(argv=None):
    command = cli.parser(__doc__, recipe="np_nn")
    cli.add_numpy_options(command)
    args = cli.parse(command, argv)
    settings, data = args.settings, cli.load(args)

    results = []
    for seed in args.seed:
        model = models.build(settings, data, seed)
        loss = nn.CrossEntropyLoss(settings.label_smoothing)
        optimizer = optim.build(settings, model.parameters())

        options = settings.plan | {"seed": seed, "input": args.input, "quiet": args.quiet}
        schedule = optim.SCHEDULES[settings.schedule]
        history = nn.fit(model, data.train, loss, optimizer, schedule=schedule, **options)
        test = nn.evaluate(model, data.test, input=args.input)
        results.append(report.Result(seed, history, test))
        if history.interrupted:
            break

    run = report.Run("NumPy", ops.describe(), settings, data, args.threads, results)
    return report.finish(run, args)


if __name__ == "__main__":
    cli.run(main)
