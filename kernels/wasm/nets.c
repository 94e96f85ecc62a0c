/* Short training runs whose bits `make bits` compares between machines.
 *
 * Each line of the output is a network: its name, and in hexadecimal the words of the losses of all
 * steps and of the final weights and moments. The images are computed from integers, so that no
 * file is read, and the initial weights are the same on every machine. The last line names the
 * instruction set, and says whether it fuses multiply-adds.
 */
#include "wasm/driver.c"
#include "wasm/families.h"

#include <stdio.h>

enum { SIDE = 12, PIXELS = SIDE * SIDE, CLASSES = 10, IMAGES = 320, BATCH = 16 };

/* ---- Data and output ---------------------------------------------------------------------- */

/* Draw the images: a class is the position of a bright bar; the rest is noise. */
static void draw(uint8_t *images, uint8_t *labels)
{
    for (uint32_t i = 0; i < IMAGES; i++) {
        labels[i] = (uint8_t)(nn_mixed(i) % CLASSES);
        for (uint32_t p = 0; p < PIXELS; p++) {
            const uint32_t bits = nn_mixed(IMAGES + i * PIXELS + p);
            const int bright = (p / SIDE + p % SIDE / 4) % CLASSES == labels[i];
            images[i * PIXELS + p] = bright || bits % 16 == 0 ? (uint8_t)(bits >> 8 | 1) : 0;
        }
    }
}

static void print_words(const void *from, int64_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (int64_t at = 0; at < bytes; at += 4) {
        char text[9] = {0};
        uint32_t word;
        memcpy(&word, (const char *)from + at, 4);
        for (int k = 0; k < 8; k++)
            text[k] = digits[word >> (28 - 4 * k) & 15];
        fputs(text, stdout);
    }
}

/* ---- Multilayer perceptrons ------------------------------------------------------------------ */

/* A training run; momentum below 0 means Adam */
typedef struct {
    const char *name;
    int32_t activation, steps, batch;
    double momentum, rate, shift;
} mlp_case;

static int train_mlp(const mlp_case *c, const uint8_t *images, const uint8_t *labels)
{
    const int32_t widths[] = {PIXELS, 50, 24, CLASSES};
    nn_net *const net = nn_create(widths, 4, c->activation);
    if (!net || nn_set(net, images, labels, IMAGES, 1.0 / 255, c->shift))
        return 1;
    nn_reset(net, 1);
    if (c->momentum < 0)
        nn_use_adam(net, 0.9, 0.999, 1e-8);
    else
        nn_use_sgd(net, c->momentum, 0);
    printf("%s ", c->name);
    for (int32_t s = 0; s < c->steps; s += 64) {
        if (nn_train(net, 64, c->batch, c->rate))
            return 1;
        for (int k = 0; k < 64; k++) {
            const float loss = (float)nn_losses(net)[k];
            print_words(&loss, 4);
        }
    }
    print_words(nn_floats_of(net), 4 * net->parameters * (1 + net->moments));
    printf("\n");
    nn_destroy(net);
    return 0;
}

/* ---- Networks for images ----------------------------------------------------------------------- */

/* A parameter of n elements, its gradient and its moments, contiguous */
typedef struct {
    int64_t n;
    float *w, *g, *m, *v;
} tensor;

static tensor make(int64_t n, int64_t inputs, uint32_t seed)
{
    tensor t = {n, calloc((size_t)n, 16), 0, 0, 0};
    const float bound = inputs ? 1.0f / NN_SQRT((float)inputs) : 0;
    t.g = t.w + n;
    t.m = t.g + n;
    t.v = t.m + n;
    for (int64_t i = 0; i < n; i++)
        t.w[i] = ((float)(nn_mixed((uint32_t)i ^ nn_mixed(seed)) >> 8) / 8388608.0f - 1.0f) * bound;
    return t;
}

