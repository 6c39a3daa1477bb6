// The innermost loops over runs: one input, one block of rows, one tile of outputs. A run is the rows of one interval (those that
// deviate from the input's dominant value, where it has one), which share k + 1 rows of coefficients in registers.
#pragma once
#include "run_rows.h"

namespace ew::EW_ISA {

enum class Put { over, add, past };

template <class T, int K, int NX, int W> struct Runs {
    using S = Simd<T>;
    using V = typename S::V;
    static constexpr int N = S::N, TILE = W * N, NR = K + 1 + NX;
    static constexpr int64_t LD = Deviations<T>::LD;

    // common += phi(value), sums[row][TILE] += phi(x) - phi(value); coefficients lie `ld` apart.
    static void forward(const Deviating<T> &in, const Deviations<T> &all, const T *rows, int64_t ld, const T *extra, T *EW_RESTRICT sums,
                        T *EW_RESTRICT common) {
        V off[W];
        for (int w = 0; w < W; ++w) off[w] = V{};
        if (in.first >= 0) {
            for (int m = 0; m < NR; ++m) {
                const T *c = m <= K ? rows + (in.first + m) * ld : extra;
                const V b = S::all(in.live[m]);
                for (int w = 0; w < W; ++w) off[w] = S::fma(b, S::load(c + w * N), off[w]);
            }
            for (int w = 0; w < W; ++w) S::store(common + w * N, S::load(common + w * N) + off[w]);
        }
        const T *values = all.values + in.begin;
        const uint16_t *order = in.order;
        const Run *run = all.run + in.run;
        int l = 0;
        for (int r = 0; r < in.runs; ++r) {
            const T *c = rows + run[r].first * ld;
            V C[NR][W];
            for (int m = 0; m < NR; ++m)
                for (int w = 0; w < W; ++w)
                    C[m][w] = m <= K ? S::load(c + m * ld + w * N) - off[w] : S::load(extra + w * N);
            for (; l < run[r].end; ++l) {
                T *row = sums + int64_t(order[l]) * TILE;
                V a[W];
                for (int w = 0; w < W; ++w) a[w] = S::load(row + w * N);
                for (int m = 0; m < NR; ++m) {
                    const V b = S::all(values[m * LD + l]);
                    for (int w = 0; w < W; ++w) a[w] = S::fma(b, C[m][w], a[w]);
                }
                for (int w = 0; w < W; ++w) S::store(row + w * N, a[w]);
            }
        }
    }

    // grads (M rows, ld apart) and extra get the gradients of all rows, or have them added; `total` is the sum of all rows' g. With
    // Put::past they go past the caches, which an input with a dominant value does not allow.
    // The sums of the live functions stay in registers and move on from run to run, so that each row is stored once.
    static void grad_coef(const Deviating<T> &in, const Deviations<T> &all, int M, T *grads, int64_t ld, T *extra, const T *g,
                          const T *total, Put how) {
        switch (how) { // known to the compiler, which else keeps less in registers
        case Put::over: return coef<Put::over>(in, all, M, grads, ld, extra, g, total);
        case Put::add: return coef<Put::add>(in, all, M, grads, ld, extra, g, total);
        case Put::past: return coef<Put::past>(in, all, M, grads, ld, extra, g, total);
        }
    }

    // lanes[position][N] are the products whose sum is sum_mo value_m c_mo g_o, or with MORE have them added; the values are those of
    // the arrays from `set` on.
    template <bool MORE>
    static void grad_input(const Deviating<T> &in, const Deviations<T> &all, int set, const T *rows, int64_t ld, const T *extra, const T *g,
                           T *EW_RESTRICT lanes) {
        const T *values = all.values + set * LD + in.begin;
        const uint16_t *order = in.order;
        const Run *run = all.run + in.run;
        lanes += in.begin * N;
        int l = 0;
        for (int r = 0; r < in.runs; ++r) {
            const T *c = rows + run[r].first * ld;
            V C[NR][W];
            for (int m = 0; m < NR; ++m)
                for (int w = 0; w < W; ++w) C[m][w] = S::load((m <= K ? c + m * ld : extra) + w * N);
            for (; l < run[r].end; ++l) {
                const T *row = g + int64_t(order[l]) * TILE;
                V h[W];
                {
                    const V b = S::all(values[l]);
                    for (int w = 0; w < W; ++w) h[w] = b * C[0][w];
                }
                for (int m = 1; m < NR; ++m) {
                    const V b = S::all(values[m * LD + l]);
                    for (int w = 0; w < W; ++w) h[w] = S::fma(b, C[m][w], h[w]);
                }
                V sum = MORE ? S::fma(h[0], S::load(row), S::load(lanes + l * N)) : h[0] * S::load(row);
                for (int w = 1; w < W; ++w) sum = S::fma(h[w], S::load(row + w * N), sum);
                S::store(lanes + l * N, sum);
            }
        }
    }

  private:
    template <Put HOW>
    static void coef(const Deviating<T> &in, const Deviations<T> &all, int M, T *grads, int64_t ld, T *extra, const T *g, const T *total) {
        if (in.tails)
            coef<HOW, true>(in, all, M, grads, ld, extra, g, total);
        else
            coef<HOW, false>(in, all, M, grads, ld, extra, g, total);
    }

    // The gradients g of the deviating rows are added up where COUNT, since tails give much and take it away again; else their
    // sum is that over all functions, which sum to one.
    template <Put HOW, bool COUNT>
    static void coef(const Deviating<T> &in, const Deviations<T> &all, int M, T *grads, int64_t ld, T *extra, const T *g,
                     const T *total) {
        V D[K + 1][W], X[W], others[W];
        for (int w = 0; w < W; ++w) X[w] = others[w] = V{};
        for (int m = 0; m <= K; ++m)
            for (int w = 0; w < W; ++w) D[m][w] = V{};
        int at = 0;
        const auto advance = [&] {
            T *to = grads + at * ld;
            if (HOW == Put::add)
                for (int w = 0; w < W; ++w) S::store(to + w * N, S::load(to + w * N) + D[0][w]);
            else if (HOW == Put::past)
                for (int w = 0; w < W; ++w) S::stream(to + w * N, D[0][w]);
            else
                for (int w = 0; w < W; ++w) S::store(to + w * N, D[0][w]);
            for (int w = 0; w < W; ++w) {
                if (!COUNT) others[w] += D[0][w];
                for (int m = 0; m < K; ++m) D[m][w] = D[m + 1][w];
                D[K][w] = V{};
            }
            ++at;
        };
        const T *values = all.values + in.begin;
        const uint16_t *order = in.order;
        const Run *run = all.run + in.run;
        int l = 0;
        for (int r = 0; r < in.runs; ++r) {
            while (at < run[r].first) advance();
            for (; l < run[r].end; ++l) {
                const T *row = g + int64_t(order[l]) * TILE;
                V a[W];
                for (int w = 0; w < W; ++w) a[w] = S::load(row + w * N);
                for (int m = 0; m <= K; ++m) {
                    const V b = S::all(values[m * LD + l]);
                    for (int w = 0; w < W; ++w) D[m][w] = S::fma(b, a[w], D[m][w]);
                }
                if (NX) {
                    const V b = S::all(values[(K + 1) * LD + l]);
                    for (int w = 0; w < W; ++w) X[w] = S::fma(b, a[w], X[w]);
                }
                if (COUNT)
                    for (int w = 0; w < W; ++w) others[w] += a[w];
            }
        }
        while (at < M) advance();
        if (in.first >= 0) {
            for (int w = 0; w < W; ++w) {
                const V same = S::load(total + w * N) - others[w];
                for (int m = 0; m <= K; ++m) {
                    T *to = grads + (in.first + m) * ld + w * N;
                    S::store(to, S::fma(S::all(in.live[m]), same, S::load(to)));
                }
                if (NX) X[w] = S::fma(S::all(in.live[K + 1]), same, X[w]);
            }
        }
        if (NX)
            for (int w = 0; w < W; ++w) S::store(extra + w * N, HOW == Put::add ? S::load(extra + w * N) + X[w] : X[w]);
    }
};

} // namespace ew::EW_ISA
