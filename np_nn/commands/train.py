"""Train a neural network in NumPy on MNIST, and compare it with the published result."""

from np_nn import cli, ops
from np_nn.cli import find_lr, load_option, ranks, save_options
from np_nn.recipes.run import Run, train


def parser():
    command = cli.parser(__doc__, recipe="np_nn")
    cli.add_numpy_options(command)
    cli.add_report(command)
    save_options.add_options(command)
    find_lr.add_option(command)
    return command


def main(argv=None):
    command = parser()
    args = cli.parse(command, save_options.arguments(command, argv))
    team = ranks.join(args)
    leads = team is None or team.leads
    callbacks = save_options.callbacks(args) if leads else []
    find_lr.check(args)
    data = cli.load(args)
    settings = args.settings
    if args.find_lr:
        return find_lr.search(args, data)

    results = []
    for seed in args.seed:
        model = load_option.model(args, data, seed)  # layers, with random weights or --load's
        # Trains on data.train and tests on data.test: see np_nn/recipes/run.py, which calls the
        # training loop in np_nn/training/fit.py.
        result = train(
            settings, data, seed, args.input, args.quiet,
            model=model, callbacks=callbacks, resume=args.resume,
        )  # fmt: skip
        results.append(result)
        if result.history.interrupted:
            break

    if not leads:  # rank 0 writes and prints
        return 130 if results[-1].history.interrupted else 0
    size = team.size if team else 1
    run = Run("NumPy", ops.describe(), settings, data, args.threads, results, size)
    return cli.finish(run, args, save_options.exports(args, model))
