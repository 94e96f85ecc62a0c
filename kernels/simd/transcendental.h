/* exp, log, tanh and similar functions, for one instruction set.
 *
 * Included once per instruction set, see common/dispatch.h. The functions have no branches and no
 * calls: a loop that applies one of them to an array is vectorised by the compiler, 16 numbers at a
 * time with AVX-512. Errors are a few units in the last place of the result. All of them propagate
 * NaN, and return the limits for infinities.
 *
 * Conditions are written so that NaN fails the test and takes the branch that keeps it.
 */

/* x = k ln 2 + r with |r| <= ln 2 / 2, for |x| <= 87.3: return r, and 2^k in *power. */
NN_INLINE float NN(split)(float x, float *power)
{
    const float shifted = x * 1.44269504f + 12582912.0f; /* 1.5 * 2^23 rounds to an integer */
    union { float f; int32_t i; } bits = {shifted};
    const float k = shifted - 12582912.0f;
    bits.i = (int32_t)((uint32_t)(bits.i - 0x4b400000 + 127) << 23);
    *power = bits.f;
    return (x - k * 0.693359375f) + k * 2.12194440e-4f;
}

/* exp(r) - 1 for |r| <= ln 2 / 2, accurate to the last bits near 0, too */
NN_INLINE float NN(expm1_near_0)(float r)
{
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return p * r * r + r;
}

/* exp(x) for x <= 0; 0 below -87.3, where the result would be denormal */
NN_INLINE float NN(exp_below_0)(float x)
{
    float power;
    const float r = NN(split)(x < -87.3f ? -87.3f : x, &power);
    const float e = (NN(expm1_near_0)(r) + 1.0f) * power;
    return x < -87.3f ? 0.0f : e;
}

/* exp(x) for any x, as exp(x / 2)^2: 2^128 overflows float32, 2^64 does not. 0 below -87.2. */
NN_INLINE float NN(exp_of)(float x)
{
    const float half = x * 0.5f;
    float power;
    const float r = NN(split)(half < -43.6f ? -43.6f : half > 44.5f ? 44.5f : half, &power);
    const float e = NN(expm1_near_0)(r) + 1.0f;
    return half < -43.6f ? 0.0f : e * e * power * power;
}

/* exp(x) - 1 for x <= 0; -1 below -17.5, as float32 rounds it */
NN_INLINE float NN(expm1_below_0)(float x)
{
    float power;
    const float r = NN(split)(x < -17.5f ? -17.5f : x, &power);
    return NN(expm1_near_0)(r) * power + (power - 1.0f);
}

/* log(x) for normal x > 0: x = 2^k m with m near 1, and a polynomial in m - 1. Unsigned, because
 * the bits of other x may overflow a signed difference. */
NN_INLINE float NN(log_of)(float x)
{
    union { float f; uint32_t u; } bits = {x};
    const int32_t k = (int32_t)(bits.u - 0x3f3504f3u) >> 23;
    bits.u -= (uint32_t)k << 23;
    const float f = bits.f - 1.0f, e = (float)k;
    float p = 7.0376836292e-2f;
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    p = FUSED(-2.12194440e-4f, e, p * f * f * f);
    p = FUSED(-0.5f * f, f, p);
    return x != x ? x : FUSED(0.693359375f, e, f + p);
}

/* log(1 + x) for -1 < x <= 1: the rounding error of 1 + x is added to its logarithm */
NN_INLINE float NN(log1p_of)(float x)
{
    const float u = 1.0f + x;
    return NN(log_of)(u) + (x - (u - 1.0f)) / u;
}

/* 1 / (1 + exp(-x)), computed from exp(-|x|), which cannot overflow */
NN_INLINE float NN(sigmoid)(float x)
{
    const float small = NN(exp_below_0)(-fabsf(x));
    return (x < 0 ? small : 1.0f) / (1.0f + small);
}

/* tanh(|x|) = (1 - e) / (1 + e) with e = exp(-2 |x|), computed from e - 1, so that no digits are
 * lost near 0 */
NN_INLINE float NN(tanh_of)(float x)
{
    const float t = NN(expm1_below_0)(-2.0f * fabsf(x));
    return copysignf(t / (2.0f + t), x);
}

/* The cumulative normal distribution Phi(x), and exp(-x^2 / 2), which it needs.
 *
 * For x < 0 it is exp(-x^2 / 2) times a function that falls slowly from 1/2, here a polynomial in
 * 1 / (1 + 0.3 |x|) (a minimax fit for |x| <= 14). So the tail is accurate; 1 + erf(x) would lose
 * its digits to cancellation. */
NN_INLINE float NN(normal_cdf)(float x, float *bell)
{
    const float t = 1.0f / (1.0f + 0.3f * fabsf(x));
    float p = 3.837828954e-2f;
    p = p * t - 1.691661115e-1f;
    p = p * t + 2.286600807e-1f;
    p = p * t - 7.650647720e-2f;
    p = p * t + 1.425355243e-1f;
    p = p * t + 9.468352301e-2f;
    p = p * t + 1.219203422e-1f;
    p = p * t + 1.194876890e-1f;
    p = p * t + 7.168875873e-6f;
    *bell = NN(exp_below_0)(-0.5f * x * x);
    return x < 0 ? *bell * p : FUSED(-*bell, p, 1.0f);
}

/* cos(2 pi v) for 0 <= v <= 1: the sine of a quarter turn minus the distance to the nearest whole
 * turn */
NN_INLINE float NN(cos_turns)(float v)
{
    const float b = 0.25f - (v < 0.5f ? v : 1.0f - v), s = b * b;
    float p = 3.9710917603e+1f;
    p = p * s - 7.6574992112e+1f;
    p = p * s + 8.1602231240e+1f;
    p = p * s - 4.1341677478e+1f;
    p = p * s + 6.2831852738f;
    return p * b;
}
