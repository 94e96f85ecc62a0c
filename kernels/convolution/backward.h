/* Gradients of a convolution with the ReLU and the max pooling that follow it.
 *
 * Threads share images. A weight's gradient is a sum over images: it is summed in chunks, whose
 * number depends on the batch and the layer but not on the threads, and the chunks are added in a
 * fixed order. So every thread count gives the same bits.
 */
#ifndef NN_CONVOLUTION_BACKWARD_H
#define NN_CONVOLUTION_BACKWARD_H

#include "convolution/forward.h"

#define NN_MAX_CHUNKS 16
#define NN_CHUNK_BYTES (32 << 20) /* limit for all chunks of a gradient; at least two chunks */

/* Plan of a backward pass: which gradients are needed, and the method of each.
 *
 * With ReLU and pooling, the gradient of a convolution's output is mostly 0. Each nonzero, a
 * "spike", is multiplied with the run of inputs in its receptive field (gather, for the gradient of
 * the weights) or with the weights of these inputs (scatter, for the gradient of x). Other methods
 * are used in these cases:
 * by_pixel: images with so few channels that their runs are shorter than a vector. The image's
 * nonzero pixels are the spikes, and the gradients of all outputs are contiguous.
 * dense_w, dense_x: without pooling. The gradient of the weights is a sum of outer products, the
 * gradient of x is a product of the gradients and the rotated weights. */
typedef struct {
    int want_w, want_bias, want_x, by_pixel, dense_w, dense_x, winograd_w, winograd_x, listed;
    int group, laid; /* images that are processed together; gradient frames */
    int64_t vector, width, run, turned; /* o, kw * c and c, rounded up to whole vectors */
    int64_t most;                       /* gradients of one output in an image */
    int64_t down, right;                /* pixels from one gradient to the next in the frame g */
    int64_t chunks, per_chunk, size;    /* size: floats of a chunk's sums, its bias last */
    nn_frame x, g;                      /* g: gradients in channels-last layout */
    int64_t tables, weights, each;      /* floats of work space */
} nn_plan;

/* Return the floats of a chunk's sums, for outputs and runs of these widths. The number of chunks
 * determines the order of a sum, so every instruction set computes it for the widest vectors. */
static int64_t nn_chunk_floats(const nn_conv *s, const nn_plan *p, int64_t width, int64_t run)
{
    const int64_t area = s->kh * s->kw;
    const int64_t sums = p->by_pixel || p->dense_w ? s->c * area * width : s->o * s->kh * run;
    return nn_floats(sums) + nn_floats(s->o);
}

/* Return whether the gradient of x is computed as a dense product: also with strides, with zeros
 * between the gradients, if that is less work than scattering them. */
static inline int nn_is_dense(const nn_conv *s)
{
    return nn_is_plain(s) || (s->stride_h <= 2 && s->stride_w <= 2 && s->kh <= 3 && s->kw <= 3);
}

