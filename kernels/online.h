/* Training with one image at a time, on one thread.
 *
 * Such a step is all overhead if it is taken as a batch: sorting the image by columns,
 * choosing the rule anew for each row. Here each weight's gradient is an outer product,
 * which goes to the optimizer as it is. What is left is to read and write the weights and
 * moments, which lie in L2.
 */
#ifndef NN_ONLINE_H
#define NN_ONLINE_H

#include "mlp.h"

enum { NN_FEW_ROWS = 16 }; /* of a weight, that stay in L1 between their update and their sum */

/* The image, dense. */
static inline void nn_online_expand(const nn_rows *x, int64_t image, float *pixels)
{
    for (int64_t i = 0; i < x->width; i++)
        pixels[i] = x->shift;
    for (int64_t k = x->indptr[image]; k < x->indptr[image + 1]; k++)
        pixels[x->cols[k]] += x->table[x->vals[k]];
}

/* Update the first layer, whose gradient is pixels x g, and renew the sums of its columns. */
static inline void nn_online_first(const nn_mlp_run *run, nn_mlp_work *p, int64_t image,
                                   const nn_optimizer *opt)
{
    const nn_layer *l = &p->layers[0];
    const int64_t few = run->x->shift != 0 ? NN_FEW_ROWS : l->in;
    if (run->x->shift == 0 && opt->kind == NN_SGD && opt->weight_decay == 0) {
        nn_active->sparse_update_one(run->x, image, p->g[0], l->wide, -opt->lr, l->weight.w, l->ld);
        return;
    }
    nn_online_expand(run->x, image, p->pixels);
    memset(p->sums, 0, (size_t)l->ld * sizeof(float));
    for (int64_t r = 0; r < l->in; r += few) {
        const int64_t rows = l->in - r < few ? l->in - r : few;
        nn_active->apply_outer(opt, rows, p->pixels + r, l->wide, p->g[0],
                               nn_at(l->weight, r * l->ld), l->ld);
        if (run->x->shift != 0)
            nn_active->add_rows(l->weight.w, l->ld, r, r + rows, 0, l->wide, p->sums);
    }
}

static inline void nn_online_backward(nn_mlp_work *p, int l, const nn_optimizer *opt)
{
    const nn_layer *layer = &p->layers[l], *before = &p->layers[l - 1];
    const float *mask = before->activation == NN_RELU ? p->y[l - 1] : 0;
    nn_active->dots(p->g[l], layer->ld, layer->weight.w, layer->ld, 1, layer->wide, 0, layer->in,
                    mask, before->ld, p->g[l - 1], before->ld);
    if (before->activation > NN_RELU)
        nn_active->activate_backward(before->activation, 1, before->wide, p->g[l - 1],
                                     p->y[l - 1], before->ld);
    nn_active->apply_outer(opt, layer->in, p->y[l - 1], layer->wide, p->g[l], layer->weight,
                           layer->ld);
    if (layer->bias.w)
        nn_active->apply(opt, layer->wide, p->g[l], layer->bias);
}

/* All steps of a run whose batches are one image each. */
NN_API void nn_mlp_online(const nn_mlp_run *run, nn_mlp_work *p, int depth, nn_optimizer opt)
{
    const nn_layer *first = &p->layers[0];
    if (run->x->shift != 0)
        nn_mlp_sum_columns(p, 0, first->wide);
    for (int64_t s = 0; s < run->steps; s++) {
        const int64_t *index = run->index + s;
        nn_begin_step(&opt, run->rates[s]);
        nn_mlp_first_forward(run, p, index, 1, 0, first->wide);
        for (int l = 1; l < depth; l++)
            nn_mlp_forward(p, l, 0, 1);
        run->correct[s] = nn_mlp_loss(run, p, depth, index, 0, 1);
        run->losses[s] = p->losses[0];
        if (s + 1 < run->steps)
            nn_prefetch_rows(run->x, index + 1, 0, 1);
        for (int l = depth - 1; l > 0; l--)
            nn_online_backward(p, l, &opt);
        nn_online_first(run, p, *index, &opt);
        if (first->bias.w)
            nn_active->apply(&opt, first->wide, p->g[0], first->bias);
    }
}

#endif
