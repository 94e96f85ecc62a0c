/* tanh(x) */
static void hyperbolic_tangent(float *x, int count)
{
    for (int i = 0; i < count; i++)
        x[i] = tanhf(x[i]);
}
