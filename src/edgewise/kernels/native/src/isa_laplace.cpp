// Compiled once for each instruction set, like isa.cpp and apart from it: Laplacians carried through layers of cubics.
#include "laplace.h"

namespace ew::EW_ISA {

template <class T, int L> void laplace_run(const ew_laplace &s) {
    const Laplace<T, L> layer(s);
    s.dcoef ? layer.backward() : layer.forward();
}

template <class T> void laplace_of(const ew_laplace &s) {
    switch (s.lines) {
    case 1: return laplace_run<T, 1>(s);
    case 2: return laplace_run<T, 2>(s);
    default: return laplace_run<T, 3>(s);
    }
}

int laplace_sum(const ew_laplace &s) {
    s.is_double ? laplace_of<double>(s) : laplace_of<float>(s);
    return EW_OK;
}

} // namespace ew::EW_ISA
