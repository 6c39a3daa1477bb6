// Compiled once for each instruction set, with -DEW_ISA=avx512, avx2, neon or portable and the compiler flags for it.
#include "isa.h"

#include "network_entry.h"
#include "optimizer.h"
#include "roofline.h"
#include "spline.h"

namespace ew::EW_ISA {
int edge_moments(const ew_spline &s, const void *shift, double *sums); // isa_scores.cpp
int hidden_sum(const ew_hidden &s); // isa_hidden.cpp
int laplace_sum(const ew_laplace &s); // isa_laplace.cpp
int pointwise(const ew_pointwise &s); // isa_pointwise.cpp
int sparse(int what, const ew_sparse &s, const int32_t *common, const double *in, double *out); // isa_sparse.cpp
int cubics(const ew_sparse_cubics &s);
}

#define EW_JOIN_(a, b) a##b
#define EW_JOIN(a, b) EW_JOIN_(a, b)
#define EW_TEXT_(a) #a
#define EW_TEXT(a) EW_TEXT_(a)

namespace ew {
extern const Isa EW_JOIN(isa_, EW_ISA) = {
    EW_TEXT(EW_ISA),
    EW_ISA::spline_forward,
    EW_ISA::spline_grad_coef,
    EW_ISA::spline_grad_input,
    EW_ISA::spline_backward,
    EW_ISA::edge_moments,
    EW_ISA::adamw_step,
    EW_ISA::adamw_rows,
    EW_ISA::hidden_sum,
    EW_ISA::laplace_sum,
    EW_ISA::pointwise,
    EW_ISA::sparse,
    EW_ISA::cubics,
    EW_ISA::net::call,
    EW_ISA::peak_fma,
    EW_ISA::bandwidth,
};
} // namespace ew
