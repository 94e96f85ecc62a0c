/* An image (places, channels) as one plane for each channel, (channels, places) */
static void channels_first(const float *x, int places, int channels, float *restrict y)
{
    for (int c = 0; c < channels; c++)
        for (int p = 0; p < places; p++)
            y[c * places + p] = x[p * channels + c];
}