static nn_plan nn_conv_plan(const nn_conv *s, int want_w, int want_bias, int want_x)
{
    nn_plan p;
    const int64_t area = s->kh * s->kw;
    const int plain = nn_is_plain(s);
    memset(&p, 0, sizeof p);
    p.want_w = want_w, p.want_bias = want_bias, p.want_x = want_x;
    p.vector = nn_active->vector;
    p.width = nn_whole(s->o, p.vector);
    p.run = nn_whole(s->kw * s->c, p.vector);
    p.turned = nn_whole(s->c, p.vector);
    p.by_pixel = want_w && plain && s->kw * s->c < 12;
    p.dense_w = want_w && !p.by_pixel && s->pool == 1;
    p.dense_x = want_x && nn_is_dense(s) && s->pool == 1 && s->pad_h < s->kh && s->pad_w < s->kw;
    p.down = p.dense_x ? s->stride_h : 1, p.right = p.dense_x ? s->stride_w : 1;
    p.winograd_w = p.dense_w && nn_is_winograd(s->kh, s->kw, plain) && nn_are_whole(s->c);
    p.winograd_x = p.dense_x && nn_is_winograd(s->kh, s->kw, 1);
    p.listed = (want_w && !p.by_pixel && !p.dense_w) || (want_x && !p.dense_x);
    p.group = s->pool > 1 ? NN_GROUP : 1;
    if (p.winograd_w || p.winograd_x)
        p.group = (int)nn_winograd_images(s->oh, s->ow);
    p.most = s->ph * s->pw;
    if (want_w) { /* at least two chunks of any size, for two threads */
        p.size = nn_chunk_floats(s, &p, p.width, p.run);
        p.chunks = 2 + NN_CHUNK_BYTES / (4 * nn_chunk_floats(s, &p, nn_whole(s->o, NN_WIDEST),
                                                             nn_whole(s->kw * s->c, NN_WIDEST)));
        p.chunks = nn_least(NN_MAX_CHUNKS, p.chunks);
        p.chunks = nn_least(p.chunks, s->pool > 1 ? (s->n + 1) / 2 : s->n);
    } else
        p.chunks = (s->n + p.group - 1) / p.group; /* no sums: one chunk per group */
    p.chunks = p.chunks < 1 ? 1 : p.chunks;
    p.per_chunk = (s->n + p.chunks - 1) / p.chunks;
    p.x = nn_framed(s->h, s->w, s->c, s->c, s->pad_h, s->pad_w);
    if (p.by_pixel || p.dense_w || p.dense_x)
        p.g = nn_framed((s->h + 2 * s->pad_h - s->kh) / (s->stride_h / p.down) + 1,
                        (s->w + 2 * s->pad_w - s->kw) / (s->stride_w / p.right) + 1, s->o, p.width,
                        s->kh - 1, s->kw - 1);
    p.tables = 2 * nn_floats(s->oh * s->ow) + nn_floats(p.most) + nn_floats(s->pool * s->pool) +
               nn_floats(s->o) + nn_floats(s->h * s->w) + 2 * nn_floats(NN_WINOGRAD_TILES) +
               nn_floats(2 * (s->h + s->kh));
    p.weights = p.dense_x ? nn_floats((p.winograd_x ? 36 : area) * p.width * p.turned)
                          : nn_floats(s->o * s->kh * p.run);
    p.weights += nn_floats(p.turned); /* no bias */
    p.laid = s->pool == 1 ? p.group : 1;
    p.each = p.group * (nn_frame_floats(&p.x) + 2 * s->o * p.most) + 2 * NN_SLACK +
             nn_floats(s->o) + nn_floats(s->o * p.most) + nn_floats(2 * s->o * s->oh * s->ow) +
             2 * nn_floats(p.most * p.width) + NN_SLACK + nn_floats(s->oh * s->ow) +
             p.laid * nn_frame_floats(&p.g) + nn_floats(2 * s->h * s->w) +
             (p.dense_x ? nn_product_floats(p.group * s->h * s->w, p.turned)
                        : nn_frame_floats(&p.x)) +
             (p.winograd_x ? nn_winograd_space(p.width, p.turned) : 0) +
             (p.winograd_w ? nn_winograd_outer_space(s->c, p.width) : 0);
    return p;
}

NN_API int64_t nn_conv_backward_space(const nn_conv *s, int want_w, int want_x, int threads)
{
    const nn_plan p = nn_conv_plan(s, want_w, 0, want_x);
    threads = nn_useful_threads(threads, 2 * nn_conv_work(s));
    return 64 + 4 * (p.tables + p.weights + p.chunks * p.size + threads * p.each);
}

/* Inputs of a backward pass, and tables of offsets that all threads share.
 * in_x, in_g: each output pixel's receptive field in the frame of x, and its gradients in the frame
 * g.
 * first, way: first pixel of each pooling window, and the pixels of a window relative to it.
 * in_sums: sums of each output.
 * turned_x: for each pixel of x, the gradients that the rotated weights are applied to.
 * tile_x, tile_g: Winograd's tiles.
 * ends: begin and end of the gradients in each row of their frame that the rotated weights cover.
 * out: null without ReLU. */
