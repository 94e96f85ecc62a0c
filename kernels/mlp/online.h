/* Training with one image at a time, on one thread.
 *
 * The general step would spend most of its time on overhead here: sorting the image by columns, and
 * selecting the update rule for each row. With one image each weight's gradient is an outer
 * product, which goes directly to the optimizer. The remaining cost is reading and writing the
 * weights and moments, which are in L2.
 *
 * Plain SGD avoids most of that, too. Without a shift it changes only the rows of nonzero pixels. A
 * shift adds the same row to all rows of W, so W is stored as V + (1, 1, ...) u, where u is one
 * row. With x = pixels + shift,
 *     x W = pixels V + shift * (sum of V's rows) + (sum of x) u
 * The sum of V's rows is updated along with V. Every NN_FOLD steps, and at the end, u is added to V
 * and the sum is recomputed, so that rounding errors do not accumulate.
 */
#ifndef NN_MLP_ONLINE_H
#define NN_MLP_ONLINE_H

#include "mlp/parts.h"

enum {
    NN_FEW_ROWS = 16, /* rows of a weight that stay in L1 between their update and their sum */
    NN_FOLD = 64      /* steps; calls of k * NN_FOLD steps equal one long call, bit for bit */
};

static inline int nn_online_plain(const nn_mlp_run *run, const nn_optimizer *opt)
{
    return opt->kind == NN_SGD && opt->weight_decay == 0 && run->l2 == 0;
}

/* Expand an image to dense pixels. */
static inline void nn_online_expand(const nn_rows *x, int64_t image, float *pixels)
{
    for (int64_t i = 0; i < x->width; i++)
        pixels[i] = x->shift;
    for (int64_t k = x->indptr[image]; k < x->indptr[image + 1]; k++)
        pixels[x->cols[k]] += x->table[x->vals[k]];
}

/* Return the sum of an image's pixels, without the shift. */
static inline float nn_online_sum(const nn_rows *x, int64_t image)
{
    int64_t sum = 0;
    for (int64_t k = x->indptr[image]; k < x->indptr[image + 1];) { /* 64K bytes sum to < 2^31 */
        const int64_t left = x->indptr[image + 1] - k, some = left < 65536 ? left : 65536;
        const uint8_t *vals = x->vals + k;
        int32_t part = 0;
        for (int64_t i = 0; i < some; i++)
            part += vals[i];
        sum += part;
        k += some;
    }
    return (float)sum * x->table[1];
}

/* Add u to all rows of V, which makes it W, zero u, and recompute the sum of the rows. */
static inline void nn_online_fold(nn_mlp_work *p, float *u)
{
    const nn_layer *l = &p->layers[0];
    const nn_optimizer add = nn_add();
    const nn_parameter rows = {l->weight.w, 0, 0, 0};
    for (int64_t i = 0; i < l->in; i++)
        p->pixels[i] = 1;
    nn_active->apply_outer(&add, l->in, p->pixels, l->wide, u, &rows, l->ld, 0);
    memset(u, 0, (size_t)l->ld * sizeof(float));
    nn_mlp_sum_columns(p, 0, l->wide);
}

/* Return the row that the first layer adds to pixels V: bias + shift * (sum of V's rows) + (sum of
 * x) u. sum: the sum of the pixels. */
static inline const float *nn_online_bias(const nn_mlp_run *run, nn_mlp_work *p, const float *u,
                                          float sum)
{
    const nn_layer *l = &p->layers[0];
    const float *bias = nn_mlp_bias(run, p, 0, l->wide);
    if (run->x->shift != 0 && u)
        for (int64_t o = 0; o < l->wide; o++)
            p->shifted[o] += nn_product(sum + nn_product(run->x->shift, (float)l->in), u[o]);
    return bias;
}

/* Update V, the sum of its rows and u by plain SGD. */
static inline void nn_online_first_plain(const nn_mlp_run *run, nn_mlp_work *p, int64_t image,
                                         float lr, float *u, float sum)
{
    const nn_layer *l = &p->layers[0];
    const float *g = p->g[0];
    nn_active->sparse_update_one(run->x, image, g, l->wide, -lr, l->weight.w, l->ld);
    if (run->x->shift != 0)
        for (int64_t o = 0; o < l->wide; o++) {
            p->sums[o] -= nn_product(lr * sum, g[o]);
            u[o] -= nn_product(lr * run->x->shift, g[o]);
        }
}

