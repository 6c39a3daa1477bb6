// The innermost loops for rows that deviate from the dominant value of an input: one input, one block, one tile of outputs.
#pragma once
#include "dominant.h"

namespace ew::EW_ISA {

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
        const uint16_t *order = all.order + in.begin;
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

    // grads (M rows, ld apart) and extra get the gradients of all rows, or have them added; `total` is the sum of all rows' g.
    // The sums of the live functions stay in registers and move on from run to run, so that each row is stored once.
    static void grad_coef(const Deviating<T> &in, const Deviations<T> &all, int M, T *grads, int64_t ld, T *extra, const T *g,
                          const T *total, bool add) {
        if (in.tails)
            coef<true>(in, all, M, grads, ld, extra, g, total, add);
        else
            coef<false>(in, all, M, grads, ld, extra, g, total, add);
    }

  private:
    // The gradients g of the deviating rows are added up where COUNT, since tails give much and take it away again; else their
    // sum is that over all functions, which sum to one.
    template <bool COUNT>
    static EW_INLINE void coef(const Deviating<T> &in, const Deviations<T> &all, int M, T *grads, int64_t ld, T *extra, const T *g,
                               const T *total, bool add) {
        V D[K + 1][W], X[W], others[W];
        for (int w = 0; w < W; ++w) X[w] = others[w] = V{};
        for (int m = 0; m <= K; ++m)
            for (int w = 0; w < W; ++w) D[m][w] = V{};
        int at = 0;
        const auto put = [&](T *to, int w, V v) { S::store(to + w * N, add ? S::load(to + w * N) + v : v); };
        const auto advance = [&] {
            for (int w = 0; w < W; ++w) {
                if (!COUNT) others[w] += D[0][w];
                put(grads + at * ld, w, D[0][w]);
                for (int m = 0; m < K; ++m) D[m][w] = D[m + 1][w];
                D[K][w] = V{};
            }
            ++at;
        };
        const T *values = all.values + in.begin;
        const uint16_t *order = all.order + in.begin;
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
            for (int w = 0; w < W; ++w) put(extra, w, X[w]);
    }
};

} // namespace ew::EW_ISA
