// The innermost loops: one input, one block of rows, one tile of outputs.
//
// A tile is `W` vectors of outputs. Coefficients lie in rows of W vectors, `ld` apart, one for each basis function; `NX`
// further rows (the base function) belong to every group. All loops over groups are flat.
#pragma once
#include "runs.h"
#include "single.h"

namespace ew::EW_ISA {

template <int L> struct Size { static constexpr int value = L; };

template <class T, int K, int NX, int W> struct Groups {
    using S = Simd<T>;
    using V = typename S::V;
    static constexpr int N = S::N, TILE = W * N, NR = K + 1 + NX;

    // sums[row of the block][TILE] += sum_m value_m * coefficients_m
    template <int L>
    static EW_INLINE void forward_group(const T *c, int64_t ld, const T *extra, const T *values, const uint16_t *order, T *sums) {
        V C[NR][W];
        for (int m = 0; m < NR; ++m)
            for (int w = 0; w < W; ++w) C[m][w] = S::load((m <= K ? c + m * ld : extra + (m - K - 1) * TILE) + w * N);
#pragma GCC unroll 8
        for (int l = 0; l < L; ++l) {
            T *row = sums + int64_t(order[l]) * TILE;
            V a[W];
            for (int w = 0; w < W; ++w) a[w] = S::load(row + w * N);
            for (int m = 0; m < NR; ++m) {
                const V b = S::all(values[m * STRIDE + l]);
                for (int w = 0; w < W; ++w) a[w] = S::fma(b, C[m][w], a[w]);
            }
            for (int w = 0; w < W; ++w) S::store(row + w * N, a[w]);
        }
    }

    static void forward(const T *rows, int64_t ld, const T *extra, const Head &head, const T *values, T *sums) {
        const auto run = [&](const Group *group, int groups, auto size) {
            for (int q = 0; q < groups; ++q) {
                const int64_t at = group[q].start;
                forward_group<size.value>(rows + group[q].row * ld, ld, extra, values + at, head.order + at, sums);
            }
        };
        run(head.eight, head.eights, Size<8>());
        run(head.pair, head.pairs, Size<2>());
        run(head.single, head.singles, Size<1>());
    }

    // grads_m += sum over rows of value_m * g; groups of the same coefficients follow each other in registers
    template <int L>
    static EW_INLINE int coef_groups(T *d, T *extra, const Group *group, int left, const T *values, const uint16_t *order,
                                     const T *g) {
        V D[NR][W];
        for (int m = 0; m < NR; ++m)
            for (int w = 0; w < W; ++w) D[m][w] = S::load((m <= K ? d + m * TILE : extra + (m - K - 1) * TILE) + w * N);
        int done = 0;
        do {
            const int64_t at = group[done].start;
#pragma GCC unroll 8
            for (int l = 0; l < L; ++l) {
                const T *row = g + int64_t(order[at + l]) * TILE;
                V a[W];
                for (int w = 0; w < W; ++w) a[w] = S::load(row + w * N);
                for (int m = 0; m < NR; ++m) {
                    const V b = S::all(values[m * STRIDE + at + l]);
                    for (int w = 0; w < W; ++w) D[m][w] = S::fma(b, a[w], D[m][w]);
                }
            }
            ++done;
        } while (L > 1 && done < left && group[done].row == group[0].row);
        for (int m = 0; m < NR; ++m)
            for (int w = 0; w < W; ++w) S::store((m <= K ? d + m * TILE : extra + (m - K - 1) * TILE) + w * N, D[m][w]);
        return done;
    }

    static void grad_coef(T *rows, T *extra, const Head &head, const T *values, const T *g) {
        const auto run = [&](const Group *group, int groups, auto size) {
            for (int q = 0; q < groups;)
                q += coef_groups<size.value>(rows + int64_t(group[q].row) * TILE, extra, group + q, groups - q, values, head.order, g);
        };
        run(head.eight, head.eights, Size<8>());
        run(head.pair, head.pairs, Size<2>());
        run(head.single, head.singles, Size<1>());
    }

    // lanes[position][N] += the products whose sum is sum_mo value_m c_mo g_o
    template <int L, bool MORE>
    static EW_INLINE void input_group(const T *c, int64_t ld, const T *extra, const T *values, const uint16_t *order, const T *g,
                                        T *lanes) {
        V C[NR][W];
        for (int m = 0; m < NR; ++m)
            for (int w = 0; w < W; ++w) C[m][w] = S::load((m <= K ? c + m * ld : extra + (m - K - 1) * TILE) + w * N);
#pragma GCC unroll 8
        for (int l = 0; l < L; ++l) {
            const T *row = g + int64_t(order[l]) * TILE;
            V h[W];
            {
                const V b = S::all(values[l]);
                for (int w = 0; w < W; ++w) h[w] = b * C[0][w];
            }
            for (int m = 1; m < NR; ++m) {
                const V b = S::all(values[m * STRIDE + l]);
                for (int w = 0; w < W; ++w) h[w] = S::fma(b, C[m][w], h[w]);
            }
            V r = MORE ? S::fma(h[0], S::load(row), S::load(lanes + l * N)) : h[0] * S::load(row);
            for (int w = 1; w < W; ++w) r = S::fma(h[w], S::load(row + w * N), r);
            S::store(lanes + l * N, r);
        }
    }

    // With MORE what is in `lanes` is added to, else it is overwritten.
    template <bool MORE>
    static void grad_input(const T *rows, int64_t ld, const T *extra, const Head &head, const T *values, const T *g, T *lanes) {
        const auto run = [&](const Group *group, int groups, auto size) {
            for (int q = 0; q < groups; ++q) {
                const int64_t at = group[q].start;
                input_group<size.value, MORE>(rows + group[q].row * ld, ld, extra, values + at, head.order + at, g, lanes + at * N);
            }
        };
        run(head.eight, head.eights, Size<8>());
        run(head.pair, head.pairs, Size<2>());
        run(head.single, head.singles, Size<1>());
    }
};

// The kernels of one type, degree, number of further rows and width of tile; those for rows that deviate from a dominant value
// (runs.h), and those of layers with one output (single.h).
template <class T> struct Kernels {
    int tile;
    int64_t (*numbers)(int);
    void (*tabulate)(const Grid<T> &, bool, int, T *);
    void (*add)(const Places<T> &, const T *, const T *, int, int, const uint16_t *, const T *, T, const T *, T *);
    void (*live)(const Grid<T> &, const Places<T> &, int, T *);
    void (*prepare)(Workspace<T> &, const Grid<T> &, const Wanted &, const T *, const T *, int, Prepared<T> &);
    void (*sort)(Gathering<T> &, const Grid<T> &, bool, int, T, const Sorted<T> &, Deviating<T> &);
    void (*fill)(const Grid<T> &, bool, int, const Sorted<T> &, Orders, Deviating<T> &, Deviations<T> &);
    void (*forward_runs)(const Deviating<T> &, const Deviations<T> &, const T *, int64_t, const T *, T *, T *);
    void (*coef_runs)(const Deviating<T> &, const Deviations<T> &, int, T *, int64_t, T *, const T *, const T *, Put);
    void (*input_runs[2])(const Deviating<T> &, const Deviations<T> &, int, const T *, int64_t, const T *, const T *, T *);
    void (*forward)(const T *, int64_t, const T *, const Head &, const T *, T *);
    void (*grad_coef)(T *, T *, const Head &, const T *, const T *);
    void (*grad_input[2])(const T *, int64_t, const T *, const Head &, const T *, const T *, T *); // the first tile, and more
};

template <class T, int K, int NX, int W> constexpr Kernels<T> kernels_of() {
    using G = Groups<T, K, NX, W>;
    using R = Runs<T, K, NX, W>;
    using One = Single<T, K>;
    return {G::TILE,
            One::numbers,
            One::tabulate,
            One::add,
            One::live,
            prepare<T, K>,
            sort_deviating<T, K, NX == 1>,
            fill_deviating<T, K, NX == 1>,
            R::forward,
            R::grad_coef,
            {R::template grad_input<false>, R::template grad_input<true>},
            G::forward,
            G::grad_coef,
            {G::template grad_input<false>, G::template grad_input<true>}};
}

} // namespace ew::EW_ISA
