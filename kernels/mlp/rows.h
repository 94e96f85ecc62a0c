/* Compressed rows: made from images, and checked. */
#ifndef NN_MLP_ROWS_H
#define NN_MLP_ROWS_H

#include "common/threads.h"
#include "mlp/table.h"

/* Arguments of the compression: images, and the compressed rows. */
typedef struct {
    const uint8_t *images;
    int64_t count, width, *counted; /* counted: nn_count_pixels' indptr */
    const int64_t *indptr;
    uint16_t *cols;
    uint8_t *vals;
} nn_compress_job;

static void nn_count_pixels_thread(const void *given, int t, int threads)
{
    const nn_compress_job *job = given;
    int64_t m0, m1;
    nn_share(job->count, 8, t, threads, &m0, &m1);
    for (int64_t m = m0; m < m1; m++) {
        const uint8_t *pixels = job->images + m * job->width;
        int64_t filled = 0;
        for (int64_t i = 0; i < job->width;) { /* 128 at a time: the count fits in a byte */
            const int64_t end = i + 128 < job->width ? i + 128 : job->width;
            uint8_t some = 0;
            for (; i < end; i++)
                some = (uint8_t)(some + (pixels[i] != 0));
            filled += some;
        }
        job->counted[1 + m] = filled;
    }
}

/* Set indptr[1 + m] to the number of nonzero pixels of image m. */
NN_API void nn_count_pixels(const uint8_t *images, int64_t count, int64_t width, int64_t *indptr,
                            int threads)
{
    const nn_compress_job job = {images, count, width, indptr, 0, 0, 0};
    const double work = (double)count * (double)width / 4;
    nn_run(nn_count_pixels_thread, &job, nn_useful_threads(threads, work));
}

enum { NN_PART = 1024 }; /* pixels of an image that are compressed at a time */

/* Append the nonzero pixels of [i, end) to the `filled` entries; return the new number of entries.
 * Every pixel is written, and overwritten by the next one if it is 0: no branch to mispredict. */
NN_INLINE int64_t nn_keep_pixels(const uint8_t *pixels, int64_t first, int64_t i, int64_t end,
                                 uint16_t *cols, uint8_t *vals, int64_t filled)
{
    for (; i < end; i++) {
        cols[filled] = (uint16_t)(first + i);
        vals[filled] = pixels[i];
        filled += pixels[i] != 0;
    }
    return filled;
}

/* Compress the part of an image that begins at pixel `first`; return the number of nonzero pixels.
 * Most groups of eight pixels are black, in an unpredictable order, so the other groups are listed
 * first, without branches. */
static inline int64_t nn_compress_part(const uint8_t *pixels, int64_t first, int64_t count,
                                       uint16_t *cols, uint8_t *vals)
{
    const int64_t whole = count / 8 * 8;
    uint16_t eights[NN_PART / 8 + 1];
    int64_t some = 0, filled = 0;
    for (int64_t i = 0; i < whole; i += 8) {
        uint64_t eight;
        memcpy(&eight, pixels + i, 8);
        eights[some] = (uint16_t)i;
        some += eight != 0;
    }
    for (int64_t k = 0; k < some; k++)
        filled = nn_keep_pixels(pixels, first, eights[k], eights[k] + 8, cols, vals, filled);
    return nn_keep_pixels(pixels, first, whole, count, cols, vals, filled);
}

static void nn_compress_thread(const void *given, int t, int threads)
{
    uint16_t cols[NN_PART + 1];
    uint8_t vals[NN_PART + 1];
    const nn_compress_job *job = given;
    const int64_t width = job->width;
    int64_t m0, m1;
    nn_share(job->count, 8, t, threads, &m0, &m1);
    for (int64_t m = m0; m < m1; m++) {
        int64_t k = job->indptr[m];
        for (int64_t i = 0; i < width; i += NN_PART) {
            const int64_t left = width - i, count = left < NN_PART ? left : NN_PART;
            const int64_t filled =
                nn_compress_part(job->images + m * width + i, i, count, cols, vals);
            memcpy(job->cols + k, cols, (size_t)filled * sizeof(uint16_t));
            memcpy(job->vals + k, vals, (size_t)filled);
            k += filled;
        }
    }
}

/* Write the entries of all images; indptr says where each image's entries begin. */
NN_API void nn_compress(const uint8_t *images, int64_t count, int64_t width, const int64_t *indptr,
                        uint16_t *cols, uint8_t *vals, int threads)
{
    const nn_compress_job job = {images, count, width, 0, indptr, cols, vals};
    const double work = (double)count * (double)width / 4;
    nn_run(nn_compress_thread, &job, nn_useful_threads(threads, work));
}
enum { NN_ROWS_AHEAD = 8 }; /* rows prefetched ahead */

/* Prefetch a row: a batch's rows are scattered over 30 MB (MNIST). Always inline: GCC removes calls
 * of a function that only prefetches, as calls without effect. */
NN_INLINE void nn_prefetch_row(const nn_rows *x, int64_t row)
{
    const int64_t k0 = x->indptr[row], k1 = x->indptr[row + 1];
    for (int64_t k = k0; k < k1 + 31; k += 32)
        NN_PREFETCH_FAR(x->cols + k);
    for (int64_t k = k0; k < k1 + 63; k += 64)
        NN_PREFETCH_FAR(x->vals + k);
}

/* Check that all entries of the images `index` are inside the arrays. Add the number of their
 * entries to *total, and return the position in index of the first invalid image, or -1. rows,
 * entries: their numbers in the whole set. */
NN_API int64_t nn_find_bad_row(const nn_rows *x, int64_t rows, int64_t entries,
                               const int64_t *index, int64_t count, int64_t *total)
{
    for (int64_t n = 0; n < count; n++) {
        const int64_t next = n + NN_ROWS_AHEAD < count ? index[n + NN_ROWS_AHEAD] : -1;
        if (next >= 0 && next < rows && x->indptr[next] >= 0 && x->indptr[next + 1] <= entries)
            nn_prefetch_row(x, next); /* never beyond the arrays */
        if (index[n] < 0 || index[n] >= rows)
            return n;
        const int64_t begin = x->indptr[index[n]], end = x->indptr[index[n] + 1];
        if (begin < 0 || begin > end || end > entries)
            return n;
        const uint16_t *cols = x->cols + begin;
        uint16_t outside = 0;
        if (x->width < 65536)
            for (int64_t k = 0; k < end - begin; k++)
                outside |= cols[k] >= (uint16_t)x->width;
        if (outside)
            return n;
        *total += end - begin;
    }
    return -1;
}

/* Return the position of the first of `count` numbers that is not in 0 .. limit - 1, or -1. */
NN_API int64_t nn_find_outside(const int64_t *numbers, int64_t count, int64_t limit)
{
    for (int64_t n = 0; n < count; n++)
        if (numbers[n] < 0 || numbers[n] >= limit)
            return n;
    return -1;
}

#endif
