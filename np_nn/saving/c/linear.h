/* A fully connected layer: y = bias + x w, w (inputs, units) */
static void linear(const float *x, int inputs, const weight *w, const float *bias, int units,
                   float *restrict y)
{
    for (int u = 0; u < units; u++)
        y[u] = bias[u];
    add_products(x, inputs, w, units, y);
}
