"""Order of samples, and split of a test set from a data set without one.

Both depend only on the labels and on the order within each class: the same data, as a folder
(class by class) or as a table (mixed), has the same split and order.
"""

import numpy as np

TEST_SHARE = 0.2


def stratified(labels, seed=0):
    """Return indices of all samples in stratified order: every stretch has all classes' shares.

    labels (n,) int >= 0. Sample i of the n in a shuffled class has the key (i + 0.5) / n.
    """
    return _merged(_shuffled(labels, seed))


def split(labels, seed=0):
    """Return (training indices, test indices), each in stratified order.

    The test set is a fifth of each class, at least one sample of a class that has two.
    """
    groups = _shuffled(labels, seed)
    cuts = [max(1, round(TEST_SHARE * len(group))) if len(group) > 1 else 0 for group in groups]
    test = [group[:cut] for group, cut in zip(groups, cuts, strict=True)]
    train = [group[cut:] for group, cut in zip(groups, cuts, strict=True)]
    return _merged(train), _merged(test)


def _shuffled(labels, seed):
    """Return the indices of each class, shuffled by a separate generator per class."""
    labels = np.asarray(labels)
    ends = np.cumsum(np.bincount(labels))[:-1]
    groups = np.split(np.argsort(labels, kind="stable"), ends)
    return [
        np.random.default_rng((seed, number)).permutation(group)
        for number, group in enumerate(groups)
    ]


def _merged(groups):
    keys = np.concatenate([(np.arange(len(group)) + 0.5) / max(1, len(group)) for group in groups])
    classes = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return np.concatenate(groups)[np.lexsort((classes, keys))]
