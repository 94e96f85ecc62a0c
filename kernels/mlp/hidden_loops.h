/* Dense products that skip zeros of the first operand, for one instruction set: the outputs of ReLU
 * and dropout, and their gradients, are half zeros or more.
 *
 * Each row of `a` is turned into a bit mask, 64 elements per word: 1 where an element is not 0. The
 * lowest set bit of a word is the next element: no index list is written or read, so the load ports
 * are free for vectors. Adding 0 * b changes no sum, and the other terms are added in the order of
 * `dense`, so the result has the same bits. If b contains an infinity or NaN, nothing is skipped.
 * Included by loops.h, once per set.
 *
 * NV: vectors per panel; its sums stay in registers, and 64 of its rows fit in L1. MOST: maximum
 * fraction of nonzeros in `a`; above it, dense is faster. */
#if VL == 8
#define NV 12
#define MOST 0.8
#else
#define NV 8
#define MOST 0.7
#endif

/* Return a mask whose bit i, for i < count <= 64, is set if a[i] is not 0; a is read 16 elements at
 * a time:
 *
 *     for i: bits |= (a[i] != 0) << i */
NN_INLINE uint64_t NN(nonzeros)(const float *a, int64_t count)
{
    static const float power[16] NN_ALIGNED = {1,   2,   4,    8,    16,   32,   64,    128,
                                               256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    const int64_t padding = count < 64 ? 64 - count : 0;
    uint64_t bits = 0;
    for (int i = 0; i < count && i < 64; i += 16) {
        vf lanes[WIDE];
        NN_UNROLL for (int v = 0; v < WIDE; v++) lanes[v] = (vf)CHOOSE(
            LOAD(a + i + v * VL) != (vf){0}, BITS(LOAD(power + v * VL)), BITS((vf){0}));
        bits |= (uint64_t)(int)NN(sum)(lanes) << i;
    }
    return bits << padding >> padding;
}

/* Copy `rows` rows of a panel, which lie on many pages, to contiguous memory; return whether all
 * elements are finite:
 *
 *     for k < rows: for c: nearby[k, c] = b[k, c] */
NN_INLINE int NN(bring)(const int nv, const float *b, int64_t ldb, int64_t rows, float *nearby)
{
    vf zero[NV], lanes[WIDE];
    NN_UNROLL for (int j = 0; j < nv; j++) zero[j] = (vf){0};
    for (int64_t k = 0; k < rows; k++)
        NN_UNROLL for (int j = 0; j < nv; j++) {
            const vf v = LOAD(b + k * ldb + j * VL);
            STORE(nearby + (k * nv + j) * VL, v);
            zero[j] += 0 * v;
        }
    NN_UNROLL for (int j = 1; j < nv; j++) zero[0] += zero[j];
    NN_UNROLL for (int v = 0; v < WIDE; v++) lanes[v] = v ? (vf){0} : zero[0];
    return NN(sum)(lanes) == 0;
}

/* Apply the epilogue to a finished row of a panel, as dense_tile does. */
NN_INLINE void NN(finish_row)(const int nv, vf *acc, const nn_epilogue *e, int64_t r, int64_t c)
{
    const int64_t at = r * e->ldo + c;
    if (e->opt) {
        float tile[NV * VL];
        NN_UNROLL for (int j = 0; j < nv; j++) STORE(tile + j * VL, acc[j]);
        NN(apply)(e->opt, nv * VL, tile, &e->p, at);
        return;
    }
    if (e->bias)
        NN_UNROLL for (int j = 0; j < nv; j++) acc[j] += LOAD(e->bias + c + j * VL);
    if (e->relu)
        NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = NN(relu)(acc[j]);
    if (e->mask)
        NN_UNROLL for (int j = 0; j < nv; j++) acc[j] =
            NN(where_positive)(acc[j], LOAD(e->mask + r * e->ldm + c + j * VL));
    NN_UNROLL for (int j = 0; j < nv; j++) STORE(e->out + at + j * VL, acc[j]);
}

/* Multiply `rows` rows from r0 on by one panel of nv vectors. A block of 64 rows of b stays in L1
 * while all rows of a are multiplied by it; between blocks the sums are kept in `sums`. */
NN_INLINE void NN(skipping_panel)(const int nv, const float *a, int64_t lda, const uint64_t *bits,
                                  const float *b, int64_t ldb, int64_t depth, int64_t r0,
                                  int64_t rows, int64_t c, const nn_epilogue *e, float *sums)
{
    float nearby[64 * NV * VL] NN_ALIGNED;
    for (int64_t k = 0; k < depth; k += 64, bits += rows) {
        const int64_t left = depth - k < 64 ? depth - k : 64;
        const uint64_t all = ~(uint64_t)0 >> (64 - left);
        const uint64_t always = NN(bring)(nv, b + k * ldb, ldb, left, nearby) ? 0 : all;
        for (int64_t r = 0; r < rows; r++) {
            float *rest = sums + r * nv * VL;
            vf acc[NV];
            if (k == 0)
                NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = (vf){0};
            else
                NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = LOAD(rest + j * VL);
            if (e->opt && k + 64 >= depth)
                NN(prefetch_row)(&e->p, (r0 + r) * e->ldo + c, nv * VL);
            NN_UNROLL_TWICE for (uint64_t word = bits[r] | always; word; word &= word - 1) {
                const int i = NN_LOWEST_BIT(word);
                const float s = a[r * lda + k + i];
                const float *row = nearby + i * nv * VL;
                NN_UNROLL for (int j = 0; j < nv; j++) acc[j] += s * LOAD(row + j * VL);
            }
            if (k + 64 < depth)
                NN_UNROLL for (int j = 0; j < nv; j++) STORE(rest + j * VL, acc[j]);
            else
                NN(finish_row)(nv, acc, e, r0 + r, c);
        }
    }
}

/* Compute the same as `dense` with ak = 1, and skip zeros if there are enough of them. The row
 * strides of a and of the outputs, and `columns`, must be multiples of 16. */
static void NN(skipping)(const float *a, int64_t lda, const float *b, int64_t ldb, int64_t depth,
                         int64_t r0, int64_t r1, int64_t columns, const nn_epilogue *e,
                         float *space)
{
    const int64_t units = columns / VL, panels = (units + NV - 1) / NV;
    for (int64_t r = r0; r < r1; r += NN_SKIP_ROWS) {
        const int64_t rows = r1 - r < NN_SKIP_ROWS ? r1 - r : NN_SKIP_ROWS;
        uint64_t *bits = (uint64_t *)(space + NN_SKIP_ROWS * NV * VL);
        int64_t entries = 0;
        for (int64_t k = 0; k < depth; k += 64)
            for (int64_t i = 0; i < rows; i++) {
                const uint64_t word = NN(nonzeros)(a + (r + i) * lda + k, depth - k);
                bits[k / 64 * rows + i] = word;
                entries += NN_COUNT_BITS(word);
            }
        if ((double)entries > MOST * (double)(rows * depth)) {
            NN(dense)(a, lda, 1, b, ldb, depth, r, r + rows, 0, columns, e);
            continue;
        }
        for (int64_t p = 0; p < panels; p++) {
            const int64_t u0 = units * p / panels, u1 = units * (p + 1) / panels, c = u0 * VL;
#define CASE(K)                                                                              \
    case K:                                                                                  \
        NN(skipping_panel)(K, a + r * lda, lda, bits, b + c, ldb, depth, r, rows, c, e, space); \
        break;
            switch (u1 - u0) {
                CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#if NV > 8
                CASE(9) CASE(10) CASE(11) CASE(12)
#endif
            }
#undef CASE
        }
    }
}

#undef NV
#undef MOST
