// Layers whose inputs mostly have one value: backgrounds of pictures, zeros of counts, indicators.
//
// What an edge gives for its input's dominant value belongs to every row, and is computed once; rows that deviate get
// phi(x) - phi(value). B-splines sum to one, so that this is the spline of the coefficients less phi(value), at no further cost.
// In the gradient the rows that do not deviate have the sum of all rows' gradients less that of the others. What is left is work
// on the rows that deviate, gathered by interval: their coefficients, and the sums of the gradient, stay in registers.
#pragma once
#include "prepare.h"

#include <limits>
#include <vector>

namespace ew::EW_ISA {

// Where inputs have one value on most rows. It is judged by a few rows, spread over all, which decides about time alone.
template <class T> struct Dominant {
    static constexpr int SAMPLE = 15;
    // Share of the numbers that deviate up to which gathering them pays; beyond, inputs are taken as they come.
    static constexpr double MOST = 0.75;

    std::vector<T> value; // (E, I): NaN where an input has none; empty where too few have one

    explicit Dominant(const ew_spline &s) {
        const int64_t E = s.nets, B = s.rows, I = s.inputs;
        if (s.v || s.order > 0 || B < SAMPLE || I == 0 || s.intervals + 2 > SORTED) return;
        std::vector<T> common(size_t(E * I));
        std::vector<int32_t> votes(size_t(E * I), 0);
        const auto look = [&](auto each) {
            for (int64_t e = 0; e < E; ++e)
                for (int64_t k = 0; k < SAMPLE; ++k) {
                    const T *x = static_cast<const T *>(s.x) + e * s.x_net + (2 * k + 1) * B / (2 * SAMPLE) * s.x_row;
                    for (int64_t i = 0; i < I; ++i) each(x[i * s.x_col], common[size_t(e * I + i)], votes[size_t(e * I + i)]);
                }
        };
        // The one that has a majority, if any has, is left over when different ones cancel each other; then it is counted.
        look([](T x, T &held, int32_t &vote) {
            held = vote == 0 ? x : held;
            vote += x == held ? 1 : -1;
        });
        std::fill(votes.begin(), votes.end(), 0);
        look([](T x, T &held, int32_t &vote) { vote += x == held; });
        int64_t alike = 0;
        for (int64_t k = 0; k < E * I; ++k) {
            // Not far outside, where an edge gives much: taken off again, it would leave its rounding on the other rows.
            const Grid<T> grid(s, k / I, k % I);
            T &own = common[size_t(k)];
            const bool inside = own >= grid.breaks[0] && own <= grid.breaks[s.intervals];
            if (2 * votes[size_t(k)] > SAMPLE && inside)
                alike += votes[size_t(k)];
            else
                own = std::numeric_limits<T>::quiet_NaN();
        }
        if (double(alike) >= (1 - MOST) * double(SAMPLE * E * I)) value.swap(common);
    }

    bool found() const { return !value.empty(); }
};

// Rows of one interval, at positions up to `end`; the first coefficient that is live there.
struct Run {
    uint16_t first, end;
};

// One input on a block of rows: where its rows and runs are, and the basis values at the dominant value.
template <class T> struct Deviating {
    int32_t begin, run, runs;
    int32_t first; // first coefficient that is live at the dominant value, or -1 where there is none
    bool tails;    // whether some rows are outside of the grid
    T live[8];
};

constexpr int AT_ONCE = 16; // inputs that are gathered at once: a line of float32

// The rows of some inputs that deviate, in order of their intervals, with their basis values: live functions, then the base.
template <class T> struct Deviations {
    static constexpr int64_t MOST = AT_ONCE * int64_t(BLOCK) + 2 * STRIDE; // gathering and vectors write beyond the end
    static constexpr int64_t LD = MOST + 272;                               // arrays lie side by side modulo a page
    int32_t rows, runs; // in use
    Deviating<T> input[AT_ONCE];
    Run run[MOST];
    uint16_t order[MOST];
    alignas(64) T values[1]; // [functions][LD]

    static int64_t bytes(int functions) { return int64_t(sizeof(Deviations)) + functions * LD * int64_t(sizeof(T)); }
};

// Places where `x` differs from `value`: their numbers in order, and what x is there.
template <class T> EW_INLINE int deviating(const T *EW_RESTRICT x, int n, T value, T *EW_RESTRICT to, uint16_t *EW_RESTRICT rows) {
    int count = 0;
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
        __m512i number = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        const __m512 common = _mm512_set1_ps(value);
        for (int s = 0; s < n; s += 16, number = _mm512_add_epi32(number, _mm512_set1_epi32(16))) {
            const __m512 X = _mm512_loadu_ps(x + s);
            __mmask16 other = _mm512_cmp_ps_mask(X, common, _CMP_NEQ_UQ);
            if (n - s < 16) other &= __mmask16((1u << (n - s)) - 1);
            // Compressed in registers: straight to memory it takes the processor far longer.
            _mm512_storeu_ps(to + count, _mm512_maskz_compress_ps(other, X));
            _mm256_storeu_si256(reinterpret_cast<__m256i *>(rows + count),
                                _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(other, number)));
            count += __builtin_popcount(other);
        }
        return count;
    }
