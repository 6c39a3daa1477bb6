// The calls on a network that visit the rows once: outputs, products with the Jacobian.
#pragma once
#include "network_gradient.h"

namespace ew::EW_ISA::net {

// Rows are shared out in tasks whose number depends on nothing but the problem: the same bits for any number of threads.
constexpr int64_t TASK_ROWS = 512, MOST_TASKS = 16;

struct Tasks {
    int64_t count, rows; // rows of a task: whole blocks
    Tasks(int64_t total, int64_t least = TASK_ROWS) {
        count = total / least < 1 ? 1 : total / least > MOST_TASKS ? MOST_TASKS : total / least;
        rows = ((total + count - 1) / count + R - 1) / R * R;
    }
    int64_t first(int64_t task, int64_t total) const { return task * rows < total ? task * rows : total; }
};

// each(first row, rows) for the blocks of a task.
template <class F> void over_blocks(const Tasks &tasks, int64_t task, int64_t total, const F &each) {
    const int64_t end = tasks.first(task + 1, total);
    for (int64_t k = tasks.first(task, total); k < end; k += R) each(k, int(end - k < R ? end - k : R));
}

template <class T> bool make_block(const Plan<T> &plan, Block<T> &block) {
    void *p = scratch(1, block_bytes(plan) + 64);
    if (!p) return false;
    Arena arena{static_cast<char *>(p)};
    lay_out(plan, block, arena);
    return true;
}

// The loss of y for a block, sum_r weight_r |f_r - y_r|^2 / 2, and its gradient in the seed; missing rows weigh nothing.
template <class T>
double squared(const Plan<T> &plan, Block<T> &block, int64_t first) {
    const T *y = static_cast<const T *>(plan.call->y), *weight = static_cast<const T *>(plan.call->weight);
    double total = 0;
    for (int r = 0; r < R; ++r) {
        const bool there = r < block.count;
        const int64_t row = there ? first + r : first;
        const T w = there ? weight[row] : T(0);
        double square = 0;
        for (int d = 0; d < plan.outputs; ++d) {
            const T gap = block.f[d * R + r] - y[row * plan.outputs + d];
            square += double(gap) * double(gap);
            block.seed[d * R + r] = there ? w * gap : T(0);
        }
        if (there) total += 0.5 * double(w) * square;
    }
    return total;
}

// The given gradient in the outputs as the seed of a block.
template <class T> void given(const Plan<T> &plan, Block<T> &block, const T *g, int64_t first) {
    for (int r = 0; r < R; ++r)
        for (int d = 0; d < plan.outputs; ++d)
            block.seed[d * R + r] = r < block.count ? g[(first + r) * plan.outputs + d] : T(0);
}

template <class T> void take_outputs(const Plan<T> &plan, const Block<T> &block, T *f, int64_t first) {
    for (int r = 0; r < block.count; ++r)
        for (int d = 0; d < plan.outputs; ++d) f[(first + r) * plan.outputs + d] = block.f[d * R + r];
}

// What a pass over the rows of every network gives.
template <class T> struct Pass {
    T *f = nullptr;           // (E, rows, D)
    T *accumulators = nullptr; // (E, tasks, accumulators): sums of gradients
    double *values = nullptr; // (E, tasks)
};

template <class T> bool run(const Plan<T> &plan, const Numbers<T> *numbers, int64_t nets, const Tasks &tasks, const Pass<T> &pass) {
    const ew_network &n = *plan.call;
    bool failed = false;
    parallel(nets * tasks.count, n.threads, [&](int64_t task) {
        const int64_t e = task / tasks.count;
        Block<T> block;
        if (!make_block(plan, block)) {
            __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
            return;
        }
        T *sums = pass.accumulators ? pass.accumulators + task * plan.accumulators : nullptr;
        if (sums) std::memset(sums, 0, sizeof(T) * size_t(plan.accumulators));
        double value = 0;
        over_blocks(tasks, task % tasks.count, n.rows, [&](int64_t first, int count) {
            forward(plan, numbers[e], block, first, count);
            if (pass.f) take_outputs(plan, block, pass.f + e * n.rows * plan.outputs, first);
            if (n.y) value += squared(plan, block, first);
            if (!sums) return;
            if (n.g) given(plan, block, static_cast<const T *>(n.g) + e * n.rows * plan.outputs, first);
            backward(plan, numbers[e], block);
            gather(plan, block, sums);
        });
        if (pass.values) pass.values[task] = value;
    });
    return !failed;
}

inline void add_up(const double *values, int64_t nets, int64_t tasks, double *to) {
    for (int64_t e = 0; e < nets; ++e) {
        double sum = 0;
        for (int64_t t = 0; t < tasks; ++t) sum += values[e * tasks + t];
        to[e] = sum;
    }
}

// Rows of a task, so that adding up its gradients costs little beside making them.
template <class T> int64_t least_rows(const Plan<T> &plan) {
    return plan.accumulators / 8 > TASK_ROWS ? plan.accumulators / 8 : TASK_ROWS;
}

template <class T> int visit(const ew_network &n, bool differentiate) {
    const Plan<T> plan = make_plan<T>(n);
    const Tasks tasks(n.rows, differentiate ? least_rows(plan) : TASK_ROWS);
    Numbers<T> *numbers = nullptr;
    Pass<T> pass;
    pass.f = static_cast<T *>(n.f);
    Arena arena{nullptr};
    for (int k = 0; k < 2; ++k) {
        if (k) arena = Arena{memory(2, arena.used)};
        numbers = arena.take<Numbers<T>>(n.nets);
        T *coef = arena.take<T>(n.nets * plan.coefs);
        pass.accumulators = differentiate ? arena.take<T>(n.nets * tasks.count * plan.accumulators) : nullptr;
        pass.values = arena.take<double>(n.nets * tasks.count);
        for (int64_t e = 0; k && e < n.nets; ++e) {
            numbers[e].coef = coef + e * plan.coefs;
            load_numbers(plan, static_cast<const T *>(n.theta) + e * plan.parameters, numbers[e]);
        }
    }
    if (!run(plan, numbers, n.nets, tasks, pass)) return EW_NO_MEMORY;
    if (n.y && n.value) add_up(pass.values, n.nets, tasks.count, n.value);
    for (int64_t e = 0; differentiate && e < n.nets; ++e)
        fold(plan, pass.accumulators + e * tasks.count * plan.accumulators, tasks.count,
             static_cast<T *>(n.gradient) + e * plan.parameters);
    return EW_OK;
}

template <class T> int push_all(const ew_network &n) {
    const Plan<T> plan = make_plan<T>(n);
    const Tasks tasks(n.rows);
    char *p = memory(2, 2 * int64_t(sizeof(T)) * plan.coefs * n.nets + 128);
    T *coefs = reinterpret_cast<T *>(p);
    for (int64_t e = 0; e < n.nets; ++e) {
        Numbers<T> at{nullptr, coefs + 2 * e * plan.coefs}, along{nullptr, coefs + (2 * e + 1) * plan.coefs};
        load_numbers(plan, static_cast<const T *>(n.theta) + e * plan.parameters, at);
        load_numbers(plan, static_cast<const T *>(n.v) + e * plan.parameters, along);
    }
    bool failed = false;
    parallel(n.nets * tasks.count, n.threads, [&](int64_t task) {
        const int64_t e = task / tasks.count;
        const Numbers<T> at{static_cast<const T *>(n.theta) + e * plan.parameters, coefs + 2 * e * plan.coefs};
        const Numbers<T> along{static_cast<const T *>(n.v) + e * plan.parameters, coefs + (2 * e + 1) * plan.coefs};
        Block<T> block;
        if (!make_block(plan, block)) {
            __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
            return;
        }
        over_blocks(tasks, task % tasks.count, n.rows, [&](int64_t first, int count) {
            forward(plan, at, block, first, count);
            push(plan, at, along, block);
            take_outputs(plan, block, static_cast<T *>(n.f) + e * n.rows * plan.outputs, first);
        });
    });
    return failed ? EW_NO_MEMORY : EW_OK;
}

} // namespace ew::EW_ISA::net
