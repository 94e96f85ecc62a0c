/* Training a multilayer perceptron, whole steps in one parallel region.
 *
 * The images are held once as compressed rows; a batch is a list of row numbers. The
 * first layer multiplies only what is not zero, its weight gradient goes straight into
 * the optimizer, and what is left is small.
 */
#ifndef NN_MLP_H
#define NN_MLP_H

#include "layers.h"

/* A Linear layer: w (in, out) with row stride ld, bias (out) or null. m_* and v_*:
 * the optimizer's moments, same shapes and strides, null where it has none. A ReLU
 * follows every layer but the last. */
typedef struct {
    int64_t in, out, ld;
    float *w, *m_w, *v_w, *bias, *m_bias, *v_bias;
} nn_layer;

#define NN_MAX_LAYERS 32

typedef struct {
    nn_layer layers[NN_MAX_LAYERS];             /* copies of the caller's, aligned and padded */
    float *y[NN_MAX_LAYERS], *g[NN_MAX_LAYERS]; /* outputs of the layers, their gradients */
    float *transposed, *losses;
    int64_t *correct;
    nn_columns columns;
    int64_t bytes;
} nn_mlp_work;

/* What to train with, beside the layers. Batch s is index[s * count .. (s + 1) * count). */
typedef struct {
    const nn_rows *x;
    const int64_t *labels; /* of the whole set */
    const int64_t *index;
    int64_t count, steps;
    double smoothing;
    const double *rates; /* the learning rate of each step */
    double *losses;      /* receives each step's mean loss, before its update */
    int64_t *correct;    /* and how many it got right */
} nn_mlp_run;

static inline float *nn_take_floats(uintptr_t *at, int64_t count)
{
    float *here = (float *)*at;
    *at += (uintptr_t)nn_round64(4 * count);
    return here;
}

/* Lay out the work space of a training run; with work null, only count its bytes.
 * most_entries: the most non-zeros that one of the batches has. */
NN_API nn_mlp_work nn_mlp_plan(const nn_rows *x, const nn_layer *layers, int depth, int64_t count,
                               int64_t most_entries, int threads, void *work)
{
    nn_mlp_work p;
    int64_t widest = 0;
    const uintptr_t begin = (uintptr_t)work;
    uintptr_t at = begin + (64 - begin % 64) % 64;
    for (int l = 0; l < depth; l++) {
        const nn_layer *from = &layers[l];
        nn_layer *to = &p.layers[l];
        const int64_t ld = nn_stride(from->out), size = from->in * ld;
        to->in = from->in;
        to->out = from->out;
        to->ld = ld;
        to->w = nn_take_floats(&at, size);
        to->m_w = from->m_w ? nn_take_floats(&at, size) : 0;
        to->v_w = from->v_w ? nn_take_floats(&at, size) : 0;
        to->bias = from->bias ? nn_take_floats(&at, ld) : 0;
        to->m_bias = from->m_bias ? nn_take_floats(&at, ld) : 0;
        to->v_bias = from->v_bias ? nn_take_floats(&at, ld) : 0;
        p.y[l] = nn_take_floats(&at, count * ld);
        p.g[l] = nn_take_floats(&at, count * ld);
        if (l) {
            const int64_t need = nn_transposed_floats(from->in, from->out, threads);
            widest = need > widest ? need : widest;
        }
    }
    p.transposed = nn_take_floats(&at, widest);
    p.losses = nn_take_floats(&at, count);
    p.correct = (int64_t *)at;
    at += (uintptr_t)(64 * threads); /* a cache line each */
    if (work)
        p.columns = nn_columns_plan(x, count, (void *)at);
    at += (uintptr_t)nn_columns_bytes(count, x->width, most_entries);
    p.bytes = (int64_t)(at - begin) + 64;
    return p;
}

NN_API int64_t nn_mlp_bytes(const nn_rows *x, const nn_layer *layers, int depth, int64_t count,
                            int64_t most_entries, int threads)
{
    return nn_mlp_plan(x, layers, depth, count, most_entries, threads, 0).bytes;
}

/* Thread t's share of the rows of a layer's arrays, from one layer to another. */
NN_API void nn_copy_layer(const nn_layer *from, nn_layer *to, int back, int t, int threads)
{
    float *const sources[] = {from->w, from->m_w, from->v_w, from->bias, from->m_bias, from->v_bias};
    float *const targets[] = {to->w, to->m_w, to->v_w, to->bias, to->m_bias, to->v_bias};
    for (int i = 0; i < 6; i++) {
        int64_t r0, r1;
        const int64_t rows = i < 3 ? from->in : 1;
        nn_share(rows, 8, t, threads, &r0, &r1);
        if (sources[i]) /* what is given back has no padding; a vector's stride is its padding */
            nn_copy_rows(sources[i], from->ld, r0, r1, from->out, targets[i],
                         back ? from->out : nn_stride(from->out));
    }
}

/* Ask for the rows of a batch before they are needed: they lie anywhere in 30 MB. */
NN_API void nn_prefetch_rows(const nn_rows *x, const int64_t *index, int64_t n0, int64_t n1)
{
#ifdef __GNUC__
    for (int64_t n = n0; n < n1; n++) {
        const int64_t k0 = x->indptr[index[n]], k1 = x->indptr[index[n] + 1];
        for (int64_t k = k0; k < k1 + 31; k += 32)
            __builtin_prefetch(x->cols + k, 0, 2);
        for (int64_t k = k0; k < k1 + 63; k += 64)
            __builtin_prefetch(x->vals + k, 0, 2);
    }
#else
    (void)x, (void)index, (void)n0, (void)n1;
#endif
}