#endif
    for (int s = 0; s < n; ++s) {
        to[count] = x[s];
        rows[count] = uint16_t(s);
        count += !(x[s] == value);
    }
    return count;
}

template <class T> struct Gathering {
    Places<T> places;
    alignas(64) T x[STRIDE], u[STRIDE];
    uint16_t rows[STRIDE], begin[SORTED + 1], next[SORTED];
};

// The basis values at the dominant value.
template <class T, int K, bool BASE>
void take_dominant(Gathering<T> &w, const Grid<T> &grid, bool uniform, T value, Deviating<T> &input) {
    alignas(64) T one[Simd<T>::N], base[Simd<T>::N];
    for (auto &l : one) l = value;
    locate(grid, uniform, one, 1, w.places);
    const int p = w.places.piece[0];
    const Piece<T, K> piece(grid, p, 0);
    for (int m = 0; m <= K; ++m) input.live[m] = piece.at(w.places.u[0], m);
    input.first = grid.first(p);
    if (!BASE) return;
    base_values(one, 1, 0, base);
    input.live[K + 1] = base[0];
}

// Adds an input, whose x on the block are given, behind those that are there.
template <class T, int K, bool BASE>
void gather_deviating(Gathering<T> &w, const Grid<T> &grid, bool uniform, const T *x, int n, T value, Deviating<T> &input,
                      Deviations<T> &out) {
    const int G = grid.intervals, at = out.rows;
    input = {at, out.runs, 0, -1, false, {}};
    if (value == value) take_dominant<T, K, BASE>(w, grid, uniform, value, input);
    const int count = deviating(x, n, value, w.x, w.rows); // all, where there is no such value
    if (count == 0) return;
    locate(grid, uniform, w.x, count, w.places);
    const int32_t *EW_RESTRICT piece = w.places.piece;
    uint16_t *EW_RESTRICT next = w.next, *EW_RESTRICT order = out.order + at;
    std::memset(next, 0, sizeof(next[0]) * size_t(G + 2));
    for (int s = 0; s < count; ++s) ++next[piece[s]];
    input.tails = next[0] > 0 || next[G + 1] > 0;
    Run *runs = out.run + out.runs;
    int end = 0, found = 0, start = 0;
    for (int p = 0; p < G + 2; ++p) {
        const bool last = (p > 0 && p < G) || p == G + 1; // a tail and the interval beside it are one run
        w.begin[p] = uint16_t(end);
        end += next[p];
        next[p] = w.begin[p];
        runs[found] = {uint16_t(grid.first(p)), uint16_t(end)};
        found += last && end > start;
        start = last ? end : start;
    }
    w.begin[G + 2] = uint16_t(end);
    input.runs = found;
    for (int s = 0; s < count; ++s) {
        const int p = next[piece[s]]++;
        order[p] = w.rows[s];
        w.u[p] = w.places.u[s];
    }
    T *values = out.values + at;
    constexpr int64_t LD = Deviations<T>::LD;
    const auto fill = [&](int p, int from, int to) { Piece<T, K>(grid, p, 0).fill(w.u, from, to, values, LD, false); };
    if (uniform) fill(1, 0, count); // one table serves all intervals; tails are done over
    for (int p = 0; p < G + 2; ++p)
        if ((!uniform || p == 0 || p == G + 1) && w.begin[p] < w.begin[p + 1]) fill(p, w.begin[p], w.begin[p + 1]);
    if (BASE) {
        base_values(w.x, count, 0, w.places.u);
        for (int p = 0; p < G + 2; ++p) next[p] = w.begin[p];
        for (int s = 0; s < count; ++s) values[(K + 1) * LD + next[piece[s]]++] = w.places.u[s];
    }
    out.rows += count;
    out.runs += found;
}

} // namespace ew::EW_ISA
