/* The inner loops of compiled.pyx, as dispatch.h chooses them. */
#ifndef NN_COMPILED_H
#define NN_COMPILED_H

#include "norm/types.h"
#include "mlp/panels.h"
#include "common/types.h"

/* One instruction set's inner loops; compiled_isa.h says where each is. */
typedef struct {
    const char *name;
    int64_t vector; /* floats */
    void (*sparse_forward)(const nn_rows *, const int64_t *, int64_t, int64_t, const float *,
                           int64_t, const float *, int64_t, int64_t, int, float *, int64_t);
    void (*sparse_update)(const nn_rows *, const nn_columns *, const float *, int64_t,
                          const float *, int64_t, int64_t, const nn_optimizer *,
                          const nn_parameter *, int64_t);
    void (*sparse_update_one)(const nn_rows *, int64_t, const float *, int64_t, float,
                              float *, int64_t);
    void (*dense)(const float *, int64_t, int64_t, const float *, int64_t, int64_t, int64_t,
                  int64_t, int64_t, int64_t, const nn_epilogue *);
    void (*dots)(const float *, int64_t, const float *, int64_t, int64_t, int64_t, int64_t, int64_t,
                 const float *, int64_t, float *, int64_t);
    void (*add_rows)(const float *, int64_t, int64_t, int64_t, int64_t, int64_t, float *);
    void (*transpose)(const float *, int64_t, int64_t, int64_t, float *, int64_t);
    void (*column_sums)(const float *, int64_t, int64_t, int64_t, int64_t, const nn_optimizer *,
                        const nn_parameter *);
    int64_t (*cross_entropy)(const float *, int64_t, const int64_t *, const int64_t *, int64_t,
                             int64_t, int64_t, int64_t, double, float *, float *, int64_t);
    int64_t (*mse)(const float *, int64_t, const float *, const int64_t *, int64_t, int64_t,
                   int64_t, float, float *, float *, int64_t);
    void (*apply)(const nn_optimizer *, int64_t, const float *, const nn_parameter *, int64_t);
    void (*apply_outer)(const nn_optimizer *, int64_t, const float *, int64_t, const float *,
                        const nn_parameter *, int64_t, int64_t);
    void (*activate)(int, int64_t, int64_t, float *, int64_t);
    void (*activate_backward)(int, int64_t, int64_t, float *, const float *, int64_t);
    void (*batch_norm_forward)(const nn_norm *, int64_t, int64_t);
    void (*batch_norm_backward)(const nn_norm *, int64_t, int64_t);
    void (*dropout)(int64_t, uint32_t, const float *, nn_drop, uint64_t, float *);
    void (*gather_bytes)(const uint8_t *, const int64_t *, int64_t, int64_t, int64_t, float,
                         float, float *);
    void (*gather_floats)(const float *, const int64_t *, int64_t, int64_t, int64_t, float,
                          float, float *);
    void (*relu)(int64_t, const float *, float *);
    void (*relu_backward)(int64_t, const float *, const float *, float *);
} nn_kernels;

#define NN_INNER_LOOPS "mlp/loops.h"
#define NN_TABLE nn_kernels
#include "common/dispatch.h"

#endif
