/* What the kernels work on, and the portability macros that they are written with.
 *
 * A matrix is a pointer and a row stride, counted in floats: `w, ldw`. Sizes are int64_t.
 * Every name begins with nn_ or NN_; everything is static: each extension has its own.
 */
#ifndef NN_TYPES_H
#define NN_TYPES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GNUC__ /* GCC, clang */
#define NN_API static __attribute__((unused)) /* a wrapper need not use them all */
#define NN_INLINE static inline __attribute__((always_inline))
#define NN_ALIGNED __attribute__((aligned(64)))
#define NN_RESTRICT restrict
#define NN_SQRT(x) __builtin_sqrtf(x)
#else
#define NN_API static
#define NN_INLINE static inline
#define NN_ALIGNED
#define NN_RESTRICT
#define NN_SQRT(x) sqrtf(x)
#endif

#if defined(__clang__)
#define NN_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define NN_UNROLL _Pragma("GCC unroll 16")
#else
#define NN_UNROLL
#endif

/* The loop that follows reads in no turn what another turn writes: its arrays are the same or
 * apart. Without this the compiler would test for overlap at run time, and take numbers one by
 * one where one is the other. */
#if defined(__clang__)
#define NN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define NN_INDEPENDENT _Pragma("GCC ivdep")
#else
#define NN_INDEPENDENT
#endif

#ifdef __GNUC__
#define NN_PREFETCH(at) __builtin_prefetch(at)
#define NN_PREFETCH_FAR(at) __builtin_prefetch(at, 0, 2) /* no nearer than L2 */
#else
#define NN_PREFETCH(at) (void)(at)
#define NN_PREFETCH_FAR(at) (void)(at)
#endif

#define NN_STRING2(x) #x
#define NN_STRING(x) NN_STRING2(x)

/* Compressed rows: row i holds entries indptr[i] .. indptr[i+1] of cols (ascending
 * within a row) and vals; the number meant is table[val] + shift, and shift where there
 * is no entry. The loops over entries leave the shift out; it is added once for all rows
 * (layers.h). width is the dense width. */
typedef struct {
    const int64_t *indptr;
    const uint16_t *cols;
    const uint8_t *vals;
    const float *table;
    float shift;
    int64_t width;
} nn_rows;

/* A batch by columns, cut into blocks of `block` samples. Column c of block b holds
 * entries base[b] + start[b * (width + 1) + c] ... up to the next start. */
typedef uint16_t nn_entry; /* the sample within the block, and 256 times its value */

typedef struct {
    int64_t width, count, block, blocks;
    int64_t *base;
    int32_t *start;
    nn_entry *entries;
} nn_columns;

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

/* Dropout: a number is kept where its random number is at least `least`, and then times scale. */
typedef struct {
    uint32_t least;
    float scale;
} nn_drop;

static inline nn_drop nn_drop_of(double p)
{
    const nn_drop drop = {(uint32_t)(p * 4294967296.0), (float)(1 / (1 - p))};
    return drop;
}

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
