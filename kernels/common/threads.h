/* How work is shared among threads.
 *
 * Threads share the output: columns of the weights, or rows of the batch. Sums are not split among
 * threads, so every thread count gives the same bits.
 *
 * One thread's work in an operation is a function nn_NAME_thread(job, t, threads), where job points
 * to the operation's arguments. nn_run calls it on all threads, and nn_barrier in it waits for the
 * others. Both are in team.h, and for OpenMP in openmp.h.
 */
#ifndef NN_THREADS_H
#define NN_THREADS_H

#include "common/atomics.h"
#include "common/types.h"
#ifdef _OPENMP
#include "common/openmp.h"
#else
#include "common/team.h"
#endif
#if defined(__SSE2__) && defined(__GNUC__)
#include <xmmintrin.h>
#endif

#define NN_PASS 4.0 /* cost of reading and writing one element, in multiply-adds */

static double nn_work_per_thread = 200e3; /* multiply-adds that are worth one more thread */

NN_API void nn_set_work_per_thread(double work)
{
    nn_work_per_thread = work;
}

/* Return the number of threads worth waking, at most `threads`, for `work` multiply-adds: waking
 * them costs some microseconds. */
static inline int nn_useful_threads(int threads, double work)
{
    const double most = work / nn_work_per_thread;
    if (threads < 1)
        return 1;
    if (threads > NN_MAX_THREADS)
        threads = NN_MAX_THREADS;
    if (threads > most)
        threads = (int)most;
    return threads < 1 ? 1 : threads;
}

/* Return thread t's share [lo, hi) of n items, split at multiples of `group`. If there are few
 * groups, the incomplete last one is part of the last share: no share is narrower than a group (and
 * a vector) unless n is. */
static inline void nn_share(int64_t n, int64_t group, int t, int threads, int64_t *lo, int64_t *hi)
{
    const int64_t least = n < group ? 1 : n / group, most = (n + group - 1) / group;
    const int64_t groups = most >= 2 * (int64_t)threads ? most : least;
    *lo = groups * t / threads == groups ? n : groups * t / threads * group;
    *hi = groups * (t + 1) / threads == groups ? n : groups * (t + 1) / threads * group;
}

/* Flush denormals (below 1e-38) to 0 in this thread until nn_restore_denormals: a CPU takes about a
 * hundred cycles for one, and the moments of pixels that are always black are full of them. On a
 * CPU without such a mode they are kept: moments may differ by them, but not weights of ordinary
 * size. */
static inline unsigned nn_flush_denormals(void)
{
#if defined(__SSE2__) && defined(__GNUC__)
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040); /* results (FTZ) and operands (DAZ) */
    return before;
#elif defined(__aarch64__) && defined(__GNUC__)
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | 1 << 24));
    return (unsigned)before;
#else
    return 0;
#endif
}

static inline void nn_restore_denormals(unsigned before)
{
#if defined(__SSE2__) && defined(__GNUC__)
    _mm_setcsr(before);
#elif defined(__aarch64__) && defined(__GNUC__)
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)before));
#else
    (void)before;
#endif
}

/* ---- Work space in whole cache lines -------------------------------------------------- */

static inline int64_t nn_round64(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Return the first cache line at or after `at`; callers allocate 64 bytes more for it. */
static inline char *nn_align(void *at)
{
    return (char *)at + (64 - (uintptr_t)at % 64) % 64;
}

/* Return the padded row stride in floats that all kernels use: an odd number of whole cache lines,
 * so that rows are spread over all sets of the cache. */
static inline int64_t nn_stride(int64_t columns)
{
    return (((columns + 15) / 16) | 1) * 16;
}

#endif