NN_API void nn_mlp_thread(const nn_mlp_run *run, nn_mlp_work *p, int depth, nn_optimizer opt, int t,
                          int threads)
{
    const nn_kernels *kernel = nn_active;
    const nn_rows *x = run->x;
    const nn_layer *layers = p->layers;
    const int64_t *index = run->index;
    const int64_t count = run->count;
    const int64_t classes = layers[depth - 1].out, stride = nn_stride(classes);
    int64_t a, b, n0, n1;
    nn_share(count, 8, t, threads, &n0, &n1);
    for (int64_t s = 0; s < run->steps; s++, index += count) {
        nn_begin_step(&opt, run->rates[s]);

        /* my columns of the first layer's output; my blocks of the batch by columns */
        nn_columns_share(x, index, &p->columns, t, threads);
        nn_share(layers[0].out, 16, t, threads, &a, &b);
        kernel->sparse_forward(x, index, 0, count, layers[0].w, layers[0].ld, layers[0].bias, a, b,
                               depth > 1, p->y[0], layers[0].ld);
        NN_BARRIER(threads);

        /* my samples through the other layers, to the loss and the logits' gradient */
        for (int l = 1; l < depth; l++) {
            nn_epilogue e = {0};
            e.out = p->y[l];
            e.ldo = layers[l].ld;
            e.bias = layers[l].bias;
            e.relu = l < depth - 1;
            kernel->dense(p->y[l - 1], layers[l - 1].ld, 1, layers[l].w, layers[l].ld, layers[l].in,
                          n0, n1, 0, layers[l].out, &e);
        }
        p->correct[8 * t] =
            kernel->cross_entropy(p->y[depth - 1], stride, run->labels, index, n0, n1, classes,
                                  count, run->smoothing, p->losses, p->g[depth - 1], stride);
        if (s + 1 < run->steps)
            nn_prefetch_rows(x, index + count, n0, n1);
        NN_BARRIER(threads);

        /* backwards. Of each layer I own some inputs: their gradient needs, and their
         * update changes, the same rows of the weight, so nobody waits in between. */
        for (int l = depth - 1; l > 0; l--) {
            const int64_t ldx = layers[l - 1].ld, ldg = layers[l].ld;
            nn_epilogue e = {0};
            e.out = layers[l].w;
            e.ldo = layers[l].ld;
            e.opt = &opt;
            e.m = layers[l].m_w;
            e.v = layers[l].v_w;
            nn_share(layers[l].in, 16, t, threads, &a, &b);
            nn_linear_backward_input_part(p->g[l], ldg, layers[l].w, layers[l].ld, count,
                                          layers[l].out, a, b, p->y[l - 1], ldx, p->g[l - 1], ldx,
                                          nn_transposed_part(p->transposed, layers[l].out, a, t));
            kernel->dense(p->y[l - 1], 1, ldx, p->g[l], ldg, count, a, b, 0, layers[l].out, &e);
            nn_share(layers[l].out, 16, t, threads, &a, &b);
            if (layers[l].bias)
                kernel->column_sums(p->g[l], ldg, count, a, b, &opt, layers[l].bias,
                                    layers[l].m_bias, layers[l].v_bias);
            if (l > 1)
                NN_BARRIER(threads);
        }
        /* the first layer: I own some outputs, whose gradient I have just computed myself */
        nn_share(layers[0].out, 16, t, threads, &a, &b);
        kernel->sparse_update(x, &p->columns, p->g[0], layers[0].ld, a, b, &opt, layers[0].w,
                              layers[0].m_w, layers[0].v_w, layers[0].ld);
        if (layers[0].bias)
            kernel->column_sums(p->g[0], layers[0].ld, count, a, b, &opt, layers[0].bias,
                                layers[0].m_bias, layers[0].v_bias);
        if (t == threads - 1) { /* one thread, in order of samples: always the same sum */
            double sum = 0;
            int64_t right = 0;
            for (int64_t n = 0; n < count; n++)
                sum += p->losses[n];
            for (int i = 0; i < threads; i++)
                right += p->correct[8 * i];
            run->losses[s] = sum / (double)count;
            run->correct[s] = right;
        }
        NN_BARRIER(threads);
    }
}

/* Threads that nn_mlp_train will use of so many. */
NN_API int nn_mlp_threads(const nn_layer *layers, int depth, int64_t count, int threads)
{
    double work = 0;
    for (int l = 0; l < depth; l++)
        work += (double)count * (double)layers[l].in * (double)layers[l].out / (l ? 1 : 5);
    return nn_useful_threads(threads, work);
}

/* Train the layers, contiguous arrays of the caller, for run->steps steps. They are
 * copied to aligned and padded work space (nn_mlp_bytes), and back at the end. */
NN_API void nn_mlp_train(const nn_mlp_run *run, nn_layer *layers, int depth,
                         const nn_optimizer *opt, int64_t most_entries, void *work, int threads)
{
    threads = nn_mlp_threads(layers, depth, run->count, threads);
    nn_mlp_work p = nn_mlp_plan(run->x, layers, depth, run->count, most_entries, threads, work);
    NN_PARALLEL(threads)
    {
        const int t = NN_THREAD(), team = NN_THREADS();
        const unsigned before = nn_flush_denormals();
        for (int l = 0; l < depth; l++)
            nn_copy_layer(&layers[l], &p.layers[l], 0, t, team);
        NN_BARRIER(team);
        nn_mlp_thread(run, &p, depth, *opt, t, team);
        for (int l = 0; l < depth; l++)
            nn_copy_layer(&p.layers[l], &layers[l], 1, t, team);
        nn_restore_denormals(before);
    }
}

#endif
