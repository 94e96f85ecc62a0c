/* The transpose of a matrix, for one instruction set.
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
#define EIGHT 8

/* y[j, i] = x[i, j] for 8 x 8 numbers: rows are interleaved one by one, in pairs, in fours. */
NN_INLINE void NN(transpose_8)(const float *x, int64_t ldx, float *y, int64_t ldy)
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
        *(NN(v8) *)(y + i * ldy) = HALF_LOW(a[i], a[i + 4]);
        *(NN(v8) *)(y + (i + 4) * ldy) = HALF_HIGH(a[i], a[i + 4]);
    }
}

#undef MIX
#undef LOW
#undef HIGH
#undef PAIRS_LOW
#undef PAIRS_HIGH
#undef HALF_LOW
#undef HALF_HIGH
#else
#define EIGHT 0
#endif

/* The transpose of x (rows, columns):
 *
 *     for i: for j: y[j, i] = x[i, j]
 *
 * in squares of 8 x 8; the last squares may overlap those before. */
static void NN(transpose)(const float *x, int64_t rows, int64_t columns, int64_t ldx, float *y,
                          int64_t ldy)
{
    int64_t i = 0;
#if EIGHT
    for (; rows >= 8 && i < rows; i += 8) {
        const int64_t at = i < rows - 8 ? i : rows - 8;
        int64_t j = 0;
        for (; columns >= 8 && j < columns; j += 8) {
            const int64_t by = j < columns - 8 ? j : columns - 8;
            NN(transpose_8)(x + at * ldx + by, ldx, y + by * ldy + at, ldy);
        }
        for (; j < columns; j++)
            NN_UNROLL for (int k = 0; k < 8; k++) y[j * ldy + at + k] = x[(at + k) * ldx + j];
    }
#endif
    for (; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            y[j * ldy + i] = x[i * ldx + j];
}
#undef EIGHT
