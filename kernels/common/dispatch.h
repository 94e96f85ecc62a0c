/* One source, several instruction sets: a header of inner loops compiled once for each, and
 * the choice among them when the program runs. No -march is needed, so that one build serves
 * all.
 *
 * Before it includes this file, an extension names
 *     NN_INNER_LOOPS   the header, with a table of functions NN(kernels) at its end
 *     NN_TABLE         the type of that table, whose first member is the set's `name`
 *     NN_NO_AVX512     only if its loops are no faster with AVX-512: AVX2's serve there, too
 * and a build that is to be timed, on this machine alone, may name
 *     NN_ONLY          one set of the list below: no other set's loops are compiled
 * The header is included once per instruction set, with
 *     NN(name)   name with the set's suffix, e.g. name_avx512
 *     VL         floats per vector register (16, 8, 4; 1 without GNU vectors)
 *     MR, NR     tile of the dense product: MR rows by NR vectors of accumulators
 * It and the headers of simd/ that it includes have no include guard on purpose. Threads are the
 * caller's business.
 */
#ifndef NN_DISPATCH_H
#define NN_DISPATCH_H

#include "common/types.h"

#define NN_PASTE2(a, b) nn_##a##_##b
#define NN_PASTE(a, b) NN_PASTE2(a, b)
#define NN(name) NN_PASTE(name, NN_ISA)

#if defined(__x86_64__) && defined(__GNUC__)
#define NN_X86 1 /* features by name below: older compilers do not know "arch=x86-64-v4" */
#endif

#define NN_BASELINE 1
#define NN_AVX2 2
#define NN_AVX512 3
#ifdef NN_NO_AVX512
#define NN_BEST NN_AVX2
#else
#define NN_BEST NN_AVX512
#endif
#ifdef NN_ONLY
#define NN_COMPILED(set) ((set) == (NN_ONLY < NN_BEST ? NN_ONLY : NN_BEST))
#else
#define NN_COMPILED(set) ((set) <= NN_BEST)
#endif

#ifdef NN_X86
#if NN_COMPILED(NN_AVX512)
#define NN_ISA avx512
#define VL 16
#define MR 8
#define NR 3
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
#undef MR
#undef NR
#endif

#if NN_COMPILED(NN_AVX2)
#define NN_ISA avx2
#define VL 8
#define MR 4
#define NR 3
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
#undef MR
#undef NR
#endif
#endif

#if NN_COMPILED(NN_BASELINE)
#define NN_ISA baseline /* what every CPU of this kind has: SSE2, NEON ... */
#ifdef __GNUC__
#define VL 4
#else
#define VL 1
#endif
#define MR 4
#define NR 2
#include NN_INNER_LOOPS
#undef NN_ISA
#undef VL
#undef MR
#undef NR
#endif

static const NN_TABLE *nn_active;
static const char *nn_isa;

/* Choose the instruction set: the best that this machine has, or the one that NP_NN_ISA
 * names (avx512, avx2, baseline) if it has that. Called once, at import. np_nn/ops.py refuses
 * other names. */
NN_API void nn_select_isa(void)
{
    nn_isa = "baseline";
#if NN_COMPILED(NN_BASELINE)
    nn_active = &nn_kernels_baseline;
#endif
#ifdef NN_X86
    const char *wish = getenv("NP_NN_ISA");
    __builtin_cpu_init();
    const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                     __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const int avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (avx2 && (!wish || strcmp(wish, "baseline"))) {
        nn_isa = "avx2";
#if NN_COMPILED(NN_AVX2)
        nn_active = &nn_kernels_avx2;
#endif
    }
    if (avx512 && (!wish || (strcmp(wish, "baseline") && strcmp(wish, "avx2")))) {
        nn_isa = "avx512";
#if NN_COMPILED(NN_AVX512)
        nn_active = &nn_kernels_avx512;
#endif
    }
#endif
}

/* The chosen instruction set. */
NN_API const char *nn_isa_name(void)
{
    return nn_isa;
}

/* The one that the family's loops are compiled for: differs with NN_NO_AVX512 alone. */
NN_API const char *nn_loops_name(void)
{
    return nn_active->name;
}

#endif
