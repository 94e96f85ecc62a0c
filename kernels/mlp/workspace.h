/* Data of a training run of a multilayer perceptron: the layers, the work space, and the checks of
 * the caller's arguments.
 *
 * Every matrix has rows padded to `wide`, a multiple of 16, so that there are only whole vectors.
 * The padding of weights and gradients is 0 and stays 0; the padding of outputs is never read. The
 * first layer's weight, its moments and its gradient are stored in panels; each thread owns the
 * panels of its columns.
 */
#ifndef NN_MLP_WORKSPACE_H
#define NN_MLP_WORKSPACE_H

#include "mlp/linear.h"
#include "mlp/sparse.h"

/* A Linear layer, weight (in, out) with row stride ldw and an optional bias (out), followed by an
 * activation, whose outputs have row stride ld. Optional batch norm between the two: a scale (out),
 * an offset, and the running mean and variance as w and m of `running`, which move by the fraction
 * `momentum`. Optional dropout after the activation, with a key for each step. */
typedef struct {
    int64_t in, out, wide, ld, ldw;
    int activation;
    nn_parameter weight, bias;
    nn_parameter scale, offset, running; /* scale.w is null without batch norm */
    float eps, momentum;
    nn_drop drop;
    const uint64_t *keys; /* null without dropout */
} nn_layer;

#define NN_MAX_LAYERS 32

enum { NN_CROSS_ENTROPY, NN_MSE };

/* Arguments of a training run, besides the layers. Batch s is index[s * count .. (s + 1) *
 * count). */
typedef struct {
    const nn_rows *x;
    int loss;
    double setting;        /* smoothing of cross-entropy, factor of squared error */
    double l2;             /* added to weight_decay for weights, not for biases */
    const int64_t *labels; /* targets of the whole set: labels, */
    const float *targets;  /* or an array (images, classes) */
    const int64_t *index;
    int64_t count, steps;
    const double *rates; /* the learning rate of each step */
    double *losses;      /* output: loss of each step before its update */
    int64_t *correct;    /* output: number of correct images of each step */
} nn_mlp_run;

/* Update rules of weights and of biases. */
typedef struct {
    nn_optimizer weight, bias;
} nn_rules;

/* Position in a run: the step, and the number within the batch of the chunk's first image. */
typedef struct {
    int64_t step, image;
} nn_at;

typedef struct {
    nn_layer layers[NN_MAX_LAYERS];             /* copies of the caller's, aligned and padded */
    float *y[NN_MAX_LAYERS], *g[NN_MAX_LAYERS]; /* outputs of the activations, gradients */
    float *z[NN_MAX_LAYERS]; /* outputs of the products: y without batch norm */
    float *d[NN_MAX_LAYERS]; /* outputs of the layers: y without dropout */
    float *norm[NN_MAX_LAYERS]; /* a batch's mean and variance, and gradients, ld each */
    float *dw[NN_MAX_LAYERS], *db[NN_MAX_LAYERS]; /* gradients of a batch in chunks */
    float *transposed, *inputs; /* transposed weight and inputs of a layer */
    float *skips;               /* of products that skip zeros, one per thread */
    float *losses;
    float *sums, *shifted, *base; /* of the first layer, with a shift: see sparse.h */
    float *pixels;                /* dense pixels of a batch of one */
    float *g_panels;              /* copy of g[0] in panels */
    float *panels;                /* of batch norm, one per thread */
    int64_t *correct;
    void *batch;
    int64_t chunk, entries, skip_floats, bytes; /* entries: maximum per chunk */
    int one_panel; /* threads share the first layer's images and weight rows */
} nn_mlp_work;

static inline float *nn_take_floats(uintptr_t *at, int64_t count)
{
    float *here = (float *)*at;
    *at += (uintptr_t)nn_round64(4 * count);
    return here;
}

/* Take space for the arrays that `like` has. */
static inline nn_parameter nn_take_parameter(uintptr_t *at, nn_parameter like, int64_t size)
{
    nn_parameter p = {0};
    p.w = like.w ? nn_take_floats(at, size) : 0;
    p.m = like.m ? nn_take_floats(at, size) : 0;
    p.v = like.v ? nn_take_floats(at, size) : 0;
    p.u = like.u ? nn_take_floats(at, size) : 0;
    return p;
}

/* Return the number of images that are processed at a time: batch norm needs the whole batch. */
static inline int64_t nn_chunk(const nn_layer *layers, int depth, int64_t count)
{
    int64_t chunk = nn_chunk_at(0, count);
    for (int l = 0; l < depth; l++)
        chunk = layers[l].scale.w ? count : chunk;
    return chunk;
}

