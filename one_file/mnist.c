/* A neural network that learns MNIST, on one page of C: 784-512-10, no library, zeros skipped.
 *
 *     cc -O3 -march=native -ffp-contract=off one_file/mnist.c -lm -o mnist   (-fopenmp: 2 threads)
 *     ./mnist FOLDER [steps] [seed]
 *
 * FOLDER holds MNIST's four files, uncompressed (train-images-idx3-ubyte ...). The network, its
 * initial weights and batches are those of mnist.py: read that first.
 *
 *     x (N, 784)  --W1-->  h = max(x W1, 0) (N, 512)  --W2-->  z = h W2 (N, 10)
 *     p = softmax(z)       L = mean over the batch of -log p[right digit]
 *
 * Why it is fast: four of five pixels are 0, and are neither stored nor multiplied. Hidden units
 * are stored in vectors as wide as a register, which GCC and clang add and multiply like numbers.
 * The products with pixels, x W1 and x.T da, compute a PANEL of vectors at a time, whose sums stay
 * in registers. Threads share the panels, so no sum is split: two threads, and vectors of any
 * width, give the same weights.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#define THREADS 2
#define THREAD omp_get_thread_num()
#define NOW omp_get_wtime()
#else
#include <time.h>
#define THREADS 1
#define THREAD 0
#define NOW ((double)clock() / CLOCKS_PER_SEC)
#endif

#if defined __AVX512F__
enum { LANES = 16 }; /* numbers in a register */
#elif defined __AVX__
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
enum { INPUTS = 784, HIDDEN = 512, CLASSES = 10, BATCH = 256, VECTORS = HIDDEN / LANES, PANEL = 8 };
typedef float vector __attribute__((vector_size(4 * LANES)));
static const float RATE = 0.001f;

/* ---- Random numbers like NumPy's, so that both programs start alike -------------------------- */

/* PCG64 (O'Neill 2014): a state of 128 bits, s = s * A + c, of which each step returns 64. */
typedef struct {
    uint64_t high, low;
} wide;

static wide multiply(wide a, wide b)
{
    const uint64_t a0 = a.low & 0xffffffff, a1 = a.low >> 32, b0 = b.low & 0xffffffff;
    const uint64_t b1 = b.low >> 32, mid = a1 * b0 + (a0 * b0 >> 32), mid2 = a0 * b1 + (uint32_t)mid;
    const wide out = {a.high * b.low + a.low * b.high + a1 * b1 + (mid >> 32) + (mid2 >> 32),
                      a.low * b.low};
    return out;
}

static wide add(wide a, wide b)
{
    const wide out = {a.high + b.high + (a.low + b.low < a.low), a.low + b.low};
    return out;
}

typedef struct {
    wide state, step;
    uint32_t kept, has_kept; /* the other half of the last 64 bits */
} generator;

static uint64_t next64(generator *g)
{
    const wide factor = {0x2360ed051fc65da4ull, 0x4385df649fccf645ull};
    g->state = add(multiply(g->state, factor), g->step);
    const uint64_t x = g->state.high ^ g->state.low;
    const unsigned turn = (unsigned)(g->state.high >> 58);
    return x >> turn | x << (-turn & 63);
}

static uint32_t next32(generator *g)
{
    if (g->has_kept) {
        g->has_kept = 0;
        return g->kept;
    }
    const uint64_t both = next64(g);
    g->kept = (uint32_t)(both >> 32);
    g->has_kept = 1;
    return (uint32_t)both;
}

/* Return a uniform number in [low, high). */
static double uniform(generator *g, double low, double high)
{
    return low + (high - low) * ((double)(next64(g) >> 11) / 9007199254740992.0);
}

/* Return a uniform integer in 0 .. n - 1 (Lemire 2019). */
static uint32_t below(generator *g, uint32_t n)
{
    uint64_t product = (uint64_t)next32(g) * n;
    while ((uint32_t)product < n && (uint32_t)product < -n % n)
        product = (uint64_t)next32(g) * n;
    return (uint32_t)(product >> 32);
}

