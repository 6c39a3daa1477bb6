"""Rates of work in a search for formulas: `charge` is given a count of operations of some kind times its rate.

A budget needs counts that are the same on any machine, not a model of one. A rate is about what a core of 2024 takes for
work of that kind, by least squares on the seconds of searches; only sums of many calls need to be right.
"""

from __future__ import annotations

# Units of work of "normal" in a search for formulas, each about a second of one core: a minute in all.
SEARCH_WORK_UNITS = 60.0

# Whatever the sizes: a few operations on small arrays; a least squares problem laid out and solved; a whole batch of them.
STEP, ROUTINE, BATCH = 4e-5, 1.1e-4, 4.5e-4
# A multiplication and its addition in a product of matrices, in orthogonal factors, in singular values.
PRODUCT, FACTORED, SINGULAR = 6e-11, 3.5e-10, 1.8e-9
# An entry of a table that is passed through, and one of a function of it with its slopes.
ENTRY, FUNCTION = 2.5e-9, 3e-8
# A term laid out, a node of a formula brought to its shortest writing, a short expression compared with others.
TERM, NODE, EXPRESSION = 2.5e-5, 1.3e-4, 4.5e-7
# A small network trained, beside what its steps count.
NETWORK = 5.5e-2
