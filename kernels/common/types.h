/* Types and portability macros of all kernels.
 *
 * A matrix is a pointer and a row stride in floats: `w, ldw`. Sizes are int64_t. Every name begins
 * with nn_ or NN_, and everything is static: each extension has its own copy.
 */
#ifndef NN_TYPES_H
#define NN_TYPES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GNUC__ /* GCC, clang */
#define NN_API static __attribute__((unused)) /* a wrapper need not use them all */
#define NN_INLINE static inline __attribute__((always_inline))
#define NN_APART static __attribute__((noinline)) /* so that it has all registers */
#define NN_ALIGNED __attribute__((aligned(64)))
#define NN_RESTRICT restrict
#define NN_SQRT(x) __builtin_sqrtf(x)
#else
#define NN_API static
#define NN_INLINE static inline
#define NN_APART static
#define NN_ALIGNED
#define NN_RESTRICT
#define NN_SQRT(x) sqrtf(x)
#endif

#if defined(__clang__)
#define NN_UNROLL _Pragma("clang loop unroll(full)")
#define NN_UNROLL_TWICE _Pragma("clang loop unroll_count(2)")
#elif defined(__GNUC__)
#define NN_UNROLL _Pragma("GCC unroll 16")
#define NN_UNROLL_TWICE _Pragma("GCC unroll 2")
#else
#define NN_UNROLL
#define NN_UNROLL_TWICE
#endif

/* Iterations of the loop that follows are independent: its arrays are identical or disjoint.
 * Without this the compiler would test for overlap at run time, and process elements one by one
 * where two arrays are the same. */
#if defined(__clang__)
#define NN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define NN_INDEPENDENT _Pragma("GCC ivdep")
#else
#define NN_INDEPENDENT
#endif

#ifdef __GNUC__
#define NN_PREFETCH(at) __builtin_prefetch(at)
#define NN_PREFETCH_FAR(at) __builtin_prefetch(at, 0, 2) /* no nearer than L2 */
#else
#define NN_PREFETCH(at) (void)(at)
#define NN_PREFETCH_FAR(at) (void)(at)
#endif

/* Inside a loop: keeps the compiler from vectorising it. */
#ifdef __GNUC__
#define NN_NO_VECTORS __asm__ volatile("")
#else
#define NN_NO_VECTORS (void)0
#endif

/* For a nonzero word: the position of its lowest set bit, and the number of set bits */
#ifdef __GNUC__
#define NN_LOWEST_BIT(word) __builtin_ctzll(word)
#define NN_COUNT_BITS(word) __builtin_popcountll(word)
#else
static inline int nn_count_bits(uint64_t word)
{
    int count = 0;
    for (; word; word &= word - 1)
        count++;
    return count;
}
#define NN_LOWEST_BIT(word) nn_count_bits(((word) & (0 - (word))) - 1)
#define NN_COUNT_BITS(word) nn_count_bits(word)
#endif

/* Whether every CPU of this architecture has fused multiply-add (one rounding). On x86 it depends
 * on the instruction set: see simd/fused.h. */
#if defined(__FMA__) || defined(__FP_FAST_FMAF) || defined(__ARM_FEATURE_FMA) ||              \
    defined(__aarch64__) || defined(__s390x__) || defined(__powerpc64__) || defined(__riscv_flen)
#define NN_FUSES 1
#else
#define NN_FUSES 0
#endif

/* Return a * b, rounded before it is added to anything. Code outside the inner loops is compiled
 * for the baseline set, and its bits must not depend on whether that set fuses multiply-adds. */
static inline float nn_product(float a, float b)
{
#if NN_FUSES
    const volatile float product = a * b;
    return product;
#else
    return a * b;
#endif
}

/* Maximum number of floats summed in float32; longer sums add such pieces in double precision. */
#define NN_PIECE 1024

/* The work of thread number t of `threads` in an operation. job: the operation's arguments. */
typedef void nn_work(const void *job, int t, int threads);

#define NN_MAX_THREADS 256

#define NN_STRING2(x) #x
#define NN_STRING(x) NN_STRING2(x)

/* Dropout: x * scale where the element's random number is at least `least`, else 0. */
typedef struct {
    uint32_t least;
    float scale;
} nn_drop;

static inline nn_drop nn_drop_of(double p)
{
    const nn_drop drop = {(uint32_t)(p * 4294967296.0), (float)(1 / (1 - p))};
    return drop;
}

#endif
