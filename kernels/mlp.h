/* Training a multilayer perceptron, whole steps in one parallel region.
 *
 * The images are held once as compressed rows; a batch is a list of row numbers. The
 * first layer multiplies only what is not zero, its weight gradient goes straight into
 * the optimizer, and what is left is small.
 *
 * Every matrix here has rows padded to `wide`, a multiple of 16, so that no vector is cut.
 * Padding of weights and gradients is 0 and stays 0; that of outputs is never read.
 */
#ifndef NN_MLP_H
#define NN_MLP_H

#include "layers.h"

/* A Linear layer, weight (in, out) with row stride ld and perhaps a bias (out), and the
 * activation after it. */
typedef struct {
    int64_t in, out, wide, ld;
    int activation;
    nn_parameter weight, bias;
} nn_layer;

#define NN_MAX_LAYERS 32
#define NN_CHUNK 512 /* images of a large batch whose outputs are held at a time */

enum { NN_CROSS_ENTROPY, NN_MSE };

/* What to train with, beside the layers. Batch s is index[s * count .. (s + 1) * count). */
typedef struct {
    const nn_rows *x;
    int loss;
    double setting;        /* cross-entropy's smoothing, the squared error's factor */
    double l2;             /* weights, but not biases, get this times themselves as gradient */
    const int64_t *labels; /* of the whole set, */
    const float *targets;  /* or (images, classes): what the loss compares with */
    const int64_t *index;
    int64_t count, steps;
    const double *rates; /* the learning rate of each step */
    double *losses;      /* receives each step's loss, before its update */
    int64_t *correct;    /* and how many it got right */
} nn_mlp_run;

/* What happens to the gradients of weights, and to those of biases. */
typedef struct {
    nn_optimizer weight, bias;
} nn_rules;

typedef struct {
    nn_layer layers[NN_MAX_LAYERS];             /* copies of the caller's, aligned and padded */
    float *y[NN_MAX_LAYERS], *g[NN_MAX_LAYERS]; /* outputs of the layers, their gradients */
    float *dw[NN_MAX_LAYERS], *db[NN_MAX_LAYERS]; /* of a batch that is taken in chunks */
    float *transposed, *losses;
    float *sums, *shifted, *base; /* of the first layer, for a shift: see layers.h */
    float *pixels;                /* a batch of one, dense */
    int64_t *correct;
    void *columns;
    int64_t chunk, bytes;
} nn_mlp_work;

static inline float *nn_take_floats(uintptr_t *at, int64_t count)
{
    float *here = (float *)*at;
    *at += (uintptr_t)nn_round64(4 * count);
    return here;
}

/* room for what `like` has */
static inline nn_parameter nn_take_parameter(uintptr_t *at, nn_parameter like, int64_t size)
{
    nn_parameter p = {0};
    p.w = like.w ? nn_take_floats(at, size) : 0;
    p.m = like.m ? nn_take_floats(at, size) : 0;
    p.v = like.v ? nn_take_floats(at, size) : 0;
    p.u = like.u ? nn_take_floats(at, size) : 0;
    return p;
}

static inline int64_t nn_chunk(int64_t count)
{
    return count < NN_CHUNK ? count : NN_CHUNK;
}

/* Lay out the work space of a training run; with work null, only count its bytes.
 * most_entries: the most non-zeros that one of the batches' chunks has. */
