// What this processor can do at most: multiply-adds from registers, and bytes read from each level of memory.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <memory>

namespace ew::EW_ISA::roofline {

#if defined(__AVX512F__)
constexpr int WIDE = 64, CHAINS = 24;
#elif defined(__AVX2__)
constexpr int WIDE = 32, CHAINS = 12;
#elif defined(__aarch64__)
constexpr int WIDE = 16, CHAINS = 24;
#else
constexpr int WIDE = 16, CHAINS = 12;
#endif

template <class T> struct Vector {
    typedef T type __attribute__((vector_size(WIDE), may_alias));
};

// The work done a second in the best of many short spells of processor time: interruptions only ever take away.
template <class F> double best_rate(double seconds, double work, const F &spell) {
    const double ticks = CLOCKS_PER_SEC;
    const std::clock_t began = std::clock();
    double best = 0;
    int64_t repeats = 1;
    do {
        const std::clock_t start = std::clock();
        for (int64_t r = 0; r < repeats; ++r) spell();
        const double took = double(std::clock() - start) / ticks;
        if (took < 1e-3) {
            repeats *= 2; // too short for the clock to tell
            continue;
        }
        best = std::max(best, work * double(repeats) / took);
    } while (double(std::clock() - began) / ticks < seconds || best == 0);
    return best;
}

// Scalar multiply-adds a second. CHAINS independent sums hide the latency of one; a factor unknown to the compiler keeps it
// from summing the series.
template <class T> double multiply_adds(double seconds) {
    using V = typename Vector<T>::type;
    constexpr int64_t ROUNDS = 4096, LANES = WIDE / sizeof(T);
    volatile T unknown = T(0.999);
    V sums[CHAINS] = {}, factor = {}, term = {};
    factor += T(unknown), term += T(1) - T(unknown);
    const double best = best_rate(seconds, double(ROUNDS * CHAINS * LANES), [&] {
        V s[CHAINS];
        for (int c = 0; c < CHAINS; ++c) s[c] = sums[c] + T(c);
        for (int64_t r = 0; r < ROUNDS; ++r) {
#pragma GCC unroll 24
            for (int c = 0; c < CHAINS; ++c) s[c] = s[c] * factor + term;
        }
        for (int c = 0; c < CHAINS; ++c) sums[c] = s[c];
    });
    for (int c = 0; c < CHAINS; ++c) unknown = sums[c][0];
    return best;
}

// Bytes a second read from a block of memory of this size again and again: from the level of cache it fits into.
inline double read_bytes(int64_t bytes, double seconds) {
    using V = Vector<float>::type;
    constexpr int64_t STEP = 8;
    const int64_t count = std::max<int64_t>(bytes / (WIDE * STEP), 1) * STEP;
    std::unique_ptr<char[]> memory(new char[size_t(count * WIDE + 64)]);
    std::memset(memory.get(), 0, size_t(count * WIDE + 64));
    auto *block = reinterpret_cast<const V *>((reinterpret_cast<uintptr_t>(memory.get()) + 63) / 64 * 64);
    V sums[STEP] = {};
    const double best = best_rate(seconds, double(count * WIDE), [&] {
        V s[STEP];
        for (int c = 0; c < STEP; ++c) s[c] = sums[c];
        for (int64_t at = 0; at < count; at += STEP) {
#pragma GCC unroll 8
            for (int c = 0; c < STEP; ++c) s[c] += block[at + c];
        }
        for (int c = 0; c < STEP; ++c) sums[c] = s[c];
    });
    volatile float kept;
    for (int c = 0; c < STEP; ++c) kept = sums[c][0];
    (void)kept;
    return best;
}

} // namespace ew::EW_ISA::roofline

namespace ew::EW_ISA {

inline double peak_fma(int is_double, double seconds) {
    return is_double ? roofline::multiply_adds<double>(seconds) : roofline::multiply_adds<float>(seconds);
}
inline double bandwidth(int64_t bytes, double seconds) { return roofline::read_bytes(bytes, seconds); }

} // namespace ew::EW_ISA
