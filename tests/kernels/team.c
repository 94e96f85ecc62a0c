/* Test of the thread team, kernels/common/team.h, without Python. test_team.py compiles and runs
 * it, also with the thread sanitizer. Prints the first failed condition and ends with status 1, or
 * prints the number of jobs done.
 */
#include <stdio.h>

#ifndef _WIN32
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static int refuse; /* 1: the system starts no thread */

static int start_unless_refused(pthread_t *thread, const pthread_attr_t *attributes,
                                void *(*main)(void *), void *given)
{
    return refuse ? EAGAIN : pthread_create(thread, attributes, main, given);
}
#define pthread_create start_unless_refused
#endif

#include "common/threads.h"

#ifdef _WIN32
#define THREAD HANDLE
#define START(thread, function) (thread = CreateThread(0, 0, function, 0, 0, 0))
#define JOIN(thread) WaitForSingleObject(thread, INFINITE)
#define FUNCTION(name) DWORD WINAPI name(void *unused)
#define SLEEP_MS(ms) Sleep(ms)
#else
#define THREAD pthread_t
#define START(thread, function) pthread_create(&thread, 0, function, 0)
#define JOIN(thread) pthread_join(thread, 0)
#define FUNCTION(name) void *name(void *unused)
#define SLEEP_MS(ms) usleep(1000 * (ms))
#endif

#define MOST 64
#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            printf("line %d: %s\n", __LINE__, #condition);                                   \
            fflush(stdout);                                                                  \
            _exit(1);                                                                        \
        }                                                                                    \
    } while (0)

enum { CALLERS = 8, ROUNDS = 300 };

static nn_atomic done;

/* Each thread writes its cell and then, after a barrier, sums all cells. */
typedef struct {
    long *cells, *sums;
    int *threads;
} job;

static void sum_cells(const void *given, int t, int threads)
{
    const job *j = given;
    for (int round = 1; round <= 3; round++) {
        j->cells[t] = round * (t + 1);
        nn_barrier(threads);
        j->sums[t] = 0;
        for (int i = 0; i < threads; i++)
            j->sums[t] += j->cells[i];
        nn_barrier(threads);
    }
    if (t == 0)
        *j->threads = threads;
}

/* Run it on at most `most` threads; return the number of threads used. */
static int run(int most)
{
    long cells[MOST] = {0}, sums[MOST] = {0};
    int threads = 0;
    const job j = {cells, sums, &threads};
    nn_run(sum_cells, &j, most);
    CHECK(threads >= 1 && threads <= most);
    for (int t = 0; t < MOST; t++)
        CHECK(sums[t] == (t < threads ? 3L * threads * (threads + 1) / 2 : 0));
    nn_atomic_add(&done, 1);
    return threads;
}

static void check_sizes(void)
{
    static const int sizes[] = {1, 2, 4, 4, 2, 3, 8, 1, 2, 8, 5};
    for (int round = 0; round < ROUNDS / 10; round++)
        for (int i = 0; i < (int)(sizeof sizes / sizeof *sizes); i++)
            CHECK(run(sizes[i]) == sizes[i]);
}

static void check_sleepers(void)
{
    for (int i = 0; i < 5; i++) {
        SLEEP_MS(5);
        CHECK(run(4) == 4);
    }
}

static FUNCTION(call)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++)
        run(1 + i % 4);
    return 0;
}

static void check_callers(void)
{
    THREAD callers[CALLERS];
    for (int i = 0; i < CALLERS; i++)
        START(callers[i], call);
    for (int i = 0; i < CALLERS; i++)
        JOIN(callers[i]);
    CHECK(run(4) == 4);
}

#ifndef _WIN32
static nn_atomic stop;

static FUNCTION(call_until_stopped)
{
    (void)unused;
    while (!nn_atomic_load(&stop))
        run(4);
    return 0;
}

static void wait_for(pid_t child)
{
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
}

/* Fork, and use all threads in the child and in its own child. */
static void check_fork(void)
{
    const pid_t child = fork();
    if (!child) {
        alarm(30);
        CHECK(run(4) == 4);
        if (!fork())
            _exit(run(3) != 3);
        int status = -1;
        wait(&status);
        _exit(status != 0);
    }
    wait_for(child);
}

static void check_forks(void)
{
    THREAD caller;
    check_fork(); /* while workers spin and yield */
    SLEEP_MS(5);
    check_fork(); /* while they sleep */
    START(caller, call_until_stopped); /* while another thread uses the team */
    for (int i = 0; i < 20; i++)
        check_fork();
    nn_atomic_store(&stop, 1);
    JOIN(caller);
    CHECK(run(4) == 4);
}

/* If no thread can be started, the existing ones do the work. */
static void check_refusal(void)
{
    const pid_t child = fork();
    if (!child) {
        refuse = 1;
        CHECK(run(8) == 1);
        refuse = 0;
        CHECK(run(2) == 2);
        refuse = 1;
        CHECK(run(8) == 2);
        refuse = 0;
        _exit(run(8) != 8);
    }
    wait_for(child);
}
#endif

int main(void)
{
    check_sizes();
    check_sleepers();
    check_callers();
#ifndef _WIN32
    check_forks();
    check_refusal();
#endif
    printf("%ld\n", nn_atomic_load(&done));
    return 0;
}
