/* max(x, 0) */
static void relu(float *x, int count)
{
    for (int i = 0; i < count; i++)
        x[i] = x[i] < 0 ? 0 : x[i];
}
