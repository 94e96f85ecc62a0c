/* Convolution, with the ReLU and the max pooling that follow it, shared among threads.
 *
 * The arguments are images (n, c, h, w), as in PyTorch. Internally, one image at a time is copied
 * to work space that stays in cache, in channels-last layout ("pixels"): there a kernel row covers
 * one contiguous run of kw * c elements, for any size. convolution_loops.h has the loops,
 * backward.h the backward pass.
 */
#ifndef NN_CONVOLUTION_H
#define NN_CONVOLUTION_H

#include "common/threads.h"

#define NN_SLACK 64 /* floats after an array that a vector may touch */
#define NN_MORE_PIXELS 8 /* pixels that a product may compute after the last one */
#define NN_WIDEST 16 /* maximum floats per vector of all instruction sets */
#define NN_GROUP 4   /* images that are processed together */
#define NN_MOST_ROWS 64 /* maximum rows of weights or of an image that are checked for zeros */

static inline int64_t nn_whole(int64_t n, int64_t of)
{
    return (n + of - 1) / of * of;
}

static inline int64_t nn_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t nn_floats(int64_t n)
{
    return nn_whole(n + NN_SLACK, 16);
}

/* Return the floats of an image that a product computes. */
static inline int64_t nn_product_floats(int64_t pixels, int64_t width)
{
    return nn_floats((pixels + NN_MORE_PIXELS) * width);
}

/* Winograd tiles that are processed at a time: few enough to stay in cache */
#define NN_WINOGRAD_TILES 32

/* Return the stride in floats between two of the 36 matrices (tiles, channels). It includes 8 spare
 * tiles, because a product computes whole groups of tiles, and is an odd number of cache lines, so
 * that the 36 matrices are spread over all sets of the cache. */
static inline int64_t nn_winograd_step(int64_t channels)
{
    return (NN_WINOGRAD_TILES + 8) * channels + 16;
}

/* A convolution: x (n, c, h, w) with weight (o, c, kh, kw) gives (n, o, oh, ow), and pooling in
 * windows of pool x pool gives (n, o, ph, pw). */
typedef struct {
    int64_t n, c, h, w, o, kh, kw, stride_h, stride_w, pad_h, pad_w, oh, ow, pool, ph, pw;
    int relu;
} nn_conv;

/* A nonzero factor `g` and the offset `at` of the run of elements that it multiplies. */
typedef struct {
    int32_t at;
    float g;
} nn_spike;

/* Lists of spikes: list k has counts[k] spikes from spikes + k * most on; its sums begin at
 * in_y[k]. */
typedef struct {
    const nn_spike *spikes;
    const int32_t *counts, *in_y;
    int64_t lists, most;
} nn_lists;

/* Arguments of the product of pixels and packed weights: out[i * ow + j, :] is the sum over rows u
 * < kh of x[i * stride_h + u, j * stride_w * channels + (0 .. run)] times w[u]. in_x: offset in x
 * of each output pixel's receptive field; the last one is repeated NN_MORE_PIXELS times. */
typedef struct {
    const float *x, *w, *bias;
    const int32_t *in_x;
    int64_t ldx, step_w; /* floats to the next row of x, to the next output pixel */
    int64_t stride_h, kh, run, oh, ow, width; /* width: of out and w, whole vectors */
    const int32_t *ends;                      /* begin and end of each row's nonzeros; or null */
    int relu;                                 /* whether winograd or rows apply ReLU */
} nn_pixels;

/* Weights from `from` to `to` channels, with their strides in w; turned: rotate the kernels by 180
 * degrees, as the backward pass does. */
typedef struct {
    const float *w;
    int64_t kh, kw, from, to, by_from, by_to;
    int turned;
} nn_filter;

/* Arguments of a product of planes: weights (kh, kw, width), and pixels in four planes of `plane`
 * floats with row stride ld. h, ldx: number of rows and row stride of the frame. */
typedef struct {
    const float *w, *bias;
    int64_t kh, kw, width, h, ldx, plane, ld, outputs, ph, pw;
} nn_planes;

/* The inner loops of one instruction set; they are defined and described in convolution_loops.h,
 * planes_loops.h, rows_loops.h, winograd_loops.h and spikes_loops.h. */
