/* One operation at a time: each shares its output among threads and calls the inner
 * loops of the active instruction set. NumPy's arrays come with any alignment and row
 * stride; where that costs more than a copy, the operand that is read again and again
 * is copied to aligned, padded work space first (`packed`, null where it does not pay). */
#ifndef NN_MLP_LINEAR_H
#define NN_MLP_LINEAR_H

#include "mlp/rows.h"
#include "mlp/optimizer.h"

/* ---- Copies ------------------------------------------------------------------------------ */

/* rows [r0, r1) of `from` to `to`, and zeros into to's padding */
NN_API void nn_copy_rows(const float *from, int64_t ldf, int64_t r0, int64_t r1, int64_t columns,
                         float *to, int64_t ldt)
{
    for (int64_t r = r0; r < r1; r++) {
        memcpy(to + r * ldt, from + r * ldf, (size_t)columns * sizeof(float));
        memset(to + r * ldt + columns, 0, (size_t)(ldt - columns) * sizeof(float));
    }
}

/* Bytes that a packed (rows, columns) matrix takes; 0 where packing would not pay: when
 * it is read by few others, unless its rows are narrower than a vector. */
static inline int64_t nn_packed_bytes(int64_t rows, int64_t columns, int64_t readers)
{
    if (columns >= 16 && readers < 32)
        return 0;
    return nn_round64(rows * nn_stride(columns) * (int64_t)sizeof(float)) + 64;
}

/* In a parallel region: my share of the rows packed, and then everybody's. */
#define NN_PACK(packed, from, ldf, rows, columns)                                            \
    do {                                                                                     \
        if (packed) {                                                                        \
            int64_t r0_, r1_;                                                                \
            nn_share(rows, 8, NN_THREAD(), NN_THREADS(), &r0_, &r1_);                        \
            nn_copy_rows(from, ldf, r0_, r1_, columns, packed, nn_stride(columns));          \
            NN_BARRIER(NN_THREADS());                                                        \
        }                                                                                    \
    } while (0)

/* ---- The layer that reads compressed rows ------------------------------------------------ */

/* What the shift adds to each row of X W, and the bias: shifted[o] = bias[o] + shift * (sum
 * of column o of W) for columns [a, b), with `sums` of W's columns. */
NN_API void nn_shift_bias(const nn_rows *x, const float *sums, const float *bias, int64_t a,
                          int64_t b, float *shifted)
{
    for (int64_t o = a; o < b; o++)
        shifted[o] = (bias ? bias[o] : 0) + nn_product(x->shift, sums[o]);
}

/* What the shift adds to each row of X^T grad: base[o] = shift * (sum of column o of grad) for
 * columns [a, b). */
NN_API void nn_shift_base(const nn_rows *x, const float *grad, int64_t ldg, int64_t count,
                          int64_t a, int64_t b, float *base)
{
    memset(base + a, 0, (size_t)(b - a) * sizeof(float));
    nn_active->add_rows(grad, ldg, 0, count, a, b, base);
    for (int64_t o = a; o < b; o++)
        base[o] *= x->shift;
}

/* out (count, columns) = bias + X[index] W; bias may be null. entries: of these rows.
 * shifted: work space of `columns` floats. */
NN_API void nn_sparse_linear_forward(const nn_rows *x, const int64_t *index, int64_t count,
                                     int64_t entries, const float *w, int64_t ldw,
                                     const float *bias, int64_t columns, float *out, int64_t ldo,
                                     float *packed, float *shifted, int threads)
{
    threads = nn_useful_threads(threads, (double)entries * (double)columns);
    NN_PARALLEL(threads)
    {
        int64_t a, b;
        nn_share(columns, 16, NN_THREAD(), NN_THREADS(), &a, &b);
        if (packed)
            nn_to_panels(w, ldw, x->width, columns, a, b, nn_active->vector, packed);
        if (x->shift != 0) {
            memset(shifted + a, 0, (size_t)(b - a) * sizeof(float));
            nn_active->add_rows(w, ldw, 0, x->width, a, b, shifted);
            nn_shift_bias(x, shifted, bias, a, b, shifted);
        }
        nn_active->sparse_forward(x, index, 0, count, packed ? packed : w,
                                  packed ? NN_PANELS : ldw, x->shift != 0 ? shifted : bias, a, b, 0,
                                  out, ldo);
    }
}

/* The gradient of the weight, X[index]^T grad, into the optimizer, which changes the weight
 * (width, columns) in place. work: nn_columns_bytes(count, width, entries); base: of
 * `columns` floats. */
