/* Windows on an image (height, width, channels), each of which becomes one place of another. */
typedef struct {
    int height, width, channels; /* of the image that is read */
    int rows, columns, units;    /* of the image that is written */
    int kernel_height, kernel_width, down, right; /* size of a window, and step to the next */
    int above, left; /* padding */
} windows;