typedef struct {
    const char *name;
    int64_t vector; /* floats */
    void (*transpose)(const float *x, int64_t rows, int64_t columns, int64_t ldx, float *y,
                      int64_t ldy);
    void (*transpose_lines)(const float *x, int64_t rows, int64_t columns, int64_t ldx, float *y,
                            int64_t ldy, int64_t across, int64_t ldl);
    void (*product)(const nn_pixels *p, float *out);
    void (*planes)(const nn_planes *p, const float *x, float *planes, float *out, uint8_t *where);
    void (*rows)(const nn_pixels *p, int64_t outputs, float *out);
    void (*outer)(const float *x, int64_t ldx, int64_t kh, int64_t run, const int32_t *in_x,
                  const float *g, const int32_t *in_g, int64_t pixels, float *sums,
                  int64_t width);
    void (*winograd_pack)(const nn_filter *f, int64_t channels, int64_t width, float *to,
                          float *space, int64_t lo, int64_t hi);
    void (*winograd)(const nn_pixels *p, int64_t images, int64_t frame, float *out, float *space);
    void (*winograd_outer)(const nn_pixels *p, int64_t images, int64_t frame, const float *g,
                           int64_t ldg, int64_t frame_g, const int32_t *in_x, const int32_t *in_g,
                           float *space, float *sums);
    void (*pool)(const nn_conv *s, const float *image, int64_t width, float *out, int32_t *place);
    void (*unpool)(const nn_conv *s, const float *grad, const int32_t *place, int64_t width,
                   float *to, int64_t ldt);
    void (*mask)(int64_t outputs, int64_t n, const float *grad, const float *out, float *to,
                 float *bias);
    void (*add)(int64_t n, const float *x, float *to);
    void (*narrow)(int64_t n, const int32_t *x, uint8_t *y);
    void (*widen)(int64_t n, const uint8_t *x, int32_t *y);
    void (*gather)(const nn_lists *lists, const float *x, int64_t ldx, int64_t rows,
                   int64_t vectors, float *y, int64_t ldy);
    void (*gather_apart)(const nn_spike *spikes, int64_t count, const float *x, int64_t ldx,
                         int64_t step, int64_t rows, int64_t vectors, float *sums);
    void (*channel_bias)(const float *grad, int64_t n, int64_t channels, int64_t pixels,
                         int64_t c0, int64_t c1, float *out);
} nn_convolution_table;

#define NN_INNER_LOOPS "convolution/convolution_loops.h"
#define NN_TABLE nn_convolution_table
#include "common/dispatch.h"

static inline double nn_conv_work(const nn_conv *s)
{
    return (double)s->n * (double)(s->oh * s->ow) * (double)(s->o * s->c * s->kh * s->kw);
}

/* ---- Images as pixels ------------------------------------------------------------------ */

/* An image of c channels with a border: pixel stride `step`, row stride ld, in floats. */
typedef struct {
    int64_t h, w, c, step, pad_h, pad_w, rows, ld;
} nn_frame;

static inline nn_frame nn_framed(int64_t h, int64_t w, int64_t c, int64_t step, int64_t pad_h,
                                 int64_t pad_w)
{
    const nn_frame f = {h, w, c, step, pad_h, pad_w, h + 2 * pad_h, (w + 2 * pad_w) * step};
    return f;
}

/* Return the offset of pixel (i, j). */
static inline int64_t nn_in_frame(const nn_frame *f, int64_t i, int64_t j)
{
    return (i + f->pad_h) * f->ld + (j + f->pad_w) * f->step;
}

static inline int64_t nn_frame_floats(const nn_frame *f)
{
    return nn_floats((f->rows + 3) * f->ld + 3 * f->step); /* Winograd's tiles reach this far */
}

/* Zero the whole frame; its border stays 0. */
static void nn_clear_frame(const nn_frame *f, float *to)
{
    memset(to, 0, (size_t)nn_frame_floats(f) * sizeof *to);
}

/* Copy an image (c, h, w) into the frame. */
static void nn_into_frame(const nn_frame *f, const float *x, float *to)
{
    float *const first = to + nn_in_frame(f, 0, 0);
    if (f->step > 1)
        nn_active->transpose_lines(x, f->c, f->h * f->w, f->h * f->w, first, f->step, f->w, f->ld);
    for (int64_t i = 0; f->step == 1 && i < f->h; i++)
        memcpy(first + i * f->ld, x + i * f->w, (size_t)f->w * sizeof *x);
}

