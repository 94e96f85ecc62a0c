/* Sums and maxima of rows, and sums of an image's channels, for one instruction set.
 *
 * Included once per instruction set, see common/dispatch.h. Needs simd/vectors.h.
 */

/* Return VL terms of the sum below, from i on. */
NN_INLINE vf NN(products)(const int factors, int64_t i, const float *a, const float *b,
                          const float *c)
{
    vf v = LOAD(a + i);
    if (factors > 1)
        v *= LOAD(b + i);
    if (factors > 2)
        v *= LOAD(c + i);
    return v;
}

/* Return sum_i a[i], a[i] b[i] or a[i] b[i] c[i], for one, two or three factors. */
NN_INLINE float NN(sum_of_products)(const int factors, int64_t n, const float *a, const float *b,
                                    const float *c)
{
    float sum = 0;
    int64_t i = 0;
    if (n >= 16) { /* a row of 10 classes is all remainder */
        vf acc[4][WIDE];
        float lanes[16];
        NN_UNROLL for (int j = 0; j < 4; j++) NN_UNROLL for (int w = 0; w < WIDE; w++)
            acc[j][w] = (vf){0};
        for (; i + 64 <= n; i += 64)
            NN_UNROLL for (int j = 0; j < 4; j++) NN_UNROLL for (int w = 0; w < WIDE; w++)
                acc[j][w] += NN(products)(factors, i + 16 * j + w * VL, a, b, c);
        for (; i + 16 <= n; i += 16)
            NN_UNROLL for (int w = 0; w < WIDE; w++) acc[0][w] +=
                NN(products)(factors, i + w * VL, a, b, c);
        NN_UNROLL for (int w = 0; w < WIDE; w++)
            acc[0][w] = (acc[0][w] + acc[1][w]) + (acc[2][w] + acc[3][w]);
        NN(store_wide)(lanes, acc[0]);
        for (int j = 0; j < 16; j++)
            sum += lanes[j];
    }
    for (; i < n; i++)
        sum = factors > 2   ? FUSED(a[i] * b[i], c[i], sum)
              : factors > 1 ? FUSED(a[i], b[i], sum)
                            : sum + a[i];
    return sum;
}

/* As sum_of_products, for rows of any length: pieces of NN_PIECE are added in double precision. */
NN_INLINE double NN(long_sum)(const int factors, int64_t n, const float *a, const float *b,
                              const float *c)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i += NN_PIECE)
        sum += NN(sum_of_products)(factors, n - i < NN_PIECE ? n - i : NN_PIECE, a + i,
                                   factors > 1 ? b + i : 0, factors > 2 ? c + i : 0);
    return sum;
}

/* Return max_i x[i] of n >= 1 numbers without NaN. */
NN_API float NN(largest)(int64_t n, const float *x)
{
    float best = x[0];
    int64_t i = 0;
#if VL > 1
    if (n >= VL) {
        vf most = LOAD(x);
        float lanes[VL];
        for (i = VL; i + VL <= n; i += VL) {
            const vf v = LOAD(x + i);
            const vi more = v > most;
            most = (vf)(((vi)v & more) | ((vi)most & ~more));
        }
        STORE(lanes, most);
        for (int j = 0; j < VL; j++)
            best = lanes[j] > best ? lanes[j] : best;
    }
#endif
    for (; i < n; i++)
        best = x[i] > best ? x[i] : best;
    return best;
}

/* ---- Channels of images --------------------------------------------------------------- */

enum { NN(plain), NN(squares), NN(pairs), NN(relu_pairs) };

/* Return the terms of a sum: v (plain), (v - less)^2 (squares), or v with v * (x - less) added to
 * *product (pairs); relu_pairs: the same after v has passed back through the ReLU with output y. */
