// A function of its own for every channel, number by number. The polynomial of a number's piece is chosen by comparing it with
// every break: for the few breaks of a grid that is faster than looking it up, and any vectors can do it.
//
// Vectors that hold the same channels in the same lanes make a lane table: a channel's plane has one, with the same function in
// all lanes. Where channels are next to each other, each row is cut into vectors, the last of them not full; of fewer channels
// than lanes, vectors go on over rows, and their order repeats after a while.
#pragma once
#include "edgewise.h"
#include "threads.h"
#include "vec.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <vector>

namespace ew::EW_ISA {

// Vectors whose places on the grid are kept while the sums of all pieces are taken, planes of one share of the work, and
// numbers of one where channels are next to each other.
constexpr int64_t POINTWISE_BLOCK = 64, POINTWISE_PLANES = 64, POINTWISE_SHARE = 1 << 16;

template <class T, int D> class Pointwise {
    using S = Simd<T>;
    using V = typename S::V;
    static constexpr int64_t N = S::N;
    static constexpr int TOGETHER = 4; // vectors whose pieces are chosen at once

    struct Piece {
        V coef[D + 1], origin, number;
    };
    struct Sums {
        V of[D + 1];
    };
    struct Block {
        V t[POINTWISE_BLOCK], g[POINTWISE_BLOCK], piece[POINTWISE_BLOCK];
        int64_t count = 0;
    };
    using Table = std::vector<Piece>;

    const ew_pointwise &s;
    const int64_t pieces;
    const bool mixed;               // channels are next to each other
    const bool by_rows;             // and fill vectors of their own in every row
    const int64_t period;           // vectors after which their order repeats
    const int64_t step;             // numbers after which it does
    const int64_t share, shares;    // rows of a share of the work

  public:
    explicit Pointwise(const ew_pointwise &call)
        : s(call), pieces(call.intervals + 2), mixed(call.places == 1), by_rows(mixed && call.channels >= N),
          period(by_rows ? (call.channels + N - 1) / N
                         : mixed ? std::max<int64_t>(1, call.channels / std::gcd(call.channels, N)) : 1),
          step(by_rows ? call.channels : period * N),
          share(mixed ? whole_periods() : POINTWISE_PLANES), shares((call.rows + share - 1) / share) {}

    void forward() const {
        T *y = static_cast<T *>(s.y);
        each_share([&](int64_t, const Table *tables, int64_t from, int64_t count) {
            const T *x = static_cast<const T *>(s.x);
            lines(tables, from, count, [&](auto many, const Table &own, int64_t, const int64_t *at, int64_t n) {
                constexpr int U = decltype(many)::value;
                V in[U], out[U];
                for (int u = 0; u < U; ++u) in[u] = get(x + at[u], n);
                values<U>(own.data(), in, out);
                for (int u = 0; u < U; ++u) put(y + at[u], n, out[u]);
            }, [](const Table &, int64_t) {});
        });
    }

    // Shares of the rows are summed by themselves and then in their order: threads change no bit.
    void backward() const {
        const int64_t lanes = mixed ? 1 : s.channels, each = period * pieces;
        std::vector<Sums> sums(size_t(shares * lanes * each), Sums{});
        const T *x = static_cast<const T *>(s.x), *g = static_cast<const T *>(s.g);
        T *dx = static_cast<T *>(s.dx);
        each_share([&](int64_t task, const Table *tables, int64_t from, int64_t count) {
            Sums *own = sums.data() + task * each;
            Block block;
            lines(tables, from, count, [&](auto many, const Table &table, int64_t line, const int64_t *at, int64_t n) {
                constexpr int U = decltype(many)::value;
                V in[U], by[U], out[U];
                for (int u = 0; u < U; ++u) in[u] = get(x + at[u], n), by[u] = get(g + at[u], n);
                slopes<U>(table.data(), in, by, out, block);
                for (int u = 0; u < U; ++u) put(dx + at[u], n, out[u]);
                if (block.count > POINTWISE_BLOCK - TOGETHER) flush(table, block, own + line * pieces);
            }, [&](const Table &table, int64_t line) { flush(table, block, own + line * pieces); });
        });
        std::vector<double> total(size_t(s.channels * pieces * (D + 1)), 0.0);
        for (int64_t task = 0; task < shares * lanes; ++task)
            for (int64_t line = 0; line < period; ++line)
                for (int64_t p = 0; p < pieces; ++p)
                    for (int k = 0; k <= D; ++k) {
                        T lane[N];
                        S::store(lane, sums[size_t(task * each + line * pieces + p)].of[k]);
                        const int64_t lanes_used = by_rows ? std::min(N, s.channels - line * N) : N;
                        for (int64_t l = 0; l < lanes_used; ++l) {
                            const int64_t c = mixed ? (line * N + l) % s.channels : task % s.channels;
                            total[size_t((c * pieces + p) * (D + 1) + k)] += double(lane[l]);
                        }
                    }
        for (size_t i = 0; i < total.size(); ++i) static_cast<T *>(s.dpoly)[i] = T(total[i]);
    }

  private:
    int64_t whole_periods() const {
        const int64_t rows = step / std::max<int64_t>(1, s.channels); // of a period
        return rows * std::max<int64_t>(1, POINTWISE_SHARE / step);
    }

    // f(task, lane tables, first number, numbers), or f(task, lane table, task, 0) where channels lie in planes.
    template <class F> void each_share(const F &f) const {
        if (!s.channels) return;
        if (mixed) {
            std::vector<Table> tables(static_cast<size_t>(period));
            for (int64_t v = 0; v < period; ++v) tables[size_t(v)] = table_of(v * N);
            parallel(shares, s.threads, [&](int64_t task) {
                const int64_t from = task * share * s.channels, to = std::min((task + 1) * share, s.rows) * s.channels;
                f(task, tables.data(), from, to - from);
            });
            return;
        }
        parallel(shares * s.channels, s.threads, [&](int64_t task) {
            const Table table = table_of(task % s.channels);
            f(task, &table, task, 0);
        });
    }

    // g(how many, table, line, places, numbers) for the vectors of a share, some at once, and end(table, line) between lines.
    template <class G, class E>
    void lines(const Table *tables, int64_t from, int64_t count, const G &g, const E &end) const {
        const auto run = [&](const Table &table, int64_t line, int64_t at, int64_t to, int64_t by, int64_t full) {
            int64_t places[TOGETHER];
            for (; at + (TOGETHER - 1) * by + full <= to; at += TOGETHER * by) {
                for (int u = 0; u < TOGETHER; ++u) places[u] = at + u * by;
                g(std::integral_constant<int, TOGETHER>{}, table, line, places, full);
            }
            for (; at < to; at += by) g(std::integral_constant<int, 1>{}, table, line, &at, std::min(full, to - at));
        };
        if (mixed) {
            const int64_t tile = step * POINTWISE_BLOCK; // stays in the caches from line to line
            for (int64_t begin = 0; begin < count; begin += tile) {
                for (int64_t line = 0; line < period; ++line) {
                    const int64_t full = by_rows ? std::min(N, s.channels - line * N) : N;
                    run(tables[line], line, from + begin + line * N, from + std::min(begin + tile, count), step, full);
                    end(tables[line], line);
                }
            }
            return;
        }
        const int64_t c = from % s.channels, first = from / s.channels * share;
        for (int64_t r = first; r < std::min(first + share, s.rows); ++r) {
            const int64_t at = (r * s.channels + c) * s.places;
            run(*tables, 0, at, at + s.places, N, N);
        }
        end(*tables, 0);
    }

    // Of lanes with the channels from `first` on, one after the other, or all with the same where they lie in planes.
    Table table_of(int64_t first) const {
        Table every(static_cast<size_t>(pieces));
        const T *poly = static_cast<const T *>(s.poly), *origin = static_cast<const T *>(s.origin);
        for (int64_t p = 0; p < pieces; ++p) {
            Piece &own = every[size_t(p)];
            for (int k = 0; k <= D; ++k) {
                T lane[N];
                for (int64_t l = 0; l < N; ++l)
                    lane[l] = poly[((mixed ? (first + l) % s.channels : first) * pieces + p) * (D + 1) + k];
                own.coef[k] = S::load(lane);
            }
            own.origin = S::all(origin[p]);
            own.number = S::all(T(p));
        }
        return every;
    }

    static EW_INLINE V get(const T *p, int64_t n) {
        if (n == N) return S::load(p);
        T t[N] = {};
        std::memcpy(t, p, size_t(n) * sizeof(T));
        return S::load(t);
    }
    static EW_INLINE void put(T *p, int64_t n, V v) {
        if (n == N) return S::store(p, v);
        T t[N];
        S::store(t, v);
        std::memcpy(p, t, size_t(n) * sizeof(T));
    }

    // The pieces of U vectors at once: f(u, whether x[u] lies beyond the break, piece behind it). The last break belongs to the
    // last interval, every other to what is right of it; what is no number stays left.
    template <int U, class F> EW_INLINE void walk(const V *x, const F &f) const {
        const T *breaks = static_cast<const T *>(s.breaks);
        const int64_t last = pieces - 2;
        for (int64_t j = 0; j < last; ++j) {
            const V at = S::all(breaks[j]);
            for (int u = 0; u < U; ++u) f(u, x[u] >= at, j + 1);
        }
        const V at = S::all(breaks[last]);
        for (int u = 0; u < U; ++u) f(u, x[u] > at, last + 1);
    }

    template <int U> EW_INLINE void values(const Piece *EW_RESTRICT every, const V *x, V *y) const {
        Piece own[U];
        for (int u = 0; u < U; ++u) own[u] = every[0];
        walk<U>(x, [&](int u, auto beyond, int64_t p) {
            own[u].origin = beyond ? every[p].origin : own[u].origin;
            for (int k = 0; k <= D; ++k) own[u].coef[k] = beyond ? every[p].coef[k] : own[u].coef[k];
        });
        for (int u = 0; u < U; ++u) {
            const V t = x[u] - own[u].origin;
            V sum = own[u].coef[D];
            for (int k = D - 1; k >= 0; --k) sum = S::fma(sum, t, own[u].coef[k]);
            y[u] = sum;
        }
    }

    template <int U> EW_INLINE void slopes(const Piece *EW_RESTRICT every, const V *x, const V *g, V *dx, Block &block) const {
        Piece own[U];
        for (int u = 0; u < U; ++u) own[u] = every[0];
        walk<U>(x, [&](int u, auto beyond, int64_t p) {
            own[u].origin = beyond ? every[p].origin : own[u].origin;
            own[u].number = beyond ? every[p].number : own[u].number;
            for (int k = 1; k <= D; ++k) own[u].coef[k] = beyond ? every[p].coef[k] : own[u].coef[k];
        });
        for (int u = 0; u < U; ++u) {
            const V t = x[u] - own[u].origin;
            block.t[block.count] = t;
            block.g[block.count] = g[u];
            block.piece[block.count++] = own[u].number;
            V sum = V{};
            for (int k = D; k >= 1; --k) sum = S::fma(sum, t, own[u].coef[k] * T(k));
            dx[u] = sum * g[u];
        }
    }

    void flush(const Table &every, Block &block, Sums *sums) const {
        for (int64_t p = 0; p < pieces; ++p) {
            V total[D + 1] = {};
            const V number = every[size_t(p)].number;
            for (int64_t i = 0; i < block.count; ++i) {
                V part = block.piece[i] == number ? block.g[i] : V{};
                total[0] += part;
                for (int k = 1; k <= D; ++k) total[k] += part = part * block.t[i];
            }
            for (int k = 0; k <= D; ++k) sums[p].of[k] += total[k];
        }
        block.count = 0;
    }
};

} // namespace ew::EW_ISA
