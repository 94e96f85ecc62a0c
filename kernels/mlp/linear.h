/* Dense layers, losses and optimizers, one operation per call: each shares its output among threads
 * and calls the inner loops of the active instruction set. NumPy's arrays may have any alignment
 * and row length. If the rows of the operand that is read repeatedly are short, it is first copied
 * to aligned, padded work space (`packed`; null if a copy would not pay). */
#ifndef NN_MLP_LINEAR_H
#define NN_MLP_LINEAR_H

#include "mlp/rows.h"
#include "mlp/optimizer.h"

/* ---- Copies ------------------------------------------------------------------------------ */

/* Copy rows [r0, r1) of `from` to `to` and zero the padding of `to`. */
NN_API void nn_copy_rows(const float *from, int64_t ldf, int64_t r0, int64_t r1, int64_t columns,
                         float *to, int64_t ldt)
{
    for (int64_t r = r0; r < r1; r++) {
        memcpy(to + r * ldt, from + r * ldf, (size_t)columns * sizeof(float));
        memset(to + r * ldt + columns, 0, (size_t)(ldt - columns) * sizeof(float));
    }
}

/* Return the bytes of a packed (rows, columns) matrix, or 0 if packing would not pay: if its rows
 * have 16 floats or more. */
static inline int64_t nn_packed_bytes(int64_t rows, int64_t columns)
{
    if (columns >= 16)
        return 0;
    return nn_round64(rows * nn_stride(columns) * (int64_t)sizeof(float)) + 64;
}

/* In a parallel job: pack this thread's share of the rows and wait until all threads have packed
 * theirs. Does nothing if packed is null. */
static inline void nn_pack_rows(float *packed, const float *from, int64_t ldf, int64_t rows,
                                int64_t columns, int t, int threads)
{
    int64_t r0, r1;
    if (!packed)
        return;
    nn_share(rows, 8, t, threads, &r0, &r1);
    nn_copy_rows(from, ldf, r0, r1, columns, packed, nn_stride(columns));
    nn_barrier(threads);
}

/* ---- Dense layers ------------------------------------------------------------------------ */

/* Arguments of a layer's dense products; each product uses some of them. */
typedef struct {
    const float *a, *w, *bias, *grad;
    int64_t lda, ldw, ldg, rows, depth, columns;
    const nn_optimizer *opt;
    nn_parameter p;
    float *out;
    int64_t ldo;
    float *packed, *space;
} nn_linear_job;

static void nn_linear_forward_thread(const void *given, int t, int threads)
{
    const nn_linear_job *job = given;
    const float *const w = job->packed ? job->packed : job->w;
    int64_t r0, r1;
    nn_epilogue e = {0};
    e.out = job->out;
    e.ldo = job->ldo;
    e.bias = job->bias;
    nn_pack_rows(job->packed, job->w, job->ldw, job->depth, job->columns, t, threads);
    nn_share(job->rows, 8, t, threads, &r0, &r1);
    nn_active->dense(job->a, job->lda, 1, w, job->packed ? nn_stride(job->columns) : job->ldw,
                     job->depth, r0, r1, 0, job->columns, &e);
}

/* out (rows, columns) = a (rows, depth) @ w (depth, columns) + bias, bias may be null */
NN_API void nn_linear_forward(const float *a, int64_t lda, const float *w, int64_t ldw,
                              const float *bias, int64_t rows, int64_t depth, int64_t columns,
                              float *out, int64_t ldo, float *packed, int threads)
{
    const nn_linear_job job = {.a = a, .lda = lda, .w = w, .ldw = ldw, .bias = bias, .rows = rows,
                               .depth = depth, .columns = columns, .out = out, .ldo = ldo,
                               .packed = packed};
    const double work = (double)rows * (double)depth * (double)columns;
    nn_run(nn_linear_forward_thread, &job, nn_useful_threads(threads, work));
}

/* Return the floats of work space per thread for products of this depth that skip zeros. */
static inline int64_t nn_skip_floats(int64_t depth)
{
    return NN_SKIP_ROWS * (128 + (depth + 63) / 64 * 2);
}

