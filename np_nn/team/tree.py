"""Sum of one array for each shard, over the ranks, in the order of one binary tree."""

import numpy as np


def span(total, parts, part):
    """Return (begin, end) of one of `parts` nearly equal parts of range(total), larger ones first.

    With fewer numbers than parts, the last parts are empty.
    """
    size, more = divmod(total, parts)
    begin = part * size + min(part, more)
    return begin, begin + size + (part < more)


def subtrees(begin, end):
    """Return the largest subtrees that cover leaves begin..end-1: [(first leaf, leaves)]."""
    found = []
    while begin < end:
        size = 1
        while begin % (2 * size) == 0 and begin + 2 * size <= end:
            size *= 2
        found.append((begin, size))
        begin += size
    return found


class TreeSum:
    """Sum of arrays, one for each leaf of a binary tree; the same bits on any number of ranks.

    Leaves 0..5 are summed as ``((0 + 1) + (2 + 3)) + (4 + 5)``. A rank has consecutive leaves, and
    adds those of its subtrees. Then the ranks exchange slices of their subtrees' sums, each rank
    adds up one slice (a reduce-scatter), and all collect all slices (an all-gather).

    world: World. leaves: number of arrays. size, dtype: of each array. free: list of arrays for
    reuse, which sums of equal arrays share.
    """

    def __init__(self, world, leaves, size, dtype, free):
        self._leaves, self._comm, self._free = leaves, world.comm, free
        self._new = lambda: np.zeros(size, dtype)
        self._stack, self._result = [], None
        spans = [span(leaves, world.size, rank) for rank in range(world.size)]
        self.mine = range(*spans[world.rank])  # leaves of this rank
        self._widths = np.diff([span(size, world.size, r) for r in range(world.size)]).ravel()
        self._rounds = []
        if world.size > 1:
            self._plan([subtrees(*each) for each in spans], self._widths[world.rank], dtype)

    def _plan(self, found, width, dtype):
        """Plan the exchange. In round k each rank sends its k-th subtree, if it has so many.

        found: the subtrees of each rank. Each round becomes (subtrees, counts, array) of what
        arrives: a row of `width` numbers, and a count, for each.
        """
        for k in range(max(map(len, found))):
            senders = np.array([len(each) > k for each in found])
            arriving = [each[k] for each in found if len(each) > k]
            self._rounds.append(
                (arriving, senders * width, np.empty((len(arriving), width), dtype))
            )

    def array(self):
        """Return an array (size,) for the next leaf, with arbitrary finite or stale numbers."""
        return self._free.pop() if self._free else self._new()

    def push(self, leaf, array):
        """Add the array of the next leaf of ``mine``; it belongs to the sum from now on."""
        first, size = leaf, 1
        while first & size and self._stack and self._stack[-1][0][1] == size:
            (first, _), left = self._stack.pop()
            left += array
            self._free.append(array)
            array, size = left, 2 * size
        self._stack.append(((first, size), array))

    def total(self):
        """Return the sum (size,), valid until the next one."""
        if self._result is not None:
            self._free.append(self._result)
        if self._rounds:
            self._result = self._exchanged()
            self._free += [array for _, array in self._stack]
        else:
            self._result = self._added(dict(self._stack))
            self._free += [array for _, array in self._stack if array is not self._result]
        self._stack = []
        return self._result

    def _exchanged(self):
        parts, nothing = {}, 0 * self._widths
        for k, (arriving, counts, rows) in enumerate(self._rounds):
            array = self._stack[k][1] if k < len(self._stack) else rows.ravel()[:0]
            sent = self._widths if k < len(self._stack) else nothing
            self._comm.Alltoallv([array, sent], [rows, counts])
            parts |= zip(arriving, rows, strict=True)
        result = self.array()
        self._comm.Allgatherv(self._added(parts), [result, self._widths])
        return result

    def _added(self, parts, first=0, size=None):
        """Return the sum of `size` leaves from `first` on, of {subtree: its sum}; None: no leaf."""
        size = size or 1 << (self._leaves - 1).bit_length()
        if (first, size) in parts or first >= self._leaves:
            return parts.get((first, size))
        left = self._added(parts, first, size // 2)
        right = self._added(parts, first + size // 2, size // 2)
        if right is not None:
            left += right
        return left
