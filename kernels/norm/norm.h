/* Batch norm and layer norm, shared among threads. Their loops: norm_loops.h. */
#ifndef NN_NORM_H
#define NN_NORM_H

#include "common/threads.h"
#include "norm/types.h"

/* One instruction set's inner loops. All take a part of the work: columns, channels or rows. */
typedef struct {
    const char *name;
    void (*batch_norm_forward)(const nn_norm *t, int64_t c0, int64_t c1);
    void (*batch_norm_backward)(const nn_norm *t, int64_t c0, int64_t c1);
    void (*batch_norm_apply)(const nn_norm *t, int64_t c0, int64_t c1);
    void (*channel_norm_forward)(const nn_norm *t, int64_t c0, int64_t c1);
    void (*channel_norm_backward)(const nn_norm *t, int64_t c0, int64_t c1);
    void (*channel_norm_apply)(const nn_norm *t, int64_t c0, int64_t c1);
    void (*layer_norm_parameters)(const nn_norm *t, int64_t c0, int64_t c1);
    void (*layer_norm_forward)(const nn_norm *t, int64_t n0, int64_t n1);
    void (*layer_norm_backward)(const nn_norm *t, int64_t n0, int64_t n1);
} nn_norm_table;

#define NN_INNER_LOOPS "norm/norm_loops.h"
#define NN_TABLE nn_norm_table
#include "common/dispatch.h"

/* Bytes of work space that batch norm, and layer norm's way back, need. */
NN_API int64_t nn_norm_space(const nn_norm *t, int threads)
{
    return 4 * (threads < 1 ? 1 : threads) * nn_norm_floats(t);
}

/* The same work with a thread's own work space */
static inline nn_norm nn_own(const nn_norm *t, int thread)
{
    nn_norm mine = *t;
    if (t->space)
        mine.space += thread * nn_norm_floats(t);
    return mine;
}

/* Call `work`, a function of the table that takes columns or channels: each thread its own.
 * passes: times that it goes through an array. */
NN_API void nn_by_columns(void (*work)(const nn_norm *, int64_t, int64_t), const nn_norm *t,
                          double passes, int threads)
{
    const double size = (double)t->rows * (double)t->columns * (double)t->inner;
    threads = nn_useful_threads(threads, passes * NN_PASS * size);
    NN_PARALLEL(threads)
    {
        int64_t lo, hi;
        nn_share(t->columns, t->inner == 1 ? 16 : 1, NN_THREAD(), NN_THREADS(), &lo, &hi);
        const nn_norm mine = nn_own(t, NN_THREAD());
        work(&mine, lo, hi);
    }
}

NN_API void nn_batch_norm_forward(const nn_norm *t, int threads)
{
    nn_by_columns(
        nn_small(t) ? nn_active->batch_norm_forward : nn_active->channel_norm_forward, t, 3,
        threads);
}

NN_API void nn_batch_norm_backward(const nn_norm *t, int threads)
{
    nn_by_columns(
        nn_small(t) ? nn_active->batch_norm_backward : nn_active->channel_norm_backward, t, 3,
        threads);
}

NN_API void nn_batch_norm_apply(const nn_norm *t, int threads)
{
    nn_by_columns(nn_small(t) ? nn_active->batch_norm_apply : nn_active->channel_norm_apply, t,
                  1, threads);
}

NN_API void nn_layer_norm_forward(const nn_norm *t, int threads)
{
    threads = nn_useful_threads(threads, 3 * NN_PASS * (double)t->rows * (double)t->columns);
    NN_PARALLEL(threads)
    {
        int64_t lo, hi;
        nn_share(t->rows, 4, NN_THREAD(), NN_THREADS(), &lo, &hi);
        nn_active->layer_norm_forward(t, lo, hi);
    }
}

/* The parameters' gradients by columns; then, as out may be grad, all wait; out by rows. */
NN_API void nn_layer_norm_backward(const nn_norm *t, int threads)
{
    threads = nn_useful_threads(threads, 4 * NN_PASS * (double)t->rows * (double)t->columns);
    NN_PARALLEL(threads)
    {
        int64_t lo, hi;
        const nn_norm mine = nn_own(t, NN_THREAD());
        nn_share(t->columns, 16, NN_THREAD(), NN_THREADS(), &lo, &hi);
        nn_active->layer_norm_parameters(&mine, lo, hi);
        NN_BARRIER(NN_THREADS());
        nn_share(t->rows, 4, NN_THREAD(), NN_THREADS(), &lo, &hi);
        nn_active->layer_norm_backward(t, lo, hi);
    }
}

#endif
