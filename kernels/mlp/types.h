/* Types of the mlp family: compressed rows, optimizers and their parameters, epilogues. */
#ifndef NN_MLP_TYPES_H
#define NN_MLP_TYPES_H

#include "common/types.h"

/* Compressed rows: row i holds entries indptr[i] .. indptr[i+1] of cols (ascending
 * within a row) and vals; the number meant is table[val] + shift, and shift where there
 * is no entry. The loops over entries leave the shift out; it is added once for all rows
 * (sparse.h). width is the dense width. */
typedef struct {
    const int64_t *indptr;
    const uint16_t *cols;
    const uint8_t *vals;
    const float *table;
    float shift;
    int64_t width;
} nn_rows;

#define NN_MOST_PIXELS 65535 /* of an image; nn_batch has a column more */

/* A batch as the loops read it, in blocks of `block` samples, each block twice.
 *
 * By runs: a run holds what a sample of block b has in the rows r * run_rows .. of the weight, a
 * multiple of four entries, of which nn_batch_fours has the number. The runs of b and r follow each
 * other in cols and vals from base[b] + begin[b * runs + r] on. By columns: column c of block
 * b holds entries base[b] + start[b * (width + 2) + c] ... up to the next start, a multiple of four
 * as well. What fills up a four is column `width`, and sample `samples of the block`: rows of zeros
 * in panels (panels.h). */
typedef uint16_t nn_entry; /* the sample within the block, and 256 times its value */

typedef struct {
    int64_t width, count, block, blocks, run_rows, runs;
    int64_t *base;
    int32_t *begin, *start;
    uint8_t *fours;
    uint16_t *cols;
    nn_entry *vals, *entries;
} nn_batch;

/* How many samples block b has. */
static inline int64_t nn_batch_samples(const nn_batch *t, int64_t b)
{
    const int64_t left = t->count - b * t->block;
    return left < t->block ? left : t->block;
}

/* For each of them, how many fours its run r has. */
static inline uint8_t *nn_batch_fours(const nn_batch *t, int64_t b, int64_t r)
{
    return t->fours + b * t->block * t->runs + r * nn_batch_samples(t, b);
}

enum {
    NN_STORE, /* no optimizer: the "parameter" receives the gradient */
    NN_ADD,   /* ... or has it added */
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

/* What happens to a gradient. Make one with a function of optimizer.h. */
typedef struct {
    int kind;
    float lr, weight_decay, momentum, eps;
    float beta1, one_minus_beta1; /* beta2: also RMSprop's alpha and Adadelta's rho */
    float beta2, one_minus_beta2;
    float step_size, root_scale, keep; /* set by nn_begin_step */
    double beta1_exact, beta2_exact, decay_exact, eps_hat, lr_decay;
    int64_t step;
} nn_optimizer;

/* A weight or bias and what its optimizer remembers of it, in the reference's order; null
 * what it does not need. All have one shape and one stride. */
typedef struct {
    float *w, *m, *v, *u;
} nn_parameter;

enum { NN_IDENTITY, NN_RELU, NN_SIGMOID, NN_TANH, NN_SCALED_TANH };

/* What happens to a finished tile of a dense product: out (+ bias, ReLU), or out
 * where mask > 0, or p of out's stride updated by opt. */
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
