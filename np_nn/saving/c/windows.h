/* Windows on an image (height, width, channels); each gives one position of the output image. */
typedef struct {
    int height, width, channels; /* of the input image */
    int rows, columns, units;    /* of the output image */
    int kernel_height, kernel_width, down, right; /* size of a window, and step to the next */
    int above, left; /* padding */
} windows;
