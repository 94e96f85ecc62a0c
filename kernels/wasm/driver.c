/* The mlp family's training, as the functions of driver.h.
 *
 * As WebAssembly it is one module with SIMD128 and without imports; the second command is an
 * alternative:
 *
 *     python -m ziglang cc -target wasm32-wasi -msimd128 -mexec-model=reactor -O3 -g0 -s \
 *         -ffp-contract=fast -fno-math-errno -fno-trapping-math -Ikernels \
 *         kernels/wasm/driver.c -o train.wasm
 *     clang --target=wasm32-wasi -msimd128 ...    with lld, wasi-libc and libclang-rt-dev-wasm32
 *
 * nets.c includes this file for its programs.
 */
#include "wasm/driver.h"

#include "mlp/steps.h"

/* Header of a network's state; drawn: number of images in all epochs so far */
typedef struct {
    int64_t step, drawn;
    uint64_t seed, unused;
} nn_clock;

/* Compressed images, in arrays of exactly their size */
typedef struct {
    int64_t count, entries, *indptr, *labels;
    uint16_t *cols;
    uint8_t *vals;
} nn_images;

struct nn_net {
    int depth, moments; /* moments: number that the rule needs */
    nn_layer layers[NN_MAX_LAYERS];
    int64_t parameters; /* floats */
    nn_clock *clock;    /* followed by the floats of the state: parameters and two moments each */
    nn_optimizer rule;
    nn_images set;
    nn_rows rows; /* the training set, as the kernels read it */
    float table[256];
    double *losses;   /* results of the last call, */
    int32_t *correct; /* stored after them */
    void *room;       /* work space of a call */
    int64_t results, bytes;
};

static float *nn_floats_of(const nn_net *net)
{
    return (float *)(net->clock + 1);
}

/* ---- Memory ---------------------------------------------------------------------------- */

void *nn_alloc(uint32_t bytes)
{
    return malloc(bytes ? bytes : 1);
}

void nn_free(void *memory)
{
    free(memory);
}

/* Return memory of at least `wanted` bytes: `at` if it is large enough, else a new block in its
 * place. If there is none, return null and leave `at` unchanged. */
static void *nn_grow(void *at, int64_t *have, int64_t wanted)
{
    if (wanted <= *have)
        return at;
    void *more = (uint64_t)wanted > SIZE_MAX ? 0 : malloc((size_t)wanted);
    if (more) {
        free(at);
        *have = wanted;
    }
    return more;
}

static void nn_forget(nn_images *set)
{
    free(set->indptr);
    free(set->labels);
    free(set->cols);
    free(set->vals);
    memset(set, 0, sizeof *set);
}

/* ---- Random numbers: functions of the seed and a position ---------------------------------- */

static uint32_t nn_mixed(uint32_t h)
{
    h = (h ^ h >> 17) * 0xED5AD4BBu; /* Wellons' triple32, as in simd/random.h */
    h = (h ^ h >> 11) * 0xAC4C1B51u;
    h = (h ^ h >> 15) * 0x31848BABu;
    return h ^ h >> 14;
}

/* Return the image at position `place` of the concatenated epochs, each a permutation of all
 * images: the position within the epoch is mapped by a bijection of the numbers below the next
 * power of two, repeatedly, until the result is below `count`. */
static int64_t nn_drawn_image(uint64_t seed, int64_t place, int64_t count)
{
    const uint32_t epoch = (uint32_t)(place / count), key = nn_mixed((uint32_t)seed + 1) ^ epoch;
    uint32_t at = (uint32_t)(place % count), mask = 1;
    int half = 1;
    while (mask < (uint32_t)count - 1) {
        mask = mask << 1 | 1;
        half++;
    }
    half = (half + 1) / 2;
    do
        for (uint32_t turn = 0; turn < 4; turn++) {
            const uint32_t odd = nn_mixed(key + turn * 0x9E3779B9u);
            at = (at * (odd | 1) + (odd >> 16)) & mask;
            at ^= at >> half;
        }
    while (at >= (uint32_t)count);
    return at;
}