typedef struct {
    const float *x, *out, *grad;
    const uint8_t *where;
    int32_t *in_x, *in_g, *first, *way, *in_sums, *turned_x, *tile_x, *tile_g, *ends;
} nn_given;

/* One thread's work space. x: frames of a group's images. spikes, counts: the group's spikes by
 * output.
 * placed, placed_counts: one image's spikes by pixel. */
typedef struct {
    float *x[NN_GROUP];
    nn_spike *spikes, *placed, *seen;
    int32_t *counts, *placed_counts;
    float *masked, *tall, *g[NN_GROUP], *pixels, *tiles;
} nn_desk;

static float *nn_take(float **space, int64_t floats)
{
    float *const taken = *space;
    *space += nn_floats(floats);
    return taken;
}

static nn_desk nn_set_desk(const nn_conv *s, const nn_plan *p, float *space)
{
    nn_desk d;
    memset(&d, 0, sizeof d);
    float *const frames = nn_take(&space, p->group * nn_frame_floats(&p->x));
    for (int k = 0; k < p->group; k++) {
        d.x[k] = frames + k * nn_frame_floats(&p->x);
        nn_clear_frame(&p->x, d.x[k]);
    }
    d.spikes = (nn_spike *)nn_take(&space, p->group * 2 * s->o * p->most);
    d.counts = (int32_t *)nn_take(&space, s->o);
    d.masked = nn_take(&space, s->o * p->most);
    d.tall = nn_take(&space, nn_floats(p->most * p->width) + p->most * p->width);
    d.placed = (nn_spike *)nn_take(&space, 2 * s->o * s->oh * s->ow);
    d.placed_counts = (int32_t *)nn_take(&space, s->oh * s->ow);
    for (int k = 0; k < p->group; k++) {
        d.g[k] = k < p->laid ? nn_take(&space, nn_frame_floats(&p->g) - NN_SLACK) : d.g[0];
        nn_clear_frame(&p->g, d.g[k]);
    }
    d.seen = (nn_spike *)nn_take(&space, 2 * s->h * s->w);
    d.tiles = space;
    space += p->winograd_w ? nn_winograd_outer_space(s->c, p->width) : 0;
    d.pixels = space;
    memset(d.tall, 0, (size_t)(2 * nn_floats(p->most * p->width)) * sizeof *d.tall);
    return d;
}

static void nn_fill_tables(const nn_conv *s, const nn_plan *p, const nn_given *given)
{
    nn_fill_in_x(s->oh, s->ow, s->stride_h * p->x.ld, s->stride_w * p->x.step, given->in_x);
    nn_fill_in_x(s->h, s->w, p->g.ld, p->width, given->turned_x);
    for (int64_t i = 0; i < s->oh; i++)
        for (int64_t j = 0; j < s->ow; j++)
            given->in_g[i * s->ow + j] = (int32_t)nn_in_frame(&p->g, i * p->down, j * p->right);
    for (int64_t i = 0; i < s->ph; i++)
        for (int64_t j = 0; j < s->pw; j++)
            given->first[i * s->pw + j] = (int32_t)(i * s->pool * s->ow + j * s->pool);
    for (int64_t k = 0; k < s->pool * s->pool; k++)
        given->way[k] = (int32_t)(k / s->pool * s->ow + k % s->pool);
    for (int64_t o = 0; o < s->o; o++)
        given->in_sums[o] = (int32_t)(o * s->kh * p->run);
    for (int64_t k = 0; k < NN_WINOGRAD_TILES; k++) {
        given->tile_x[k] = (int32_t)(k * s->c);
        given->tile_g[k] = (int32_t)(k * p->width);
    }
    for (int64_t i = 0; p->dense_x && i < s->h + s->kh; i++) {
        const int64_t row = i + s->pad_h - (s->kh - 1), first = s->kw - 1 - s->pad_w;
        const int any = row >= 0 && row < s->oh * p->down && row % p->down == 0;
        given->ends[2 * i] = any ? (int32_t)(first * p->width) : 0;
        given->ends[2 * i + 1] = any ? (int32_t)((first + s->ow * p->right) * p->width) : 0;
    }
}

