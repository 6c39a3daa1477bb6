"""The fixed parts of the C source: bases, tails, functions that C does not have."""

from __future__ import annotations

import math

from edgewise.splines.rbf import GaussianRBF

_BLOCK = """\
/* Edges from every source to every target, and the functions of the sources that they share. */
typedef struct Block Block;
struct Block {
    /* Writes the basis functions that live at t; returns the number of the first. */
    int (*basis)(const Block *block, const double *grid, double t, double *values);
    int sources, targets, knots, margin, size, live, base;
    const int *source, *target;
    const double *grid, *coef;
};"""

_BSPLINE = """\
/* Cox-de Boor recursion on the degree + 1 B-splines that live at t. */
static int bspline(const Block *block, const double *grid, double t, double *values)
{
    int degree = block->margin, low = degree, high = block->knots - 1 - degree, d, m;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (t >= grid[middle])
            low = middle;
        else
            high = middle;
    }
    values[0] = 1.0;
    for (d = 1; d <= degree; d++) {
        double carried = 0.0;
        for (m = 0; m < d; m++) {
            double right = grid[low + 1 + m], left = grid[low + 1 + m - d];
            double rising = values[m] * ((t - left) / (right - left));
            values[m] = carried + (values[m] - rising);
            carried = rising;
        }
        values[d] = carried;
    }
    return low - degree;
}"""

_UNIT = """\
/* Coordinate that runs from -1 to 1 over the domain, measured from the nearer end. */
static double unit(const Block *block, const double *grid, double t)
{
    double low = grid[0], high = grid[block->knots - 1], slope = 2.0 / (high - low);
    return t - low < high - t ? (t - low) * slope - 1.0 : 1.0 - (high - t) * slope;
}"""

_SERIES = """\
/* 1, u, ... with f(n + 1) = 2 u f(n) - f(n - 1). */
static int series(const Block *block, double u, double *values)
{
    int m;
    values[0] = 1.0;
    if (block->size > 1)
        values[1] = u;
    for (m = 2; m < block->size; m++)
        values[m] = 2.0 * u * values[m - 1] - values[m - 2];
    return 0;
}"""

_CHEBYSHEV = """\
static int chebyshev(const Block *block, const double *grid, double t, double *values)
{
    return series(block, unit(block, grid, t), values);
}"""

_RATIONAL = """\
static int rational(const Block *block, const double *grid, double t, double *values)
{
    double u = unit(block, grid, t);
    return series(block, u / sqrt(1.0 + u * u), values);
}"""

_FOURIER = """\
/* 1, sin a, cos a, sin 2a, cos 2a, ... with a from -pi/2 to pi/2 over the domain. */
static int fourier(const Block *block, const double *grid, double t, double *values)
{
    double quarter = {quarter}, a = unit(block, grid, t) * quarter;
    int m;
    for (m = 0; m < block->size; m++)
        values[m] = sin((m + 1) / 2 * a + (m % 2 ? 0.0 : quarter));
    return 0;
}"""

_RBF = """\
/* 1, u and a Gaussian around every centre. */
static int rbf(const Block *block, const double *grid, double t, double *values)
{
    int count = block->knots, m;
    values[0] = 1.0;
    values[1] = unit(block, grid, t);
    for (m = 0; m < count; m++) {
        int l = m > 0 ? m - 1 : 0, r = m < count - 1 ? m : count - 2;
        double u = (t - grid[m]) / ({share} * ((grid[l + 1] - grid[l]) + (grid[r + 1] - grid[r])));
        values[2 + m] = exp(-u * u);
    }
    return 0;
}"""

BASIS_SOURCE = {
    "bspline": (_BLOCK, _BSPLINE),
    "chebyshev": (_BLOCK, _UNIT, _SERIES, _CHEBYSHEV),
    "rational": (_BLOCK, _UNIT, _SERIES, _RATIONAL),
    "fourier": (_BLOCK, _UNIT, _FOURIER.replace("{quarter}", repr(math.pi / 2))),
    "rbf": (_BLOCK, _UNIT, _RBF.replace("{share}", repr(GaussianRBF.width / 2))),
}

ADD_EDGES = """\
static void add(double *sums, double factor, const double *row, int count)
{
    int j;
    for (j = 0; j < count; j++)
        sums[j] += factor * row[j];
}

/* Adds all edges of a block: basis functions inside the grid, straight tails beyond it. */
static void add_edges(const Block *block, const double *h, double *z)
{
    double sums[{targets}] = {0.0}, values[{live}];
    int count = block->targets, stride = (block->size + 2 + block->base) * count, i, j, m;
    for (i = 0; i < block->sources; i++) {
        const double *grid = block->grid + i * block->knots, *coef = block->coef + i * stride;
        double v = h[block->source[i]], low = grid[block->margin], high = grid[block->knots - 1 - block->margin];
        double t = v < low ? low : v > high ? high : v;
        int first = block->basis(block, grid, t, values);
        for (m = 0; m < block->live; m++)
            add(sums, values[m], coef + (first + m) * count, count);
        if (v < low)
            add(sums, v - low, coef + block->size * count, count);
        else if (v > high)
            add(sums, v - high, coef + (block->size + 1) * count, count);
        else if (v != v)
            add(sums, v, coef, count);
        if (block->base)
            add(sums, v / (1.0 + exp(-v)), coef + (block->size + 2) * count, count);
    }
    for (j = 0; j < count; j++)
        z[block->target[j]] += sums[j];
}"""
