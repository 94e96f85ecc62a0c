/* A team of threads that runs one job after another.
 *
 * nn_run(work, job, threads) calls work(job, t, threads) for t = 0, 1 .. threads - 1 and returns
 * when all calls have returned. Number 0 is the caller's thread; the others are started when first
 * needed, and are kept. A job may get fewer threads than requested: one while another caller uses
 * the team, and the number of existing ones if the system cannot start more.
 *
 * A waiting thread spins for some microseconds, then yields between reads, and finally sleeps. In a
 * forked child the team starts again without threads.
 *
 * A process uses one team: each extension has its own, and np_nn/ops.py makes all of them use the
 * first extension's. C programs need not do so. On WebAssembly the caller does all the work.
 */
#ifndef NN_TEAM_H
#define NN_TEAM_H

#include "common/atomics.h"
#include "common/types.h"

#ifdef __wasm__
static int nn_used_team;

NN_API void *nn_team_in_use(void)
{
    return &nn_used_team;
}

NN_API void nn_use_team(void *team)
{
    (void)team;
}

NN_API void nn_run(nn_work *work, const void *job, int threads)
{
    (void)threads;
    work(job, 0, 1);
}

NN_API void nn_barrier(int threads)
{
    (void)threads;
}
#else

/* ---- The system's primitives ------------------------------------------------------------ */

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
typedef SRWLOCK nn_mutex;
typedef CONDITION_VARIABLE nn_condition;
#define nn_mutex_open(mutex) InitializeSRWLock(mutex)
#define nn_condition_open(condition) InitializeConditionVariable(condition)
#define nn_lock(mutex) AcquireSRWLockExclusive(mutex)
#define nn_unlock(mutex) ReleaseSRWLockExclusive(mutex)
#define nn_sleep(condition, mutex) (void)SleepConditionVariableSRW(condition, mutex, INFINITE, 0)
#define nn_wake_all(condition) WakeAllConditionVariable(condition)
#define nn_yield() (void)SwitchToThread()
#else
#include <pthread.h>
#include <sched.h>
#include <signal.h>
typedef pthread_mutex_t nn_mutex;
typedef pthread_cond_t nn_condition;
#define nn_mutex_open(mutex) (void)pthread_mutex_init(mutex, 0)
#define nn_condition_open(condition) (void)pthread_cond_init(condition, 0)
#define nn_lock(mutex) (void)pthread_mutex_lock(mutex)
#define nn_unlock(mutex) (void)pthread_mutex_unlock(mutex)
#define nn_sleep(condition, mutex) (void)pthread_cond_wait(condition, mutex)
#define nn_wake_all(condition) (void)pthread_cond_broadcast(condition)
#define nn_yield() (void)sched_yield()
#endif

/* Pause for some nanoseconds: saves energy, and speeds up the core's other hardware thread. */
#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#define nn_pause() _mm_pause()
#elif defined(__aarch64__) && defined(__GNUC__)
#define nn_pause() __asm__ volatile("isb")
#else
#define nn_pause() (void)0
#endif

/* ---- Waiting ----------------------------------------------------------------------------- */

#define NN_PAUSES 200 /* reads, each followed by a pause: 2 to 10 us */
#define NN_YIELDS 600 /* reads, each followed by a yield: 200 to 600 us if nothing else runs */

/* A counter, and the threads that sleep until it is increased. */
typedef struct {
    NN_ALIGNED nn_atomic value; /* on a cache line of its own */
    nn_atomic sleepers;
    nn_mutex mutex;
    nn_condition condition;
} nn_signal;

static void nn_signal_open(nn_signal *s)
{
    s->value = s->sleepers = 0;
    nn_mutex_open(&s->mutex);
    nn_condition_open(&s->condition);
}

/* Wait until the value is not `old`. No wake-up is lost: either the sleeper sees the new value, or
 * nn_signal_raise sees the sleeper and gets the mutex only after it has gone to sleep. */