/* Return the positions of an image's maxima, or null without pooling. */
static const uint8_t *nn_places(const nn_conv *s, const nn_plan *p, const nn_given *given,
                                int64_t image)
{
    return s->pool > 1 ? given->where + image * s->o * p->most : 0;
}

/* Return an image's gradients with respect to ReLU's input, and add their sum per output to
 * bias. */
static const float *nn_mask(const nn_conv *s, const nn_plan *p, const nn_given *given,
                            int64_t image, float *masked, float *bias)
{
    const int64_t from = image * s->o * p->most;
    if (bias || given->out)
        nn_active->mask(s->o, p->most, given->grad + from, given->out ? given->out + from : 0,
                        masked, bias);
    return given->out ? masked : given->grad + from;
}

/* Append an output's nonzero gradients, with `at` the pixel, to a list of `count` spikes; return
 * the new length. */
static int32_t nn_list_spikes(const nn_plan *p, const nn_given *given, const float *grad,
                              const uint8_t *where, nn_spike *list, int32_t count)
{
    for (int64_t q = 0; q < p->most; q++) {
        list[count].at = where ? given->first[q] + given->way[where[q]] : (int32_t)q;
        list[count].g = grad[q];
        count += grad[q] != 0;
    }
    return count;
}

/* Append an image's spikes to the lists of outputs, and build its lists of pixels. `at` of a spike
 * in an output's list: offset of its receptive field in the group's frames; the image's frame is at
 * `begin`. `at` in a pixel's list: offset of the output's weights. */
static void nn_list_image(const nn_conv *s, const nn_plan *p, const nn_given *given,
                          const nn_desk *d, int64_t image, const float *grad, int64_t begin)
{
    const int64_t n = p->most;
    const uint8_t *const where = nn_places(s, p, given, image);
    memset(d->placed_counts, 0, (size_t)(s->oh * s->ow) * sizeof *d->placed_counts);
    for (int64_t o = 0; o < s->o; o++) {
        nn_spike *const list = d->spikes + o * p->group * n;
        const int32_t before = d->counts[o];
        const int32_t count =
            nn_list_spikes(p, given, grad + o * n, where ? where + o * n : 0, list, before);
        for (int32_t e = before; e < count; e++) {
            const int64_t pixel = list[e].at;
            nn_spike *const placed = d->placed + pixel * s->o + d->placed_counts[pixel]++;
            placed->at = (int32_t)(o * s->kh * p->run);
            placed->g = list[e].g;
            list[e].at = (int32_t)begin + given->in_x[pixel];
        }
        d->counts[o] = count;
    }
}

/* Compute the gradient of an image by scattering its spikes. */
static void nn_scatter_image(const nn_conv *s, const nn_plan *p, const nn_given *given,
                             const nn_desk *d, const float *weights, float *x_grad)
{
    const nn_lists lists = {d->placed, d->placed_counts, given->in_x, s->oh * s->ow, s->o};
    nn_clear_frame(&p->x, d->pixels);
    nn_active->gather(&lists, weights, p->run, s->kh, p->run / p->vector, d->pixels, p->x.ld);
    nn_from_frame(&p->x, d->pixels, x_grad);
}

/* Copy an image's gradients into their frame. */
static void nn_lay(const nn_conv *s, const nn_plan *p, const nn_given *given, const nn_desk *d,
                   int64_t image, const float *grad, float *to)
{
    const int64_t n = p->most;
    int32_t *const places = (int32_t *)(d->tall + nn_floats(n * p->width));
    if (s->pool == 1) {
        nn_active->transpose_lines(grad, s->o, n, n, to + nn_in_frame(&p->g, 0, 0),
                                   p->right * p->width, s->ow, p->down * p->g.ld);
        return;
    }
    nn_active->transpose(grad, s->o, n, n, d->tall, p->width);
    nn_active->widen(s->o * n, nn_places(s, p, given, image), (int32_t *)d->placed);
    nn_active->transpose((const float *)d->placed, s->o, n, n, (float *)places, p->width);
    nn_active->unpool(s, d->tall, places, p->width, to + nn_in_frame(&p->g, 0, 0), p->g.ld);
}