/* Copy the frame to an image (c, h, w). */
static void nn_from_frame(const nn_frame *f, const float *from, float *x)
{
    for (int64_t i = 0; i < f->h; i++)
        nn_active->transpose(from + nn_in_frame(f, i, 0), f->w, f->c, f->step, x + i * f->w,
                             f->h * f->w);
}

/* Set `ends` to the begin and end of the nonzero pixels in each row of a one-channel image. */
static void nn_find_ends(const nn_frame *f, const float *x, int32_t *ends)
{
    for (int64_t i = 0; i < f->rows; i++) {
        const float *row = x + i * f->ld;
        int64_t lo = 0, hi = f->ld;
        while (lo < hi && row[lo] == 0)
            lo++;
        while (hi > lo && row[hi - 1] == 0)
            hi--;
        ends[2 * i] = (int32_t)lo;
        ends[2 * i + 1] = (int32_t)hi;
    }
}

/* ---- Weights as the loops read them ------------------------------------------------------ */

static inline float nn_weight(const nn_filter *f, int64_t from, int64_t to, int64_t u)
{
    if (from >= f->from || to >= f->to)
        return 0.0f;
    return f->w[from * f->by_from + to * f->by_to + (f->turned ? f->kh * f->kw - 1 - u : u)];
}

/* Pack weights to (kh, kw, channels, width): one input's weights to all outputs are contiguous.
 * Only rows lo .. hi of the matrix (kh * kw * channels, width). */
static void nn_pack(const nn_filter *f, int64_t channels, int64_t width, float *packed, int64_t lo,
                    int64_t hi)
{
    for (int64_t k = lo; k < hi; k++)
        for (int64_t o = 0; o < width; o++)
            packed[k * width + o] = nn_weight(f, k % channels, o, k / channels);
}

/* Lavin and Gray 2016, Fast algorithms for convolutional neural networks: 16 outputs of a 3 x 3
 * kernel take 36 multiplications per channel instead of 144. */
static inline int nn_is_winograd(int64_t kh, int64_t kw, int plain)
{
    return kh == 3 && kw == 3 && plain;
}

/* Return whether the channels fill whole vectors of the widest set: then all sets decide alike, and
 * give the same bits. */
static inline int nn_are_whole(int64_t channels)
{
    return channels % NN_WIDEST == 0;
}

/* Return the number of images whose Winograd tiles are processed at a time. */
static inline int64_t nn_winograd_images(int64_t oh, int64_t ow)
{
    const int64_t each = ((oh + 3) / 4) * ((ow + 3) / 4);
    return each > NN_WINOGRAD_TILES ? 1 : nn_least(NN_GROUP, NN_WINOGRAD_TILES / each);
}

/* Return the floats of work space for the inputs and sums of the tiles. */
static inline int64_t nn_winograd_space(int64_t channels, int64_t width)
{
    return nn_floats(36 * (nn_winograd_step(channels) + nn_winograd_step(width)));
}

/* As nn_winograd_space, for the gradient of the weights, whose sums are in Winograd's form, too. */
static inline int64_t nn_winograd_outer_space(int64_t channels, int64_t width)
{
    return nn_winograd_space(channels, width) + nn_floats(36 * channels * width);
}

/* Pack weights (o, c, kh, kw) to (o, kh, run); run: kw * c, padded with zeros to whole vectors. */
static void nn_pack_runs(const nn_conv *s, const float *w, int64_t run, float *to, int64_t lo,
                         int64_t hi)
{
    for (int64_t k = lo; k < hi; k++) { /* rows of (o, kh) */
        const int64_t o = k / s->kh, u = k % s->kh;
        memset(to + k * run, 0, (size_t)run * sizeof *to);
        for (int64_t v = 0; v < s->kw; v++)
            for (int64_t ch = 0; ch < s->c; ch++)
                to[k * run + v * s->c + ch] = w[((o * s->c + ch) * s->kh + u) * s->kw + v];
    }
}

/* ---- Forward ------------------------------------------------------------------------------ */

static inline int nn_is_plain(const nn_conv *s)
{
    return s->stride_h == 1 && s->stride_w == 1;
}