NN_API nn_mlp_work nn_mlp_plan(const nn_rows *x, const nn_layer *layers, int depth, int64_t count,
                               int64_t most_entries, int threads, void *work)
{
    nn_mlp_work p = {0};
    int64_t widest = 0;
    const uintptr_t begin = (uintptr_t)work;
    uintptr_t at = begin + (64 - begin % 64) % 64;
    p.chunk = nn_chunk(count);
    for (int l = 0; l < depth; l++) {
        const nn_layer *from = &layers[l];
        nn_layer *to = &p.layers[l];
        const int64_t ld = nn_stride(from->out), size = from->in * ld;
        *to = *from;
        to->wide = (from->out + 15) / 16 * 16;
        to->ld = ld;
        to->weight = nn_take_parameter(&at, from->weight, size);
        to->bias = nn_take_parameter(&at, from->bias, ld);
        p.y[l] = nn_take_floats(&at, p.chunk * ld);
        p.g[l] = nn_take_floats(&at, p.chunk * ld);
        if (p.chunk < count) {
            p.dw[l] = nn_take_floats(&at, size);
            p.db[l] = nn_take_floats(&at, ld);
        }
        if (l) {
            const int64_t need = nn_transposed_floats(from->in, from->out, threads);
            widest = need > widest ? need : widest;
        }
    }
    p.transposed = nn_take_floats(&at, widest);
    p.losses = nn_take_floats(&at, p.chunk);
    p.sums = nn_take_floats(&at, p.layers[0].ld);
    p.shifted = nn_take_floats(&at, p.layers[0].ld);
    p.base = nn_take_floats(&at, p.layers[0].ld);
    p.pixels = nn_take_floats(&at, count == 1 ? x->width : 0);
    p.correct = (int64_t *)at;
    at += (uintptr_t)(64 * threads); /* a cache line each */
    p.columns = (void *)at;
    at += (uintptr_t)nn_columns_bytes(p.chunk, x->width, most_entries);
    p.bytes = (int64_t)(at - begin) + 64;
    return p;
}

NN_API int64_t nn_mlp_bytes(const nn_rows *x, const nn_layer *layers, int depth, int64_t count,
                            int64_t most_entries, int threads)
{
    return nn_mlp_plan(x, layers, depth, count, most_entries, threads, 0).bytes;
}

/* nn_find_bad_row for all batches; *most becomes the most entries that a chunk has. */
NN_API int64_t nn_mlp_find_bad_row(const nn_rows *x, int64_t rows, int64_t entries,
                                   const int64_t *index, int64_t steps, int64_t count,
                                   int64_t *most)
{
    const int64_t chunk = nn_chunk(count);
    for (int64_t s = 0; s < steps; s++)
        for (int64_t n0 = 0; n0 < count; n0 += chunk) {
            const int64_t n = s * count + n0, size = count - n0 < chunk ? count - n0 : chunk;
            int64_t total = 0;
            const int64_t bad = nn_find_bad_row(x, rows, entries, index + n, size, &total);
            if (bad >= 0)
                return n + bad;
            *most = total > *most ? total : *most;
        }
    return -1;
}

/* The place in index of the first image whose label is not in 0 .. classes-1, or -1. */
NN_API int64_t nn_mlp_find_bad_label(const int64_t *labels, const int64_t *index, int64_t count,
                                     int64_t classes)
{
    for (int64_t n = 0; n < count; n++)
        if (labels[index[n]] < 0 || labels[index[n]] >= classes)
            return n;
    return -1;
}

/* Thread t's share of the rows of a layer's arrays, from one layer to another. */
NN_API void nn_copy_layer(const nn_layer *from, nn_layer *to, int back, int t, int threads)
{
    const nn_parameter *const sources[] = {&from->weight, &from->bias};
    const nn_parameter *const targets[] = {&to->weight, &to->bias};
    for (int i = 0; i < 2; i++) {
        const float *const of[] = {sources[i]->w, sources[i]->m, sources[i]->v, sources[i]->u};
        float *const into[] = {targets[i]->w, targets[i]->m, targets[i]->v, targets[i]->u};
        int64_t r0, r1;
        nn_share(i ? 1 : from->in, 8, t, threads, &r0, &r1);
        for (int k = 0; k < 4; k++)
            if (of[k]) /* what is given back has no padding; a vector's stride is its padding */
                nn_copy_rows(of[k], from->ld, r0, r1, from->out, into[k],
                             back ? from->out : nn_stride(from->out));
    }
}

/* ---- The parts of a step -------------------------------------------------------------- */