static void update(const nn_optimizer *rule, tensor *parameters, int count)
{
    for (int k = 0; k < count; k++) {
        const tensor *const t = &parameters[k];
        const nn_parameter p = {t->w, nn_moments(rule) > 0 ? t->m : 0,
                                nn_moments(rule) > 1 ? t->v : 0, 0};
        nn_optimizer_step(rule, t->n, t->g, p, 1);
    }
}

/* Print the parameters, gradients and moments, and free them. */
static void finish(tensor *parameters, int count)
{
    for (int k = 0; k < count; k++) {
        print_words(parameters[k].w, 16 * parameters[k].n);
        free(parameters[k].w);
    }
    printf("\n");
}

/* Last layer of a network, forward and backward, for x (BATCH, depth): compute its gradients and
 * x_grad. */
static void classify(const float *x, int64_t depth, const int64_t *labels, const tensor *weight,
                     const tensor *bias, float *x_grad)
{
    const nn_optimizer store = nn_store();
    const nn_parameter db = {bias->g, 0, 0, 0};
    float logits[BATCH * CLASSES], losses[BATCH];
    float *const work = calloc((size_t)nn_transposed_floats(depth, CLASSES, 1), sizeof *work);
    nn_linear_forward(x, depth, weight->w, CLASSES, bias->w, BATCH, depth, CLASSES, logits, CLASSES,
                      0, 1);
    const float loss =
        (float)nn_cross_entropy(logits, labels, BATCH, CLASSES, 0, losses, logits, 1);
    print_words(&loss, 4);
    nn_linear_backward_weight(x, depth, logits, CLASSES, BATCH, depth, CLASSES, weight->g, CLASSES,
                              0, 0, 1);
    nn_bias_update(logits, CLASSES, BATCH, CLASSES, &store, db, 1);
    nn_linear_backward_input(logits, CLASSES, weight->w, CLASSES, BATCH, depth, CLASSES, x_grad,
                             depth, work, 1);
    free(work);
}

/* Copy batch s of the images as floats. */
static void take(const uint8_t *images, const uint8_t *labels, int s, float *x, int64_t *of)
{
    for (int i = 0; i < BATCH; i++) {
        const int64_t image = nn_drawn_image(1, (int64_t)s * BATCH + i, IMAGES);
        of[i] = labels[image];
        for (int p = 0; p < PIXELS; p++)
            x[i * PIXELS + p] = (float)images[image * PIXELS + p] / 255.0f;
    }
}

/* Train two convolutions with ReLU and pooling by SGD with momentum. */
static void train_lenet(const uint8_t *images, const uint8_t *labels)
{
    enum { FIRST = 8 * 6 * 6, SECOND = 16 * 3 * 3 };
    const nn_filters one = {BATCH, 1, SIDE, 8, 5, 2, 2, 1}, two = {BATCH, 8, 6, 16, 3, 1, 2, 1};
    static float x[BATCH * PIXELS], a[BATCH * FIRST], da[BATCH * FIRST];
    static float b[BATCH * SECOND], db[BATCH * SECOND];
    static uint8_t where_a[BATCH * FIRST], where_b[BATCH * SECOND];
    int64_t of[BATCH];
    nn_optimizer rule = nn_sgd(0.9, 1e-4, 0);
    tensor p[] = {make(8 * 25, 25, 1), make(8, 25, 2), make(16 * 8 * 9, 72, 3), make(16, 72, 4),
                  make(SECOND * CLASSES, SECOND, 5), make(CLASSES, SECOND, 6)};
    printf("lenet ");
    for (int s = 0; s < 120; s++) {
        take(images, labels, s, x, of);
        nn_convolve(&one, x, p[0].w, p[1].w, a, where_a);
        nn_convolve(&two, a, p[2].w, p[3].w, b, where_b);
        classify(b, SECOND, of, &p[4], &p[5], db);
        nn_convolve_back(&two, a, p[2].w, b, where_b, db, p[2].g, p[3].g, da);
        nn_convolve_back(&one, x, p[0].w, a, where_a, da, p[0].g, p[1].g, 0);
        nn_begin_step(&rule, 0.02);
        update(&rule, p, 6);
    }
    finish(p, 6);
}

