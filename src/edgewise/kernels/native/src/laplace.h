// Layers of cubic edges that carry values, slopes along lines and a Laplacian forward, and the way back, in one pass each:
//
//     y_0 = phi(u),   y_l = phi'(u) v_l,   y_w = phi''(u) sum_l v_l^2 + phi'(u) w,   summed over the edges that arrive.
//
// Every piece of an edge is taken by its powers, c_0 + c_1 t + c_2 t^2 + c_3 t^3, so that a value and three derivatives take six
// products, and what coefficients gain is collected by powers too and turned back at the end. On the way back a few inputs pass
// over all rows, so that their pieces stay in the first caches.
#pragma once
#include "edgewise.h"
#include "threads.h"
#include "vec.h"

#include <algorithm>
#include <type_traits>
#include <vector>

namespace ew::EW_ISA {

constexpr int LAPLACE_ROWS = 32, LAPLACE_INPUTS = 8, LAPLACE_CHUNK = 512;

// Where a number lies: its piece, its place there, and one over the width of the piece.
template <class T> struct Place {
    int64_t piece;
    T t, per;
};

template <class T, int L> struct Laplace {
    using S = Simd<T>;
    using V = typename S::V;
    static constexpr int N = S::N, PARTS = L + 2;

    const ew_laplace &s;
    const int64_t B, I, O, M, pieces, wide, most; // wide: outputs in whole vectors; most: vectors in a tile
    std::vector<T> powers;                        // (I, pieces, 4, wide)

    explicit Laplace(const ew_laplace &call)
        : s(call), B(s.rows), I(s.inputs), O(s.outputs), M(s.intervals + 3), pieces(s.intervals + 2), wide((O + N - 1) / N * N),
          most(BYTES == 64 ? 4 : 2), powers(size_t(I * pieces * 4 * wide)) {
        parallel(I, s.threads, [&](int64_t i) {
            for (int64_t p = 0; p < pieces; ++p)
                for (int m = 0; m < 4; ++m)
                    for (int r = 0; r < top(p); ++r) {
                        const T weight = table(i, p, m, r);
                        const T *from = static_cast<const T *>(s.coef) + (i * M + first(p) + m) * O;
                        T *to = powers.data() + ((i * pieces + p) * 4 + r) * wide;
                        for (int64_t o = 0; o < O; ++o) to[o] += weight * from[o];
                    }
        });
    }

    // Tails have no power above the first.
    int top(int64_t p) const { return p == 0 || p == pieces - 1 ? 2 : 4; }
    int64_t first(int64_t p) const { return std::clamp<int64_t>(p, 1, pieces - 2) - 1; }
    T table(int64_t i, int64_t p, int m, int r) const { return static_cast<const T *>(s.table)[((i * pieces + p) * 4 + m) * 4 + r]; }

    EW_INLINE Place<T> place(T x, int64_t i) const {
        const T *breaks = static_cast<const T *>(s.breaks) + i * (s.intervals + 1);
        int64_t p = x > breaks[s.intervals]; // the last break belongs to the last interval; NaN is on the left
        for (int j = 0; j < s.intervals; ++j) p += x >= breaks[j];
        const T per = T(1) / static_cast<const T *>(s.width)[i * pieces + p];
        return {i * pieces + p, (x - static_cast<const T *>(s.origin)[i * pieces + p]) * per, per};
    }

    // Calls f with every tile: its vectors, as a constant, and its first output.
    template <class F> void tiles(const F &f) const {
        for (int64_t at = 0; at < wide;) {
            const int64_t left = std::min((wide - at) / N, most);
            if (left >= 4) {
                f(std::integral_constant<int, 4>{}, at);
                at += 4 * N;
            } else if (left >= 2) {
                f(std::integral_constant<int, 2>{}, at);
                at += 2 * N;
            } else {
                f(std::integral_constant<int, 1>{}, at);
                at += N;
            }
        }
    }

    // What an edge's derivatives are multiplied by, counted in widths of the piece.
    struct Weights {
        T slope[L], square, second;

        EW_INLINE Weights(const T *nodes, int64_t inputs, T per) : square(0), second(nodes[(L + 1) * inputs] * per) {
            for (int l = 0; l < L; ++l) {
                slope[l] = nodes[(l + 1) * inputs] * per;
                square += slope[l] * slope[l];
            }
        }
    };

    void forward() const {
        parallel((B + LAPLACE_ROWS - 1) / LAPLACE_ROWS, s.threads, [&](int64_t task) {
            std::vector<Place<T>> places(static_cast<size_t>(I));
            for (int64_t b = task * LAPLACE_ROWS; b < std::min(B, (task + 1) * LAPLACE_ROWS); ++b) {
                const T *nodes = static_cast<const T *>(s.nodes) + b * PARTS * I;
                for (int64_t i = 0; i < I; ++i) places[size_t(i)] = place(nodes[i], i);
                tiles([&](auto width, int64_t at) { forward_tile<decltype(width)::value>(places.data(), nodes, b, at); });
            }
        });
    }

    template <int W> void forward_tile(const Place<T> *places, const T *nodes, int64_t b, int64_t at) const {
        V sum[PARTS][W];
        for (auto &part : sum)
            for (auto &v : part) v = V{};
        for (int64_t i = 0; i < I; ++i) {
            const Place<T> own = places[i];
            const Weights weights(nodes + i, I, own.per);
            const T *c = powers.data() + own.piece * 4 * wide + at;
            const V t = S::all(own.t), square = S::all(2 * weights.square), second = S::all(weights.second);
            V slope[L];
            for (int l = 0; l < L; ++l) slope[l] = S::all(weights.slope[l]);
            for (int v = 0; v < W; ++v, c += N) {
                const V c1 = S::load(c + wide), c2 = S::load(c + 2 * wide), c3 = S::load(c + 3 * wide);
                // Horner's scheme thrice: c_2 + c_3 t, c_2 + 2 c_3 t and half the second derivative c_2 + 3 c_3 t.
                const V up = c3 * t, value = c2 + up, rise = value + up;
                const V once = S::fma(value + rise, t, c1);
                sum[0][v] += S::fma(S::fma(value, t, c1), t, S::load(c));
                for (int l = 0; l < L; ++l) sum[l + 1][v] = S::fma(slope[l], once, sum[l + 1][v]);
                sum[L + 1][v] = S::fma(square, rise + up, S::fma(second, once, sum[L + 1][v]));
            }
        }
        for (int j = 0; j < PARTS; ++j) {
            T *y = static_cast<T *>(s.y) + (b * PARTS + j) * O + at;
            for (int v = 0; v < W; ++v) put(sum[j][v], y + v * N, O - at - v * N);
        }
    }

    static EW_INLINE void put(V value, T *to, int64_t left) {
        if (left >= N) return S::store(to, value);
        T lanes[N];
        S::store(lanes, value);
        for (int64_t k = 0; k < left; ++k) to[k] = lanes[k];
    }

    void backward() const {
        const int64_t lines = B * PARTS;
        std::vector<T> padded(O == wide ? 0 : size_t(lines * wide));
        const T *g = static_cast<const T *>(s.g);
        if (O != wide) {
            for (int64_t k = 0; k < lines; ++k) std::copy(g + k * O, g + (k + 1) * O, padded.data() + k * wide);
            g = padded.data();
        }
        std::vector<T> gained(powers.size());
        // So many rows at once that their gradients stay in a cache from group to group.
        for (int64_t first = 0; first < B; first += LAPLACE_CHUNK) {
            const int64_t end = std::min(B, first + LAPLACE_CHUNK);
            parallel((I + LAPLACE_INPUTS - 1) / LAPLACE_INPUTS, s.threads, [&](int64_t task) {
                const int64_t from = task * LAPLACE_INPUTS, to = std::min(I, from + LAPLACE_INPUTS);
                backward_group(g, first, end, from, to, gained.data());
            });
        }
        parallel(I, s.threads, [&](int64_t i) { turn_back(i, gained.data() + i * pieces * 4 * wide); });
    }

    // Inputs `from` to `to` on rows `first` to `end`.
    void backward_group(const T *g, int64_t first, int64_t end, int64_t from, int64_t to, T *gained) const {
        Place<T> places[LAPLACE_INPUTS][LAPLACE_ROWS];
        for (int64_t b = first; b < end; b += LAPLACE_ROWS) {
            const int64_t count = std::min<int64_t>(LAPLACE_ROWS, end - b);
            for (int64_t i = from; i < to; ++i)
                for (int64_t k = 0; k < count; ++k)
                    places[i - from][k] = place(static_cast<const T *>(s.nodes)[(b + k) * PARTS * I + i], i);
            tiles([&](auto width, int64_t at) {
                for (int64_t k = 0; k < count; ++k)
                    for (int64_t i = from; i < to; ++i)
                        backward_edge<decltype(width)::value>(places[i - from][k], g + (b + k) * PARTS * wide + at, b + k, i, at, gained);
            });
        }
    }

    template <int W> EW_INLINE void backward_edge(Place<T> own, const T *g, int64_t b, int64_t i, int64_t at, T *gained) const {
        const T *nodes = static_cast<const T *>(s.nodes) + b * PARTS * I + i, *c = powers.data() + own.piece * 4 * wide + at;
        const Weights weights(nodes, I, own.per);
        T *to = gained + own.piece * 4 * wide + at;
        const T t1 = own.t;
        const V t = S::all(t1), t2 = S::all(t1 * t1), t3 = S::all(t1 * t1 * t1), double_t = S::all(2 * t1), triple = S::all(3 * t1 * t1);
        const V square = S::all(2 * weights.square), second = S::all(weights.second), triple_t = S::all(3 * t1);
        V slope[L], by_slope[L], by_x = V{}, by_second = V{}, bend = V{};
        for (int l = 0; l < L; ++l) {
            slope[l] = S::all(weights.slope[l]);
            by_slope[l] = V{};
        }
        for (int v = 0; v < W; ++v, c += N, to += N, g += N) {
            const V g0 = S::load(g), gw = S::load(g + (L + 1) * wide);
            V once = second * gw, gl[L];
            for (int l = 0; l < L; ++l) {
                gl[l] = S::load(g + (l + 1) * wide);
                once = S::fma(slope[l], gl[l], once);
            }
            const V twice = square * gw; // of half the second derivative
            const V c1 = S::load(c + wide), c2 = S::load(c + 2 * wide), c3 = S::load(c + 3 * wide);
            const V up = c3 * t, value = c2 + up, rise = value + up, half = rise + up;
            const V p1 = S::fma(value + rise, t, c1);
            S::store(to, S::load(to) + g0);
            S::store(to + wide, S::fma(t, g0, S::load(to + wide) + once));
            S::store(to + 2 * wide, S::fma(t2, g0, S::fma(double_t, once, S::load(to + 2 * wide) + twice)));
            S::store(to + 3 * wide, S::fma(t3, g0, S::fma(triple, once, S::fma(triple_t, twice, S::load(to + 3 * wide)))));
            by_x = S::fma(p1, g0, S::fma(half + half, once, S::fma(c3 * T(3), twice, by_x)));
            for (int l = 0; l < L; ++l) by_slope[l] = S::fma(p1, gl[l], by_slope[l]);
            by_second = S::fma(p1, gw, by_second);
            bend = S::fma(half, gw, bend);
        }
        T *back = static_cast<T *>(s.dnodes) + b * PARTS * I + i;
        const T more = 4 * total(bend);
        add(back, own.per * total(by_x), at);
        for (int l = 0; l < L; ++l) add(back + (l + 1) * I, own.per * (total(by_slope[l]) + weights.slope[l] * more), at);
        add(back + (L + 1) * I, own.per * total(by_second), at);
    }

    static EW_INLINE void add(T *to, T value, int64_t at) { *to = at ? *to + value : value; }

    static EW_INLINE T total(V v) {
#if defined(__AVX512F__)
        if constexpr (sizeof(T) == 4)
            return _mm512_reduce_add_ps(v);
        else
            return _mm512_reduce_add_pd(v);
#else
        T lanes[N];
        S::store(lanes, v);
        return S::sum(lanes);
#endif
    }

    // What an input's coefficients gain, from what its pieces' powers do.
    void turn_back(int64_t i, const T *gained) const {
        T *to = static_cast<T *>(s.dcoef) + i * M * O;
        std::fill(to, to + M * O, T(0));
        for (int64_t p = 0; p < pieces; ++p)
            for (int m = 0; m < 4; ++m)
                for (int r = 0; r < top(p); ++r) {
                    const T weight = table(i, p, m, r), *from = gained + (p * 4 + r) * wide;
                    for (int64_t o = 0; o < O; ++o) to[(first(p) + m) * O + o] += weight * from[o];
                }
    }
};

} // namespace ew::EW_ISA
