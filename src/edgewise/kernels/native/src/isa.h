// What one instruction set offers. isa.cpp is compiled once for each with -DEW_ISA=<name>; api.cpp picks at run time.
#pragma once
#include "edgewise.h"
#include "edgewise_network.h"

namespace ew {

enum class NetworkCall { outputs, pull, push, normal, descend };

struct Isa {
    const char *name;
    int (*forward)(const ew_spline &);
    int (*grad_coef)(const ew_spline &);
    int (*grad_input)(const ew_spline &);
    int (*backward)(const ew_spline &);
    int (*edge_moments)(const ew_spline &, const void *shift, double *sums);
    int (*adamw)(const ew_adamw_step &);
    int64_t (*adamw_rows)(int64_t);
    int (*hidden)(const ew_hidden &);
    int (*laplace)(const ew_laplace &);
    int (*pointwise)(const ew_pointwise &);
    int (*sparse)(int what, const ew_sparse &, const int32_t *common, const double *in, double *out); // gram, pull, times
    int (*cubics)(const ew_sparse_cubics &);
    int (*network)(NetworkCall, const ew_network &, const void *more);
    double (*peak_fma)(int is_double, double seconds);
    double (*bandwidth)(int64_t bytes, double seconds);
};

extern const Isa isa_portable;
#if defined(__x86_64__) || defined(_M_X64)
extern const Isa isa_avx2, isa_avx512;
#elif defined(__aarch64__)
extern const Isa isa_neon;
#endif

const Isa &chosen();

} // namespace ew
