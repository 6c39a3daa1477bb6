"""What sums of simple terms are chosen from."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class SumConfig:
    """How far the sets of terms reach that direct candidates, dictionaries and subset exchange choose from.

    `SearchConfig` sets how many of them are looked at, and how much is taken. Values without a reason are round ones set by
    hand; others have not been compared.

    Attributes
    ----------
    curve_columns, fewest_values : int
        Tables of more columns are hardly one column's curve; a column with fewer different values shows none, for a
        function with its constants has as many.
    curves_alone, curves_beside : int
        Curves of a column that are offered: the only one, and one of several.
    rows_a_term : int
        Rows for each term of a sum of products, so that the best of hundreds still means something.
    few_rows, rows_a_term_of_few, terms_of_few : int
        Shorter tables would get one term or two by that; they get a term for fewer rows (two of them left over), but no more
        terms than these, so that short tables of exact laws are not turned away.
    products_power, products_power_wide, narrow_columns : int
        Powers in products of direct candidates go up to the first, and up to the second where there are more columns than
        the third: the same few hundred products must serve more columns.
    product_columns : int
        With more columns only squares and products of pairs: nine have two million combinations of exponents, too many to
        list.
    tallest, flattest : float
        A function of a column is no term where its values reach the first, or vary by less than the second as a share of
        their size: the other terms, or its constant part, would be lost beside it.
    largest_exponents : int
        Sizes of the exponents of a product together, in sets of products alone; what laws have is smaller.
    beside_terms, beside_exponents, beside_exponents_narrow, beside_narrow_columns : int
        Products that stand before one function of a column and its squares: how many, their exponents together, and those
        where there are at most so many columns. Each comes with one, the functions and their squares: six
        times as many terms.
    beside_two_terms, beside_two_exponents : int
        The same before products of two functions.
    angle_columns : int
        Products of sines and cosines are formed of so many columns on: those of fewer are among the sets before.
    quotient_terms, quotient_short, quotient_shortest : int
        Products in a numerator or denominator: alone, before one function, and before two. A third of those in a
        sum at most, as both sides of a quotient are chosen at once.
    quotient_powers, quotient_degree : int
        Products of powers of columns and one function there, and their degree.
    quotient_beside_pair : int
        Products there that stand beside a function of a pair.
    exchange_sixths, exchange_whole : tuple of int
        Subset exchange: exponents in sixths, of either sign, of what stands alone or second in a product; and whole ones of
        what stands first. Thirds are what surfaces and volumes bring into laws; a finer set would let sums of close powers
        imitate anything.
    exchange_rows_a_term : int
        Rows for each term there.
    exchange_paired : int
        Up to so many columns also bring their pairwise sums and differences: the products of powers of four
        columns, some 300, leave place for these in `exchange_terms`.
    """

    curve_columns: int = 3
    fewest_values: int = 4
    curves_alone: int = 8
    curves_beside: int = 3
    rows_a_term: int = 5
    few_rows: int = 15
    rows_a_term_of_few: int = 3
    terms_of_few: int = 2
    products_power: int = 3
    products_power_wide: int = 2
    narrow_columns: int = 5
    product_columns: int = 8
    tallest: float = 1e12
    flattest: float = 1e-6
    largest_exponents: int = 6
    beside_terms: int = 40
    beside_exponents: int = 2
    beside_exponents_narrow: int = 3
    beside_narrow_columns: int = 2
    beside_two_terms: int = 12
    beside_two_exponents: int = 2
    angle_columns: int = 3
    quotient_terms: int = 36
    quotient_short: int = 8
    quotient_shortest: int = 4
    quotient_powers: int = 24
    quotient_degree: int = 4
    quotient_beside_pair: int = 10
    exchange_sixths: tuple[int, ...] = (2, 4, 6, 8, 10, 12)
    exchange_whole: tuple[int, ...] = (1, 2)
    exchange_rows_a_term: int = 4
    exchange_paired: int = 4

    def __post_init__(self) -> None:
        check_config(self, most={"flattest": 1.0}, least={"exchange_sixths": 1, "exchange_whole": 1})
