/* Parts of a training step: the work of one thread in each layer, forward and backward. */
#ifndef NN_MLP_PARTS_H
#define NN_MLP_PARTS_H

#include "mlp/workspace.h"

/* Return the first layer's bias, plus the shift's contribution for columns [a, b). The sums of W's
 * columns must be up to date. */
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
    for (int64_t i = 0; i < nn_panel_count(a, b, nn_active->vector); i++) {
        const nn_panel panel = nn_panel_at(a, b, nn_active->vector, i);
        const float *w = first->weight.w + nn_panel_begin(&panel, first->in, first->ldw);
        nn_active->add_rows(w, nn_panel_ld(&panel, first->ldw), 0, first->in, 0, panel.b - panel.a,
                            p->sums + panel.a);
    }
}

/* Return whether ReLU is fused into the product. Other activations, and batch norm, are separate
 * passes. */
static inline int nn_mlp_fused_relu(const nn_layer *layer)
{
    return layer->activation == NN_RELU && !layer->scale.w;
}

/* Return work space for a product that skips zeros of layer l's outputs or their gradient, or null
 * if few of them can be 0. */
static inline float *nn_mlp_skip(const nn_mlp_work *p, int l, int t)
{
    const nn_layer *layer = &p->layers[l];
    return layer->activation == NN_RELU || layer->keys ? p->skips + t * p->skip_floats : 0;
}

/* Apply dropout to columns [a, b) of images [n0, n1) of a chunk, in a layer's outputs or their
 * gradient. Random numbers are numbered from the batch's first image, not from the chunk's. */
static inline void nn_mlp_drop(const nn_layer *layer, const nn_at *at, int64_t n0, int64_t n1,
                               int64_t a, int64_t b, const float *x, float *out)
{
    b = b < layer->out ? b : layer->out; /* padding has no random numbers */
    if (a < b)
        for (int64_t n = n0; n < n1; n++)
            nn_active->dropout(b - a, (uint32_t)((at->image + n) * layer->out + a),
                               x + n * layer->ld + a, layer->drop, layer->keys[at->step],
                               out + n * layer->ld + a);
}

/* Apply activation and dropout to rows [n0, n1) and columns [a, b) of a product. */
static inline void nn_mlp_finish(nn_mlp_work *p, int l, const nn_at *at, int64_t n0, int64_t n1,
                                 int64_t a, int64_t b)
{
    const nn_layer *layer = &p->layers[l];
    if (layer->activation > NN_RELU && a < b)
        nn_active->activate(layer->activation, n1 - n0, b - a, p->y[l] + n0 * layer->ld + a,
                            layer->ld);
    if (layer->keys)
        nn_mlp_drop(layer, at, n0, n1, a, b, p->y[l], p->d[l]);
}

/* Return the arguments of batch norm for layer l of the whole batch. */
static inline nn_norm nn_mlp_norm(const nn_mlp_work *p, int l, int64_t count, int thread)
{
    const nn_layer *layer = &p->layers[l];
    float *const four = p->norm[l];
    nn_norm t = {0};
    t.rows = count;
    t.columns = layer->ld;
    t.inner = 1;
    t.x = p->z[l];
    t.weight = layer->scale.w;
    t.bias = layer->offset.w;
    t.eps = layer->eps;
    t.mean = four;
    t.variance = four + layer->ld;
    t.weight_grad = four + 2 * layer->ld;
    t.bias_grad = four + 3 * layer->ld;
    t.space = p->panels;
    t.space += thread * nn_norm_floats(&t);
    return t;
}

/* Apply batch norm, activation and dropout to columns [a, b) of layer l, and update the running
 * statistics. */
static inline void nn_mlp_norm_forward(nn_mlp_work *p, int l, const nn_at *at, int64_t count,
                                       int64_t a, int64_t b, int thread)
{
    const nn_layer *layer = &p->layers[l];
    const int64_t end = b < layer->out ? b : layer->out;
    const float share = layer->momentum, unbiased = (float)count / (float)(count - 1);
    float *const mean = layer->running.w, *const variance = layer->running.m;
    nn_norm t = nn_mlp_norm(p, l, count, thread);
    if (a >= end)
        return;
    t.out = p->y[l];
    t.relu = layer->activation == NN_RELU;
    nn_active->batch_norm_forward(&t, a, end);
    for (int64_t o = a; o < end; o++) {
        mean[o] += nn_product(share, t.mean[o] - mean[o]);
        const float whole = nn_product(t.variance[o], unbiased);
        variance[o] += nn_product(share, whole - variance[o]);
    }
    nn_mlp_finish(p, l, at, 0, count, a, end);
}

