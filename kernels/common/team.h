/* A team of threads that run one shared piece of work after another.
 *
 * nn_run(work, job, threads) calls work(job, t, threads) for t = 0, 1 .. threads - 1 and returns
 * when all calls have returned. The caller's thread is number 0. The other threads are started
 * when they are first needed, and then wait for the next piece of work. `threads` may be fewer
 * than asked for: one if another Python thread has the team, and as many as there are if the
 * system starts no more.
 *
 * A process has one team. Each extension holds room for one, and np_nn/ops.py lets all of them use
 * the first extension's (nn_use_team). A program in C needs no such call.
 *
 * Who waits reads a number again and again for some microseconds, then lets other programs run in
 * between, and sleeps in the end. After a fork the child begins with a team without threads.
 * Where there are no threads (WebAssembly), the caller does all the work.
 */
#ifndef NN_TEAM_H
#define NN_TEAM_H

#include "common/types.h"

#define NN_MAX_THREADS 256

/* ---- What systems and compilers call it -------------------------------------------------- */

#ifdef _MSC_VER
typedef volatile long nn_atomic;
#define nn_atomic_load(a) _InterlockedOr((a), 0)
#define nn_atomic_store(a, value) (void)_InterlockedExchange((a), (value))
#define nn_atomic_swap(a, value) _InterlockedExchange((a), (value))
#define nn_atomic_add(a, value) _InterlockedExchangeAdd((a), (value))
#else
typedef long nn_atomic;
#define nn_atomic_load(a) __atomic_load_n((a), __ATOMIC_SEQ_CST)
#define nn_atomic_store(a, value) __atomic_store_n((a), (value), __ATOMIC_SEQ_CST)
#define nn_atomic_swap(a, value) __atomic_exchange_n((a), (value), __ATOMIC_SEQ_CST)
#define nn_atomic_add(a, value) __atomic_fetch_add((a), (value), __ATOMIC_SEQ_CST)
#endif

#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>
#define nn_pause() _mm_pause() /* leaves the core to its other hardware thread, saves energy */
#elif defined(__aarch64__) && defined(__GNUC__)
#define nn_pause() __asm__ volatile("isb")
#else
#define nn_pause() (void)0
#endif

typedef void nn_work(const void *job, int t, int threads);

#ifdef _OPENMP
#include <omp.h>
#define NN_THREADED 0
#elif defined(_WIN32)
#define NN_THREADED 1
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
typedef SRWLOCK nn_mutex;
typedef CONDITION_VARIABLE nn_condition;
#define nn_lock(mutex) AcquireSRWLockExclusive(mutex)
#define nn_unlock(mutex) ReleaseSRWLockExclusive(mutex)
#define nn_sleep(condition, mutex) (void)SleepConditionVariableSRW(condition, mutex, INFINITE, 0)
#define nn_wake_all(condition) WakeAllConditionVariable(condition)
#define nn_yield() (void)SwitchToThread()
#define NN_THREAD_FUNCTION DWORD WINAPI
#elif !defined(__wasm__)
#define NN_THREADED 1
#include <pthread.h>
#include <sched.h>
#include <signal.h>
typedef pthread_mutex_t nn_mutex;
typedef pthread_cond_t nn_condition;
#define nn_lock(mutex) (void)pthread_mutex_lock(mutex)
#define nn_unlock(mutex) (void)pthread_mutex_unlock(mutex)
#define nn_sleep(condition, mutex) (void)pthread_cond_wait(condition, mutex)
#define nn_wake_all(condition) (void)pthread_cond_broadcast(condition)
#define nn_yield() (void)sched_yield()
#define NN_THREAD_FUNCTION void *
#else
#define NN_THREADED 0
#endif

#if NN_THREADED

/* ---- Waiting ----------------------------------------------------------------------------- */

#ifndef NN_PAUSES
#define NN_PAUSES 1000 /* readings before a waiting thread lets others run, 10 to 40 us */
#endif
#ifndef NN_YIELDS
#define NN_YIELDS 200 /* readings between which others run, before it sleeps */
#endif

/* A number that only grows, and those who sleep until it does. On a cache line of its own. */
typedef struct {
    NN_ALIGNED nn_atomic value;
    nn_atomic sleepers;
    nn_mutex mutex;
    nn_condition condition;
} nn_signal;

static void nn_signal_open(nn_signal *s)
{
    s->value = s->sleepers = 0;
#ifdef _WIN32
    InitializeSRWLock(&s->mutex);
    InitializeConditionVariable(&s->condition);
#else
    pthread_mutex_init(&s->mutex, 0);
    pthread_cond_init(&s->condition, 0);
#endif
}

/* Wait until the value is no longer `old`. No wake-up is lost: either the sleeper sees the new
 * value, or nn_raise sees the sleeper and waits for its mutex until it sleeps. */
static void nn_await(nn_signal *s, long old)
{
    for (int i = 0; i < NN_PAUSES; i++) {
        if (nn_atomic_load(&s->value) != old)
            return;
        nn_pause();
    }
    for (int i = 0; i < NN_YIELDS; i++) {
        if (nn_atomic_load(&s->value) != old)
            return;
        nn_yield();
    }
    nn_lock(&s->mutex);
    nn_atomic_add(&s->sleepers, 1);
    while (nn_atomic_load(&s->value) == old)
        nn_sleep(&s->condition, &s->mutex);
    nn_atomic_add(&s->sleepers, -1);
    nn_unlock(&s->mutex);
}

