/* height * tanh(steepness * x) */
static void scaled_tanh(float *x, int count, float height, float steepness)
{
    for (int i = 0; i < count; i++)
        x[i] = height * tanhf(steepness * x[i]);
}