void nn_reset(nn_net *net, uint32_t seed)
{
    float *at = nn_floats_of(net);
    uint32_t number = 0;
    memset(net->clock, 0, (size_t)nn_state_bytes(net));
    net->clock->seed = seed;
    for (int l = 0; l < net->depth; l++) {
        const nn_layer *layer = &net->layers[l];
        const float bound = 1.0f / NN_SQRT((float)layer->in);
        for (int64_t i = 0; i < (layer->in + 1) * layer->out; i++) {
            const uint32_t bits = nn_mixed(nn_mixed(number++ ^ seed) + 0x9E3779B9u) >> 8;
            *at++ = ((float)bits / 8388608.0f - 1.0f) * bound;
        }
    }
}

/* ---- A network --------------------------------------------------------------------------- */

/* Set the pointers to the layers' parameters, and to as many moments as the rule needs. */
static void nn_lay_out(nn_net *net)
{
    float *at = nn_floats_of(net);
    for (int l = 0; l < net->depth; l++) {
        nn_layer *layer = &net->layers[l];
        nn_parameter *const both[] = {&layer->weight, &layer->bias};
        for (int k = 0; k < 2; k++) {
            float *const m = at + net->parameters, *const v = m + net->parameters;
            const nn_parameter p = {at, net->moments > 0 ? m : 0, net->moments > 1 ? v : 0, 0};
            *both[k] = p;
            at += (k ? 1 : layer->in) * layer->out;
        }
    }
}

nn_net *nn_create(const int32_t *widths, int32_t count, int32_t activation)
{
    int64_t parameters = 0;
    if (count < 2 || count > NN_MAX_LAYERS + 1 || activation < 0 || activation > NN_SCALED_TANH)
        return 0;
    for (int32_t l = 0; l < count; l++) {
        if (widths[l] < 1 || widths[l] > (l ? 65536 : NN_MOST_PIXELS))
            return 0;
        parameters += l ? (int64_t)(widths[l - 1] + 1) * widths[l] : 0;
    }
    nn_net *net = calloc(1, sizeof *net);
    const uint64_t bytes = sizeof *net->clock + 12 * (uint64_t)parameters;
    if (!net || bytes > INT32_MAX || !(net->clock = malloc((size_t)bytes))) {
        free(net);
        return 0;
    }
    nn_select_isa();
    net->depth = count - 1;
    for (int l = 0; l < net->depth; l++) {
        nn_layer *layer = &net->layers[l];
        layer->in = widths[l];
        layer->out = layer->ld = layer->ldw = widths[l + 1];
        layer->activation = l + 1 < net->depth ? activation : NN_IDENTITY;
    }
    net->parameters = parameters;
    nn_reset(net, 0);
    nn_use_sgd(net, 0, 0);
    return net;
}

void nn_destroy(nn_net *net)
{
    if (!net)
        return;
    nn_forget(&net->set);
    free(net->clock);
    free(net->losses);
    free(net->room);
    free(net);
}

/* Set the rule, with moments and step 0. */
static void nn_use(nn_net *net, nn_optimizer rule)
{
    net->rule = rule;
    net->moments = nn_moments(&rule);
    net->clock->step = 0;
    nn_lay_out(net);
    memset(nn_floats_of(net) + net->parameters, 0, 8 * (size_t)net->parameters);
}

void nn_use_sgd(nn_net *net, double momentum, int32_t nesterov)
{
    nn_use(net, nn_sgd(momentum, 0, nesterov));
}

void nn_use_adam(nn_net *net, double beta1, double beta2, double eps)
{
    nn_use(net, nn_adam(beta1, beta2, eps, 0, 0, 0, 0));
}

/* ---- Images -------------------------------------------------------------------------------- */