/* Compute the gradients of `count` images as products, from image k of the group on. */
static void nn_turn_images(const nn_conv *s, const nn_plan *p, const nn_given *given,
                           const nn_desk *d, int k, int count, const float *weights, float *x_grad)
{
    const int64_t run = s->kw * p->width, size = s->h * s->w;
    const nn_pixels product = {d->g[k] + s->pad_h * p->g.ld + s->pad_w * p->g.step, weights,
                               weights + p->weights - nn_floats(p->turned), given->turned_x,
                               p->g.ld, p->width, 1, s->kh, run, s->h, s->w, p->turned,
                               given->ends, 0};
    if (p->winograd_x)
        nn_active->winograd(&product, count, nn_frame_floats(&p->g), d->pixels,
                            d->pixels + nn_product_floats(p->group * size, p->turned));
    else
        nn_active->product(&product, d->pixels);
    for (int i = 0; i < count; i++)
        nn_active->transpose(d->pixels + i * size * p->turned, size, s->c, p->turned,
                             x_grad + i * size * s->c, size);
}

/* Add an image's contribution to the weights' gradient, by its nonzero pixels. */
static void nn_gather_pixels(const nn_conv *s, const nn_plan *p, const nn_desk *d, const float *x,
                             const float *g, float *sums)
{
    const int64_t area = s->kh * s->kw;
    for (int64_t ch = 0; ch < s->c; ch++, x += s->h * s->w) {
        int64_t count = 0;
        for (int64_t i = 0; i < s->h; i++) {
            int32_t at = (int32_t)((i + s->pad_h) * p->g.ld + s->pad_w * p->width);
            for (int64_t j = 0; j < s->w; j++, at += (int32_t)p->width) {
                d->seen[count].at = at;
                d->seen[count].g = x[i * s->w + j];
                count += x[i * s->w + j] != 0;
            }
        }
        for (int64_t o = 0; o < p->width; o += p->vector)
            nn_active->gather_apart(d->seen, count, g + o, p->g.ld, p->width, s->kh, s->kw,
                                    sums + ch * area * p->width + o);
    }
}

/* Add a group's contribution to the weights' gradient, by Winograd's method. */
static void nn_winograd_weights(const nn_conv *s, const nn_plan *p, const nn_given *given,
                                const nn_desk *d, int count, float *sums)
{
    const nn_pixels pixels = {d->x[0], 0, 0, 0, p->x.ld, s->c, 1, 3, 3 * s->c, s->oh, s->ow,
                              p->width, 0, 0};
    nn_active->winograd_outer(&pixels, count, nn_frame_floats(&p->x),
                              d->g[0] + nn_in_frame(&p->g, 0, 0), p->g.ld,
                              nn_frame_floats(&p->g), given->tile_x, given->tile_g, d->tiles, sums);
}

/* Compute the gradients of a group of images: x_grad is written for each image, and the chunk's
 * sums are increased. */
