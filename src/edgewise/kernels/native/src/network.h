// A small network on blocks of rows: outputs, products with its Jacobian from either side, node by node.
//
// A block keeps, for every node of every row, the interval and the k + 1 live functions with their slopes, side by side as
// one vector of W numbers: an edge then costs one load and one multiply-add a row, and nothing is looked up twice.
#pragma once
#include "basis.h"
#include "edgewise_network.h"
#include "threads.h"
#include "vec.h"

#include <cstdint>
#include <cstring>
#include <new>

#pragma GCC diagnostic ignored "-Wpsabi" // how vectors are passed does not matter: functions that take one are inlined

namespace ew::EW_ISA::net {

constexpr int R = 32; // rows of a block: what a block keeps stays in the nearest cache
constexpr int Q = 4;  // rows whose sums are formed at once

template <class T, int W> struct Lanes {
    typedef T V __attribute__((vector_size(W * sizeof(T))));
    typedef T U __attribute__((vector_size(W * sizeof(T)), aligned(alignof(T)), may_alias));
};
template <class T, int W> EW_INLINE typename Lanes<T, W>::V load(const T *p) {
    return *reinterpret_cast<const typename Lanes<T, W>::U *>(p);
}
template <class T, int W> EW_INLINE void store(T *p, const typename Lanes<T, W>::V &v) {
    *reinterpret_cast<typename Lanes<T, W>::U *>(p) = v;
}

// The sums of four vectors, as one vector.
template <class T> EW_INLINE typename Lanes<T, 4>::V totals(const typename Lanes<T, 4>::V (&a)[Q]) {
    const auto low = __builtin_shufflevector(a[0], a[1], 0, 4, 2, 6) + __builtin_shufflevector(a[0], a[1], 1, 5, 3, 7);
    const auto high = __builtin_shufflevector(a[2], a[3], 0, 4, 2, 6) + __builtin_shufflevector(a[2], a[3], 1, 5, 3, 7);
    return __builtin_shufflevector(low, high, 0, 1, 4, 5) + __builtin_shufflevector(low, high, 2, 3, 6, 7);
}
template <class T> EW_INLINE typename Lanes<T, 4>::V totals(const typename Lanes<T, 8>::V (&a)[Q]) {
    typename Lanes<T, 4>::V half[Q];
    for (int q = 0; q < Q; ++q)
        half[q] = __builtin_shufflevector(a[q], a[q], 0, 1, 2, 3) + __builtin_shufflevector(a[q], a[q], 4, 5, 6, 7);
    return totals<T>(half);
}

// Memory handed out piece by piece; with no memory behind it, it only counts what is needed.
struct Arena {
    char *base;
    int64_t used = 0;
    template <class T> T *take(int64_t count) {
        T *p = reinterpret_cast<T *>(base + used); // only ever used with memory behind it
        used += (count * int64_t(sizeof(T)) + 63) / 64 * 64;
        return base ? p : nullptr;
    }
};

inline char *memory(int slot, int64_t bytes) {
    void *p = scratch(slot, bytes + 64);
    if (!p) throw std::bad_alloc();
    return static_cast<char *>(p);
}

template <class T> struct Layer {
    int inputs, sums, nodes, plain, products, degree, intervals, size, edges;
    int width;              // W: 4, or 8 above degree 3
    int stride;             // numbers kept for an edge: its coefficients, and zeros up to a whole vector
    int64_t at;             // first of them in the padded numbers of the network
    int64_t cells;          // first of this layer's sums of gradients: (E, G, copies, W)
    int copies;             // of them, which rows take in turn: no row waits for what the row before has stored
    const int32_t *source, *target, *arity;
    int32_t *from;          // (I + 1,) first edge of each source
    int32_t *into, *order;  // (Z + 1,), (E,): edges by target
    const T *breaks;
    T *powers;              // (I, G, k + 1, W): row r of an interval multiplies u^r
    T *origin, *inverse;    // (I, G)
    int64_t coef, base, bias;
};

template <class T> struct Plan {
    const ew_network *call;
    Layer<T> *layers;
    int depth, inputs, outputs;
    int64_t parameters, coefs, cells; // sizes of theta, of the padded coefficients, of the sums of gradients
    int64_t accumulators;             // cells, then P more for the others
    int64_t most_nodes, most_sums;
};

// The numbers of one network: its vector, and its coefficients padded to whole vectors.
template <class T> struct Numbers {
    const T *theta;
    T *coef;
};

// Whether what the caller says about a network fits together.
inline bool valid(const ew_network &n) {
    if (n.nets < 1 || n.rows < 0 || n.parameters < 0 || n.depth < 1 || !n.layers || !n.theta || !n.x) return false;
    int64_t taken = 0; // of theta, by the parts before
    for (int l = 0; l < n.depth; ++l) {
        const ew_layer &s = n.layers[l];
        if (s.inputs < 1 || s.sums < 1 || s.degree < 0 || s.degree > 5 || s.intervals < 1 || s.edges < 0) return false;
        if (s.plain < 0 || s.products < 0 || (s.products && !s.arity) || !s.breaks || !s.table || !s.origin || !s.width)
            return false;
        int64_t sums = s.plain;
        for (int j = 0; j < s.products; ++j) {
            if (s.arity[j] < 1) return false;
            sums += s.arity[j];
        }
        if (sums != s.sums || (l && n.layers[l - 1].plain + n.layers[l - 1].products != s.inputs)) return false;
        for (int e = 0; e < s.edges; ++e) {
            if (s.source[e] < 0 || s.source[e] >= s.inputs || s.target[e] < 0 || s.target[e] >= s.sums) return false;
            if (e && (s.source[e] < s.source[e - 1] || (s.source[e] == s.source[e - 1] && s.target[e] <= s.target[e - 1])))
                return false;
        }
        const int64_t parts[3][2] = {
            {s.coef, int64_t(s.edges) * (s.intervals + s.degree)}, {s.base, s.edges}, {s.bias, s.sums}};
        for (int k = 0; k < 3; ++k) {
            if (k && parts[k][0] < 0) continue;
            if (parts[k][0] < taken) return false;
            taken = parts[k][0] + parts[k][1];
        }
        if (taken > n.parameters) return false;
    }
    return true;
}

template <class T> void lay_out(Plan<T> &plan, const ew_network &n, Arena &arena) {
    plan = {};
    plan.call = &n;
    plan.depth = n.depth;
    plan.layers = arena.take<Layer<T>>(n.depth);
    plan.inputs = n.layers[0].inputs;
    plan.parameters = n.parameters;
    for (int l = 0; l < n.depth; ++l) {
        const ew_layer &s = n.layers[l];
        Layer<T> d{};
        d.inputs = s.inputs, d.sums = s.sums, d.plain = s.plain, d.products = s.products, d.edges = s.edges;
        d.nodes = s.plain + s.products, d.degree = s.degree, d.intervals = s.intervals, d.size = s.intervals + s.degree;
        d.width = s.degree > 3 ? 8 : 4;
        d.stride = s.intervals - 1 + d.width;
        d.source = s.source, d.target = s.target, d.arity = s.arity;
        d.coef = s.coef, d.base = s.base, d.bias = s.bias;
        d.at = plan.coefs, d.cells = plan.cells;
        plan.coefs += int64_t(d.edges) * d.stride;
        d.copies = d.intervals <= 16 ? 4 : 1;
        plan.cells += int64_t(d.edges) * d.intervals * d.copies * d.width;
        d.from = arena.take<int32_t>(d.inputs + 1);
        d.into = arena.take<int32_t>(d.sums + 1);
        d.order = arena.take<int32_t>(d.edges);
        const int k1 = d.degree + 1, G = d.intervals;
        d.breaks = static_cast<const T *>(s.breaks);
        d.powers = arena.take<T>(int64_t(d.inputs) * G * k1 * d.width);
        d.origin = arena.take<T>(int64_t(d.inputs) * G);
        d.inverse = arena.take<T>(int64_t(d.inputs) * G);
        plan.outputs = d.nodes;
        const int64_t nodes = d.inputs > d.nodes ? d.inputs : d.nodes;
        if (nodes > plan.most_nodes) plan.most_nodes = nodes;
        if (d.sums > plan.most_sums) plan.most_sums = d.sums;
        if (!arena.base) continue;
        plan.layers[l] = d;
        for (int i = 0, e = 0; i <= d.inputs; ++i) {
            while (e < d.edges && d.source[e] < i) ++e;
            d.from[i] = e;
        }
        std::memset(d.into, 0, sizeof(int32_t) * size_t(d.sums + 1));
        for (int e = 0; e < d.edges; ++e) ++d.into[d.target[e] + 1];
        for (int z = 0; z < d.sums; ++z) d.into[z + 1] += d.into[z];
        for (int e = 0; e < d.edges; ++e) d.order[d.into[d.target[e]]++] = e;
        for (int z = d.sums; z > 0; --z) d.into[z] = d.into[z - 1];
        d.into[0] = 0;
        const T *table = static_cast<const T *>(s.table), *origin = static_cast<const T *>(s.origin);
        const T *width = static_cast<const T *>(s.width);
        for (int i = 0; i < d.inputs; ++i)
            for (int p = 0; p < G; ++p) {
                const int64_t piece = int64_t(i) * (G + 2) + p + 1, own = int64_t(i) * G + p;
                d.origin[own] = origin[piece];
                d.inverse[own] = 1 / width[piece];
                T *to = d.powers + own * k1 * d.width;
                for (int r = 0; r < k1; ++r)
                    for (int m = 0; m < d.width; ++m)
                        to[r * d.width + m] = m < k1 ? table[(piece * k1 + m) * k1 + r] : T(0);
            }
    }
    plan.accumulators = plan.cells + plan.parameters;
}

// The plan of a call; its memory is the calling thread's and lasts until the next plan.
template <class T> Plan<T> make_plan(const ew_network &n) {
    Plan<T> plan;
    Arena count{nullptr};
    lay_out(plan, n, count);
    Arena arena{memory(0, count.used)};
    lay_out(plan, n, arena);
    return plan;
}

template <class T> void load_numbers(const Plan<T> &plan, const T *theta, Numbers<T> &numbers) {
    numbers.theta = theta;
    for (int l = 0; l < plan.depth; ++l) {
        const Layer<T> &d = plan.layers[l];
        for (int e = 0; e < d.edges; ++e) {
            T *to = numbers.coef + d.at + int64_t(e) * d.stride;
            std::memcpy(to, theta + d.coef + int64_t(e) * d.size, sizeof(T) * size_t(d.size));
            for (int m = d.size; m < d.stride; ++m) to[m] = 0;
        }
    }
}

// What a block of rows knows of the nodes that feed a layer and of its sums; all (count, R) with the rows side by side.
template <class T> struct Stage {
    T *h;             // nodes
    T *live, *slope;  // (I, R, W) functions and slopes
    int32_t *piece;   // (I, R)
    T *silu, *rise;   // silu(h) and its slope, where there is a base
    T *z, *dz;        // sums, and gradients there
};

template <class T> struct Block {
    Stage<T> *stage;
    T *f;    // (D, R) outputs
    T *seed; // (D, R) gradients in the outputs
    T *dh;   // gradients at nodes
    int count;
};

template <class T> void lay_out(const Plan<T> &plan, Block<T> &block, Arena &arena) {
    block.stage = arena.take<Stage<T>>(plan.depth);
    for (int l = 0; l < plan.depth; ++l) {
        const Layer<T> &d = plan.layers[l];
        const int64_t nodes = int64_t(d.inputs) * R;
        Stage<T> s;
        s.h = arena.take<T>(nodes);
        s.live = arena.take<T>(nodes * d.width);
        s.slope = arena.take<T>(nodes * d.width);
        s.piece = arena.take<int32_t>(nodes);
        s.silu = arena.take<T>(d.base >= 0 ? nodes : 0);
        s.rise = arena.take<T>(d.base >= 0 ? nodes : 0);
        s.z = arena.take<T>(int64_t(d.sums) * R);
        s.dz = arena.take<T>(int64_t(d.sums) * R);
        if (arena.base) block.stage[l] = s;
    }
    block.f = arena.take<T>(int64_t(plan.outputs) * R);
    block.seed = arena.take<T>(int64_t(plan.outputs) * R);
    block.dh = arena.take<T>(plan.most_nodes * R);
}

template <class T> int64_t block_bytes(const Plan<T> &plan) {
    Block<T> block;
    Arena arena{nullptr};
    lay_out(plan, block, arena);
    return arena.used;
}

// The interval of every row: how many inner breaks are not above it. NaN falls in the first one.
template <class T> void locate(const T *breaks, int intervals, const T *x, int32_t *piece) {
    if (intervals <= 16) {
        T count[R] = {};
        for (int j = 1; j < intervals; ++j)
            for (int r = 0; r < R; ++r) count[r] += x[r] >= breaks[j] ? T(1) : T(0);
        for (int r = 0; r < R; ++r) piece[r] = int32_t(count[r]);
        return;
    }
    for (int r = 0; r < R; ++r) {
        int low = 0, length = intervals - 1;
        while (length > 1) {
            const int half = length / 2;
            low += half & -int(x[r] >= breaks[low + half]);
            length -= half;
        }
        piece[r] = low + int(x[r] >= breaks[low + 1]);
    }
}

// Live functions and slopes. A tail is the first-order expansion at the end of the grid: u is held to [0, 1] and what is
// cut off multiplies the slope there.
template <class T, int K> void evaluate(const Layer<T> &d, const Stage<T> &s) {
    constexpr int W = K > 3 ? 8 : 4;
    using V = typename Lanes<T, W>::V;
    for (int i = 0; i < d.inputs; ++i) {
        const T *x = s.h + i * R, *origin = d.origin + int64_t(i) * d.intervals;
        const T *inverse = d.inverse + int64_t(i) * d.intervals, *powers = d.powers + int64_t(i) * d.intervals * (K + 1) * W;
        int32_t *piece = s.piece + i * R;
        T *live = s.live + int64_t(i) * R * W, *slope = s.slope + int64_t(i) * R * W;
        locate(d.breaks + int64_t(i) * (d.intervals + 1), d.intervals, x, piece);
        T u[R], held[R], rate[R];
        for (int r = 0; r < R; ++r) {
            rate[r] = inverse[piece[r]];
            u[r] = (x[r] - origin[piece[r]]) * rate[r];
        }
        for (int r = 0; r < R; ++r) { // written so that NaN stays, and without a branch
            const T above = T(0) > u[r] ? T(0) : u[r];
            held[r] = T(1) < above ? T(1) : above;
            u[r] -= held[r];
        }
        for (int r = 0; r < R; ++r) {
            const T *at = powers + int64_t(piece[r]) * (K + 1) * W;
            V value = load<T, W>(at + K * W), rise = V{};
            for (int j = K - 1; j >= 0; --j) {
                rise = rise * held[r] + value;
                value = value * held[r] + load<T, W>(at + j * W);
            }
            store<T, W>(live + r * W, value + rise * u[r]);
            store<T, W>(slope + r * W, rise * rate[r] + (held[r] - held[r])); // NaN where x is, whatever the degree
        }
        if (d.base >= 0)
            for (int r = 0; r < R; ++r) s.silu[i * R + r] = silu(x[r], 0), s.rise[i * R + r] = silu(x[r], 1);
    }
}

template <class T> void evaluate(const Layer<T> &d, const Stage<T> &s) {
    switch (d.degree) {
    case 0: return evaluate<T, 0>(d, s);
    case 1: return evaluate<T, 1>(d, s);
    case 2: return evaluate<T, 2>(d, s);
    case 3: return evaluate<T, 3>(d, s);
    case 4: return evaluate<T, 4>(d, s);
    default: return evaluate<T, 5>(d, s);
    }
}

// out (Z, R) = sum over edges of <basis, coefficients> + weight * base, plus the biases.
template <class T, int W, bool MORE>
void sum_edges(const Layer<T> &d, const int32_t *piece, const T *basis, const T *base, const Numbers<T> &n, T *out) {
    using V = typename Lanes<T, W>::V;
    for (int z = 0; z < d.sums; ++z) {
        T *to = out + z * R;
        const T bias = d.bias >= 0 ? n.theta[d.bias + z] : T(0);
        for (int r = 0; r < R; r += Q) {
            V sum[Q] = {};
            for (int j = d.into[z]; j < d.into[z + 1]; ++j) {
                const int e = d.order[j], at = d.source[e] * R + r;
                const T *c = n.coef + d.at + int64_t(e) * d.stride;
                for (int q = 0; q < Q; ++q)
                    sum[q] += load<T, W>(basis + (at + q) * W) * load<T, W>(c + piece[at + q]);
            }
            auto total = totals<T>(sum) + bias;
            if (MORE) total += load<T, Q>(to + r);
            store<T, Q>(to + r, total);
        }
        if (d.base >= 0)
            for (int j = d.into[z]; j < d.into[z + 1]; ++j) {
                const T w = n.theta[d.base + d.order[j]], *b = base + d.source[d.order[j]] * R;
                for (int r = 0; r < R; ++r) to[r] += w * b[r];
            }
    }
}

template <class T> void multiply(const Layer<T> &d, const T *z, T *nodes) {
    std::memcpy(nodes, z, sizeof(T) * size_t(d.plain) * R);
    const T *factor = z + d.plain * R;
    for (int j = 0; j < d.products; ++j, factor += d.arity[j - 1] * R) {
        T *to = nodes + (d.plain + j) * R;
        std::memcpy(to, factor, sizeof(T) * R);
        for (int a = 1; a < d.arity[j]; ++a)
            for (int r = 0; r < R; ++r) to[r] *= factor[a * R + r];
    }
}

// each(factor number, row, product of the other factors of its node, node), without a division.
template <class T, class F> EW_INLINE void each_factor(const Layer<T> &d, const T *z, const F &each) {
    int first = d.plain;
    for (int j = 0; j < d.products; ++j) {
        for (int a = 0; a < d.arity[j]; ++a)
            for (int r = 0; r < R; ++r) {
                T others = 1;
                for (int b = 0; b < d.arity[j]; ++b)
                    if (b != a) others *= z[(first + b) * R + r];
                each(first + a, r, others, d.plain + j);
            }
        first += d.arity[j];
    }
}

// Rows [first, first + count) of the call; the last one stands in for missing ones.
template <class T> void forward(const Plan<T> &plan, const Numbers<T> &n, Block<T> &block, int64_t first, int count) {
    block.count = count;
    const T *x = static_cast<const T *>(plan.call->x);
    T *h = block.stage[0].h;
    for (int r = 0; r < R; ++r) {
        const int64_t row = first + (r < count ? r : count - 1);
        for (int i = 0; i < plan.inputs; ++i) h[i * R + r] = x[row * plan.inputs + i];
    }
    for (int l = 0; l < plan.depth; ++l) {
        const Layer<T> &d = plan.layers[l];
        const Stage<T> &s = block.stage[l];
        evaluate(d, s);
        if (d.width == 4)
            sum_edges<T, 4, false>(d, s.piece, s.live, s.silu, n, s.z);
        else
            sum_edges<T, 8, false>(d, s.piece, s.live, s.silu, n, s.z);
        multiply(d, s.z, l + 1 < plan.depth ? block.stage[l + 1].h : block.f);
    }
}

} // namespace ew::EW_ISA::net
