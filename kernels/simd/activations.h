/* Activations and their derivatives, for one instruction set: ReLU, sigmoid and the two tanh, which
 * mlp and pointwise share; pointwise_loops.h defines the others with the same macros.
 *
 * Included once per instruction set, see common/dispatch.h. Needs simd/transcendental.h.
 *
 * An activation is a pair of elementwise functions: value(x, a), and slope(g, x, a) for the
 * backward pass, where x is the input or, for ReLU, sigmoid and the two tanh, the output of the
 * forward pass; `a` is the parameter of some activations. out may be x or grad, hence
 * NN_INDEPENDENT.
 *
 *     for i: out[i] = value(x[i], a), or slope(grad[i], x[i], a) */

#define NN_FORWARD(name, value)                                                              \
    NN_API void NN(name##_forward)(int64_t n, const float *grad, const float *xs, float a,   \
                                   float *out)                                               \
    {                                                                                        \
        (void)grad;                                                                          \
        (void)a;                                                                             \
        NN_INDEPENDENT for (int64_t i = 0; i < n; i++)                                       \
        {                                                                                    \
            const float x = xs[i];                                                           \
            out[i] = value;                                                                  \
        }                                                                                    \
    }

#define NN_BOTH(name, value)                                                                 \
    NN_API void NN(name)(int64_t n, const float *grad, const float *xs, float a, float *out) \
    {                                                                                        \
        (void)a;                                                                             \
        NN_INDEPENDENT for (int64_t i = 0; i < n; i++)                                       \
        {                                                                                    \
            const float x = xs[i], g = grad[i];                                              \
            out[i] = value;                                                                  \
        }                                                                                    \
    }

#define NN_BACKWARD(name, slope) NN_BOTH(name##_backward, slope)

NN_FORWARD(relu, x < 0 ? 0 : x) /* keeps NaN */
/* a product, as in the reference: NaN and infinity in grad give NaN where y <= 0 */
NN_BACKWARD(relu, (x > 0 ? 1.0f : 0.0f) * g)
NN_FORWARD(sigmoid, NN(sigmoid)(x))
NN_BACKWARD(sigmoid, g * (x * (1.0f - x)))
NN_FORWARD(tanh, NN(tanh_of)(x))
NN_BACKWARD(tanh, g * (1.0f - x * x))
/* LeCun et al. 1998: 1.7159 tanh(2/3 x), with slope 2/3 (1.7159 - y^2 / 1.7159) */
NN_FORWARD(scaled_tanh, 1.7159f * NN(tanh_of)(x * 0.666666667f))
NN_BACKWARD(scaled_tanh, g * (0.388523030f * (1.7159f - x) * (1.7159f + x)))
