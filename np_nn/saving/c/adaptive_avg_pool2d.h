/* The means of rows x columns windows, which cover the image as evenly as whole pixels allow. */
static void adaptive_avg_pool2d(const windows *s, const float *x, float *restrict y)
{
    for (int row = 0; row < s->rows; row++)
        for (int column = 0; column < s->columns; column++, y += s->channels) {
            const int top = row * s->height / s->rows, left = column * s->width / s->columns;
            const int bottom = ((row + 1) * s->height + s->rows - 1) / s->rows;
            const int end = ((column + 1) * s->width + s->columns - 1) / s->columns;
            for (int c = 0; c < s->channels; c++)
                y[c] = 0;
            for (int i = top; i < bottom; i++)
                for (int j = left; j < end; j++)
                    for (int c = 0; c < s->channels; c++)
                        y[c] += x[(i * s->width + j) * s->channels + c];
            for (int c = 0; c < s->channels; c++)
                y[c] /= (float)((bottom - top) * (end - left));
        }
}