NN_INLINE vf NN(term)(const int kind, const float *v, const float *y, const float *x, float less,
                      vf *product)
{
    vf value = LOAD(v);
    if (kind == NN(squares))
        return (value - less) * (value - less);
    if (kind == NN(relu_pairs))
        value = NN(where_positive)(value, LOAD(y));
    if (kind == NN(pairs) || kind == NN(relu_pairs))
        *product += value * (LOAD(x) - less);
    return value;
}

/* Add `count` elements of a plane to the vector sums, and the remainder to the sums of lanes. */
NN_INLINE void NN(channel_piece)(const int kind, int64_t count, const float *v, const float *y,
                                 const float *x, float less, vf (*some)[WIDE], vf (*more)[WIDE],
                                 float *rest, float *other)
{
    const int64_t whole = count / 16 * 16;
    NN_UNROLL for (int w = 0; w < WIDE; w++) /* one at a time: few registers */
    {
        int64_t i = w * VL;
        for (; i + 64 <= whole + w * VL; i += 64)
            NN_UNROLL for (int k = 0; k < 4; k++) some[k][w] += NN(term)(
                kind, v + i + 16 * k, y + i + 16 * k, x + i + 16 * k, less, &more[k][w]);
        for (; i < whole; i += 16)
            some[0][w] += NN(term)(kind, v + i, y + i, x + i, less, &more[0][w]);
    }
    for (int j = 0; whole + j < count; j++) {
        const int64_t i = whole + j;
        const float one = NN(through)(kind == NN(relu_pairs), v[i], y, i);
        rest[j] = kind == NN(squares) ? FUSED(one - less, one - less, rest[j]) : rest[j] + one;
        if (kind == NN(pairs) || kind == NN(relu_pairs))
            other[j] = FUSED(one, x[i] - less, other[j]);
    }
}

/* Add all lanes to *sum, and reset the sums to 0. */
NN_INLINE void NN(channel_lanes)(vf (*some)[WIDE], float *rest, double *sum)
{
    float lanes[16];
    NN_UNROLL for (int w = 0; w < WIDE; w++)
        some[0][w] = ((some[0][w] + some[1][w]) + (some[2][w] + some[3][w])) + LOAD(rest + w * VL);
    NN(store_wide)(lanes, some[0]);
    for (int j = 0; j < 16; j++) {
        *sum += lanes[j];
        rest[j] = 0;
    }
    NN_UNROLL for (int k = 0; k < 4; k++) NN_UNROLL for (int w = 0; w < WIDE; w++)
        some[k][w] = (vf){0};
}

/* Sum channel c of images (rows, channels, inner), one plane of `inner` elements per image: sums[0]
 * is the sum of the terms and, for pairs, sums[1] the sum of the products.
 *
 *     for n: for i: sums[0] += v[n, c, i], sums[1] += v[n, c, i] * (x[n, c, i] - less)
 *
 * Up to 2 NN_PIECE elements are summed in vectors of floats, and these sums in double precision. */
NN_INLINE void NN(channel_sums)(const int kind, int64_t rows, int64_t channels, int64_t inner,
                                int64_t c, const float *v, const float *y, const float *x,
                                float less, double *sums)
{
    float rest[16] = {0}, other[16] = {0};
    vf some[4][WIDE], more[4][WIDE];
    int64_t held = 0;
    sums[0] = sums[1] = 0;
    NN_UNROLL for (int k = 0; k < 4; k++) NN_UNROLL for (int w = 0; w < WIDE; w++)
        some[k][w] = more[k][w] = (vf){0};
    for (int64_t n = 0; n < rows; n++)
        for (int64_t from = 0; from < inner; from += NN_PIECE) {
            const int64_t left = inner - from, count = left < NN_PIECE ? left : NN_PIECE;
            const int64_t at = (n * channels + c) * inner + from;
            NN(channel_piece)(kind, count, v + at, y + at, x + at, less, some, more, rest, other);
            held += count;
            if (held < NN_PIECE && (n + 1 < rows || count < left))
                continue;
            NN(channel_lanes)(some, rest, &sums[0]);
            NN(channel_lanes)(more, other, &sums[1]);
            held = 0;
        }
}
