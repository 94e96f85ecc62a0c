/* Pooling, shared among threads. A plane is one channel of one image; planes are independent.
 *
 * The loops of pooling_loops.h use whole vectors: they read and write beyond the end of a plane,
 * where the next plane begins, which the same thread writes afterwards. The last planes of x are
 * read, and the last planes of a thread are written, through padded copies.
 */
#ifndef NN_POOLING_H
#define NN_POOLING_H

#include "common/threads.h"

#define NN_ROOM 32 /* floats after a plane that vectors may touch, times the stride */

/* oh x ow windows of kh x kw in planes (h, w). pairs: windows of 2 x 2 at stride 2 without
 * padding */
typedef struct {
    int64_t planes, h, w, kh, kw, stride_h, stride_w, pad_h, pad_w, oh, ow;
    int pairs;
} nn_pool;

/* The inner loops of one instruction set, described in pooling_loops.h. */
typedef struct {
    const char *name;
    void (*max_forward)(const nn_pool *s, const float *x, int64_t ldx, float *out,
                        uint8_t *where);
    void (*pairs_backward)(const nn_pool *s, const float *grad, const uint8_t *where, float *out);
    void (*avg_forward)(const nn_pool *s, const float *x, float *sums, float *out);
    void (*means)(int64_t planes, int64_t n, const float *x, int64_t ldx, float *out,
                  int64_t step);
    void (*add)(int64_t n, const float *x, float *y);
    void (*fill)(int64_t n, float value, float *y);
} nn_pooling_table;

#define NN_INNER_LOOPS "pooling/pooling_loops.h"
#define NN_TABLE nn_pooling_table
#include "common/dispatch.h"

static inline int nn_pool_threads(const nn_pool *s, int threads)
{
    const double area = (double)s->oh * (double)s->ow * (double)(s->kh * s->kw);
    return nn_useful_threads(threads, (double)s->planes * (area + (double)s->h * (double)s->w));
}

/* ---- Work space -------------------------------------------------------------------------- */

static inline int64_t nn_frame_width(const nn_pool *s)
{
    return s->w + 2 * s->pad_w;
}

static inline int64_t nn_frame_size(const nn_pool *s) /* including the padding after it */
{
    return (s->h + 2 * s->pad_h) * nn_frame_width(s) + NN_ROOM * s->stride_w;
}

static inline int64_t nn_out_size(const nn_pool *s)
{
    return s->oh * s->ow + NN_ROOM;
}

/* Return a thread's floats: a padded plane, a row of one, an output plane and its positions. */
static inline int64_t nn_pool_each(const nn_pool *s)
{
    const int64_t row = nn_frame_width(s) + NN_ROOM * s->stride_w;
    return (nn_frame_size(s) + row + 2 * nn_out_size(s) + 15) / 16 * 16;
}

/* Return the bytes of work space of each function below. */
NN_API int64_t nn_pool_space(const nn_pool *s, int threads)
{
    return 64 + 4 * nn_pool_each(s) * nn_pool_threads(s, threads);
}

typedef struct {
    float *frame, *row, *out;
    uint8_t *where;
} nn_pool_desk;

static inline nn_pool_desk nn_pool_set_desk(const nn_pool *s, void *space, int thread)
{
    float *const frame = (float *)nn_align(space) + thread * nn_pool_each(s);
    float *const row = frame + nn_frame_size(s);
    float *const out = row + nn_frame_width(s) + NN_ROOM * s->stride_w;
    const nn_pool_desk d = {frame, row, out, (uint8_t *)(out + nn_out_size(s))};
    return d;
}

/* Arguments of a forward pass; threads share planes. where: null for averages */
typedef struct {
    const nn_pool *s;
    const float *x;
    float *out;
    uint8_t *where;
    void *space;
} nn_pool_job;

