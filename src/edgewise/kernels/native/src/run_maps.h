// The maps by runs: blocking, tasks, threads. Coefficients and their gradients are used where they lie in memory.
#pragma once
#include "blocking.h"
#include "groups.h"

namespace ew::EW_ISA {

template <class T> struct RunMaps : TileRows<T> {
    using TileRows<T>::N, TileRows<T>::TILE, TileRows<T>::row, TileRows<T>::put;

    const ew_spline &s;
    const Kernels<T> &inner;
    const bool base;
    Kept<T> kept;
    const bool read; // what forward kept serves for the rows
    const Dominant<T> dominant;
    const int64_t E, B, I, O, M, tiles;
    const int block;

    // `backward` without `input` or forward may leave the rows alone that have their input's dominant value.
    RunMaps(const ew_spline &spline, const Kernels<T> &kernels, bool has_base, bool backward = false, bool input = false)
        : TileRows<T>{kernels.tile}, s(spline), inner(kernels), base(has_base), kept(s, base),
          read(backward && kept.holds(s.inputs, s.rows, input)), dominant(s, !(input || read)), E(s.nets), B(s.rows), I(s.inputs),
          O(s.outputs), M(s.intervals + s.degree), tiles(ceil_div(O, TILE)), block(block_rows(s.intervals)) {}

    // Of one thread: a few inputs on a block of rows.
    struct Space {
        Gathering<T> &work;
        T *xt;
        Deviations<T> *found;
        explicit Space(int functions)
            : work(*reinterpret_cast<Gathering<T> *>(room<char>(4, sizeof(Gathering<T>)))), xt(room<T>(3, AT_ONCE * STRIDE)),
              found(reinterpret_cast<Deviations<T> *>(room<char>(1, Deviations<T>::bytes(functions)))) {}
    };

    void gather(Space &space, int64_t e, int64_t row, int n, int64_t first, int64_t count, Orders orders, Kept<T> *keep = nullptr) const {
        Gathering<T> &work = space.work;
        const T *x = static_cast<const T *>(s.x) + e * s.x_net + row * s.x_row + first * s.x_col;
        const T *values = dominant.value.data() + e * I + first;
        if (!read) scan<T>(work, x, s.x_row, s.x_col, n, int(count), values, space.xt);
        Deviations<T> &found = *space.found;
        found.rows = found.runs = 0;
        for (int j = 0; j < count; ++j) {
            const Grid<T> grid(s, e, first + j);
            Deviating<T> &input = found.input[j];
            Sorted<T> sorted{work.u, base ? work.base_x : nullptr, work.order[j], work.begin};
            if (read) {
                sorted = kept.get(first + j, work.count[j], input);
            } else {
                const bool keeps = keep && keep->take(first + j, work.count[j], sorted);
                inner.sort(work, grid, s.uniform != 0, j, values[j], sorted, input);
                if (keeps) keep->put(first + j, work.count[j], input);
            }
            inner.fill(grid, s.uniform != 0, work.count[j], sorted, orders, input, found);
        }
    }

    // Makes the coefficients of an input on the last tile, where it has fewer outputs, such with zeros; how far they lie apart.
    int64_t whole_rows(int64_t tile, const T *&c, const T *&w, T *packed) const {
        const int64_t left = O - tile * TILE;
        if (left >= TILE) return O;
        for (int64_t m = 0; m < M + base; ++m) row(m < M ? c + m * O : w, left, packed + m * TILE);
        c = packed, w = packed + M * TILE;
        return TILE;
    }

    // A task owns some rows and tiles. Whatever their number, a row's sum goes through the inputs in their order.
    void forward() const {
        int64_t span = block, share = tiles;
        while (span > 64 && E * ceil_div(B, span) < s.threads) span /= 2;
        const int64_t parts = ceil_div(B, span);
        if (E * parts < s.threads && O >= 256) share = ceil_div(tiles, ceil_div(s.threads, E * parts));
        const int64_t cuts = share > 0 ? ceil_div(tiles, share) : 0;
        const bool keeps = E * parts * cuts == 1;
        run_tasks(E * parts * cuts, s.threads, [&](int64_t task) {
            const int64_t e = task / (parts * cuts), from = task / cuts % parts * span, tile = task % cuts * share;
            forward_task(e, from, int(std::min(span, B - from)), tile, std::min(tiles, tile + share), keeps);
        });
    }

    void forward_task(int64_t e, int64_t from, int n, int64_t tile0, int64_t tile1, bool keeps) const {
        Kept<T> keep = kept;
        const int64_t tiles = tile1 - tile0;
        const int64_t size = int64_t(n) * TILE;
        Space space(s.degree + 1 + base);
        T *sums = room<T>(0, tiles * (size + TILE)), *common = sums + tiles * size, *packed = room<T>(2, (M + base) * TILE);
        std::memset(sums, 0, sizeof(T) * size_t(tiles * (size + TILE)));
        for (int64_t first = 0; first < I; first += AT_ONCE) {
            const int64_t count = std::min<int64_t>(AT_ONCE, I - first);
            gather(space, e, from, n, first, count, {1, {0, 0}}, keeps ? &keep : nullptr);
            for (int64_t k = 0; k < tiles; ++k)
                for (int64_t j = 0; j < count; ++j) {
                    const int64_t i = first + j, tile = tile0 + k;
                    const T *c = static_cast<const T *>(s.coef) + e * s.coef_net + i * M * O + tile * TILE;
                    const T *w = base ? static_cast<const T *>(s.base) + e * s.base_net + i * O + tile * TILE : nullptr;
                    const int64_t ld = whole_rows(tile, c, w, packed);
                    inner.forward_runs(space.found->input[j], *space.found, c, ld, w, sums + k * size, common + k * TILE);
                }
        }
        if (keeps) keep.seal(I, B, dominant.any());
        for (int64_t k = 0; k < tiles; ++k) {
            const int64_t tile = tile0 + k;
            T *at = sums + k * size, *out = static_cast<T *>(s.y) + (e * B + from) * O + tile * TILE;
            const T *all = common + k * TILE;
            for (int b = 0; b < n; ++b, at += TILE, out += O) {
                for (int q = 0; q < TILE; ++q) at[q] += all[q];
                put(at, std::min<int64_t>(TILE, O - tile * TILE), out);
            }
        }
    }

    // dcoef (dbase) where `coef`, dx where `input`, at order nu. A task owns some inputs and runs over all rows.
    void backward(bool coef, bool input, int nu) const {
        const int64_t inputs = std::max<int64_t>(1, std::min<int64_t>(AT_ONCE, ceil_div(I * E, s.threads)));
        const int64_t parts = ceil_div(I, inputs), blocks = ceil_div(CHUNK, block);
        const int64_t rows = std::min<int64_t>(blocks * block, B), size = rows * TILE;
        if (coef && B == 0) {
            std::memset(s.dcoef, 0, sizeof(T) * size_t(E * I * M * O));
            if (s.dbase) std::memset(s.dbase, 0, sizeof(T) * size_t(E * I * O));
        }
        T *g = room<T>(5, E * tiles * (size + blocks * TILE)), *totals = g + E * tiles * size;
        for (int64_t from = 0; from < B; from += rows) {
            const int64_t to = std::min(B, from + rows), used = ceil_div(to - from, block);
            run_tasks(E * used, s.threads, [&](int64_t task) {
                const int64_t e = task / used, k = task % used, first = from + k * block;
                for (int64_t tile = 0; tile < tiles; ++tile)
                    pack_gradient(e, first, std::min(to, first + block), tile, g + (e * tiles + tile) * size + k * block * TILE,
                                  totals + ((e * tiles + tile) * blocks + k) * TILE);
            });
            run_tasks(E * parts, s.threads, [&](int64_t task) {
                const int64_t e = task / parts, first = task % parts * inputs;
                backward_task(e, from, to, first, std::min(inputs, I - first), g + e * tiles * size, size,
                              totals + e * tiles * blocks * TILE, blocks, coef, input, nu);
            });
        }
        if (input && O == 0) std::memset(s.dx, 0, sizeof(T) * size_t(E * B * I));
    }

    // The gradients of rows [from, to) for one tile, and their sum.
    void pack_gradient(int64_t e, int64_t from, int64_t to, int64_t tile, T *EW_RESTRICT out, T *EW_RESTRICT total) const {
        const int64_t n = std::min<int64_t>(TILE, O - tile * TILE);
        std::memset(total, 0, sizeof(T) * size_t(TILE));
        for (int64_t b = from; b < to; ++b, out += TILE) {
            row(static_cast<const T *>(s.g) + e * s.g_net + b * s.g_row + tile * TILE, n, out);
            for (int k = 0; k < TILE; ++k) total[k] += out[k];
        }
    }

    void backward_task(int64_t e, int64_t from, int64_t to, int64_t first, int64_t count, const T *g, int64_t size, const T *totals,
                       int64_t blocks, bool coef, bool input, int nu) const {
        const int functions = s.degree + 1 + base;
        Space space(functions * (int(coef) + int(input)));
        const Orders orders{int(coef) + int(input), {coef ? 0 : nu, nu}};
        T *packed = room<T>(2, (M + 1) * TILE), *lanes = input ? room<T>(6, (count * block + N) * N) : nullptr;
        for (int64_t b = from; b < to; b += block) {
            const int64_t k = (b - from) / block;
            const int n = int(std::min<int64_t>(block, to - b));
            gather(space, e, b, n, first, count, orders);
            for (int64_t tile = 0; tile < tiles; ++tile) {
                const T *own = g + tile * size + k * block * TILE, *total = totals + (tile * blocks + k) * TILE;
                for (int64_t j = 0; coef && j < count; ++j) put_coef(space, e * I + first + j, int(j), tile, own, total, packed, b > 0);
                for (int64_t j = 0; input && j < count; ++j) {
                    const T *c = static_cast<const T *>(s.coef) + e * s.coef_net + (first + j) * M * O + tile * TILE;
                    const T *w = base ? static_cast<const T *>(s.base) + e * s.base_net + (first + j) * O + tile * TILE : nullptr;
                    const int64_t ld = whole_rows(tile, c, w, packed);
                    inner.input_runs[tile > 0](space.found->input[j], *space.found, coef ? functions : 0, c, ld, w, own, lanes);
                }
            }
            if (input && tiles > 0) put_inputs(e, b, n, first, count, *space.found, lanes, space.xt);
        }
#if defined(__AVX2__)
        if (coef && streams()) _mm_sfence();
#endif
    }

    bool streams() const {
        return B <= block && O % TILE == 0 && reinterpret_cast<uintptr_t>(s.dcoef) % 64 == 0 &&
               E * I * M * O * int64_t(sizeof(T)) > STREAM_BYTES;
    }

    // The gradients of input j of those gathered, the i-th of all networks, on one tile.
    void put_coef(const Space &space, int64_t i, int j, int64_t tile, const T *g, const T *total, T *packed, bool add) const {
        const auto &in = space.found->input[j];
        const int64_t left = std::min<int64_t>(TILE, O - tile * TILE);
        T *d = static_cast<T *>(s.dcoef) + i * M * O + tile * TILE;
        T *w = base && s.dbase ? static_cast<T *>(s.dbase) + i * O + tile * TILE : nullptr;
        if (left == TILE) {
            const Put how = add ? Put::add : streams() && in.first < 0 ? Put::past : Put::over;
            return inner.coef_runs(in, *space.found, int(M), d, O, w ? w : packed + M * TILE, g, total, how);
        }
        inner.coef_runs(in, *space.found, int(M), packed, TILE, packed + M * TILE, g, total, Put::over);
        for (int64_t m = 0; m <= M; ++m) {
            T *to = m < M ? d + m * O : w;
            const T *from = packed + m * TILE;
            for (int64_t q = 0; to && q < left; ++q) to[q] = add ? to[q] + from[q] : from[q];
        }
    }

    // Sums over the lanes, put in order in `rows` first: each line of dx is written once.
    void put_inputs(int64_t e, int64_t from, int n, int64_t first, int64_t count, const Deviations<T> &found, const T *lanes,
                    T *EW_RESTRICT rows) const {
        for (int64_t j = 0; j < count; ++j) {
            const int64_t begin = found.input[j].begin;
            for (int q = 0; q < n; q += N) {
                T sums[N];
                lane_sums(lanes + (begin + q) * N, sums); // the last ones may be of nothing
                for (int k = 0; k < std::min(N, n - q); ++k) rows[found.input[j].order[q + k] * count + j] = sums[k];
            }
        }
        T *out = static_cast<T *>(s.dx) + (e * B + from) * I + first;
        for (int b = 0; b < n; ++b) {
            __builtin_prefetch(out + std::min(b + AHEAD, n - 1) * I, 1);
            for (int64_t j = 0; j < count; ++j) out[b * I + j] = rows[b * count + j];
        }
    }
};

} // namespace ew::EW_ISA
