/* x = x * scale + shift, at each of the places, channel by channel */
static void scale_and_shift(float *restrict x, int places, int channels, const float *scale,
                            const float *shift)
{
    for (int p = 0; p < places; p++)
        for (int c = 0; c < channels; c++)
            x[p * channels + c] = x[p * channels + c] * scale[c] + shift[c];
}
