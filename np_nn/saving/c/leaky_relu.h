/* x where x > 0, else slope * x */
static void leaky_relu(float *x, int count, float slope)
{
    for (int i = 0; i < count; i++)
        x[i] = x[i] > 0 ? x[i] : slope * x[i];
}
