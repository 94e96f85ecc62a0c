"""Arrays as one vector, and back."""

import numpy as np

from np_nn.utils.vectors import from_vector, to_vector


def test_a_vector_holds_the_arrays_in_order_and_is_a_copy():
    arrays = [np.float32([[1, 2], [3, 4]]), np.float32([5]), np.float32([[6, 7]]).T]
    vector = to_vector(arrays)
    np.testing.assert_array_equal(vector, [1, 2, 3, 4, 5, 6, 7])
    vector[:] = 0
    assert arrays[1] == 5


def test_arrays_take_a_vector_in_place_in_their_own_dtype():
    arrays = [np.zeros((2, 2), np.float32), np.zeros(0, np.float32), np.zeros(1, np.float32)]
    views = [array.view() for array in arrays]
    from_vector(np.arange(5, dtype=np.float64), arrays)
    np.testing.assert_array_equal(views[0], [[0, 1], [2, 3]])
    np.testing.assert_array_equal(views[2], [4])
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