/* The first layer's bias, with what the shift adds, for columns [a, b); sums of W's columns
 * must be there. */
static inline const float *nn_mlp_bias(const nn_mlp_run *run, nn_mlp_work *p, int64_t a, int64_t b)
{
    const float *bias = p->layers[0].bias.w;
    if (run->x->shift == 0)
        return bias;
    nn_shift_bias(run->x, p->sums, bias, a, b, p->shifted);
    return p->shifted;
}

static inline void nn_mlp_sum_columns(nn_mlp_work *p, int64_t a, int64_t b)
{
    const nn_layer *first = &p->layers[0];
    if (a >= b)
        return;
    memset(p->sums + a, 0, (size_t)(b - a) * sizeof(float));
    nn_active->add_rows(first->weight.w, first->ld, 0, first->in, a, b, p->sums);
}

/* Columns [a, b) of the first layer's output for `count` images, with that bias. */
static inline void nn_mlp_first_forward(const nn_mlp_run *run, nn_mlp_work *p,
                                        const int64_t *index, int64_t count, const float *bias,
                                        int64_t a, int64_t b)
{
    const nn_layer *l = &p->layers[0];
    nn_active->sparse_forward(run->x, index, 0, count, l->weight.w, l->ld, bias, a, b,
                              l->activation == NN_RELU, p->y[0], l->ld);
    if (l->activation > NN_RELU)
        nn_active->activate(l->activation, count, b - a, p->y[0] + a, l->ld);
}

/* Images [n0, n1) through layer l > 0. */
static inline void nn_mlp_forward(nn_mlp_work *p, int l, int64_t n0, int64_t n1)
{
    const nn_layer *layer = &p->layers[l];
    nn_epilogue e = {0};
    e.out = p->y[l];
    e.ldo = layer->ld;
    e.bias = layer->bias.w;
    e.relu = layer->activation == NN_RELU;
    nn_active->dense(p->y[l - 1], p->layers[l - 1].ld, 1, layer->weight.w, layer->ld, layer->in,
                     n0, n1, 0, layer->wide, &e);
    if (layer->activation > NN_RELU)
        nn_active->activate(layer->activation, n1 - n0, layer->wide, p->y[l] + n0 * layer->ld,
                            layer->ld);
}

/* Losses of images [n0, n1), and the gradient of what goes into the last activation. Returns
 * how many are right. */
static inline int64_t nn_mlp_loss(const nn_mlp_run *run, nn_mlp_work *p, int depth,
                                  const int64_t *index, int64_t n0, int64_t n1)
{
    const nn_layer *last = &p->layers[depth - 1];
    float *y = p->y[depth - 1], *g = p->g[depth - 1];
    int64_t right;
    if (run->loss == NN_CROSS_ENTROPY)
        right = nn_active->cross_entropy(y, last->ld, run->labels, index, n0, n1, last->out,
                                         run->count, run->setting, p->losses, g, last->ld);
    else
        right = nn_active->mse(y, last->ld, run->targets, index, n0, n1, last->out,
                               (float)run->setting, p->losses, g, last->ld);
    if (last->activation != NN_IDENTITY)
        nn_active->activate_backward(last->activation, n1 - n0, last->wide, g + n0 * last->ld,
                                     y + n0 * last->ld, last->ld);
    return right;
}

static inline nn_rules nn_mlp_rules(const nn_mlp_run *run, nn_optimizer opt)
{
    nn_rules rules = {opt, opt};
    rules.weight.weight_decay += (float)run->l2;
    return rules;
}

/* Where the gradient of layer l goes: to the optimizer, or to be stored for it. */
static inline nn_parameter nn_mlp_weight(const nn_mlp_work *p, int l, int stored)
{
    const nn_parameter gradient = {p->dw[l], 0, 0, 0};
    return stored ? gradient : p->layers[l].weight;
}

static inline nn_parameter nn_mlp_bias_of(const nn_mlp_work *p, int l, int stored)
{
    const nn_parameter gradient = {p->db[l], 0, 0, 0};
    return stored ? gradient : p->layers[l].bias;
}

