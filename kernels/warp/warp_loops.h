/* The inner loops of warp.pyx, one image at a time, for one instruction set.
 *
 * Included once per instruction set, see common/dispatch.h. Plain loops over NN_LANES neighbouring
 * pixels, which compilers vectorise; the source is the same for each set.
 */

#include "simd/fused.h"

/* Pack each pixel with its neighbours to the right and below, for y, x from -1, so that a bilinear
 * value takes one irregular load instead of four.
 *
 *     for y: for x: quads[y, x] = (p[y, x], p[y, x + 1], p[y + 1, x], p[y + 1, x + 1]) */
NN_INLINE void NN(make_quads)(const nn_warp *job, nn_warp_space *space)
{
    const int64_t stride = nn_warp_stride(space->wide);
    for (int64_t y = 0; y < job->height + 2; y++) {
        const uint8_t *NN_RESTRICT upper = space->framed + y * stride + space->wide - 1;
        const uint8_t *NN_RESTRICT lower = upper + stride;
        uint32_t *NN_RESTRICT quads = space->quads + y * space->wide;
        for (int64_t x = 0; x < space->wide; x++)
            quads[x] = upper[x] | (uint32_t)upper[x + 1] << 8 | (uint32_t)lower[x] << 16 |
                       (uint32_t)lower[x + 1] << 24;
    }
}

/* out (rows, wide) = a (rows, inner) @ b (inner, wide):
 *
 *     for r: for x: out[r, x] = sum_k a[r, k] * b[k, x] */
NN_INLINE void NN(small_product)(const float *NN_RESTRICT a, const float *NN_RESTRICT b,
                                int64_t rows, int64_t inner, int64_t wide, float *NN_RESTRICT out)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t x = 0; x < wide; x += NN_LANES) {
            float sums[NN_LANES] = {0};
            for (int64_t k = 0; k < inner; k++)
                for (int i = 0; i < NN_LANES; i++)
                    sums[i] += a[r * inner + k] * b[k * wide + x + i];
            for (int i = 0; i < NN_LANES; i++)
                out[r * wide + x + i] = sums[i];
        }
}

/* Clamp a coordinate to -1 .. size and return its position from the frame's first row or column;
 * NaN gives 0. */
NN_INLINE float NN(into_frame)(float place, float size)
{
    place = place > -1.0f ? place : -1.0f;
    return (place < size ? place : size) + 1.0f;
}

NN_INLINE float NN(between)(float a, float b, float share)
{
    return FUSED(share, b - a, a);
}

/* Compute row y of `out`; p is the image, black outside:
 *
 *     for x:
 *         py = m[0, 0] * y + m[0, 1] * x + m[0, 2] + dy[x]
 *         px = m[1, 0] * y + m[1, 1] * x + m[1, 2] + dx[x]
 *         t, l = floor(py), floor(px); d, r = py - t, px - l
 *         upper = p[t, l] + r * (p[t, l + 1] - p[t, l]), lower: the same for row t + 1
 *         out[x] = round(upper + d * (lower - upper))
 *
 * in three passes: the middle one, with the irregular loads, is not vectorised, because compilers
 * that do so are slower than the plain loop. */
NN_INLINE void NN(warp_row)(const nn_warp *job, const float *m, const nn_warp_space *space,
                           int64_t y, uint8_t *NN_RESTRICT out)
{
    const float *NN_RESTRICT dy = space->field, *NN_RESTRICT dx = dy + space->wide;
    float *NN_RESTRICT right = space->right, *NN_RESTRICT down = space->down;
    int *NN_RESTRICT place = space->place;
    uint32_t *NN_RESTRICT quad = space->quad;
    const float height = (float)job->height, width = (float)job->width;
    const float from_y = FUSED(m[0], (float)y, m[2]), from_x = FUSED(m[3], (float)y, m[5]);
    const int wide = (int)space->wide;

    for (int x = 0; x < wide; x++) {
        const float py = NN(into_frame)(FUSED(m[1], (float)x, from_y) + dy[x], height);
        const float px = NN(into_frame)(FUSED(m[4], (float)x, from_x) + dx[x], width);
        const int top = (int)py, left = (int)px;
        down[x] = py - (float)top;
        right[x] = px - (float)left;
        place[x] = top * wide + left;
    }
    for (int x = 0; x < wide; x++) {
        quad[x] = space->quads[place[x]];
        NN_NO_VECTORS;
    }
    for (int x = 0; x < wide; x++) {
        const float a = (float)(int)(quad[x] & 255), b = (float)(int)(quad[x] >> 8 & 255);
        const float c = (float)(int)(quad[x] >> 16 & 255), d = (float)(int)(quad[x] >> 24);
        const float upper = NN(between)(a, b, right[x]), lower = NN(between)(c, d, right[x]);
        place[x] = (int)(NN(between)(upper, lower, down[x]) + 0.5f);
    }
    for (int x = 0; x < (int)job->width; x++)
        out[x] = (uint8_t)place[x];
}

