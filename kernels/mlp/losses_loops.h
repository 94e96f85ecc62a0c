/* Cross-entropy and squared error with their gradients, for one instruction set.
 *
 * Included by loops.h, once per instruction set.
 */

/* Compute the cross-entropy of rows [n0, n1) with softmax p; the target is smoothing / classes
 * everywhere, plus 1 - smoothing at the label. Return the number of rows whose largest logit is at
 * the label. grad may be the same array as logits.
 *
 *     for n:
 *         p[c] = exp(logits[n, c]) / sum_k exp(logits[n, k])
 *         losses[n] = -sum_c target[c] * log(p[c])
 *         for c: grad[n, c] = (p[c] - target[c]) / count
 *
 * With few classes a row is too short for vectors: 16 rows are processed side by side. */
static int64_t NN(cross_entropy)(const float *logits, int64_t ldl, const int64_t *labels,
                                 const int64_t *index, int64_t n0, int64_t n1, int64_t classes,
                                 int64_t count, double smoothing, float *losses, float *grad,
                                 int64_t ldg)
{
    enum { SIDE = 16, FEW = 64 };
    int64_t correct = 0;
    const float share = 1.0f / (float)count, keep = (float)(1 - smoothing);
    const float spread = (float)(smoothing / (double)classes), even = spread * share;
    const float wanted = keep * share;
    if (classes <= FEW) {
        float z[FEW][SIDE] NN_ALIGNED;
        float best[SIDE], right[SIDE], sum[SIDE], factor[SIDE], all[SIDE];
        int32_t at[SIDE], label[SIDE];
        for (int64_t n = n0; n < n1; n += SIDE) {
            const int rows = n1 - n < SIDE ? (int)(n1 - n) : SIDE;
            for (int i = 0; i < SIDE; i++) {
                const int64_t r = n + (i < rows ? i : 0); /* pad with the first row */
                label[i] = (int32_t)labels[index ? index[r] : r];
                right[i] = logits[r * ldl + label[i]];
                for (int64_t c = 0; c < classes; c++)
                    z[c][i] = logits[r * ldl + c];
            }
            for (int i = 0; i < SIDE; i++) {
                best[i] = z[0][i];
                at[i] = 0;
                sum[i] = 0;
                all[i] = 0;
            }
            for (int64_t c = 1; c < classes; c++)
                for (int i = 0; i < SIDE; i++) { /* first of equal values, like argmax */
                    at[i] = z[c][i] > best[i] ? (int32_t)c : at[i];
                    best[i] = z[c][i] > best[i] ? z[c][i] : best[i];
                }
            if (smoothing != 0)
                for (int64_t c = 0; c < classes; c++)
                    for (int i = 0; i < SIDE; i++)
                        all[i] += z[c][i] - best[i];
            for (int64_t c = 0; c < classes; c++)
                for (int i = 0; i < SIDE; i++) {
                    z[c][i] = NN(exp_below_0)(z[c][i] - best[i]);
                    sum[i] += z[c][i];
                }
            for (int i = 0; i < SIDE; i++) {
                factor[i] = share / sum[i];
                sum[i] = FUSED(-keep, right[i] - best[i], NN(log_of)(sum[i]));
                sum[i] = FUSED(-spread, all[i], sum[i]);
            }
            for (int i = 0; i < rows; i++) {
                float *g = grad + (n + i) * ldg;
                for (int64_t c = 0; c < classes; c++)
                    g[c] = FUSED(z[c][i], factor[i], -even);
                g[label[i]] -= wanted;
                losses[n + i] = sum[i];
                correct += at[i] == label[i];
            }
        }
        return correct;
    }
    for (int64_t n = n0; n < n1; n++) {
        const float *row = logits + n * ldl;
        float *g = grad + n * ldg, best = row[0], sum = 0, all = 0;
        const int64_t label = labels[index ? index[n] : n];
        const float right = row[label];
        int64_t at = 0;
        for (int64_t c = 1; c < classes; c++)
            if (row[c] > best) {
                best = row[c];
                at = c;
            }
        correct += at == label;
        if (smoothing != 0)
            for (int64_t c = 0; c < classes; c++)
                all += row[c] - best;
        for (int64_t c = 0; c < classes; c++)
            g[c] = NN(exp_below_0)(row[c] - best);
        for (int64_t c = 0; c < classes; c++)
            sum += g[c];
        const float factor = share / sum;
        for (int64_t c = 0; c < classes; c++)
            g[c] = FUSED(g[c], factor, -even);
        g[label] -= wanted;
        losses[n] = FUSED(-spread, all, FUSED(-keep, right - best, NN(log_of)(sum)));
    }
    return correct;
}

/* Compute the squared error of rows [n0, n1). Return the number of rows whose output and target are
 * largest at the same class.
 *
 *     for n:
 *         losses[n] = factor * sum_c (y[n, c] - target[n, c])^2
 *         for c: grad[n, c] = 2 * factor * (y[n, c] - target[n, c]) */
static int64_t NN(mse)(const float *y, int64_t ldy, const float *targets, const int64_t *index,
                       int64_t n0, int64_t n1, int64_t classes, float factor, float *losses,
                       float *grad, int64_t ldg)
{
    int64_t correct = 0;
    for (int64_t n = n0; n < n1; n++) {
        const float *row = y + n * ldy, *target = targets + index[n] * classes;
        float sum = 0;
        int64_t at = 0, wanted = 0;
        for (int64_t c = 0; c < classes; c++) {
            const float d = row[c] - target[c];
            grad[n * ldg + c] = 2 * factor * d;
            sum = FUSED(d, d, sum);
            at = row[c] > row[at] ? c : at; /* first of equal values, like argmax */
            wanted = target[c] > target[wanted] ? c : wanted;
        }
        losses[n] = factor * sum;
        correct += at == wanted;
    }
    return correct;
}
