/* 10. A sparse kernel: four of five pixels of MNIST are 0. What if we never multiplied them?
 *
 * The images are stored as compressed rows: image m has the pixels columns[k], with the values
 * values[k] from 1 to 255, for k from indptr[m] to indptr[m + 1] - 1. All others are 0.
 *
 * A batch is N image numbers m = indices[n]. Each row of out is the bias, plus, for each pixel of
 * the image, the pixel's row of weight times its value. All arrays are stored row by row: element
 * (i, o) of weight is weight[i * O + o].
 *
 *     np-nn check 10_sparse_kernel.c
 *
 * compiles this file with your C compiler (cc, gcc or clang; set CC for another), compares it with
 * the dense product, and trains on MNIST with it. Replace the line #error by your lines. The gradient
 * of the weights, below, is given.
 */
#include <stdint.h>

void sparse_linear_forward(
    const int64_t *indptr, const uint16_t *columns, const uint8_t *values, /* compressed rows */
    const int64_t *indices, int64_t N, float scale,                        /* the batch */
    const float *weight, const float *bias, int64_t O, float *out) /* (I, O), (O,), (N, O) */
{
    /* out[n, o] = bias[o] + sum over k of scale * values[k] * weight[columns[k], o], k of image indices[n]
     */
    // >>>
    // hint: three loops: over n, over the pixels k of the image indices[n], over o
    // hint: first out[n * O + o] = bias[o] for all o; then add, pixel by pixel
    // hint: the innermost loop over o reads and writes along rows: the compiler makes vectors of it
    for (int64_t n = 0; n < N; n++) {
        float *row = out + n * O;
        for (int64_t o = 0; o < O; o++) row[o] = bias[o];
        for (int64_t k = indptr[indices[n]]; k < indptr[indices[n] + 1]; k++) {
            const float value = scale * values[k], *weights = weight + columns[k] * O;
            for (int64_t o = 0; o < O; o++) row[o] += value * weights[o];
        }
    }
    // <<<
}

/* out[i, o] = sum over n of x[n, i] * grad[n, o], the same way; out (I, O) begins with zeros. */
void sparse_linear_backward_weight(
    const int64_t *indptr, const uint16_t *columns, const uint8_t *values,
    const int64_t *indices, int64_t N, float scale, const float *grad, int64_t O, float *out)
{
    for (int64_t n = 0; n < N; n++)
        for (int64_t k = indptr[indices[n]]; k < indptr[indices[n] + 1]; k++) {
            const float value = scale * values[k], *slopes = grad + n * O;
            float *row = out + columns[k] * O;
            for (int64_t o = 0; o < O; o++) row[o] += value * slopes[o];
        }
}

// >>> check
// import numpy as np
// from ctypes import c_float, c_int64
// from numpy.ctypeslib import ndpointer
//
// from np_nn import NpNNError, reference
//
//
// def bind(library):
//     """Return the C functions with the arguments of np_nn.reference's."""
//     long, short, byte, real = (ndpointer(kind, flags="C") for kind in ("i8", "u2", "u1", "f4"))
//     forward, backward = library.sparse_linear_forward, library.sparse_linear_backward_weight
//     batch = long, short, byte, long, c_int64, c_float
//     forward.argtypes, forward.restype = (*batch, real, real, c_int64, real), None
//     backward.argtypes, backward.restype = (*batch, real, c_int64, real), None
//
//     def sparse_linear_forward(rows, indices, scale, shift, weight, bias, out):
//         first = np.zeros(out.shape[1], "f4") if bias is None else bias
//         first = first + np.float32(shift) * weight.sum(axis=0)  # every pixel adds the shift
//         sizes, checked = (len(indices), scale, weight, first, out.shape[1]), out.size < 99
//         room = np.append(out, np.full(8, 7, "f4")) if checked else out  # what follows out
//         forward(*rows[:3], indices, *sizes, room)
//         if checked and (room[out.size :] != 7).any():
//             raise NpNNError("it writes beyond the end of out: a loop has a step too many")
//         if checked:
//             out[...] = room[: out.size].reshape(out.shape)
//         return out
//
//     def sparse_linear_backward_weight(rows, indices, scale, shift, grad, out):
//         out[...] = np.float32(shift) * grad.sum(axis=0)
//         backward(*rows[:3], indices, len(indices), scale, grad, out.shape[1], out)
//         return out
//
//     return {
//         "sparse_linear_forward": sparse_linear_forward,
//         "sparse_linear_backward_weight": sparse_linear_backward_weight,
//     }
//
//
// def _rows(c):
//     pixels = c.rng.integers(1, 256, (6, c.i)) * (c.rng.random((6, c.i)) < 0.5)
//     return reference.compress(pixels.astype("u1"))
//
//
// OPTIONS = "--hidden", "512"
// CASES = {
//     "sparse_linear_forward": lambda c: (
//         _rows(c), c.rng.integers(0, 6, c.n), 0.5, 0.0, c.x(c.i, c.o), c.x(c.o), c.out(c.n, c.o),
//     ),
// }
// <<<
