// Compiled once for each instruction set, like isa.cpp and apart from it: the spline form, by type, degree, base and width of tile.
#include "generic.h"
#include "maps.h"
#include "spline.h"

namespace ew::EW_ISA {

enum class Map { forward, grad_coef, grad_input, backward };

template <class T> int run_map(const ew_spline &s, Map map, const Kernels<T> &kernels, bool base) {
    Maps<T> maps(s, kernels, base);
    switch (map) {
    case Map::forward: maps.forward(); break;
    case Map::grad_coef: maps.backward(true, false, s.order, 0, true); break;
    case Map::grad_input: maps.backward(false, true, 0, s.order, false); break;
    case Map::backward: maps.backward(true, true, s.order, s.order + 1, true); break;
    }
    return EW_OK;
}

template <class T, int K> int run_degree(const ew_spline &s, Map map) {
    static constexpr Kernels<T> table[2][3] = {{kernels_of<T, K, 0, 1>(), kernels_of<T, K, 0, 2>(), kernels_of<T, K, 0, WIDE>()},
                                               {kernels_of<T, K, 1, 1>(), kernels_of<T, K, 1, 2>(), kernels_of<T, K, 1, WIDE>()}};
    const bool base = s.base || (s.dbase && map == Map::grad_coef);
    // The widest tile that leaves no more room empty than narrower ones.
    const int64_t vectors = ceil_div(s.outputs, Simd<T>::N), pairs = ceil_div(vectors, 2) * 2;
    const int width = vectors < 2 ? 0 : ceil_div(vectors, WIDE) * WIDE > pairs ? 1 : 2;
    return run_map<T>(s, map, table[base][width], base);
}

template <class T> int run_any(const ew_spline &s, Map map) {
    switch (map) {
    case Map::forward: return generic::forward<T>(s);
    case Map::grad_coef: return generic::grad_coef<T>(s);
    case Map::grad_input: return generic::grad_input<T>(s, s.order, false);
    case Map::backward: break;
    }
    const int done = generic::grad_coef<T>(s);
    return done == EW_OK ? generic::grad_input<T>(s, s.order + 1, true) : done;
}

template <class T> int run_type(const ew_spline &s, Map map) {
    switch (s.degree) {
    case 0: return run_degree<T, 0>(s, map);
    case 1: return run_degree<T, 1>(s, map);
    case 2: return run_degree<T, 2>(s, map);
    case 3: return run_degree<T, 3>(s, map);
    case 4: return run_degree<T, 4>(s, map);
    case 5: return run_degree<T, 5>(s, map);
    default: return run_any<T>(s, map);
    }
}

template <class T> void add_bias(const ew_spline &s) {
    T *y = static_cast<T *>(s.y);
    for (int64_t e = 0; e < s.nets; ++e) {
        const T *bias = static_cast<const T *>(s.bias) + e * s.outputs;
        for (int64_t b = 0; b < s.rows; ++b, y += s.outputs)
            for (int64_t o = 0; o < s.outputs; ++o) y[o] += bias[o];
    }
}

template <class T> void sum_gradient(const ew_spline &s) {
    std::vector<double> sums(size_t(s.outputs));
    for (int64_t e = 0; e < s.nets; ++e) {
        std::fill(sums.begin(), sums.end(), 0.0);
        for (int64_t b = 0; b < s.rows; ++b) {
            const T *g = static_cast<const T *>(s.g) + e * s.g_net + b * s.g_row;
            for (int64_t o = 0; o < s.outputs; ++o) sums[size_t(o)] += double(g[o]);
        }
        std::copy(sums.begin(), sums.end(), static_cast<T *>(s.dbias) + e * s.outputs);
    }
}

template <class T> int run_whole(const ew_spline &s, Map map) {
    if (map == Map::forward) Kept<T>(s, false).open();
    const int done = run_type<T>(s, map);
    if (done == EW_OK && s.bias && map == Map::forward) add_bias<T>(s);
    if (done == EW_OK && s.dbias && (map == Map::grad_coef || map == Map::backward)) sum_gradient<T>(s);
    return done;
}

int run(const ew_spline &s, Map map) { return s.is_double ? run_whole<double>(s, map) : run_whole<float>(s, map); }

int spline_forward(const ew_spline &s) { return run(s, Map::forward); }
int spline_grad_coef(const ew_spline &s) { return run(s, Map::grad_coef); }
int spline_grad_input(const ew_spline &s) { return run(s, Map::grad_input); }
int spline_backward(const ew_spline &s) { return run(s, Map::backward); }

} // namespace ew::EW_ISA
