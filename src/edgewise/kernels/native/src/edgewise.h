/* The C interface of edgewise's native kernels: plain C, no Python and no torch, so that one library serves every version.
 *
 * The spline form of a layer, for each of E networks:
 *
 *     T_nu(x, v, c, w, g) = sum_{b,i,o} v_bi (sum_m B_m^(nu)(x_bi) c_imo + base^(nu)(x_bi) w_io) g_bo
 *
 * forward is its gradient in g, grad_coef that in c (and w), grad_input that in v. B are the B-splines of one grid an input,
 * with linear tails, described by a table of pieces: on piece p (0 the left tail, 1..G the intervals, G + 1 the right tail)
 * the k + 1 live functions are sum_r table[i][p][m][r] u^r with u = (x - origin[i][p]) / width[i][p]; base is silu.
 *
 * Every call returns 0, or a code of `ew_status`; it never throws, prints or keeps anything. Strides count elements.
 */
#ifndef EDGEWISE_H
#define EDGEWISE_H
#include <stdint.h>

#if defined(_WIN32)
#define EW_EXPORT __declspec(dllexport)
#else
#define EW_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a structure or a meaning below changes; the loader refuses another number. */
#define EW_VERSION 3

enum ew_status { EW_OK = 0, EW_BAD_ARGUMENT = 1, EW_NO_MEMORY = 2, EW_NOT_FINITE = 4 };

typedef struct ew_spline {
    int64_t nets, rows, inputs, outputs; /* E, B, I, O; any may be 0 but nets */
    int32_t degree, intervals, order;    /* k, G, nu; M = G + k */
    int32_t is_double;                   /* 1: every array is float64, 0: float32 */
    int32_t uniform;                     /* 1: the intervals of every input are equally wide */
    int32_t threads;                     /* most threads to use; results do not depend on it */
    const void *breaks;                  /* (I, G + 1), contiguous like the three tables below */
    const void *table;                   /* (I, G + 2, k + 1, k + 1) */
    const void *origin, *width;          /* (I, G + 2) */
    int64_t grid_net;                    /* 0: one grid for all networks, 1: each of the four arrays has a leading E */
    const void *x;                       /* (E, B, I) by strides */
    int64_t x_net, x_row, x_col;
    const void *v;                       /* like x, or NULL for ones */
    int64_t v_net, v_row, v_col;
    const void *coef;                    /* (E, I, M, O), contiguous but for the first stride */
    int64_t coef_net;
    const void *base;                    /* (E, I, O) weights of the base function, or NULL for none */
    int64_t base_net;
    const void *g;                       /* (E, B, O), stride 1 in the last */
    int64_t g_net, g_row;
    void *y;                             /* out, contiguous: forward (E, B, O) */
    void *dx;                            /* out, contiguous: grad_input (E, B, I) */
    void *dcoef;                         /* out, contiguous: grad_coef (E, I, M, O) */
    void *dbase;                         /* out, contiguous: (E, I, O), or NULL */
    const void *bias;                    /* (E, O), contiguous: added to y; or NULL */
    void *dbias;                         /* out, contiguous: (E, O), the sum of g over the rows with dcoef; or NULL */
    void *kept;                          /* forward leaves here where the rows lie, grad_coef and backward on the same x and grid read it; */
    int64_t kept_bytes;                  /* 64-byte aligned, may be moved as a whole, of any size: it only saves time. Or NULL */
} ew_spline;

EW_EXPORT int ew_forward(const ew_spline *s);
EW_EXPORT int ew_grad_coef(const ew_spline *s);  /* dcoef and, where not NULL, dbase */
EW_EXPORT int ew_grad_input(const ew_spline *s); /* dx, of order nu, without the factor v */
/* What the gradient of forward needs, in one pass over the rows: dcoef (and dbase) at order nu, dx = v * grad_input at nu + 1. */
EW_EXPORT int ew_backward(const ew_spline *s);

/* Sums over the rows of the values phi of every edge, at order nu: float64 (5, E, I, O), of phi - shift, |phi|, (phi - shift)^2,
 * g (phi - shift) and g (phi - shift)^2; the last two only where g is given. v is not read. */
EW_EXPORT int ew_edge_moments(const ew_spline *s, const void *shift, double *sums); /* shift: (E, I, O), contiguous */

/* One step of AdamW on arrays of numbers, in one pass. The corrections of the moments are 1 - beta^t.
 *
 * A part with `mean` is a matrix of `columns` columns whose gradient is taken less mean[r] * shared[c]; what the step does to
 * sum_r mean[r] p[r][c] is taken from bias[c]. `shift` is room for it, block by block of ew_adamw_rows(columns) rows: shape
 * (blocks, columns). */
typedef struct ew_adamw_part {
    void *p, *m, *v; /* numbers, mean of the gradient and of its square; contiguous, changed in place */
    const void *g;   /* gradient, or NULL to leave the numbers as they are */
    int64_t count, columns;
    double rate, decay;
    const void *mean, *shared; /* (count / columns), (columns), or NULL */
    void *shift, *bias;        /* (columns) */
} ew_adamw_part;
typedef struct ew_adamw_step {
    const ew_adamw_part *part;
    int32_t parts, is_double, threads;
    double beta1, beta2, eps, correction1, correction2;
} ew_adamw_step;
EW_EXPORT int ew_adamw(const ew_adamw_step *s);
EW_EXPORT int64_t ew_adamw_rows(int64_t columns);

