// Levenberg-Marquardt of whole networks: normal equations, damped Cholesky factor, trials and damping in one call.
#pragma once
#include "network_normal.h"

#include <cmath>
#include <initializer_list>

namespace ew::EW_ISA::net {

// One network on its way.
struct Descent {
    const Normal &normal;
    const ew_network &call;
    const ew_descent &to;
    int64_t e;
    int threads;
    Numbers<double> numbers;
    double *h, *factor, *panels, *gradient, *move, *trial, *product, *unit, *values;
    char *work;

    int64_t n() const { return normal.n; }
    double *theta() const { return to.theta + e * n(); }

    // The loss and the penalty at a vector.
    double value(const double *at, bool &failed) {
        load_numbers(normal.plan, at, numbers);
        Pass<double> pass;
        pass.values = values;
        const Tasks tasks(call.rows, Normal::rows_for(normal.plan)); // as in the normal equations: the same sums, bit by bit
        ew_network own = call;
        own.threads = threads;
        Plan<double> plan = normal.plan;
        plan.call = &own;
        if (!run(plan, &numbers, 1, tasks, pass)) failed = true;
        double sum = 0;
        add_up(values, 1, tasks.count, &sum);
        return sum + penalty(at);
    }
    // theta^T S theta / 2; `product` becomes S theta.
    double penalty(const double *at) {
        if (!to.penalty) return 0;
        for (int64_t i = 0; i < n(); ++i) product[i] = dense::dot(to.penalty + i * n(), at, n());
        return 0.5 * dense::dot(at, product, n());
    }

    // The next improving step; false where memory ran out.
    bool step() {
        const int64_t P = n(), ld = normal.ld;
        double now = 0;
        load_numbers(normal.plan, theta(), numbers);
        if (!normal(numbers, e, threads, work, h, gradient, &now, nullptr)) return false;
        now += penalty(theta());
        bool finite = std::isfinite(now);
        double largest = 0;
        for (int64_t i = 0; i < P; ++i) {
            if (to.penalty) {
                gradient[i] += product[i];
                dense::subtract(h + i * ld + i, to.penalty + i * P + i, -1.0, P - i);
            }
            finite = finite && std::isfinite(gradient[i]);
            const double own = h[i * ld + i];
            largest = own > largest || own != own ? own : largest;
        }
        to.decrease[e] = 0;
        to.stuck[e] = 1;
        if (!finite) return true;
        for (int64_t i = 0; i < P; ++i) {
            const double own = h[i * ld + i], least = to.floor * largest;
            unit[i] = own > 0 ? 1 / std::sqrt(own < least ? least : own) : 0.0;
        }
        double mu = to.mu[e], nu = to.nu[e];
        while (mu <= to.mu_max) {
            for (int64_t i = 0; i < P; ++i) {
                for (int64_t j = i; j < P; ++j) factor[i * ld + j] = h[i * ld + j] * unit[i] * unit[j];
                factor[i * ld + i] += mu;
            }
            bool definite = dense::cholesky(factor, P, ld, panels, threads);
            // A pivot as small as rounding says nothing: such a system is damped further.
            for (int64_t i = 0; definite && i < P; ++i) definite = factor[i * ld + i] * factor[i * ld + i] > to.tolerance * double(P);
            if (definite) {
                for (int64_t i = 0; i < P; ++i) move[i] = -gradient[i] * unit[i];
                dense::solve(factor, P, ld, move);
                for (int64_t i = 0; i < P; ++i) move[i] *= unit[i];
                dense::multiply(h, P, ld, move, trial);
                const double predicted = -(dense::dot(gradient, move, P) + 0.5 * dense::dot(move, trial, P));
                for (int64_t i = 0; i < P; ++i) trial[i] = theta()[i] + move[i];
                bool failed = false;
                const double next = value(trial, failed);
                if (failed) return false;
                const double gain = predicted > 0 ? (now - next) / predicted : -1.0;
                if (std::isfinite(next) && next < now && gain > to.least_gain) {
                    const double bent = 2 * (gain < 1.5 ? gain : 1.5) - 1, share = 1 - bent * bent * bent;
                    mu *= share > 1.0 / 3 ? share : 1.0 / 3;
                    std::memcpy(theta(), trial, sizeof(double) * size_t(P));
                    to.value[e] = next;
                    to.mu[e] = mu > 1e-15 ? mu : 1e-15;
                    to.nu[e] = 2;
                    to.decrease[e] = (now - next) / (now > 1e-300 ? now : 1e-300);
                    to.stuck[e] = 0;
                    return true;
                }
                if (!(predicted > 1e-15 * std::fabs(now))) break;
            }
            mu *= nu;
            nu *= 2;
        }
        to.value[e] = now;
        to.mu[e] = to.mu_start;
        to.nu[e] = 2;
        return true;
    }
};

inline int descend(const ew_network &n, const ew_descent &d) {
    const Plan<double> plan = make_plan<double>(n);
    const Normal normal(plan);
    // Several networks are shared out; a single one's rows are.
    const int threads = n.nets > 1 ? 1 : n.threads;
    bool failed = false;
    parallel(n.nets, n.threads, [&](int64_t e) {
        Descent one{normal, n, d, e, threads, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
        const int64_t P = plan.parameters, square = normal.ld * normal.ld;
        Arena arena{nullptr};
        for (int k = 0; k < 2; ++k) {
            if (k) {
                void *p = scratch(3, arena.used + 64);
                if (!p) {
                    __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
                    return;
                }
                arena = Arena{static_cast<char *>(p)};
            }
            one.numbers.coef = arena.take<double>(plan.coefs);
            one.h = arena.take<double>(square);
            one.factor = arena.take<double>(square);
            one.panels = arena.take<double>(dense::BLOCK * normal.ld);
            for (double **each : {&one.gradient, &one.move, &one.trial, &one.product, &one.unit}) *each = arena.take<double>(P);
            one.values = arena.take<double>(normal.tasks.count);
            one.work = arena.take<char>(normal.room(threads));
        }
        std::memset(one.factor, 0, sizeof(double) * size_t(square));
        d.taken[e] = 0;
        d.stuck[e] = 0;
        while (d.taken[e] < d.steps && !d.stuck[e]) {
            if (!one.step()) {
                __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
                return;
            }
            ++d.taken[e];
            if (d.decrease[e] < d.rest) break;
        }
    });
    return failed ? EW_NO_MEMORY : EW_OK;
}

} // namespace ew::EW_ISA::net
