/* The updates of the optimizers, for one instruction set.
 *
 * Each rule updates element i of a parameter w, given its gradient g; m, v and u are its moments
 * (nn_moments in optimizer.h). The loops copy the optimizer, so that its fields stay in registers.
 *
 * Included by loops.h, once per instruction set.
 */

#define NN_RULE(name)                                                                        \
    NN_INLINE void NN(rule_##name)(const nn_optimizer *o, float g, int64_t i,                \
                                   float *NN_RESTRICT w, float *NN_RESTRICT m,               \
                                   float *NN_RESTRICT v, float *NN_RESTRICT u)
#define NN_UNUSED (void)o, (void)m, (void)v, (void)u

NN_RULE(store)
{
    NN_UNUSED;
    w[i] = g;
}

NN_RULE(add)
{
    NN_UNUSED;
    w[i] += g;
}

NN_RULE(sgd)
{
    NN_UNUSED;
    w[i] -= o->lr * (g + o->weight_decay * w[i]);
}

NN_RULE(momentum)
{
    NN_UNUSED;
    const float velocity = o->momentum * m[i] + (g + o->weight_decay * w[i]);
    m[i] = velocity;
    w[i] -= o->lr * velocity;
}

NN_RULE(nesterov)
{
    NN_UNUSED;
    const float d = g + o->weight_decay * w[i], velocity = o->momentum * m[i] + d;
    m[i] = velocity;
    w[i] -= o->lr * (d + o->momentum * velocity);
}

/* Adam and AdamW: step_size = lr / (1 - beta1^t), root_scale = 1 / sqrt(1 - beta2^t) and keep (1 -
 * lr * decay for AdamW, otherwise 1) are constants of the step. */
NN_RULE(adam)
{
    NN_UNUSED;
    const float d = FUSED(o->weight_decay, w[i], g);
    const float mean = FUSED(o->beta1, m[i], o->one_minus_beta1 * d);
    const float square = FUSED(o->beta2, v[i], o->one_minus_beta2 * d * d);
    m[i] = mean;
    v[i] = square;
    const float change = mean / (NN_SQRT(square) * o->root_scale + o->eps);
    w[i] = FUSED(o->keep, w[i], -o->step_size * change);
}

NN_RULE(adagrad)
{
    NN_UNUSED;
    const float d = FUSED(o->weight_decay, w[i], g), total = FUSED(d, d, m[i]);
    m[i] = total;
    w[i] = FUSED(-o->lr, d / (NN_SQRT(total) + o->eps), w[i]);
}

/* A variance made negative by rounding counts as 0; NaN is kept. */
NN_INLINE float NN(rmsprop_change)(const nn_optimizer *o, float d, float square, float average)
{
    const float variance = FUSED(-average, average, square);
    return d / (NN_SQRT(variance < 0 ? 0 : variance) + o->eps);
}

NN_RULE(rmsprop)
{
    NN_UNUSED;
    const float d = FUSED(o->weight_decay, w[i], g);
    m[i] = FUSED(o->beta2, m[i], o->one_minus_beta2 * d * d);
    w[i] = FUSED(-o->lr, NN(rmsprop_change)(o, d, m[i], 0), w[i]);
}

NN_RULE(rmsprop_centered)
{
    NN_UNUSED;
    const float d = FUSED(o->weight_decay, w[i], g);
    m[i] = FUSED(o->beta2, m[i], o->one_minus_beta2 * d * d);
    v[i] = FUSED(o->beta2, v[i], o->one_minus_beta2 * d);
    w[i] = FUSED(-o->lr, NN(rmsprop_change)(o, d, m[i], v[i]), w[i]);
}

NN_RULE(rmsprop_momentum)
{
    NN_UNUSED;
    const float d = FUSED(o->weight_decay, w[i], g);
    m[i] = FUSED(o->beta2, m[i], o->one_minus_beta2 * d * d);
    v[i] = FUSED(o->momentum, v[i], NN(rmsprop_change)(o, d, m[i], 0));
    w[i] = FUSED(-o->lr, v[i], w[i]);
}

NN_RULE(rmsprop_centered_momentum)
{
    NN_UNUSED;
    const float d = FUSED(o->weight_decay, w[i], g);
    m[i] = FUSED(o->beta2, m[i], o->one_minus_beta2 * d * d);
    v[i] = FUSED(o->beta2, v[i], o->one_minus_beta2 * d);
    u[i] = FUSED(o->momentum, u[i], NN(rmsprop_change)(o, d, m[i], v[i]));
    w[i] = FUSED(-o->lr, u[i], w[i]);
}