/* Return whether the map shifts each row as a whole, as deskew does: then the source pixels of a
 * row are contiguous. Maps with NaN or very large shifts are left to the general case. */
NN_INLINE int NN(is_shear)(const nn_warp *job, const float *m)
{
    const float reach = fabsf(m[3]) * (float)job->height + fabsf(m[5]);
    return !job->modes && m[1] == 0 && m[4] == 1 && reach < 1e6f;
}

/* As warp_row, with the same bits, for a shear: px - x = m[1, 0] * y + m[1, 2] in the whole row. */
NN_INLINE void NN(shear_row)(const nn_warp *job, const float *m, const nn_warp_space *space,
                            int64_t y, uint8_t *NN_RESTRICT out)
{
    int *NN_RESTRICT value = space->place;
    const int wide = (int)space->wide;
    const float py = NN(into_frame)(FUSED(m[0], (float)y, m[2]), (float)job->height);
    const float from_x = FUSED(m[3], (float)y, m[5]);
    const int top = (int)py, left = (int)from_x - ((float)(int)from_x > from_x); /* floor */
    const float down = py - (float)top;
    const int seen = left < -wide ? -wide : left < wide ? left : wide - 1; /* all is black beyond */
    const uint8_t *NN_RESTRICT upper =
        space->framed + top * nn_warp_stride(space->wide) + wide + seen;
    const uint8_t *NN_RESTRICT lower = upper + nn_warp_stride(space->wide);

    for (int x = 0; x < wide; x++) {
        const float right = ((float)x + from_x + 1.0f) - (float)(left + x + 1);
        const float above = NN(between)(upper[x], upper[x + 1], right);
        const float below = NN(between)(lower[x], lower[x + 1], right);
        value[x] = (int)(NN(between)(above, below, down) + 0.5f);
    }
    for (int x = 0; x < (int)job->width; x++)
        out[x] = (uint8_t)value[x];
}

/* Warp image n row by row. With modes, the displacement is basis_y coefficients basis_x'. */
NN_INLINE void NN(warp_image)(const nn_warp *job, int64_t n, nn_warp_space *space)
{
    const int64_t modes = job->modes, wide = space->wide, pixels = job->height * job->width;
    const float *m = job->matrices + 6 * n;
    uint8_t *out = job->out + n * pixels;

    for (int64_t y = 0; y < job->height; y++)
        memcpy(space->framed + (y + 1) * nn_warp_stride(wide) + wide,
               job->images + n * pixels + y * job->width, job->width);
    if (NN(is_shear)(job, m)) {
        for (int64_t y = 0; y < job->height; y++)
            NN(shear_row)(job, m, space, y, out + y * job->width);
        return;
    }
    NN(make_quads)(job, space);
    if (modes)
        NN(small_product)(job->coefficients + 2 * modes * modes * n, space->columns, 2 * modes,
                         modes, wide, space->half);
    for (int64_t y = 0; y < job->height; y++) {
        if (modes)
            for (int axis = 0; axis < 2; axis++)
                NN(small_product)(job->basis_y + y * modes, space->half + axis * modes * wide, 1,
                                 modes, wide, space->field + axis * wide);
        NN(warp_row)(job, m, space, y, out + y * job->width);
    }
}

/* Warp images [lo, hi). */
static void NN(warp_images)(const nn_warp *job, int64_t lo, int64_t hi, nn_warp_space *space)
{
    for (int64_t n = lo; n < hi; n++)
        NN(warp_image)(job, n, space);
}

/* Compute the moments of images [lo, hi):
 *
 *     for n: for y: for x: out[n] += p[y, x] * (1, y, x, y^2, x y)
 *
 * Two sums are taken along each row, and from them the five of the image. */
static void NN(image_moments)(const nn_warp *job, int64_t lo, int64_t hi, int64_t *out)
{
    const uint8_t *NN_RESTRICT row = job->images + lo * job->height * job->width;
    for (int64_t n = lo; n < hi; n++) {
        uint64_t sums[NN_MOMENTS] = {0};
        for (uint64_t y = 0; y < (uint64_t)job->height; y++, row += job->width) {
            uint32_t mass = 0, along = 0;
            for (int x = 0; x < (int)job->width; x++) {
                mass += row[x];
                along += (uint32_t)x * row[x];
            }
            sums[0] += mass;
            sums[1] += y * mass;
            sums[2] += along;
            sums[3] += y * y * mass;
            sums[4] += y * along;
        }
        for (int i = 0; i < NN_MOMENTS; i++)
            out[n * NN_MOMENTS + i] = (int64_t)sums[i];
    }
}

static const nn_warp_table NN(kernels) = {
    .name = NN_STRING(NN_ISA),
    .warp_images = NN(warp_images),
    .image_moments = NN(image_moments),
};
