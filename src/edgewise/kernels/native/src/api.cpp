// The C interface: checks, and the choice of the instruction set at run time.
#include "isa.h"

#include <atomic>
#include <cstring>
#include <new>

#if defined(__x86_64__) || defined(_M_X64)
#include <cpuid.h>
#endif

namespace ew {
namespace {

#if defined(__x86_64__) || defined(_M_X64)
// Read from the processor: __builtin_cpu_supports needs a runtime library that not every compiler brings.
struct Cpu {
    bool avx2 = false, avx512 = false;
    Cpu() {
        unsigned a, b, c, d;
        if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return; // may the registers that the system saves be asked for
        const bool fma = c >> 12 & 1;
        unsigned saved, high;
        __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
        if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
        avx2 = fma && (saved & 0x06) == 0x06 && (b >> 5 & 1);
        avx512 = avx2 && (saved & 0xe6) == 0xe6 && (b >> 16 & 1) && (b >> 17 & 1) && (b >> 30 & 1) && (b >> 31 & 1); // F, DQ, BW, VL
    }
};
#endif

bool has(const Isa &isa) {
#if defined(__x86_64__) || defined(_M_X64)
    static const Cpu cpu;
    if (&isa == &isa_avx2) return cpu.avx2;
    if (&isa == &isa_avx512) return cpu.avx512;
#endif
    (void)isa;
    return true;
}

const Isa *const all[] = {
#if defined(__x86_64__) || defined(_M_X64)
    &isa_avx512, &isa_avx2,
#elif defined(__aarch64__)
    &isa_neon,
#endif
    &isa_portable};

std::atomic<const Isa *> current{nullptr};

bool fits(const ew_spline *s) {
    return s && s->nets > 0 && s->rows >= 0 && s->inputs >= 0 && s->outputs >= 0 && s->degree >= 0 && s->intervals >= 1 &&
           s->order >= 0 && s->breaks && s->table && s->origin && s->width;
}

template <class F> int guarded(const ew_spline *s, F f) {
    if (!fits(s)) return EW_BAD_ARGUMENT;
    try {
        return f(*s);
    } catch (const std::bad_alloc &) {
        return EW_NO_MEMORY;
    } catch (...) {
        return EW_BAD_ARGUMENT;
    }
}

int sparse(int what, const ew_sparse *s, const int32_t *common, const double *in, double *out) {
    if (!s || s->rows < 0 || s->features < 0 || s->blocks < 0 || (s->rows > 0 && !(in && out))) return EW_BAD_ARGUMENT;
    for (int64_t k = 0; k < s->blocks; ++k) {
        const ew_sparse_block &b = s->block[k];
        if (!b.at || b.runs < 1 || (b.width != 1 && b.width != 4) || (!b.value && b.runs * b.width != 1)) return EW_BAD_ARGUMENT;
    }
    try {
        return chosen().sparse(what, *s, common, in, out);
    } catch (...) {
        return EW_NO_MEMORY;
    }
}

int network(NetworkCall what, const ew_network *n, const void *more = nullptr) {
    if (!n) return EW_BAD_ARGUMENT;
    try {
        return chosen().network(what, *n, more);
    } catch (const std::bad_alloc &) {
        return EW_NO_MEMORY;
    } catch (...) {
        return EW_BAD_ARGUMENT;
    }
}

} // namespace

const Isa &chosen() {
    auto isa = current.load(std::memory_order_relaxed);
    if (isa) return *isa;
    for (auto each : all) {
        if (has(*each)) {
            current.store(each);
            return *each;
        }
    }
    return isa_portable;
}

} // namespace ew

