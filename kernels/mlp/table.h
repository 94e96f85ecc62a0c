/* The table of mlp's inner loops; common/dispatch.h chooses the instruction set. */
#ifndef NN_MLP_TABLE_H
#define NN_MLP_TABLE_H

#include "mlp/panels.h"
#include "mlp/types.h"
#include "norm/types.h"

#define NN_L1_FLOATS 16384 /* of a weight panel kept in L1; 12288 to 20480 work as well */
#define NN_SKIP_ROWS 256 /* rows that `skipping` processes at a time */

/* The inner loops of one instruction set; the headers that loops.h includes define them. */
typedef struct {
    const char *name;
    int64_t vector; /* floats per vector register */
    void (*sparse_forward)(const nn_batch *x, const float *table, const float *w,
                           const float *bias, int64_t o0, int64_t o1, int relu, float *out,
                           int64_t ldo);
    void (*sparse_images)(const nn_rows *x, const int64_t *index, int64_t count, const float *w,
                          int64_t ldw, const float *bias, int64_t o0, int64_t o1, int relu,
                          float *out, int64_t ldo);
    void (*sparse_update)(const nn_batch *t, const float *table, const float *grad,
                          int64_t columns, const float *base, int64_t c0, int64_t c1,
                          int64_t o0, int64_t o1, const nn_optimizer *opt,
                          const nn_parameter *p, int64_t ldw);
    void (*sparse_update_one)(const nn_rows *x, int64_t image, const float *grad, int64_t width,
                              float factor, float *w, int64_t ldw);
    void (*dense)(const float *a, int64_t ar, int64_t ak, const float *b, int64_t ldb,
                  int64_t depth, int64_t r0, int64_t r1, int64_t c0, int64_t c1,
                  const nn_epilogue *e);
    void (*skipping)(const float *a, int64_t lda, const float *b, int64_t ldb, int64_t depth,
                     int64_t r0, int64_t r1, int64_t columns, const nn_epilogue *e, float *space);
    void (*dots)(const float *grad, int64_t ldg, const float *w, int64_t ldw, int64_t count,
                 int64_t columns, int64_t d0, int64_t d1, const float *mask, int64_t ldm,
                 float *out, int64_t ldo);
    void (*add_rows)(const float *w, int64_t ldw, int64_t r0, int64_t r1, int64_t o0, int64_t o1,
                     float *sum);
    void (*transpose)(const float *x, int64_t rows, int64_t columns, int64_t ldx, float *y,
                      int64_t ldy);
    void (*column_sums)(const float *grad, int64_t ldg, int64_t count, int64_t o0, int64_t o1,
                        const nn_optimizer *opt, const nn_parameter *p);
    int64_t (*cross_entropy)(const float *logits, int64_t ldl, const int64_t *labels,
                             const int64_t *index, int64_t n0, int64_t n1, int64_t classes,
                             int64_t count, double smoothing, float *losses, float *grad,
                             int64_t ldg);
    int64_t (*mse)(const float *y, int64_t ldy, const float *targets, const int64_t *index,
                   int64_t n0, int64_t n1, int64_t classes, float factor, float *losses,
                   float *grad, int64_t ldg);
    void (*apply)(const nn_optimizer *opt, int64_t n, const float *g, const nn_parameter *p,
                  int64_t at);
    void (*apply_outer)(const nn_optimizer *opt, int64_t rows, const float *x, int64_t width,
                        const float *g, const nn_parameter *p, int64_t ld, int64_t at);
    void (*activate)(int kind, int64_t rows, int64_t width, float *y, int64_t ld);
    void (*activate_backward)(int kind, int64_t rows, int64_t width, float *grad, const float *y,
                              int64_t ld);
    void (*batch_norm_forward)(const nn_norm *t, int64_t c0, int64_t c1);
    void (*batch_norm_backward)(const nn_norm *t, int64_t c0, int64_t c1);
    void (*dropout)(int64_t n, uint32_t first, const float *x, nn_drop drop, uint64_t key,
                    float *out);
    void (*gather_bytes)(const uint8_t *images, const int64_t *index, int64_t n0, int64_t n1,
                         int64_t width, float scale, float shift, float *out);
    void (*gather_floats)(const float *images, const int64_t *index, int64_t n0, int64_t n1,
                          int64_t width, float scale, float shift, float *out);
} nn_mlp_table;

#define NN_INNER_LOOPS "mlp/loops.h"
#define NN_TABLE nn_mlp_table
#include "common/dispatch.h"

#endif
