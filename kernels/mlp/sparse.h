/* The layer that reads compressed rows, one operation per call, shared among threads. */
#ifndef NN_MLP_SPARSE_H
#define NN_MLP_SPARSE_H

#include "mlp/batch.h"
#include "mlp/optimizer.h"

/* Add the shift's contribution to each row of X W to the bias: shifted[o] = bias[o] + shift * (sum
 * of column o of W) for columns [a, b). sums: the sums of W's columns. */
NN_API void nn_shift_bias(const nn_rows *x, const float *sums, const float *bias, int64_t a,
                          int64_t b, float *shifted)
{
    for (int64_t o = a; o < b; o++)
        shifted[o] = (bias ? bias[o] : 0) + nn_product(x->shift, sums[o]);
}

/* Compute the shift's contribution to each row of X^T grad: base[o] = shift * (sum of column o of
 * grad) for columns [a, b). */
NN_API void nn_shift_base(const nn_rows *x, const float *grad, int64_t ldg, int64_t count,
                          int64_t a, int64_t b, float *base)
{
    memset(base + a, 0, (size_t)(b - a) * sizeof(float));
    nn_active->add_rows(grad, ldg, 0, count, a, b, base);
    for (int64_t o = a; o < b; o++)
        base[o] *= x->shift;
}

/* Return the maximum number of entries of a chunk, of the `entries` of all images. */
static inline int64_t nn_chunk_entries(const nn_rows *x, int64_t entries)
{
    return entries < NN_CHUNK * x->width ? entries : NN_CHUNK * x->width;
}

/* Return the floats of a matrix in panels. */
static inline int64_t nn_panels_floats(int64_t rows, int64_t columns)
{
    return (rows + 1) * ((columns + 15) / 16 * 16);
}

/* Work space of nn_sparse_linear_forward: W in panels, the bias plus the shift's contribution, and
 * the batch of a chunk. For fewer than 32 images W is not copied to panels, unless it has fewer than
 * 16 columns. */
typedef struct {
    float *packed, *shifted;
    void *batch;
    int64_t bytes;
} nn_sparse_work;

NN_API nn_sparse_work nn_sparse_plan(const nn_rows *x, int64_t count, int64_t entries,
                                     int64_t columns, int threads, void *work)
{
    const uintptr_t begin = (uintptr_t)work;
    uintptr_t at = (uintptr_t)nn_round64((int64_t)begin);
    const int packs = columns < 16 || count >= 32;
    nn_sparse_work p = {0};
    p.shifted = nn_take_bytes(&at, 4 * (columns + 16));
    if (packs) {
        p.packed = nn_take_bytes(&at, 4 * nn_panels_floats(x->width, columns));
        p.batch = (void *)at;
        nn_batch_plan(x, nn_chunk_at(0, count), nn_chunk_entries(x, entries), 0, threads, p.batch,
                      &p.bytes);
    }
    p.bytes += (int64_t)(at - begin) + 64;
    return p;
}

typedef struct {
    const nn_rows *x;
    const int64_t *index;
    int64_t count;
    const float *w;
    int64_t ldw;
    const float *bias;
    int64_t columns;
    float *out;
    int64_t ldo, entries; /* entries: maximum per chunk */
    nn_sparse_work work;
} nn_sparse_job;

static void nn_sparse_linear_forward_thread(const void *given, int t, int threads)
{
    const nn_sparse_job *job = given;
    const nn_sparse_work *p = &job->work;
    const nn_rows *x = job->x;
    const float *const bias = x->shift != 0 ? p->shifted : job->bias;
    int64_t a, b;
    nn_share(job->columns, 16, t, threads, &a, &b);
    if (x->shift != 0) {
        memset(p->shifted + a, 0, (size_t)(b - a) * sizeof(float));
        nn_active->add_rows(job->w, job->ldw, 0, x->width, a, b, p->shifted);
        nn_shift_bias(x, p->shifted, job->bias, a, b, p->shifted);
    }
    if (!p->packed) {
        nn_active->sparse_images(x, job->index, job->count, job->w, job->ldw, bias, a, b, 0,
                                 job->out, job->ldo);
        return;
    }
    nn_to_panels(job->w, job->ldw, x->width, job->columns, a, b, nn_active->vector, p->packed);
    for (int64_t n = 0; n < job->count; n += NN_CHUNK) {
        const nn_batch batch = nn_batch_plan(x, nn_chunk_at(n, job->count), job->entries,
                                             job->columns, threads, p->batch, 0);
        nn_batch_share(x, job->index + n, &batch, 0, t, threads);
        nn_barrier(threads);
        nn_active->sparse_forward(&batch, x->table, p->packed, bias, a, b, 0,
                                  job->out + n * job->ldo, job->ldo);
        nn_barrier(threads);
    }
}

