/* Atomic integers, shared among threads. Every access is sequentially consistent. */
#ifndef NN_ATOMICS_H
#define NN_ATOMICS_H

#ifdef _MSC_VER
#include <intrin.h>
typedef volatile long nn_atomic;
#define nn_atomic_load(at) _InterlockedOr((at), 0)
#define nn_atomic_store(at, value) (void)_InterlockedExchange((at), (value))
#define nn_atomic_swap(at, value) _InterlockedExchange((at), (value)) /* returns the old value */
#define nn_atomic_add(at, value) _InterlockedExchangeAdd((at), (value)) /* and so does this */
#else
typedef long nn_atomic;
#define nn_atomic_load(at) __atomic_load_n((at), __ATOMIC_SEQ_CST)
#define nn_atomic_store(at, value) __atomic_store_n((at), (value), __ATOMIC_SEQ_CST)
#define nn_atomic_swap(at, value) __atomic_exchange_n((at), (value), __ATOMIC_SEQ_CST)
#define nn_atomic_add(at, value) __atomic_fetch_add((at), (value), __ATOMIC_SEQ_CST)
#endif

#endif
