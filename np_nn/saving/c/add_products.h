/* Add count inputs, each times its row of weights, to the units y:
 *
 *     for i: for u: y[u] += x[i] * w[i, u]
 *
 * Zeros, of black pixels and of ReLU, cost nothing. */
static void add_products(const float *x, int count, const weight *w, int units, float *restrict y)
{
    for (int i = 0; i < count; i++)
        if (x[i] != 0)
            for (int u = 0; u < units; u++)
                y[u] += x[i] * w[(size_t)i * units + u];
}
