/* Matrices in panels.
 *
 * The sparse layer's loops process a share [o0, o1) of a matrix's columns in panels of at most
 * eight vectors, and read the rows of a panel in random order. If each row of a panel is on a page
 * of its own, address translation costs more than arithmetic: the first-level TLB of a CPU has
 * about 64 entries. So matrices that are read repeatedly are stored panel by panel: the rows of
 * panel [a, b) are contiguous, padded to whole vectors, from element (rows + 1) * a on. Such a
 * matrix has NN_PANELS in place of a row stride.
 *
 * After a panel's last row comes a row of -0.0. Adding a multiple of it changes no sum: padding
 * entries, which fill groups of four, refer to it.
 */
#ifndef NN_MLP_PANELS_H
#define NN_MLP_PANELS_H

#include "common/types.h"

#define NN_PANELS 0

typedef struct {
    int64_t a, b; /* columns */
    int vectors;
    int64_t ld; /* the row stride if stored in panels */
} nn_panel;

/* Return the number of panels of columns [o0, o1), with vectors of `lanes` floats. */
static inline int64_t nn_panel_count(int64_t o0, int64_t o1, int64_t lanes)
{
    return (o1 - o0 + 8 * lanes - 1) / (8 * lanes);
}

/* Return panel i of columns [o0, o1); all have nearly the same width. */
static inline nn_panel nn_panel_at(int64_t o0, int64_t o1, int64_t lanes, int64_t i)
{
    const int64_t units = (o1 - o0 + lanes - 1) / lanes, panels = nn_panel_count(o0, o1, lanes);
    const int64_t u0 = units * i / panels, u1 = units * (i + 1) / panels;
    nn_panel panel;
    panel.a = o0 + u0 * lanes;
    panel.b = o0 + u1 * lanes < o1 ? o0 + u1 * lanes : o1;
    panel.vectors = (int)(u1 - u0);
    panel.ld = panel.vectors * lanes;
    return panel;
}

/* Return where a panel begins in a matrix with `rows` rows and row stride ld, and (below) the
 * panel's row stride. */
static inline int64_t nn_panel_begin(const nn_panel *panel, int64_t rows, int64_t ld)
{
    return ld == NN_PANELS ? (rows + 1) * panel->a : panel->a;
}

static inline int64_t nn_panel_ld(const nn_panel *panel, int64_t ld)
{
    return ld == NN_PANELS ? panel->ld : ld;
}

/* Return how many of a panel's columns a matrix of `columns` columns has: the last ones may be
 * padding. */
static inline int64_t nn_panel_columns(const nn_panel *panel, int64_t columns)
{
    const int64_t some = (panel->b < columns ? panel->b : columns) - panel->a;
    return some < 0 ? 0 : some;
}

/* Copy columns [o0, o1) of a matrix (rows, columns) into panels, with zeros in the padding. */
NN_API void nn_to_panels(const float *from, int64_t ldf, int64_t rows, int64_t columns, int64_t o0,
                         int64_t o1, int64_t lanes, float *panels)
{
    for (int64_t i = 0; i < nn_panel_count(o0, o1, lanes); i++) {
        const nn_panel panel = nn_panel_at(o0, o1, lanes, i);
        const int64_t wide = nn_panel_columns(&panel, columns);
        float *to = panels + nn_panel_begin(&panel, rows, NN_PANELS);
        for (int64_t r = 0; r < rows; r++, to += panel.ld) {
            memcpy(to, from + r * ldf + panel.a, (size_t)wide * sizeof(float));
            memset(to + wide, 0, (size_t)(panel.ld - wide) * sizeof(float));
        }
        for (int64_t c = 0; c < panel.ld; c++)
            to[c] = -0.0f;
    }
}

/* Copy columns [o0, o1) back from panels. */
NN_API void nn_from_panels(const float *panels, int64_t rows, int64_t columns, int64_t o0,
                           int64_t o1, int64_t lanes, float *to, int64_t ldt)
{
    for (int64_t i = 0; i < nn_panel_count(o0, o1, lanes); i++) {
        const nn_panel panel = nn_panel_at(o0, o1, lanes, i);
        const int64_t wide = nn_panel_columns(&panel, columns);
        const float *from = panels + nn_panel_begin(&panel, rows, NN_PANELS);
        for (int64_t r = 0; r < rows; r++, from += panel.ld)
            memcpy(to + r * ldt + panel.a, from, (size_t)wide * sizeof(float));
    }
}

#endif
