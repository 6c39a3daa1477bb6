// Dense symmetric matrices: rank-k updates of the upper triangle, Cholesky factor and solves, in float64, row by row.
#pragma once
#include "threads.h"
#include "vec.h"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace ew::EW_ISA::dense {

// A tile of MR x NV vectors stays in registers.
constexpr int V = Simd<double>::N;
#if defined(__AVX512F__)
constexpr int MR = 8, NV = 3;
#elif defined(__AVX2__)
constexpr int MR = 4, NV = 3;
#elif defined(__aarch64__)
constexpr int MR = 4, NV = 4;
#else
constexpr int MR = 2, NV = 3;
#endif
constexpr int NR = NV * V;
constexpr int BLOCK = 48; // columns that are eliminated at once; a multiple of every NR
static_assert(NR % MR == 0 && BLOCK % NR == 0);

using vec = Simd<double>::V;

EW_INLINE vec load(const double *p) { return Simd<double>::load(p); }
EW_INLINE void store(double *p, vec v) { Simd<double>::store(p, v); }

// Numbers in a row of an n x n matrix, which has as many rows: whole tiles, and room for a load of 8 past the end.
inline int64_t padded(int64_t n) { return (n + 8 + NR - 1) / NR * NR; }

// Row-panels: number (k, c) of a K x n matrix stands at (c / NR) * K * NR + k * NR + c % NR.
inline int64_t panel_at(int64_t k, int64_t c, int64_t depth) { return c / NR * depth * NR + k * NR + c % NR; }

template <bool MINUS> EW_INLINE void tile(const double *a, const double *b, int64_t depth, double *c, int64_t ld) {
    vec sum[MR][NV];
    for (int i = 0; i < MR; ++i)
        for (int j = 0; j < NV; ++j) sum[i][j] = vec{} ;
    for (int64_t k = 0; k < depth; ++k, a += NR, b += NR) {
        vec right[NV];
        for (int j = 0; j < NV; ++j) right[j] = load(b + j * V);
#pragma GCC unroll 8
        for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
            for (int j = 0; j < NV; ++j) sum[i][j] += a[i] * right[j];
    }
    for (int i = 0; i < MR; ++i)
        for (int j = 0; j < NV; ++j) {
            double *at = c + i * ld + j * V;
            store(at, MINUS ? load(at) - sum[i][j] : load(at) + sum[i][j]);
        }
}

// Upper tiles of C +-= A^T A for the panels [first, last) of A, `depth` rows; C is addressed by A's columns.
template <bool MINUS>
inline void update(double *c, int64_t ld, const double *panels, int64_t depth, int64_t first, int64_t last, int threads) {
    const int64_t pair = last - first;
    const auto row = [&](int64_t task) {
        const int64_t p = first + task;
        const double *a = panels + p * depth * NR;
        for (int64_t q = p; q < last; ++q)
            for (int i = 0; i < NR; i += MR)
                tile<MINUS>(a + i, panels + q * depth * NR, depth, c + (p * NR + i) * ld + q * NR, ld);
    };
    parallel(pair, pair * pair * depth > 40000 ? threads : 1, row);
}

// y[0 .. n) -= f * x[0 .. n)
inline void subtract(double *__restrict y, const double *__restrict x, double f, int64_t n) {
    for (int64_t k = 0; k < n; ++k) y[k] -= f * x[k];
}

inline double dot(const double *x, const double *y, int64_t n) {
    vec a{}, b{};
    int64_t k = 0;
    for (; k + 2 * V <= n; k += 2 * V) {
        a += load(x + k) * load(y + k);
        b += load(x + k + V) * load(y + k + V);
    }
    a += b;
    double sum = 0;
    for (int j = 0; j < V; ++j) sum += a[j];
    for (; k < n; ++k) sum += x[k] * y[k];
    return sum;
}

// A = U^T U in place of the upper triangle; false where A is not positive definite. `panels` holds BLOCK * ld numbers.
inline bool cholesky(double *a, int64_t n, int64_t ld, double *panels, int threads) {
    for (int64_t j = 0; j < n; j += BLOCK) {
        const int64_t size = n - j < BLOCK ? n - j : BLOCK, next = j + size;
        for (int64_t t = 0; t < size; ++t) {
            double *row = a + (j + t) * ld + j;
            for (int64_t i = 0; i < t; ++i) {
                const double *above = a + (j + i) * ld + j;
                subtract(row + t, above + t, above[t], size - t);
            }
            if (!(row[t] > 0) || !std::isfinite(row[t])) return false;
            const double inverse = 1 / std::sqrt(row[t]);
            for (int64_t k = t; k < size; ++k) row[k] *= inverse;
        }
        if (next >= n) break;
        // The rows right of the block, a panel of columns at a time, and a packed copy for the update.
        const int64_t first = next / NR, last = (n + NR - 1) / NR;
        parallel(last - first, (last - first) > 20 ? threads : 1, [&](int64_t task) {
            const int64_t p = first + task;
            double *packed = panels + p * BLOCK * NR;
            for (int64_t t = 0; t < size; ++t) {
                double *row = a + (j + t) * ld + p * NR;
                vec sum[NV];
                for (int q = 0; q < NV; ++q) sum[q] = load(row + q * V);
                for (int64_t i = 0; i < t; ++i) {
                    const double f = a[(j + i) * ld + j + t];
                    for (int q = 0; q < NV; ++q) sum[q] -= f * load(packed + i * NR + q * V);
                }
                const double inverse = 1 / a[(j + t) * ld + j + t];
                for (int q = 0; q < NV; ++q) {
                    sum[q] *= inverse;
                    store(row + q * V, sum[q]);
                    store(packed + t * NR + q * V, sum[q]);
                }
            }
        });
        update<true>(a, ld, panels, BLOCK, first, last, threads);
    }
    return true;
}

// x = A^-1 b from the factor U, in place.
inline void solve(const double *u, int64_t n, int64_t ld, double *x) {
    for (int64_t i = 0; i < n; ++i) {
        x[i] /= u[i * ld + i];
        subtract(x + i + 1, u + i * ld + i + 1, x[i], n - i - 1);
    }
    for (int64_t i = n - 1; i >= 0; --i)
        x[i] = (x[i] - dot(u + i * ld + i + 1, x + i + 1, n - i - 1)) / u[i * ld + i];
}

// y = A x from the upper triangle of a symmetric A.
inline void multiply(const double *a, int64_t n, int64_t ld, const double *x, double *y) {
    std::memset(y, 0, sizeof(double) * size_t(n));
    for (int64_t i = 0; i < n; ++i) {
        const double *row = a + i * ld;
        y[i] += row[i] * x[i] + dot(row + i + 1, x + i + 1, n - i - 1);
        subtract(y + i + 1, row + i + 1, -x[i], n - i - 1);
    }
}

} // namespace ew::EW_ISA::dense