extern "C" {

int ew_version(void) { return EW_VERSION; }
const char *ew_isa(void) { return ew::chosen().name; }

int ew_use_isa(const char *name) {
    for (auto each : ew::all) {
        if (name && std::strcmp(each->name, name) == 0 && ew::has(*each)) {
            ew::current.store(each);
            return EW_OK;
        }
    }
    return EW_BAD_ARGUMENT;
}

int ew_forward(const ew_spline *s) { return ew::guarded(s, ew::chosen().forward); }
int ew_grad_coef(const ew_spline *s) { return ew::guarded(s, ew::chosen().grad_coef); }
int ew_grad_input(const ew_spline *s) { return ew::guarded(s, ew::chosen().grad_input); }
int ew_edge_moments(const ew_spline *s, const void *shift, double *sums) {
    if (s && s->inputs > 0 && s->outputs > 0 && !(shift && sums)) return EW_BAD_ARGUMENT;
    return ew::guarded(s, [&](const ew_spline &call) { return ew::chosen().edge_moments(call, shift, sums); });
}
int64_t ew_adamw_rows(int64_t columns) { return ew::chosen().adamw_rows(columns); }
int ew_adamw(const ew_adamw_step *s) { return s && s->part && s->parts >= 0 ? ew::chosen().adamw(*s) : EW_BAD_ARGUMENT; }
int ew_hidden_sum(const ew_hidden *s) {
    if (!s || s->nets < 0 || s->nodes < 0 || s->rows < 0 || s->outputs < 0 || s->intervals < 1 || !(s->reach > 0))
        return EW_BAD_ARGUMENT;
    return ew::chosen().hidden(*s);
}
int ew_laplace_sum(const ew_laplace *s) {
    if (!s || s->rows < 0 || s->inputs < 0 || s->outputs < 0 || s->intervals < 1 || s->lines < 1 || s->lines > 3)
        return EW_BAD_ARGUMENT;
    try {
        return ew::chosen().laplace(*s);
    } catch (const std::bad_alloc &) {
        return EW_NO_MEMORY;
    }
}
int ew_pointwise_map(const ew_pointwise *s) {
    if (!s || s->rows < 0 || s->channels < 0 || s->places < 0 || s->intervals < 1 || s->degree < 0 || s->degree > 5)
        return EW_BAD_ARGUMENT;
    try {
        return ew::chosen().pointwise(*s);
    } catch (const std::bad_alloc &) {
        return EW_NO_MEMORY;
    }
}
int ew_sparse_products(const ew_sparse *s, const int32_t *common, const double *weight, double *gram) {
    return s && s->blocks > 0 && !common ? EW_BAD_ARGUMENT : ew::sparse(0, s, common, weight, gram);
}
int ew_sparse_pull(const ew_sparse *s, const double *slope, double *sums) { return ew::sparse(1, s, nullptr, slope, sums); }
int ew_sparse_times(const ew_sparse *s, const double *theta, double *f) { return ew::sparse(2, s, nullptr, theta, f); }
int ew_sparse_expand(const ew_sparse_cubics *s) {
    if (!s || s->rows < 0 || s->intervals < 1 || !s->breaks || !s->table || !s->origin || !s->width) return EW_BAD_ARGUMENT;
    return s->rows > 0 && !(s->x && s->at && s->value) ? EW_BAD_ARGUMENT : ew::chosen().cubics(*s);
}
int ew_backward(const ew_spline *s) { return ew::guarded(s, ew::chosen().backward); }

int ew_network_outputs(const ew_network *n) { return ew::network(ew::NetworkCall::outputs, n); }
int ew_network_pull(const ew_network *n) { return ew::network(ew::NetworkCall::pull, n); }
int ew_network_push(const ew_network *n) { return ew::network(ew::NetworkCall::push, n); }
int ew_network_normal(const ew_network *n) { return ew::network(ew::NetworkCall::normal, n); }
int ew_network_descend(const ew_network *n, const ew_descent *d) { return ew::network(ew::NetworkCall::descend, n, d); }

double ew_peak_fma(int is_double, double seconds) { return ew::chosen().peak_fma(is_double, seconds); }
double ew_bandwidth(int64_t bytes, double seconds) {
    try {
        return ew::chosen().bandwidth(bytes, seconds);
    } catch (...) {
        return 0;
    }
}

}