NN_RULE(adadelta)
{
    NN_UNUSED;
    const float d = FUSED(o->weight_decay, w[i], g);
    const float square = o->beta2 * m[i] + o->one_minus_beta2 * d * d;
    const float change = NN_SQRT(v[i] + o->eps) / NN_SQRT(square + o->eps) * d;
    m[i] = square;
    v[i] = FUSED(o->beta2, v[i], o->one_minus_beta2 * change * change);
    w[i] = FUSED(-o->lr, change, w[i]);
}

/* The two loops of each rule. update_*: n elements with gradients g. outer_*: rows of a weight
 * whose gradient is the outer product of x and g, as in a batch of one; width and stride are
 * multiples of 16, so there are only whole vectors.
 *
 *     update: for i: rule(g[i], i)
 *     outer:  for r: for c: rule(x[r] * g[c], r * ld + c) */
#define NN_LOOPS(name)                                                                       \
    static void NN(update_##name)(const nn_optimizer *opt, int64_t n,                        \
                                  const float *NN_RESTRICT g, float *NN_RESTRICT w,          \
                                  float *NN_RESTRICT m, float *NN_RESTRICT v,                \
                                  float *NN_RESTRICT u)                                      \
    {                                                                                        \
        const nn_optimizer o = *opt;                                                         \
        NN_INDEPENDENT for (int64_t i = 0; i < n; i++)                                             \
            NN(rule_##name)(&o, g[i], i, w, m, v, u);                                        \
    }                                                                                        \
    static void NN(outer_##name)(const nn_optimizer *opt, int64_t rows, const float *x,      \
                                 int64_t width, const float *NN_RESTRICT g,                  \
                                 float *NN_RESTRICT w, float *NN_RESTRICT m,                 \
                                 float *NN_RESTRICT v, float *NN_RESTRICT u, int64_t ld)     \
    {                                                                                        \
        const nn_optimizer o = *opt;                                                         \
        for (int64_t r = 0; r < rows; r++) {                                                 \
            const float f = x[r];                                                            \
            NN_INDEPENDENT for (int64_t c = 0; c < width; c++)                                     \
                NN(rule_##name)(&o, f * g[c], r * ld + c, w, m, v, u);                       \
        }                                                                                    \
    }

NN_LOOPS(store) NN_LOOPS(add) NN_LOOPS(sgd) NN_LOOPS(momentum) NN_LOOPS(nesterov)
NN_LOOPS(adam) NN_LOOPS(adagrad) NN_LOOPS(rmsprop) NN_LOOPS(rmsprop_centered)
NN_LOOPS(rmsprop_momentum) NN_LOOPS(rmsprop_centered_momentum) NN_LOOPS(adadelta)

/* Expand to call(name) of the rule of this kind. */
#define NN_CHOOSE(kind, call)                                                                \
    switch (kind) {                                                                          \
    case NN_STORE: call(store); break;                                                       \
    case NN_ADD: call(add); break;                                                           \
    case NN_SGD: call(sgd); break;                                                           \
    case NN_MOMENTUM: call(momentum); break;                                                 \
    case NN_NESTEROV: call(nesterov); break;                                                 \
    case NN_ADAM: call(adam); break;                                                         \
    case NN_ADAGRAD: call(adagrad); break;                                                   \
    case NN_RMSPROP: call(rmsprop); break;                                                   \
    case NN_RMSPROP_CENTERED: call(rmsprop_centered); break;                                 \
    case NN_RMSPROP_MOMENTUM: call(rmsprop_momentum); break;                                 \
    case NN_RMSPROP_CENTERED_MOMENTUM: call(rmsprop_centered_momentum); break;               \
    default: call(adadelta); break;                                                          \
    }

/* Update n elements of p from element `at` on. p is passed by address: copying the structure for
 * each row of a weight costs as much as the row's update. */
static void NN(apply)(const nn_optimizer *opt, int64_t n, const float *g, const nn_parameter *p,
                      int64_t at)
{
    float *w = p->w + at, *m = p->m ? p->m + at : 0;
    float *v = p->v ? p->v + at : 0, *u = p->u ? p->u + at : 0;
#define CALL(name) NN(update_##name)(opt, n, g, w, m, v, u)
    NN_CHOOSE(opt->kind, CALL)
#undef CALL
}

/* Update p from element `at` on with the outer product of x and g: rows of `width` elements at
 * stride ld. */
static void NN(apply_outer)(const nn_optimizer *opt, int64_t rows, const float *x, int64_t width,
                            const float *g, const nn_parameter *p, int64_t ld, int64_t at)
{
    float *w = p->w + at, *m = p->m ? p->m + at : 0;
    float *v = p->v ? p->v + at : 0, *u = p->u ? p->u + at : 0;
#define CALL(name) NN(outer_##name)(opt, rows, x, width, g, w, m, v, u, ld)
    NN_CHOOSE(opt->kind, CALL)
#undef CALL
}

#undef NN_RULE
#undef NN_UNUSED
#undef NN_LOOPS
#undef NN_CHOOSE
