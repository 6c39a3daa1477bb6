// Normal equations of a network: gradient and Gauss-Newton matrix in one pass, with no Jacobian kept; the upper triangle is
// formed, a chunk of rows at a time.
#pragma once
#include "network_columns.h"

namespace ew::EW_ISA::net {

// Seeds of output row d of the root: row r of the block gets R[d, :].
inline void seed_root(const Plan<double> &plan, Block<double> &block, int64_t e, int64_t first, int64_t total, int64_t d) {
    const ew_network &n = *plan.call;
    const double *root = static_cast<const double *>(n.root), *weight = static_cast<const double *>(n.weight);
    const int64_t D = plan.outputs;
    for (int r = 0; r < R; ++r)
        for (int64_t j = 0; j < D; ++j) {
            double value = 0;
            if (r < block.count) {
                const int64_t row = e * total + first + r;
                if (!root)
                    value = j == d ? (n.y ? std::sqrt(weight[first + r]) : 1.0) : 0.0;
                else if (n.full_root)
                    value = root[(row * D + d) * D + j];
                else
                    value = j == d ? root[row * D + d] : 0.0;
            }
            block.seed[j * R + r] = value;
        }
}

// Gauss-Newton matrix (padded rows, upper triangle), gradient and loss of network e.
struct Normal {
    const Plan<double> &plan;
    int64_t n, ld, bytes, groups, nodes = 0, chunk;
    Tasks tasks;

    // Rows of a task, so that adding up its matrix costs little beside making it.
    static int64_t rows_for(const Plan<double> &plan) {
        const double share = double(plan.parameters) / double(4 * make_groups(plan, nullptr) + 1);
        const int64_t rows = int64_t(10 * share * share), least = 2 * TASK_ROWS;
        return rows > least ? rows : least;
    }
    explicit Normal(const Plan<double> &p)
        : plan(p), n(p.parameters), ld(dense::padded(n)), bytes(int64_t(sizeof(double)) * ld * ld),
          groups(make_groups(p, nullptr)), tasks(p.call->rows, rows_for(p)) {
        for (int l = 0; l < p.depth; ++l) nodes += p.layers[l].inputs;
        chunk = CHUNK_BYTES / (32 * groups * p.outputs + 1) / R * R;
        chunk = chunk < 2 * R ? 2 * R : chunk > CHUNK_ROWS ? CHUNK_ROWS : chunk;
        if (chunk > tasks.rows) chunk = tasks.rows > R ? tasks.rows : R;
    }
    int64_t workers(int threads) const { return tasks.count < threads ? tasks.count : threads; }
    // Bytes that `operator()` works in.
    int64_t room(int threads) const {
        Arena arena{nullptr};
        double *a, *b, *c;
        lay_out(arena, threads, a, b, c);
        return arena.used;
    }
    void lay_out(Arena &arena, int threads, double *&sums, double *&values, double *&parts) const {
        sums = arena.take<double>(tasks.count * plan.accumulators);
        values = arena.take<double>(tasks.count);
        parts = arena.take<double>(tasks.count > 1 ? workers(threads) * ld * ld : 0);
    }

    bool operator()(const Numbers<double> &numbers, int64_t e, int threads, char *work, double *h, double *gradient,
                    double *value, double *f) const {
        Arena arena{work};
        double *sums, *values, *parts;
        lay_out(arena, threads, sums, values, parts);
        std::memset(h, 0, size_t(bytes));
        const int64_t wave = workers(threads);
        bool failed = false;
        for (int64_t begin = 0; begin < tasks.count; begin += wave) {
            const int64_t count = tasks.count - begin < wave ? tasks.count - begin : wave;
            parallel(count, threads, [&](int64_t k) {
                double *own = tasks.count > 1 ? parts + k * ld * ld : h;
                if (tasks.count > 1) std::memset(own, 0, size_t(bytes));
                const int64_t t = begin + k;
                if (!task(numbers, e, t, own, sums + t * plan.accumulators, values[t], f))
                    __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
            });
            for (int64_t k = 0; tasks.count > 1 && k < count; ++k)
                for (int64_t i = 0; i < n; ++i) dense::subtract(h + i * ld + i, parts + (k * ld + i) * ld + i, -1.0, n - i);
        }
        if (failed) return false;
        fold(plan, sums, tasks.count, gradient);
        add_up(values, 1, tasks.count, value);
        return true;
    }

