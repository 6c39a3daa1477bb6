// One entry for all calls on networks: checks, and the choice of the type.
#pragma once
#include "isa.h"
#include "network_descent.h"

namespace ew::EW_ISA::net {

inline int call(NetworkCall what, const ew_network &n, const void *more) {
    if (!valid(n)) return EW_BAD_ARGUMENT;
    const bool wide = n.is_double != 0, loss = n.y && n.weight;
    switch (what) {
    case NetworkCall::outputs:
        if (!n.f && !(loss && n.value)) return EW_BAD_ARGUMENT;
        return wide ? visit<double>(n, false) : visit<float>(n, false);
    case NetworkCall::pull:
        if (!n.gradient || !(loss || n.g)) return EW_BAD_ARGUMENT;
        return wide ? visit<double>(n, true) : visit<float>(n, true);
    case NetworkCall::push:
        if (!n.v || !n.f) return EW_BAD_ARGUMENT;
        return wide ? push_all<double>(n) : push_all<float>(n);
    case NetworkCall::normal:
        if (!wide || !n.gradient || !n.curvature || !(loss || n.g)) return EW_BAD_ARGUMENT;
        return normal(n);
    case NetworkCall::descend: {
        const auto *d = static_cast<const ew_descent *>(more);
        if (!wide || !loss || n.g || n.root || !d || !d->theta || !d->value || !d->mu || !d->nu || !d->decrease || !d->stuck ||
            !d->taken)
            return EW_BAD_ARGUMENT;
        return descend(n, *d);
    }
    case NetworkCall::adam: {
        const auto *a = static_cast<const ew_adam *>(more);
        if (!a || !a->theta || !a->first || !a->second || !a->rate || !a->decay || !a->learning || a->steps < 0 ||
            (a->pick && !a->start) || !(loss || (n.g && a->steps == 1 && !a->pick)))
            return EW_BAD_ARGUMENT;
        return wide ? adam<double>(n, *a) : adam<float>(n, *a);
    }
    }
    return EW_BAD_ARGUMENT;
}

} // namespace ew::EW_ISA::net
