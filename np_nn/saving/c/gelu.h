/* x * Phi(x), Phi the normal distribution */
static void gelu(float *x, int count)
{
    for (int i = 0; i < count; i++)
        x[i] = x[i] * (1 + erff(x[i] * 0.70710678f)) / 2;
}
