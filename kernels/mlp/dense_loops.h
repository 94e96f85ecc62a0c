/* Dense matrix products and sums over rows, for one instruction set.
 *
 * One tile loop serves forward (a = x), the gradient of the weight (a = x transposed)
 * and of the input (b = weight transposed, packed by the caller):
 *     out[r, o] = sum_k a[r * ar + k * ak] * b[k * ldb + o]
 * The epilogue then applies bias and ReLU, a ReLU's mask, or an optimizer to the tile.
 *
 * Included by loops.h, once per instruction set.
 */

/* A tile of MR rows by NR vectors: registers hold its sums, a row of b and an element of a, and
 * without a fused multiply-add also a product. */
#if VL == 16
#define MR 8
#define NR 3
#elif REGISTERS == 32
#define MR 4
#define NR 5
#elif VL == 8
#define MR 4
#define NR 3
#else
#define MR 4
#define NR 2
#endif
#define AT(j) ((j) == nv - 1 ? last : (j) * VL) /* where vector j of a panel begins */

/* Compute mr rows by nv vectors of out from (r0, c0) on, with the sums in registers. If the depth
 * is divided into parts, the sums are kept in out between them: `begun` says that out holds the
 * sums of the parts before this one, `open` that there are more.
 *
 *     for i < mr: for o < width:
 *         sum = begun ? out[r0 + i, c0 + o] : 0
 *         for k < depth: sum += a[i * ar + k * ak] * b[k * ldb + o]
 *         out[r0 + i, c0 + o] = open ? sum : epilogue(sum) */
NN_INLINE void NN(dense_tile)(
    const int mr, const int nv, const float *a, int64_t ar, int64_t ak, const float *b,
    int64_t ldb, int64_t depth, int begun, int open, int width, const nn_epilogue *e, int64_t r0,
    int64_t c0)
{
    const int partial = width < VL, last = partial ? 0 : width - VL;
    vf acc[MR][NR > 8 ? NR : 8];
    NN_UNROLL for (int i = 0; i < mr; i++)
        NN_UNROLL for (int j = 0; j < nv; j++) acc[i][j] =
            begun ? LOAD(e->out + (r0 + i) * e->ldo + c0 + AT(j)) : (vf){0};
    if (e->opt)
        for (int i = 0; i < mr; i++)
            NN(prefetch_row)(&e->p, (r0 + i) * e->ldo + c0, width);
    for (int64_t k = 0; k < depth; k++) {
        vf bk[NR > 8 ? NR : 8];
        NN_UNROLL for (int j = 0; j < nv; j++) bk[j] = LOAD(b + AT(j));
        NN_UNROLL for (int i = 0; i < mr; i++) {
            const float s = a[i * ar];
            NN_UNROLL for (int j = 0; j < nv; j++) acc[i][j] += s * bk[j];
        }
        a += ak;
        b += ldb;
    }
    NN_UNROLL for (int i = 0; i < mr; i++) {
        float tile[8 * VL];
        if (e->opt) {
            NN_UNROLL for (int j = 0; j < nv; j++) STORE(tile + AT(j), acc[i][j]);
            NN(apply)(e->opt, width, tile, &e->p, (r0 + i) * e->ldo + c0);
            continue;
        }
        float *o = e->out + (r0 + i) * e->ldo + c0;
        if (open) {
            NN_UNROLL for (int j = 0; j < nv; j++) STORE(o + AT(j), acc[i][j]);
            continue;
        }
        if (partial) {
            STORE(tile, acc[i][0]);
            for (int j = 0; j < width; j++) {
                float y = tile[j] + (e->bias ? e->bias[c0 + j] : 0);
                if (e->relu)
                    y = y < 0 ? 0 : y;
                if (e->mask && !(e->mask[(r0 + i) * e->ldm + c0 + j] > 0))
                    y = 0;
                o[j] = y;
            }
            continue;
        }
        if (e->bias)
            NN_UNROLL for (int j = 0; j < nv; j++) acc[i][j] += LOAD(e->bias + c0 + AT(j));
        if (e->relu)
            NN_UNROLL for (int j = 0; j < nv; j++) acc[i][j] = NN(relu)(acc[i][j]);
        if (e->mask)
            NN_UNROLL for (int j = 0; j < nv; j++) acc[i][j] =
                NN(where_positive)(acc[i][j], LOAD(e->mask + (r0 + i) * e->ldm + c0 + AT(j)));
        NN_UNROLL for (int j = 0; j < nv; j++) STORE(o + AT(j), acc[i][j]);
    }
}

