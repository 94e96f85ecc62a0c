/* Moments of images, and bilinear resampling: see np_nn/reference/warp.py.
 *
 * Threads share the images, and one thread computes a whole image, so every thread count gives the
 * same bits. warp_loops.h has the loops.
 */
#ifndef NN_WARP_H
#define NN_WARP_H

#include "common/threads.h"

enum { NN_LANES = 16, NN_CHUNK = 32, NN_MOMENTS = 5 };
enum { NN_MOST_SIDE = 4096 }; /* the sums fit in int64 */

typedef struct {
    int64_t count, height, width, modes; /* modes: K, 0 without displacement */
    const uint8_t *images;
    const float *matrices, *coefficients, *basis_y, *basis_x;
    uint8_t *out;
} nn_warp;

/* One thread's work space. Rows are padded to `wide` pixels, whole groups of NN_LANES. */
typedef struct {
    int64_t wide;
    uint8_t *framed;  /* (H + 3, 3 wide): the image from row 1, column wide on, black around it */
    uint32_t *quads;  /* (H + 2, wide): four neighbours in one word, the upper left lowest */
    float *columns;   /* (K, wide): basis_x transposed */
    float *half;      /* (2, K, wide): coefficients @ basis_x.T */
    float *field;     /* (2, wide): one row of the displacement */
    int *place;       /* (wide,), as the arrays below, for one row: index of the quad */
    uint32_t *quad;
    float *right, *down; /* position within the quad */
} nn_warp_space;

static int64_t nn_warp_wide(const nn_warp *job)
{
    return (job->width + 2 + NN_LANES - 1) / NN_LANES * NN_LANES;
}

/* Return the row stride of `framed`. */
static int64_t nn_warp_stride(int64_t wide)
{
    return 3 * wide;
}

/* Lay out the work space from `at`, unless it is NULL; return its size in bytes. */
static int64_t nn_warp_lay_out(const nn_warp *job, char *at, nn_warp_space *space)
{
    const int64_t wide = nn_warp_wide(job);
    const int64_t framed = nn_round64((job->height + 3) * nn_warp_stride(wide));
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

/* The inner loops of one instruction set, for images [lo, hi) */
typedef struct {
    const char *name;
    void (*warp_images)(const nn_warp *job, int64_t lo, int64_t hi, nn_warp_space *space);
    void (*image_moments)(const nn_warp *job, int64_t lo, int64_t hi, int64_t *out);
} nn_warp_table;

#define NN_INNER_LOOPS "warp/warp_loops.h"
#define NN_TABLE nn_warp_table
#define NN_NO_AVX512 /* moments take 1.8 times as long with it: there is little arithmetic */
#include "common/dispatch.h"

static int nn_warp_threads(const nn_warp *job, int threads, double work_per_pixel)
{
    return nn_useful_threads(threads, work_per_pixel * job->count * job->height * job->width);
}

static int64_t nn_chunk_end(const nn_warp *job, int64_t start)
{
    return start + NN_CHUNK < job->count ? start + NN_CHUNK : job->count;
}

/* Return the bytes of work space of nn_warp_images. */
NN_API int64_t nn_warp_bytes(const nn_warp *job, int threads)
{
    return nn_round64(nn_warp_lay_out(job, NULL, NULL)) * (threads < 1 ? 1 : threads) + 64;
}

/* State that threads share: the next chunk of images goes to the first free thread. */
typedef struct {
    const nn_warp *warp;
    nn_atomic *chunks; /* number of chunks handed out */
    char *space;
    int64_t *moments;
} nn_warp_job;

/* Return the first image of the next chunk; job->warp->count or more if none is left. */
static int64_t nn_next_chunk(const nn_warp_job *job)
{
    return (int64_t)NN_CHUNK * nn_atomic_add(job->chunks, 1);
}

static void nn_warp_thread(const void *given, int t, int threads)
{
    const nn_warp_job *job = given;
    const nn_warp *warp = job->warp;
    const int64_t bytes = nn_round64(nn_warp_lay_out(warp, NULL, NULL));
    nn_warp_space space;
    char *const at = job->space + bytes * t;
    (void)threads;
    memset(at, 0, bytes); /* the border stays black; without modes the field stays 0 */
    nn_warp_lay_out(warp, at, &space);
    for (int64_t x = 0; x < warp->width; x++)
        for (int64_t k = 0; k < warp->modes; k++)
            space.columns[k * space.wide + x] = warp->basis_x[x * warp->modes + k];
    for (int64_t n; (n = nn_next_chunk(job)) < warp->count;)
        nn_active->warp_images(warp, n, nn_chunk_end(warp, n), &space);
}

NN_API void nn_warp_images(const nn_warp *warp, void *space, int threads)
{
    nn_atomic chunks = 0;
    const nn_warp_job job = {warp, &chunks, nn_align(space), NULL};
    nn_run(nn_warp_thread, &job, nn_warp_threads(warp, threads, 20 + 2 * warp->modes));
}

static void nn_moments_thread(const void *given, int t, int threads)
{
    const nn_warp_job *job = given;
    (void)t, (void)threads;
    for (int64_t n; (n = nn_next_chunk(job)) < job->warp->count;)
        nn_active->image_moments(job->warp, n, nn_chunk_end(job->warp, n), job->moments);
}

NN_API void nn_image_moments(const nn_warp *warp, int64_t *out, int threads)
{
    nn_atomic chunks = 0;
    const nn_warp_job job = {warp, &chunks, NULL, out};
    nn_run(nn_moments_thread, &job, nn_warp_threads(warp, threads, 1));
}

#endif
