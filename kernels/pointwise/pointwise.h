/* What is done to numbers one by one, to columns or to rows: activations, noise and
 * normalisation, shared among threads. pointwise_isa.h has the loops.
 */
#ifndef NN_POINTWISE_H
#define NN_POINTWISE_H

#include "norm/types.h"
#include "common/threads.h"

#define NN_PIECE 1024 /* floats of a row that are summed before double precision is needed */

#define NN_ACTIVATIONS(DO)                                                                   \
    DO(sigmoid_forward) DO(sigmoid_backward) DO(tanh_forward) DO(tanh_backward)              \
    DO(scaled_tanh_forward) DO(scaled_tanh_backward) DO(leaky_relu_forward)                  \
    DO(leaky_relu_backward) DO(elu_forward) DO(elu_backward) DO(gelu_forward)                \
    DO(gelu_backward) DO(silu_forward) DO(silu_backward) DO(add) DO(add_relu)

#define NN_ENTRY(name) nn_##name,
typedef enum { NN_ACTIVATIONS(NN_ENTRY) nn_activations } nn_activation;
#undef NN_ENTRY

/* One instruction set's inner loops */
typedef struct {
    const char *name;
    void (*activations[nn_activations])(int64_t, const float *, const float *, float, float *);
    void (*softmax_forward)(const float *, int64_t, int64_t, int64_t, int, float *);
    void (*softmax_backward)(const float *, const float *, int64_t, int64_t, int64_t, int, float *);
    float (*bce)(int64_t, const float *, const float *, float, float *);
    float (*bce_with_logits)(int64_t, const float *, const float *, float, float *);
    void (*dropout)(int64_t, uint32_t, const float *, nn_drop, uint64_t, float *);
    void (*gaussian_noise)(int64_t, int64_t, const float *, float, uint32_t, uint32_t, float *);
    void (*norm_parameters)(const nn_norm *, int64_t, int64_t);
    void (*batch_norm_forward)(const nn_norm *, int64_t, int64_t);
    void (*batch_norm_backward)(const nn_norm *, int64_t, int64_t);
    void (*batch_norm_apply)(const nn_norm *, int64_t, int64_t);
    void (*channel_bias)(const nn_norm *, int64_t, int64_t);
    void (*channel_norm_forward)(const nn_norm *, int64_t, int64_t);
    void (*channel_norm_backward)(const nn_norm *, int64_t, int64_t);
    void (*channel_norm_apply)(const nn_norm *, int64_t, int64_t);
    void (*layer_norm_forward)(const nn_norm *, int64_t, int64_t);
    void (*layer_norm_backward)(const nn_norm *, int64_t, int64_t);
} nn_pointwise;

#define NN_INNER_LOOPS "pointwise/pointwise_loops.h"
#define NN_TABLE nn_pointwise
#include "common/dispatch.h"

/* How much an element costs, in multiply-adds: it decides how many threads are woken. */
#define NN_CURVE 12.0 /* exp and a division */
#define NN_PASS 4.0   /* reading and writing it */

static inline double nn_cost(nn_activation which)
{
    switch (which) {
    case nn_sigmoid_backward:
    case nn_tanh_backward:
    case nn_scaled_tanh_backward:
    case nn_leaky_relu_forward:
    case nn_leaky_relu_backward:
    case nn_add:
    case nn_add_relu:
        return NN_PASS;
    default:
        return NN_CURVE;
    }
}

/* out = the activation of x, or its backward pass, or a sum of x and grad; a: its setting. out may
 * be x or grad. */
NN_API void nn_activate(nn_activation which, int64_t n, const float *grad, const float *x,
                        double a, float *out, int threads)
{
    threads = nn_useful_threads(threads, nn_cost(which) * (double)n);
    NN_PARALLEL(threads)
    {
        int64_t lo, hi;
        nn_share(n, 16, NN_THREAD(), NN_THREADS(), &lo, &hi);
        if (lo < hi)
            nn_active->activations[which](hi - lo, grad ? grad + lo : 0, x + lo, (float)a,
                                          out + lo);
    }
}

