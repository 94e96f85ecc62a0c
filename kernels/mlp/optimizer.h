/* Optimizers and their hyperparameters; the updates themselves are in optimizers_loops.h. */
#ifndef NN_MLP_OPTIMIZER_H
#define NN_MLP_OPTIMIZER_H

#include "mlp/types.h"

/* No optimizer: the gradient replaces the parameter. */
static inline nn_optimizer nn_store(void)
{
    nn_optimizer o = {0};
    o.kind = NN_STORE;
    return o;
}

static inline nn_optimizer nn_add(void)
{
    nn_optimizer o = {0};
    o.kind = NN_ADD;
    return o;
}

static inline nn_optimizer nn_sgd(double momentum, double weight_decay, int nesterov)
{
    nn_optimizer o = {0};
    o.kind = momentum == 0 ? NN_SGD : nesterov ? NN_NESTEROV : NN_MOMENTUM;
    o.momentum = (float)momentum;
    o.weight_decay = (float)weight_decay;
    return o;
}

/* decoupled: AdamW. eps_hat: add eps before the bias correction. step: number of steps already made
 * (0 for a new run). */
static inline nn_optimizer nn_adam(double beta1, double beta2, double eps, double weight_decay,
                                   int decoupled, int eps_hat, int64_t step)
{
    nn_optimizer o = {0};
    o.kind = NN_ADAM;
    o.weight_decay = decoupled ? 0 : (float)weight_decay;
    o.decay_exact = decoupled ? weight_decay : 0;
    o.beta1_exact = beta1;
    o.beta2_exact = beta2;
    o.beta1 = (float)beta1;
    o.beta2 = (float)beta2;
    o.one_minus_beta1 = (float)(1 - beta1);
    o.one_minus_beta2 = (float)(1 - beta2);
    o.eps = (float)eps;
    o.eps_hat = eps_hat ? eps : 0;
    o.step = step;
    return o;
}

static inline nn_optimizer nn_adagrad(double lr_decay, double weight_decay, double eps, int64_t step)
{
    nn_optimizer o = {0};
    o.kind = NN_ADAGRAD;
    o.lr_decay = lr_decay;
    o.weight_decay = (float)weight_decay;
    o.eps = (float)eps;
    o.step = step;
    return o;
}

static inline nn_optimizer nn_rmsprop(double alpha, double eps, double weight_decay,
                                      double momentum, int centered)
{
    nn_optimizer o = {0};
    if (momentum != 0)
        o.kind = centered ? NN_RMSPROP_CENTERED_MOMENTUM : NN_RMSPROP_MOMENTUM;
    else
        o.kind = centered ? NN_RMSPROP_CENTERED : NN_RMSPROP;
    o.beta2 = (float)alpha;
    o.one_minus_beta2 = (float)(1 - alpha);
    o.eps = (float)eps;
    o.weight_decay = (float)weight_decay;
    o.momentum = (float)momentum;
    return o;
}

static inline nn_optimizer nn_adadelta(double rho, double eps, double weight_decay)
{
    nn_optimizer o = {0};
    o.kind = NN_ADADELTA;
    o.beta2 = (float)rho;
    o.one_minus_beta2 = (float)(1 - rho);
    o.eps = (float)eps;
    o.weight_decay = (float)weight_decay;
    return o;
}

/* Return how many of the moments m, v, u, in that order, a parameter needs. */
static inline int nn_moments(const nn_optimizer *o)
{
    switch (o->kind) {
    case NN_STORE: case NN_ADD: case NN_SGD: return 0;
    case NN_MOMENTUM: case NN_NESTEROV: case NN_ADAGRAD: case NN_RMSPROP: return 1;
    case NN_RMSPROP_CENTERED_MOMENTUM: return 3;
    default: return 2;
    }
}

/* Return base^exponent by squaring: pow() differs in the last bit between C libraries. */
static inline double nn_power(double base, int64_t exponent)
{
    double power = 1;
    for (; exponent; exponent >>= 1, base *= base)
        power = exponent & 1 ? power * base : power;
    return power;
}

/* Begin the next step with this learning rate. Call it before every step, for every kind. */
static inline void nn_begin_step(nn_optimizer *o, double lr)
{
    o->step++;
    if (o->kind == NN_ADAGRAD) {
        const volatile double decay = (double)(o->step - 1) * o->lr_decay; /* not fused with 1 */
        lr /= 1 + decay;
    }
    o->lr = (float)lr;
    if (o->kind == NN_ADAM) {
        const volatile double decay = lr * o->decay_exact;
        o->keep = (float)(1 - decay);
        o->step_size = (float)(lr / (1 - nn_power(o->beta1_exact, o->step)));
        const double root_scale = 1 / sqrt(1 - nn_power(o->beta2_exact, o->step));
        o->root_scale = (float)root_scale;
        if (o->eps_hat != 0)
            o->eps = (float)(o->eps_hat * root_scale);
    }
}

#endif
