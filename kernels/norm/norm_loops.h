/* The inner loops of norm.pyx, for one instruction set.
 *
 * Included once per instruction set, see common/dispatch.h. Every sum has one fixed order that does
 * not depend on how columns or rows are shared, so the number of threads changes no bit.
 */

#include "simd/vectors.h"
#include "simd/sums.h"
#include "norm/batch_loops.h"
#include "norm/channel_loops.h"
#include "norm/layer_loops.h"

static const nn_norm_table NN(kernels) = {
    .name = NN_STRING(NN_ISA),
    .batch_norm_forward = NN(batch_norm_forward),
    .batch_norm_backward = NN(batch_norm_backward),
    .batch_norm_apply = NN(batch_norm_apply),
    .channel_norm_forward = NN(channel_norm_forward),
    .channel_norm_backward = NN(channel_norm_backward),
    .channel_norm_apply = NN(channel_norm_apply),
    .layer_norm_parameters = NN(layer_norm_parameters),
    .layer_norm_forward = NN(layer_norm_forward),
    .layer_norm_backward = NN(layer_norm_backward),
};