/* Train noise, a convolution, batch norm with ReLU, Winograd's convolution, GELU, average pooling
 * and dropout by Adam. */
static void train_normed(const uint8_t *images, const uint8_t *labels)
{
    enum { MAPS = 16, MADE = MAPS * PIXELS, HALF = MADE / 4 };
    const nn_filters one = {BATCH, 1, SIDE, MAPS, 3, 1, 1, 0};
    const nn_filters two = {BATCH, MAPS, SIDE, MAPS, 3, 1, 1, 0};
    static float x[BATCH * PIXELS], a[BATCH * MADE], y[BATCH * MADE], c[BATCH * MADE];
    static float d[BATCH * MADE], h[BATCH * HALF], dh[BATCH * HALF];
    float mean[MAPS], variance[MAPS];
    int64_t of[BATCH];
    nn_optimizer rule = nn_adam(0.9, 0.999, 1e-8, 1e-3, 1, 0, 0);
    tensor p[] = {make(MAPS * 9, 9, 1), make(MAPS, 9, 2), make(MAPS, 0, 0), make(MAPS, 0, 0),
                  make(MAPS * MAPS * 9, MAPS * 9, 3), make(MAPS, MAPS * 9, 4),
                  make(HALF * CLASSES, HALF, 5), make(CLASSES, HALF, 6)};
    for (int k = 0; k < MAPS; k++)
        p[2].w[k] = 1;
    printf("normed ");
    for (int s = 0; s < 60; s++) {
        const nn_normed norm = {BATCH, MAPS, PIXELS, a, p[2].w, p[3].w, y, mean, variance};
        take(images, labels, s, x, of);
        nn_add_noise(BATCH * PIXELS, x, 0.1, (uint64_t)s, x);
        nn_convolve(&one, x, p[0].w, p[1].w, a, 0);
        nn_normalise(&norm);
        nn_convolve(&two, y, p[4].w, p[5].w, c, 0);
        nn_gelu_of(BATCH * MADE, 0, c, d);
        nn_halve(BATCH * MAPS, SIDE, d, h);
        nn_drop_half(BATCH * HALF, h, (uint64_t)s, h);
        classify(h, HALF, of, &p[6], &p[7], dh);
        nn_drop_half(BATCH * HALF, dh, (uint64_t)s, dh);
        nn_halve_back(BATCH * MAPS, SIDE, dh, d);
        nn_gelu_of(BATCH * MADE, d, c, d);
        nn_convolve_back(&two, y, p[4].w, 0, 0, d, p[4].g, p[5].g, c);
        nn_normalise_back(&norm, c, p[2].g, p[3].g, c);
        nn_convolve_back(&one, x, p[0].w, 0, 0, c, p[0].g, p[1].g, 0);
        nn_begin_step(&rule, 0.002);
        update(&rule, p, 8);
    }
    finish(p, 8);
}

int main(void)
{
    static const mlp_case cases[] = {
        {"mlp_sgd", NN_RELU, 256, 32, 0, 0.1, 0},
        {"mlp_momentum", NN_TANH, 256, 32, 0.9, 0.05, -0.25},
        {"mlp_adam", NN_SIGMOID, 256, 32, -1, 0.003, 0},
        {"mlp_online", NN_SCALED_TANH, 256, 1, 0, 0.01, 0.01},
    };
    static uint8_t images[IMAGES * PIXELS], labels[IMAGES];
    nn_select_isa();
    draw(images, labels);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        if (train_mlp(&cases[k], images, labels))
            return 1;
    train_lenet(images, labels);
    train_normed(images, labels);
    printf("isa %s %s\n", nn_isa_name(),
           nn_active->vector >= 8 || NN_FUSES ? "fused" : "separate");
    return 0;
}
