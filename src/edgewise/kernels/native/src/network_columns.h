// Columns of a network's Jacobian in groups of four, and the products of every pair of them over a chunk of rows.
//
// A row of the Jacobian has k + 1 numbers an edge, at the place of its interval. The groups of a chunk of rows are kept; then
// every pair of groups visits the chunk and adds its 4 x 4 products. On coarse grids the products go to a table of their own,
// one block for each pair of intervals: blocks of the matrix itself overlap, and a row would wait for the row before.
#pragma once
#include "dense.h"
#include "network_calls.h"

namespace ew::EW_ISA::net {

constexpr int64_t CHUNK_ROWS = 512, CHUNK_BYTES = int64_t(1) << 20;

// Four columns of the Jacobian (fewer: the last ones are zero) that move with the interval of a node, or stand still.
struct Group {
    int64_t column;
    int size, cells;  // columns, and places they may be at
    int64_t node;     // whose interval: of all nodes in all layers; -1 for none
    int layer, first; // edges or sums it is made of
    int output;       // the only output it acts on, or -1
    enum Kind { spline, high, base, bias } kind;
};

// The groups of a network, in ascending columns; with no room behind `to`, they are only counted.
inline int64_t make_groups(const Plan<double> &plan, Group *to) {
    int64_t count = 0, nodes = 0;
    const auto add = [&](const Group &group) {
        if (to) to[count] = group;
        ++count;
    };
    for (int l = 0; l < plan.depth; ++l) {
        const auto &d = plan.layers[l];
        const bool last = l + 1 == plan.depth;
        const auto output = [&](int sum) {
            if (!last || sum < d.plain) return last ? sum : -1;
            int node = d.plain, end = d.plain;
            while ((end += d.arity[node - d.plain]) <= sum) ++node;
            return node;
        };
        const int k1 = d.degree + 1;
        for (int e = 0; e < d.edges; ++e) {
            const int64_t node = nodes + d.source[e], column = d.coef + int64_t(e) * d.size;
            const int out = output(d.target[e]);
            add({column, k1 < 4 ? k1 : 4, d.intervals, node, l, e, out, Group::spline});
            if (k1 > 4) add({column + 4, k1 - 4, d.intervals, node, l, e, out, Group::high});
        }
        for (int e = 0; d.base >= 0 && e < d.edges; e += 4)
            add({d.base + e, d.edges - e < 4 ? d.edges - e : 4, 1, -1, l, e, -1, Group::base});
        for (int z = 0; d.bias >= 0 && z < d.sums; z += 4)
            add({d.bias + z, d.sums - z < 4 ? d.sums - z : 4, 1, -1, l, z, -1, Group::bias});
        nodes += d.inputs;
    }
    return count;
}

using Four = Lanes<double, 4>::V;

// Neighbouring groups that move together.
struct Family {
    int64_t first, last, node;
    int cells;
};

inline int64_t make_families(const Group *groups, int64_t count, Family *to) {
    int64_t made = 0;
    for (int64_t k = 0; k < count; ++k)
        if (k && groups[k].node == groups[k - 1].node)
            to[made - 1].last = k + 1;
        else
            to[made++] = {k, k + 1, groups[k].node, groups[k].cells};
    return made;
}

// A chunk of rows: values (output, group, row, 4) and intervals (node, row).
struct Chunk {
    const Group *groups;
    const Family *families;
    int64_t count, related, rows, outputs, filled = 0;
    bool full; // whether a row of the root mixes outputs
    double *values;
    int32_t *pieces;
    double *table;                // blocks of the pair at hand
    int32_t *key, *order, *start; // rows by the pair of intervals

    double *at(int64_t d, int64_t group) const { return values + (d * count + group) * rows * 4; }
    bool acts(const Group &g, int64_t d) const { return full || g.output < 0 || g.output == d; }

    void take_pieces(const Plan<double> &plan, const Block<double> &block) {
        int64_t node = 0;
        for (int l = 0; l < plan.depth; ++l)
            for (int i = 0; i < plan.layers[l].inputs; ++i, ++node)
                std::memcpy(pieces + node * rows + filled, block.stage[l].piece + i * R, sizeof(int32_t) * R);
    }

