/* Work space for kernels that need some while they run.
 *
 * One block per process is kept, so that a call costs no page faults. A caller takes it away and
 * puts its block back in one atomic exchange each. Another caller that comes meanwhile (a thread,
 * while this one works without the GIL, or where Python has none) gets a block of its own; of the
 * two the larger one is kept.
 */
#ifndef NN_WORKSPACE_H
#define NN_WORKSPACE_H

#include "common/types.h"

#ifdef _MSC_VER
#include <intrin.h>
#define NN_SWAP(at, block) (nn_block *)_InterlockedExchangePointer((void *volatile *)(at), block)
#else
#define NN_SWAP(at, block) __atomic_exchange_n(at, block, __ATOMIC_ACQ_REL)
#endif

/* A block: its size, then the caller's bytes, a cache line further on. */
typedef struct {
    size_t bytes;
    char rest[64 - sizeof(size_t)];
} nn_block;

static nn_block *nn_spare;

/* Return `bytes` bytes, or NULL if there is not so much memory. */
NN_API void *nn_borrow(size_t bytes)
{
    nn_block *block = NN_SWAP(&nn_spare, NULL);
    if (!block || block->bytes < bytes) {
        free(block);
        block = malloc(sizeof(nn_block) + bytes);
        if (!block)
            return NULL;
        block->bytes = bytes;
    }
    return block + 1;
}

NN_API void nn_give_back(void *space)
{
    nn_block *block = (nn_block *)space - 1, *other = NN_SWAP(&nn_spare, NULL);
    if (other && other->bytes > block->bytes) {
        free(block);
        block = other;
    } else {
        free(other);
    }
    free(NN_SWAP(&nn_spare, block));
}

#endif