/* Compute rows [r0, r1) of out = a b with an epilogue. `skip`: work space if `a` has many zeros,
 * else null; the bits are the same. Zeros are skipped only in large products, and the matrices must
 * then be padded. */
static inline void nn_product_part(const float *a, int64_t lda, const float *b, int64_t ldb,
                                   int64_t depth, int64_t r0, int64_t r1, int64_t columns,
                                   const nn_epilogue *e, float *skip)
{
    if (skip && r1 - r0 >= 8 && depth >= 32 && columns >= 64)
        nn_active->skipping(a, lda, b, ldb, depth, r0, r1, columns, e, skip);
    else
        nn_active->dense(a, lda, 1, b, ldb, depth, r0, r1, 0, columns, e);
}

/* Return whether nn_linear_weight_part transposes its inputs: not with few rows or a narrow layer,
 * where that costs more than it saves, and not with so many rows that the copy would be large. If
 * zeros are skipped, it pays from fewer rows on. */
static inline int nn_transposes_inputs(int64_t rows, int64_t columns, int skips)
{
    return rows >= (skips ? 32 : 128) && rows <= 2048 && columns > 64;
}

/* Return the floats of work space that the transposed inputs need. */
static inline int64_t nn_inputs_floats(int64_t rows, int64_t depth, int64_t columns, int skips)
{
    return nn_transposes_inputs(rows, columns, skips) ? depth * nn_stride(rows) : 0;
}

/* Compute rows [d0, d1) of a^T grad, with a (rows, depth) and grad (rows, columns), for the
 * epilogue e. The elements of a column of `a` lie on different cache lines, so these columns are
 * first copied to `inputs` as rows. skip: see nn_product_part. */
NN_API void nn_linear_weight_part(const float *a, int64_t lda, const float *grad, int64_t ldg,
                                  int64_t rows, int64_t columns, int64_t d0, int64_t d1,
                                  const nn_epilogue *e, float *inputs, float *skip)
{
    const int64_t ldt = nn_stride(rows);
    if (d0 >= d1)
        return;
    if (!nn_transposes_inputs(rows, columns, skip != 0)) {
        nn_active->dense(a, 1, lda, grad, ldg, rows, d0, d1, 0, columns, e);
        return;
    }
    nn_active->transpose(a + d0, rows, d1 - d0, lda, inputs + d0 * ldt, ldt);
    nn_product_part(inputs, ldt, grad, ldg, rows, d0, d1, columns, e, skip);
}

static void nn_linear_backward_weight_thread(const void *given, int t, int threads)
{
    const nn_linear_job *job = given;
    const float *const grad = job->packed ? job->packed : job->grad;
    int64_t d0, d1;
    nn_epilogue e = {0};
    e.ldo = job->ldw;
    e.opt = job->opt;
    e.p = job->p;
    nn_pack_rows(job->packed, job->grad, job->ldg, job->rows, job->columns, t, threads);
    nn_share(job->depth, 16, t, threads, &d0, &d1);
    nn_linear_weight_part(job->a, job->lda, grad,
                          job->packed ? nn_stride(job->columns) : job->ldg, job->rows,
                          job->columns, d0, d1, &e, job->space, 0);
}

/* out (depth, columns) = a^T grad: the gradient of a weight. packed and inputs: for one chunk of
 * the rows. */
NN_API void nn_linear_backward_weight(const float *a, int64_t lda, const float *grad, int64_t ldg,
                                      int64_t rows, int64_t depth, int64_t columns, float *out,
                                      int64_t ldo, float *packed, float *inputs, int threads)
{
    const nn_optimizer store = nn_store(), add = nn_add();
    for (int64_t n = 0; n == 0 || n < rows; n += NN_CHUNK) {
        const nn_linear_job job = {
            .a = a + n * lda, .lda = lda, .grad = grad + n * ldg, .ldg = ldg,
            .rows = nn_chunk_at(n, rows), .depth = depth, .columns = columns,
            .opt = n ? &add : &store, .p = {out, 0, 0, 0}, .ldw = ldo, .packed = packed,
            .space = inputs};
        const double work = (double)job.rows * (double)depth * (double)columns;
        nn_run(nn_linear_backward_weight_thread, &job, nn_useful_threads(threads, work));
    }
}

