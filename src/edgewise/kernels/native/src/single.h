// Layers with one output, as additive models are: each row by itself, its live functions in one short vector. No sorting and no
// tile of outputs to pad; sums are added up in the order in which tiles add them, so that both give the same bits.
#pragma once
#include "prepare.h"

namespace ew::EW_ISA {

// The intervals of one uneven grid by buckets of equal width: where the search for a value begins, and how far it goes at most.
template <class T> class Finder {
    static constexpr int PER_INTERVAL = 4;
    static_assert(sizeof(T) >= 2 * sizeof(uint16_t));
    T *edge, *inverse;   // breaks, followed by infinities; one over the widths
    uint16_t *start;     // of each bucket the last break at or before its left end
    int G, buckets, top; // first step of the search
    T scale;

  public:
    Finder() = default;

    // Each needs so many numbers of room.
    static int64_t numbers(int G) { return 2 * int64_t(G) + 2 + G + 4 * int64_t(G); }

    Finder(const Grid<T> &grid, T *space) : edge(space), inverse(space + 2 * grid.intervals + 2), G(grid.intervals) {
        start = reinterpret_cast<uint16_t *>(inverse + G);
        buckets = PER_INTERVAL * G;
        const T low = grid.breaks[0], width = grid.breaks[G] - low;
        scale = T(buckets) / width;
        for (int q = 0; q < 2 * G + 2; ++q) edge[q] = q < G ? grid.breaks[q] : std::numeric_limits<T>::infinity();
        for (int q = 0; q < G; ++q) inverse[q] = T(1) / grid.width[q + 1];
        int q = 0, most = 1;
        for (int j = 0; j < buckets; ++j) {
            // Bucketing is monotone in floats too: a break of an earlier bucket lies before every value of this one.
            while (q + 1 < G && bucket(edge[q + 1]) < j) ++q;
            start[j] = uint16_t(q);
            int end = q;
            while (end + 1 < G && bucket(edge[end + 1]) <= j) ++end;
            most = std::max(most, end - q);
        }
        for (top = 1; 2 * top <= most;) top *= 2;
    }

    void locate(const Grid<T> &grid, const T *EW_RESTRICT x, int n, Places<T> &out) const {
        using S = Simd<T>;
        using I = typename Ends<T>::I;
        typedef typename Bits<T>::Int Index;
        const Ends<T> ends(grid);
        const T last = T(buckets - 1);
        for (int s = 0; s < n; s += S::N) {
            const auto X = S::load(x + s);
            auto t = (X - ends.low) * scale;
            t = t < last ? t : S::all(last); // NaN too
            t = t > T(0) ? t : typename S::V{};
            const I j = __builtin_convertvector(t, I);
            alignas(64) Index at[S::N];
            std::memcpy(at, &j, sizeof at);
            for (int l = 0; l < S::N; ++l) at[l] = start[at[l]];
            for (int step = top; step > 0; step /= 2)
                for (int l = 0; l < S::N; ++l) at[l] += x[s + l] >= edge[at[l] + step] ? step : 0;
            alignas(64) T origin[S::N], by[S::N];
            for (int l = 0; l < S::N; ++l) origin[l] = edge[at[l]], by[l] = inverse[at[l]];
            I piece;
            std::memcpy(&piece, at, sizeof at);
            ends.put(X, (X - S::load(origin)) * S::load(by), piece + 1, out.u + s, out.piece + s);
        }
    }

  private:
    int bucket(T x) const {
        const T t = (x - edge[0]) * scale;
        return t < T(buckets - 1) ? int(t) : buckets - 1;
    }
};

template <class T, int K> struct Single {
    static constexpr int P = K + 1, W = P <= 2 ? 2 : P <= 4 ? 4 : 8; // powers, and lanes of the live functions

    static int64_t numbers(int intervals) { return int64_t(intervals + 2) * P * W; }

    // out[piece][power][function]: the derivative of order nu on every piece.
    static void tabulate(const Grid<T> &grid, bool uniform, int nu, T *EW_RESTRICT out) {
        const int G = grid.intervals;
        for (int p = 0; p < G + 2; ++p) {
            const Piece<T, K> piece(grid, uniform && p > 0 && p <= G ? 1 : p, nu);
            for (int r = 0; r < P; ++r, out += W)
                for (int m = 0; m < W; ++m) out[m] = m < P ? piece.c[m][r] : T(0);
        }
    }

    // sums[row] += the edge's value. Rows are those of `rows`, or all in their order; each of them gets `more[row] * weight`
    // (the base function) where it is given, and each coefficient `off`.
    static void add(const Places<T> &places, const T *table, const T *coef, int G, int n, const uint16_t *rows, const T *more,
                    T weight, const T *off, T *EW_RESTRICT sums) {
        using S = Simd<T>;
        for (int b = 0; b < n; ++b) {
            const int p = places.piece[b];
            const T u = places.u[b], *t = table + int64_t(p) * P * W, *c = coef + (std::min(std::max(p, 1), G) - 1);
            const bool tail = p == 0 || p == G + 1;
            T v[W];
            if (tail) {
                constexpr int high = K < 1 ? K : 1;
                for (int m = 0; m < W; ++m) v[m] = t[high * W + m];
                for (int r = high - 1; r >= 0; --r)
                    for (int m = 0; m < W; ++m) v[m] = S::fma1(v[m], u, t[r * W + m]);
                for (int m = 0; m < W; ++m) v[m] += (u > 1 ? T(1) : u < 0 ? T(0) : u) * 0; // NaN where x is
            } else {
                for (int m = 0; m < W; ++m) v[m] = t[K * W + m];
                for (int r = K - 1; r >= 0; --r)
                    for (int m = 0; m < W; ++m) v[m] = S::fma1(v[m], u, t[r * W + m]);
            }
            T &sum = sums[rows ? rows[b] : b], at = sum;
            for (int m = 0; m < P; ++m) at = S::fma1(v[m], off ? c[m] + *off : c[m], at);
            sum = more ? S::fma1(more[b], weight, at) : at;
        }
    }

    // The live functions at one value that lies at the first of `places`.
    static void live(const Grid<T> &grid, const Places<T> &places, int nu, T *out) {
        const Piece<T, K> piece(grid, places.piece[0], nu);
        for (int m = 0; m < P; ++m) out[m] = piece.at(places.u[0], m);
    }
};

} // namespace ew::EW_ISA
