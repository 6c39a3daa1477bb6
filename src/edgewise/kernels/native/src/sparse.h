// Sums over rows whose numbers are few and in known places: normal equations of splines, a row touching only the live functions
// of each block.
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

// Rows whose numbers stay in the second cache while all pairs of blocks are summed over them.
constexpr int64_t SPARSE_TILE = 1024;

// Rows [from, to) where `count` is negative, else the `count` that are listed; those where block b has the number `without` are left out.
// ONE: both blocks have one run, which the compiler then need not count.
template <int WA, int WB, bool ONE>
void gram_of(const ew_sparse_block &a, const ew_sparse_block &b, int64_t features, const double *weight, double *gram,
             int64_t from, int64_t to, const int32_t *list, int64_t count, const int32_t *at, int32_t without) {
    const int ra = ONE ? 1 : a.runs, rb = ONE ? 1 : b.runs;
    const int64_t na = int64_t(ra) * WA, nb = int64_t(rb) * WB, sa = a.stride * features, sb = b.stride;
    const int32_t *ia = a.at, *ib = b.at;
    const double *values = a.value, *others = b.value;
    double *begin = gram + a.start * features + b.start;
    const auto add = [=](int64_t row) {
        const double *va = WA == 4 || values ? values + row * na : SPARSE_ONE;
        const double *vb = WB == 4 || others ? others + row * nb : SPARSE_ONE;
        double *corner = begin + ia[row] * features + ib[row];
        const double w = weight[row];
        for (int i = 0; i < ra; ++i) {
            for (int c = 0; c < WA; ++c) {
                const double scale = w * va[i * WA + c];
                double *line = corner + i * sa + c * features;
                for (int j = 0; j < rb; ++j) add_run<WB>(line + j * sb, vb + j * WB, scale);
            }
        }
    };
    if (count < 0) {
        for (int64_t row = from; row < to; ++row) add(row);
    } else {
        for (int64_t k = 0; k < count; ++k)
            if (!at || at[list[k]] != without) add(list[k]);
    }
}

template <bool ONE> auto chosen_gram(const ew_sparse_block &a, const ew_sparse_block &b) {
    return a.width == 4 ? (b.width == 4 ? gram_of<4, 4, ONE> : gram_of<4, 1, ONE>)
                        : (b.width == 4 ? gram_of<1, 4, ONE> : gram_of<1, 1, ONE>);
}

// gram += X^T diag(weight) X, in whose X the number of a block that is `common` (-1 for none) counts as zero.
inline int sparse_gram(const ew_sparse &s, const int32_t *common, const double *weight, double *gram) {
    const int64_t tiles = (s.rows + SPARSE_TILE - 1) / SPARSE_TILE;
    std::vector<std::vector<int32_t>> rare(s.blocks); // rows without the common number, and where those of a tile begin
    std::vector<std::vector<int64_t>> begin(s.blocks);
    for (int64_t k = 0; k < s.blocks; ++k) {
        if (common[k] < 0) continue;
        for (int64_t row = 0; row < s.rows; ++row) {
            if (row % SPARSE_TILE == 0) begin[k].push_back(int64_t(rare[k].size()));
            if (s.block[k].at[row] != common[k]) rare[k].push_back(int32_t(row));
        }
        begin[k].push_back(int64_t(rare[k].size()));
    }
    std::vector<int64_t> pairs;
    for (int64_t a = 0; a < s.blocks; ++a)
        for (int64_t b = a; b < s.blocks; ++b) pairs.push_back(a * s.blocks + b);
    // A share sums pairs of its own over all rows in their order: results do not depend on the threads. On threads that begin
    // here: those of a pool would wait for the next call by turning in circles, while other threads read rows.
    const int64_t shares = s.threads > 1 ? 4 * int64_t(s.threads) : 1;
    parallel_anew(shares, s.threads, [&](int64_t share) {
        for (int64_t tile = 0; tile < tiles; ++tile) {
            const int64_t from = tile * SPARSE_TILE, to = from + SPARSE_TILE < s.rows ? from + SPARSE_TILE : s.rows;
            for (size_t p = size_t(share); p < pairs.size(); p += size_t(shares)) {
                const int64_t ka = pairs[p] / s.blocks, kb = pairs[p] % s.blocks;
                const ew_sparse_block &a = s.block[ka], &b = s.block[kb];
                const auto run = a.runs == 1 && b.runs == 1 ? chosen_gram<true>(a, b) : chosen_gram<false>(a, b);
                if (common[ka] < 0 && common[kb] < 0) {
                    run(a, b, s.features, weight, gram, from, to, nullptr, -1, nullptr, 0);
                    continue;
                }
                const int64_t listed = common[ka] < 0 ? kb : ka, other = listed == ka ? kb : ka;
                const int64_t first = begin[listed][tile], count = begin[listed][tile + 1] - first;
                run(a, b, s.features, weight, gram, from, to, rare[listed].data() + first, count,
                    common[other] < 0 || other == listed ? nullptr : s.block[other].at, common[other]);
            }
        }
    });
    return EW_OK;
}

template <int W, bool ONE> void pull_of(const ew_sparse_block &a, int64_t rows, const double *slope, double *out) {
    const int64_t runs = ONE ? 1 : a.runs, stride = a.stride;
    const int32_t *at = a.at;
    const double *values = a.value;
    out += a.start;
    for (int64_t row = 0; row < rows; ++row) {
        const double *v = W == 4 || values ? values + row * runs * W : SPARSE_ONE;
        for (int64_t r = 0; r < runs; ++r) add_run<W>(out + at[row] + r * stride, v + r * W, slope[row]);
    }
}

// out += X^T slope.
inline int sparse_pull(const ew_sparse &s, const double *slope, double *out) {
    for (int64_t k = 0; k < s.blocks; ++k) {
        const ew_sparse_block &a = s.block[k];
        const auto run = a.width == 4 ? (a.runs == 1 ? pull_of<4, true> : pull_of<4, false>)
                                      : (a.runs == 1 ? pull_of<1, true> : pull_of<1, false>);
        run(a, s.rows, slope, out);
    }
    return EW_OK;
}

template <int W, bool ONE>
void times_of(const ew_sparse_block &a, int64_t from, int64_t to, const double *theta, double *f) {
    const int64_t runs = ONE ? 1 : a.runs, stride = a.stride;
    const int32_t *at = a.at;
    const double *values = a.value;
    theta += a.start;
    for (int64_t row = from; row < to; ++row) {
        const double *v = W == 4 || values ? values + row * runs * W : SPARSE_ONE, *c = theta + at[row];
        double sum = 0;
        for (int64_t r = 0; r < runs; ++r)
            for (int m = 0; m < W; ++m) sum += c[r * stride + m] * v[r * W + m];
        f[row] += sum;
    }
}

// f += X theta, so many rows at once.
inline int sparse_times(const ew_sparse &s, const double *theta, double *f) {
    for (int64_t from = 0; from < s.rows; from += SPARSE_TILE) {
        const int64_t to = from + SPARSE_TILE < s.rows ? from + SPARSE_TILE : s.rows;
        for (int64_t k = 0; k < s.blocks; ++k) {
            const ew_sparse_block &a = s.block[k];
            const auto run = a.width == 4 ? (a.runs == 1 ? times_of<4, true> : times_of<4, false>)
                                          : (a.runs == 1 ? times_of<1, true> : times_of<1, false>);
            run(a, from, to, theta, f);
        }
    }
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
