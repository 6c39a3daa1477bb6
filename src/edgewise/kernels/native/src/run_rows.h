// The rows of a block, input by input in order of their intervals; and inputs that mostly have one value: backgrounds of pictures,
// zeros of counts, indicators.
//
// What an edge gives for its input's dominant value belongs to every row, and is computed once; rows that deviate get
// phi(x) - phi(value). B-splines sum to one, so that this is the spline of the coefficients less phi(value), at no further cost.
// In the gradient the rows that do not deviate have the sum of all rows' gradients less that of the others. What is left is work
// on the rows that deviate, gathered by interval: their coefficients, and the sums of the gradient, stay in registers.
#pragma once
#include "blocking.h"
#include "kept.h"

#include <limits>
#include <vector>

namespace ew::EW_ISA {

// Whether the maps of run_maps.h serve a call: values of the functions without weights, on grids that rows are sorted by.
inline bool by_runs(const ew_spline &s) { return !s.v && s.order == 0 && s.intervals + 2 <= SORTED; }

// Where inputs have one value on most rows. It is judged by a few rows, spread over all, which decides about time alone.
template <class T> struct Dominant {
    static constexpr int SAMPLE = 15;

    std::vector<T> value; // (E, I): NaN where an input has none

    bool any() const {
        return std::any_of(value.begin(), value.end(), [](T x) { return x == x; });
    }

    Dominant(const ew_spline &s, bool wanted) : value(size_t(s.nets * s.inputs), std::numeric_limits<T>::quiet_NaN()) {
        const int64_t E = s.nets, B = s.rows, I = s.inputs;
        if (!wanted || s.v || s.order > 0 || B < SAMPLE) return;
        std::vector<T> &common = value;
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
        for (int64_t k = 0; k < E * I; ++k) {
            // Not far outside, where an edge gives much: taken off again, it would leave its rounding on the other rows.
            const Grid<T> grid(s, k / I, k % I);
            T &own = common[size_t(k)];
            const bool inside = own >= grid.breaks[0] && own <= grid.breaks[s.intervals];
            if (2 * votes[size_t(k)] <= SAMPLE || !inside) own = std::numeric_limits<T>::quiet_NaN();
        }
    }
};

// Rows of one interval, at positions up to `end`; the first coefficient that is live there.
struct Run {
    uint16_t first, end;
};

// One input on a block of rows: the rows that deviate in order of their intervals, and the basis values at the dominant value.
template <class T> struct Deviating {
    const uint16_t *order;
    int32_t begin, run, runs; // of the values, of the runs; how many
    int32_t first; // first coefficient that is live at the dominant value, or -1 where there is none
    bool tails;    // whether some rows are outside of the grid
    T live[8];
};

// The derivatives whose values are wanted.
struct Orders {
    int count, nu[2];
};

constexpr int AT_ONCE = 16; // inputs that are scanned and gathered at once: a line of float32

// The rows of some inputs that deviate, in order of their intervals, with their basis values: live functions, then the base.
template <class T> struct Deviations {
    static constexpr int64_t MOST = AT_ONCE * int64_t(BLOCK) + 2 * STRIDE; // gathering and vectors write beyond the end
    static constexpr int64_t LD = MOST + 272;                               // arrays lie side by side modulo a page
    int32_t rows, runs; // in use
    Deviating<T> input[AT_ONCE];
    Run run[MOST];
    alignas(64) T values[1]; // [functions][LD]

    static int64_t bytes(int functions) { return int64_t(sizeof(Deviations)) + functions * LD * int64_t(sizeof(T)); }
};

// Places where `x` differs from `value`: their numbers in order, and what x is there.
template <class T> EW_INLINE int deviating(const T *EW_RESTRICT x, int n, T value, T *EW_RESTRICT to, uint16_t *EW_RESTRICT rows) {
    int count = 0;
    for (int s = 0; s < n; ++s) {
        to[count] = x[s];
        rows[count] = uint16_t(s);
        count += !(x[s] == value);
    }
    return count;
}

template <class T> struct Gathering {
    int count[AT_ONCE]; // of each input the rows that deviate, and their x
    uint16_t row[AT_ONCE][STRIDE], order[AT_ONCE][STRIDE];
    alignas(64) T x[AT_ONCE][STRIDE], u[STRIDE], base_x[STRIDE];
    Places<T> places;
    uint16_t begin[SORTED + 1], next[SORTED];
};

// Which rows of a block deviate, for `inputs` columns whose dominant values are given.
template <class T>
void scan(Gathering<T> &w, const T *x, int64_t row, int64_t col, int n, int inputs, const T *values, T *EW_RESTRICT columns_of) {
    columns<T>(x, 0, row, col, n, inputs, columns_of);
    for (int j = 0; j < inputs; ++j) w.count[j] = deviating(columns_of + j * STRIDE, n, values[j], w.x[j], w.row[j]);
}

#if defined(__AVX512F__)
// By squares of 16 rows and inputs, of which those without a deviating number are passed over.
inline void scan_squares(Gathering<float> &w, const float *x, int64_t row, int n, int inputs, const float *values) {
    const __mmask16 there = __mmask16((1u << inputs) - 1);
    const __m512 common = _mm512_maskz_loadu_ps(there, values);
    __m512i number = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int j = 0; j < inputs; ++j) w.count[j] = 0;
    for (int s = 0; s < n; s += 16, number = _mm512_add_epi32(number, _mm512_set1_epi32(16))) {
        __m512 r[16];
        const int left = std::min(16, n - s);
        __mmask16 other = 0;
#pragma GCC unroll 16
        for (int k = 0; k < 16; ++k) {
            const float *at = x + (s + std::min(k, left - 1)) * row;
            _mm_prefetch(reinterpret_cast<const char *>(at + AHEAD * row), _MM_HINT_T0);
            r[k] = _mm512_maskz_loadu_ps(there, at);
            other |= _mm512_mask_cmp_ps_mask(there, r[k], common, _CMP_NEQ_UQ);
        }
        if (!other) continue;
        turn(r);
        const __mmask16 rows = __mmask16((1u << left) - 1);
#pragma GCC unroll 16
        for (int j = 0; j < 16; ++j) {
            if (j >= inputs) break;
            const __mmask16 at = _mm512_mask_cmp_ps_mask(rows, r[j], _mm512_set1_ps(values[j]), _CMP_NEQ_UQ);
            const int count = w.count[j];
            // Compressed in registers: straight to memory it takes some processors far longer.
            _mm512_storeu_ps(w.x[j] + count, _mm512_maskz_compress_ps(at, r[j]));
            _mm256_storeu_si256(reinterpret_cast<__m256i *>(w.row[j] + count),
                                _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(at, number)));
            w.count[j] = count + __builtin_popcount(at);
        }
    }
}