/* Return plane p of x as the loops read it, in place or copied into a frame, and set ldx. */
static const float *nn_readable(const nn_pool *s, const float *x, int64_t p, float *frame,
                                int64_t *ldx)
{
    const int64_t size = s->h * s->w;
    const float *const plane = x + p * size;
    *ldx = nn_frame_width(s);
    if (!s->pad_h && !s->pad_w && (s->planes - 1 - p) * size >= NN_ROOM * s->stride_w)
        return plane;
    for (int64_t i = 0; i < s->h; i++)
        memcpy(frame + (i + s->pad_h) * *ldx + s->pad_w, plane + i * s->w,
               (size_t)s->w * sizeof *frame);
    return frame;
}

/* Return whether a thread may write beyond plane p of `size` elements: its share ends before plane
 * hi. */
static inline int nn_writable(int64_t p, int64_t hi, int64_t size)
{
    return (hi - 1 - p) * size >= NN_ROOM;
}

/* ---- Maximum and average ----------------------------------------------------------------- */

/* Return how many of a window's k rows or columns, from `first` on, are in the padding before the
 * image; at most k - 1. */
static inline int64_t nn_padded(int64_t first, int64_t pad, int64_t k)
{
    const int64_t before = pad > first ? pad - first : 0;
    return before < k ? before : k - 1;
}

/* Padding is -INFINITY. If all of a window's pixels are -INFINITY, too, set its position to its
 * first pixel. */
static void nn_leave_padding(const nn_pool *s, const float *out, uint8_t *where)
{
    for (int64_t i = 0; i < s->oh; i++)
        for (int64_t j = 0; j < s->ow; j++, out++, where++)
            if (*out == -INFINITY)
                *where = (uint8_t)(nn_padded(i * s->stride_h, s->pad_h, s->kh) * s->kw +
                                   nn_padded(j * s->stride_w, s->pad_w, s->kw));
}

static void nn_max_forward_thread(const void *given, int t, int threads)
{
    const nn_pool_job *job = given;
    const nn_pool *s = job->s;
    const nn_pool_desk d = nn_pool_set_desk(s, job->space, t);
    const int64_t size = s->oh * s->ow;
    int64_t lo, hi, ldx;
    nn_share(s->planes, 1, t, threads, &lo, &hi);
    nn_active->fill(nn_frame_size(s), -INFINITY, d.frame);
    for (int64_t p = lo; p < hi; p++) {
        const float *const from = nn_readable(s, job->x, p, d.frame, &ldx);
        float *const out = job->out + p * size;
        uint8_t *const where = job->where + p * size;
        if (nn_writable(p, hi, size)) {
            nn_active->max_forward(s, from, ldx, out, where);
        } else {
            nn_active->max_forward(s, from, ldx, d.out, d.where);
            memcpy(out, d.out, (size_t)size * sizeof *out);
            memcpy(where, d.where, (size_t)size);
        }
        if (s->pad_h || s->pad_w)
            nn_leave_padding(s, out, where);
    }
}

/* Max-pool x (planes, h, w) to out and where (planes, oh, ow). */
NN_API void nn_max_forward(const nn_pool *s, const float *x, float *out, uint8_t *where,
                           void *space, int threads)
{
    const nn_pool_job job = {s, x, out, where, space};
    nn_run(nn_max_forward_thread, &job, nn_pool_threads(s, threads));
}

/* Return the range [lo, hi) of windows that lie completely within `size` elements, without
 * padding. */
static inline void nn_inside(int64_t windows, int64_t k, int64_t stride, int64_t pad,
                             int64_t size, int64_t *lo, int64_t *hi)
{
    *lo = (pad + stride - 1) / stride;
    *hi = size + pad < k ? 0 : (size + pad - k) / stride + 1;
    *hi = *hi < windows ? *hi : windows;
}

/* Offset of a position from its window's first element: rows, columns, and elements of a plane */
typedef struct {
    int64_t down, right, both;
} nn_way;