/* Layer l > 0 backwards. I own some of its inputs: their gradient needs, and their update
 * changes, the same rows of the weight, so nobody waits in between. */
static inline void nn_mlp_backward(nn_mlp_work *p, int l, int64_t count, const nn_rules *rules,
                                   int stored, int t, int threads)
{
    const nn_layer *layer = &p->layers[l], *before = &p->layers[l - 1];
    const int64_t ldx = before->ld, ldg = layer->ld;
    const float *mask = before->activation == NN_RELU ? p->y[l - 1] : 0;
    int64_t a, b;
    nn_epilogue e = {0};
    e.ldo = layer->ld;
    e.opt = &rules->weight;
    e.p = nn_mlp_weight(p, l, stored);
    nn_share(before->wide, 16, t, threads, &a, &b);
    const int64_t end = b < layer->in ? b : layer->in;
    nn_linear_backward_input_part(p->g[l], ldg, layer->weight.w, layer->ld, count, layer->out, a,
                                  end, b, mask, ldx, p->g[l - 1], ldx,
                                  nn_transposed_part(p->transposed, layer->out, a, t));
    if (before->activation > NN_RELU && a < b)
        nn_active->activate_backward(before->activation, count, b - a, p->g[l - 1] + a,
                                     p->y[l - 1] + a, ldx);
    nn_active->dense(p->y[l - 1], 1, ldx, p->g[l], ldg, count, a, end, 0, layer->wide, &e);
    nn_share(layer->wide, 16, t, threads, &a, &b);
    if (layer->bias.w) {
        const nn_parameter bias = nn_mlp_bias_of(p, l, stored);
        nn_active->column_sums(p->g[l], ldg, count, a, b, &rules->bias, &bias);
    }
}

/* Columns [a, b) of the first layer's weight and bias, from the batch by columns. */
static inline void nn_mlp_first_backward(const nn_mlp_run *run, nn_mlp_work *p,
                                         const nn_columns *columns, const nn_rules *rules,
                                         int stored, int64_t a, int64_t b)
{
    const nn_layer *l = &p->layers[0];
    const nn_parameter weight = nn_mlp_weight(p, 0, stored), bias = nn_mlp_bias_of(p, 0, stored);
    const float *base = 0;
    if (a >= b)
        return;
    if (run->x->shift != 0) {
        nn_shift_base(run->x, p->g[0], l->ld, columns->count, a, b, p->base);
        base = p->base;
    }
    nn_active->sparse_update(run->x, columns, p->g[0], l->ld, base, a, b,
                             &rules->weight, &weight, l->ld);
    if (l->bias.w)
        nn_active->column_sums(p->g[0], l->ld, columns->count, a, b, &rules->bias, &bias);
}

/* The update from stored gradients: my rows of each layer. */
static inline void nn_mlp_update(nn_mlp_work *p, int depth, const nn_rules *rules, int t,
                                 int threads)
{
    for (int l = 0; l < depth; l++) {
        const nn_layer *layer = &p->layers[l];
        int64_t a, b;
        nn_share(layer->in, 8, t, threads, &a, &b);
        if (a < b) /* the rows' padding has never been written: row by row */
            for (int64_t r = a; r < b; r++)
                nn_active->apply(&rules->weight, layer->wide, p->dw[l] + r * layer->ld,
                                 &layer->weight, r * layer->ld);
        if (layer->bias.w && t == 0)
            nn_active->apply(&rules->bias, layer->wide, p->db[l], &layer->bias, 0);
    }
}

/* ---- Steps ---------------------------------------------------------------------------- */

