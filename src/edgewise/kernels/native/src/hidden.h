// Sums of cubic splines on one uniform grid by powers and truncated cubes, a row of nodes at a time: all of a node's functions
// stay in the first cache, and nothing is kept from the way forth for the way back.
#pragma once
#include "edgewise.h"
#include "threads.h"
#include "vec.h"

#include <algorithm>

namespace ew::EW_ISA {

constexpr int64_t HIDDEN_BLOCK = 256;
constexpr int HIDDEN_MOST = 16; // intervals

// Of up to HIDDEN_BLOCK rows: values of t, t^2, t^3 and the truncated cubes, and their slopes; lines beyond the grid.
template <class T> struct Powers {
    T value[HIDDEN_MOST + 2][HIDDEN_BLOCK], slope[HIDDEN_MOST + 2][HIDDEN_BLOCK], at[HIDDEN_BLOCK], over[HIDDEN_BLOCK];

    void fill(const ew_hidden &s, const T *EW_RESTRICT h, int64_t n) {
        const T half = T(s.intervals) / 2, scale = half / T(s.reach);
        T *EW_RESTRICT t = at, *EW_RESTRICT o = over;
        for (int64_t b = 0; b < n; ++b) {
            const T u = h[b] * scale, low = u < -half ? -half : u, inside = low > half ? half : low;
            t[b] = inside;
            o[b] = u - inside;
        }
        T *EW_RESTRICT v2 = value[1], *EW_RESTRICT v3 = value[2], *EW_RESTRICT v1 = value[0];
        T *EW_RESTRICT s2 = slope[1], *EW_RESTRICT s3 = slope[2];
        for (int64_t b = 0; b < n; ++b) {
            const T square = t[b] * t[b];
            v1[b] = t[b] + o[b];
            v2[b] = t[b] * (t[b] + 2 * o[b]);
            v3[b] = square * (t[b] + 3 * o[b]);
            s2[b] = 2 * t[b];
            s3[b] = 3 * square;
        }
        for (int j = 1; j < s.intervals; ++j) {
            const T start = T(j) - half;
            T *EW_RESTRICT v = value[j + 2], *EW_RESTRICT d = slope[j + 2];
            for (int64_t b = 0; b < n; ++b) {
                const T past = t[b] - start, r = past > 0 ? past : T(0), square = r * r;
                v[b] = square * (r + 3 * o[b]);
                d[b] = 3 * square;
            }
        }
    }
};

template <class T> void hidden_forward(const ew_hidden &s, int64_t net) {
    const int64_t parts = s.intervals + 3, step = s.nodes * s.outputs;
    auto coef = static_cast<const T *>(s.coef) + net * parts * step;
    auto h = static_cast<const T *>(s.h) + net * s.nodes * s.rows;
    auto y = static_cast<T *>(s.y) + net * s.outputs * s.rows;
    std::fill(y, y + s.outputs * s.rows, T(0));
    Powers<T> powers;
    for (int64_t from = 0; from < s.rows; from += HIDDEN_BLOCK) {
        const int64_t n = std::min(HIDDEN_BLOCK, s.rows - from);
        for (int64_t i = 0; i < s.nodes; ++i) {
            powers.fill(s, h + i * s.rows + from, n);
            for (int64_t o = 0; o < s.outputs; ++o) {
                const T *c = coef + i * s.outputs + o;
                T *EW_RESTRICT sum = y + o * s.rows + from;
                const T c0 = c[0], c1 = c[step], c2 = c[2 * step], c3 = c[3 * step];
                const T *EW_RESTRICT v1 = powers.value[0], *EW_RESTRICT v2 = powers.value[1], *EW_RESTRICT v3 = powers.value[2];
                for (int64_t b = 0; b < n; ++b) sum[b] += c0 + c1 * v1[b] + (c2 * v2[b] + c3 * v3[b]);
                for (int64_t m = 4; m < parts; ++m) {
                    const T own = c[m * step];
                    const T *EW_RESTRICT v = powers.value[m - 1];
                    for (int64_t b = 0; b < n; ++b) sum[b] += own * v[b];
                }
            }
        }
    }
}

template <class T> T hidden_dot(const T *a, const T *b, int64_t n) {
    using S = Simd<T>;
    typename S::V sum = S::all(T(0)), more = S::all(T(0));
    int64_t k = 0;
    for (; k + 2 * S::N <= n; k += 2 * S::N) {
        sum = S::fma(S::load(a + k), S::load(b + k), sum);
        more = S::fma(S::load(a + k + S::N), S::load(b + k + S::N), more);
    }
    T lanes[S::N];
    S::store(lanes, sum + more);
    T total = S::sum(lanes);
    for (; k < n; ++k) total += a[k] * b[k];
    return total;
}

template <class T> void hidden_backward(const ew_hidden &s, int64_t net) {
    const int64_t parts = s.intervals + 3, step = s.nodes * s.outputs;
    auto coef = static_cast<const T *>(s.coef) + net * parts * step;
    auto h = static_cast<const T *>(s.h) + net * s.nodes * s.rows;
    auto g = static_cast<const T *>(s.g) + net * s.outputs * s.rows;
    auto dh = static_cast<T *>(s.dh) + net * s.nodes * s.rows;
    auto dcoef = static_cast<T *>(s.dcoef) + net * parts * step;
    std::fill(dcoef, dcoef + parts * step, T(0));
    const T scale = T(s.intervals) / 2 / T(s.reach);
    Powers<T> powers;
    alignas(64) T slope[HIDDEN_BLOCK];
    for (int64_t from = 0; from < s.rows; from += HIDDEN_BLOCK) {
        const int64_t n = std::min(HIDDEN_BLOCK, s.rows - from);
        for (int64_t o = 0; o < s.outputs; ++o) {
            T whole = 0;
            for (int64_t b = 0; b < n; ++b) whole += g[o * s.rows + from + b];
            for (int64_t i = 0; i < s.nodes; ++i) dcoef[i * s.outputs + o] += whole;
        }
        for (int64_t i = 0; i < s.nodes; ++i) {
            powers.fill(s, h + i * s.rows + from, n);
            T *EW_RESTRICT back = dh + i * s.rows + from;
            std::fill(back, back + n, T(0));
            for (int64_t o = 0; o < s.outputs; ++o) {
                const T *c = coef + i * s.outputs + o, *EW_RESTRICT grad = g + o * s.rows + from;
                T *d = dcoef + i * s.outputs + o, *EW_RESTRICT total = slope;
                const T c1 = c[step], c2 = c[2 * step], c3 = c[3 * step];
                const T *EW_RESTRICT s2 = powers.slope[1], *EW_RESTRICT s3 = powers.slope[2];
                for (int64_t b = 0; b < n; ++b) total[b] = c1 + (c2 * s2[b] + c3 * s3[b]);
                for (int64_t m = 4; m < parts; ++m) {
                    const T own = c[m * step];
                    const T *EW_RESTRICT v = powers.slope[m - 1];
                    for (int64_t b = 0; b < n; ++b) total[b] += own * v[b];
                }
                for (int64_t m = 1; m < parts; ++m) d[m * step] += hidden_dot(grad, powers.value[m - 1], n);
                for (int64_t b = 0; b < n; ++b) back[b] += scale * grad[b] * total[b];
            }
        }
    }
}

} // namespace ew::EW_ISA
