/* Pooling, shared among threads. A plane is a channel of an image; each is pooled by itself.
 *
 * The loops of pooling_loops.h work in whole vectors: they read beyond the end of a plane, and
 * write beyond it. There the next plane lies, which the same thread writes afterwards. For the
 * last planes, of x to read and of a thread to write, copies with room behind them serve.
 */
#ifndef NN_POOLING_H
#define NN_POOLING_H

#include "common/threads.h"

#define NN_ROOM 32 /* floats behind a plane that vectors may reach; for strides, so many times */

/* Windows of kh x kw in planes (h, w), of which there are oh x ow. pairs: 2 x 2, side by side
 * and without padding */
typedef struct {
    int64_t planes, h, w, kh, kw, stride_h, stride_w, pad_h, pad_w, oh, ow;
    int pairs;
} nn_pool;

/* One instruction set's inner loops; pooling_loops.h says what each does. */
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

static inline int64_t nn_frame_size(const nn_pool *s) /* with room behind it */
{
    return (s->h + 2 * s->pad_h) * nn_frame_width(s) + NN_ROOM * s->stride_w;
}

static inline int64_t nn_out_size(const nn_pool *s)
{
    return s->oh * s->ow + NN_ROOM;
}

/* Floats of a thread: a padded plane, a row of one, a plane of the output and its places */
static inline int64_t nn_pool_each(const nn_pool *s)
{
    const int64_t row = nn_frame_width(s) + NN_ROOM * s->stride_w;
    return (nn_frame_size(s) + row + 2 * nn_out_size(s) + 15) / 16 * 16;
}

/* Bytes of work space that each of the functions below needs */
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

/* What a forward pass takes, each thread some planes. where: null for averages */
typedef struct {
    const nn_pool *s;
    const float *x;
    float *out;
    uint8_t *where;
    void *space;
} nn_pool_job;

/* Plane number p of x as the loops read it: itself, or its copy in a frame. Sets ldx. */
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

/* Whether what a thread writes beyond plane p, of `size`, is its own: it ends with plane hi */
static inline int nn_writable(int64_t p, int64_t hi, int64_t size)
{
    return (hi - 1 - p) * size >= NN_ROOM;
}

/* ---- Maximum and average ----------------------------------------------------------------- */

/* How many of a window's k rows or columns, from `first` on, lie in the padding before the image;
 * at most all but one */
static inline int64_t nn_padded(int64_t first, int64_t pad, int64_t k)
{
    const int64_t before = pad > first ? pad - first : 0;
    return before < k ? before : k - 1;
}

/* Padding is as large as a window of -INFINITY alone: its place becomes that of its first pixel */
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

/* x (planes, h, w) -> out and where (planes, oh, ow) */
NN_API void nn_max_forward(const nn_pool *s, const float *x, float *out, uint8_t *where,
                           void *space, int threads)
{
    const nn_pool_job job = {s, x, out, where, space};
    nn_run(nn_max_forward_thread, &job, nn_pool_threads(s, threads));
}

/* Of windows in `size` numbers, those that lie in them and not in the padding: [lo, hi) */
static inline void nn_inside(int64_t windows, int64_t k, int64_t stride, int64_t pad,
                             int64_t size, int64_t *lo, int64_t *hi)
{
    *lo = (pad + stride - 1) / stride;
    *hi = size + pad < k ? 0 : (size + pad - k) / stride + 1;
    *hi = *hi < windows ? *hi : windows;
}

/* The way to a place from its window's first number: rows, columns, and both in a plane */
typedef struct {
    int64_t down, right, both;
} nn_way;

/* A row of windows sends grad to the places where, but to none in the padding: j [lo, hi) */
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

/* grad and where (oh, ow) -> out (h, w) */
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

/* The same with shares of grad in place of the maximum's. row: work space */
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

/* What a backward pass takes. where: null for averages */
typedef struct {
    const nn_pool *s;
    const float *grad;
    const uint8_t *where;
    const nn_way *ways;
    float *out;
    void *space;
} nn_pool_back_job;

/* A plane of pairs: its last ones are copied to where there is room behind them. */
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

/* The backward pass of either: where is null for the average */
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
    nn_pool bare = *s; /* the loop sees to the padding */
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

/* Where `outputs` windows of `inputs` numbers begin and end; returns what follows in the table */
static int32_t *nn_set_windows(int64_t outputs, int64_t inputs, int32_t *ends)
{
    for (int64_t i = 0; i < outputs; i++) {
        *ends++ = (int32_t)(i * inputs / outputs);
        *ends++ = (int32_t)(((i + 1) * inputs + outputs - 1) / outputs);
    }
    return ends;
}

/* The windows of rows and behind them those of columns, in place of an output plane */
static const int32_t *nn_windows(const nn_pool *s, const nn_pool_desk *d, const int32_t **columns)
{
    int32_t *const rows = (int32_t *)d->out;
    *columns = nn_set_windows(s->oh, s->h, rows);
    nn_set_windows(s->ow, s->w, rows + 2 * s->oh);
    return rows;
}

/* A plane x (h, w) -> out (oh, ow). row: work space */
static void nn_adaptive_plane(const nn_pool *s, const int32_t *rows, const int32_t *columns,
                              const float *x, float *row, float *out)
{
    for (int64_t i = 0; i < s->oh; i++, out += s->ow) {
        const int64_t top = rows[2 * i], end = rows[2 * i + 1];
        if (s->ow == 1) { /* whole rows, one behind the other */
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
    if (size == 1) { /* planes after which there is room */
        const int64_t room = s->planes - (NN_ROOM + whole - 1) / whole;
        p = hi < room ? hi : room;
        p = p < lo ? lo : p;
        nn_active->means(p - lo, whole, job->x + lo * whole, whole, job->out + lo, 1);
    }
    for (; p < hi; p++)
        nn_adaptive_plane(s, rows, columns, nn_readable(s, job->x, p, d.frame, &ldx), d.row,
                          job->out + p * size);
}

/* x (planes, h, w) -> out (planes, oh, ow) */
NN_API void nn_adaptive_forward(const nn_pool *s, const float *x, float *out, void *space,
                                int threads)
{
    const nn_pool_job job = {s, x, out, 0, space};
    nn_run(nn_adaptive_forward_thread, &job, nn_pool_threads(s, threads));
}

/* A plane grad (oh, ow) -> out (h, w). row: work space */
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

/* grad (planes, oh, ow) -> out (planes, h, w) */
NN_API void nn_adaptive_backward(const nn_pool *s, const float *grad, float *out, void *space,
                                 int threads)
{
    const nn_pool_back_job job = {s, grad, 0, 0, out, space};
    nn_run(nn_adaptive_backward_thread, &job, nn_pool_threads(s, threads));
}

#endif
