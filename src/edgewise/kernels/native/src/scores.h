// Sums of the values of every edge over the rows, without the values themselves: what scores are made of.
//
// Sums are taken about a shift near the mean, within a block of rows in the type of the numbers and over the blocks in
// float64, so that an edge that hardly moves about a large constant loses nothing.
#pragma once
#include "maps.h"

namespace ew::EW_ISA {

constexpr int SUMS = 5;               // phi - shift, |phi|, (phi - shift)^2, and the first and last weighted
constexpr int64_t SPAN = 8192;        // fewest rows of a task that shares its edges with others
constexpr int64_t ENOUGH_TASKS = 16;  // not the number of threads, on which results must not depend

// One input, one block of rows, one vector of outputs. `w` has a row of N for each row of the block, or is null.
template <class T, int K, int NX> struct EdgeSums {
    using S = Simd<T>;
    using V = typename S::V;
    static constexpr int N = S::N, NR = K + 1 + NX;

    template <int L, bool WEIGHTED>
    static EW_INLINE void group(const T *c, const T *extra, const T *values, const uint16_t *order, V shift, const T *w, V *sum) {
        V C[NR];
        for (int m = 0; m < NR; ++m) C[m] = S::load(m <= K ? c + m * N : extra);
#pragma GCC unroll 8
        for (int l = 0; l < L; ++l) {
            V phi = S::all(values[l]) * C[0];
            for (int m = 1; m < NR; ++m) phi += S::all(values[m * STRIDE + l]) * C[m];
            const V off = phi - shift;
            sum[0] += off;
            sum[1] += phi < T(0) ? -phi : phi;
            sum[2] += off * off;
            if (WEIGHTED) {
                const V weighted = S::load(w + int64_t(order[l]) * N) * off;
                sum[3] += weighted;
                sum[4] += weighted * off;
            }
        }
    }

    template <bool WEIGHTED>
    static void run(const T *rows, const Head &head, const T *values, const T *shift, const T *w, int M, double *sums) {
        const T *extra = rows + int64_t(M) * N;
        const V about = S::load(shift);
        V sum[SUMS] = {};
        const auto each = [&](const Group *groups, int count, auto size) {
            for (int q = 0; q < count; ++q) {
                const int64_t at = groups[q].start;
                group<size.value, WEIGHTED>(rows + int64_t(groups[q].row) * N, extra, values + at, head.order + at, about, w, sum);
            }
        };
        each(head.eight, head.eights, Size<8>());
        each(head.pair, head.pairs, Size<2>());
        each(head.single, head.singles, Size<1>());
        for (int k = 0; k < (WEIGHTED ? SUMS : 3); ++k) {
            T lanes[N];
            S::store(lanes, sum[k]);
            for (int n = 0; n < N; ++n) sums[k * N + n] += double(lanes[n]);
        }
    }
};

template <class T> using SumsKernel = void (*)(const T *, const Head &, const T *, const T *, const T *, int, double *);

template <class T> struct EdgeMoments : Maps<T> {
    using Base = Maps<T>;
    using Base::B, Base::E, Base::I, Base::M, Base::N, Base::NR, Base::O, Base::R, Base::base, Base::block, Base::s, Base::tiles;
    static constexpr int64_t MOST_INPUTS = 8; // of a task; they share the rows' weights
    const SumsKernel<T> kernel;
    const T *shift; // (E, I, O)
    double *out;    // (SUMS, E, I, O)

    EdgeMoments(const ew_spline &spline, const Kernels<T> &kernels, SumsKernel<T> sums, const void *about, double *to)
        : Base(spline, kernels, spline.base != nullptr), kernel(sums), shift(static_cast<const T *>(about)), out(to) {}

    void run() const {
        const int64_t inputs = std::min(I, MOST_INPUTS), parts = I ? ceil_div(I, inputs) : 0, edges = E * I * O;
        const int64_t spans = std::max<int64_t>(1, std::min(ceil_div(B, SPAN), parts ? ceil_div(ENOUGH_TASKS, E * parts) : 1));
        const int64_t rows = ceil_div(ceil_div(B, spans), block) * block, count = s.g ? SUMS : 3;
        // Sums of the later spans, added in their order when all are done.
        double *later = spans > 1 ? room<double>(6, (spans - 1) * SUMS * edges) : nullptr;
        run_tasks(E * parts * spans, s.threads, [&](int64_t task) {
            const int64_t span = task % spans, e = task / spans / parts, first = task / spans % parts * inputs;
            double *to = span ? later + (span - 1) * SUMS * edges : out;
            this->task(e, std::min(B, span * rows), std::min(B, (span + 1) * rows), first, std::min(inputs, I - first), to);
        });
        for (int64_t span = 1; span < spans; ++span)
            for (int64_t k = 0; k < count * edges; ++k) out[k] += later[(span - 1) * SUMS * edges + k];
    }

    // One vector of outputs, zeros beyond the last.
    static EW_INLINE void line(const T *from, int64_t n, T *to) {
        if (n >= N) return Base::template move<1>(from, to);
        for (int64_t k = 0; k < N; ++k) to[k] = k < n ? from[k] : T(0);
    }

    void task(int64_t e, int64_t from, int64_t to, int64_t first, int64_t count, double *result) const {
        const int64_t size = Prepared<T>::bytes(NR), rows = R + 1, edges = E * I * O; // rows of a tile: R and the shift
        char *prepared = room<char>(1, count * size);
        T *packed = room<T>(2, tiles * count * rows * N);
        T *xt = room<T>(3, count * STRIDE);
        T *weights = s.g ? room<T>(4, int64_t(block) * N) : nullptr;
        double *sums = room<double>(5, tiles * count * SUMS * N);
        std::memset(sums, 0, sizeof(double) * size_t(tiles * count * SUMS * N));
        for (int64_t j = 0; j < count; ++j) {
            const int64_t i = e * I + first + j, own = first + j;
            const T *coef = static_cast<const T *>(s.coef) + e * s.coef_net + own * M * O;
            for (int64_t m = 0; m < rows; ++m) {
                const T *row = m < M ? coef + m * O : m < R ? static_cast<const T *>(s.base) + e * s.base_net + own * O : shift + i * O;
                for (int64_t tile = 0; tile < tiles; ++tile) line(row + tile * N, O - tile * N, packed + ((tile * count + j) * rows + m) * N);
            }
        }
        Workspace<T> space;
        Wanted wanted{};
        wanted.sets = 1;
        wanted.order[0] = s.order;
        wanted.uniform = s.uniform != 0;
        wanted.base = base;
        wanted.sorted = s.intervals + 2 <= SORTED;
        for (int64_t b = from; b < to; b += block) {
            const int n = int(std::min<int64_t>(block, to - b));
            this->prepare(space, e, b, n, first, count, wanted, xt, prepared, size);
            for (int64_t tile = 0; tile < tiles; ++tile) {
                if (weights) {
                    const T *w = static_cast<const T *>(s.g) + e * s.g_net + b * s.g_row + tile * N;
                    for (int k = 0; k < n; ++k) line(w + k * s.g_row, O - tile * N, weights + k * N);
                }
                for (int64_t j = 0; j < count; ++j) {
                    const auto &p = *reinterpret_cast<const Prepared<T> *>(prepared + j * size);
                    const T *at = packed + (tile * count + j) * rows * N;
                    kernel(at, p.head, p.values(0), at + R * N, weights, int(M), sums + (tile * count + j) * SUMS * N);
                }
            }
        }
        for (int64_t k = 0; k < (s.g ? SUMS : 3); ++k)
            for (int64_t j = 0; j < count; ++j)
                for (int64_t o = 0; o < O; ++o)
                    result[k * edges + (e * I + first + j) * O + o] = sums[((o / N * count + j) * SUMS + k) * N + o % N];
    }
};

} // namespace ew::EW_ISA
