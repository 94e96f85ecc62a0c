/* Types of the mlp family: compressed rows, batches, optimizers and their parameters, epilogues. */
#ifndef NN_MLP_TYPES_H
#define NN_MLP_TYPES_H

#include "common/types.h"

/* Compressed rows: row i holds entries indptr[i] .. indptr[i + 1] of cols (ascending within a row)
 * and vals. An entry stands for table[val] + shift; pixels without an entry are equal to shift. The
 * loops over entries leave the shift out; it is added once for all rows (sparse.h). width: the
 * dense width. */
typedef struct {
    const int64_t *indptr;
    const uint16_t *cols;
    const uint8_t *vals;
    const float *table;
    float shift;
    int64_t width;
} nn_rows;

#define NN_MOST_PIXELS 65535 /* per image; nn_batch has one more column */

/* Images of a large batch that are processed at a time; their gradients are added up. */
#define NN_CHUNK 512

/* Return the number of images from `first` on, of `count`, that are processed together. */
static inline int64_t nn_chunk_at(int64_t first, int64_t count)
{
    return count - first < NN_CHUNK ? count - first : NN_CHUNK;
}

/* A batch as the loops read it, in blocks of `block` samples. Each block is stored twice, by runs
 * and by columns.
 *
 * By runs: a run holds the entries of one sample of block b in rows r * run_rows .. of the weight,
 * padded to a multiple of four entries; nn_batch_fours counts the fours. The runs of b and r are
 * consecutive in cols and vals, starting at base[b] + begin[b * runs + r]. By columns: the entries
 * of column c of block b start at base[b] + start[b * (width + 2) + c] and end at the next start,
 * also a multiple of four. Padding entries refer to column `width` (by runs) or to sample number
 * `samples` of the block (by columns): both are rows of -0.0 in panels (panels.h). */
typedef uint16_t nn_entry; /* sample number within the block + 256 * value */

typedef struct {
    int64_t width, count, block, blocks, run_rows, runs;
    int64_t *base;
    int32_t *begin, *start;
    uint8_t *fours;
    uint16_t *cols;
    nn_entry *vals, *entries;
} nn_batch;

/* Return the number of samples in block b. */
static inline int64_t nn_batch_samples(const nn_batch *t, int64_t b)
{
    const int64_t left = t->count - b * t->block;
    return left < t->block ? left : t->block;
}

/* Return the array that holds, for each sample of block b, the number of fours in its run r. */
static inline uint8_t *nn_batch_fours(const nn_batch *t, int64_t b, int64_t r)
{
    return t->fours + b * t->block * t->runs + r * nn_batch_samples(t, b);
}

enum {
    NN_STORE, /* no optimizer: the gradient replaces the "parameter" */
    NN_ADD,   /* ... or is added to it */
    NN_SGD,
    NN_MOMENTUM,
    NN_NESTEROV,
    NN_ADAM,
    NN_ADAGRAD,
    NN_RMSPROP,
    NN_RMSPROP_CENTERED,
    NN_RMSPROP_MOMENTUM,
    NN_RMSPROP_CENTERED_MOMENTUM,
    NN_ADADELTA
};

/* An update rule and its hyperparameters. Create one with a function of optimizer.h. */
typedef struct {
    int kind;
    float lr, weight_decay, momentum, eps;
    float beta1, one_minus_beta1; /* beta2: also RMSprop's alpha and Adadelta's rho */
    float beta2, one_minus_beta2;
    float step_size, root_scale, keep; /* set by nn_begin_step */
    double beta1_exact, beta2_exact, decay_exact, eps_hat, lr_decay;
    int64_t step;
} nn_optimizer;

/* A weight or bias w and its optimizer's moments m, v, u in the reference's order; null where the
 * optimizer has none. All have the same shape and stride. */
typedef struct {
    float *w, *m, *v, *u;
} nn_parameter;

enum { NN_IDENTITY, NN_RELU, NN_SIGMOID, NN_TANH, NN_SCALED_TANH };

/* What happens to a finished tile of a dense product: it is written to out (with bias and ReLU), or
 * to out where mask > 0, or opt updates p, whose row stride is ldo. */
typedef struct {
    float *out;
    int64_t ldo;
    const float *bias;
    int relu;
    const float *mask;
    int64_t ldm;
    const nn_optimizer *opt;
    nn_parameter p;
} nn_epilogue;

#endif
