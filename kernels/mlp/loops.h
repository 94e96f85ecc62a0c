/* The inner loops of mlp.pyx, for one instruction set.
 *
 * Included once per instruction set, see common/dispatch.h.
 *
 * Every sum has one fixed order, which depends neither on the panels nor on the threads: each
 * output element has one accumulator, to which terms are added in order. So every split gives the
 * same bits.
 *
 * Tails: in a panel at least VL wide, the last vector begins at width - VL and overlaps its
 * neighbour (both compute the same bits). A panel narrower than VL reads whole vectors if the row
 * stride allows it, and otherwise goes column by column: pad narrow matrices to a row stride of 16
 * for speed.
 */

#include "simd/vectors.h"
#include "simd/transpose.h"
#include "simd/transcendental.h"
#include "simd/activations.h"
#include "mlp/optimizers_loops.h"
#include "mlp/sparse_loops.h"
#include "mlp/dense_loops.h"
#include "mlp/hidden_loops.h"
#include "mlp/losses_loops.h"
#include "mlp/elementwise_loops.h"
#include "simd/random.h"
#include "norm/batch_loops.h"

static const nn_mlp_table NN(kernels) = {
    .name = NN_STRING(NN_ISA),
    .vector = VL,
    .sparse_forward = NN(sparse_forward),
    .sparse_images = NN(sparse_images),
    .sparse_update = NN(sparse_update),
    .sparse_update_one = NN(sparse_update_one),
    .dense = NN(dense),
    .skipping = NN(skipping),
    .dots = NN(dots),
    .add_rows = NN(add_rows),
    .transpose = NN(transpose),
    .column_sums = NN(column_sums),
    .cross_entropy = NN(cross_entropy),
    .mse = NN(mse),
    .apply = NN(apply),
    .apply_outer = NN(apply_outer),
    .activate = NN(activate),
    .activate_backward = NN(activate_backward),
    .batch_norm_forward = NN(batch_norm_forward),
    .batch_norm_backward = NN(batch_norm_backward),
    .dropout = NN(dropout),
    .gather_bytes = NN(gather_bytes),
    .gather_floats = NN(gather_floats),
};
