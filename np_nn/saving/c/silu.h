/* x * sigmoid(x) */
static void silu(float *x, int count)
{
    for (int i = 0; i < count; i++)
        x[i] = x[i] / (1 + expf(-x[i]));
}