/* Softmax by rows, or its logarithm; with grad, its backward pass, of which x is the y. */
NN_API void nn_softmax(const float *grad, const float *x, int64_t rows, int64_t columns,
                       int logarithm, float *out, int threads)
{
    threads = nn_useful_threads(threads, NN_CURVE * (double)rows * (double)columns);
    NN_PARALLEL(threads)
    {
        int64_t lo, hi;
        nn_share(rows, 16, NN_THREAD(), NN_THREADS(), &lo, &hi);
        if (grad)
            nn_active->softmax_backward(grad, x, lo, hi, columns, logarithm, out);
        else
            nn_active->softmax_forward(x, lo, hi, columns, logarithm, out);
    }
}

static inline int64_t nn_pieces(int64_t n)
{
    return (n + NN_PIECE - 1) / NN_PIECE;
}

/* Binary cross-entropy, factor * a sum, and its gradient in grad, which may be output or
 * target. Each piece has a sum of its own, and one thread adds them up.
 * sums: work space, nn_pieces(n) floats. */
NN_API double nn_bce(int logits, int64_t n, const float *output, const float *target,
                     double factor, float *grad, float *sums, int threads)
{
    double sum = 0;
    threads = nn_useful_threads(threads, 3 * NN_CURVE * (double)n);
    NN_PARALLEL(threads)
    {
        int64_t lo, hi;
        nn_share(nn_pieces(n), 1, NN_THREAD(), NN_THREADS(), &lo, &hi);
        for (int64_t i = lo; i < hi; i++) {
            const int64_t at = i * NN_PIECE, count = n - at < NN_PIECE ? n - at : NN_PIECE;
            sums[i] = (logits ? nn_active->bce_with_logits : nn_active->bce)(
                count, output + at, target + at, (float)factor, grad + at);
        }
    }
    for (int64_t i = 0; i < nn_pieces(n); i++)
        sum += sums[i];
    return factor * sum;
}

/* out = x * scale where random number i is at least `least`, else 0. out may be x. */
NN_API void nn_dropout(int64_t n, const float *x, nn_drop drop, uint64_t key, float *out,
                       int threads)
{
    threads = nn_useful_threads(threads, NN_CURVE * (double)n);
    NN_PARALLEL(threads)
    {
        int64_t lo, hi;
        nn_share(n, 16, NN_THREAD(), NN_THREADS(), &lo, &hi);
        nn_active->dropout(hi - lo, (uint32_t)lo, x + lo, drop, key, out + lo);
    }
}

/* out = x + std * normal numbers. out may be x. */
NN_API void nn_gaussian_noise(int64_t n, const float *x, double std, uint64_t key, float *out,
                              int threads)
{
    threads = nn_useful_threads(threads, 3 * NN_CURVE * (double)n);
    NN_PARALLEL(threads)
    {
        int64_t lo, hi;
        nn_share(n, 16, NN_THREAD(), NN_THREADS(), &lo, &hi);
        nn_active->gaussian_noise(lo, hi, x, (float)std, (uint32_t)key, (uint32_t)(key >> 32),
                                  out);
    }
}

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

/* One of the functions above that take columns, or channels: each thread has its own. */
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

/* bias_grad: the sums of each channel of grad */
NN_API void nn_channel_bias(const nn_norm *t, int threads)
{
    nn_by_columns(nn_active->channel_bias, t, 1, threads);
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
        nn_active->norm_parameters(&mine, lo, hi);
        NN_BARRIER(NN_THREADS());
        nn_share(t->rows, 4, NN_THREAD(), NN_THREADS(), &lo, &hi);
        nn_active->layer_norm_backward(t, lo, hi);
    }
}

#endif
