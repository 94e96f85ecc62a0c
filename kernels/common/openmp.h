/* OpenMP threads in place of team.h; selected by NP_NN_OPENMP=1 when the kernels are built.
 *
 * GCC's libgomp does not survive fork(): its threads do not exist in the child, and a parallel
 * region there would wait for them forever. So a forked child uses one thread, with the same
 * results.
 */
#ifndef NN_OPENMP_H
#define NN_OPENMP_H

#include <omp.h>
#ifndef _WIN32
#include <pthread.h>
#endif

#include "common/types.h"

static int nn_forked;

static void nn_note_fork(void)
{
    nn_forked = 1;
}

NN_API void nn_run(nn_work *work, const void *job, int threads)
{
#ifndef _WIN32
    static int watching;
    if (!watching)
        watching = !pthread_atfork(0, 0, nn_note_fork);
#endif
    if (nn_forked)
        threads = 1;
#pragma omp parallel num_threads(threads) if (threads > 1)
    work(job, omp_get_thread_num(), omp_get_num_threads());
}

NN_API void nn_barrier(int threads)
{
    if (threads > 1) {
#pragma omp barrier
    }
}

/* OpenMP's threads are shared by all extensions anyway. */
NN_API void *nn_team_in_use(void)
{
    return &nn_forked;
}

NN_API void nn_use_team(void *team)
{
    (void)team;
}

#endif