NN_API void nn_sparse_linear_update(const nn_rows *x, const int64_t *index, int64_t count,
                                    int64_t entries, const float *grad, int64_t ldg,
                                    int64_t columns, const nn_optimizer *opt, nn_parameter weight,
                                    int64_t ldw, void *work, float *packed, float *base,
                                    int threads)
{
    threads = nn_useful_threads(threads, (double)entries * (double)columns);
    nn_columns t = nn_columns_plan(x, count, threads, work);
    NN_PARALLEL(threads)
    {
        int64_t a, b;
        nn_columns_share(x, index, &t, NN_THREAD(), NN_THREADS());
        nn_share(columns, 16, NN_THREAD(), NN_THREADS(), &a, &b);
        if (packed)
            nn_to_panels(grad, ldg, count, columns, a, b, nn_active->vector, packed);
        NN_BARRIER(NN_THREADS());
        if (x->shift != 0)
            nn_shift_base(x, grad, ldg, count, a, b, base);
        nn_active->sparse_update(x, &t, packed ? packed : grad, packed ? NN_PANELS : ldg,
                                 x->shift != 0 ? base : 0, a, b, opt, &weight, ldw);
    }
}

/* ---- Dense layers ------------------------------------------------------------------------ */

/* out (rows, columns) = a (rows, depth) @ w (depth, columns) + bias, which may be null */
NN_API void nn_linear_forward(const float *a, int64_t lda, const float *w, int64_t ldw,
                              const float *bias, int64_t rows, int64_t depth, int64_t columns,
                              float *out, int64_t ldo, float *packed, int threads)
{
    threads = nn_useful_threads(threads, (double)rows * (double)depth * (double)columns);
    NN_PARALLEL(threads)
    {
        int64_t r0, r1;
        nn_epilogue e = {0};
        e.out = out;
        e.ldo = ldo;
        e.bias = bias;
        NN_PACK(packed, w, ldw, depth, columns);
        nn_share(rows, 8, NN_THREAD(), NN_THREADS(), &r0, &r1);
        nn_active->dense(a, lda, 1, packed ? packed : w, packed ? nn_stride(columns) : ldw, depth,
                         r0, r1, 0, columns, &e);
    }
}

/* Whether the next function transposes: not for few rows or a narrow layer, where that costs more
 * than it saves, nor for so many rows that its copy of them would be large. */
static inline int nn_transposes_inputs(int64_t rows, int64_t columns)
{
    return rows >= 128 && rows <= 2048 && columns > 64;
}

/* Floats of work space that it then needs. */
static inline int64_t nn_inputs_floats(int64_t rows, int64_t depth, int64_t columns)
{
    return nn_transposes_inputs(rows, columns) ? depth * nn_stride(rows) : 0;
}

/* Rows [d0, d1) of a^T grad, a (rows, depth) and grad (rows, columns), to e. Down a column of `a`,
 * each number lies on another cache line; so `inputs` receives these columns as rows first. */
NN_API void nn_linear_weight_part(const float *a, int64_t lda, const float *grad, int64_t ldg,
                                  int64_t rows, int64_t columns, int64_t d0, int64_t d1,
                                  const nn_epilogue *e, float *inputs)
{
    const int64_t ldt = nn_stride(rows);
    if (d0 >= d1)
        return;
    if (!nn_transposes_inputs(rows, columns)) {
        nn_active->dense(a, 1, lda, grad, ldg, rows, d0, d1, 0, columns, e);
        return;
    }
    nn_active->transpose(a + d0, rows, d1 - d0, lda, inputs + d0 * ldt, ldt);
    nn_active->dense(inputs, ldt, 1, grad, ldg, rows, d0, d1, 0, columns, e);
}

/* The gradient of the weight, a^T grad (depth, columns), into the optimizer. */
NN_API void nn_linear_update(const float *a, int64_t lda, const float *grad, int64_t ldg,
                             int64_t rows, int64_t depth, int64_t columns, const nn_optimizer *opt,
                             nn_parameter weight, int64_t ldw, float *packed, float *inputs,
                             int threads)
{
    threads = nn_useful_threads(threads, (double)rows * (double)depth * (double)columns);
    NN_PARALLEL(threads)
    {
        int64_t d0, d1;
        nn_epilogue e = {0};
        e.ldo = ldw;
        e.opt = opt;
        e.p = weight;
        NN_PACK(packed, grad, ldg, rows, columns);
        nn_share(depth, 16, NN_THREAD(), NN_THREADS(), &d0, &d1);
        nn_linear_weight_part(a, lda, packed ? packed : grad, packed ? nn_stride(columns) : ldg,
                              rows, columns, d0, d1, &e, inputs);
    }
}

/* The gradient of the bias, the column sums of grad (rows, columns), into the optimizer. */
NN_API void nn_bias_update(const float *grad, int64_t ldg, int64_t rows, int64_t columns,
                           const nn_optimizer *opt, nn_parameter bias, int threads)
{
    threads = nn_useful_threads(threads, (double)rows * (double)columns);
    NN_PARALLEL(threads)
    {
        int64_t a, b;
        nn_share(columns, 16, NN_THREAD(), NN_THREADS(), &a, &b);
        nn_active->column_sums(grad, ldg, rows, a, b, opt, &bias);
    }
}

