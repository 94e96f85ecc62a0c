/* A convolution: the bias and the weighted sum of each window, w (kernel rows, columns, channels,
 * units). A row of a window is a run of numbers; what lies outside the image adds nothing. */
static void conv2d(const windows *s, const float *x, const weight *w, const float *bias,
                   float *restrict y)
{
    const size_t tap = (size_t)s->channels * s->units; /* weights of one position in the window */
    for (int row = 0; row < s->rows; row++)
        for (int column = 0; column < s->columns; column++, y += s->units) {
            const int top = row * s->down - s->above, left = column * s->right - s->left;
            const int first = clamp(-left, 0, s->kernel_width);
            const int end = clamp(s->width - left, first, s->kernel_width);
            for (int u = 0; u < s->units; u++)
                y[u] = bias[u];
            for (int k = 0; k < s->kernel_height; k++)
                if (top + k >= 0 && top + k < s->height && first < end)
                    add_products(x + ((top + k) * s->width + left + first) * s->channels,
                                 (end - first) * s->channels,
                                 w + (k * s->kernel_width + first) * tap, s->units, y);
        }
}
