/* x where x > 0, else alpha * (exp(x) - 1) */
static void elu(float *x, int count, float alpha)
{
    for (int i = 0; i < count; i++)
        x[i] = x[i] > 0 ? x[i] : alpha * expm1f(x[i]);
}
