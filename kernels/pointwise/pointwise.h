/* Activations, softmax, binary cross-entropy and noise, shared among threads. The loops are in
 * pointwise_loops.h.
 */
#ifndef NN_POINTWISE_H
#define NN_POINTWISE_H

#include "common/threads.h"

#define NN_ACTIVATIONS(DO)                                                                   \
    DO(relu_forward) DO(relu_backward) DO(sigmoid_forward) DO(sigmoid_backward)              \
    DO(tanh_forward) DO(tanh_backward) DO(scaled_tanh_forward) DO(scaled_tanh_backward)      \
    DO(leaky_relu_forward) DO(leaky_relu_backward) DO(elu_forward) DO(elu_backward)          \
    DO(gelu_forward) DO(gelu_backward) DO(silu_forward) DO(silu_backward) DO(add) DO(add_relu)

#define NN_ENTRY(name) nn_##name,
typedef enum { NN_ACTIVATIONS(NN_ENTRY) nn_activations } nn_activation;
#undef NN_ENTRY

/* The inner loops of one instruction set, described in pointwise_loops.h. */
typedef struct {
    const char *name;
    void (*activations[nn_activations])(int64_t n, const float *grad, const float *x, float a,
                                        float *out);
    void (*softmax_forward)(const float *x, int64_t n0, int64_t n1, int64_t columns,
                            int logarithm, float *out);
    void (*softmax_backward)(const float *grad, const float *y, int64_t n0, int64_t n1,
                             int64_t columns, int logarithm, float *out);
    float (*bce)(int64_t n, const float *output, const float *target, float factor, float *grad);
    float (*bce_with_logits)(int64_t n, const float *output, const float *target, float factor,
                             float *grad);
    void (*dropout)(int64_t n, uint32_t first, const float *x, nn_drop drop, uint64_t key,
                    float *out);
    void (*gaussian_noise)(int64_t lo, int64_t hi, const float *x, float std, uint32_t low,
                           uint32_t high, float *out);
} nn_pointwise_table;

#define NN_INNER_LOOPS "pointwise/pointwise_loops.h"
#define NN_TABLE nn_pointwise_table
#include "common/dispatch.h"

/* Cost of an element in multiply-adds; it determines the number of threads. */
#define NN_CURVE 12.0 /* exp and a division; NN_PASS: reading and writing it */

