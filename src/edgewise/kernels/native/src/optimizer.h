// AdamW in one pass: parameter, gradient and both moments are read once and written once.
#pragma once
#include "edgewise.h"
#include "threads.h"

#include <algorithm>
#include <cmath>

namespace ew {
namespace EW_ISA {

// Numbers that one task updates: few enough to share out, enough to hide what a task costs.
constexpr int64_t ADAMW_BLOCK = 1 << 15;

// Rows of a matrix that one task updates; plain numbers are rows of one column.
inline int64_t adamw_rows(int64_t columns) { return std::max<int64_t>(1, ADAMW_BLOCK / std::max<int64_t>(1, columns)); }

template <class T> struct AdamW {
    T first, second, keep, fade, rate, root, eps;

    AdamW(const ew_adamw_step &s, const ew_adamw_part &part)
        : first(T(1 - s.beta1)), second(T(1 - s.beta2)), keep(T(s.beta2)), fade(T(part.rate * part.decay)),
          rate(T(part.rate / s.correction1)), root(T(1 / std::sqrt(s.correction2))), eps(T(s.eps)) {}

    void plain(int64_t n, T *__restrict p, const T *__restrict g, T *__restrict m, T *__restrict v) const {
        for (int64_t i = 0; i < n; ++i) {
            const T mean = m[i] + first * (g[i] - m[i]), square = keep * v[i] + second * g[i] * g[i];
            m[i] = mean;
            v[i] = square;
            p[i] -= fade * p[i] + rate * mean / (std::sqrt(square) * root + eps);
        }
    }

    void centred(int64_t n, T *__restrict p, const T *__restrict g, T *__restrict m, T *__restrict v, T share,
                 const T *__restrict shared, T *__restrict shift) const {
        for (int64_t i = 0; i < n; ++i) {
            const T gi = g[i] - share * shared[i];
            const T mean = m[i] + first * (gi - m[i]), square = keep * v[i] + second * gi * gi;
            const T step = fade * p[i] + rate * mean / (std::sqrt(square) * root + eps);
            m[i] = mean;
            v[i] = square;
            p[i] -= step;
            shift[i] -= share * step;
        }
    }
};

template <class T> void adamw_block(const ew_adamw_step &s, const ew_adamw_part &part, int64_t block) {
    if (!part.g) return;
    const AdamW<T> rule(s, part);
    const int64_t columns = part.mean ? part.columns : 1, rows = adamw_rows(columns);
    const int64_t from = block * rows, to = std::min(part.count / columns, from + rows), at = from * columns;
    auto p = static_cast<T *>(part.p) + at, m = static_cast<T *>(part.m) + at, v = static_cast<T *>(part.v) + at;
    auto g = static_cast<const T *>(part.g) + at;
    if (!part.mean) return rule.plain(to - from, p, g, m, v);
    auto mean = static_cast<const T *>(part.mean), shared = static_cast<const T *>(part.shared);
    auto shift = static_cast<T *>(part.shift) + block * columns;
    std::fill(shift, shift + columns, T(0));
    for (int64_t r = from; r < to; ++r, p += columns, g += columns, m += columns, v += columns)
        rule.centred(columns, p, g, m, v, mean[r], shared, shift);
}

inline int64_t adamw_blocks(const ew_adamw_part &part) {
    const int64_t columns = part.mean ? part.columns : 1, rows = adamw_rows(columns);
    return (part.count / columns + rows - 1) / rows;
}

template <class T> void adamw_bias(const ew_adamw_part &part) {
    if (!part.g || !part.mean) return;
    auto shift = static_cast<const T *>(part.shift);
    auto bias = static_cast<T *>(part.bias);
    for (int64_t block = 0; block < adamw_blocks(part); ++block, shift += part.columns)
        for (int64_t c = 0; c < part.columns; ++c) bias[c] -= shift[c];
}

inline int adamw_step(const ew_adamw_step &s) {
    int64_t tasks = 0;
    for (int32_t k = 0; k < s.parts; ++k) tasks += adamw_blocks(s.part[k]);
    parallel(tasks, s.threads, [&](int64_t task) {
        const ew_adamw_part *part = s.part;
        for (int64_t blocks; task >= (blocks = adamw_blocks(*part)); ++part) task -= blocks;
        if (s.is_double)
            adamw_block<double>(s, *part, task);
        else
            adamw_block<float>(s, *part, task);
    });
    for (int32_t k = 0; k < s.parts; ++k) s.is_double ? adamw_bias<double>(s.part[k]) : adamw_bias<float>(s.part[k]);
    return EW_OK;
}

} // namespace EW_ISA
} // namespace ew
