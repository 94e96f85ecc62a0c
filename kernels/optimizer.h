/* The optimizers' settings; the updates themselves are isa.h's rule_* loops. */
#ifndef NN_OPTIMIZER_H
#define NN_OPTIMIZER_H

#include "types.h"

/* No optimizer: what would be updated receives the gradient. */
static inline nn_optimizer nn_store(void)
{
    nn_optimizer o = {0};
    o.kind = NN_STORE;
    return o;
}

static inline nn_optimizer nn_sgd(double momentum, double weight_decay, int nesterov)
{
    nn_optimizer o = {0};
    o.kind = momentum != 0 ? NN_MOMENTUM : NN_SGD;
    o.momentum = (float)momentum;
    o.weight_decay = (float)weight_decay;
    o.nesterov = nesterov;
    return o;
}

/* decoupled: AdamW. step: how many steps were made before (0 for a new run). */
static inline nn_optimizer nn_adam(double beta1, double beta2, double eps, double weight_decay,
                                   int decoupled, int64_t step)
{
    nn_optimizer o = {0};
    o.kind = NN_ADAM;
    o.decoupled = decoupled;
    o.weight_decay = (float)weight_decay;
    o.decay_exact = weight_decay;
    o.beta1_exact = beta1;
    o.beta2_exact = beta2;
    o.beta1 = (float)beta1;
    o.beta2 = (float)beta2;
    o.one_minus_beta1 = (float)(1 - beta1);
    o.one_minus_beta2 = (float)(1 - beta2);
    o.eps = (float)eps;
    o.step = step;
    return o;
}

/* Begin the next step, with this learning rate. Before every step, for every kind. */
static inline void nn_begin_step(nn_optimizer *o, double lr)
{
    o->step++;
    o->lr = (float)lr;
    if (o->kind == NN_ADAM) {
        o->keep = (float)(1 - lr * o->decay_exact);
        o->step_size = (float)(lr / (1 - pow(o->beta1_exact, (double)o->step)));
        o->root_scale = (float)(1 / sqrt(1 - pow(o->beta2_exact, (double)o->step)));
    }
}

#endif