/* One round of NumPy's SeedSequence: words that differ in one bit become very different. */
static uint32_t hash(uint32_t value, uint32_t *constant, uint32_t factor)
{
    value ^= *constant;
    *constant *= factor;
    value *= *constant;
    return value ^ value >> 16;
}

/* np.random.default_rng((seed, purpose)) */
static generator start_generator(uint32_t seed, uint32_t purpose)
{
    uint32_t pool[4] = {seed, purpose, 0, 0}, word[8], constant = 0x43b0d7e5;
    for (int i = 0; i < 4; i++)
        pool[i] = hash(pool[i], &constant, 0x931e8875);
    for (int from = 0; from < 4; from++)
        for (int to = 0; to < 4; to++)
            if (from != to) {
                const uint32_t mixed =
                    0xca01f9dd * pool[to] - 0x4973f715 * hash(pool[from], &constant, 0x931e8875);
                pool[to] = mixed ^ mixed >> 16;
            }
    constant = 0x8b51f9dd;
    for (int i = 0; i < 8; i++)
        word[i] = hash(pool[i % 4], &constant, 0x58f38ded);
    const wide first = {(uint64_t)word[1] << 32 | word[0], (uint64_t)word[3] << 32 | word[2]};
    const wide given = {(uint64_t)word[5] << 32 | word[4], (uint64_t)word[7] << 32 | word[6]};
    generator g = {{0, 0}, {given.high << 1 | given.low >> 63, given.low << 1 | 1}, 0, 0};
    next64(&g);
    g.state = add(g.state, first);
    next64(&g);
    return g;
}

/* ---- The images: only their nonzero pixels ------------------------------------------------- */

typedef struct {
    int64_t count;
    int64_t *begin; /* pixels of image n: begin[n] .. begin[n + 1] */
    uint16_t *column;
    float *value; /* 1 .. 255 */
    uint8_t *label;
} dataset;

static void *take(size_t bytes)
{
    void *const got = calloc(bytes, 1);
    if (!got) {
        fprintf(stderr, "no memory for %zu bytes\n", bytes);
        exit(2);
    }
    return got;
}

/* An IDX file: 0, 0, 8, the number of axes, their lengths (highest byte first), bytes. */
static uint8_t *read_idx(const char *folder, const char *name, int axes, size_t each, int64_t *count)
{
    char path[4096];
    uint8_t head[16];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *const file = fopen(path, "rb");
    if (!file || fread(head, 4 + 4 * (size_t)axes, 1, file) != 1 || head[2] != 8 || head[3] != axes) {
        fprintf(stderr, "%s: no such file, or no IDX file of %d axes of bytes\n", path, axes);
        exit(2);
    }
    *count = (int64_t)head[4] << 24 | head[5] << 16 | head[6] << 8 | head[7];
    uint8_t *const numbers = take((size_t)*count * each + 1);
    if (fread(numbers, each, (size_t)*count, file) != (size_t)*count) {
        fprintf(stderr, "%s: shorter than it says\n", path);
        exit(2);
    }
    fclose(file);
    return numbers;
}

static dataset load(const char *folder, const char *images, const char *labels)
{
    dataset d;
    int64_t count, k = 0;
    uint8_t *const pixels = read_idx(folder, images, 3, INPUTS, &d.count);
    d.label = read_idx(folder, labels, 1, 1, &count);
    if (count != d.count) {
        fprintf(stderr, "%s: %ld labels for %ld images\n", labels, (long)count, (long)d.count);
        exit(2);
    }
    d.begin = take(sizeof *d.begin * (size_t)(count + 1));
    d.column = take(sizeof *d.column * (size_t)count * INPUTS);
    d.value = take(sizeof *d.value * (size_t)count * INPUTS);
    for (int64_t n = 0; n < count; n++) {
        for (int c = 0; c < INPUTS; c++)
            if (pixels[n * INPUTS + c]) {
                d.column[k] = (uint16_t)c;
                d.value[k++] = pixels[n * INPUTS + c];
            }
        d.begin[n + 1] = k;
    }
    free(pixels);
    return d;
}

/* ---- The network ---------------------------------------------------------------------------- */

