// Products of a network's Jacobian with a vector from either side, for a block of rows.
#pragma once
#include "network.h"

namespace ew::EW_ISA::net {

// Gradients at the sums of a layer from those at its nodes.
template <class T> void pull_products(const Layer<T> &d, const T *z, const T *dnodes, T *dz) {
    std::memcpy(dz, dnodes, sizeof(T) * size_t(d.plain) * R);
    each_factor(d, z, [&](int factor, int r, T others, int node) { dz[factor * R + r] = dnodes[node * R + r] * others; });
}

// Gradients at the nodes that feed a layer.
template <class T, int W> void pull_nodes(const Layer<T> &d, const Stage<T> &s, const Numbers<T> &n, T *dh) {
    using V = typename Lanes<T, W>::V;
    for (int i = 0; i < d.inputs; ++i) {
        T *to = dh + i * R;
        const int first = d.from[i], last = d.from[i + 1];
        for (int r = 0; r < R; r += Q) {
            V sum[Q] = {};
            for (int e = first; e < last; ++e) {
                const T *c = n.coef + d.at + int64_t(e) * d.stride, *g = s.dz + d.target[e] * R + r;
                for (int q = 0; q < Q; ++q) sum[q] += load<T, W>(c + s.piece[i * R + r + q]) * g[q];
            }
            for (int q = 0; q < Q; ++q) sum[q] *= load<T, W>(s.slope + (i * R + r + q) * W);
            store<T, Q>(to + r, totals<T>(sum));
        }
        if (d.base >= 0)
            for (int e = first; e < last; ++e)
                for (int r = 0; r < R; ++r) to[r] += s.rise[i * R + r] * n.theta[d.base + e] * s.dz[d.target[e] * R + r];
    }
}

// Gradients at all sums (`dz` of every stage), from the seed at the outputs.
template <class T> void backward(const Plan<T> &plan, const Numbers<T> &n, Block<T> &block) {
    const T *at = block.seed;
    for (int l = plan.depth - 1; l >= 0; --l) {
        const Layer<T> &d = plan.layers[l];
        const Stage<T> &s = block.stage[l];
        pull_products(d, s.z, at, s.dz);
        if (l == 0) break;
        if (d.width == 4)
            pull_nodes<T, 4>(d, s, n, block.dh);
        else
            pull_nodes<T, 8>(d, s, n, block.dh);
        at = block.dh;
    }
}

// Adds the gradient in the numbers of a layer. Every interval of an edge has a vector of its own: overlapping ones would make
// each row wait for the row before.
template <class T, int W> void gather(const Layer<T> &d, const Stage<T> &s, T *cells, T *others) {
    T *own = cells + d.cells;
    const int inputs = d.inputs, copies = d.copies;
    const int64_t step = int64_t(d.intervals) * copies * W;
    const int32_t *from = d.from, *target = d.target, *piece = s.piece;
    const T *live = s.live, *dz = s.dz;
    for (int r = 0; r < R; ++r)
        for (int i = 0; i < inputs; ++i) {
            const auto value = load<T, W>(live + (i * R + r) * W);
            T *to = own + (int64_t(piece[i * R + r]) * copies + r % copies) * W;
            for (int e = from[i], last = from[i + 1]; e < last; ++e) {
                T *at = to + e * step;
                store<T, W>(at, load<T, W>(at) + value * dz[target[e] * R + r]);
            }
        }
    for (int e = 0; d.base >= 0 && e < d.edges; ++e) {
        const T *g = s.dz + d.target[e] * R, *b = s.silu + d.source[e] * R;
        T sum = 0;
        for (int r = 0; r < R; ++r) sum += g[r] * b[r];
        others[d.base + e] += sum;
    }
    for (int z = 0; d.bias >= 0 && z < d.sums; ++z) {
        auto sum = load<T, Q>(s.dz + z * R);
        for (int r = Q; r < R; r += Q) sum += load<T, Q>(s.dz + z * R + r);
        others[d.bias + z] += (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
}

template <class T> void gather(const Plan<T> &plan, const Block<T> &block, T *accumulators) {
    for (int l = 0; l < plan.depth; ++l) {
        const Layer<T> &d = plan.layers[l];
        if (d.width == 4)
            gather<T, 4>(d, block.stage[l], accumulators, accumulators + plan.cells);
        else
            gather<T, 8>(d, block.stage[l], accumulators, accumulators + plan.cells);
    }
}

// The gradient (P,) from the sums of some tasks, added in their order.
template <class T> void fold(const Plan<T> &plan, T *accumulators, int64_t tasks, T *gradient) {
    for (int64_t t = 1; t < tasks; ++t)
        for (int64_t k = 0; k < plan.accumulators; ++k) accumulators[k] += accumulators[t * plan.accumulators + k];
    std::memcpy(gradient, accumulators + plan.cells, sizeof(T) * size_t(plan.parameters));
    for (int l = 0; l < plan.depth; ++l) {
        const Layer<T> &d = plan.layers[l];
        const T *cell = accumulators + d.cells;
        for (int e = 0; e < d.edges; ++e)
            for (int p = 0; p < d.intervals * d.copies; ++p, cell += d.width)
                for (int m = 0; m <= d.degree; ++m) gradient[d.coef + int64_t(e) * d.size + p / d.copies + m] += cell[m];
    }
}

// Directional derivatives: `f` becomes J v, for the numbers `v` of a direction.
template <class T, int W>
void push_layer(const Layer<T> &d, Stage<T> &s, const Numbers<T> &n, const Numbers<T> &v, const T *dh) {
    sum_edges<T, W, false>(d, s.piece, s.live, s.silu, v, s.dz);
    if (!dh) return;
    for (int k = 0; k < d.inputs * R; ++k) { // slopes times what moves the node: what the values were, the slopes are now
        store<T, W>(s.slope + k * W, load<T, W>(s.slope + k * W) * dh[k]);
        if (d.base >= 0) s.rise[k] *= dh[k];
    }
    Layer<T> unbiased = d;
    unbiased.bias = -1;
    T *base = s.rise;
    sum_edges<T, W, true>(unbiased, s.piece, s.slope, base, n, s.dz);
}

template <class T> void push(const Plan<T> &plan, const Numbers<T> &n, const Numbers<T> &v, Block<T> &block) {
    const T *dh = nullptr;
    for (int l = 0; l < plan.depth; ++l) {
        const Layer<T> &d = plan.layers[l];
        Stage<T> &s = block.stage[l];
        if (d.width == 4)
            push_layer<T, 4>(d, s, n, v, dh);
        else
            push_layer<T, 8>(d, s, n, v, dh);
        T *to = l + 1 < plan.depth ? block.dh : block.f;
        std::memcpy(to, s.dz, sizeof(T) * size_t(d.plain) * R);
        std::memset(to + d.plain * R, 0, sizeof(T) * size_t(d.products) * R);
        each_factor(d, s.z, [&](int factor, int r, T others, int node) { to[node * R + r] += s.dz[factor * R + r] * others; });
        dh = block.dh;
    }
}

} // namespace ew::EW_ISA::net
