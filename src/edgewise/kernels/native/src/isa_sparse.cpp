// Compiled once for each instruction set, like isa.cpp and apart from it: normal equations of rows with few numbers.
#include "sparse.h"

namespace ew::EW_ISA {

int sparse(int what, const ew_sparse &s, const int32_t *common, const double *in, double *out) {
    return what == 0 ? sparse_gram(s, common, in, out) : what == 1 ? sparse_pull(s, in, out) : sparse_times(s, in, out);
}

int cubics(const ew_sparse_cubics &s) { return sparse_cubics(s); }

} // namespace ew::EW_ISA
