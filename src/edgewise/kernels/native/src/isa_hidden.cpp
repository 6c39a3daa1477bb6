// Compiled once for each instruction set, like isa.cpp and apart from it: hidden layers of many small networks at once.
#include "hidden.h"

namespace ew::EW_ISA {

int hidden_sum(const ew_hidden &s) {
    if (s.intervals > HIDDEN_MOST) return EW_BAD_ARGUMENT;
    parallel(s.nets, s.threads, [&](int64_t net) {
        if (s.g)
            s.is_double ? hidden_backward<double>(s, net) : hidden_backward<float>(s, net);
        else
            s.is_double ? hidden_forward<double>(s, net) : hidden_forward<float>(s, net);
    });
    return EW_OK;
}

} // namespace ew::EW_ISA
