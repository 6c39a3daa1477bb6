// Parallel loops that borrow the caller's thread pool and bring none of their own.
#pragma once
#include <cstdint>

namespace ew {

// Calls body(context, task) for every task in [0, count), on at most `threads` threads at once. Tasks are handed out in order;
// what a task computes must not depend on which thread takes it, so that results are the same for any number of threads.
using Body = void (*)(void *context, int64_t task);
void parallel_for(int64_t count, int threads, void *context, Body body);

template <class F> void parallel(int64_t count, int threads, const F &f) {
    parallel_for(count, threads, const_cast<F *>(&f), [](void *context, int64_t task) {
        (*static_cast<F *>(context))(task);
    });
}

// The same on threads that begin and end with the call, some 30 microseconds each.
void parallel_for_anew(int64_t count, int threads, void *context, Body body);

template <class F> void parallel_anew(int64_t count, int threads, const F &f) {
    parallel_for_anew(count, threads, const_cast<F *>(&f), [](void *context, int64_t task) {
        (*static_cast<F *>(context))(task);
    });
}

// Scratch memory of the calling thread that stays between calls (fresh large allocations cost as much as the arithmetic).
// `slot` tells independent buffers apart (0..7). 64-byte aligned; nullptr where there is no memory.
void *scratch(int slot, int64_t bytes);

} // namespace ew
