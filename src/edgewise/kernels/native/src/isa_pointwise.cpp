// Compiled once for each instruction set, like isa.cpp and apart from it: functions of single channels.
#include "pointwise.h"

namespace ew::EW_ISA {

template <class T, int D> void pointwise_run(const ew_pointwise &s) {
    const Pointwise<T, D> map(s);
    s.dpoly ? map.backward() : map.forward();
}

template <class T> int pointwise_of(const ew_pointwise &s) {
    switch (s.degree) {
    case 0: pointwise_run<T, 0>(s); break;
    case 1: pointwise_run<T, 1>(s); break;
    case 2: pointwise_run<T, 2>(s); break;
    case 3: pointwise_run<T, 3>(s); break;
    case 4: pointwise_run<T, 4>(s); break;
    default: pointwise_run<T, 5>(s);
    }
    return EW_OK;
}

int pointwise(const ew_pointwise &s) { return s.is_double ? pointwise_of<double>(s) : pointwise_of<float>(s); }

} // namespace ew::EW_ISA