/* Fill in_x with the offset of each output pixel's receptive field; the last one is repeated. */
static void nn_fill_in_x(int64_t oh, int64_t ow, int64_t step_h, int64_t step_w, int32_t *in_x)
{
    for (int64_t i = 0; i < oh; i++)
        for (int64_t j = 0; j < ow; j++)
            in_x[i * ow + j] = (int32_t)(i * step_h + j * step_w);
    for (int64_t k = 0; k < NN_MORE_PIXELS; k++)
        in_x[oh * ow + k] = in_x[oh * ow - 1];
}

/* Return whether planes is faster than product: it multiplies black pixels, too, but wastes no
 * lanes of its vectors. The sums are the same. */
static inline int nn_is_planes(const nn_conv *s)
{
    return s->c == 1 && nn_is_plain(s) && s->pool == 2 && s->relu &&
           s->o <= 2 * nn_active->vector && s->pw >= 8 && s->h + 2 * s->pad_h <= NN_MOST_ROWS;
}

/* Return whether rows is faster than product, without pooling. In short rows its vectors are half
 * empty. */
static inline int nn_is_rows(const nn_conv *s)
{
    return s->c == 1 && nn_is_plain(s) && s->pool == 1 && s->ow > NN_WIDEST;
}

static inline nn_planes nn_planes_of(const nn_conv *s, const nn_frame *f, const float *w,
                                     const float *bias, int64_t width)
{
    const int64_t ld = nn_whole((f->ld + 1) / 2, NN_WIDEST);
    const nn_planes p = {w, bias, s->kh, s->kw, width, f->rows, f->ld, (f->rows + 1) / 2 * ld,
                         ld, s->o, s->ph, s->pw};
    return p;
}

static inline int64_t nn_forward_space(const nn_conv *s, int64_t *weights, int64_t *bias,
                                       int64_t *each)
{
    const nn_frame f = nn_framed(s->h, s->w, s->c, s->c, s->pad_h, s->pad_w);
    const int64_t width = nn_whole(s->o, nn_active->vector);
    const int winograd = nn_is_winograd(s->kh, s->kw, nn_is_plain(s)) && nn_are_whole(s->c);
    const int64_t group = winograd ? nn_winograd_images(s->oh, s->ow) : 1;
    *weights = nn_floats((winograd ? 36 : s->kh * s->kw) * s->c * width);
    *bias = nn_floats(width);
    *each = group * nn_frame_floats(&f) + nn_floats(2 * f.rows) + nn_floats(s->oh * s->ow) +
            nn_product_floats(group * s->oh * s->ow, width) +
            2 * nn_floats(s->ph * s->pw * width) +
            (nn_is_planes(s) ? nn_floats(4 * nn_planes_of(s, &f, 0, 0, 0).plane) : 0) +
            (winograd ? nn_winograd_space(s->c, width) : 0);
    return *weights + *bias;
}

/* Return the bytes of work space of nn_conv_forward. */
NN_API int64_t nn_conv_forward_space(const nn_conv *s, int threads)
{
    int64_t weights, bias, each;
    const int64_t shared = nn_forward_space(s, &weights, &bias, &each);
    threads = nn_useful_threads(threads, nn_conv_work(s));
    return 64 + 4 * (shared + threads * each);
}

/* packed, bias, mine: parts of the work space; mine has `each` floats per thread. */
typedef struct {
    const nn_conv *s;
    nn_filter filter;
    const float *x;
    float *out;
    uint8_t *where;
    float *packed, *bias, *mine;
    int64_t width, each;
} nn_conv_job;

/* Apply ReLU and pooling to an image if `pools`, and write it to out as (channels, pixels). */
static void nn_finish(const nn_conv_job *job, int64_t i, int pools, float *image, float *pooled)
{
    const nn_conv *s = job->s;
    const int64_t width = job->width, pixels = s->ph * s->pw, at = i * s->o * pixels;
    float *const places = pooled + nn_floats(pixels * width);
    if (pools)
        nn_active->pool(s, image, width, pooled, (int32_t *)places);
    nn_active->transpose(pools ? pooled : image, pixels, s->o, width, job->out + at, pixels);
    if (job->where) { /* image is no longer needed */
        nn_active->transpose(places, pixels, s->o, width, image, pixels);
        nn_active->narrow(s->o * pixels, (const int32_t *)image, job->where + at);
    }
}

