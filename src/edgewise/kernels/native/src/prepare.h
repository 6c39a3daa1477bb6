// One input on a block of rows: where its values fall on the grid, the rows gathered by interval, and the live basis values.
//
// Rows of one interval share k + 1 rows of coefficients. Sorted by interval, they are taken in groups of eight, then of two,
// then singly, so that kernels run through flat loops without an unpredictable branch while coefficients stay in registers.
#pragma once
#include "basis.h"
#include "threads.h"
#include "vec.h"

#include <algorithm>
#include <cmath>

namespace ew::EW_ISA {

constexpr int BLOCK = 1024;        // most rows in a block; the fewer intervals, the fewer rows make full groups
// Of one basis function's values. Vectors write beyond the end; and modulo a page the arrays of a short block lie side by side,
// so that they do not compete for the same sets of the first cache.
constexpr int STRIDE = BLOCK + 272;
constexpr int SORTED = 1024;       // pieces up to which rows are sorted; on finer grids hardly two rows share a piece

// Rows of a block: as few as fill the groups, so that a tile of their sums stays in the first cache.
inline int block_rows(int intervals) { return intervals <= 16 ? 256 : intervals <= 48 ? 512 : 1024; }

// Rows at positions [start, start + size) that share the coefficients from `row` on.
struct Group {
    uint16_t row, start;
};

struct Head {
    int32_t eights, pairs, singles;
    uint16_t order[STRIDE]; // row of the block at each position
    Group eight[BLOCK / 8 + 4], pair[BLOCK / 2 + 4], single[BLOCK + 4];
};

// What is made of a block; `sets` value arrays of `live + extra` functions each follow the head.
template <class T> struct Prepared {
    Head head;
    T *values(int index) { return reinterpret_cast<T *>(this + 1) + int64_t(index) * STRIDE; }
    const T *values(int index) const { return reinterpret_cast<const T *>(this + 1) + int64_t(index) * STRIDE; }
    static int64_t bytes(int arrays) {
        return (int64_t(sizeof(Prepared)) + int64_t(arrays) * STRIDE * int64_t(sizeof(T)) + 63) / 64 * 64;
    }
};

template <class T> struct Places {
    alignas(64) T u[STRIDE];
    alignas(64) int32_t piece[STRIDE];
};

template <class T, class I> EW_INLINE bool any(I mask) {
    typename Bits<T>::Int lanes[Simd<T>::N], all = 0;
    std::memcpy(lanes, &mask, sizeof lanes);
    for (auto lane : lanes) all |= lane;
    return all != 0;
}

// Local coordinates from the distances to the piece's origin: within [0, 1] on the grid, free on the tails.
template <class T> struct Ends {
    using S = Simd<T>;
    using V = typename S::V;
    typedef typename Bits<T>::Int I __attribute__((vector_size(BYTES)));
    T low, high, left, right; // ends of the grid, and one over the widths there
    int G;

    explicit Ends(const Grid<T> &grid)
        : low(grid.breaks[0]), high(grid.breaks[grid.intervals]), left(T(1) / grid.width[0]),
          right(T(1) / grid.width[grid.intervals + 1]), G(grid.intervals) {}

    EW_INLINE void put(V x, V t, I piece, T *u, int32_t *to) const {
        t = t > T(1) ? S::all(1) : t;
        t = t < T(0) ? V{} : t;
        const I below = x < low, inside = x <= high; // neither for NaN
        t = inside ? t : (x - high) * right;
        t = below ? (x - low) * left : t;
        piece = inside ? piece : I{} + (G + 1);
        piece = below ? I{} : piece;
        S::store(u, t);
        store_int(piece, to);
    }

    static EW_INLINE void store_int(I v, int32_t *to) {
        typedef int32_t Short __attribute__((vector_size(S::N * 4)));
        const Short s = __builtin_convertvector(v, Short);
        std::memcpy(to, &s, sizeof s);
    }
};

// Piece and local coordinate of n values (and of what follows them up to a whole vector).
template <class T> void locate(const Grid<T> &grid, bool uniform, const T *EW_RESTRICT x, int n, Places<T> &out) {
    using S = Simd<T>;
    using V = typename S::V;
    using E = Ends<T>;
    using I = typename E::I;
    const int G = grid.intervals;
    const E ends(grid);
    if (G <= (uniform ? 16 : 48)) { // by comparing with every break
        T inverse[48];
        for (int q = 0; q < G; ++q) inverse[q] = T(1) / grid.width[q + 1];
        for (int s = 0; s < n; s += S::N) {
            const V X = S::load(x + s);
            V origin = S::all(ends.low), scale = S::all(inverse[0]);
            I piece = I{} + 1;
            for (int q = 1; q < G; ++q) {
                const I past = X >= grid.breaks[q];
                piece -= past;
                origin = past ? S::all(grid.breaks[q]) : origin;
                if (!uniform) scale = past ? S::all(inverse[q]) : scale;
            }
            ends.put(X, (X - origin) * scale, piece, out.u + s, out.piece + s);
        }
        return;
    }
    int top = 1;
    while (top * 2 < G) top *= 2;
    const T width = (ends.high - ends.low) / T(G), inverse = T(1) / width, last = T(G - 1), near = T(1e-3);
    for (int s = 0; s < n; s += S::N) {
        const V X = S::load(x + s);
        V near_t{};
        I near_piece{}, sure{};
        if (uniform) {
            // Sure unless rounding could matter, close to a break.
            V t = (X - ends.low) * inverse;
            t = t < last ? t : S::all(last); // NaN too
            t = t > T(0) ? t : V{};
            const I q = __builtin_convertvector(t, I);
            const V whole = __builtin_convertvector(q, V), u = (X - (whole * width + ends.low)) * inverse;
            const I doubtful = (u < near) | (u > T(1) - near);
            const I outside = (X < ends.low) | (X > ends.high);
            near_t = u, near_piece = q + 1, sure = ~doubtful | outside;
            if (!any<T>(~sure)) {
                ends.put(X, near_t, near_piece, out.u + s, out.piece + s);
                continue;
            }
        }
        alignas(64) T origin[S::N], scale[S::N];
        alignas(64) typename Bits<T>::Int at[S::N];
        for (int l = 0; l < S::N; ++l) {
            int q = 0;
            for (int step = top; step > 0; step /= 2) {
                const int next = q + step;
                q = next < G && x[s + l] >= grid.breaks[next < G ? next : 0] ? next : q;
            }
            at[l] = q + 1;
            origin[l] = grid.breaks[q];
            scale[l] = T(1) / grid.width[q + 1];
        }
        I piece;
        std::memcpy(&piece, at, sizeof at);
        // Lane by lane, so that no row's place hangs on those beside it.
        const V t = (X - S::load(origin)) * S::load(scale);
        ends.put(X, sure ? near_t : t, sure ? near_piece : piece, out.u + s, out.piece + s);
    }
}

// Derivative of order nu of the k + 1 live functions of one piece at positions [from, to).
template <class T, int K> struct Piece {
    T c[K + 1][K + 1]; // powers of u after differentiation
    int top;           // highest power left, or -1 where nothing is
    bool tail;

    Piece() = default;
    Piece(const Grid<T> &grid, int piece, int nu) {
        tail = piece == 0 || piece == grid.intervals + 1;
        top = std::min(tail ? 1 : K, K) - nu;
        const T *rows = grid.table + int64_t(piece) * (K + 1) * (K + 1);
        T scale = 1;
        for (int r = 0; r < nu; ++r) scale /= grid.width[piece];
        for (int r = 0; r <= K; ++r) {
            T factor = r <= top ? scale : T(0);
            for (int q = 0; q < nu; ++q) factor *= T(r + nu - q);
            for (int m = 0; m <= K; ++m) c[m][r] = r <= top ? factor * rows[m * (K + 1) + r + nu] : T(0);
        }
        if (top < 0) top = -1;
    }

    T at(T u, int m) const {
        // The tails have no high powers, and u is free there: zero times infinity must not come in.
        const int high = tail ? std::min(K, 1) : K;
        T sum = c[m][high];
        for (int r = high - 1; r >= 0; --r) sum = Simd<T>::fma1(sum, u, c[m][r]);
        return tail ? sum + (u > 1 ? T(1) : u < 0 ? T(0) : u) * 0 : sum; // a constant is NaN where x is, too
    }

    // Vectors run over the end, where `exact` does not forbid it; what they spoil there must be written later or never read.
    void fill(const T *u, int from, int to, T *EW_RESTRICT values, int64_t ld, bool exact) const {
        using S = Simd<T>;
        using V = typename S::V;
        if (exact) {
            for (int s = from; s < to; ++s)
                for (int m = 0; m <= K; ++m) values[m * ld + s] = at(u[s], m);
            return;
        }
        const int high = tail ? std::min(K, 1) : K;
        for (int s = from; s < to; s += S::N) {
            const V U = S::load(u + s);
            V held = U > T(1) ? S::all(1) : U; // as in `at`
            held = held < T(0) ? V{} : held;
            for (int m = 0; m <= K; ++m) {
                auto sum = S::all(c[m][high]);
                for (int r = high - 1; r >= 0; --r) sum = S::fma(sum, U, S::all(c[m][r]));
                S::store(values + m * ld + s, tail ? sum + held * T(0) : sum);
            }
        }
    }
};

// silu or its derivative of order nu at n values.
template <class T> void base_values(const T *x, int n, int nu, T *EW_RESTRICT out) {
    using S = Simd<T>;
    for (int s = 0; s < n; s += S::N) {
        const auto X = S::load(x + s);
        const auto e = exponential<T>(-X), g = T(1) / (T(1) + e);
        const auto g1 = g * (T(1) - g);
        auto r = X * g;
        if (nu == 1) r = X * g1 + g;
        if (nu == 2) r = X * g1 * (T(1) - 2 * g) + 2 * g1;
        if (nu == 3) r = X * g1 * (T(1) - 6 * g1) + 3 * (g1 * (T(1) - 2 * g));
        if (nu == 4) r = X * (g1 * (T(1) - 2 * g)) * (T(1) - 12 * g1) + 4 * (g1 * (T(1) - 6 * g1));
        S::store(out + s, r);
    }
}

// Which orders of derivative to make, and whether rows are weighted.
struct Wanted {
    int sets, order[2];
    bool weighted[2];
    bool uniform, base;
    bool sorted; // gather rows by interval; else all are single, in their order
};

// Streams of rows that count apart, so that a row does not wait for the one before it.
constexpr int STREAMS = 4;

template <class T> struct Workspace {
    Places<T> places;
    uint16_t next[SORTED][STREAMS]; // counts, then where the next row of a piece goes
    uint16_t begin[SORTED + 1];     // first position of each piece
    alignas(64) T u[STRIDE];
    alignas(64) T xs[STRIDE];
    uint16_t rows[STRIDE];
};

// Two groups of `size` rows in one store.
EW_INLINE void put_groups(int row, int start, int size, Group *to) {
    const Group two[2] = {{uint16_t(row), uint16_t(start)}, {uint16_t(row), uint16_t(start + size)}};
    std::memcpy(to, two, sizeof two);
}

// Sorts n rows by piece (stable within a stream): fills the groups of `head`, and `w.u` with their local coordinates.
template <class T> void gather(Workspace<T> &w, int n, int G, bool sorted, Head &head) {
    const int32_t *EW_RESTRICT piece = w.places.piece;
    const T *EW_RESTRICT from = w.places.u;
    T *EW_RESTRICT to = w.u;
    if (!sorted) {
        head.eights = head.pairs = 0;
        head.singles = n;
        for (int s = 0; s < n; ++s) {
            head.order[s] = uint16_t(s);
            head.single[s] = {uint16_t(std::min(std::max(piece[s], 1), G) - 1), uint16_t(s)};
            to[s] = from[s];
        }
        return;
    }
    auto &next = w.next;
    const int quarter = n / STREAMS;
    std::memset(next, 0, sizeof(next[0]) * size_t(G + 2));
    for (int s = 0; s < quarter; ++s)
        for (int k = 0; k < STREAMS; ++k) ++next[piece[k * quarter + s]][k];
    for (int s = STREAMS * quarter; s < n; ++s) ++next[piece[s]][STREAMS - 1];
    int eights = 0, pairs = 0, singles = 0, at = 0;
    constexpr uint64_t ones = 0x0001000100010001;
    for (int p = 0; p < G + 2; ++p) {
        const int begin = at, first = std::min(std::max(p, 1), G) - 1;
        // Counts of the streams to first positions, four at once: a product with ones sums the lanes below.
        const uint64_t counts = next[p][0] | uint64_t(next[p][1]) << 16 | uint64_t(next[p][2]) << 32 | uint64_t(next[p][3]) << 48;
        const uint64_t sums = counts * ones, from_here = (sums << 16) + ones * uint64_t(at);
        for (int k = 0; k < STREAMS; ++k) next[p][k] = uint16_t(from_here >> (16 * k));
        at += int(sums >> 48);
        w.begin[p] = uint16_t(begin);
        // Written beyond their number and then over: a loop over so few would be mispredicted.
        const int count = at - begin, rest = begin + (count & ~7);
        put_groups(first, begin, 8, head.eight + eights);
        for (int q = 2; q < count >> 3; ++q) head.eight[eights + q] = {uint16_t(first), uint16_t(begin + 8 * q)};
        put_groups(first, rest, 2, head.pair + pairs);
        head.pair[pairs + 2] = {uint16_t(first), uint16_t(rest + 4)};
        head.single[singles] = {uint16_t(first), uint16_t(at - 1)};
        eights += count >> 3;
        pairs += (count & 7) >> 1;
        singles += count & 1;
    }
    w.begin[G + 2] = uint16_t(n);
    head.eights = eights, head.pairs = pairs, head.singles = singles;
    const auto place = [&](int s, int k) {
        const int p = next[piece[s]][k]++;
        head.order[p] = uint16_t(s);
        to[p] = from[s];
    };
    for (int s = 0; s < quarter; ++s)
        for (int k = 0; k < STREAMS; ++k) place(k * quarter + s, k);
    for (int s = STREAMS * quarter; s < n; ++s) place(s, STREAMS - 1);
}

// Values of sorted rows, from piece to piece; begin[p] is the first position of piece p. Equal intervals share one table.
template <class T, int K>
void fill_pieces(const Grid<T> &grid, bool uniform, int nu, const T *u, const uint16_t *begin, T *values, int64_t ld) {
    const int G = grid.intervals;
    for (int p = 0; p < G + 2;) {
        const int next = uniform && p == 1 ? G + 1 : p + 1;
        if (begin[p] < begin[next]) Piece<T, K>(grid, p, nu).fill(u, begin[p], begin[next], values, ld, false);
        p = next;
    }
}

template <class T, int K>
void polynomials(const Workspace<T> &w, const Grid<T> &grid, bool uniform, bool sorted, int nu, int n, T *values) {
    const int G = grid.intervals;
    if (sorted) return fill_pieces<T, K>(grid, uniform, nu, w.u, w.begin, values, STRIDE);
    if (uniform) Piece<T, K>(grid, 1, nu).fill(w.u, 0, n, values, STRIDE, false);
    for (int s = 0; s < n; ++s) {
        const int p = w.places.piece[s];
        if (!uniform || p == 0 || p == G + 1) Piece<T, K>(grid, p, nu).fill(w.u, s, s + 1, values, STRIDE, true);
    }
}

// x, v: the input's column on the block, contiguous. Values at each order wanted: live functions first, then base where asked.
template <class T, int K>
void prepare(Workspace<T> &w, const Grid<T> &grid, const Wanted &wanted, const T *x, const T *v, int n, Prepared<T> &out) {
    Head &head = out.head;
    const bool base = wanted.base;
    const int arrays = K + 1 + int(base);
    locate(grid, wanted.uniform, x, n, w.places);
    gather(w, n, grid.intervals, wanted.sorted, head);
    if (base)
        for (int s = 0; s < n; ++s) w.xs[s] = x[head.order[s]];
    for (int k = 0; k < wanted.sets; ++k) {
        T *values = out.values(k * arrays);
        const int nu = wanted.order[k];
        polynomials<T, K>(w, grid, wanted.uniform, wanted.sorted, nu, n, values);
        if (base) base_values(w.xs, n, nu, values + (K + 1) * STRIDE);
        if (v && wanted.weighted[k]) {
            for (int m = 0; m < arrays; ++m)
                for (int s = 0; s < n; ++s) values[m * STRIDE + s] *= v[head.order[s]];
        }
    }
}

} // namespace ew::EW_ISA
