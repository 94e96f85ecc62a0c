/* Run-time dispatch: a header of inner loops is compiled once per instruction set, and the set is
 * chosen when the program starts. One build runs on every CPU, without -march.
 *
 * Before it includes this file, an extension names
 *     NN_INNER_LOOPS   the header, with a table of functions NN(kernels) at its end
 *     NN_TABLE         the type of that table, whose first member is the set's `name`
 *     NN_NO_AVX512     if its loops are not faster with AVX-512: the AVX2 loops are used instead
 * and a build for timing on this machine only may define
 *     NN_ONLY          one set of the list in cpu.h: only its loops are compiled
 *     NN_PLAIN         the baseline is built without GNU vectors, as for compilers that have none
 * The header is included once per instruction set, with
 *     NN(name)   name with the set's suffix, e.g. name_avx512
 *     VL         floats per vector register (16, 8, 4; 1 without GNU vectors)
 *     REGISTERS  number of vector registers, which determines the sizes of tiles
 * That header and the headers of simd/ that it includes have no include guard on purpose. Threads
 * are handled by the caller.
 */
#ifndef NN_DISPATCH_H
#define NN_DISPATCH_H

#include "common/cpu.h"
#include "common/types.h"

#define NN_PASTE2(a, b) nn_##a##_##b
#define NN_PASTE(a, b) NN_PASTE2(a, b)
#define NN(name) NN_PASTE(name, NN_ISA)

/* The sets of cpu.h whose loops are compiled here. */
#if defined(NN_NO_AVX512) && defined(NN_X86)
#define NN_BEST NN_AVX2
#else
#define NN_BEST 0
#endif
#ifdef NN_ONLY
#define NN_COMPILED(set) ((set) == (NN_ONLY > NN_BEST ? NN_ONLY : NN_BEST))
#else
#define NN_COMPILED(set) ((set) >= NN_BEST)
#endif

#ifdef NN_X86
#if NN_COMPILED(NN_AVX512)
#define NN_ISA avx512
#define VL 16
#define REGISTERS 32
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx,avx2,fma,bmi,bmi2,lzcnt,popcnt,f16c,movbe,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx,avx2,fma,bmi,bmi2,lzcnt,popcnt,f16c,movbe,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,prefer-vector-width=512")
#endif
#include NN_INNER_LOOPS
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef NN_ISA
#undef VL
#undef REGISTERS
#endif

#if NN_COMPILED(NN_AVX2)
#define NN_ISA avx2
#define VL 8
#define REGISTERS 16
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx,avx2,fma,bmi,bmi2,lzcnt,popcnt,f16c,movbe"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx,avx2,fma,bmi,bmi2,lzcnt,popcnt,f16c,movbe")
#endif
#include NN_INNER_LOOPS
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef NN_ISA
#undef VL
#undef REGISTERS
#endif
#endif

#ifdef NN_NEON
#define NN_ISA neon
#define VL 4
#define REGISTERS 32
#include NN_INNER_LOOPS
#undef NN_ISA
#undef VL
#undef REGISTERS
#elif NN_COMPILED(NN_BASELINE)
#define NN_ISA baseline /* what every CPU of this architecture has: SSE2, VSX ... */
#if defined(__GNUC__) && !defined(NN_PLAIN)
#define VL 4
#else
#define VL 1
#endif
#define REGISTERS 16
#include NN_INNER_LOOPS
#undef NN_ISA
#undef VL
#undef REGISTERS
#endif

/* The compiled tables, indexed by set. */
static const NN_TABLE *const nn_tables[NN_SETS] = {
#ifdef NN_X86
#if NN_COMPILED(NN_AVX512)
    [NN_AVX512] = &nn_kernels_avx512,
#endif
#if NN_COMPILED(NN_AVX2)
    [NN_AVX2] = &nn_kernels_avx2,
#endif
#endif
#ifdef NN_NEON
    [NN_NEON] = &nn_kernels_neon,
#elif NN_COMPILED(NN_BASELINE)
    [NN_BASELINE] = &nn_kernels_baseline,
#endif
};

static const NN_TABLE *nn_active;
static int nn_chosen;

/* Choose the instruction set: the best one that this machine supports, or the one that NP_NN_ISA
 * names if the machine supports it. Called once, at import. np_nn/ops.py refuses other names. */
NN_API void nn_select_isa(void)
{
    const char *wish = NN_SETS > 1 ? getenv("NP_NN_ISA") : 0; /* WebAssembly has no environment */
    nn_chosen = nn_cpu_set();
    for (int set = nn_chosen; wish && set < NN_SETS; set++)
        if (!strcmp(wish, nn_set_names[set]))
            nn_chosen = set;
    for (int set = nn_chosen; !nn_active && set < NN_SETS; set++)
        nn_active = nn_tables[set];
}

/* Return the name of the chosen instruction set. */
NN_API const char *nn_isa_name(void)
{
    return nn_set_names[nn_chosen];
}

/* Return the name of the set that the family's loops are compiled for. It differs from nn_isa_name
 * only with NN_NO_AVX512 or NN_ONLY. */
NN_API const char *nn_loops_name(void)
{
    return nn_active->name;
}

#endif