template <>
inline void scan<float>(Gathering<float> &w, const float *x, int64_t row, int64_t col, int n, int inputs, const float *values,
                        float *EW_RESTRICT columns_of) {
    if (col == 1) return scan_squares(w, x, row, n, inputs, values);
    columns<float>(x, 0, row, col, n, inputs, columns_of);
    for (int j = 0; j < inputs; ++j) w.count[j] = deviating(columns_of + j * STRIDE, n, values[j], w.x[j], w.row[j]);
}
#endif

// Sorts n places by piece, and rows and x along.
template <class T>
void sort_by_piece(Gathering<T> &w, int n, int G, const T *EW_RESTRICT x, const uint16_t *EW_RESTRICT row, const Sorted<T> &to) {
    const int32_t *EW_RESTRICT piece = w.places.piece;
    int end = 0;
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        if (G <= 16) { // by looking for every piece in turn: no row waits for the count of the one before it
            const __m512i first = _mm512_set1_epi32(1), last = _mm512_set1_epi32(G);
            __mmask16 outside = 0;
            for (int s = 0; s < n; s += 16) {
                const __m512i p = _mm512_loadu_si512(piece + s);
                outside |= _mm512_cmplt_epi32_mask(p, first) | _mm512_cmpgt_epi32_mask(p, last);
            }
            for (int p = 0; p < G + 2; ++p) {
                to.begin[p] = uint16_t(end);
                if (!outside && (p == 0 || p > G)) continue;
                for (int s = 0; s < n; s += 16) {
                    const __mmask16 there = __mmask16(n - s < 16 ? (1u << (n - s)) - 1 : 0xffff);
                    const __mmask16 at = _mm512_mask_cmpeq_epi32_mask(there, _mm512_loadu_si512(piece + s), _mm512_set1_epi32(p));
                    const __m512i rows = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(row + s)));
                    _mm512_storeu_ps(to.u + end, _mm512_maskz_compress_ps(at, _mm512_loadu_ps(w.places.u + s)));
                    if (to.x) _mm512_storeu_ps(to.x + end, _mm512_maskz_compress_ps(at, _mm512_loadu_ps(x + s)));
                    _mm256_storeu_si256(reinterpret_cast<__m256i *>(to.order + end),
                                        _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(at, rows)));
                    end += __builtin_popcount(at);
                }
            }
            to.begin[G + 2] = uint16_t(end);
            return;
        }
