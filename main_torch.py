"""Train the same network in PyTorch: same weights, same batches, same report."""

import sys

import np_nn as nn
from np_nn import cli, models, optim, report
from np_nn.batches import Batches
from np_nn.progress import progress

try:
    import torch

    from np_nn import twin
except ModuleNotFoundError as error:
    print(f"main_torch.py: error: {error}; pip install torch torchvision", file=sys.stderr)
    sys.exit(2)


def main(argv=None):
    command = cli.parser(__doc__, recipe="np_nn_torch")
    command.add_argument("--device", choices=("cpu", "cuda", "mps"), default="cpu")
    args = cli.parse(command, argv)
    torch.set_num_threads(args.threads)
    device = find_device(args.device)

    settings, data = args.settings, cli.load(args)
    train_set = tensors(data, device, train=True)
    test_set = tensors(data, device, train=False)

    results = []
    for seed in args.seed:
        numpy_model = models.build(settings, data, seed)
        model = twin.module(numpy_model).to(device)
        optimizer = twin.optimizer(
            optim.build(settings, numpy_model.parameters()), model.parameters()
        )

        history = train(model, *train_set, optimizer, settings, seed, args.quiet)
        results.append(report.Result(seed, history, evaluate(model, *test_set, settings.scale)))
        if history.interrupted:
            break

    run = report.Run("PyTorch", args.device, settings, data, args.threads, results)
    return report.finish(run, args)


def find_device(name):
    """The torch device of this name; NpNNError if the machine has none."""
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available[name]:
        raise nn.NpNNError(f"--device {name}: PyTorch finds no such device on this machine")
    return torch.device(name)


def tensors(data, device, train):
    """Images (n, 784) uint8 and labels (n,) int64, as tensors on the device.

    torchvision reads them where it is installed and finds the unpacked files;
    else they are the arrays that np_nn has read.
    """
    try:
        from torchvision import datasets

        folder = nn.DATASETS[data.name].folder
        source = getattr(datasets, folder)(data.root, train=train, download=False)
        images, labels = source.data, source.targets
    except (ImportError, KeyError, RuntimeError):
        split = data.train if train else data.test
        images, labels = torch.tensor(split.images), torch.tensor(split.labels)
    return images.flatten(1).to(device), labels.to(device)


def to_float(images, scale):
    return images.float() if scale == 1 else images.float() * scale


def train(model, images, labels, optimizer, settings, seed, quiet):
    """The usual PyTorch loop, on np_nn's batches; returns a History."""
    loss_function = torch.nn.CrossEntropyLoss(label_smoothing=settings.label_smoothing)
    batches = Batches(len(images), **settings.plan, seed=seed)
    scheduler = twin.scheduler(settings.schedule, optimizer, len(batches))
    model.train()
    with nn.History(len(batches)) as history:
        for indices in progress(batches, history, quiet):
            batch = torch.from_numpy(indices).to(images.device)
            x, y = to_float(images[batch], settings.scale), labels[batch]

            optimizer.zero_grad()
            logits = model(x)
            loss = loss_function(logits, y)
            loss.backward()
            optimizer.step()
            if scheduler:
                scheduler.step()

            accuracy = (logits.argmax(dim=1) == y).float().mean()
            history.record(loss.item(), accuracy.item())
    return history


@torch.no_grad()
def evaluate(model, images, labels, scale):
    """Accuracy and mean loss on the test set."""
    model.eval()
    logits = model(to_float(images, scale))
    accuracy = (logits.argmax(dim=1) == labels).float().mean()
    loss = torch.nn.functional.cross_entropy(logits, labels)
    return nn.Evaluation(accuracy.item(), loss.item())


if __name__ == "__main__":
    cli.run(main)
