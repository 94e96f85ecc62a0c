/* The task of a normalisation. mlp includes this file, too: it trains batch norm in its steps. */
#ifndef NN_NORM_TYPES_H
#define NN_NORM_TYPES_H

#include "common/types.h"

#define NN_PANEL 64   /* columns that are normalised together */
#define NN_AHEAD 8    /* rows between asking for one and needing it */
#define NN_SMALL 32   /* pixels of an image up to which each counts as a column */

/* The names are the reference's. relu: whether one follows, which gave y. variance (columns,)
 * is the deviation (rows,) in layer norm. Of images, (rows, columns, inner), the columns are
 * the channels. space: see nn_norm_floats, for each thread its own. */
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

/* Floats of work space that a thread needs: two numbers for each of a panel */
static inline int64_t nn_panel_floats(int64_t rows)
{
    return 2 * NN_PANEL * rows;
}

static inline int64_t nn_norm_floats(const nn_norm *t)
{
    return nn_small(t) ? nn_panel_floats(t->rows) : 0;
}

#endif