static void nn_conv_group(const nn_conv *s, const nn_plan *p, const nn_given *given,
                          const nn_desk *d, int64_t from, int count, const float *weights,
                          float *sums, float *x_grad)
{
    const int64_t size = s->c * s->h * s->w;
    memset(d->counts, 0, (size_t)s->o * sizeof *d->counts);
    float *const bias = p->want_bias ? sums + p->size - nn_floats(s->o) : 0;
    for (int k = 0; k < count; k++) {
        const int64_t image = from + k;
        const float *const x = given->x + image * size;
        const float *const grad = nn_mask(s, p, given, image, d->masked, bias);
        if (p->g.rows)
            nn_lay(s, p, given, d, image, grad, d->g[k]);
        if (p->listed)
            nn_list_image(s, p, given, d, image, grad, d->x[k] - d->x[0]);
        if (p->dense_x && !p->winograd_x)
            nn_turn_images(s, p, given, d, k, 1, weights, x_grad + image * size);
        else if (p->want_x && !p->dense_x)
            nn_scatter_image(s, p, given, d, weights, x_grad + image * size);
        if (p->by_pixel)
            nn_gather_pixels(s, p, d, x, d->g[k], sums);
        else if (p->want_w)
            nn_into_frame(&p->x, x, d->x[k]);
        if (p->dense_w && !p->winograd_w)
            nn_active->outer(d->x[k], p->x.ld, s->kh, s->kw * s->c, given->in_x, d->g[k],
                             given->in_g, s->oh * s->ow, sums, p->width);
    }
    if (p->winograd_x)
        nn_turn_images(s, p, given, d, 0, count, weights, x_grad + from * size);
    if (p->winograd_w)
        nn_winograd_weights(s, p, given, d, count, sums);
    if (p->want_w && !p->by_pixel && !p->dense_w) {
        const nn_lists lists = {d->spikes, d->counts, given->in_sums, s->o, p->group * p->most};
        nn_active->gather(&lists, d->x[0], p->x.ld, s->kh, p->run / p->vector, sums, p->run);
    }
}

/* Copy the sums to w_grad (o, c, kh, kw) and bias_grad (o) for outputs lo .. hi. */
static void nn_unpack_sums(const nn_conv *s, const nn_plan *p, const float *sums, float *w_grad,
                           float *bias_grad, int64_t lo, int64_t hi)
{
    const int64_t area = s->kh * s->kw;
    for (int64_t o = lo; o < hi; o++) {
        for (int64_t k = 0; k < s->c * area; k++) {
            const int64_t ch = k / area, u = k % area / s->kw, v = k % s->kw;
            w_grad[o * s->c * area + k] =
                sums[p->by_pixel  ? ((ch + 1) * area - 1 - k % area) * p->width + o
                     : p->dense_w ? (k % area * s->c + ch) * p->width + o
                                  : (o * s->kh + u) * p->run + v * s->c + ch];
        }
        if (bias_grad)
            bias_grad[o] = sums[p->size - nn_floats(s->o) + o];
    }
}

/* weights, sums, desks: parts of the work space; desks has p.each floats per thread. */
typedef struct {
    const nn_conv *s;
    nn_plan p;
    nn_given given;
    const float *w;
    float *w_grad, *bias_grad, *x_grad, *weights, *sums, *desks;
} nn_conv_back_job;

/* Pack this thread's share of the weights for the gradient of x. */
static void nn_pack_turned(const nn_conv_back_job *job, int t, int threads)
{
    const nn_conv *s = job->s;
    const nn_plan *p = &job->p;
    const nn_filter turned = {
        job->w, s->kh, s->kw, s->o, s->c, s->c * s->kh * s->kw, s->kh * s->kw, 1};
    int64_t lo, hi;
    if (p->dense_x) {
        nn_share(p->winograd_x ? p->width : s->kh * s->kw * p->width, 1, t, threads, &lo, &hi);
        if (p->winograd_x)
            nn_active->winograd_pack(&turned, p->width, p->turned, job->weights,
                                     job->desks + t * p->each, lo, hi);
        else
            nn_pack(&turned, p->width, p->turned, job->weights, lo, hi);
    } else if (p->want_x) {
        nn_share(s->o * s->kh, 1, t, threads, &lo, &hi);
        nn_pack_runs(s, job->w, p->run, job->weights, lo, hi);
    }
}

