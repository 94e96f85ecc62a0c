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

#define NN_STRING2(x) #x
#define NN_STRING(x) NN_STRING2(x)

/* Compressed rows: row i holds entries indptr[i] .. indptr[i+1] of cols (ascending
 * within a row) and vals; the number meant is table[val]. width is the dense width. */
typedef struct {
    const int64_t *indptr;
    const uint16_t *cols;
    const uint8_t *vals;
    const float *table;
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

enum { NN_STORE, NN_SGD, NN_MOMENTUM, NN_ADAM };

/* What happens to a gradient. Make one with nn_store, nn_sgd or nn_adam (optimizer.h). */
typedef struct {
    int kind, nesterov, decoupled;
    float lr, weight_decay, momentum;
    float beta1, one_minus_beta1, beta2, one_minus_beta2, eps; /* Adam, AdamW */
    float step_size, root_scale, keep;                         /* set by nn_begin_step */
    double beta1_exact, beta2_exact, decay_exact;
    int64_t step;
} nn_optimizer;

/* What happens to a finished tile of a dense product: out (+ bias, ReLU), or out
 * where mask > 0, or out and its moments m, v (same stride) updated by opt. */
typedef struct {
    float *out;
    int64_t ldo;
    const float *bias;
    int relu;
    const float *mask;
    int64_t ldm;
    const nn_optimizer *opt;
    float *m, *v;
} nn_epilogue;

/* One instruction set's inner loops; isa.h says what they do. */
typedef struct {
    const char *name;
    void (*sparse_forward)(const nn_rows *, const int64_t *, int64_t, int64_t, const float *,
                           int64_t, const float *, int64_t, int64_t, int, float *, int64_t);
    void (*sparse_update)(const nn_rows *, const nn_columns *, const float *, int64_t, int64_t,
                          int64_t, const nn_optimizer *, float *, float *, float *, int64_t);
    void (*dense)(const float *, int64_t, int64_t, const float *, int64_t, int64_t, int64_t,
                  int64_t, int64_t, int64_t, const nn_epilogue *);
    void (*dots)(const float *, int64_t, const float *, int64_t, int64_t, int64_t, int64_t, int64_t,
                 const float *, int64_t, float *, int64_t);
    void (*column_sums)(const float *, int64_t, int64_t, int64_t, int64_t, const nn_optimizer *,
                        float *, float *, float *);
    int64_t (*cross_entropy)(const float *, int64_t, const int64_t *, const int64_t *, int64_t,
                             int64_t, int64_t, int64_t, double, float *, float *, int64_t);
    void (*apply)(const nn_optimizer *, int64_t, const float *, float *, float *, float *);
    void (*gather_bytes)(const uint8_t *, const int64_t *, int64_t, int64_t, int64_t, float,
                         float *);
    void (*gather_floats)(const float *, const int64_t *, int64_t, int64_t, int64_t, float,
                          float *);
    void (*relu)(int64_t, const float *, float *);
    void (*relu_backward)(int64_t, const float *, const float *, float *);
} nn_kernels;

#endif
