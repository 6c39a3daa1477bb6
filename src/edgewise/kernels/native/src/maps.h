// The three maps over whole tensors: blocking for the caches, packing, threads.
//
// Forward: a task owns some rows and tiles of outputs. Backward: a task owns some inputs and runs over all rows, so that its
// share of the gradients is its own. Neither depends on the number of threads, nor do results.
#pragma once
#include "blocking.h"
#include "run_maps.h"

namespace ew::EW_ISA {

constexpr int64_t PREPARED_BYTES = 192 << 10; // what a task keeps prepared, and packed: together about the second cache
constexpr int64_t PACKED_BYTES = 256 << 10;
constexpr int64_t GRAD_BYTES = 8 << 20;       // gradients (and coefficients) of a task's inputs, over all tiles
constexpr int64_t LARGE_BYTES = 4 << 20;

constexpr int MOST_FOUND = 1 << 14;           // intervals that the tables of layers with one output are made for

template <class T> struct Maps : TileRows<T> {
    using TileRows<T>::N, TileRows<T>::TILE, TileRows<T>::row, TileRows<T>::put;

    const ew_spline &s;
    const Kernels<T> &inner;
    const bool base;
    const int NR;
    const int64_t E, B, I, O, M, R, tiles; // R: rows of a tile, M functions and the base
    const int block;

    Maps(const ew_spline &spline, const Kernels<T> &kernels, bool has_base)
        : TileRows<T>{kernels.tile}, s(spline), inner(kernels), base(has_base), NR(s.degree + 1 + base), E(s.nets), B(s.rows),
          I(s.inputs), O(s.outputs), M(s.intervals + s.degree), R(M + base), tiles(std::max<int64_t>(1, ceil_div(O, TILE))),
          block(block_rows(s.intervals)) {}

    // Coefficients of inputs [first, first + count) for tiles [tile0, tile1): out[tile][input][R][TILE], padded with zeros.
    // Rows are read along their length, as they lie in memory.
    void pack(int64_t e, int64_t tile0, int64_t tile1, int64_t first, int64_t count, T *EW_RESTRICT out) const {
        for (int64_t j = 0; j < count; ++j) {
            const int64_t i = first + j;
            const T *c = static_cast<const T *>(s.coef) + e * s.coef_net + i * M * O;
            for (int64_t m = 0; m < R; ++m, c += O) {
                if (m == M) c = static_cast<const T *>(s.base) + e * s.base_net + i * O;
                T *to = out + (j * R + m) * TILE;
                for (int64_t tile = tile0; tile < tile1; ++tile, to += count * R * TILE) {
                    const T *from = c + tile * TILE;
                    __builtin_prefetch(from + 4 * O);
                    row(from, std::min<int64_t>(TILE, O - tile * TILE), to);
                }
            }
        }
    }

    void prepare(Workspace<T> &space, int64_t e, int64_t first_row, int n, int64_t first, int64_t count, const Wanted &wanted,
                 T *xt, char *prepared, int64_t size) const {
        columns<T>(s.x, e * s.x_net + first_row * s.x_row + first * s.x_col, s.x_row, s.x_col, n, int(count), xt);
        T *vt = s.v ? xt + count * STRIDE : nullptr;
        if (vt) columns<T>(s.v, e * s.v_net + first_row * s.v_row + first * s.v_col, s.v_row, s.v_col, n, int(count), vt);
        for (int64_t i = 0; i < count; ++i) {
            inner.prepare(space, Grid<T>(s, e, first + i), wanted, xt + i * STRIDE, vt ? vt + i * STRIDE : nullptr, n,
                          *reinterpret_cast<Prepared<T> *>(prepared + i * size));
        }
    }

    void forward() {
        if (O == 1 && !s.v && B > s.intervals && s.intervals <= MOST_FOUND) return forward_single(Dominant<T>(s, true).value);
        if (by_runs(s)) return RunMaps<T>(s, inner, base).forward();
        const bool large = R * I * O * int64_t(sizeof(T)) > LARGE_BYTES; // coefficients are fetched anew for every span
        int64_t span = large ? std::max(block, 1024) : block, share = tiles;
        while (span > 256 && E * ceil_div(B, span) < s.threads) span /= 2;
        if (E * ceil_div(B, span) < s.threads) {
            if (O >= 256)
                share = ceil_div(tiles, ceil_div(s.threads, E * ceil_div(B, span)));
            else
                span = std::max<int64_t>(64, ceil_div(ceil_div(B * E, s.threads), 8) * 8);
        }
        const int64_t parts = ceil_div(B, span), cuts = ceil_div(tiles, share);
        run_tasks(E * parts * cuts, s.threads, [&](int64_t task) {
            const int64_t e = task / (parts * cuts), part = task / cuts % parts, cut = task % cuts;
            forward_task(e, part * span, std::min(B, (part + 1) * span), cut * share, std::min(tiles, (cut + 1) * share));
        });
    }

    // One output: tables of all pieces once, then rows as they come.
    void forward_single(const std::vector<T> &dominant) {
        const int64_t grids = s.grid_net ? E * I : I, parts = ceil_div(B, BLOCK);
        const int64_t numbers = inner.numbers(s.intervals), each_grid = numbers + Finder<T>::numbers(s.intervals);
        T *tables = room<T>(5, grids * each_grid);
        std::vector<Finder<T>> finders(size_t(s.uniform ? 0 : grids));
        run_tasks(grids, s.threads, [&](int64_t k) {
            const Grid<T> grid(s, k / I, k % I);
            inner.tabulate(grid, s.uniform != 0, s.order, tables + k * each_grid);
            if (!s.uniform) finders[size_t(k)] = Finder<T>(grid, tables + k * each_grid + numbers);
        });
        run_tasks(E * parts, s.threads, [&](int64_t task) {
            const int64_t e = task / parts, from = task % parts * BLOCK, first = s.grid_net ? e * I : 0;
            single_task(dominant, e, from, int(std::min<int64_t>(BLOCK, B - from)), tables + first * each_grid, each_grid,
                        s.uniform ? nullptr : finders.data() + first);
        });
    }

    void single_task(const std::vector<T> &dominant, int64_t e, int64_t from, int n, const T *table, int64_t each_grid,
                     const Finder<T> *finder) const {
        T *xt = room<T>(3, I * STRIDE), *out = static_cast<T *>(s.y) + e * B + from, common = 0;
        columns<T>(s.x, e * s.x_net + from * s.x_row, s.x_row, s.x_col, n, int(I), xt);
        Workspace<T> w;
        std::memset(out, 0, sizeof(T) * size_t(n));
        for (int64_t i = 0; i < I; ++i, table += each_grid) {
            const Grid<T> grid(s, e, i);
            const T *coef = static_cast<const T *>(s.coef) + e * s.coef_net + i * M, *x = xt + i * STRIDE;
            const T weight = base ? static_cast<const T *>(s.base)[e * s.base_net + i] : T(0);
            const T value = dominant[size_t(e * I + i)];
            const bool apart = value == value;
            int left = n;
            T off = 0;
            if (apart) {
                alignas(64) T one[N], at[N], live[8];
                for (auto &l : one) l = value;
                locate(grid, s.uniform != 0, one, 1, w.places);
                inner.live(grid, w.places, s.order, live);
                T sum = 0;
                const T *first = coef + grid.first(w.places.piece[0]);
                for (int m = 0; m <= s.degree; ++m) sum = Simd<T>::fma1(live[m], first[m], sum);
                if (base) {
                    base_values(one, 1, s.order, at);
                    sum = Simd<T>::fma1(at[0], weight, sum);
                }
                off = -sum;
                common += sum;
                left = deviating(x, n, value, w.xs, w.rows);
                x = w.xs;
            }
            if (finder)
                finder[i].locate(grid, x, left, w.places);
            else
                locate(grid, true, x, left, w.places);
            if (base) base_values(x, left, s.order, w.u);
            inner.add(w.places, table, coef, s.intervals, left, apart ? w.rows : nullptr, base ? w.u : nullptr, weight,
                      apart ? &off : nullptr, out);
        }
        for (int b = 0; b < n; ++b) out[b] += common;
    }

    // Sorting costs by the row and by the interval, and pays in every kernel that runs over the rows.
    bool sorts(int64_t kernels) const {
        const int64_t n = std::min<int64_t>(B, block), pieces = s.intervals + 2;
        return pieces <= SORTED && n * kernels > 3 * pieces;
    }

    // Tiles that are packed at once: as many as leave room for eight inputs (sums are fetched anew for every group of inputs), and
    // not fewer than fill the lines around.
    int64_t packed_tiles() const { return std::max<int64_t>(4, PACKED_BYTES / 8 / int64_t(R * TILE * sizeof(T))); }

    void forward_task(int64_t e, int64_t from, int64_t to, int64_t tile0, int64_t tile1) const {
        const int64_t blocks = ceil_div(to - from, block), size = Prepared<T>::bytes(NR);
        const int64_t touched = size * block / BLOCK * blocks; // the rest of each array stays out of the caches
        const int64_t together = std::min(packed_tiles(), tile1 - tile0);
        const int64_t most = std::max<int64_t>(
            1, std::min(PREPARED_BYTES / touched, PACKED_BYTES / int64_t(together * R * TILE * sizeof(T))));
        const int64_t line = 64 / int64_t(sizeof(T)), inputs = std::min(I, most > line ? most / line * line : most);
        T *sums = room<T>(0, (tile1 - tile0) * blocks * block * TILE);
        char *prepared = room<char>(1, inputs * blocks * size);
        T *packed = room<T>(2, together * inputs * R * TILE), *xt = room<T>(3, 2 * inputs * STRIDE);
        std::memset(sums, 0, sizeof(T) * size_t((tile1 - tile0) * blocks * block * TILE));
        Workspace<T> space;
        const Wanted wanted{1, {s.order, 0}, {true, false}, s.uniform != 0, base, sorts(tiles)};
        for (int64_t i = 0; i < I; i += inputs) {
            const int64_t count = std::min(inputs, I - i);
            for (int64_t k = 0; k < blocks; ++k) {
                const int64_t row = from + k * block;
                prepare(space, e, row, int(std::min<int64_t>(block, to - row)), i, count, wanted, xt, prepared + k * inputs * size, size);
            }
            for (int64_t tile = tile0; tile < tile1; ++tile) {
                const int64_t within = (tile - tile0) % together;
                if (within == 0) pack(e, tile, std::min(tile + together, tile1), i, count, packed);
                T *rows = packed + within * count * R * TILE;
                for (int64_t k = 0; k < blocks; ++k) {
                    T *at = sums + ((tile - tile0) * blocks + k) * block * TILE;
                    for (int64_t j = 0; j < count; ++j) {
                        const auto &p = *reinterpret_cast<const Prepared<T> *>(prepared + (k * inputs + j) * size);
                        T *own = rows + j * R * TILE;
                        inner.forward(own, TILE, own + M * TILE, p.head, p.values(0), at);
                    }
                }
            }
        }
        for (int64_t tile = tile0; tile < tile1; ++tile) {
            const int64_t n = std::min<int64_t>(TILE, O - tile * TILE);
            T *at = sums + (tile - tile0) * blocks * block * TILE;
            T *out = static_cast<T *>(s.y) + (e * B + from) * O + tile * TILE;
            for (int64_t b = from; b < to; ++b, at += TILE, out += O) put(at, n, out);
        }
    }

    // dcoef (dbase) where `coef`, dx where `input`: at order `nu` of the basis, rows weighted by v where `weighted`.
    void backward(bool coef, bool input, int nu_coef, int nu_input, bool weighted) {
        if (coef ? by_runs(s) : s.intervals + 2 <= SORTED) return RunMaps<T>(s, inner, base, true, input).backward(coef, input, nu_input);
        // Gradients of a task's inputs: over all tiles where they collect from block to block, else over a few at a time.
        const bool one_block = B <= block;
        const int64_t together = one_block ? std::min(packed_tiles(), tiles) : tiles;
        const int64_t per_input = together * R * TILE * int64_t(sizeof(T)) * (int(coef) + int(input));
        int64_t inputs = std::min<int64_t>(64 / int64_t(sizeof(T)), std::max<int64_t>(1, (one_block ? PACKED_BYTES : GRAD_BYTES) / per_input));
        inputs = std::max<int64_t>(1, std::min(inputs, ceil_div(I * E, s.threads)));
        const int64_t parts = ceil_div(I, inputs);
        const int64_t chunk = std::min(CHUNK, ceil_div(B, block) * block);
        T *packed = room<T>(5, E * tiles * chunk * TILE);
        for (int64_t from = 0; from < B; from += chunk) {
            const int64_t to = std::min(B, from + chunk), blocks = ceil_div(to - from, block);
            run_tasks(E * blocks, s.threads, [&](int64_t task) { pack_gradient(task / blocks, from, to, task % blocks, chunk, packed); });
            run_tasks(E * parts, s.threads, [&](int64_t task) {
                const int64_t e = task / parts, first = task % parts * inputs;
                backward_task(e, from, to, first, std::min(inputs, I - first), packed + e * tiles * chunk * TILE, chunk, together, coef,
                              input, nu_coef, nu_input, weighted);
            });
        }
        if (input && O == 0) std::memset(s.dx, 0, sizeof(T) * size_t(E * B * I));
        if (coef && B == 0) {
            std::memset(s.dcoef, 0, sizeof(T) * size_t(E * I * M * O));
            if (base && s.dbase) std::memset(s.dbase, 0, sizeof(T) * size_t(E * I * O));
        }
    }

    void pack_gradient(int64_t e, int64_t from, int64_t to, int64_t at_block, int64_t chunk, T *packed) const {
        const int64_t first = from + at_block * block, last = std::min(to, first + block);
        for (int64_t tile = 0; tile < tiles; ++tile) {
            const int64_t n = std::min<int64_t>(TILE, O - tile * TILE);
            T *at = packed + ((e * tiles + tile) * chunk + at_block * block) * TILE;
            for (int64_t b = first; b < last; ++b, at += TILE)
                row(static_cast<const T *>(s.g) + e * s.g_net + b * s.g_row + tile * TILE, n, at);
        }
    }

    void backward_task(int64_t e, int64_t from, int64_t to, int64_t first, int64_t count, const T *g, int64_t chunk,
                       int64_t together, bool coef, bool input, int nu_coef, int nu_input, bool weighted) const {
        const int sets = int(coef) + int(input);
        const int64_t size = Prepared<T>::bytes(NR * sets), tile_size = count * R * TILE;
        char *prepared = room<char>(1, count * size);
        T *xt = room<T>(3, 2 * count * STRIDE);
        T *packed = input ? room<T>(2, together * tile_size) : nullptr;
        T *lanes = input ? room<T>(4, count * STRIDE * N) : nullptr;
        T *grads = coef ? room<T>(6, together * tile_size) : nullptr;
        const bool sorted = sorts(tiles * (coef ? 2 : 1) * (input ? 2 : 1));
        const Wanted wanted{sets,       {coef ? nu_coef : nu_input, nu_input}, {coef || weighted, weighted}, s.uniform != 0, base, sorted};
        Workspace<T> space;
        for (int64_t tile0 = 0; tile0 < tiles; tile0 += together) {
            const int64_t tile1 = std::min(tiles, tile0 + together);
            if (input) pack(e, tile0, tile1, first, count, packed);
            if (coef) std::memset(grads, 0, sizeof(T) * size_t((tile1 - tile0) * tile_size));
            for (int64_t b = from; b < to; b += block) {
                const int n = int(std::min<int64_t>(block, to - b));
                if (tile0 == 0) prepare(space, e, b, n, first, count, wanted, xt, prepared, size);
                for (int64_t tile = tile0; tile < tile1; ++tile) {
                    const T *at = g + (tile * chunk + (b - from)) * TILE;
                    for (int64_t j = 0; j < count; ++j) {
                        const auto &p = *reinterpret_cast<const Prepared<T> *>(prepared + j * size);
                        T *own = coef ? grads + (tile - tile0) * tile_size + j * R * TILE : nullptr;
                        if (coef) inner.grad_coef(own, own + M * TILE, p.head, p.values(0), at);
                        if (!input) continue;
                        const T *rows = packed + (tile - tile0) * tile_size + j * R * TILE;
                        inner.grad_input[tile > 0](rows, TILE, rows + M * TILE, p.head, p.values(coef ? NR : 0), at,
                                                   lanes + j * STRIDE * N);
                    }
                }
                if (input && tile1 == tiles) put_inputs(e, b, n, first, count, prepared, size, lanes, xt);
            }
            if (coef) unpack(e, first, count, tile0, tile1, grads, from > 0);
        }
    }

    // Sums over the lanes, put in order in `rows` first: each line of dx is written once.
    void put_inputs(int64_t e, int64_t from, int n, int64_t first, int64_t count, const char *prepared, int64_t size, const T *lanes,
                    T *EW_RESTRICT rows) const {
        for (int64_t j = 0; j < count; ++j) {
            const uint16_t *order = reinterpret_cast<const Prepared<T> *>(prepared + j * size)->head.order;
            const T *lane = lanes + j * STRIDE * N;
            for (int q = 0; q < n; q += N) {
                T sums[N];
                lane_sums(lane + q * N, sums); // the last ones may be of nothing
                for (int k = 0; k < std::min(N, n - q); ++k) rows[order[q + k] * count + j] = sums[k];
            }
        }
        T *out = static_cast<T *>(s.dx) + (e * B + from) * I + first;
        for (int b = 0; b < n; ++b) {
            __builtin_prefetch(out + std::min(b + AHEAD, n - 1) * I, 1);
            for (int64_t j = 0; j < count; ++j) out[b * I + j] = rows[b * count + j];
        }
    }

    void unpack(int64_t e, int64_t first, int64_t count, int64_t tile0, int64_t tile1, const T *grads, bool add) const {
        const bool past = !add && O % TILE == 0 && reinterpret_cast<uintptr_t>(s.dcoef) % 64 == 0 &&
                          E * I * M * O * int64_t(sizeof(T)) > STREAM_BYTES;
        for (int64_t j = 0; j < count; ++j) {
            T *d = static_cast<T *>(s.dcoef) + (e * I + first + j) * M * O;
            for (int64_t m = 0; m < R; ++m, d += O) {
                if (m == M) {
                    if (!s.dbase) break;
                    d = static_cast<T *>(s.dbase) + (e * I + first + j) * O;
                }
                for (int64_t tile = tile0; tile < tile1; ++tile) {
                    const T *from = grads + (((tile - tile0) * count + j) * R + m) * TILE;
                    const int64_t n = std::min<int64_t>(TILE, O - tile * TILE);
                    T *to = d + tile * TILE;
                    if (add)
                        for (int64_t k = 0; k < n; ++k) to[k] += from[k];
                    else if (past && m < M)
                        for (int w = 0; w < TILE; w += N) Simd<T>::stream(to + w, Simd<T>::load(from + w));
                    else
                        put(from, n, to);
                }
            }
        }
#if defined(__AVX2__)
        if (past) _mm_sfence();
#endif
    }
};

} // namespace ew::EW_ISA
