/* The instruction sets of this CPU architecture, and the best one that this CPU supports.
 *
 * A set is a number, 0 the best; each includes those of higher numbers. CPUID is read directly:
 * __builtin_cpu_supports relies on the compiler's run-time library, and always returns 0 in a build
 * with zig.
 */
#ifndef NN_CPU_H
#define NN_CPU_H

#if defined(__x86_64__) && defined(__GNUC__)
#define NN_X86 1
#include <cpuid.h>
#define NN_AVX512 0
#define NN_AVX2 1
#define NN_BASELINE 2
#define NN_SET_NAMES "avx512", "avx2", "baseline"
#elif defined(__aarch64__) && defined(__GNUC__)
#define NN_NEON 0 /* every CPU of this architecture has it */
#define NN_SET_NAMES "neon"
#else
#define NN_BASELINE 0
#define NN_SET_NAMES "baseline"
#endif

static const char *const nn_set_names[] = {NN_SET_NAMES};
enum { NN_SETS = sizeof nn_set_names / sizeof *nn_set_names };

#ifdef NN_X86
/* The CPUID bits that each set requires, numbered as in the manuals of Intel and AMD. The compiler
 * may use any of these features: see the targets in dispatch.h. */
#define NN_BIT(n) (1u << (n))
enum {
    NN_LEAF_1_C = NN_BIT(12) | NN_BIT(22) | NN_BIT(23) | /* FMA, MOVBE, POPCNT */
                  NN_BIT(27) | NN_BIT(28) | NN_BIT(29),  /* OSXSAVE, AVX, F16C */
    NN_LEAF_7_B = NN_BIT(3) | NN_BIT(5) | NN_BIT(8),     /* BMI1, AVX2, BMI2 */
    NN_LEAF_EXTENDED_C = NN_BIT(5),                      /* LZCNT */
    NN_XCR0 = NN_BIT(1) | NN_BIT(2),                     /* SSE and AVX registers are saved */
};
#define NN_LEAF_7_B_AVX512                                                                   \
    (NN_BIT(16) | NN_BIT(17) | NN_BIT(28) | NN_BIT(30) | NN_BIT(31)) /* F, DQ, CD, BW, VL */
#define NN_XCR0_AVX512 (NN_BIT(5) | NN_BIT(6) | NN_BIT(7)) /* also masks, 512-bit registers */

static inline int nn_has(unsigned word, unsigned bits)
{
    return (word & bits) == bits;
}

/* XCR0: the registers that the operating system saves when it switches threads. */
static inline unsigned nn_saved_registers(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
#ifdef __APPLE__ /* reported only after a thread's first use */
    low |= NN_XCR0_AVX512;
#endif
    return low;
}

static inline int nn_cpu_set(void)
{
    unsigned a, b, c = 0, d, features, extended = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !nn_has(c, NN_LEAF_1_C))
        return NN_BASELINE;
    if (!__get_cpuid(0x80000001, &a, &b, &extended, &d) || !nn_has(extended, NN_LEAF_EXTENDED_C))
        return NN_BASELINE;
    if (!__get_cpuid_count(7, 0, &a, &features, &c, &d) || !nn_has(features, NN_LEAF_7_B))
        return NN_BASELINE;
    const unsigned saved = nn_saved_registers();
    if (!nn_has(saved, NN_XCR0))
        return NN_BASELINE;
    if (nn_has(features, NN_LEAF_7_B_AVX512) && nn_has(saved, NN_XCR0_AVX512))
        return NN_AVX512;
    return NN_AVX2;
}
#else
static inline int nn_cpu_set(void)
{
    return 0;
}
#endif

#endif