/* Backward pass of the batch norm: compute the gradient of the product in place, and update scale
 * and offset. */
static inline void nn_mlp_norm_backward(nn_mlp_work *p, int l, int64_t count,
                                        const nn_rules *rules, int64_t a, int64_t b, int thread)
{
    const nn_layer *layer = &p->layers[l];
    const int64_t end = b < layer->out ? b : layer->out;
    nn_norm t = nn_mlp_norm(p, l, count, thread);
    if (a >= end)
        return;
    t.grad = t.out = p->g[l];
    nn_active->batch_norm_backward(&t, a, end);
    nn_active->apply(&rules->bias, end - a, t.weight_grad + a, &layer->scale, a);
    nn_active->apply(&rules->bias, end - a, t.bias_grad + a, &layer->offset, a);
}

/* Pass images [n0, n1) of a batch, whole blocks, through a first layer of a single panel. */
static inline void nn_mlp_first_images(const nn_mlp_run *run, nn_mlp_work *p,
                                       const nn_batch *batch, const nn_at *at, int64_t n0,
                                       int64_t n1)
{
    const nn_layer *l = &p->layers[0];
    const nn_batch mine = nn_batch_part(batch, n0, n1);
    nn_active->sparse_forward(&mine, run->x->table, l->weight.w, l->bias.w, 0, l->wide,
                              nn_mlp_fused_relu(l), p->z[0] + n0 * l->ld, l->ld);
    nn_mlp_finish(p, 0, at, n0, n1, 0, l->wide);
}

/* Compute columns [a, b) of the first layer's output for a batch, with the bias given. */
static inline void nn_mlp_first_forward(const nn_mlp_run *run, nn_mlp_work *p,
                                        const nn_batch *batch, const nn_at *at, const float *bias,
                                        int64_t a, int64_t b, int thread)
{
    const nn_layer *l = &p->layers[0];
    nn_active->sparse_forward(batch, run->x->table, l->weight.w, bias, a, b, nn_mlp_fused_relu(l),
                              p->z[0], l->ld);
    if (l->scale.w)
        nn_mlp_norm_forward(p, 0, at, batch->count, a, b, thread);
    else
        nn_mlp_finish(p, 0, at, 0, batch->count, a, b);
}

/* Pass images [n0, n1) through layer l > 0; with batch norm, only through the product. */
static inline void nn_mlp_forward(nn_mlp_work *p, int l, const nn_at *at, int64_t n0, int64_t n1,
                                  int t)
{
    const nn_layer *layer = &p->layers[l];
    nn_epilogue e = {0};
    e.out = p->z[l];
    e.ldo = layer->ld;
    e.bias = layer->bias.w;
    e.relu = nn_mlp_fused_relu(layer);
    nn_product_part(p->d[l - 1], p->layers[l - 1].ld, layer->weight.w, layer->ld, layer->in, n0,
                    n1, layer->wide, &e, nn_mlp_skip(p, l - 1, t));
    if (!layer->scale.w)
        nn_mlp_finish(p, l, at, n0, n1, 0, layer->wide);
}

/* Pass all `count` images through layer l > 0. This thread computes the product of [n0, n1); for
 * batch norm it takes some units, because their statistics need all images. */
static inline void nn_mlp_forward_all(nn_mlp_work *p, int l, const nn_at *at, int64_t count,
                                      int64_t n0, int64_t n1, int t, int threads)
{
    int64_t a, b;
    nn_mlp_forward(p, l, at, n0, n1, t);
    if (!p->layers[l].scale.w)
        return;
    nn_share(p->layers[l].wide, 16, t, threads, &a, &b);
    nn_barrier(threads);
    nn_mlp_norm_forward(p, l, at, count, a, b, t);
    nn_barrier(threads);
}

/* Compute the losses of images [n0, n1) and the gradient of the last activation's input. Return the
 * number of correct images. */
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

/* Return the target of layer l's weight gradient: the weight itself for the optimizer, or the array
 * that stores the gradient of a batch taken in chunks. */
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

/* Backward pass of layer l > 0. Each thread owns some of the layer's inputs. Their gradient reads,
 * and their update changes, the same rows of the weight, so no barrier is needed in between. The
 * thread also owns these units of the layer before, and does the backward pass of their dropout,
 * activation and batch norm. */
