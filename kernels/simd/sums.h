/* Sums and the largest of rows, for one instruction set.
 *
 * Included once per instruction set; compiled_isa.h says with what.
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

static float NN(largest)(int64_t n, const float *x)
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