/* Compress `count` images; return whether there was enough memory. */
static int nn_take_images(nn_images *set, const uint8_t *images, int64_t count, int64_t width)
{
    memset(set, 0, sizeof *set);
    set->count = count;
    set->indptr = calloc((size_t)count + 1, sizeof *set->indptr);
    if (!set->indptr)
        return 0;
    nn_count_pixels(images, count, width, set->indptr, 1);
    for (int64_t i = 0; i < count; i++)
        set->indptr[i + 1] += set->indptr[i];
    set->entries = set->indptr[count];
    set->cols = malloc((size_t)set->entries * sizeof *set->cols + 1);
    set->vals = malloc((size_t)set->entries + 1);
    if (!set->cols || !set->vals)
        return 0;
    nn_compress(images, count, width, set->indptr, set->cols, set->vals, 1);
    return 1;
}

static nn_rows nn_rows_of(const nn_net *net, const nn_images *set, double shift)
{
    const nn_rows rows = {set->indptr, set->cols, set->vals, net->table, (float)shift,
                          net->layers[0].in};
    return rows;
}

int32_t nn_set(nn_net *net, const uint8_t *images, const uint8_t *labels, int32_t count,
               double scale, double shift)
{
    nn_images set = {0};
    if (count < 1)
        return NN_BAD_SIZE;
    for (int32_t i = 0; i < count; i++)
        if (labels[i] >= net->layers[net->depth - 1].out)
            return NN_BAD_LABEL;
    if (!nn_take_images(&set, images, count, net->layers[0].in) ||
        !(set.labels = malloc((size_t)count * sizeof *set.labels))) {
        nn_forget(&set);
        return NN_NO_MEMORY;
    }
    for (int32_t i = 0; i < count; i++)
        set.labels[i] = labels[i];
    nn_forget(&net->set);
    net->set = set;
    net->rows = nn_rows_of(net, &net->set, shift);
    for (int i = 0; i < 256; i++)
        net->table[i] = (float)i * (float)scale;
    return 0;
}

/* ---- Training ------------------------------------------------------------------------------ */

/* Allocate space for the results of `steps` steps; return whether there was enough memory. */
static int nn_room_for_results(nn_net *net, int64_t steps)
{
    double *const losses = nn_grow(net->losses, &net->results, steps * 12);
    if (!losses)
        return 0;
    net->losses = losses;
    net->correct = (int32_t *)(losses + steps);
    return 1;
}

/* Allocate `bytes` of work space for a call; return its first cache line, or null. */
static char *nn_room_for(nn_net *net, int64_t bytes)
{
    void *const room = nn_grow(net->room, &net->bytes, bytes + 64);
    net->room = room ? room : net->room;
    return room ? nn_align(room) : 0;
}

int32_t nn_train(nn_net *net, int32_t steps, int32_t batch, double rate)
{
    const int64_t images = (int64_t)steps * batch;
    const int64_t numbers = nn_round64(8 * images), each = nn_round64(8 * (int64_t)steps);
    nn_clock *const clock = net->clock;
    int64_t most = 0;
    if (steps < 1 || batch < 1 || images > INT32_MAX)
        return NN_BAD_SIZE;
    if (!net->set.count)
        return NN_NO_SET;
    char *at = nn_room_for(net, numbers + 2 * each);
    if (!at || !nn_room_for_results(net, steps))
        return NN_NO_MEMORY;
    for (int64_t i = 0; i < images; i++)
        ((int64_t *)at)[i] = nn_drawn_image(clock->seed, clock->drawn + i, net->set.count);
    nn_mlp_find_bad_row(&net->rows, net->set.count, net->set.entries, net->layers, net->depth,
                        (int64_t *)at, steps, batch, &most, 1);
    const int64_t work = nn_mlp_bytes(&net->rows, net->layers, net->depth, batch, most, 1);
    if (numbers + 2 * each + work > net->bytes - 64) { /* the new block lacks the drawn images */
        if (!nn_room_for(net, numbers + 2 * each + work + work / 4))
            return NN_NO_MEMORY;
        return nn_train(net, steps, batch, rate);
    }
    nn_mlp_run run = {0};
    run.x = &net->rows;
    run.loss = NN_CROSS_ENTROPY;
    run.labels = net->set.labels;
    run.index = (int64_t *)at;
    run.count = batch;
    run.steps = steps;
    run.rates = (double *)(at + numbers);
    run.correct = (int64_t *)(at + numbers + each);
    run.losses = net->losses;
    for (int32_t s = 0; s < steps; s++)
        ((double *)(at + numbers))[s] = rate;
    net->rule.step = clock->step;
    nn_mlp_train(&run, net->layers, net->depth, &net->rule, most, at + numbers + 2 * each, 1);
    for (int32_t s = 0; s < steps; s++)
        net->correct[s] = (int32_t)run.correct[s];
    clock->step += steps;
    clock->drawn += images;
    return 0;
}