static void nn_raise(nn_signal *s)
{
    nn_atomic_add(&s->value, 1);
    if (nn_atomic_load(&s->sleepers)) {
        nn_lock(&s->mutex);
        nn_unlock(&s->mutex);
        nn_wake_all(&s->condition);
    }
}

/* ---- The team ---------------------------------------------------------------------------- */

typedef struct nn_team nn_team;

typedef struct {
    nn_signal go; /* raised for each piece of work that this thread takes part in */
    nn_team *team;
    int number;
} nn_worker;

struct nn_team {
    nn_atomic taken; /* 1 while somebody runs a piece of work */
    nn_work *work;
    const void *job;
    int threads;              /* of this piece of work, the caller's with them */
    int workers;              /* that were started */
    NN_ALIGNED nn_atomic arrived; /* at the next barrier */
    nn_signal barrier;        /* raised when all have arrived */
    nn_worker worker[NN_MAX_THREADS - 1];
};

static nn_team nn_own_team, *nn_used_team = &nn_own_team;

/* Use another extension's team from now on. */
NN_API void nn_use_team(void *team)
{
    nn_used_team = (nn_team *)team;
}

/* The team in use, for nn_use_team of another extension. */
NN_API void *nn_team_in_use(void)
{
    return nn_used_team;
}

static void nn_arrive(nn_team *team, int threads)
{
    if (nn_atomic_add(&team->arrived, 1) == threads - 1) {
        nn_atomic_store(&team->arrived, 0);
        nn_raise(&team->barrier);
    }
}

/* In a piece of work: wait until all its threads have come here. */
NN_API void nn_barrier(int threads)
{
    nn_team *const team = nn_used_team;
    if (threads < 2)
        return;
    const long before = nn_atomic_load(&team->barrier.value);
    nn_arrive(team, threads);
    nn_await(&team->barrier, before);
}

/* The life of a thread. It does not wait at the end of a piece of work; the caller does. */
static NN_THREAD_FUNCTION nn_serve(void *given)
{
    nn_worker *const me = (nn_worker *)given;
    nn_team *const team = me->team;
    for (long done = 0;;) {
        nn_await(&me->go, done);
        done = nn_atomic_load(&me->go.value);
        const int threads = team->threads;
        team->work(team->job, me->number, threads);
        nn_arrive(team, threads);
    }
    return 0;
}

/* ---- Its threads ------------------------------------------------------------------------- */

#define NN_STACK (1 << 20) /* bytes: some systems give a thread far less */

#ifdef _WIN32
static int nn_start_thread(nn_worker *worker)
{
    const HANDLE thread = CreateThread(0, NN_STACK, nn_serve, worker, 0, 0);
    return thread && CloseHandle(thread);
}

static void nn_watch_forks(void) {}
#else
/* Start a thread that leaves signals to the caller's threads, as Python expects. Nobody joins it:
 * it sleeps until the process ends. */
static int nn_start_thread(nn_worker *worker)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes))
        return 0;
    pthread_attr_setstacksize(&attributes, NN_STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&thread, &attributes, nn_serve, worker);
    pthread_sigmask(SIG_SETMASK, &before, 0);
    pthread_attr_destroy(&attributes);
    return !failed;
}

/* In a forked child: its parent's threads are gone, and what they held is held for ever. */
static void nn_forget_threads(void)
{
    memset(nn_used_team, 0, sizeof *nn_used_team);
}

static void nn_watch_forks(void)
{
    static int watching;
    if (!watching)
        pthread_atfork(0, 0, nn_forget_threads);
    watching = 1;
}
#endif

/* Start threads until there are as many as asked for; returns how many there are. */
static int nn_recruit(nn_team *team, int threads)
{
    if (!team->workers) {
        nn_watch_forks();
        nn_signal_open(&team->barrier);
    }
    while (team->workers < threads - 1) {
        nn_worker *const next = &team->worker[team->workers];
        nn_signal_open(&next->go);
        next->team = team;
        next->number = team->workers + 1;
        if (!nn_start_thread(next))
            return team->workers + 1;
        team->workers++;
    }
    return threads;
}

NN_API void nn_run(nn_work *work, const void *job, int threads)
{
    nn_team *const team = nn_used_team;
    if (threads < 2 || nn_atomic_swap(&team->taken, 1)) {
        work(job, 0, 1);
        return;
    }
    threads = nn_recruit(team, threads);
    team->work = work;
    team->job = job;
    team->threads = threads;
    for (int t = 1; t < threads; t++)
        nn_raise(&team->worker[t - 1].go);
    work(job, 0, threads);
    nn_barrier(threads);
    nn_atomic_store(&team->taken, 0);
}

#elif defined(_OPENMP)
NN_API void nn_run(nn_work *work, const void *job, int threads)
{
#pragma omp parallel num_threads(threads) if (threads > 1)
    work(job, omp_get_thread_num(), omp_get_num_threads());
}

NN_API void nn_barrier(int threads)
{
    if (threads > 1) {
#pragma omp barrier
    }
}

NN_API void nn_use_team(void *team) { (void)team; }
NN_API void *nn_team_in_use(void) { return (void *)&nn_run; }
#else
NN_API void nn_run(nn_work *work, const void *job, int threads)
{
    (void)threads;
    work(job, 0, 1);
}

NN_API void nn_barrier(int threads)
{
    (void)threads;
}
#endif

#endif
