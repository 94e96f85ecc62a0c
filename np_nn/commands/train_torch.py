"""Train the same network in PyTorch: same weights, same batches, same report."""

import np_nn as nn
from np_nn import cli
from np_nn.data.batches import Batches
from np_nn.data.split import in_memory
from np_nn.recipes import build
from np_nn.recipes.prepare import augmentation
from np_nn.recipes.run import Result, Run
from np_nn.training.rehearsal import rehearse
from np_nn.utils import seeds
from np_nn.utils.converters import one_of
from np_nn.utils.progress import progress

try:
    import torch

    from np_nn import torch_twin
except ModuleNotFoundError as error:
    raise nn.NpNNError(f"{error}; pip install torch torchvision") from None


# Recipe settings that this loop does not support.
NOT_HERE = ("shards", "validation", "clip_value", "max_norm")
DEVICES = ("cpu", "cuda", "mps")
BLOCK = 1000  # images per batch of an evaluation: convolutions need much memory


def parser():
    command = cli.parser(__doc__, recipe="np_nn_torch")
    cli.add_report(command)
    command.add_argument(
        "--device", type=one_of("device", DEVICES), default="cpu", metavar="NAME",
        help=f"device of PyTorch: {', '.join(DEVICES)} (default: cpu)",
    )  # fmt: skip
    return command


def main(argv=None):
    args = cli.parse(parser(), argv)
    for name in filter(lambda name: getattr(args.settings, name), NOT_HERE):
        option = f"--{name.replace('_', '-')}"
        raise nn.NpNNError(f"the PyTorch program does not support {option}: leave it out")
    torch.set_num_threads(args.threads)
    device = find_device(args.device)

    data = cli.load(args)
    settings = args.settings
    train_set = tensors(data, settings, device, train=True)
    test_set = tensors(data, settings, device, train=False)

    results = []
    for seed in args.seed:
        torch.manual_seed(seed)  # dropout's
        numpy_model = build.model(settings, data, seed)
        model = torch_twin.module(numpy_model).to(device)
        loss = build.loss(settings, data)
        shuffle = getattr(data.train.images, "shuffle", None)
        batches = Batches(len(data.train), **settings.plan, seed=seed, shuffle=shuffle)
        rehearse(numpy_model, loss, batches, data.train)
        optimizer = torch_twin.optimizer(
            build.optimizer(settings, numpy_model.parameters()), model.parameters()
        )

        history = train(
            model, *train_set, loss, optimizer, data.train, settings, batches, args.quiet
        )
        results.append(Result(seed, history, evaluate(model, *test_set, loss, data.test)))
        if history.interrupted:
            break

    run = Run("PyTorch", args.device, settings, data, args.threads, results)
    return cli.finish(run, args)


def find_device(name):
    """Return the torch device of this name; raise NpNNError if the machine has none."""
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available[name]:
        raise nn.NpNNError(
            f"--device {name}: PyTorch finds no such device on this machine, use --device cpu"
        )
    return torch.device(name)


def tensors(data, settings, device, train):
    """Return images uint8, shaped for the network, and targets, as tensors on the device.

    Images come from torchvision if it is installed and finds the unpacked files, unless they were
    deskewed; otherwise from the arrays that np_nn has read.

    Args:
        data: Dataset.
        settings: Recipe.
        device: torch device.
        train: True for the training split, False for the test split.
    """
    split = data.train if train else data.test
    images = None if settings.deskew else from_torchvision(data, train)
    if images is None:
        images = torch.tensor(in_memory(split.images))
    return shaped(images, settings).to(device), torch.tensor(split.labels).to(device)


def from_torchvision(data, train):
    """Return the images of a set as torchvision reads them, or None if it cannot."""
    if data.root is None:  # scikit-learn's digits, or the user's own files
        return None
    try:
        from torchvision import datasets

        folder = nn.DATASETS[data.name].folder
        return getattr(datasets, folder)(data.root, train=train, download=False).data
    except (ImportError, KeyError, AttributeError, RuntimeError):
        return None


def shaped(images, settings):
    """Return images (n, H, W) as the network takes them: (n, 1, H, W), or rows (n, I).

    Colour images (n, 3, H, W) stay as they are, or become rows.
    """
    if not build.takes_images(settings):
        return images.flatten(1)
    return images.unsqueeze(1) if images.ndim == 3 else images


def to_float(images, split):
    """Return a batch of pixels as the floats of a Split: scale * images + shift."""
    images = images.float() if split.scale == 1 else images.float() * split.scale
    return images + split.shift if split.shift else images


def train(model, images, targets, loss, optimizer, split, settings, batches, quiet):
    """Train in the usual PyTorch loop, on np_nn's batches; return a History.

    Args:
        model: module of torch.
        images: tensor of the training images, see ``tensors``.
        targets: tensor of their targets.
        loss: Loss of np_nn.
        optimizer: optimizer of torch.
        split: the training Split of np_nn.
        settings: Recipe.
        batches: Batches.
        quiet: show no progress.

    Raises:
        NpNNError: for a batch whose images all have weight 0, as its mean loss is undefined.
    """
    loss_function = torch_twin.loss(loss).to(images.device)
    scheduler = torch_twin.scheduler(build.schedule(settings), optimizer, len(batches))
    augment, rng = augmentation(settings), seeds.generator(batches.seed, "augmentation")
    model.train()
    with nn.History(len(batches), sizes=batches.sizes) as history:
        for indices in progress(batches, history, quiet, lambda: optimizer.param_groups[0]["lr"]):
            if augment and history.done % batches.per_epoch == 0:
                distorted = torch.from_numpy(augment(in_memory(split.images), rng))
                images = shaped(distorted, settings).to(images.device)
            batch = torch.from_numpy(indices).to(images.device)
            x, y = to_float(images[batch], split), targets[batch]

            if not loss.is_sum:
                loss.whole(split.labels[indices])  # an error where a mean would be 0/0
            optimizer.zero_grad()
            outputs = model(x)
            value = loss_function(outputs, y)
            value.backward()
            if settings.clip_norm:
                torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
            optimizer.step()
            scheduler.step()

            correct = loss.count_correct(outputs.detach().cpu().numpy(), y.cpu().numpy())
            history.record(value.item(), correct / len(y))
    return history


@torch.no_grad()
def evaluate(model, images, targets, loss, split):
    """Return the Evaluation of the test set: accuracy, mean loss and outputs.

    Args:
        model: module of torch.
        images: tensor of the test images, see ``tensors``.
        targets: tensor of their targets.
        loss: Loss of np_nn.
        split: the test Split of np_nn.
    """
    model.eval()
    outputs = torch.cat([model(to_float(part, split)) for part in images.split(BLOCK)])
    value = torch_twin.loss(loss).to(images.device)(outputs, targets).item()
    outputs = outputs.cpu().numpy()
    correct = loss.count_correct(outputs, targets.cpu().numpy())
    mean = value / (len(images) if loss.is_sum else 1)
    return nn.Evaluation(correct / len(images), mean, outputs)
