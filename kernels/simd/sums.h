/* Sums and maxima of rows, and sums of an image's channels, for one instruction set.
 *
 * Included once per instruction set, see common/dispatch.h. Needs simd/vectors.h.
 */

/* VL terms of the sum below, from i on */
NN_INLINE vf NN(products)(int64_t i, const float *a, const float *b, const float *c)
{
    vf v = LOAD(a + i);
    if (b)
        v *= LOAD(b + i);
    if (c)
        v *= LOAD(c + i);
    return v;
}

/* sum_i a[i] b[i] c[i], where b and c may be null and then count as 1 */
NN_INLINE float NN(sum_of_products)(int64_t n, const float *a, const float *b, const float *c)
{
    vf acc[4];
    float lanes[VL], sum = 0;
    int64_t i = 0;
    NN_UNROLL for (int j = 0; j < 4; j++) acc[j] = (vf){0};
    for (; i + 4 * VL <= n; i += 4 * VL)
        NN_UNROLL for (int j = 0; j < 4; j++) acc[j] += NN(products)(i + j * VL, a, b, c);
    for (; i + VL <= n; i += VL)
        acc[0] += NN(products)(i, a, b, c);
    STORE(lanes, (acc[0] + acc[1]) + (acc[2] + acc[3]));
    for (int j = 0; j < VL; j++)
        sum += lanes[j];
    for (; i < n; i++)
        sum += a[i] * (b ? b[i] : 1.0f) * (c ? c[i] : 1.0f);
    return sum;
}

/* The same for rows of any length: pieces are added up in double precision. */
NN_INLINE double NN(long_sum)(int64_t n, const float *a, const float *b, const float *c)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i += NN_PIECE)
        sum += NN(sum_of_products)(n - i < NN_PIECE ? n - i : NN_PIECE, a + i, b ? b + i : 0,
                                   c ? c + i : 0);
    return sum;
}

/* max_i x[i] of n >= 1 numbers, if none is NaN */
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

/* What is summed: v, or the square of (v - less), or of pairs g, which is v, and, in product,
 * g * (x - less); through a ReLU that gave y, if there is one. */
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

/* The sums of channel c of images (rows, channels, inner), whose planes of `inner` numbers lie one
 * for each image: sums[0] of the terms and, of pairs, sums[1] of the products.
 *
 *     for n: for i: sums[0] += v[n, c, i], sums[1] += v[n, c, i] * (x[n, c, i] - less)
 *
 * NN_PIECE numbers or more are summed in vectors of floats, and these sums in double precision. */
NN_INLINE void NN(channel_sums)(const int kind, int64_t rows, int64_t channels, int64_t inner,
                                int64_t c, const float *v, const float *y, const float *x,
                                float less, double *sums)
{
    float plain[VL], product[VL], rest[VL] = {0}, other[VL] = {0};
    vf some[4], more[4];
    int64_t held = 0;
    sums[0] = sums[1] = 0;
    NN_UNROLL for (int k = 0; k < 4; k++) some[k] = more[k] = (vf){0};
    for (int64_t n = 0; n < rows; n++) {
        const int64_t plane = (n * channels + c) * inner;
        for (int64_t from = 0; from < inner; from += NN_PIECE) {
            const int64_t left = inner - from, count = left < NN_PIECE ? left : NN_PIECE;
            const int64_t at = plane + from;
            int64_t i = 0;
            for (; i + 4 * VL <= count; i += 4 * VL)
                NN_UNROLL for (int k = 0; k < 4; k++) some[k] +=
                    NN(term)(kind, v + at + i + k * VL, y + at + i + k * VL, x + at + i + k * VL,
                             less, &more[k]);
            for (; i + VL <= count; i += VL)
                some[0] += NN(term)(kind, v + at + i, y + at + i, x + at + i, less, &more[0]);
            for (int j = 0; i + j < count; j++) {
                const int64_t q = at + i + j;
                const float one = NN(through)(kind == NN(relu_pairs), v[q], y, q);
                rest[j] += kind == NN(squares) ? (one - less) * (one - less) : one;
                if (kind == NN(pairs) || kind == NN(relu_pairs))
                    other[j] += one * (x[q] - less);
            }
            held += count;
            if (held < NN_PIECE && (n + 1 < rows || count < left))
                continue;
            STORE(plain, ((some[0] + some[1]) + (some[2] + some[3])) + LOAD(rest));
            STORE(product, ((more[0] + more[1]) + (more[2] + more[3])) + LOAD(other));
            for (int j = 0; j < VL; j++) {
                sums[0] += plain[j];
                sums[1] += product[j];
                rest[j] = other[j] = 0;
            }
            NN_UNROLL for (int k = 0; k < 4; k++) some[k] = more[k] = (vf){0};
            held = 0;
        }
    }
}
