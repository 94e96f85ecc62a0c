/* Moments of images, and bilinear resampling: see np_nn/reference/warp.py.
 *
 * Plain loops over NN_LANES neighbouring pixels, which compilers turn into vector
 * instructions: the functions that end in _avx2 and _baseline hold the same lines,
 * compiled for one instruction set each. Threads share the images, and an image
 * is one thread's alone, whichever it is, so every thread count gives the same bits.
 */
#ifndef NN_WARP_H
#define NN_WARP_H

#include "common/threads.h"

/* Whoever is free takes the next chunk: a thread that shares its core does fewer. */
#ifdef _OPENMP
#define NN_FOR_ANY_THREAD _Pragma("omp for schedule(dynamic)")
#else
#define NN_FOR_ANY_THREAD
#endif

#ifdef __GNUC__
#define NN_NO_VECTORS __asm__ volatile("")
#else
#define NN_NO_VECTORS (void)0
#endif

enum { NN_LANES = 16, NN_CHUNK = 32, NN_MOMENTS = 5 };
enum { NN_MOST_SIDE = 4096 }; /* so that the sums fit into int64 */

typedef struct {
    int64_t count, height, width, modes; /* modes: K, 0 for no displacement */
    const uint8_t *images;
    const float *matrices, *coefficients, *basis_y, *basis_x;
    uint8_t *out;
} nn_warp;

/* One thread's work space. Rows are padded to `wide` pixels, whole groups of NN_LANES. */
typedef struct {
    int64_t wide;
    uint8_t *framed;  /* (H + 3, wide + NN_LANES): the image, and a black frame around it */
    uint32_t *quads;  /* (H + 2, wide): four neighbours in one word, the upper left lowest */
    float *columns;   /* (K, wide): basis_x transposed */
    float *half;      /* (2, K, wide): coefficients @ basis_x.T */
    float *field;     /* (2, wide): one row of the displacement */
    int *place;       /* (wide,) and so the rest, for one row: which quads */
    uint32_t *quad;
    float *right, *down; /* and where among the four */
} nn_warp_space;

static int64_t nn_warp_wide(const nn_warp *job)
{
    return (job->width + 2 + NN_LANES - 1) / NN_LANES * NN_LANES;
}

/* Lay the work space out from `at`, unless it is NULL; returns how many bytes it takes. */
static int64_t nn_warp_lay_out(const nn_warp *job, char *at, nn_warp_space *space)
{
    const int64_t wide = nn_warp_wide(job);
    const int64_t framed = nn_round64((job->height + 3) * (wide + NN_LANES));
    const int64_t quads = 4 * (job->height + 2) * wide, row = 4 * wide;
    if (at) {
        space->wide = wide;
        space->framed = (uint8_t *)at;
        space->quads = (uint32_t *)(at + framed);
        space->columns = (float *)(at + framed + quads);
        space->half = space->columns + job->modes * wide;
        space->field = space->half + 2 * job->modes * wide;
        space->right = space->field + 2 * wide;
        space->down = space->right + wide;
        space->place = (int *)(space->down + wide);
        space->quad = (uint32_t *)space->place + wide;
    }
    return framed + quads + (3 * job->modes + 6) * row;
}

/* ---- One image ------------------------------------------------------------------------ */

/* Each pixel p(y, x) with its neighbours to the right and below, for y, x from -1: so that a
 * bilinear value takes one load from an irregular place, not four. */
NN_INLINE void nn_make_quads(const nn_warp *job, const uint8_t *image, nn_warp_space *space)
{
    const int64_t stride = space->wide + NN_LANES;
    for (int64_t y = 0; y < job->height; y++)
        memcpy(space->framed + (y + 1) * stride + 1, image + y * job->width, job->width);
    for (int64_t y = 0; y < job->height + 2; y++) {
        const uint8_t *NN_RESTRICT upper = space->framed + y * stride, *lower = upper + stride;
        uint32_t *NN_RESTRICT quads = space->quads + y * space->wide;
        for (int64_t x = 0; x < space->wide; x++)
            quads[x] = upper[x] | (uint32_t)upper[x + 1] << 8 | (uint32_t)lower[x] << 16 |
                       (uint32_t)lower[x + 1] << 24;
    }
}

