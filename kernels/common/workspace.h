/* Work space that kernels borrow for the duration of a call.
 *
 * One block is kept between calls, so that a call causes no page faults. A caller takes it and puts
 * it back with one atomic exchange each. A concurrent caller (another thread while this one has
 * released the GIL, or in a Python without GIL) gets a new block; afterwards the larger of the two
 * is kept.
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

/* Header of a block: its size, padded to a cache line; the caller's bytes follow. */
typedef struct {
    size_t bytes;
    char rest[64 - sizeof(size_t)];
} nn_block;

static nn_block *nn_spare;

/* Return `bytes` bytes, or NULL if there is not enough memory. */
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