/* Add grad of windows j in [lo, hi) of a row to their positions `where`, except in the padding. */
static void nn_send(const nn_pool *s, const float *grad, const uint8_t *where, const nn_way *ways,
                    int64_t top, int64_t lo, int64_t hi, float *out)
{
    for (int64_t j = lo; j < hi; j++) {
        const int64_t r = top + ways[where[j]].down;
        const int64_t c = j * s->stride_w - s->pad_w + ways[where[j]].right;
        if (r >= 0 && r < s->h && c >= 0 && c < s->w)
            out[r * s->w + c] += grad[j];
    }
}

/* Backward pass of a plane: grad and where (oh, ow) to out (h, w). */
static void nn_max_plane_backward(const nn_pool *s, const float *grad, const uint8_t *where,
                                  const nn_way *ways, float *out)
{
    int64_t above, below, left, right;
    nn_inside(s->oh, s->kh, s->stride_h, s->pad_h, s->h, &above, &below);
    nn_inside(s->ow, s->kw, s->stride_w, s->pad_w, s->w, &left, &right);
    nn_active->fill(s->h * s->w, 0, out);
    for (int64_t i = 0; i < s->oh; i++, grad += s->ow, where += s->ow) {
        const int64_t top = i * s->stride_h - s->pad_h;
        const int64_t first = top * s->w - s->pad_w;
        if (i < above || i >= below || left >= right) {
            nn_send(s, grad, where, ways, top, 0, s->ow, out);
            continue;
        }
        nn_send(s, grad, where, ways, top, 0, left, out);
        for (int64_t j = left; j < right; j++)
            out[first + j * s->stride_w + ways[where[j]].both] += grad[j];
        nn_send(s, grad, where, ways, top, right, s->ow, out);
    }
}

/* As nn_max_plane_backward, for averages: each pixel gets an equal share of grad. row: work
 * space. */
static void nn_avg_plane_backward(const nn_pool *s, const float *grad, float *row, float *out)
{
    const float share = 1.0f / (float)(s->kh * s->kw);
    nn_active->fill(s->h * s->w, 0, out);
    for (int64_t i = 0; i < s->oh; i++, grad += s->ow) {
        const int64_t top = i * s->stride_h - s->pad_h, lo = top < 0 ? 0 : top;
        const int64_t hi = top + s->kh < s->h ? top + s->kh : s->h;
        nn_active->fill(nn_frame_width(s), 0, row);
        for (int64_t v = 0; v < s->kw; v++)
            for (int64_t j = 0; j < s->ow; j++)
                row[j * s->stride_w + v] += nn_product(grad[j], share);
        for (int64_t r = lo; r < hi; r++)
            nn_active->add(s->w, row + s->pad_w, out + r * s->w);
    }
}

/* Arguments of a backward pass. where: null for averages */
typedef struct {
    const nn_pool *s;
    const float *grad;
    const uint8_t *where;
    const nn_way *ways;
    float *out;
    void *space;
} nn_pool_back_job;

/* Backward pass of a plane of pairs. The last planes go through padded copies. */
static void nn_pairs_plane_backward(const nn_pool_back_job *job, const nn_pool_desk *d, int64_t p,
                                    int64_t hi)
{
    const nn_pool *s = job->s;
    const int64_t size = s->oh * s->ow, whole = s->h * s->w;
    const float *g = job->grad + p * size;
    const uint8_t *at = job->where ? job->where + p * size : 0;
    float *const to = job->out + p * whole;
    if ((s->planes - 1 - p) * size < NN_ROOM) {
        g = memcpy(d->out, g, (size_t)size * sizeof *g);
        at = at ? memcpy(d->where, at, (size_t)size) : 0;
    }
    if (nn_writable(p, hi, whole)) {
        nn_active->pairs_backward(s, g, at, to);
    } else {
        nn_active->pairs_backward(s, g, at, d->frame);
        memcpy(to, d->frame, (size_t)whole * sizeof *to);
    }
}

