/* 1 / (1 + exp(-x)) */
static void sigmoid(float *x, int count)
{
    for (int i = 0; i < count; i++)
        x[i] = 1 / (1 + expf(-x[i]));
}