static void nn_bias_update_thread(const void *given, int t, int threads)
{
    const nn_linear_job *job = given;
    int64_t a, b;
    nn_share(job->columns, 16, t, threads, &a, &b);
    nn_active->column_sums(job->grad, job->ldg, job->rows, a, b, job->opt, &job->p);
}

/* Compute the gradient of the bias, the column sums of grad (rows, columns), and apply the
 * optimizer. */
NN_API void nn_bias_update(const float *grad, int64_t ldg, int64_t rows, int64_t columns,
                           const nn_optimizer *opt, nn_parameter bias, int threads)
{
    const nn_linear_job job = {.grad = grad, .ldg = ldg, .rows = rows, .columns = columns,
                               .opt = opt, .p = bias};
    const double work = (double)rows * (double)columns;
    nn_run(nn_bias_update_thread, &job, nn_useful_threads(threads, work));
}

/* Set to (columns, ldt) to the transpose of from (rows, columns), and zero its padding up to the
 * next multiple of 16 elements per row. */
NN_API void nn_transpose(const float *from, int64_t ldf, int64_t rows, int64_t columns, float *to,
                         int64_t ldt)
{
    const int64_t padding = (rows + 15) / 16 * 16 - rows;
    nn_active->transpose(from, rows, columns, ldf, to, ldt);
    for (int64_t c = 0; padding && c < columns; c++)
        memset(to + c * ldt + rows, 0, (size_t)padding * sizeof(float));
}

/* Compute columns [d0, d1) of out (rows, depth) = grad (rows, columns) @ w (depth, columns)^T, with
 * 0 where mask, of out's shape, is not positive (null: no mask). May write up to column `end`, at
 * most the next multiple of 16: columns without a row in w become 0 or stay unchanged. work:
 * columns * nn_stride(d1 - d0) floats. skip: see nn_product_part. */
NN_API void nn_linear_backward_input_part(const float *grad, int64_t ldg, const float *w,
                                          int64_t ldw, int64_t rows, int64_t columns, int64_t d0,
                                          int64_t d1, int64_t end, const float *mask, int64_t ldm,
                                          float *out, int64_t ldo, float *work, float *skip)
{
    const int64_t ldt = nn_stride(d1 - d0);
    nn_epilogue e = {0};
    if (d0 >= d1)
        return;
    if (rows < 8) {
        nn_active->dots(grad, ldg, w, ldw, rows, columns, d0, d1, mask, ldm, out, ldo);
        return;
    }
    e.out = out + d0;
    e.ldo = ldo;
    e.mask = mask ? mask + d0 : 0;
    e.ldm = ldm;
    nn_transpose(w + d0 * ldw, ldw, d1 - d0, columns, work, ldt);
    nn_product_part(grad, ldg, work, ldt, columns, 0, rows, end - d0, &e, skip);
}

/* Return the floats of work space of nn_linear_backward_input. */
static inline int64_t nn_transposed_floats(int64_t depth, int64_t columns, int threads)
{
    return columns * (nn_stride(depth) + 32 * (int64_t)threads);
}

static inline float *nn_transposed_part(float *work, int64_t columns, int64_t d0, int t)
{
    return work + columns * (d0 + 32 * (int64_t)t);
}

static void nn_linear_backward_input_thread(const void *given, int t, int threads)
{
    const nn_linear_job *job = given;
    int64_t d0, d1;
    nn_share(job->depth, 16, t, threads, &d0, &d1);
    nn_linear_backward_input_part(job->grad, job->ldg, job->w, job->ldw, job->rows, job->columns,
                                  d0, d1, d1, 0, 0, job->out, job->ldo,
                                  nn_transposed_part(job->space, job->columns, d0, t), 0);
}

