// Sums over rows whose numbers are few and in known places: normal equations of splines, a row touching only the live functions
// of each block. Tasks are pairs of blocks, each over all rows in their order, so results do not depend on the threads.
#pragma once
#include "edgewise.h"
#include "threads.h"
#include "vec.h"

#include <vector>

namespace ew::EW_ISA {

typedef double Four __attribute__((vector_size(32)));
typedef double FourAt __attribute__((vector_size(32), aligned(8), may_alias));

// to[0..W) += scale * from[0..W)
template <int W> EW_INLINE void add_run(double *to, const double *from, double scale) {
    if constexpr (W == 4) {
        Four v = *reinterpret_cast<const FourAt *>(from), t = *reinterpret_cast<const FourAt *>(to);
        *reinterpret_cast<FourAt *>(to) = t + v * scale;
    } else {
        for (int c = 0; c < W; ++c) to[c] += scale * from[c];
    }
}

constexpr double SPARSE_ONE[1] = {1.0};

template <int WA, int WB>
void gram_of(const ew_sparse_block &a, const ew_sparse_block &b, int64_t rows, int64_t features, const double *weight,
             double *gram) {
    const int64_t na = int64_t(a.runs) * WA, nb = int64_t(b.runs) * WB;
    for (int64_t row = 0; row < rows; ++row) {
        const double *va = a.value ? a.value + row * na : SPARSE_ONE, *vb = b.value ? b.value + row * nb : SPARSE_ONE;
        double *corner = gram + (a.start + a.at[row]) * features + b.start + b.at[row];
        const double w = weight[row];
        for (int ra = 0; ra < a.runs; ++ra) {
            for (int ca = 0; ca < WA; ++ca) {
                const double scale = w * va[ra * WA + ca];
                double *line = corner + (ra * a.stride + ca) * features;
                for (int rb = 0; rb < b.runs; ++rb) add_run<WB>(line + rb * b.stride, vb + rb * WB, scale);
            }
        }
    }
}

inline int sparse_gram(const ew_sparse &s, const double *weight, double *gram) {
    std::vector<int64_t> tasks;
    for (int64_t a = 0; a < s.blocks; ++a)
        for (int64_t b = a; b < s.blocks; ++b) tasks.push_back(a * s.blocks + b);
    parallel(int64_t(tasks.size()), s.threads, [&](int64_t task) {
        const ew_sparse_block &a = s.block[tasks[task] / s.blocks], &b = s.block[tasks[task] % s.blocks];
        const auto run = a.width == 4 ? (b.width == 4 ? gram_of<4, 4> : gram_of<4, 1>)
                                      : (b.width == 4 ? gram_of<1, 4> : gram_of<1, 1>);
        run(a, b, s.rows, s.features, weight, gram);
    });
    return EW_OK;
}

// out += X^T slope, where out is kept apart block by block.
inline int sparse_pull(const ew_sparse &s, const double *slope, double *out) {
    parallel(s.blocks, s.threads, [&](int64_t k) {
        const ew_sparse_block &a = s.block[k];
        const int64_t many = int64_t(a.runs) * a.width;
        for (int64_t row = 0; row < s.rows; ++row) {
            const double *v = a.value ? a.value + row * many : SPARSE_ONE;
            double *to = out + a.start + a.at[row];
            for (int r = 0; r < a.runs; ++r)
                for (int c = 0; c < a.width; ++c) to[r * a.stride + c] += slope[row] * v[r * a.width + c];
        }
    });
    return EW_OK;
}

// f += X theta, a part of the rows a task.
inline int sparse_times(const ew_sparse &s, const double *theta, double *f) {
    constexpr int64_t PART = 1024;
    parallel((s.rows + PART - 1) / PART, s.threads, [&](int64_t part) {
        const int64_t from = part * PART, to = from + PART < s.rows ? from + PART : s.rows;
        for (int64_t k = 0; k < s.blocks; ++k) {
            const ew_sparse_block &a = s.block[k];
            const int64_t many = int64_t(a.runs) * a.width;
            for (int64_t row = from; row < to; ++row) {
                const double *v = a.value ? a.value + row * many : SPARSE_ONE, *c = theta + a.start + a.at[row];
                double sum = 0;
                for (int r = 0; r < a.runs; ++r)
                    for (int m = 0; m < a.width; ++m) sum += c[r * a.stride + m] * v[r * a.width + m];
                f[row] += sum;
            }
        }
    });
    return EW_OK;
}

// The four live functions of cubic splines on `intervals` intervals: where they begin, and their values.
inline int sparse_cubics(const ew_sparse_cubics &s) {
    constexpr int64_t PART = 1024;
    const int64_t G = s.intervals;
    parallel((s.rows + PART - 1) / PART, s.threads, [&](int64_t part) {
        const int64_t from = part * PART, to = from + PART < s.rows ? from + PART : s.rows;
        for (int64_t row = from; row < to; ++row) {
            const double x = s.x[row * s.step];
            int64_t low = 0, high = G + 1; // breaks below `low` are at most x, those from `high` on beyond it
            while (low < high) {
                const int64_t middle = (low + high) / 2;
                if (s.breaks[middle] <= x)
                    low = middle + 1;
                else
                    high = middle;
            }
            const int64_t piece = low - (x == s.breaks[G]);
            const double u = (x - s.origin[piece]) / s.width[piece];
            const double *t = s.table + piece * 16;
            const bool tail = piece == 0 || piece == G + 1;
            for (int m = 0; m < 4; ++m, t += 4)
                s.value[row * 4 + m] = tail ? t[0] + u * t[1] : t[0] + u * (t[1] + u * (t[2] + u * t[3]));
            s.at[row] = int32_t(piece < 1 ? 0 : piece > G ? G - 1 : piece - 1);
        }
    });
    return EW_OK;
}

} // namespace ew::EW_ISA
