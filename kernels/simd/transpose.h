/* Matrix transpose, for one instruction set.
 *
 * Included once per instruction set, see common/dispatch.h.
 */

#if VL >= 8
typedef float NN(v8) __attribute__((vector_size(32), aligned(4), may_alias));
typedef int NN(m8) __attribute__((vector_size(32)));
#ifdef __clang__
#define MIX(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define MIX(a, b, ...) __builtin_shuffle(a, b, (NN(m8)){__VA_ARGS__})
#endif
#define LOW(a, b) MIX(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(a, b) MIX(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define PAIRS_LOW(a, b) MIX(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define PAIRS_HIGH(a, b) MIX(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define HALF_LOW(a, b) MIX(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define HALF_HIGH(a, b) MIX(a, b, 4, 5, 6, 7, 12, 13, 14, 15)

/* Set to[j][at + i] = x[i, j] for 8 x 8 elements: rows are interleaved by single elements, pairs,
 * fours. */
NN_INLINE void NN(transpose_8)(const float *x, int64_t ldx, float *const *to, int64_t at)
{
    NN(v8) a[8], b[8];
    NN_UNROLL for (int i = 0; i < 8; i++) a[i] = *(const NN(v8) *)(x + i * ldx);
    NN_UNROLL for (int i = 0; i < 8; i += 2)
    {
        b[i] = LOW(a[i], a[i + 1]);
        b[i + 1] = HIGH(a[i], a[i + 1]);
    }
    NN_UNROLL for (int i = 0; i < 8; i += 4)
    {
        a[i] = PAIRS_LOW(b[i], b[i + 2]);
        a[i + 1] = PAIRS_HIGH(b[i], b[i + 2]);
        a[i + 2] = PAIRS_LOW(b[i + 1], b[i + 3]);
        a[i + 3] = PAIRS_HIGH(b[i + 1], b[i + 3]);
    }
    NN_UNROLL for (int i = 0; i < 4; i++)
    {
        *(NN(v8) *)(to[i] + at) = HALF_LOW(a[i], a[i + 4]);
        *(NN(v8) *)(to[i + 4] + at) = HALF_HIGH(a[i], a[i + 4]);
    }
}

#undef MIX
#undef LOW
#undef HIGH
#undef PAIRS_LOW
#undef PAIRS_HIGH
#undef HALF_LOW
#undef HALF_HIGH
#endif

#if VL == 16
#ifdef __clang__
#define MIX(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define MIX(a, b, ...) __builtin_shuffle(a, b, (vi){__VA_ARGS__})
#endif
#define LOW(a, b) MIX(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HIGH(a, b) MIX(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define PAIRS_LOW(a, b) MIX(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define PAIRS_HIGH(a, b) MIX(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define EVEN(a, b) MIX(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define ODD(a, b) MIX(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)

/* As transpose_8, for 16 x 16. even, odd: the even and odd fours of a row. */
NN_INLINE void NN(transpose_16)(const float *x, int64_t ldx, float *const *to, int64_t at)
{
    vf a[16], b[16];
    NN_UNROLL for (int i = 0; i < 16; i++) a[i] = LOAD(x + i * ldx);
    NN_UNROLL for (int i = 0; i < 16; i += 2)
    {
        b[i] = LOW(a[i], a[i + 1]);
        b[i + 1] = HIGH(a[i], a[i + 1]);
    }
    NN_UNROLL for (int i = 0; i < 16; i += 4)
    {
        a[i] = PAIRS_LOW(b[i], b[i + 2]);
        a[i + 1] = PAIRS_HIGH(b[i], b[i + 2]);
        a[i + 2] = PAIRS_LOW(b[i + 1], b[i + 3]);
        a[i + 3] = PAIRS_HIGH(b[i + 1], b[i + 3]);
    }
    NN_UNROLL for (int i = 0; i < 4; i++)
    {
        const vf even = EVEN(a[i], a[i + 4]), more = EVEN(a[i + 8], a[i + 12]);
        const vf odd = ODD(a[i], a[i + 4]), rest = ODD(a[i + 8], a[i + 12]);
        STORE(to[i] + at, EVEN(even, more));
        STORE(to[i + 4] + at, EVEN(odd, rest));
        STORE(to[i + 8] + at, ODD(even, more));
        STORE(to[i + 12] + at, ODD(odd, rest));
    }
}
#undef MIX
#undef LOW
#undef HIGH
#undef PAIRS_LOW
#undef PAIRS_HIGH
#undef EVEN
#undef ODD
#endif

/* Return the side of the squares that vectors transpose, or 0 for none. */
NN_INLINE int64_t NN(square_side)(int64_t rows, int64_t columns)
{
    const int64_t least = rows < columns ? rows : columns;
    return VL == 16 && least >= 16 ? 16 : VL >= 8 && least >= 8 ? 8 : 0;
}

/* Transpose x (rows, columns) to lines of `across` pixels, with line stride ldl:
 *
 *     for i: for j: y[j / across * ldl + j % across * ldy + i] = x[i, j]
 *
 * in squares; the last squares may overlap the ones before. */
static void NN(transpose_lines)(const float *x, int64_t rows, int64_t columns, int64_t ldx,
                                float *y, int64_t ldy, int64_t across, int64_t ldl)
{
    const int64_t side = NN(square_side)(rows, columns), step = side ? side : 1;
    for (int64_t j = 0; j < columns; j += step) {
        const int64_t first = j < columns - step ? j : columns - step;
        int64_t line = first / across, place = first % across;
        float *to[16];
        for (int64_t k = 0; k < step; k++) {
            to[k] = y + line * ldl + place * ldy;
            if (++place == across) {
                place = 0;
                line++;
            }
        }
        for (int64_t i = 0; i < rows; i += step) {
            const int64_t at = i < rows - step ? i : rows - step;
            const float *const from = x + at * ldx + first;
#if VL == 16
            if (side == 16)
                NN(transpose_16)(from, ldx, to, at);
            else
#endif
#if VL >= 8
            if (side == 8)
                NN(transpose_8)(from, ldx, to, at);
            else
#endif
                to[0][at] = *from;
        }
    }
}

/* Transpose x (rows, columns):
 *
 *     for i: for j: y[j, i] = x[i, j] */
static void NN(transpose)(const float *x, int64_t rows, int64_t columns, int64_t ldx, float *y,
                          int64_t ldy)
{
    NN(transpose_lines)(x, rows, columns, ldx, y, ldy, columns, 0);
}
