// The place of x on a grid, and the live basis functions there: plain code for one x at a time.
#pragma once
#include "edgewise.h"

#include <cmath>
#include <cstdint>
#include <limits>

namespace ew::EW_ISA {

// One input's grid.
template <class T> struct Grid {
    const T *breaks, *table, *origin, *width;
    int degree, intervals;

    Grid(const ew_spline &s, int64_t net, int64_t input) : degree(s.degree), intervals(s.intervals) {
        const int64_t at = (s.grid_net ? net * s.inputs : 0) + input, pieces = intervals + 2;
        breaks = static_cast<const T *>(s.breaks) + at * (intervals + 1);
        table = static_cast<const T *>(s.table) + at * pieces * (degree + 1) * (degree + 1);
        origin = static_cast<const T *>(s.origin) + at * pieces;
        width = static_cast<const T *>(s.width) + at * pieces;
    }

    // 0 left of the grid, 1..G inside, G + 1 right of it. The last break belongs to the last interval; NaN is on the right.
    int piece(T x) const {
        if (!(x <= breaks[intervals])) return intervals + 1;
        if (x < breaks[0]) return 0;
        int low = 0, high = intervals; // breaks[low] <= x, and x < breaks[high] or high == G
        while (high - low > 1) {
            const int middle = (low + high) / 2;
            (x >= breaks[middle] ? low : high) = middle;
        }
        return low + 1;
    }

    int first(int piece) const { return (piece < 1 ? 1 : piece > intervals ? intervals : piece) - 1; }

    // out[m * stride] = the derivative of order nu of live function m at x on its piece.
    void live(T x, int piece, int nu, T *out, int64_t stride) const {
        const int n = degree + 1;
        const T *rows = table + int64_t(piece) * n * n;
        T u = (x - origin[piece]) / width[piece], scale = 1;
        for (int r = 0; r < nu; ++r) scale /= width[piece];
        // The tails have no power above the first; inside, u is clamped so that rounding cannot leave [0, 1].
        const bool tail = piece == 0 || piece == intervals + 1;
        const int top = tail && degree > 1 ? 1 : degree;
        if (!tail) u = u < 0 ? T(0) : u > 1 ? T(1) : u;
        for (int m = 0; m < n; ++m) {
            T sum = u * 0; // NaN where x is
            if (nu <= top) {
                for (int r = top; r >= nu; --r) {
                    T factor = 1;
                    for (int q = 0; q < nu; ++q) factor *= T(r - q);
                    sum = sum * (r == top ? T(0) : u) + factor * rows[m * n + r];
                }
                sum += (x - x); // a constant is NaN where x is, too
            }
            out[m * stride] = sum * scale;
        }
    }
};

// Derivatives of silu(x) = x s(x), s the logistic function: with s' = s (1 - s), order n is x s^(n) + n s^(n-1).
template <class T> inline T silu(T x, int order) {
    const T s = T(1) / (T(1) + std::exp(-x));
    const T s1 = s * (1 - s), s2 = s1 * (1 - 2 * s), s3 = s1 * (1 - 6 * s1), s4 = s2 * (1 - 12 * s1);
    const T far = 40; // where s is 0 or 1 to the last bit, x times its derivatives is 0, also for infinite x
    const bool end = x > far * 20 || x < -far * 20;
    switch (order) {
    case 0: return x < -far * 20 ? T(0) : x * s;
    case 1: return end ? s : x * s1 + s;
    case 2: return end ? T(0) : x * s2 + 2 * s1;
    case 3: return end ? T(0) : x * s3 + 3 * s2;
    case 4: return end ? T(0) : x * s4 + 4 * s3;
    default: return std::numeric_limits<T>::quiet_NaN();
    }
}

} // namespace ew::EW_ISA