static inline double nn_cost(nn_activation which)
{
    switch (which) {
    case nn_relu_forward:
    case nn_relu_backward:
        return NN_PASS / 2;
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

typedef struct {
    nn_activation which;
    int64_t n;
    const float *grad, *x;
    float a, *out;
} nn_activate_job;

static void nn_activate_thread(const void *given, int t, int threads)
{
    const nn_activate_job *job = given;
    int64_t lo, hi;
    nn_share(job->n, 16, t, threads, &lo, &hi);
    if (lo < hi)
        nn_active->activations[job->which](hi - lo, job->grad ? job->grad + lo : 0, job->x + lo,
                                           job->a, job->out + lo);
}

/* Compute an activation of x, its backward pass, or a sum of x and grad. a: the activation's
 * parameter. out may be x or grad. */
NN_API void nn_activate(nn_activation which, int64_t n, const float *grad, const float *x,
                        double a, float *out, int threads)
{
    const nn_activate_job job = {which, n, grad, x, (float)a, out};
    nn_run(nn_activate_thread, &job, nn_useful_threads(threads, nn_cost(which) * (double)n));
}

typedef struct {
    const float *grad, *x;
    int64_t rows, columns;
    int logarithm;
    float *out;
} nn_softmax_job;

static void nn_softmax_thread(const void *given, int t, int threads)
{
    const nn_softmax_job *job = given;
    int64_t lo, hi;
    nn_share(job->rows, 16, t, threads, &lo, &hi);
    if (job->grad)
        nn_active->softmax_backward(job->grad, job->x, lo, hi, job->columns, job->logarithm,
                                    job->out);
    else
        nn_active->softmax_forward(job->x, lo, hi, job->columns, job->logarithm, job->out);
}

/* Compute softmax by rows, or its logarithm; with grad, the backward pass, where x is the forward
 * pass's output. */
NN_API void nn_softmax(const float *grad, const float *x, int64_t rows, int64_t columns,
                       int logarithm, float *out, int threads)
{
    const nn_softmax_job job = {grad, x, rows, columns, logarithm, out};
    const double work = NN_CURVE * (double)rows * (double)columns;
    nn_run(nn_softmax_thread, &job, nn_useful_threads(threads, work));
}

static inline int64_t nn_pieces(int64_t n)
{
    return (n + NN_PIECE - 1) / NN_PIECE;
}

typedef struct {
    int logits;
    int64_t n;
    const float *output, *target;
    float factor, *grad, *sums;
} nn_bce_job;

static void nn_bce_thread(const void *given, int t, int threads)
{
    const nn_bce_job *job = given;
    int64_t lo, hi;
    nn_share(nn_pieces(job->n), 1, t, threads, &lo, &hi);
    for (int64_t i = lo; i < hi; i++) {
        const int64_t at = i * NN_PIECE, left = job->n - at;
        job->sums[i] = (job->logits ? nn_active->bce_with_logits : nn_active->bce)(
            left < NN_PIECE ? left : NN_PIECE, job->output + at, job->target + at, job->factor,
            job->grad + at);
    }
}

/* Return the binary cross-entropy, factor * sum, and write its gradient to grad, which may be
 * output or target. Each piece has its own sum, and one thread adds them. sums: work space,
 * nn_pieces(n) floats. */
NN_API double nn_bce(int logits, int64_t n, const float *output, const float *target,
                     double factor, float *grad, float *sums, int threads)
{
    double sum = 0;
    const nn_bce_job job = {logits, n, output, target, (float)factor, grad, sums};
    nn_run(nn_bce_thread, &job, nn_useful_threads(threads, 3 * NN_CURVE * (double)n));
    for (int64_t i = 0; i < nn_pieces(n); i++)
        sum += sums[i];
    return factor * sum;
}

/* Arguments of dropout or Gaussian noise on n elements; key: of the random numbers */
typedef struct {
    int64_t n;
    const float *x;
    nn_drop drop;
    float std;
    uint64_t key;
    float *out;
} nn_noise_job;

static void nn_dropout_thread(const void *given, int t, int threads)
{
    const nn_noise_job *job = given;
    int64_t lo, hi;
    nn_share(job->n, 16, t, threads, &lo, &hi);
    nn_active->dropout(hi - lo, (uint32_t)lo, job->x + lo, job->drop, job->key, job->out + lo);
}

/* Set out to x * scale where random number i is at least `least`, else to 0. out may be x. */
NN_API void nn_dropout(int64_t n, const float *x, nn_drop drop, uint64_t key, float *out,
                       int threads)
{
    const nn_noise_job job = {n, x, drop, 0, key, out};
    nn_run(nn_dropout_thread, &job, nn_useful_threads(threads, NN_CURVE * (double)n));
}

static void nn_gaussian_noise_thread(const void *given, int t, int threads)
{
    const nn_noise_job *job = given;
    int64_t lo, hi;
    nn_share(job->n, 16, t, threads, &lo, &hi);
    nn_active->gaussian_noise(lo, hi, job->x, job->std, (uint32_t)job->key,
                              (uint32_t)(job->key >> 32), job->out);
}

/* Set out to x + std * normal noise. out may be x. */
NN_API void nn_gaussian_noise(int64_t n, const float *x, double std, uint64_t key, float *out,
                              int threads)
{
    const nn_noise_job job = {n, x, {0, 0}, (float)std, key, out};
    nn_run(nn_gaussian_noise_thread, &job, nn_useful_threads(threads, 3 * NN_CURVE * (double)n));
}

#endif
