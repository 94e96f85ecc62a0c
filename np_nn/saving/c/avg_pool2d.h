/* The mean of each window, channel by channel; padding counts as zeros. */
static void avg_pool2d(const windows *s, const float *x, float *restrict y)
{
    const float size = (float)(s->kernel_height * s->kernel_width);
    for (int row = 0; row < s->rows; row++)
        for (int column = 0; column < s->columns; column++, y += s->channels) {
            const int top = row * s->down - s->above, left = column * s->right - s->left;
            for (int c = 0; c < s->channels; c++)
                y[c] = 0;
            for (int i = clamp(top, 0, s->height); i < s->height && i < top + s->kernel_height; i++)
                for (int j = clamp(left, 0, s->width);
                     j < s->width && j < left + s->kernel_width; j++)
                    for (int c = 0; c < s->channels; c++)
                        y[c] += x[(i * s->width + j) * s->channels + c];
            for (int c = 0; c < s->channels; c++)
                y[c] /= size;
        }
}
