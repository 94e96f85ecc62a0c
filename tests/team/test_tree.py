"""The tree by which the shards' gradients are added: one order on any number of ranks."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from np_nn.team.tree import TreeSum, span, subtrees
from np_nn.team.world import World

pytestmark = pytest.mark.kernel_independent


class Ranks:
    """Threads as the ranks of an MPI, with the two exchanges of a TreeSum."""

    def __init__(self, size):
        self.size, self._barrier, self._sent = size, threading.Barrier(size), [None] * size

    def run(self, work):
        """Return the results of work(world) on all ranks."""
        results = [None] * self.size

        def of(rank):
            results[rank] = work(Rank(self, rank))

        started = [threading.Thread(target=of, args=(rank,)) for rank in range(self.size)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
        return results

    def exchange(self, rank, sent):
        self._sent[rank] = sent
        self._barrier.wait()
        everything = list(self._sent)
        self._barrier.wait()
        return everything


class Rank:
    """World and communicator of one of the threads."""

    def __init__(self, ranks, rank):
        self._ranks, self.rank, self.size, self.comm = ranks, rank, ranks.size, self

    def Alltoallv(self, sent, received):  # noqa: N802 - mpi4py's name
        array, counts = sent
        parts = np.split(array[: counts.sum()].copy(), np.cumsum(counts)[:-1])
        arrived = [parts[self.rank] for parts in self._ranks.exchange(self.rank, parts)]
        rows, counts = received
        assert [len(part) for part in arrived] == counts.tolist()
        rows.reshape(-1)[...] = np.concatenate(arrived)

    def Allgatherv(self, own, received):  # noqa: N802
        array, counts = received
        arrived = self._ranks.exchange(self.rank, own.copy())
        assert [len(part) for part in arrived] == counts.tolist()
        array[...] = np.concatenate(arrived)


def added(world, leaves, size, times=2):
    """Return the sum of the same random arrays by a TreeSum, added `times` times."""
    total = TreeSum(world, leaves, size, np.float32, [])
    for _ in range(times):
        for leaf in total.mine:
            array = total.array()
            array[...] = leaf_of(leaf, size)
            total.push(leaf, array)
        result = total.total().copy()
    return result


def leaf_of(leaf, size):
    return np.random.default_rng(leaf).normal(size=size).astype(np.float32)


@given(st.integers(1, 20), st.integers(1, 9), st.integers(0, 40))
def test_the_bits_of_a_sum_do_not_depend_on_the_ranks(leaves, ranks, size):
    expected = added(World(), leaves, size)
    for result in Ranks(ranks).run(lambda world: added(world, leaves, size)):
        assert result.tobytes() == expected.tobytes()


def test_the_order_of_the_sum_is_that_of_the_tree():
    a, b, c, d, e, f = (leaf_of(leaf, 1000) for leaf in range(6))
    expected = ((a + b) + (c + d)) + (e + f)
    assert added(World(), 6, 1000).tobytes() == expected.tobytes()
    assert (a + b + c + d + e + f).tobytes() != expected.tobytes()


@given(st.integers(0, 300), st.integers(1, 50))
def test_parts_cover_everything_once_and_differ_by_one(total, parts):
    spans = [span(total, parts, part) for part in range(parts)]
    assert [number for begin, end in spans for number in range(begin, end)] == list(range(total))
    sizes = [end - begin for begin, end in spans]
    assert sizes == sorted(sizes, reverse=True)
    assert max(sizes) - min(sizes) <= 1


def test_subtrees_of_a_rank():
    assert subtrees(0, 8) == [(0, 8)]
    assert subtrees(3, 8) == [(3, 1), (4, 4)]
    assert subtrees(1, 6) == [(1, 1), (2, 2), (4, 2)]
    assert subtrees(2, 2) == []
