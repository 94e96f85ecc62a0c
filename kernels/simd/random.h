/* Random numbers, dropout and noise, for one instruction set.
 *
 * Included once per instruction set, see common/dispatch.h. Needs simd/transcendental.h.
 */

/* Wellons' triple32: each bit of the result depends on every bit of h. */
NN_INLINE uint32_t NN(mix)(uint32_t h)
{
    h = (h ^ h >> 17) * 0xED5AD4BBu;
    h = (h ^ h >> 11) * 0xAC4C1B51u;
    h = (h ^ h >> 15) * 0x31848BABu;
    return h ^ h >> 14;
}

/* Return random number `at` of a key, a pure function of both. */
NN_INLINE uint32_t NN(random_bits)(uint32_t at, uint32_t low, uint32_t high)
{
    return NN(mix)(NN(mix)(at ^ low) + high);
}

/* Apply dropout to n elements, with random numbers first, first + 1, ... 0 * x keeps NaN. out may
 * be x.
 *
 *     for i: out[i] = x[i] * scale * (random_bits(first + i) >= least ? 1 : 0) */
static void NN(dropout)(int64_t n, uint32_t first, const float *x, nn_drop drop, uint64_t key,
                        float *out)
{
    const uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32), least = drop.least;
    const float scale = drop.scale;
    NN_INDEPENDENT for (uint32_t i = 0; i < (uint32_t)n; i++)
    {
        const uint32_t bits = NN(random_bits)(first + i, low, high);
        out[i] = x[i] * scale * (bits >= least ? 1.0f : 0.0f);
    }
}

/* Add normal noise to elements [lo, hi) of x by the Box-Muller method; u and v are random numbers 2
 * i and 2 i + 1, uniform in (0, 1]. out may be x.
 *
 *     for i: out[i] = x[i] + std * sqrt(-2 log u) * cos(2 pi v) */
NN_API void NN(gaussian_noise)(int64_t lo, int64_t hi, const float *x, float std, uint32_t low,
                               uint32_t high, float *out)
{
    const float unit = 1.0f / 4294967296.0f;
    NN_INDEPENDENT for (uint32_t i = (uint32_t)lo; i < (uint32_t)hi; i++)
    {
        const float u = (float)NN(random_bits)(2 * i, low, high);
        const float v = (float)NN(random_bits)(2 * i + 1, low, high);
        const float length = NN_SQRT(-2.0f * NN(log_of)((u + 1.0f) * unit));
        out[i] = FUSED(length * NN(cos_turns)(v * unit), std, x[i]);
    }
}