/* Sums of cubic splines with linear tails on `intervals` equal intervals of [-reach, reach], of several networks at once: h
 * (nets, nodes, rows), coef (nets, intervals + 3, nodes, outputs), y and its gradient g (nets, outputs, rows). The functions are
 * 1, t, t^2, t^3 and (t - break)_+^3 for the inner breaks, with t counted in intervals from the middle. With g the gradients dh
 * and dcoef are made, without it y. All contiguous. At most 16 intervals. */
typedef struct ew_hidden {
    int64_t nets, nodes, rows, outputs;
    int32_t intervals, is_double, threads;
    double reach;
    const void *h, *coef, *g;
    void *y, *dh, *dcoef;
} ew_hidden;
EW_EXPORT int ew_hidden_sum(const ew_hidden *s);

/* A layer of cubic edges on values u, their slopes v_l along one to three lines and a second-order part w, all at once:
 *
 *     y_0 = phi(u),  y_l = phi'(u) v_l,  y_w = phi''(u) sum_l v_l^2 + phi'(u) w,   summed over the edges that arrive.
 *
 * nodes (rows, lines + 2, inputs) in the order 0, l, w; y and its gradient g (rows, lines + 2, outputs); coef (inputs, G + 3,
 * outputs); breaks and the three tables as above; all contiguous. Where dcoef is given the gradients dnodes and dcoef are made,
 * else y. */
typedef struct ew_laplace {
    int64_t rows, inputs, outputs;
    int32_t lines, intervals, is_double, threads;
    const void *breaks, *table, *origin, *width;
    const void *nodes, *coef, *g;
    void *y, *dnodes, *dcoef;
} ew_laplace;
EW_EXPORT int ew_laplace_sum(const ew_laplace *s);

/* A function of its own for every channel, number by number: y[r, c, :] = phi_c(x[r, c, :]), which is
 * sum_k poly[c, p, k] (x - origin[p])^k on piece p of one grid: the left tail, the intervals, the right tail. x, y and their
 * gradients dx and g (rows, channels, places); breaks (intervals + 1), origin (intervals + 2), poly and its gradient dpoly
 * (channels, intervals + 2, degree + 1); all contiguous. Where dpoly is given the gradients dx and dpoly are made, else y. */
typedef struct ew_pointwise {
    int64_t rows, channels, places;
    int32_t intervals, degree, is_double, threads;
    const void *breaks, *origin, *poly;
    const void *x, *g;
    void *y, *dx, *dpoly;
} ew_pointwise;
EW_EXPORT int ew_pointwise_map(const ew_pointwise *s);

/* Rows of which each has few numbers in known places: in every block `runs` runs of `width` (1 or 4) numbers, run r of a row
 * from feature start + at[row] + r * stride on. Every result is added to what is there; gram (features, features) gets the
 * blocks on and above the diagonal alone, and for a block of one number a row nothing of the number that is `common` (blocks),
 * -1 for none: it follows from the others. Only gram takes more than one thread. */
typedef struct ew_sparse_block {
    int64_t start, stride;
    int32_t runs, width;
    const int32_t *at;   /* (rows) */
    const double *value; /* (rows, runs * width), or NULL for ones where there is one number a row */
} ew_sparse_block;
typedef struct ew_sparse {
    int64_t rows, features, blocks;
    int32_t threads;
    const ew_sparse_block *block;
} ew_sparse;
EW_EXPORT int ew_sparse_products(const ew_sparse *s, const int32_t *common, const double *weight, double *gram);
EW_EXPORT int ew_sparse_pull(const ew_sparse *s, const double *slope, double *sums);
EW_EXPORT int ew_sparse_times(const ew_sparse *s, const double *theta, double *f);

/* The four live functions of the cubic splines of one input, by a table of pieces as above: at (rows), value (rows, 4). */
typedef struct ew_sparse_cubics {
    int64_t rows, step, intervals; /* x of a row is x[row * step] */
    int32_t threads;
    const double *x, *breaks, *table, *origin, *width;
    int32_t *at;
    double *value;
} ew_sparse_cubics;
EW_EXPORT int ew_sparse_expand(const ew_sparse_cubics *s);

/* What one core does at most, measured for so many seconds: multiply-adds a second, and bytes a second read again and again
 * from a block of this size (0 where there is no such memory). */
EW_EXPORT double ew_peak_fma(int is_double, double seconds);
EW_EXPORT double ew_bandwidth(int64_t bytes, double seconds);

EW_EXPORT int ew_version(void);
/* The instruction set in use: "avx512", "avx2", "neon" or "portable". */
EW_EXPORT const char *ew_isa(void);
/* Take another one that this processor has; 0 where it has it. For tests and measurements. */
EW_EXPORT int ew_use_isa(const char *name);
/* Let a runtime that is loaded already run the threads: its GOMP_parallel (libgomp, libiomp5), or NULL for plain threads. */
typedef void (*ew_gomp_parallel)(void (*task)(void *), void *data, unsigned threads, unsigned flags);
EW_EXPORT void ew_set_parallel(ew_gomp_parallel run);

#ifdef __cplusplus
}
#endif
#endif