/* What one thread does of all steps. */
NN_API void nn_mlp_thread(const nn_mlp_run *run, nn_mlp_work *p, int depth, nn_optimizer opt, int t,
                          int threads)
{
    const nn_rules store = {nn_store(), nn_store()}, add = {nn_add(), nn_add()};
    const int64_t *index = run->index, *const end = index + run->steps * run->count;
    const int stored = p->chunk < run->count;
    int64_t a, b, n0, n1;
    nn_share(p->layers[0].wide, 16, t, threads, &a, &b); /* mine of the first layer's outputs */
    for (int64_t s = 0; s < run->steps; s++) {
        double loss = 0;
        int64_t right = 0;
        nn_begin_step(&opt, run->rates[s]);
        const nn_rules update = nn_mlp_rules(run, opt);
        if (run->x->shift != 0)
            nn_mlp_sum_columns(p, a, b);
        for (int64_t done = 0; done < run->count; done += p->chunk) {
            const int64_t left = run->count - done, count = left < p->chunk ? left : p->chunk;
            const nn_rules *rules = !stored ? &update : done ? &add : &store;
            nn_columns columns = nn_columns_plan(run->x, count, p->columns);

            /* my columns of the first layer's output; my blocks of the batch by columns */
            nn_columns_share(run->x, index, &columns, t, threads);
            if (a < b)
                nn_mlp_first_forward(run, p, index, count, nn_mlp_bias(run, p, a, b), a, b);
            NN_BARRIER(threads);

            /* my samples through the other layers, to the loss and the outputs' gradient */
            nn_share(count, 8, t, threads, &n0, &n1);
            for (int l = 1; l < depth; l++)
                nn_mlp_forward(p, l, n0, n1);
            p->correct[8 * t] = nn_mlp_loss(run, p, depth, index, n0, n1);
            const int64_t more = end - index - count; /* what follows may be a shorter chunk */
            for (int64_t n = n0; n < n1 && n < more; n++)
                nn_prefetch_row(run->x, index[count + n]);
            NN_BARRIER(threads);

            for (int l = depth - 1; l > 0; l--) {
                nn_mlp_backward(p, l, count, rules, stored, t, threads);
                if (l > 1)
                    NN_BARRIER(threads);
            }
            /* I own some outputs, whose gradient I have just computed myself */
            nn_mlp_first_backward(run, p, &columns, rules, stored, a, b);
            if (t == threads - 1) { /* one thread, in order of samples: always the same sum */
                for (int64_t n = 0; n < count; n++)
                    loss += p->losses[n];
                for (int i = 0; i < threads; i++)
                    right += p->correct[8 * i];
            }
            NN_BARRIER(threads);
            index += count;
        }
        if (stored) {
            nn_mlp_update(p, depth, &update, t, threads);
            NN_BARRIER(threads);
        }
        if (t == threads - 1) {
            run->losses[s] = run->loss == NN_CROSS_ENTROPY ? loss / (double)run->count : loss;
            run->correct[s] = right;
        }
    }
}

/* Threads that nn_mlp_train will use of so many. */
NN_API int nn_mlp_threads(const nn_layer *layers, int depth, int64_t count, int threads)
{
    double work = 0;
    if (count == 1)
        return 1;
    for (int l = 0; l < depth; l++)
        work += (double)count * (double)layers[l].in * (double)layers[l].out / (l ? 1 : 5);
    return nn_useful_threads(threads, work);
}

#include "online.h"

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
        for (int l = 0; l < depth; l++) {
            int64_t n0, n1;
            const int64_t ld = p.layers[l].ld;
            nn_copy_layer(&layers[l], &p.layers[l], 0, t, team);
            nn_share(p.chunk, 8, t, team, &n0, &n1);
            memset(p.g[l] + n0 * ld, 0, (size_t)((n1 - n0) * ld) * sizeof(float));
        }
        NN_BARRIER(team);
        if (run->count == 1)
            nn_mlp_online(run, &p, depth, *opt);
        else
            nn_mlp_thread(run, &p, depth, *opt, t, team);
        NN_BARRIER(team);
        for (int l = 0; l < depth; l++)
            nn_copy_layer(&p.layers[l], &layers[l], 1, t, team);
        nn_restore_denormals(before);
    }
}

#endif