static void nn_conv_backward_thread(const void *given, int t, int threads)
{
    const nn_conv_back_job *job = given;
    const nn_conv *s = job->s;
    const nn_plan *p = &job->p;
    float *const sums = job->sums;
    int64_t lo, hi;
    nn_pack_turned(job, t, threads);
    const nn_desk desk = nn_set_desk(s, p, job->desks + t * p->each);
    nn_share(p->chunks, 1, t, threads, &lo, &hi);
    nn_barrier(threads);
    for (int64_t k = lo; k < hi; k++) {
        const int64_t end = nn_least(s->n, (k + 1) * p->per_chunk);
        if (p->want_w)
            memset(sums + k * p->size, 0, (size_t)p->size * sizeof *sums);
        for (int64_t i = k * p->per_chunk; i < end; i += p->group)
            nn_conv_group(s, p, &job->given, &desk, i, (int)nn_least(p->group, end - i),
                          job->weights, sums + k * p->size, job->x_grad);
    }
    if (!p->want_w)
        return;
    nn_barrier(threads);
    nn_share(p->size, 16, t, threads, &lo, &hi);
    for (int64_t k = 1; k < p->chunks; k++)
        nn_active->add(hi - lo, sums + k * p->size + lo, sums + lo);
    nn_barrier(threads);
    nn_share(s->o, 1, t, threads, &lo, &hi);
    nn_unpack_sums(s, p, sums, job->w_grad, job->bias_grad, lo, hi);
}

/* Compute the gradients of a convolution. w_grad, bias_grad, x_grad: null if not needed. out,
 * where: results of the forward pass, read only with ReLU and with pooling, respectively. */
NN_API void nn_conv_backward(const nn_conv *s, const float *x, const float *w, const float *out,
                             const uint8_t *where, const float *grad, float *w_grad,
                             float *bias_grad, float *x_grad, void *space, int threads)
{
    const nn_plan p = nn_conv_plan(s, w_grad != 0, bias_grad != 0, x_grad != 0);
    float *at = (float *)nn_align(space);
    nn_given given = {x, s->relu ? out : 0, grad, where, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    given.in_x = (int32_t *)nn_take(&at, s->oh * s->ow);
    given.in_g = (int32_t *)nn_take(&at, s->oh * s->ow);
    given.first = (int32_t *)nn_take(&at, p.most);
    given.way = (int32_t *)nn_take(&at, s->pool * s->pool);
    given.in_sums = (int32_t *)nn_take(&at, s->o);
    given.turned_x = (int32_t *)nn_take(&at, s->h * s->w);
    given.tile_x = (int32_t *)nn_take(&at, NN_WINOGRAD_TILES);
    given.tile_g = (int32_t *)nn_take(&at, NN_WINOGRAD_TILES);
    given.ends = (int32_t *)nn_take(&at, 2 * (s->h + s->kh));
    float *const weights = at, *const sums = weights + p.weights;
    nn_fill_tables(s, &p, &given);
    memset(weights + p.weights - nn_floats(p.turned), 0, (size_t)p.turned * sizeof *weights);
    const nn_conv_back_job job = {s, p, given, w, w_grad, bias_grad, x_grad, weights, sums,
                                  sums + p.chunks * p.size};
    nn_run(nn_conv_backward_thread, &job, nn_useful_threads(threads, 2 * nn_conv_work(s)));
}

typedef struct {
    const float *grad;
    int64_t n, channels, pixels;
    float *out;
} nn_conv_bias_job;

static void nn_conv_bias_thread(const void *given, int t, int threads)
{
    const nn_conv_bias_job *job = given;
    int64_t lo, hi;
    nn_share(job->channels, job->pixels == 1 ? 16 : 1, t, threads, &lo, &hi);
    nn_active->channel_bias(job->grad, job->n, job->channels, job->pixels, lo, hi, job->out);
}

/* Set out[c] to the sum of channel c of grad (n, channels, pixels). Threads share channels. */
NN_API void nn_conv_bias(const float *grad, int64_t n, int64_t channels, int64_t pixels, float *out,
                         int threads)
{
    const nn_conv_bias_job job = {grad, n, channels, pixels, out};
    const double work = NN_PASS * ((double)n * (double)channels * (double)pixels);
    nn_run(nn_conv_bias_thread, &job, nn_useful_threads(threads, work));
}

#endif