/* to (columns, ldt) = transpose of from (rows, columns), and zeros in to's padding as far as
 * it makes rows of 16 */
NN_API void nn_transpose(const float *from, int64_t ldf, int64_t rows, int64_t columns, float *to,
                         int64_t ldt)
{
    const int64_t padding = (rows + 15) / 16 * 16 - rows;
    nn_active->transpose(from, rows, columns, ldf, to, ldt);
    for (int64_t c = 0; padding && c < columns; c++)
        memset(to + c * ldt + rows, 0, (size_t)padding * sizeof(float));
}

/* Columns [d0, d1) of out (rows, depth) = grad (rows, columns) @ w (depth, columns)^T,
 * and 0 where mask, of out's shape, is not positive (null: no mask). Writes up to column
 * `end`, at most the next multiple of 16: what has no row in w becomes 0, or stays as it is.
 * work: columns * nn_stride(d1 - d0) floats. */
NN_API void nn_linear_backward_input_part(const float *grad, int64_t ldg, const float *w,
                                          int64_t ldw, int64_t rows, int64_t columns, int64_t d0,
                                          int64_t d1, int64_t end, const float *mask, int64_t ldm,
                                          float *out, int64_t ldo, float *work)
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
    nn_active->dense(grad, ldg, 1, work, ldt, columns, 0, rows, 0, end - d0, &e);
}

/* Floats of work space for the next function. */
static inline int64_t nn_transposed_floats(int64_t depth, int64_t columns, int threads)
{
    return columns * (nn_stride(depth) + 32 * (int64_t)threads);
}

static inline float *nn_transposed_part(float *work, int64_t columns, int64_t d0, int t)
{
    return work + columns * (d0 + 32 * (int64_t)t);
}

NN_API void nn_linear_backward_input(const float *grad, int64_t ldg, const float *w, int64_t ldw,
                                     int64_t rows, int64_t depth, int64_t columns, float *out,
                                     int64_t ldo, float *work, int threads)
{
    threads = nn_useful_threads(threads, (double)rows * (double)depth * (double)columns);
    NN_PARALLEL(threads)
    {
        int64_t d0, d1;
        const int t = NN_THREAD();
        nn_share(depth, 16, t, NN_THREADS(), &d0, &d1);
        nn_linear_backward_input_part(grad, ldg, w, ldw, rows, columns, d0, d1, d1, 0, 0, out, ldo,
                                      nn_transposed_part(work, columns, d0, t));
    }
}

/* ---- Loss, optimizer, elementwise -------------------------------------------------------- */

/* Mean cross-entropy of logits (rows, classes) against labels, and its gradient in grad
 * (which may be logits). losses: work space, `rows` floats. */
NN_API double nn_cross_entropy(const float *logits, const int64_t *labels, int64_t rows,
                               int64_t classes, double smoothing, float *losses, float *grad,
                               int threads)
{
    double sum = 0;
    threads = nn_useful_threads(threads, 20.0 * (double)rows * (double)classes);
    NN_PARALLEL(threads)
    {
        int64_t n0, n1;
        nn_share(rows, 8, NN_THREAD(), NN_THREADS(), &n0, &n1);
        nn_active->cross_entropy(logits, classes, labels, 0, n0, n1, classes, rows, smoothing,
                                 losses, grad, classes);
    }
    for (int64_t n = 0; n < rows; n++)
        sum += losses[n];
    return sum / (double)rows;
}

/* One step of a contiguous parameter of n elements. */
NN_API void nn_optimizer_step(const nn_optimizer *opt, int64_t n, const float *g, nn_parameter p,
                              int threads)
{
    threads = nn_useful_threads(threads, 4.0 * (double)n);
    NN_PARALLEL(threads)
    {
        int64_t a, b;
        const unsigned before = nn_flush_denormals();
        nn_share(n, 16, NN_THREAD(), NN_THREADS(), &a, &b);
        if (a < b)
            nn_active->apply(opt, b - a, g + a, &p, a);
        nn_restore_denormals(before);
    }
}

/* out (count, width) = scale * images[index] + shift; one of bytes and floats is null */
NN_API void nn_gather(const uint8_t *bytes, const float *floats, const int64_t *index,
                      int64_t count, int64_t width, double scale, double shift, float *out,
                      int threads)
{
    threads = nn_useful_threads(threads, 4.0 * (double)count * (double)width);
    NN_PARALLEL(threads)
    {
        int64_t n0, n1;
        nn_share(count, 8, NN_THREAD(), NN_THREADS(), &n0, &n1);
        if (bytes)
            nn_active->gather_bytes(bytes, index, n0, n1, width, (float)scale, (float)shift, out);
        else
            nn_active->gather_floats(floats, index, n0, n1, width, (float)scale, (float)shift, out);
    }
}

#endif
