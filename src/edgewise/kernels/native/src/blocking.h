// What the maps over whole tensors share: memory, tasks, columns of a matrix, rows of tiles.
#pragma once
#include "prepare.h"

#include <atomic>
#include <new>

namespace ew::EW_ISA {

template <class T> T *room(int slot, int64_t count) {
    void *p = scratch(slot, count * int64_t(sizeof(T)));
    if (!p) throw std::bad_alloc();
    return static_cast<T *>(p);
}

// Runs tasks; an exception in one of them is thrown again by the caller's thread.
template <class F> void run_tasks(int64_t count, int threads, const F &f) {
    std::atomic<bool> failed{false};
    parallel(count, threads, [&](int64_t task) {
        try {
            if (!failed.load(std::memory_order_relaxed)) f(task);
        } catch (...) {
            failed = true;
        }
    });
    if (failed) throw std::bad_alloc();
}

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

constexpr int64_t STREAM_BYTES = 16 << 20; // results larger than that are written past the caches
constexpr int64_t CHUNK = 8192; // rows whose output gradients are packed at once
constexpr int AHEAD = 48; // rows between a prefetch and its use

// Columns of x (or v) on a block, one contiguous run of STRIDE an input.
template <class T>
void columns(const void *source, int64_t offset, int64_t row, int64_t col, int n, int inputs, T *EW_RESTRICT out) {
    const T *p = static_cast<const T *>(source) + offset;
    for (int b = 0; b < n; ++b) {
        // Rows are far apart, which no hardware prefetcher follows.
        __builtin_prefetch(p + std::min(b + AHEAD, n - 1) * row);
        for (int i = 0; i < inputs; ++i) out[i * STRIDE + b] = p[b * row + i * col];
    }
}

// Rows of tiles of TILE numbers, from and to memory where the last tile may have fewer: there zeros fill it.
template <class T> struct TileRows {
    static constexpr int N = Simd<T>::N;
    const int TILE;

    // By whole tiles of a width known to the compiler, which would otherwise call memcpy for each.
    template <int VECTORS> static EW_INLINE void move(const T *from, T *to) {
        typename Simd<T>::V v[VECTORS];
        for (int w = 0; w < VECTORS; ++w) v[w] = Simd<T>::load(from + w * N);
        for (int w = 0; w < VECTORS; ++w) Simd<T>::store(to + w * N, v[w]);
    }

    EW_INLINE void whole(const T *from, T *to) const {
        if (TILE == WIDE * N) return move<WIDE>(from, to);
        if (TILE == 2 * N) return move<2>(from, to);
        move<1>(from, to);
    }

    EW_INLINE void row(const T *from, int64_t n, T *to) const {
        if (n == TILE) return whole(from, to);
        for (int64_t k = 0; k < TILE; ++k) to[k] = k < n ? from[k] : T(0);
    }

    EW_INLINE void put(const T *from, int64_t n, T *to) const {
        if (n == TILE) return whole(from, to);
        for (int64_t k = 0; k < n; ++k) to[k] = from[k];
    }
};

} // namespace ew::EW_ISA
