/* Batch norm and layer norm, shared among threads. The loops are in norm_loops.h. */
#ifndef NN_NORM_H
#define NN_NORM_H

#include "common/threads.h"
#include "norm/types.h"

/* The inner loops of one instruction set. Each takes a range of columns, channels or rows. */
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

/* Return the bytes of work space of batch norm and of layer norm's backward pass. */
NN_API int64_t nn_norm_space(const nn_norm *t, int threads)
{
    return 4 * (threads < 1 ? 1 : threads) * nn_norm_floats(t);
}

/* Return the same arguments with a thread's own work space. */
static inline nn_norm nn_own(const nn_norm *t, int thread)
{
    nn_norm mine = *t;
    if (t->space)
        mine.space += thread * nn_norm_floats(t);
    return mine;
}

/* A function of the table that takes columns or channels, and its arguments. */
typedef struct {
    void (*loop)(const nn_norm *, int64_t, int64_t);
    const nn_norm *t;
} nn_columns_job;

static void nn_columns_thread(const void *given, int t, int threads)
{
    const nn_columns_job *job = given;
    const nn_norm mine = nn_own(job->t, t);
    int64_t lo, hi;
    nn_share(mine.columns, mine.inner == 1 ? 16 : 1, t, threads, &lo, &hi);
    job->loop(&mine, lo, hi);
}

/* Call `loop` on each thread for its share of columns or channels. passes: number of passes over an
 * array. */
NN_API void nn_by_columns(void (*loop)(const nn_norm *, int64_t, int64_t), const nn_norm *t,
                          double passes, int threads)
{
    const double size = (double)t->rows * (double)t->columns * (double)t->inner;
    const nn_columns_job job = {loop, t};
    nn_run(nn_columns_thread, &job, nn_useful_threads(threads, passes * NN_PASS * size));
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

static void nn_layer_norm_forward_thread(const void *norm, int t, int threads)
{
    const nn_norm *whole = norm;
    int64_t lo, hi;
    nn_share(whole->rows, 4, t, threads, &lo, &hi);
    nn_active->layer_norm_forward(whole, lo, hi);
}

NN_API void nn_layer_norm_forward(const nn_norm *t, int threads)
{
    const double work = 3 * NN_PASS * (double)t->rows * (double)t->columns;
    nn_run(nn_layer_norm_forward_thread, t, nn_useful_threads(threads, work));
}

/* Threads share the parameters' gradients by columns, then out by rows, with a barrier in between
 * because out may be grad. */
static void nn_layer_norm_backward_thread(const void *norm, int t, int threads)
{
    const nn_norm *whole = norm, mine = nn_own(whole, t);
    int64_t lo, hi;
    nn_share(whole->columns, 16, t, threads, &lo, &hi);
    nn_active->layer_norm_parameters(&mine, lo, hi);
    nn_barrier(threads);
    nn_share(whole->rows, 4, t, threads, &lo, &hi);
    nn_active->layer_norm_backward(whole, lo, hi);
}

NN_API void nn_layer_norm_backward(const nn_norm *t, int threads)
{
    const double work = 4 * NN_PASS * (double)t->rows * (double)t->columns;
    nn_run(nn_layer_norm_backward_thread, t, nn_useful_threads(threads, work));
}

#endif