static void nn_conv_forward_thread(const void *given, int t, int threads)
{
    const nn_conv_job *job = given;
    const nn_conv *s = job->s;
    const int64_t width = job->width, pixels = s->ph * s->pw;
    const int winograd = nn_is_winograd(s->kh, s->kw, nn_is_plain(s)) && nn_are_whole(s->c);
    const int64_t group = winograd ? nn_winograd_images(s->oh, s->ow) : 1;
    const nn_frame f = nn_framed(s->h, s->w, s->c, s->c, s->pad_h, s->pad_w);
    const int64_t framed = nn_frame_floats(&f), size = s->oh * s->ow * width;
    float *const frame = job->mine + t * job->each;
    int32_t *const ends = (int32_t *)(frame + group * framed);
    int32_t *const in_x = ends + nn_floats(2 * f.rows);
    float *const image = (float *)in_x + nn_floats(s->oh * s->ow);
    float *const pooled = image + nn_product_floats(group * s->oh * s->ow, width);
    float *const space = pooled + 2 * nn_floats(pixels * width);
    const nn_pixels p = {frame, job->packed, job->bias, in_x, f.ld, s->stride_w * s->c,
                         s->stride_h, s->kh, s->kw * s->c, s->oh, s->ow, width,
                         s->c == 1 ? ends : 0, (winograd || nn_is_rows(s)) && s->relu && s->pool == 1};
    int64_t lo, hi;
    nn_share(winograd ? s->c : s->kh * s->kw * s->c, 1, t, threads, &lo, &hi);
    if (winograd)
        nn_active->winograd_pack(&job->filter, s->c, width, job->packed, space, lo, hi);
    else
        nn_pack(&job->filter, s->c, width, job->packed, lo, hi);
    for (int64_t k = 0; k < group; k++)
        nn_clear_frame(&f, frame + k * framed);
    nn_fill_in_x(s->oh, s->ow, s->stride_h * f.ld, s->stride_w * s->c, in_x);
    nn_share(s->n, 1, t, threads, &lo, &hi);
    nn_barrier(threads);
    for (int64_t i = lo; i < hi; i += group) {
        const int64_t count = nn_least(group, hi - i);
        for (int64_t k = 0; k < count; k++)
            nn_into_frame(&f, job->x + (i + k) * s->c * s->h * s->w, frame + k * framed);
        if (nn_is_planes(s)) {
            const nn_planes q = nn_planes_of(s, &f, job->packed, job->bias, width);
            nn_active->planes(&q, frame, space, job->out + i * s->o * pixels,
                              job->where ? job->where + i * s->o * pixels : 0);
            continue;
        }
        if (p.ends)
            nn_find_ends(&f, frame, ends);
        if (nn_is_rows(s)) {
            nn_active->rows(&p, s->o, job->out + i * s->o * pixels);
            continue;
        }
        if (winograd)
            nn_active->winograd(&p, count, framed, image, space);
        else
            nn_active->product(&p, image);
        for (int64_t k = 0; k < count; k++)
            nn_finish(job, i + k, !p.relu && (s->relu || s->pool > 1), image + k * size, pooled);
    }
}

/* Compute out (n, o, ph, pw). where: position of each maximum in its window, or null. */
NN_API void nn_conv_forward(const nn_conv *s, const float *x, const float *w, const float *bias,
                            float *out, uint8_t *where, void *space, int threads)
{
    int64_t weights, biases, each;
    const int64_t shared = nn_forward_space(s, &weights, &biases, &each);
    const int64_t width = nn_whole(s->o, nn_active->vector);
    float *const packed = (float *)nn_align(space), *const begin = packed + weights;
    const nn_filter filter = {w, s->kh, s->kw, s->c, s->o, s->kh * s->kw, s->c * s->kh * s->kw, 0};
    const nn_conv_job job = {s, filter, x, out, where, packed, begin, packed + shared, width, each};
    for (int64_t o = 0; o < width; o++)
        begin[o] = bias && o < s->o ? bias[o] : 0.0f;
    nn_run(nn_conv_forward_thread, &job, nn_useful_threads(threads, nn_conv_work(s)));
}

#endif