static vector w1[INPUTS][VECTORS], w2[CLASSES][VECTORS]; /* w2 is stored by columns */
static vector h[BATCH][VECTORS], da[BATCH][VECTORS];
static float dz[BATCH][CLASSES], loss[BATCH];

/* The batch by columns: the samples with pixel c, and its values. Each thread builds the lists of
 * its samples. */
static int32_t list[THREADS][INPUTS + 1];
static uint8_t sample[THREADS][BATCH * INPUTS];
static float bright[THREADS][BATCH * INPUTS];

static void make_lists(const dataset *d, const uint32_t *batch, int from, int to, int t)
{
    int32_t *const end = list[t], filled[INPUTS];
    memset(end, 0, sizeof list[t]);
    for (int n = from; n < to; n++)
        for (int64_t k = d->begin[batch[n]]; k < d->begin[batch[n] + 1]; k++)
            end[d->column[k] + 1]++;
    for (int c = 0; c < INPUTS; c++) {
        end[c + 1] += end[c];
        filled[c] = end[c];
    }
    for (int n = from; n < to; n++)
        for (int64_t k = d->begin[batch[n]]; k < d->begin[batch[n] + 1]; k++) {
            const int32_t at = filled[d->column[k]]++;
            sample[t][at] = (uint8_t)n;
            bright[t][at] = d->value[k];
        }
}

/* Return x where mask is positive, else 0. */
static vector positive(vector x, vector mask)
{
    const vector zero = {0};
    return (vector)((mask > zero) & (__typeof__(mask > zero))x);
}

/* h[n, panel] = max(sum over the pixels c of image n of x[n, c] w1[c, panel], 0) */
static void hidden(const dataset *d, const uint32_t *batch, int count, int panel)
{
    for (int n = 0; n < count; n++) {
        vector sum[PANEL] = {{0}};
        for (int64_t k = d->begin[batch[n]]; k < d->begin[batch[n] + 1]; k++)
            for (int j = 0; j < PANEL; j++)
                sum[j] += d->value[k] * w1[d->column[k]][panel + j];
        for (int j = 0; j < PANEL; j++)
            h[n][panel + j] = positive(sum[j], sum[j]);
    }
}

/* z[c] = sum_j h[n, j] w2[j, c], in 16 partial sums for any width of a vector. Return the class of
 * the largest. */
static int scores(int n, float *z)
{
    enum { SUMS = 16 / LANES };
    int best = 0;
    for (int c = 0; c < CLASSES; c++) {
        vector sum[SUMS] = {{0}};
        for (int j = 0; j < VECTORS; j += SUMS)
            for (int i = 0; i < SUMS; i++)
                sum[i] += h[n][j + i] * w2[c][j + i];
        z[c] = 0;
        for (int i = 0; i < 16; i++)
            z[c] += sum[i / LANES][i % LANES];
        best = z[c] > z[best] ? c : best;
    }
    return best;
}

/* loss[n] = -log p[y], and dL/dz = (p - one_hot(y)) / N */
static void softmax(int n, int y)
{
    float z[CLASSES], total = 0;
    const float most = z[scores(n, z)];
    for (int c = 0; c < CLASSES; c++)
        total += dz[n][c] = expf(z[c] - most);
    for (int c = 0; c < CLASSES; c++)
        dz[n][c] = (dz[n][c] / total - (c == y)) / BATCH;
    loss[n] = logf(total) - (z[y] - most);
}

