// The three maps for any degree, one row at a time: what the specialised kernels do not cover.
#pragma once
#include "basis.h"
#include "threads.h"

#include <cstring>
#include <vector>

namespace ew::EW_ISA::generic {

template <class T> const T *at(const void *p, int64_t offset) { return static_cast<const T *>(p) + offset; }

template <class T> T x_at(const ew_spline &s, int64_t e, int64_t b, int64_t i) {
    return *at<T>(s.x, e * s.x_net + b * s.x_row + i * s.x_col);
}

template <class T> T v_at(const ew_spline &s, int64_t e, int64_t b, int64_t i) {
    return s.v ? *at<T>(s.v, e * s.v_net + b * s.v_row + i * s.v_col) : T(1);
}

constexpr int MOST = 32; // live functions of the largest degree

template <class T> int forward(const ew_spline &s) {
    const int64_t M = s.intervals + s.degree, O = s.outputs;
    if (s.degree + 1 > MOST) return EW_BAD_ARGUMENT;
    parallel(s.nets * s.rows, s.threads, [&](int64_t task) {
        const int64_t e = task / s.rows, b = task % s.rows;
        T *y = static_cast<T *>(s.y) + task * O, live[MOST];
        std::memset(y, 0, sizeof(T) * O);
        for (int64_t i = 0; i < s.inputs; ++i) {
            const Grid<T> grid(s, e, i);
            const T x = x_at<T>(s, e, b, i), v = v_at<T>(s, e, b, i);
            const int piece = grid.piece(x);
            grid.live(x, piece, s.order, live, 1);
            for (int m = 0; m <= s.degree; ++m) {
                const T *c = at<T>(s.coef, e * s.coef_net + (i * M + grid.first(piece) + m) * O), w = v * live[m];
                for (int64_t o = 0; o < O; ++o) y[o] += w * c[o];
            }
            if (s.base) {
                const T *c = at<T>(s.base, e * s.base_net + i * O), w = v * silu(x, s.order);
                for (int64_t o = 0; o < O; ++o) y[o] += w * c[o];
            }
        }
    });
    return EW_OK;
}

template <class T> void dot_row(const ew_spline &s, int64_t e, int64_t b, int64_t i, int order, bool weighted) {
    const int64_t M = s.intervals + s.degree, O = s.outputs;
    const Grid<T> grid(s, e, i);
    const T x = x_at<T>(s, e, b, i), *g = at<T>(s.g, e * s.g_net + b * s.g_row);
    const int piece = grid.piece(x);
    T live[MOST], total = 0;
    grid.live(x, piece, order, live, 1);
    for (int m = 0; m <= s.degree; ++m) {
        const T *c = at<T>(s.coef, e * s.coef_net + (i * M + grid.first(piece) + m) * O);
        T sum = 0;
        for (int64_t o = 0; o < O; ++o) sum += c[o] * g[o];
        total += live[m] * sum;
    }
    if (s.base) {
        const T *c = at<T>(s.base, e * s.base_net + i * O);
        T sum = 0;
        for (int64_t o = 0; o < O; ++o) sum += c[o] * g[o];
        total += silu(x, order) * sum;
    }
    static_cast<T *>(s.dx)[(e * s.rows + b) * s.inputs + i] = weighted ? total * v_at<T>(s, e, b, i) : total;
}

template <class T> int grad_input(const ew_spline &s, int order, bool weighted) {
    if (s.degree + 1 > MOST) return EW_BAD_ARGUMENT;
    parallel(s.nets * s.rows, s.threads, [&](int64_t task) {
        for (int64_t i = 0; i < s.inputs; ++i) dot_row<T>(s, task / s.rows, task % s.rows, i, order, weighted);
    });
    return EW_OK;
}

template <class T> int grad_coef(const ew_spline &s) {
    const int64_t M = s.intervals + s.degree, O = s.outputs;
    if (s.degree + 1 > MOST) return EW_BAD_ARGUMENT;
    parallel(s.nets * s.inputs, s.threads, [&](int64_t task) {
        const int64_t e = task / s.inputs, i = task % s.inputs;
        const Grid<T> grid(s, e, i);
        T *d = static_cast<T *>(s.dcoef) + task * M * O, *w = s.dbase ? static_cast<T *>(s.dbase) + task * O : nullptr;
        T live[MOST];
        std::memset(d, 0, sizeof(T) * M * O);
        if (w) std::memset(w, 0, sizeof(T) * O);
        for (int64_t b = 0; b < s.rows; ++b) {
            const T x = x_at<T>(s, e, b, i), v = v_at<T>(s, e, b, i), *g = at<T>(s.g, e * s.g_net + b * s.g_row);
            const int piece = grid.piece(x);
            grid.live(x, piece, s.order, live, 1);
            for (int m = 0; m <= s.degree; ++m) {
                T *row = d + (grid.first(piece) + m) * O;
                const T f = v * live[m];
                for (int64_t o = 0; o < O; ++o) row[o] += f * g[o];
            }
            if (w) {
                const T f = v * silu(x, s.order);
                for (int64_t o = 0; o < O; ++o) w[o] += f * g[o];
            }
        }
    });
    return EW_OK;
}

} // namespace ew::EW_ISA::generic