/* out (rows, wide) = a (rows, inner) @ b (inner, wide). */
NN_INLINE void nn_small_product(const float *NN_RESTRICT a, const float *NN_RESTRICT b,
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

/* The place among `size` rows or columns, counted from the frame's first; NaN goes to 0. */
NN_INLINE float nn_into_frame(float place, float size)
{
    place = place > -1.0f ? place : -1.0f;
    return (place < size ? place : size) + 1.0f;
}

NN_INLINE float nn_between(float a, float b, float share)
{
    return a + share * (b - a);
}

/* One row of `out`, in three passes: only the middle one, which reads irregular places, is
 * not for vector instructions, and a compiler that tries is slower than the plain loop. */
NN_INLINE void nn_warp_row(const nn_warp *job, const float *m, const nn_warp_space *space,
                           int64_t y, uint8_t *NN_RESTRICT out)
{
    const float *NN_RESTRICT dy = space->field, *NN_RESTRICT dx = dy + space->wide;
    float *NN_RESTRICT right = space->right, *NN_RESTRICT down = space->down;
    int *NN_RESTRICT place = space->place;
    uint32_t *NN_RESTRICT quad = space->quad;
    const float height = (float)job->height, width = (float)job->width;
    const float from_y = m[0] * (float)y + m[2], from_x = m[3] * (float)y + m[5];
    const int wide = (int)space->wide;

    for (int x = 0; x < wide; x++) {
        const float py = nn_into_frame(from_y + m[1] * (float)x + dy[x], height);
        const float px = nn_into_frame(from_x + m[4] * (float)x + dx[x], width);
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
        const float upper = nn_between(a, b, right[x]), lower = nn_between(c, d, right[x]);
        place[x] = (int)(nn_between(upper, lower, down[x]) + 0.5f);
    }
    for (int x = 0; x < (int)job->width; x++)
        out[x] = (uint8_t)place[x];
}

NN_INLINE void nn_warp_image(const nn_warp *job, int64_t n, nn_warp_space *space)
{
    const int64_t modes = job->modes, wide = space->wide, pixels = job->height * job->width;
    const float *m = job->matrices + 6 * n;
    uint8_t *out = job->out + n * pixels;

    nn_make_quads(job, job->images + n * pixels, space);
    if (modes)
        nn_small_product(job->coefficients + 2 * modes * modes * n, space->columns, 2 * modes,
                         modes, wide, space->half);
    for (int64_t y = 0; y < job->height; y++) {
        if (modes)
            for (int axis = 0; axis < 2; axis++)
                nn_small_product(job->basis_y + y * modes, space->half + axis * modes * wide, 1,
                                 modes, wide, space->field + axis * wide);
        nn_warp_row(job, m, space, y, out + y * job->width);
    }
}

NN_INLINE void nn_warp_some(const nn_warp *job, int64_t lo, int64_t hi, nn_warp_space *space)
{
    for (int64_t n = lo; n < hi; n++)
        nn_warp_image(job, n, space);
}

/* Two sums along each row, and from these the five over the image. */
NN_INLINE void nn_moments_some(const nn_warp *job, int64_t lo, int64_t hi, int64_t *out)
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

/* ---- One instruction set each --------------------------------------------------------- */

#define NN_FOR_ISA(isa, target)                                                              \
    target static void nn_warp_##isa(const nn_warp *job, int64_t lo, int64_t hi,             \
                                     nn_warp_space *space)                                   \
    {                                                                                        \
        nn_warp_some(job, lo, hi, space);                                                    \
    }                                                                                        \
    target static void nn_moments_##isa(const nn_warp *job, int64_t lo, int64_t hi,          \
                                        int64_t *out)                                        \
    {                                                                                        \
        nn_moments_some(job, lo, hi, out);                                                   \
    }

#if defined(__x86_64__) && defined(__GNUC__)
#define NN_X86 1
NN_FOR_ISA(avx2, __attribute__((target("avx2,fma"))))
#endif
NN_FOR_ISA(baseline, )

static void (*nn_warp_active)(const nn_warp *, int64_t, int64_t, nn_warp_space *) =
    nn_warp_baseline;
static void (*nn_moments_active)(const nn_warp *, int64_t, int64_t, int64_t *) =
    nn_moments_baseline;
static const char *nn_warp_isa = "baseline";

/* The best that this machine has, or less where NP_NN_ISA names "baseline". (AVX-512 is no
 * faster here: there is little arithmetic between the loads.) Called once, at import. */
NN_API void nn_warp_select_isa(void)
{
#ifdef NN_X86
    const char *wish = getenv("NP_NN_ISA");
    __builtin_cpu_init();
    if (wish && !strcmp(wish, "baseline"))
        return;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        nn_warp_active = nn_warp_avx2;
        nn_moments_active = nn_moments_avx2;
        nn_warp_isa = "avx2";
    }
#endif
}

/* ---- All images ----------------------------------------------------------------------- */

static int nn_warp_threads(const nn_warp *job, int threads, double work_per_pixel)
{
    return nn_useful_threads(threads, work_per_pixel * job->count * job->height * job->width);
}

static int64_t nn_chunk_end(const nn_warp *job, int64_t start)
{
    return start + NN_CHUNK < job->count ? start + NN_CHUNK : job->count;
}

/* Bytes of work space that nn_warp_images needs. */
NN_API int64_t nn_warp_bytes(const nn_warp *job, int threads)
{
    return nn_round64(nn_warp_lay_out(job, NULL, NULL)) * (threads < 1 ? 1 : threads) + 64;
}

NN_API void nn_warp_images(const nn_warp *job, void *work, int threads)
{
    const int64_t bytes = nn_round64(nn_warp_lay_out(job, NULL, NULL));
    threads = nn_warp_threads(job, threads, 20 + 2 * job->modes);
    NN_PARALLEL(threads)
    {
        nn_warp_space space;
        char *at = nn_align(work) + bytes * NN_THREAD();
        memset(at, 0, bytes); /* the frame stays black; without modes, so does the field */
        nn_warp_lay_out(job, at, &space);
        for (int64_t x = 0; x < job->width; x++)
            for (int64_t k = 0; k < job->modes; k++)
                space.columns[k * space.wide + x] = job->basis_x[x * job->modes + k];
        NN_FOR_ANY_THREAD
        for (int64_t n = 0; n < job->count; n += NN_CHUNK)
            nn_warp_active(job, n, nn_chunk_end(job, n), &space);
    }
}

NN_API void nn_image_moments(const nn_warp *job, int64_t *out, int threads)
{
    threads = nn_warp_threads(job, threads, 1);
    NN_PARALLEL(threads)
    {
        NN_FOR_ANY_THREAD
        for (int64_t n = 0; n < job->count; n += NN_CHUNK)
            nn_moments_active(job, n, nn_chunk_end(job, n), out);
    }
}

#endif