static void nn_pool_backward_thread(const void *given, int t, int threads)
{
    const nn_pool_back_job *job = given;
    const nn_pool *s = job->s;
    const nn_pool_desk d = nn_pool_set_desk(s, job->space, t);
    const int64_t size = s->oh * s->ow, whole = s->h * s->w;
    int64_t lo, hi;
    nn_share(s->planes, 1, t, threads, &lo, &hi);
    for (int64_t p = lo; p < hi; p++) {
        const float *const g = job->grad + p * size;
        float *const to = job->out + p * whole;
        if (s->pairs)
            nn_pairs_plane_backward(job, &d, p, hi);
        else if (job->where)
            nn_max_plane_backward(s, g, job->where + p * size, job->ways, to);
        else
            nn_avg_plane_backward(s, g, d.row, to);
    }
}

/* Backward pass of maximum or average pooling; where is null for the average. */
NN_API void nn_pool_backward(const nn_pool *s, const float *grad, const uint8_t *where,
                             float *out, void *space, int threads)
{
    nn_way ways[256];
    const nn_pool_back_job job = {s, grad, where, ways, out, space};
    for (int64_t k = 0; k < 256; k++) {
        ways[k].down = k / s->kw;
        ways[k].right = k % s->kw;
        ways[k].both = ways[k].down * s->w + ways[k].right;
    }
    nn_run(nn_pool_backward_thread, &job, nn_pool_threads(s, threads));
}

static void nn_avg_forward_thread(const void *given, int t, int threads)
{
    const nn_pool_job *job = given;
    const nn_pool *s = job->s;
    const nn_pool_desk d = nn_pool_set_desk(s, job->space, t);
    const int64_t size = s->oh * s->ow;
    int64_t lo, hi, ldx;
    nn_pool bare = *s; /* the loop handles the padding */
    bare.pad_h = bare.pad_w = 0;
    nn_share(s->planes, 1, t, threads, &lo, &hi);
    nn_active->fill(nn_frame_size(s) + nn_frame_width(s) + NN_ROOM * s->stride_w, 0, d.frame);
    for (int64_t p = lo; p < hi; p++) {
        const float *const from = nn_readable(&bare, job->x, p, d.frame, &ldx);
        float *const out = job->out + p * size;
        float *const to = nn_writable(p, hi, size) ? out : d.out;
        nn_active->avg_forward(s, from, d.row, to);
        if (to == d.out)
            memcpy(out, d.out, (size_t)size * sizeof *out);
    }
}

NN_API void nn_avg_forward(const nn_pool *s, const float *x, float *out, void *space,
                           int threads)
{
    const nn_pool_job job = {s, x, out, 0, space};
    nn_run(nn_avg_forward_thread, &job, nn_pool_threads(s, threads));
}

/* ---- Adaptive average -------------------------------------------------------------------- */

/* Write begin and end of `outputs` windows in `inputs` elements; return the next free place in the
 * table. */
static int32_t *nn_set_windows(int64_t outputs, int64_t inputs, int32_t *ends)
{
    for (int64_t i = 0; i < outputs; i++) {
        *ends++ = (int32_t)(i * inputs / outputs);
        *ends++ = (int32_t)(((i + 1) * inputs + outputs - 1) / outputs);
    }
    return ends;
}

/* Write the windows of rows, followed by those of columns, into the space of an output plane. */
static const int32_t *nn_windows(const nn_pool *s, const nn_pool_desk *d, const int32_t **columns)
{
    int32_t *const rows = (int32_t *)d->out;
    *columns = nn_set_windows(s->oh, s->h, rows);
    nn_set_windows(s->ow, s->w, rows + 2 * s->oh);
    return rows;
}

/* Pool a plane x (h, w) to out (oh, ow). row: work space. */
static void nn_adaptive_plane(const nn_pool *s, const int32_t *rows, const int32_t *columns,
                              const float *x, float *row, float *out)
{
    for (int64_t i = 0; i < s->oh; i++, out += s->ow) {
        const int64_t top = rows[2 * i], end = rows[2 * i + 1];
        if (s->ow == 1) { /* whole rows are contiguous */
            nn_active->means(1, (end - top) * s->w, x + top * s->w, 0, out, 0);
            continue;
        }
        memcpy(row, x + top * s->w, (size_t)s->w * sizeof *row);
        for (int64_t r = top + 1; r < end; r++)
            nn_active->add(s->w, x + r * s->w, row);
        for (int64_t j = 0; j < s->ow; j++) {
            const int32_t left = columns[2 * j], right = columns[2 * j + 1];
            float sum = 0;
            for (int32_t c = left; c < right; c++)
                sum += row[c];
            out[j] = sum / (float)((end - top) * (right - left));
        }
    }
}

