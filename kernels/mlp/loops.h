/* The inner loops of compiled.pyx, for one instruction set.
 *
 * This file is included by dispatch.h once per instruction set, with
 *     NN(name)   name with the set's suffix, e.g. name_avx512
 *     VL         floats per vector register (16, 8, 4; 1 without GNU vectors)
 *     MR, NR     tile of the dense product: MR rows by NR vectors of accumulators
 * It has no include guard on purpose, and no OpenMP pragma: functions that OpenMP
 * outlines would lose the instruction set, so threads are the caller's business.
 *
 * Every sum here runs in one fixed order that depends neither on how columns are
 * cut into panels nor on how rows are shared among threads: each output element
 * has one accumulator, fed in order. So any split gives the same bits.
 *
 * Tails: a panel at least VL wide puts its last vector at width-VL, overlapping
 * its neighbour (both compute the same bits). A panel narrower than VL reads
 * whole vectors if the row stride allows it, and else goes column by column:
 * pad narrow matrices to a row stride of 16 to stay fast.
 */

#include "simd/vectors.h"
#include "simd/transpose.h"
#include "simd/transcendental.h"
#include "mlp/optimizers_loops.h"
#include "mlp/sparse_loops.h"
#include "mlp/dense_loops.h"
#include "mlp/losses_loops.h"
#include "mlp/elementwise_loops.h"
#include "simd/random.h"
#include "norm/batch_loops.h"

static const nn_kernels NN(kernels) = {
    NN_STRING(NN_ISA),
    VL,
    NN(sparse_forward),
    NN(sparse_update),
    NN(sparse_update_one),
    NN(dense),
    NN(dots),
    NN(add_rows),
    NN(transpose),
    NN(column_sums),
    NN(cross_entropy),
    NN(mse),
    NN(apply),
    NN(apply_outer),
    NN(activate),
    NN(activate_backward),
    NN(batch_norm_forward),
    NN(batch_norm_backward),
    NN(dropout),
    NN(gather_bytes),
    NN(gather_floats),
    NN(relu_forward),
    NN(relu_backward),
};