  private:
    bool task(const Numbers<double> &numbers, int64_t e, int64_t t, double *h, double *sums, double &value, double *f) const {
        const ew_network &call = *plan.call;
        Block<double> block;
        if (!make_block(plan, block)) return false;
        Chunk to{};
        to.count = groups, to.rows = chunk, to.outputs = plan.outputs, to.full = call.root && call.full_root;
        Group *made = nullptr;
        Family *families = nullptr;
        Arena arena{nullptr};
        for (int k = 0; k < 2; ++k) {
            if (k) {
                arena = Arena{static_cast<char *>(scratch(4, arena.used))};
                if (!arena.base) return false;
            }
            made = arena.take<Group>(groups);
            families = arena.take<Family>(groups);
            to.key = arena.take<int32_t>(chunk);
            to.order = arena.take<int32_t>(chunk);
            to.start = arena.take<int32_t>(chunk / 8 + 3);
            to.values = arena.take<double>(to.outputs * groups * chunk * 4);
            to.pieces = arena.take<int32_t>(nodes * chunk);
            to.table = arena.take<double>(8 * chunk * to.outputs);
        }
        make_groups(plan, made);
        to.groups = made;
        to.families = families;
        to.related = make_families(made, groups, families);
        std::memset(sums, 0, sizeof(double) * size_t(plan.accumulators));
        value = 0;
        over_blocks(tasks, t, call.rows, [&](int64_t first, int count) {
            forward(plan, numbers, block, first, count);
            if (f) take_outputs(plan, block, f + e * call.rows * plan.outputs, first);
            if (call.y) value += squared(plan, block, first);
            if (call.g) given(plan, block, static_cast<const double *>(call.g) + e * call.rows * plan.outputs, first);
            backward(plan, numbers, block);
            gather(plan, block, sums);
            to.take_pieces(plan, block);
            for (int64_t d = 0; d < plan.outputs; ++d) {
                seed_root(plan, block, e, first, call.rows, d);
                backward(plan, numbers, block);
                to.take_values(plan, block, d);
            }
            to.filled += R; // missing rows have seed zero
            if (to.filled == chunk) to.flush(h, ld);
        });
        to.flush(h, ld);
        return true;
    }
};

inline int normal(const ew_network &n) {
    const Plan<double> plan = make_plan<double>(n);
    const Normal normal(plan);
    const int64_t P = plan.parameters;
    Arena arena{nullptr};
    Numbers<double> numbers{};
    double *h = nullptr;
    char *work = nullptr;
    for (int k = 0; k < 2; ++k) {
        if (k) arena = Arena{memory(2, arena.used)};
        numbers.coef = arena.take<double>(plan.coefs);
        h = arena.take<double>(normal.ld * normal.ld);
        work = arena.take<char>(normal.room(n.threads));
    }
    for (int64_t e = 0; e < n.nets; ++e) {
        load_numbers(plan, static_cast<const double *>(n.theta) + e * P, numbers);
        double value = 0;
        if (!normal(numbers, e, n.threads, work, h, static_cast<double *>(n.gradient) + e * P, &value, static_cast<double *>(n.f)))
            return EW_NO_MEMORY;
        if (n.value) n.value[e] = value;
        double *out = static_cast<double *>(n.curvature) + e * P * P;
        constexpr int64_t SIDE = 16; // squares, so that the transposed half is written a line at a time
        for (int64_t i = 0; i < P; i += SIDE)
            for (int64_t j = i; j < P; j += SIDE)
                for (int64_t a = i; a < (i + SIDE < P ? i + SIDE : P); ++a)
                    for (int64_t b = j > a ? j : a; b < (j + SIDE < P ? j + SIDE : P); ++b)
                        out[a * P + b] = out[b * P + a] = h[a * normal.ld + b];
    }
    return EW_OK;
}

} // namespace ew::EW_ISA::net
