/* Arguments of a normalisation. mlp includes this file, too: it trains batch norm in its steps. */
#ifndef NN_NORM_TYPES_H
#define NN_NORM_TYPES_H

#include "common/types.h"

#define NN_PANEL 64   /* columns per panel */
#define NN_AHEAD 8    /* rows to prefetch ahead */
#define NN_SMALL 32   /* maximum pixels of a small image, whose pixels count as columns */

/* The names are those of the reference. relu: whether a ReLU with output y follows. variance
 * (columns,) holds the deviation (rows,) in layer norm. Images are (rows, columns, inner): the
 * columns are the channels. space: nn_norm_floats per thread. */
typedef struct {
    int64_t rows, columns, inner;
    const float *grad, *y, *x, *weight, *bias;
    float eps;
    int relu;
    float *out, *normalised, *mean, *variance, *weight_grad, *bias_grad;
    float *space;
} nn_norm;

static inline int nn_small(const nn_norm *t)
{
    return t->inner && t->inner <= NN_SMALL;
}

/* Return the floats of work space per thread: two per element of a panel. */
static inline int64_t nn_panel_floats(int64_t rows)
{
    return 2 * NN_PANEL * rows;
}

static inline int64_t nn_norm_floats(const nn_norm *t)
{
    return nn_small(t) ? nn_panel_floats(t->rows) : 0;
}

#endif
