/* Logarithms of the softmax probabilities: x - log(sum of exp(x)) */
static void log_softmax(float *x, int count)
{
    float largest = x[0], sum = 0;
    for (int i = 1; i < count; i++)
        largest = x[i] > largest ? x[i] : largest;
    for (int i = 0; i < count; i++)
        sum += expf(x[i] - largest);
    for (int i = 0; i < count; i++)
        x[i] -= largest + logf(sum);
}
