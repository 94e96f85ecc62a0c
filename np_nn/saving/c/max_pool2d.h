/* The largest number of each window, channel by channel; padding is never the largest. */
static void max_pool2d(const windows *s, const float *x, float *restrict y)
{
    for (int row = 0; row < s->rows; row++)
        for (int column = 0; column < s->columns; column++, y += s->channels) {
            const int top = row * s->down - s->above, left = column * s->right - s->left;
            const int first_row = clamp(top, 0, s->height - 1);
            const int first_column = clamp(left, 0, s->width - 1);
            for (int c = 0; c < s->channels; c++)
                y[c] = x[(first_row * s->width + first_column) * s->channels + c];
            for (int i = first_row; i < s->height && i < top + s->kernel_height; i++)
                for (int j = first_column; j < s->width && j < left + s->kernel_width; j++)
                    for (int c = 0; c < s->channels; c++) {
                        const float value = x[(i * s->width + j) * s->channels + c];
                        y[c] = value > y[c] ? value : y[c];
                    }
        }
}