/* Compute rows [r0, r1), a multiple of MR, of one panel of columns. If many rows read the panel, a
 * part of its depth at a time is first copied to contiguous memory: its rows are on many different
 * pages. Sums for an optimizer cannot be kept between parts. */
static void NN(dense_panel)(const float *a, int64_t ar, int64_t ak, const float *b, int64_t ldb,
                            int64_t depth, int64_t r0, int64_t r1, int64_t c, int wide,
                            const nn_epilogue *e)
{
    enum { NEARBY = 12288, LEAST = 32 }; /* 48 KB: some systems limit a stack to 128 KB */
    float nearby[NEARBY] NN_ALIGNED;
    const int nv = (wide + VL - 1) / VL, last = wide - VL, fits = NEARBY / (nv * VL);
    const int copies = r1 - r0 >= LEAST && wide >= VL && (depth <= fits || !e->opt);
    int64_t k = 0, part;
    do {
        const float *at = b + k * ldb + c;
        part = copies && depth - k > fits ? fits : depth - k;
        if (copies) {
            for (int64_t i = 0; i < part; i++)
                for (int j = 0; j < nv; j++)
                    STORE(nearby + i * nv * VL + AT(j), LOAD(at + i * ldb + AT(j)));
            at = nearby;
        }
#define CASE(K)                                                                              \
    case K:                                                                                  \
        NN(dense_tile)(MR, K, a + r * ar + k * ak, ar, ak, at, copies ? K * VL : ldb, part,  \
                       k > 0, k + part < depth, wide, e, r, c);                              \
        break;
        for (int64_t r = r0; r < r1; r += MR)
            switch (nv) {
                CASE(1) CASE(2) CASE(3)
#if NR > 3
                CASE(4) CASE(5)
#endif
            }
#undef CASE
        k += part;
    } while (k < depth);
}

/* Compute rows [r0, r1) and columns [c0, c1) of the product, tile by tile:
 *
 *     for r: for c: out[r, c] = epilogue(sum_k a[r * ar + k * ak] * b[k * ldb + c])
 *
 * If b's rows are shorter than a vector, this loop itself runs. */
static void NN(dense)(const float *a, int64_t ar, int64_t ak, const float *b, int64_t ldb,
                      int64_t depth, int64_t r0, int64_t r1, int64_t c0, int64_t c1,
                      const nn_epilogue *e)
{
    enum { NEAR_ROWS = 256 }; /* of a and out, which stay in the cache for all panels */
    const int64_t width = c1 - c0, units = (width + VL - 1) / VL;
    if (width <= 0 || r0 >= r1)
        return;
    if (width < VL && ldb < VL) {
        for (int64_t r = r0; r < r1; r++)
            for (int64_t c = c0; c < c1; c++) {
                float s = 0;
                for (int64_t k = 0; k < depth; k++)
                    s = FUSED(a[r * ar + k * ak], b[k * ldb + c], s);
                const int64_t at = r * e->ldo + c;
                if (e->opt) {
                    NN(apply)(e->opt, 1, &s, &e->p, at);
                    continue;
                }
                s += e->bias ? e->bias[c] : 0;
                if (e->relu)
                    s = s < 0 ? 0 : s;
                if (e->mask && !(e->mask[r * e->ldm + c] > 0))
                    s = 0;
                e->out[at] = s;
            }
        return;
    }
    /* depth < 4 (weight gradient of a tiny batch): nearly all time is the epilogue, so take long
     * rows */
    const int64_t full = depth < 4 ? r0 : r0 + (r1 - r0) / MR * MR;
    int64_t panels = (units + NR - 1) / NR;
    for (int64_t r = r0; r < full; r += NEAR_ROWS)
        for (int64_t p = 0; p < panels; p++) {
            const int64_t u0 = units * p / panels, u1 = units * (p + 1) / panels;
            const int64_t c = c0 + u0 * VL, end = r + NEAR_ROWS < full ? r + NEAR_ROWS : full;
            const int wide = (int)((c0 + u1 * VL < c1 ? c0 + u1 * VL : c1) - c);
            NN(dense_panel)(a, ar, ak, b, ldb, depth, r, end, c, wide, e);
        }
    /* one row by up to 8 vectors: the remaining rows, and all rows of a batch of one */
    panels = (units + 7) / 8;
    if (full < r1)
        for (int64_t p = 0; p < panels; p++) {
            const int64_t u0 = units * p / panels, u1 = units * (p + 1) / panels;
            const int64_t c = c0 + u0 * VL;
            const int wide = (int)((c0 + u1 * VL < c1 ? c0 + u1 * VL : c1) - c);
            for (int64_t r = full; r < r1; r++)
#define CASE(K)                                                                              \
    case K:                                                                                  \
        NN(dense_tile)(1, K, a + r * ar, ar, ak, b + c, ldb, depth, 0, 0, wide, e, r, c);    \
        break;
                switch (u1 - u0) {
                    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
                }
#undef CASE
        }
}
#undef AT
#undef MR
#undef NR

