// Compiled once for each instruction set, apart from isa.cpp: sums over the edges, by type, degree and base.
#include "scores.h"
#include "isa.h"

namespace ew::EW_ISA {

template <class T, int K, int NX> void run_moments(const ew_spline &s, const void *shift, double *out) {
    using Sums = EdgeSums<T, K, NX>;
    Kernels<T> kernels{};
    kernels.tile = Simd<T>::N;
    kernels.prepare = prepare<T, K>;
    EdgeMoments<T>(s, kernels, s.g ? Sums::template run<true> : Sums::template run<false>, shift, out).run();
}

template <class T, int K> void run_moments(const ew_spline &s, const void *shift, double *out) {
    if (s.base)
        run_moments<T, K, 1>(s, shift, out);
    else
        run_moments<T, K, 0>(s, shift, out);
}

template <class T> int run_moments(const ew_spline &s, const void *shift, double *out) {
    switch (s.degree) {
    case 0: run_moments<T, 0>(s, shift, out); break;
    case 1: run_moments<T, 1>(s, shift, out); break;
    case 2: run_moments<T, 2>(s, shift, out); break;
    case 3: run_moments<T, 3>(s, shift, out); break;
    case 4: run_moments<T, 4>(s, shift, out); break;
    case 5: run_moments<T, 5>(s, shift, out); break;
    default: return EW_BAD_ARGUMENT;
    }
    return EW_OK;
}

int edge_moments(const ew_spline &call, const void *shift, double *out) {
    ew_spline s = call;
    s.v = nullptr;
    return s.is_double ? run_moments<double>(s, shift, out) : run_moments<float>(s, shift, out);
}

} // namespace ew::EW_ISA