static void nn_signal_await(nn_signal *s, long old)
{
    for (int i = 0; i < NN_PAUSES + NN_YIELDS; i++) {
        if (nn_atomic_load(&s->value) != old)
            return;
        if (i < NN_PAUSES)
            nn_pause();
        else
            nn_yield();
    }
    nn_lock(&s->mutex);
    nn_atomic_add(&s->sleepers, 1);
    while (nn_atomic_load(&s->value) == old)
        nn_sleep(&s->condition, &s->mutex);
    nn_atomic_add(&s->sleepers, -1);
    nn_unlock(&s->mutex);
}

static void nn_signal_raise(nn_signal *s)
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

/* A thread of the team besides the caller's. go: raised for each job that it takes part in. */
typedef struct {
    nn_signal go;
    nn_team *team;
    int number;
} nn_worker;

struct nn_team {
    nn_atomic taken; /* 1 while a caller uses the team; only that caller writes the fields below */
    nn_work *work;
    const void *job;
    int threads; /* threads of this job, including the caller's */
    int workers; /* threads that were started */
    nn_signal barrier; /* raised when all threads have arrived */
    NN_ALIGNED nn_atomic arrived;
    nn_worker worker[NN_MAX_THREADS - 1];
};

static nn_team nn_own_team, *nn_used_team = &nn_own_team;

/* Return the team in use, for nn_use_team of another extension. */
NN_API void *nn_team_in_use(void)
{
    return nn_used_team;
}

/* Use another extension's team from now on. */
NN_API void nn_use_team(void *team)
{
    nn_used_team = (nn_team *)team;
}

static void nn_arrive(nn_team *team, int threads)
{
    if (nn_atomic_add(&team->arrived, 1) == threads - 1) {
        nn_atomic_store(&team->arrived, 0);
        nn_signal_raise(&team->barrier);
    }
}

/* In a job: wait until all its threads have reached the barrier. */
NN_API void nn_barrier(int threads)
{
    nn_team *const team = nn_used_team;
    if (threads < 2)
        return;
    const long before = nn_atomic_load(&team->barrier.value);
    nn_arrive(team, threads);
    nn_signal_await(&team->barrier, before);
}

/* A worker's loop. At the end of a job it arrives at the barrier without waiting; only the caller
 * waits there. */
static void nn_serve(nn_worker *me)
{
    nn_team *const team = me->team;
    for (long done = 0;;) {
        nn_signal_await(&me->go, done);
        done = nn_atomic_load(&me->go.value);
        const int threads = team->threads;
        team->work(team->job, me->number, threads);
        nn_arrive(team, threads);
    }
}

/* ---- Threads. They are never joined: they sleep until the process ends ------------------- */

#define NN_STACK (1 << 20) /* bytes; the default of some systems is far less */

#ifdef _WIN32
static DWORD WINAPI nn_thread_main(void *worker)
{
    nn_serve((nn_worker *)worker);
    return 0;
}

/* Start a worker's thread; returns whether there is one. */
static int nn_start_thread(nn_worker *worker)
{
    const HANDLE thread = CreateThread(0, NN_STACK, nn_thread_main, worker, 0, 0);
    return thread && CloseHandle(thread);
}

static void nn_watch_forks(void) {}
#else
static void *nn_thread_main(void *worker)
{
    nn_serve((nn_worker *)worker);
    return 0;
}

/* Start a worker's thread; return whether it started. It blocks all signals, so that they interrupt
 * the callers' threads. */
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
    const int failure = pthread_create(&thread, &attributes, nn_thread_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, 0);
    pthread_attr_destroy(&attributes);
    return !failure;
}

/* In a forked child: the workers do not exist, and locks that they held will never be released. */
static void nn_forget_workers(void)
{
    memset(nn_used_team, 0, sizeof *nn_used_team);
}

static void nn_watch_forks(void)
{
    static int watching;
    if (!watching)
        watching = !pthread_atfork(0, 0, nn_forget_workers);
}
#endif

/* Start workers until there are `threads` threads with the caller's; return the number
 * available. */
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
        nn_signal_raise(&team->worker[t - 1].go);
    work(job, 0, threads);
    nn_barrier(threads);
    nn_atomic_store(&team->taken, 0);
}
#endif

#endif
