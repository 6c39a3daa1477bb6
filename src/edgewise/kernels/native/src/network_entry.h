// One entry for all calls on networks, and their checks.
#pragma once
#include "isa.h"
#include "network_descent.h"

namespace ew::EW_ISA::net {

inline int call(NetworkCall what, const ew_network &n, const void *more) {
    if (!valid(n) || !n.is_double) return EW_BAD_ARGUMENT;
    const bool loss = n.y && n.weight;
    switch (what) {
    case NetworkCall::outputs:
        if (!n.f && !(loss && n.value)) return EW_BAD_ARGUMENT;
        return visit<double>(n, false);
    case NetworkCall::pull:
        if (!n.gradient || !n.g) return EW_BAD_ARGUMENT;
        return visit<double>(n, true);
    case NetworkCall::push:
        if (!n.v || !n.f) return EW_BAD_ARGUMENT;
        return push_all<double>(n);
    case NetworkCall::normal:
        if (!n.gradient || !n.curvature || !(loss || n.g)) return EW_BAD_ARGUMENT;
        return normal(n);
    case NetworkCall::descend: {
        const auto *d = static_cast<const ew_descent *>(more);
        if (!loss || n.g || n.root || !d || !d->theta || !d->value || !d->mu || !d->nu || !d->decrease || !d->stuck ||
            !d->taken)
            return EW_BAD_ARGUMENT;
        return descend(n, *d);
    }
    }
    return EW_BAD_ARGUMENT;
}

} // namespace ew::EW_ISA::net
