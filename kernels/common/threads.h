/* How work is shared among threads.
 *
 * Threads share the output: columns of the weights, or rows of the batch. No sum is
 * ever split, so every thread count gives the same bits.
 *
 * GCC's libgomp does not survive fork(): its threads are gone in the child, and a
 * parallel region there would wait for them for ever. So after a fork one thread works
 * (nn_after_fork), with the same results.
 */
#ifndef NN_THREADS_H
#define NN_THREADS_H

#include "common/types.h"
#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(__SSE2__) && defined(__GNUC__)
#include <xmmintrin.h>
#endif

#define NN_MAX_THREADS 256

#define NN_PASS 4.0 /* multiply-adds that take as long as reading and writing one element */

static double nn_work_per_thread = 200e3; /* multiply-adds worth a thread */
static int nn_forked;

/* NN_PARALLEL(threads): the block that follows is run by each thread of a team. In it, NN_THREAD()
 * is the thread's number and NN_THREADS() the size of the team. NN_FOR_ANY_THREAD: the idle thread
 * takes the next iteration of the loop that follows. */
#ifdef _OPENMP
#define NN_OPENMP 1
#define NN_FOR_ANY_THREAD _Pragma("omp for schedule(dynamic)")
#define NN_PARALLEL(threads) _Pragma(NN_STRING(omp parallel num_threads(threads) if (threads > 1)))
#define NN_THREAD() omp_get_thread_num()
#define NN_THREADS() omp_get_num_threads() /* may be fewer than asked for */
#define NN_BARRIER(threads)                                                                  \
    do {                                                                                     \
        if ((threads) > 1) {                                                                 \
            _Pragma("omp barrier")                                                           \
        }                                                                                    \
    } while (0)
#else
#define NN_OPENMP 0
#define NN_FOR_ANY_THREAD
#define NN_PARALLEL(threads)
#define NN_THREAD() 0
#define NN_THREADS() 1
#define NN_BARRIER(threads) (void)(threads)
#endif

NN_API void nn_set_work_per_thread(double work)
{
    nn_work_per_thread = work;
}

NN_API void nn_after_fork(void)
{
    nn_forked = 1;
}

/* Threads worth waking for so many multiply-adds: a region costs some microseconds. */
static inline int nn_useful_threads(int threads, double work)
{
    const double most = work / nn_work_per_thread;
    if (!NN_OPENMP || nn_forked || threads < 1)
        return 1;
    if (threads > NN_MAX_THREADS)
        threads = NN_MAX_THREADS;
    if (threads > most)
        threads = (int)most;
    return threads < 1 ? 1 : threads;
}

/* Thread t's share of n things, cut at multiples of `group`. With few groups, the rest
 * that makes no full one joins the last share: no share is narrower than a group (and
 * a vector) unless n is. */
static inline void nn_share(int64_t n, int64_t group, int t, int threads, int64_t *lo, int64_t *hi)
{
    const int64_t least = n < group ? 1 : n / group, most = (n + group - 1) / group;
    const int64_t groups = most >= 2 * (int64_t)threads ? most : least;
    *lo = groups * t / threads == groups ? n : groups * t / threads * group;
    *hi = groups * (t + 1) / threads == groups ? n : groups * (t + 1) / threads * group;
}

/* Numbers below 1e-38 count as 0 until nn_restore_denormals: a CPU takes some hundred
 * cycles for one, and moments of pixels that stay black are full of them. Per thread. Where there
 * is no such mode they stay: moments may differ by them, which no weight of ordinary size shows. */
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

/* ---- Work space: whole cache lines ---------------------------------------------------- */

static inline int64_t nn_round64(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* The first cache line that begins at or after `at`; callers leave 64 bytes for it. */
static inline char *nn_align(void *at)
{
    return (char *)at + (64 - (uintptr_t)at % 64) % 64;
}

/* A padded row stride (floats) that is good to all kernels: whole cache lines, an odd
 * number of them, so that rows spread over all sets of the cache. */
static inline int64_t nn_stride(int64_t columns)
{
    return (((columns + 15) / 16) | 1) * 16;
}

#endif