/* Update W by any other rule, and recompute the sums of its columns. */
static inline void nn_online_first(const nn_mlp_run *run, nn_mlp_work *p, int64_t image,
                                   const nn_optimizer *opt)
{
    const nn_layer *l = &p->layers[0];
    const int64_t few = run->x->shift != 0 ? NN_FEW_ROWS : l->in;
    nn_online_expand(run->x, image, p->pixels);
    memset(p->sums, 0, (size_t)l->ld * sizeof(float));
    for (int64_t r = 0; r < l->in; r += few) {
        const int64_t rows = l->in - r < few ? l->in - r : few;
        nn_active->apply_outer(opt, rows, p->pixels + r, l->wide, p->g[0],
                               &l->weight, l->ld, r * l->ld);
        if (run->x->shift != 0)
            nn_active->add_rows(l->weight.w, l->ld, r, r + rows, 0, l->wide, p->sums);
    }
}

static inline void nn_online_backward(nn_mlp_work *p, int l, const nn_rules *rules)
{
    const nn_layer *layer = &p->layers[l], *before = &p->layers[l - 1];
    const float *mask = before->activation == NN_RELU ? p->y[l - 1] : 0;
    nn_active->dots(p->g[l], layer->ld, layer->weight.w, layer->ld, 1, layer->wide, 0, layer->in,
                    mask, before->ld, p->g[l - 1], before->ld);
    if (before->activation > NN_RELU)
        nn_active->activate_backward(before->activation, 1, before->wide, p->g[l - 1],
                                     p->y[l - 1], before->ld);
    nn_active->apply_outer(&rules->weight, layer->in, p->y[l - 1], layer->wide, p->g[l],
                           &layer->weight, layer->ld, 0);
    if (layer->bias.w)
        nn_active->apply(&rules->bias, layer->wide, p->g[l], &layer->bias, 0);
}

/* Train all steps of a run whose batches have one image each. */
NN_API void nn_mlp_online(const nn_mlp_run *run, nn_mlp_work *p, int depth, nn_optimizer opt)
{
    const nn_layer *first = &p->layers[0];
    const nn_rows *x = run->x;
    float *const u = nn_online_plain(run, &opt) ? p->base : 0;
    memset(p->base, 0, (size_t)first->ld * sizeof(float));
    if (x->shift != 0)
        nn_mlp_sum_columns(p, 0, first->wide);
    for (int64_t s = 0; s < run->steps; s++) {
        const int64_t *index = run->index + s;
        const nn_at at = {s, 0};
        const float sum = u && x->shift != 0 ? nn_online_sum(x, *index) : 0;
        nn_begin_step(&opt, run->rates[s]);
        const nn_rules rules = nn_mlp_rules(run, opt);
        nn_active->sparse_images(x, index, 1, first->weight.w, first->ld,
                                 nn_online_bias(run, p, u, sum), 0, first->wide,
                                 nn_mlp_fused_relu(first), p->z[0], first->ld);
        nn_mlp_finish(p, 0, &at, 0, 1, 0, first->wide);
        for (int l = 1; l < depth; l++)
            nn_mlp_forward(p, l, &at, 0, 1, 0);
        run->correct[s] = nn_mlp_loss(run, p, depth, index, 0, 1);
        run->losses[s] = p->losses[0];
        if (s + 1 < run->steps)
            nn_prefetch_row(x, index[1]);
        for (int l = depth - 1; l > 0; l--)
            nn_online_backward(p, l, &rules);
        if (u)
            nn_online_first_plain(run, p, *index, opt.lr, u, sum);
        else
            nn_online_first(run, p, *index, &rules.weight);
        if (first->bias.w)
            nn_active->apply(&rules.bias, first->wide, p->g[0], &first->bias, 0);
        if (u && x->shift != 0 && (s + 1 == run->steps || (s + 1) % NN_FOLD == 0))
            nn_online_fold(p, u);
    }
}

#endif
