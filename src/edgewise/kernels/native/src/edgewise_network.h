/* The C interface of whole small networks: one call evaluates, differentiates or trains a network of spline layers.
 *
 * A network takes rows x through layers of edges; sum z of a layer is bias_z + sum_e (spline_e(h_source) + w_e silu(h_source)),
 * nodes are sums or products of sums, and the last layer's nodes are the outputs f (D of them). Its P numbers stand in one
 * vector theta. Splines, grids and tails are those of edgewise.h.
 */
#ifndef EDGEWISE_NETWORK_H
#define EDGEWISE_NETWORK_H
#include "edgewise.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ew_layer {
    int32_t inputs, sums;            /* I, Z */
    int32_t degree, intervals;       /* k of at most 5, G; M = G + k */
    int32_t plain, products;         /* the first sums are nodes, then product node j multiplies the next arity[j] sums */
    int32_t edges, reserved;         /* E edges, ascending in (source, target) */
    const int32_t *arity;            /* (products,) */
    const int32_t *source, *target;  /* (E,) */
    const void *breaks, *table;      /* (I, G + 1), (I, G + 2, k + 1, k + 1) */
    const void *origin, *width;      /* (I, G + 2) */
    int64_t coef, base, bias;        /* where (E, M), (E,) and (Z,) start in theta, in this order; -1 for none */
} ew_layer;

typedef struct ew_network {
    int64_t nets, parameters;        /* E vectors of P numbers over the same rows */
    int64_t rows;                    /* of x, y and weight */
    int32_t depth, is_double;        /* layers; 1: every array is float64 */
    int32_t threads;                 /* most threads to use; results do not depend on it */
    int32_t full_root;               /* whether root is (rows, D, D) rather than (rows, D) */
    const ew_layer *layers;
    const void *theta;               /* (E, P) */
    const void *x;                   /* (rows, I) */
    const void *y, *weight;          /* (rows, D), (rows,): the loss sum_r weight_r |f_r - y_r|^2 / 2 */
    const void *g;                   /* (E, rows, D): gradient of a loss in f; used in place of y where it is given */
    const void *root;                /* (E, rows, D) or (E, rows, D, D): R with R^T R its second derivative, or NULL */
    const void *v;                   /* (E, P): a direction */
    void *f;                         /* out (E, rows, D), or NULL */
    void *gradient;                  /* out (E, P), or NULL */
    void *curvature;                 /* out (E, P, P) */
    double *value;                   /* out (E,): the loss of y, or NULL */
} ew_network;

EW_EXPORT int ew_network_outputs(const ew_network *n);  /* f and, with y, value */
EW_EXPORT int ew_network_pull(const ew_network *n);     /* gradient = J^T g, f */
EW_EXPORT int ew_network_push(const ew_network *n);     /* f = J v */
EW_EXPORT int ew_network_normal(const ew_network *n);   /* gradient, curvature = J^T R^T R J, f, value */

/* Levenberg-Marquardt on loss + theta^T S theta / 2: steps d solve (H + mu diag(H)) d = -gradient with Nielsen's damping; where
   the system is singular to rounding, the damping grows. */
typedef struct ew_descent {
    const double *penalty;           /* S (P, P), or NULL */
    double *theta;                   /* in and out (E, P) */
    double *value, *mu, *nu;         /* in and out (E,) */
    double *decrease;                /* in and out (E,): relative decrease by the last step */
    int32_t *stuck, *taken;          /* out (E,): 1 where no step improves, steps that were made */
    int32_t steps, reserved;         /* most steps */
    double rest;                     /* end where the relative decrease is below this */
    double mu_start, mu_max;
    double floor, tolerance;         /* least share of the largest diagonal entry; least scaled pivot over P */
    double least_gain;
} ew_descent;
EW_EXPORT int ew_network_descend(const ew_network *n, const ew_descent *d);

#ifdef __cplusplus
}
#endif
#endif