/* Return whether online.h's faster steps apply: batches of one image, without dropout. */
static inline int nn_is_online(const nn_layer *layers, int depth, int64_t count)
{
    int dropped = 0;
    for (int l = 0; l < depth; l++)
        dropped |= layers[l].keys != 0;
    return count == 1 && !dropped;
}

/* Return whether the first layer is so narrow that each thread computes all its outputs, for a
 * share of the images. Half a panel takes more than half the time, because it loads all entries.
 * With 8 vectors the extra time equals that of fetching the weight that other threads have
 * changed. */
static inline int nn_mlp_one_panel(const nn_rows *x, const nn_layer *first, int64_t chunk,
                                   int64_t count, int threads)
{
    const int64_t vectors = ((first->out + 15) / 16 * 16) / nn_active->vector;
    return threads > 1 && vectors < 8 && x->shift == 0 && !first->scale.w && chunk == count;
}

/* Lay out the work space of a training run; with work null, only count its bytes. most_entries:
 * maximum number of nonzeros in a chunk of a batch. */
NN_API nn_mlp_work nn_mlp_plan(const nn_rows *x, const nn_layer *layers, int depth, int64_t count,
                               int64_t most_entries, int threads, void *work)
{
    nn_mlp_work p = {0};
    int64_t widest = 0, inputs = 0, deepest = 0;
    const uintptr_t begin = (uintptr_t)work;
    uintptr_t at = (uintptr_t)nn_round64((int64_t)begin);
    int normed = 0;
    p.chunk = nn_chunk(layers, depth, count);
    p.one_panel = nn_mlp_one_panel(x, layers, p.chunk, count, threads);
    for (int l = 0; l < depth; l++) {
        const nn_layer *from = &layers[l];
        nn_layer *to = &p.layers[l];
        const int64_t ld = nn_stride(from->out), size = (from->in + (l == 0)) * ld;
        *to = *from;
        to->wide = (from->out + 15) / 16 * 16;
        to->ld = ld;
        to->ldw = l || nn_is_online(layers, depth, count) ? ld : NN_PANELS;
        to->weight = nn_take_parameter(&at, from->weight, size);
        to->bias = nn_take_parameter(&at, from->bias, ld);
        to->scale = nn_take_parameter(&at, from->scale, ld);
        to->offset = nn_take_parameter(&at, from->offset, ld);
        to->running = nn_take_parameter(&at, from->running, ld);
        p.z[l] = p.y[l] = nn_take_floats(&at, p.chunk * ld);
        if (from->scale.w) {
            p.y[l] = nn_take_floats(&at, p.chunk * ld);
            p.norm[l] = nn_take_floats(&at, 4 * ld);
            normed = 1;
        }
        p.d[l] = from->keys ? nn_take_floats(&at, p.chunk * ld) : p.y[l];
        p.g[l] = nn_take_floats(&at, p.chunk * ld);
        if (p.chunk < count) {
            p.dw[l] = nn_take_floats(&at, size);
            p.db[l] = nn_take_floats(&at, ld);
        }
        if (l) {
            const int64_t weight = nn_transposed_floats(from->in, from->out, threads);
            const int64_t batch = nn_inputs_floats(p.chunk, from->in, to->wide, 1);
            widest = weight > widest ? weight : widest;
            inputs = batch > inputs ? batch : inputs;
            deepest = from->in > deepest ? from->in : deepest;
        }
    }
    p.skip_floats = nn_skip_floats(deepest > p.chunk ? deepest : p.chunk);
    p.transposed = nn_take_floats(&at, widest);
    p.inputs = nn_take_floats(&at, inputs);
    p.skips = nn_take_floats(&at, depth > 1 ? threads * p.skip_floats : 0);
    p.losses = nn_take_floats(&at, p.chunk);
    p.sums = nn_take_floats(&at, p.layers[0].ld);
    p.shifted = nn_take_floats(&at, p.layers[0].ld);
    p.base = nn_take_floats(&at, p.layers[0].ld);
    p.pixels = nn_take_floats(&at, count == 1 ? x->width : 0);
    p.g_panels = nn_take_floats(&at, nn_batch_panel_floats(p.chunk, p.layers[0].wide, threads));
    p.panels = nn_take_floats(&at, normed ? threads * nn_panel_floats(count) : 0);
    p.correct = (int64_t *)at;
    at += (uintptr_t)(64 * threads); /* a cache line each */
    p.batch = (void *)at;
    p.entries = most_entries;
    nn_batch_plan(x, p.chunk, most_entries, 0, threads, p.batch, &p.bytes);
    p.bytes += (int64_t)(at - begin) + 64;
    return p;
}

NN_API int64_t nn_mlp_bytes(const nn_rows *x, const nn_layer *layers, int depth, int64_t count,
                            int64_t most_entries, int threads)
{
    return nn_mlp_plan(x, layers, depth, count, most_entries, threads, 0).bytes;
}

