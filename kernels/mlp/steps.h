/* Training of a multilayer perceptron: all steps in one call of nn_run.
 *
 * The images are stored once, as compressed rows; a batch is a list of row numbers. The first layer
 * skips zero pixels, and its weight gradient goes directly to the optimizer; the other layers are
 * small. workspace.h describes the memory layout, parts.h has the parts of a step, online.h the
 * steps with batches of one image.
 */
#ifndef NN_MLP_STEPS_H
#define NN_MLP_STEPS_H

#include "mlp/online.h"
#include "mlp/parts.h"

/* One thread's work in all steps. */
NN_API void nn_mlp_thread(const nn_mlp_run *run, nn_mlp_work *p, int depth, nn_optimizer opt, int t,
                          int threads)
{
    const nn_rules store = {nn_store(), nn_store()}, add = {nn_add(), nn_add()};
    const int64_t *index = run->index, *const end = index + run->steps * run->count;
    const int stored = p->chunk < run->count;
    int64_t a, b, n0, n1;
    nn_share(p->layers[0].wide, 16, t, threads, &a, &b); /* this thread's first-layer outputs */
    for (int64_t s = 0; s < run->steps; s++) {
        double loss = 0;
        int64_t right = 0;
        nn_begin_step(&opt, run->rates[s]);
        const nn_rules update = nn_mlp_rules(run, opt);
        if (run->x->shift != 0)
            nn_mlp_sum_columns(p, a, b);
        for (int64_t done = 0; done < run->count; done += p->chunk) {
            const int64_t left = run->count - done, count = left < p->chunk ? left : p->chunk;
            const nn_rules *rules = !stored ? &update : done ? &add : &store;
            const nn_at at = {s, done};
            const int64_t wide = p->layers[0].wide * (p->one_panel ? threads : 1);
            const nn_batch batch =
                nn_batch_plan(run->x, count, p->entries, wide, threads, p->batch, 0);

            nn_batch_share(run->x, index, &batch, 1, t, threads);
            if (p->one_panel) { /* this thread's samples, whose runs it has just built */
                nn_batch_mine(&batch, t, threads, &n0, &n1);
                nn_mlp_first_images(run, p, &batch, &at, n0, n1);
            } else { /* this thread's columns of the first layer's output */
                nn_barrier(threads);
                if (a < b)
                    nn_mlp_first_forward(run, p, &batch, &at, nn_mlp_bias(run, p, a, b), a, b, t);
                nn_barrier(threads);
                nn_share(count, 8, t, threads, &n0, &n1);
            }

            /* this thread's samples: the other layers, the loss, and the gradient of the outputs */
            for (int l = 1; l < depth; l++)
                nn_mlp_forward_all(p, l, &at, count, n0, n1, t, threads);
            p->correct[8 * t] = nn_mlp_loss(run, p, depth, index, n0, n1);
            nn_barrier(threads);

            for (int l = depth - 1; l > 0; l--) {
                nn_mlp_backward(p, l, &at, count, rules, stored, t, threads);
                if (l > 1)
                    nn_barrier(threads);
            }
            /* this thread owns some outputs, whose gradient it has just computed */
            if (p->one_panel)
                nn_mlp_first_rows(run, p, &batch, rules, a, b, t, threads);
            else
                nn_mlp_first_backward(run, p, &batch, rules, stored, a, b);
            const int64_t more = end - index - count; /* the next chunk may be shorter */
            nn_batch_prefetch(run->x, index + count, more < count ? more : count, &batch, t,
                              threads);
            if (t == threads - 1) { /* one thread, in sample order: the sum is reproducible */
                for (int64_t n = 0; n < count; n++)
                    loss += p->losses[n];
                for (int i = 0; i < threads; i++)
                    right += p->correct[8 * i];
            }
            nn_barrier(threads);
            index += count;
        }
        if (stored) {
            nn_mlp_update(p, depth, &update, a, b, t, threads);
            nn_barrier(threads);
        }
        if (t == threads - 1) {
            run->losses[s] = run->loss == NN_CROSS_ENTROPY ? loss / (double)run->count : loss;
            run->correct[s] = right;
        }
    }
}

/* Return the number of threads that nn_mlp_train uses, at most `threads`. */
NN_API int nn_mlp_threads(const nn_layer *layers, int depth, int64_t count, int threads)
{
    double work = 0;
    if (count == 1)
        return 1;
    for (int l = 0; l < depth; l++)
        work += (double)count * (double)layers[l].in * (double)layers[l].out / (l ? 1 : 5);
    return nn_useful_threads(threads, work);
}

typedef struct {
    const nn_mlp_run *run;
    nn_layer *layers; /* the caller's */
    nn_mlp_work *work;
    int depth;
    const nn_optimizer *opt;
} nn_train_job;

/* Copy a layer. A first layer of a single panel has no share per thread, so one thread copies
 * it. */
static void nn_train_copy(const nn_mlp_work *p, const nn_layer *from, nn_layer *to, int back,
                          int t, int threads)
{
    if (!p->one_panel)
        nn_copy_layer(from, to, back, t, threads);
    else if (!t)
        nn_copy_layer(from, to, back, 0, 1);
}

static void nn_train_thread(const void *given, int t, int threads)
{
    const nn_train_job *job = given;
    nn_mlp_work *const p = job->work;
    const unsigned before = nn_flush_denormals();
    for (int l = 0; l < job->depth; l++) {
        int64_t n0, n1;
        const int64_t ld = p->layers[l].ld;
        nn_train_copy(p, &job->layers[l], &p->layers[l], 0, t, threads);
        nn_share(p->chunk, 8, t, threads, &n0, &n1);
        memset(p->g[l] + n0 * ld, 0, (size_t)((n1 - n0) * ld) * sizeof(float));
    }
    nn_barrier(threads);
    if (nn_is_online(job->layers, job->depth, job->run->count))
        nn_mlp_online(job->run, p, job->depth, *job->opt);
    else
        nn_mlp_thread(job->run, p, job->depth, *job->opt, t, threads);
    nn_barrier(threads);
    for (int l = 0; l < job->depth; l++)
        nn_train_copy(p, &p->layers[l], &job->layers[l], 1, t, threads);
    nn_restore_denormals(before);
}

/* Train the layers, contiguous arrays of the caller, for run->steps steps. They are copied to
 * aligned, padded work space (nn_mlp_bytes) and back at the end. */
NN_API void nn_mlp_train(const nn_mlp_run *run, nn_layer *layers, int depth,
                         const nn_optimizer *opt, int64_t most_entries, void *work, int threads)
{
    threads = nn_mlp_threads(layers, depth, run->count, threads);
    nn_mlp_work p = nn_mlp_plan(run->x, layers, depth, run->count, most_entries, threads, work);
    const nn_train_job job = {run, layers, &p, depth, opt};
    nn_run(nn_train_thread, &job, threads);
}

#endif