static void nn_adaptive_forward_thread(const void *given, int t, int threads)
{
    const nn_pool_job *job = given;
    const nn_pool *s = job->s;
    const nn_pool_desk d = nn_pool_set_desk(s, job->space, t);
    const int64_t whole = s->h * s->w, size = s->oh * s->ow;
    const int32_t *columns, *const rows = nn_windows(s, &d, &columns);
    int64_t lo, hi, p, ldx;
    nn_share(s->planes, 1, t, threads, &lo, &hi);
    nn_active->fill(nn_frame_size(s), 0, d.frame);
    p = lo;
    if (size == 1) { /* planes followed by enough others */
        const int64_t room = s->planes - (NN_ROOM + whole - 1) / whole;
        p = hi < room ? hi : room;
        p = p < lo ? lo : p;
        nn_active->means(p - lo, whole, job->x + lo * whole, whole, job->out + lo, 1);
    }
    for (; p < hi; p++)
        nn_adaptive_plane(s, rows, columns, nn_readable(s, job->x, p, d.frame, &ldx), d.row,
                          job->out + p * size);
}

/* Pool x (planes, h, w) to out (planes, oh, ow) by adaptive averages. */
NN_API void nn_adaptive_forward(const nn_pool *s, const float *x, float *out, void *space,
                                int threads)
{
    const nn_pool_job job = {s, x, out, 0, space};
    nn_run(nn_adaptive_forward_thread, &job, nn_pool_threads(s, threads));
}

/* Backward pass of a plane: grad (oh, ow) to out (h, w). row: work space. */
static void nn_adaptive_plane_backward(const nn_pool *s, const int32_t *rows,
                                       const int32_t *columns, const float *grad, float *row,
                                       float *out)
{
    nn_active->fill(s->h * s->w, 0, out);
    for (int64_t i = 0; i < s->oh; i++) {
        const int64_t top = rows[2 * i], end = rows[2 * i + 1];
        nn_active->fill(s->w, 0, row);
        for (int64_t j = 0; j < s->ow; j++, grad++) {
            const int32_t left = columns[2 * j], right = columns[2 * j + 1];
            const float share = *grad / (float)((end - top) * (right - left));
            for (int32_t c = left; c < right; c++)
                row[c] += share;
        }
        for (int64_t r = top; r < end; r++)
            nn_active->add(s->w, row, out + r * s->w);
    }
}

static void nn_adaptive_backward_thread(const void *given, int t, int threads)
{
    const nn_pool_back_job *job = given;
    const nn_pool *s = job->s;
    const nn_pool_desk d = nn_pool_set_desk(s, job->space, t);
    const int64_t whole = s->h * s->w, size = s->oh * s->ow;
    const int32_t *columns, *const rows = nn_windows(s, &d, &columns);
    int64_t lo, hi;
    nn_share(s->planes, 1, t, threads, &lo, &hi);
    for (int64_t p = lo; p < hi; p++) {
        const float *const g = job->grad + p * size;
        if (size == 1)
            nn_active->fill(whole, *g / (float)whole, job->out + p * whole);
        else
            nn_adaptive_plane_backward(s, rows, columns, g, d.row, job->out + p * whole);
    }
}

/* Backward pass of adaptive averages: grad (planes, oh, ow) to out (planes, h, w). */
NN_API void nn_adaptive_backward(const nn_pool *s, const float *grad, float *out, void *space,
                                 int threads)
{
    const nn_pool_back_job job = {s, grad, 0, 0, out, space};
    nn_run(nn_adaptive_backward_thread, &job, nn_pool_threads(s, threads));
}

#endif