/* The check of all batches, and each thread's result for its share of the steps. */
typedef struct {
    const nn_rows *x;
    int64_t rows, entries, chunk;
    const int64_t *index;
    int64_t steps, count;
    int64_t *bad, *most;
} nn_check_job;

static void nn_check_thread(const void *given, int t, int threads)
{
    const nn_check_job *job = given;
    const int64_t count = job->count;
    int64_t s0, s1, most = 0, bad = -1;
    nn_share(job->steps, 1, t, threads, &s0, &s1);
    for (int64_t s = s0; s < s1 && bad < 0; s++)
        for (int64_t n0 = 0; n0 < count && bad < 0; n0 += job->chunk) {
            const int64_t n = s * count + n0, left = count - n0;
            int64_t total = 0;
            bad = nn_find_bad_row(job->x, job->rows, job->entries, job->index + n,
                                  left < job->chunk ? left : job->chunk, &total);
            bad += bad < 0 ? 0 : n;
            most = total > most ? total : most;
        }
    job->bad[t] = bad;
    job->most[t] = most;
}

/* Call nn_find_bad_row for all batches; set *most to the maximum number of entries in a chunk. */
NN_API int64_t nn_mlp_find_bad_row(const nn_rows *x, int64_t rows, int64_t entries,
                                   const nn_layer *layers, int depth, const int64_t *index,
                                   int64_t steps, int64_t count, int64_t *most, int threads)
{
    int64_t bad[NN_MAX_THREADS], found[NN_MAX_THREADS];
    const nn_check_job job = {x,     rows,  entries, nn_chunk(layers, depth, count), index,
                              steps, count, bad,     found};
    threads = nn_useful_threads(threads, 256.0 * (double)steps * (double)count);
    for (int t = 0; t < threads; t++)
        bad[t] = -1, found[t] = 0;
    nn_run(nn_check_thread, &job, threads);
    for (int t = 0; t < threads; t++) {
        if (bad[t] >= 0)
            return bad[t];
        *most = found[t] > *most ? found[t] : *most;
    }
    return -1;
}

/* Return the position in index of the first image whose label is not in 0 .. classes - 1, or -1. */
NN_API int64_t nn_mlp_find_bad_label(const int64_t *labels, const int64_t *index, int64_t count,
                                     int64_t classes)
{
    for (int64_t n = 0; n < count; n++)
        if (labels[index[n]] < 0 || labels[index[n]] >= classes)
            return n;
    return -1;
}

/* Copy thread t's share of a matrix; the source or the target may be in panels. */
static inline void nn_copy_matrix(const float *from, int64_t ldf, float *to, int64_t ldt,
                                  int64_t rows, int64_t columns, int t, int threads)
{
    int64_t r0, r1, a, b;
    nn_share(rows, 8, t, threads, &r0, &r1);
    nn_share((columns + 15) / 16 * 16, 16, t, threads, &a, &b); /* as nn_mlp_thread does */
    if (ldt == NN_PANELS)
        nn_to_panels(from, ldf, rows, columns, a, b, nn_active->vector, to);
    else if (ldf == NN_PANELS)
        nn_from_panels(from, rows, columns, a, b, nn_active->vector, to, ldt);
    else
        nn_copy_rows(from, ldf, r0, r1, columns, to, ldt);
}

/* Copy thread t's share of all arrays of a parameter. */
static inline void nn_copy_parameter(const nn_parameter *from, int64_t ldf, nn_parameter *to,
                                     int64_t ldt, int64_t rows, int64_t columns, int t,
                                     int threads)
{
    const float *const of[] = {from->w, from->m, from->v, from->u};
    float *const into[] = {to->w, to->m, to->v, to->u};
    for (int k = 0; k < 4; k++)
        if (of[k])
            nn_copy_matrix(of[k], ldf, into[k], ldt, rows, columns, t, threads);
}

/* Copy thread t's share of a layer's arrays. back: to the caller's arrays, which have no padding.
 * The stride of a vector (one row) includes its padding. */
NN_API void nn_copy_layer(const nn_layer *from, nn_layer *to, int back, int t, int threads)
{
    const int64_t columns = from->out, ldt = back ? columns : nn_stride(columns);
    nn_copy_parameter(&from->weight, from->ldw, &to->weight, to->ldw, from->in, columns, t,
                      threads);
    nn_copy_parameter(&from->bias, columns, &to->bias, ldt, 1, columns, t, threads);
    nn_copy_parameter(&from->scale, columns, &to->scale, ldt, 1, columns, t, threads);
    nn_copy_parameter(&from->offset, columns, &to->offset, ldt, 1, columns, t, threads);
    nn_copy_parameter(&from->running, columns, &to->running, ldt, 1, columns, t, threads);
}

#endif
