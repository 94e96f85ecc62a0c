/* exp(x) / sum of exp(x): probabilities. The largest x is subtracted first: exp cannot overflow. */
static void softmax(float *x, int count)
{
    float largest = x[0], sum = 0;
    for (int i = 1; i < count; i++)
        largest = x[i] > largest ? x[i] : largest;
    for (int i = 0; i < count; i++)
        sum += x[i] = expf(x[i] - largest);
    for (int i = 0; i < count; i++)
        x[i] /= sum;
}