/* da = dz w2.T where h > 0;  w2 -= RATE h.T dz;  w1 -= RATE x.T da: for the units of one panel. */
static void learn(int panel)
{
    for (int n = 0; n < BATCH; n++) {
        vector sum[PANEL] = {{0}};
        for (int c = 0; c < CLASSES; c++)
            for (int j = 0; j < PANEL; j++)
                sum[j] += dz[n][c] * w2[c][panel + j];
        for (int j = 0; j < PANEL; j++)
            da[n][panel + j] = positive(sum[j], h[n][panel + j]);
    }
    for (int j = panel; j < panel + PANEL; j++) {
        vector sum[CLASSES] = {{0}};
        for (int n = 0; n < BATCH; n++)
            for (int c = 0; c < CLASSES; c++)
                sum[c] += dz[n][c] * h[n][j];
        for (int c = 0; c < CLASSES; c++)
            w2[c][j] -= RATE * sum[c];
    }
    for (int c = 0; c < INPUTS; c++) {
        vector sum[PANEL] = {{0}};
        for (int t = 0; t < THREADS; t++)
            for (int32_t k = list[t][c]; k < list[t][c + 1]; k++)
                for (int j = 0; j < PANEL; j++)
                    sum[j] += bright[t][k] * da[sample[t][k]][panel + j];
        for (int j = 0; j < PANEL; j++)
            w1[c][panel + j] -= RATE * sum[j];
    }
}

/* One step of training. Thread t of THREADS does its share of the panels and of the samples. */
static void step(const dataset *d, const uint32_t *batch, int t)
{
    const int share = BATCH / THREADS, units = VECTORS / THREADS;
    make_lists(d, batch, t * share, (t + 1) * share, t);
    for (int panel = t * units; panel < (t + 1) * units; panel += PANEL)
        hidden(d, batch, BATCH, panel);
#pragma omp barrier
    for (int n = t * share; n < (t + 1) * share; n++)
        softmax(n, d->label[batch[n]]);
#pragma omp barrier
    for (int panel = t * units; panel < (t + 1) * units; panel += PANEL)
        learn(panel);
}

static void start(uint32_t seed)
{
    generator g = start_generator(seed, 0);
    const double b1 = 1 / sqrt(INPUTS * HIDDEN), b2 = 1 / sqrt(HIDDEN * CLASSES);
    for (int i = 0; i < INPUTS; i++)
        for (int j = 0; j < HIDDEN; j++)
            w1[i][j / LANES][j % LANES] = (float)uniform(&g, -b1, b1);
    for (int j = 0; j < HIDDEN; j++)
        for (int c = 0; c < CLASSES; c++)
            w2[c][j / LANES][j % LANES] = (float)uniform(&g, -b2, b2);
}

static double accuracy(const dataset *d)
{
    int64_t right = 0;
    float z[CLASSES];
    for (int64_t at = 0; at < d->count; at += BATCH) {
        const int count = (int)(d->count - at < BATCH ? d->count - at : BATCH);
        uint32_t batch[BATCH];
        for (int n = 0; n < count; n++)
            batch[n] = (uint32_t)(at + n);
        for (int panel = 0; panel < VECTORS; panel += PANEL)
            hidden(d, batch, count, panel);
        for (int n = 0; n < count; n++)
            right += scores(n, z) == d->label[batch[n]];
    }
    return (double)right / (double)d->count;
}

int main(int count, char **given)
{
    if (count < 2) {
        fprintf(stderr, "usage: %s FOLDER [steps] [seed]\n", given[0]);
        return 2;
    }
    const int steps = count > 2 ? atoi(given[2]) : 4000;
    const uint32_t seed = count > 3 ? (uint32_t)atoi(given[3]) : 0;
    const dataset d = load(given[1], "train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    const dataset test = load(given[1], "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
    generator g = start_generator(seed, 1);
    uint32_t batch[BATCH];
    start(seed);
    const double begin = NOW;
#pragma omp parallel num_threads(THREADS)
    for (int s = 1; s <= steps; s++) {
#pragma omp single
        for (int n = 0; n < BATCH; n++)
            batch[n] = below(&g, (uint32_t)d.count);
        step(&d, batch, THREAD);
#pragma omp barrier
#pragma omp master
        if (s % 500 == 0 || s == steps) {
            double mean = 0;
            for (int n = 0; n < BATCH; n++)
                mean += loss[n] / BATCH;
            printf("step %5d   loss %.4f\n", s, mean);
        }
    }
    const double seconds = NOW - begin;
    printf("%.1f s, %.3f ms a step\n", seconds, 1e3 * seconds / (steps ? steps : 1));
    printf("test accuracy %.4f, published 0.9805\n", accuracy(&test));
    return 0;
}