#endif
    uint16_t *EW_RESTRICT next = w.next;
    std::memset(next, 0, sizeof(next[0]) * size_t(G + 2));
    for (int s = 0; s < n; ++s) ++next[piece[s]];
    for (int p = 0; p < G + 2; ++p) {
        const int count = next[p];
        to.begin[p] = next[p] = uint16_t(end);
        end += count;
    }
    to.begin[G + 2] = uint16_t(end);
    for (int s = 0; s < n; ++s) {
        const int p = next[piece[s]]++;
        to.order[p] = row[s];
        to.u[p] = w.places.u[s];
        if (to.x) to.x[p] = x[s];
    }
}

// Sorts the rows of input j of what was scanned, and finds the basis values at the dominant value: it is located as one more row.
template <class T, int K, bool BASE>
void sort_deviating(Gathering<T> &w, const Grid<T> &grid, bool uniform, int j, T value, const Sorted<T> &to, Deviating<T> &input) {
    const bool apart = value == value;
    const int count = w.count[j];
    input.first = -1;
    if (count == 0 && !apart) return;
    if (apart) w.x[j][count] = value;
    locate(grid, uniform, w.x[j], count + apart, w.places);
    if (apart) {
        const int p = w.places.piece[count];
        const Piece<T, K> piece(grid, p, 0);
        for (int m = 0; m <= K; ++m) input.live[m] = piece.at(w.places.u[count], m);
        input.first = grid.first(p);
        if (BASE) {
            alignas(64) T one[Simd<T>::N], base[Simd<T>::N];
            for (auto &l : one) l = value;
            base_values(one, 1, 0, base);
            input.live[K + 1] = base[0];
        }
    }
    if (count > 0) sort_by_piece(w, count, grid.intervals, w.x[j], w.row[j], to);
}

// Adds an input with `count` rows behind those that are there. Values at each of the orders, one set of arrays after the other.
template <class T, int K, bool BASE>
void fill_deviating(const Grid<T> &grid, bool uniform, int count, const Sorted<T> &from, Orders orders, Deviating<T> &input,
                    Deviations<T> &out) {
    const int G = grid.intervals, at = out.rows;
    input.order = from.order, input.begin = at, input.run = out.runs, input.runs = 0, input.tails = false;
    if (count == 0) return;
    const uint16_t *begin = from.begin;
    input.tails = begin[1] > 0 || begin[G + 1] < count;
    Run *runs = out.run + out.runs;
    int found = 0, start = 0;
    for (int p = 1; p < G + 2; ++p) {
        const int end = begin[p + 1], last = p != G; // a tail and the interval beside it are one run
        runs[found] = {uint16_t(grid.first(p)), uint16_t(end)};
        found += last && end > start;
        start = last ? end : start;
    }
    input.runs = found;
    constexpr int64_t LD = Deviations<T>::LD;
    for (int k = 0; k < orders.count; ++k) {
        T *values = out.values + at + k * (K + 1 + BASE) * LD;
        fill_pieces<T, K>(grid, uniform, orders.nu[k], from.u, begin, values, LD);
        if (BASE) base_values(from.x, count, orders.nu[k], values + (K + 1) * LD);
    }
    out.rows += count;
    out.runs += found;
}

} // namespace ew::EW_ISA
