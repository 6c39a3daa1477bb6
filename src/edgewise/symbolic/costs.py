"""What the parts of a search cost, in units of work: so much a call, and so much for each entry or product.

Measured on one core of 2024, all together by least squares on the seconds of searches under noise; how fast this machine
is does not matter. Only sums of many calls need to be right.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.work import charge

# Units of work of "normal" in a search for formulas, each about 0.7 s of one core: a minute in all.
SEARCH_WORK_UNITS = 80.0


@dataclass(frozen=True, slots=True)
class Cost:
    """A rate; calling it charges for so many entries or products.

    Examples
    --------
    >>> from edgewise._core.work import Meter, running
    >>> with running(Meter()) as meter:
    ...     Cost(call=0.5, each=0.25)(2)
    >>> meter.spent
    1.0
    """

    call: float
    each: float = 0.0

    def __call__(self, count: float = 0) -> None:
        charge(self.call + self.each * count)


# Least squares by orthogonal factors, by singular values, and for many harmonics: rows x columns x columns.
ORTHOGONAL, SINGULAR, WAVES = Cost(7e-5, 7e-10), Cost(1.3e-4, 2.5e-9), Cost(1.4e-4, 2.1e-9)
# Weights of a few columns by singular values.
WEIGHTS = Cost(4e-5, 2.5e-9)
# The same with what stands around it: a smooth model, one under noise with its table, a null space, a Jacobian of splines.
SMOOTH, NOISY, NOISY_TABLE = Cost(5e-4, 2e-10), Cost(1.2e-4, 3.9e-10), Cost(3.5e-4, 1.4e-9)
NULL_SPACE, SPLINES = Cost(9e-5, 6.4e-10), Cost(1.4e-4, 1.4e-9)
# A step of constants inside terms: rows x columns x columns of either half of it.
INSIDE = Cost(1.6e-4, 5e-10)
# A damped step of all constants of a formula: rows x constants x constants.
DAMPED = Cost(8.5e-5, 1.2e-9)
# Inner products of a dictionary: rows x columns x columns; with the quotients' second half.
GRAM, QUOTIENT, GRAM_ONLY = Cost(1.4e-4, 1.4e-10), Cost(4.2e-4, 3.4e-10), Cost(0.0, 7e-11)
# Forward selection and exchange: terms chosen x terms; in an orthogonal basis: entries x terms chosen.
SELECTION, EXCHANGE, SCREENING = Cost(3.5e-5, 2.1e-9), Cost(6.5e-5, 3.4e-9), Cost(7e-5, 2.8e-9)
# The best next term, pair or triple: entries of the table, or of the inner products.
NEXT_TERM, PAIRS, TRIPLES = Cost(7e-5, 1.4e-9), Cost(7e-5, 7e-9), Cost(1.4e-5, 4.5e-9)
# Pairs of starts: products of entries.
START_PAIRS = Cost(7e-6, 7e-11)
# Functions with constants inside: entries of their values, or of their slopes with the step that these give.
VALUES, STATE, PROJECTION = Cost(1e-4, 2e-8), Cost(4.4e-4, 1.2e-8), Cost(3.8e-4, 5.2e-8)
# A dictionary laid out: terms, and its entries.
LAID_OUT, ENTRIES = Cost(0.0, 2.5e-5), Cost(0.0, 7e-10)
# A factor of terms, by its entries.
FACTOR = Cost(5e-6, 2e-9)
# A set of pivots, and each weight that is rounded to a simple fraction.
PIVOTS, ROUNDED = Cost(3.5e-5), Cost(7e-5, 1.4e-5)
# A node of a formula that is brought to its shortest writing.
TIDIED = Cost(0.0, 1.4e-4)
# An expression laid out and compared with the others, and one that is looked up among them.
SHORT_EXPRESSION, LOOKED_UP = Cost(7e-4, 2e-6), Cost(7e-4, 4e-7)
# A small network trained, beside what its steps count.
TRAINED = Cost(4e-2)