double *nn_losses(nn_net *net)
{
    return net->losses;
}

int32_t *nn_correct(nn_net *net)
{
    return net->correct;
}

/* ---- Parameters and state ------------------------------------------------------------------ */

float *nn_weight(nn_net *net, int32_t layer)
{
    return net->layers[layer].weight.w;
}

float *nn_bias(nn_net *net, int32_t layer)
{
    return net->layers[layer].bias.w;
}

int32_t nn_parameters(nn_net *net)
{
    return (int32_t)net->parameters;
}

void *nn_state(nn_net *net)
{
    return net->clock;
}

int32_t nn_state_bytes(nn_net *net)
{
    return (int32_t)(sizeof *net->clock + 12 * (size_t)net->parameters);
}

double nn_steps(nn_net *net)
{
    return (double)net->clock->step;
}

const char *nn_isa_in_use(void)
{
    nn_select_isa();
    return nn_isa_name();
}

/* Apply an activation in place, including ReLU. */
static void nn_activate_rows(int kind, int64_t rows, int64_t width, float *y)
{
    for (int64_t i = 0; kind == NN_RELU && i < rows * width; i++)
        y[i] = y[i] < 0 ? 0 : y[i];
    nn_active->activate(kind, rows, width, y, width);
}

/* Compute the logits of images. two: work space of two layers' outputs and of the sparse
 * product. */
static void nn_forward(const nn_net *net, const nn_images *set, int64_t widest, float *two,
                       float *logits)
{
    const nn_rows rows = nn_rows_of(net, set, net->rows.shift);
    const float *in = 0;
    for (int l = 0; l < net->depth; l++) {
        const nn_layer *layer = &net->layers[l];
        float *const out = l + 1 < net->depth ? two + l % 2 * set->count * widest : logits;
        if (l)
            nn_linear_forward(in, layer->in, layer->weight.w, layer->out, layer->bias.w,
                              set->count, layer->in, layer->out, out, layer->out, 0, 1);
        else
            nn_sparse_linear_forward(&rows, set->labels, set->count, set->entries,
                                     layer->weight.w, layer->out, layer->bias.w, layer->out, out,
                                     layer->out, two + 2 * set->count * widest, 1);
        nn_activate_rows(layer->activation, set->count, layer->out, out);
        in = out;
    }
}

int32_t nn_predict(nn_net *net, const uint8_t *images, int32_t count, float *logits)
{
    nn_images set = {0};
    int64_t widest = 0;
    if (count < 0)
        return NN_BAD_SIZE;
    for (int l = 0; l < net->depth; l++)
        widest = net->layers[l].out > widest ? net->layers[l].out : widest;
    const nn_layer *first = &net->layers[0];
    const nn_rows wide = {.width = first->in};
    const nn_sparse_work work =
        nn_sparse_plan(&wide, count, count * first->in, first->out, 1, 0);
    char *const room = nn_room_for(net, 8 * count * widest + work.bytes);
    if (!room || !nn_take_images(&set, images, count, first->in) ||
        !(set.labels = malloc((size_t)count * sizeof *set.labels + 1))) {
        nn_forget(&set);
        return NN_NO_MEMORY;
    }
    for (int64_t i = 0; i < count; i++)
        set.labels[i] = i; /* all images in order */
    nn_forward(net, &set, widest, (float *)room, logits);
    nn_forget(&set);
    return 0;
}