    // The rows of output d, for which `dz` was pulled back; missing rows have none.
    void take_values(const Plan<double> &plan, const Block<double> &block, int64_t d) {
        for (int64_t k = 0; k < count; ++k) {
            const Group &g = groups[k];
            if (!acts(g, d)) continue;
            const auto &layer = plan.layers[g.layer];
            const auto &s = block.stage[g.layer];
            double *to = at(d, k) + filled * 4;
            if (g.kind == Group::spline || g.kind == Group::high) {
                const double *dz = s.dz + layer.target[g.first] * R;
                const double *live = s.live + int64_t(layer.source[g.first]) * R * layer.width + (g.kind == Group::high ? 4 : 0);
                for (int r = 0; r < R; ++r) store<double, 4>(to + 4 * r, load<double, 4>(live + r * layer.width) * dz[r]);
                continue;
            }
            for (int j = 0; j < 4; ++j)
                for (int r = 0; r < R; ++r) {
                    if (j >= g.size)
                        to[4 * r + j] = 0;
                    else if (g.kind == Group::bias)
                        to[4 * r + j] = s.dz[(g.first + j) * R + r];
                    else
                        to[4 * r + j] = s.silu[layer.source[g.first + j] * R + r] * s.dz[layer.target[g.first + j] * R + r];
                }
        }
    }

    // Adds the products of all pairs to H, and empties the chunk.
    void flush(double *h, int64_t ld) {
        for (int64_t k = 0; k < related; ++k)
            for (int64_t l = k; l < related; ++l) {
                const Family &f = families[k], &g = families[l];
                const int64_t cells = f.node == g.node ? f.cells : int64_t(f.cells) * g.cells;
                const bool few = cells * 8 <= filled;
                if (few) sort(f, g, cells);
                if (few && f.last - f.first > g.last - g.first) {
                    for (int64_t b = g.first; b < g.last; ++b)
                        for (int64_t a = f.first; a < f.last;) a += sorted<true>(b, a, f.last, cells, h, ld);
                    continue;
                }
                for (int64_t a = f.first; a < f.last; ++a)
                    for (int64_t b = k == l ? a : g.first; b < g.last;) {
                        if (few) {
                            b += sorted<false>(a, b, g.last, cells, h, ld);
                            continue;
                        }
                        if (cells * 2 <= filled * outputs)
                            tabled(a, b, cells, h, ld);
                        else
                            placed(a, b, h, ld);
                        ++b;
                    }
            }
        filled = 0;
    }

  private:
    // Rows in the order of their pair of intervals.
    void sort(const Family &f, const Family &g, int64_t cells) {
        const int32_t *pa = f.node < 0 ? nullptr : pieces + f.node * rows;
        const int32_t *pb = g.node < 0 || f.node == g.node ? nullptr : pieces + g.node * rows;
        std::memset(start, 0, sizeof(int32_t) * size_t(cells + 2));
        for (int64_t r = 0; r < filled; ++r) key[r] = (pa ? pa[r] * (pb ? g.cells : 1) : 0) + (pb ? pb[r] : 0);
        for (int64_t r = 0; r < filled; ++r) ++start[key[r] + 2];
        for (int64_t c = 2; c <= cells; ++c) start[c + 1] += start[c];
        for (int64_t r = 0; r < filled; ++r) order[start[key[r] + 1]++] = int32_t(r);
    }

    // Block (a, b), and those of the groups after b that go with it, in registers for each pair of intervals; how many.
    // TURNED: b stands before a, and the blocks are transposed.
    template <bool TURNED> int sorted(int64_t a, int64_t b, int64_t end, int64_t cells, double *h, int64_t ld) const {
        int together = 1;
        while (together < 3 && b + together < end && (full || groups[b].output == groups[b + together].output)) ++together;
        if (together == 3)
            tiles<3, TURNED>(a, b, cells, h, ld);
        else if (together == 2)
            tiles<2, TURNED>(a, b, cells, h, ld);
        else
            tiles<1, TURNED>(a, b, cells, h, ld);
        return together;
    }