NN_API void nn_linear_backward_input(const float *grad, int64_t ldg, const float *w, int64_t ldw,
                                     int64_t rows, int64_t depth, int64_t columns, float *out,
                                     int64_t ldo, float *work, int threads)
{
    const nn_linear_job job = {.grad = grad, .ldg = ldg, .w = w, .ldw = ldw, .rows = rows,
                               .depth = depth, .columns = columns, .out = out, .ldo = ldo,
                               .space = work};
    const double size = (double)rows * (double)depth * (double)columns;
    nn_run(nn_linear_backward_input_thread, &job, nn_useful_threads(threads, size));
}

/* ---- Loss, optimizer, elementwise -------------------------------------------------------- */

typedef struct {
    const float *logits;
    const int64_t *labels;
    int64_t rows, classes;
    double smoothing;
    float *losses, *grad;
} nn_cross_entropy_job;

static void nn_cross_entropy_thread(const void *given, int t, int threads)
{
    const nn_cross_entropy_job *job = given;
    int64_t n0, n1;
    nn_share(job->rows, 8, t, threads, &n0, &n1);
    nn_active->cross_entropy(job->logits, job->classes, job->labels, 0, n0, n1, job->classes,
                             job->rows, job->smoothing, job->losses, job->grad, job->classes);
}

/* Return the mean cross-entropy of logits (rows, classes) against labels, and write its gradient to
 * grad, which may be the same array as logits. losses: work space, `rows` floats. */
NN_API double nn_cross_entropy(const float *logits, const int64_t *labels, int64_t rows,
                               int64_t classes, double smoothing, float *losses, float *grad,
                               int threads)
{
    double sum = 0;
    const nn_cross_entropy_job job = {logits, labels, rows, classes, smoothing, losses, grad};
    const double work = 20.0 * (double)rows * (double)classes;
    nn_run(nn_cross_entropy_thread, &job, nn_useful_threads(threads, work));
    for (int64_t n = 0; n < rows; n++)
        sum += losses[n];
    return sum / (double)rows;
}

typedef struct {
    const nn_optimizer *opt;
    int64_t n;
    const float *g;
    nn_parameter p;
} nn_optimizer_job;

static void nn_optimizer_thread(const void *given, int t, int threads)
{
    const nn_optimizer_job *job = given;
    const unsigned before = nn_flush_denormals();
    int64_t a, b;
    nn_share(job->n, 16, t, threads, &a, &b);
    if (a < b)
        nn_active->apply(job->opt, b - a, job->g + a, &job->p, a);
    nn_restore_denormals(before);
}

/* Update a contiguous parameter of n elements. */
NN_API void nn_optimizer_step(const nn_optimizer *opt, int64_t n, const float *g, nn_parameter p,
                              int threads)
{
    const nn_optimizer_job job = {opt, n, g, p};
    nn_run(nn_optimizer_thread, &job, nn_useful_threads(threads, 2.5 * NN_PASS * (double)n));
}

typedef struct {
    const uint8_t *bytes;
    const float *floats;
    const int64_t *index;
    int64_t count, width;
    float scale, shift, *out;
} nn_gather_job;

static void nn_gather_thread(const void *given, int t, int threads)
{
    const nn_gather_job *job = given;
    int64_t n0, n1;
    nn_share(job->count, 8, t, threads, &n0, &n1);
    if (job->bytes)
        nn_active->gather_bytes(job->bytes, job->index, n0, n1, job->width, job->scale, job->shift,
                                job->out);
    else
        nn_active->gather_floats(job->floats, job->index, n0, n1, job->width, job->scale,
                                 job->shift, job->out);
}

/* out (count, width) = scale * images[index] + shift; one of bytes and floats is null */
NN_API void nn_gather(const uint8_t *bytes, const float *floats, const int64_t *index,
                      int64_t count, int64_t width, double scale, double shift, float *out,
                      int threads)
{
    const nn_gather_job job = {bytes, floats,       index,        count,
                               width, (float)scale, (float)shift, out};
    const double passes = 2 * NN_PASS * (double)count; /* the rows come from memory */
    nn_run(nn_gather_thread, &job, nn_useful_threads(threads, passes * (double)width));
}

#endif