/* out (count, columns) = bias + X[index] W; bias may be null. entries: their number in these rows.
 * work: nn_sparse_plan(...).bytes for the same threads. */
NN_API void nn_sparse_linear_forward(const nn_rows *x, const int64_t *index, int64_t count,
                                     int64_t entries, const float *w, int64_t ldw,
                                     const float *bias, int64_t columns, float *out, int64_t ldo,
                                     void *work, int threads)
{
    threads = nn_useful_threads(threads, (double)entries * (double)columns);
    const nn_sparse_job job = {
        x, index, count, w, ldw, bias, columns, out, ldo, nn_chunk_entries(x, entries),
        nn_sparse_plan(x, count, entries, columns, threads, work)};
    nn_run(nn_sparse_linear_forward_thread, &job, threads);
}

typedef struct {
    const nn_rows *x;
    const int64_t *index;
    nn_batch sorted;
    const float *grad;
    int64_t ldg, columns;
    const nn_optimizer *opt;
    nn_parameter weight;
    int64_t ldw;
    float *packed, *base; /* the gradient in panels; the shift's contribution */
} nn_sparse_gradient_job;

static void nn_sparse_linear_backward_weight_thread(const void *given, int t, int threads)
{
    const nn_sparse_gradient_job *job = given;
    const nn_rows *x = job->x;
    const int64_t count = job->sorted.count, wide = (job->columns + 15) / 16 * 16;
    int64_t a, b;
    nn_batch_share(x, job->index, &job->sorted, 1, t, threads);
    nn_share(job->columns, 16, t, threads, &a, &b);
    nn_batch_panels(&job->sorted, job->grad, job->ldg, job->columns, wide, a, b, job->packed);
    nn_barrier(threads);
    if (x->shift != 0)
        nn_shift_base(x, job->grad, job->ldg, count, a, b, job->base);
    nn_active->sparse_update(&job->sorted, x->table, job->packed, wide,
                             x->shift != 0 ? job->base : 0, 0, x->width, a, b, job->opt,
                             &job->weight, job->ldw);
}

/* Return the bytes of work space of nn_sparse_linear_backward_weight. */
NN_API int64_t nn_sparse_gradient_bytes(const nn_rows *x, int64_t count, int64_t entries,
                                        int64_t columns, int threads)
{
    const int64_t chunk = nn_chunk_at(0, count);
    int64_t batch;
    nn_batch_plan(x, chunk, nn_chunk_entries(x, entries), 0, threads, 0, &batch);
    return batch + 4 * nn_batch_panel_floats(chunk, columns + 16, threads) + 4 * columns + 256;
}

/* out (width, columns) = X[index]^T grad: the gradient of a weight. entries: their number in these
 * rows. */
NN_API void nn_sparse_linear_backward_weight(const nn_rows *x, const int64_t *index, int64_t count,
                                             int64_t entries, const float *grad, int64_t ldg,
                                             int64_t columns, float *out, int64_t ldo, void *work,
                                             int threads)
{
    const nn_optimizer store = nn_store(), add = nn_add();
    uintptr_t at = (uintptr_t)nn_align(work);
    threads = nn_useful_threads(threads, (double)entries * (double)columns);
    float *const base = nn_take_bytes(&at, 4 * columns);
    float *const packed = nn_take_bytes(
        &at, 4 * nn_batch_panel_floats(nn_chunk_at(0, count), columns + 16, threads));
    for (int64_t n = 0; n == 0 || n < count; n += NN_CHUNK) {
        const nn_batch sorted =
            nn_batch_plan(x, nn_chunk_at(n, count), nn_chunk_entries(x, entries), columns, threads,
                          (void *)at, 0);
        const nn_sparse_gradient_job job = {
            x, index + n, sorted, grad + n * ldg, ldg, columns, n ? &add : &store,
            {out, 0, 0, 0}, ldo, packed, base};
        nn_run(nn_sparse_linear_backward_weight_thread, &job, threads);
    }
}

#endif
