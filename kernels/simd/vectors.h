/* Vectors of VL floats, for one instruction set: the types and macros of all inner loops.
 *
 * Included once per instruction set, see common/dispatch.h.
 */

#include "simd/fused.h"

#undef vf /* of the previous set */
#undef vi
#if VL > 1
typedef float NN(vf) __attribute__((vector_size(4 * VL), aligned(4), may_alias));
typedef int NN(vi) __attribute__((vector_size(4 * VL), aligned(4), may_alias));
#define CHOOSE(mask, a, b) (((a) & (mask)) | ((b) & ~(mask)))
#define BITS(x) ((vi)(x))
#else
typedef float NN(vf);
typedef int NN(vi);
#define CHOOSE(mask, a, b) ((mask) ? (a) : (b))
#define BITS(x) (x)
#endif
#define vf NN(vf)
#define vi NN(vi)

#undef WIDE
#define WIDE (16 / VL)

#define LOAD(p) (*(const vf *)(p))
#define STORE(p, v) (*(vf *)(p) = (v))

/* max(x, 0) that keeps NaN, so that divergence stays visible as in NumPy */
NN_INLINE vf NN(relu)(vf x)
{
#if VL > 1
    return (vf)((vi)x & ~(x < (vf){0}));
#else
    return x < 0 ? 0 : x;
#endif
}

/* g where y > 0, else 0 */
NN_INLINE vf NN(where_positive)(vf g, vf y)
{
#if VL > 1
    return (vf)((vi)g & (y > (vf){0}));
#else
    return y > 0 ? g : 0;
#endif
}

/* As where_positive, for one element y[at]; grad itself unless relu. */
NN_INLINE float NN(through)(const int relu, float grad, const float *y, int64_t at)
{
    return !relu || y[at] > 0 ? grad : 0.0f;
}

/* ---- Sums ------------------------------------------------------------------------------
 *
 * A sum has 16 lanes on every instruction set, in WIDE vectors, so its order and its bits depend
 * neither on the set nor on the compiler. */

/* for i < 16 : lanes[i] of WIDE vectors */
NN_INLINE void NN(store_wide)(float *lanes, const vf *v)
{
    NN_UNROLL for (int w = 0; w < WIDE; w++) STORE(lanes + w * VL, v[w]);
}

/* Return the sum of 16 lanes: each step adds lane i + half to lane i, for all i < half. */
NN_INLINE float NN(sum)(const vf *wide)
{
    vf v[WIDE];
    NN_UNROLL for (int w = 0; w < WIDE; w++) v[w] = wide[w];
    NN_UNROLL for (int half = WIDE / 2; half; half /= 2)
        NN_UNROLL for (int w = 0; w < half; w++) v[w] += v[w + half];
#if VL == 1
    return v[0];
#elif defined(__clang__)
    float lanes[VL];
    STORE(lanes, v[0]);
    NN_UNROLL for (int half = VL / 2; half; half /= 2)
        NN_UNROLL for (int j = 0; j < half; j++) lanes[j] += lanes[j + half];
    return lanes[0];
#else
    static const int32_t numbers[16] NN_ALIGNED = {0, 1, 2,  3,  4,  5,  6,  7,
                                                   8, 9, 10, 11, 12, 13, 14, 15};
    const vi lane = *(const vi *)numbers;
    NN_UNROLL for (int half = VL / 2; half; half /= 2)
        v[0] += __builtin_shuffle(v[0], lane ^ half);
    return v[0][0];
#endif
}
