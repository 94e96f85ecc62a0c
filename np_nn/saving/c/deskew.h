/* The pixel in row y and column x; black outside the image */
static float pixel_at(const uint8_t *pixels, int height, int width, int y, int x)
{
    return y >= 0 && y < height && x >= 0 && x < width ? pixels[y * width + x] : 0;
}

static float between(float a, float b, float share)
{
    return a + share * (b - a);
}

/* Straighten handwriting: shift each row so that the ink has no slant, and its centre of mass is
 * in the middle (LeCun et al. 1998). The slant is computed in double and the pixels in float, as in
 * np_nn, so that both give the same image. */
static void deskew(const uint8_t *pixels, int height, int width, uint8_t *straight)
{
    int64_t mass = 0, sum_y = 0, sum_x = 0, sum_yy = 0, sum_xy = 0;
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            const int64_t p = pixels[y * width + x];
            mass += p, sum_y += p * y, sum_x += p * x, sum_yy += p * y * y, sum_xy += p * x * y;
        }
    const double ink = (double)(mass ? mass : 1);
    const double mean_y = (double)sum_y / ink, mean_x = (double)sum_x / ink;
    const double variance = (double)sum_yy / ink - mean_y * mean_y;
    const double covariance = (double)sum_xy / ink - mean_x * mean_y;
    const double lean = variance > 1e-9 ? covariance / variance : 0;
    const int middle = height / 2;
    const float slant = (float)lean, down = (float)(mean_y - middle);
    const float right = (float)(mean_x - width / 2 - lean * middle);
    for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++) {
            /* Coordinates start at a black frame of one pixel, so that none is negative. */
            const float y = (float)row + down, x = (slant * (float)row + right) + (float)column;
            const float framed_y = (y < -1 ? -1 : y > (float)height ? (float)height : y) + 1;
            const float framed_x = (x < -1 ? -1 : x > (float)width ? (float)width : x) + 1;
            const int top = (int)framed_y - 1, left = (int)framed_x - 1;
            const float share_y = framed_y - (float)(top + 1), share_x = framed_x - (float)(left + 1);
            const float upper = between(pixel_at(pixels, height, width, top, left),
                                        pixel_at(pixels, height, width, top, left + 1), share_x);
            const float lower = between(pixel_at(pixels, height, width, top + 1, left),
                                        pixel_at(pixels, height, width, top + 1, left + 1), share_x);
            straight[row * width + column] = (uint8_t)(between(upper, lower, share_y) + 0.5f);
        }
}
