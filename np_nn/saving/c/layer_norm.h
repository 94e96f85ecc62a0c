/* Mean 0 and variance 1 over the numbers of x, then x * scale + shift */
static void layer_norm(float *restrict x, int count, const float *scale, const float *shift,
                       float eps)
{
    float mean = 0, variance = 0;
    for (int i = 0; i < count; i++)
        mean += x[i] / (float)count;
    for (int i = 0; i < count; i++)
        variance += (x[i] - mean) * (x[i] - mean) / (float)count;
    for (int i = 0; i < count; i++)
        x[i] = (x[i] - mean) / sqrtf(variance + eps) * scale[i] + shift[i];
}