/* Compute columns [d0, d1) of the input's gradient for a few samples, where transposing the weight
 * would cost more than it saves:
 *
 *     for i: for n: out[n, i] = mask[n, i] > 0 ? sum_o grad[n, o] * w[i, o] : 0 */
static void NN(dots)(const float *grad, int64_t ldg, const float *w, int64_t ldw, int64_t count,
                     int64_t columns, int64_t d0, int64_t d1, const float *mask, int64_t ldm,
                     float *out, int64_t ldo)
{
    for (int64_t i = d0; i < d1; i++)
        for (int64_t n = 0; n < count; n++) {
            const float *g = grad + n * ldg, *row = w + i * ldw;
            vf acc[4][WIDE];
            int64_t o = 0;
            NN_UNROLL for (int j = 0; j < 4; j++) NN_UNROLL for (int v = 0; v < WIDE; v++)
                acc[j][v] = (vf){0};
            for (; o + 64 <= columns; o += 64)
                NN_UNROLL for (int j = 0; j < 4; j++) NN_UNROLL for (int v = 0; v < WIDE; v++)
                    acc[j][v] += LOAD(g + o + 16 * j + v * VL) * LOAD(row + o + 16 * j + v * VL);
            NN_UNROLL for (int j = 0; j < 3; j++) if (o + 16 <= columns) {
                NN_UNROLL for (int v = 0; v < WIDE; v++)
                    acc[j][v] += LOAD(g + o + v * VL) * LOAD(row + o + v * VL);
                o += 16;
            }
            NN_UNROLL for (int v = 0; v < WIDE; v++)
                acc[0][v] = (acc[0][v] + acc[1][v]) + (acc[2][v] + acc[3][v]);
            float sum = NN(sum)(acc[0]);
            for (; o < columns; o++)
                sum = FUSED(g[o], row[o], sum);
            out[n * ldo + i] = mask && !(mask[n * ldm + i] > 0) ? 0 : sum;
        }
}

/* Add rows [r0, r1) to nv vectors of sums, row by row, so that a sum can be continued in a later
 * call:
 *
 *     for r in r0 .. r1: sum[:] += w[r, :] */
NN_INLINE void NN(add_rows_panel)(const int nv, const float *w, int64_t ldw, int64_t r0,
                                  int64_t r1, float *sum)
{
    vf acc[8];
    NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = LOAD(sum + j * VL);
    for (int64_t r = r0; r < r1; r++)
        NN_UNROLL for (int j = 0; j < nv; j++) acc[j] += LOAD(w + r * ldw + j * VL);
    NN_UNROLL for (int j = 0; j < nv; j++) STORE(sum + j * VL, acc[j]);
}

/* As above for columns [o0, o1): for o: for r: sum[o] += w[r, o] */
static void NN(add_rows)(const float *w, int64_t ldw, int64_t r0, int64_t r1, int64_t o0,
                         int64_t o1, float *sum)
{
    int64_t o = o0;
    for (; o + VL <= o1;) {
        const int64_t nv = (o1 - o) / VL < 8 ? (o1 - o) / VL : 8;
#define CASE(K)                                                                              \
    case K:                                                                                  \
        NN(add_rows_panel)(K, w + o, ldw, r0, r1, sum + o);                                  \
        break;
        switch (nv) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) }
#undef CASE
        o += nv * VL;
    }
    for (; o < o1; o++)
        for (int64_t r = r0; r < r1; r++)
            sum[o] += w[r * ldw + o];
}

/* Compute the gradient of a bias and hand it to the optimizer:
 *
 *     for o in o0 .. o1: apply(opt, sum_n grad[n, o], p[o]) */
static void NN(column_sums)(const float *grad, int64_t ldg, int64_t count, int64_t o0,
                            int64_t o1, const nn_optimizer *opt, const nn_parameter *p)
{
    float sum[128];
    for (int64_t a = o0; a < o1; a += 128) {
        const int64_t wide = o1 - a < 128 ? o1 - a : 128;
        for (int64_t j = 0; j < wide; j++)
            sum[j] = 0;
        for (int64_t n = 0; n < count; n++)
            for (int64_t j = 0; j < wide; j++)
                sum[j] += grad[n * ldg + a + j];
        NN(apply)(opt, wide, sum, p, a);
    }
}