    template <int N, bool TURNED> void tiles(int64_t a, int64_t b, int64_t cells, double *h, int64_t ld) const {
        const Group &f = groups[a], &g = groups[b];
        const bool moves = f.node >= 0 && g.node >= 0 && f.node != g.node;
        for (int64_t cell = 0; cell < cells; ++cell) {
            const int64_t from = start[cell], to = start[cell + 1];
            if (from == to) continue;
            Four sum[4][N] = {}, odd[4] = {};
            for (int64_t d = 0; d < outputs; ++d) {
                if (!acts(f, d) || !acts(g, d)) continue;
                const double *va = at(d, a), *vb = at(d, b);
                int64_t t = from;
                for (; N == 1 && t + 1 < to; t += 2) { // two rows at once: four chains of sums alone would wait for each other
                    const double *x = va + 4 * order[t], *y = va + 4 * order[t + 1];
                    const Four v = load<double, 4>(vb + 4 * order[t]), w = load<double, 4>(vb + 4 * order[t + 1]);
                    for (int j = 0; j < 4; ++j) sum[j][0] += x[j] * v, odd[j] += y[j] * w;
                }
                for (; t < to; ++t) {
                    const double *x = va + 4 * order[t], *y = vb + 4 * order[t];
                    for (int q = 0; q < N; ++q) {
                        const Four v = load<double, 4>(y + q * rows * 4);
                        for (int j = 0; j < 4; ++j) sum[j][q] += x[j] * v;
                    }
                }
            }
            const int64_t outer = moves ? cell / (TURNED ? f : g).cells : cell, inner = moves ? cell % (TURNED ? f : g).cells : cell;
            const int64_t i = f.node < 0 ? 0 : TURNED ? inner : outer, k = g.node < 0 ? 0 : TURNED ? outer : inner;
            for (int q = 0; q < N; ++q) {
                const int64_t row = f.column + i, column = groups[b + q].column + k;
                for (int j = 0; j < f.size; ++j) {
                    const Four total = sum[j][q] + odd[j];
                    double *own = TURNED ? h + column * ld + row + j : h + (row + j) * ld + column;
                    if (TURNED)
                        for (int m = 0; m < groups[b + q].size; ++m) own[m * ld] += total[m];
                    else
                        store<double, 4>(own, load<double, 4>(own) + total);
                }
            }
        }
    }

    // Through the table: one block for each pair of intervals.
    void tabled(int64_t a, int64_t b, int64_t cells, double *h, int64_t ld) const {
        const Group &f = groups[a], &g = groups[b];
        const bool same = f.node == g.node;
        const int32_t *pa = f.node < 0 || same ? nullptr : pieces + f.node * rows;
        const int32_t *pb = g.node < 0 ? nullptr : pieces + g.node * rows;
        if (!pb) pb = pieces + f.node * rows, pa = nullptr;
        const int64_t step = g.cells;
        std::memset(table, 0, sizeof(double) * 16 * size_t(cells));
        for (int64_t d = 0; d < outputs; ++d) {
            if (!acts(f, d) || !acts(g, d)) continue;
            const double *va = at(d, a), *vb = at(d, b);
            const int64_t total = filled;
            const auto add = [&](int64_t r, int64_t cell) {
                const Four v = load<double, 4>(vb + 4 * r);
                double *to = table + 16 * cell;
                for (int j = 0; j < 4; ++j) store<double, 4>(to + 4 * j, load<double, 4>(to + 4 * j) + va[4 * r + j] * v);
            };
            if (pa)
                for (int64_t r = 0; r < total; ++r) add(r, pa[r] * step + pb[r]);
            else
                for (int64_t r = 0; r < total; ++r) add(r, pb[r]);
        }
        double *to = h + f.column * ld + g.column;
        for (int64_t cell = 0; cell < cells; ++cell) {
            int64_t i = pa ? cell / step : cell, j = pa ? cell % step : cell;
            if (!same && !pa) (f.node < 0 ? i : j) = 0;
            double *own = to + i * ld + j;
            for (int q = 0; q < f.size; ++q, own += ld)
                store<double, 4>(own, load<double, 4>(own) + load<double, 4>(table + 16 * cell + 4 * q));
        }
    }

    // Straight to its place.
    void placed(int64_t a, int64_t b, double *h, int64_t ld) const {
        const Group &f = groups[a], &g = groups[b];
        double *to = h + f.column * ld + g.column;
        for (int64_t d = 0; d < outputs; ++d) {
            if (!acts(f, d) || !acts(g, d)) continue;
            const double *va = at(d, a), *vb = at(d, b);
            for (int64_t r = 0; r < filled; ++r) {
                const int64_t i = f.node < 0 ? 0 : pieces[f.node * rows + r], j = g.node < 0 ? 0 : pieces[g.node * rows + r];
                const Four v = load<double, 4>(vb + 4 * r);
                double *own = to + i * ld + j;
                for (int q = 0; q < f.size; ++q, own += ld) store<double, 4>(own, load<double, 4>(own) + va[4 * r + q] * v);
            }
        }
    }
};

} // namespace ew::EW_ISA::net