static inline void nn_mlp_backward(nn_mlp_work *p, int l, const nn_at *at, int64_t count,
                                   const nn_rules *rules, int stored, int t, int threads)
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
                                  nn_transposed_part(p->transposed, layer->out, a, t),
                                  layer->scale.w ? 0 : nn_mlp_skip(p, l, t));
    if (before->keys)
        nn_mlp_drop(before, at, 0, count, a, b, p->g[l - 1], p->g[l - 1]);
    if (before->activation > NN_RELU && a < b)
        nn_active->activate_backward(before->activation, count, b - a, p->g[l - 1] + a,
                                     p->y[l - 1] + a, ldx);
    if (before->scale.w)
        nn_mlp_norm_backward(p, l - 1, count, rules, a, b, t);
    nn_linear_weight_part(p->d[l - 1], ldx, p->g[l], ldg, count, layer->wide, a, end, &e,
                          p->inputs, nn_mlp_skip(p, l - 1, t));
    nn_share(layer->wide, 16, t, threads, &a, &b);
    if (layer->bias.w) {
        const nn_parameter bias = nn_mlp_bias_of(p, l, stored);
        nn_active->column_sums(p->g[l], ldg, count, a, b, &rules->bias, &bias);
    }
}

/* Update the first layer's weight and bias if the weight is a single panel. This thread has the
 * gradient of units [a, b) and updates some rows of the weight, which need the gradients of all
 * units. */
static inline void nn_mlp_first_rows(const nn_mlp_run *run, nn_mlp_work *p, const nn_batch *batch,
                                     const nn_rules *rules, int64_t a, int64_t b, int t,
                                     int threads)
{
    const nn_layer *l = &p->layers[0];
    int64_t c0, c1;
    nn_batch_one_panel(batch, p->g[0], l->ld, l->wide, a, b, p->g_panels);
    if (l->bias.w && a < b)
        nn_active->column_sums(p->g[0], l->ld, batch->count, a, b, &rules->bias, &l->bias);
    nn_barrier(threads);
    nn_share(l->in, 1, t, threads, &c0, &c1);
    nn_active->sparse_update(batch, run->x->table, p->g_panels, l->wide, 0, c0, c1, 0, l->wide,
                             &rules->weight, &l->weight, l->ldw);
}

/* Update columns [a, b) of the first layer's weight and bias, from the batch by columns. */
static inline void nn_mlp_first_backward(const nn_mlp_run *run, nn_mlp_work *p,
                                         const nn_batch *batch, const nn_rules *rules,
                                         int stored, int64_t a, int64_t b)
{
    const nn_layer *l = &p->layers[0];
    const nn_parameter weight = nn_mlp_weight(p, 0, stored), bias = nn_mlp_bias_of(p, 0, stored);
    const float *base = 0;
    if (a >= b)
        return;
    if (run->x->shift != 0) {
        nn_shift_base(run->x, p->g[0], l->ld, batch->count, a, b, p->base);
        base = p->base;
    }
    nn_batch_panels(batch, p->g[0], l->ld, l->wide, l->wide, a, b, p->g_panels);
    nn_active->sparse_update(batch, run->x->table, p->g_panels, l->wide, base, 0, l->in, a, b,
                             &rules->weight, &weight, l->ldw);
    if (l->bias.w)
        nn_active->column_sums(p->g[0], l->ld, batch->count, a, b, &rules->bias, &bias);
}

/* Update from stored gradients: columns [o0, o1) of the first layer, and this thread's rows of the
 * other layers. */
static inline void nn_mlp_update(nn_mlp_work *p, int depth, const nn_rules *rules, int64_t o0,
                                 int64_t o1, int t, int threads)
{
    const nn_layer *first = &p->layers[0];
    for (int64_t i = 0; i < nn_panel_count(o0, o1, nn_active->vector); i++) {
        const nn_panel panel = nn_panel_at(o0, o1, nn_active->vector, i);
        const int64_t begin = nn_panel_begin(&panel, first->in, NN_PANELS);
        nn_active->apply(&rules->weight, first->in * panel.ld, p->dw[0] + begin, &first->weight,
                         begin);
    }
    for (int l = 0; l < depth; l++) {
        const nn_layer *layer = &p->layers[l];
        int64_t a, b;
        nn_share(layer->in, 8, t, threads, &a, &b);
        for (int64_t r = l ? a : b; r < b; r++) /* row by row: their padding was never written */
            nn_active->apply(&rules->weight, layer->wide, p->dw[l] + r * layer->ld,
                             &layer->weight, r * layer->ld);
        if (layer->bias.w && t == 0)
            nn_active->apply(&rules->bias, layer->wide, p->db[l], &layer->bias, 0);
    }
}

#endif
