"""Laws whose columns run over the decades that nature has, of both signs, whole, with constants of nature inside the law.

The published tables draw columns between 1 and 5 and set the constants of nature to numbers like these. Here a mass is
between 1e-31 and 1e-25 kg, a charge positive or negative, a quantum number whole, and Planck's constant is inside the law
as 6.6e-34. A law is found where the recommended formula equals it on fresh rows to 1e-6. The laws were written down before
any of them was searched for; what is changed in the search may be looked at on every third (--part 0) only.

    python benchmarks/decade_laws.py [--part 0|1|2] [--idle 3] [--work quick] [--every 4] [--only NAME,NAME]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# `~` log-uniform, `+-` log-uniform of either sign, `:` uniform, `#` whole numbers.
LAWS = """
gravity                   | G_*m*M/r**2 | m ~ 1e20 1e26, M ~ 1e25 1e31, r ~ 1e8 1e12
escape speed              | sqrt(2*G_*M/r) | M ~ 1e20 1e31, r ~ 1e5 1e10
orbital period            | 2*pi*sqrt(a**3/(G_*M)) | a ~ 1e9 1e13, M ~ 1e29 1e32
clock near a mass         | sqrt(1 - 2*G_*M/(r*c_**2)) | M ~ 1e29 1e31, r ~ 1e5 1e8
Lorentz factor            | 1/sqrt(1 - v**2/c_**2) | v ~ 1e6 2.9e8
relativistic kinetic      | m*c_**2*(1/sqrt(1 - v**2/c_**2) - 1) | m ~ 1e-31 1e-25, v ~ 1e7 2.9e8
relativistic momentum     | m*v/sqrt(1 - v**2/c_**2) | m ~ 1e-31 1e-25, v +- 1e5 2.9e8
energy and momentum       | sqrt(p**2*c_**2 + m**2*c_**4) | p ~ 1e-23 1e-18, m ~ 1e-31 1e-27
addition of speeds        | (u + v)/(1 + u*v/c_**2) | u +- 1e6 2.9e8, v +- 1e6 2.9e8
de Broglie                | h_/(m*v) | m ~ 1e-31 1e-25, v ~ 1e2 1e7
electron diffraction      | h_/sqrt(2*m*q_*V) | m ~ 1e-31 1e-25, V ~ 1 1e5
Compton                   | l + h_/(me_*c_)*(1 - cos(t)) | l ~ 1e-13 1e-10, t : 0 3.14
photoelectric             | h_*f - q_*W | f ~ 1e14 1e17, W : 2 6
Planck                    | 2*h_*f**3/c_**2/(exp(h_*f/(k_*T)) - 1) | f ~ 1e11 1e14, T ~ 100 1e4
radiation of two walls    | s_*A*(T**4 - U**4) | A ~ 0.01 100, T ~ 100 3000, U ~ 100 3000
Boltzmann factor          | exp(-E/(k_*T)) | E ~ 1e-23 1e-20, T ~ 10 1e4
mean speed                | sqrt(8*k_*T/(pi*m)) | T ~ 1 1e5, m ~ 1e-27 1e-24
Maxwell density           | 4*pi*(m/(2*pi*k_*T))**1.5*v**2*exp(-m*v**2/(2*k_*T)) | m ~ 1e-27 1e-26, T ~ 100 1000, v ~ 10 3000
Debye length              | sqrt(e0_*k_*T/(n*q_**2)) | T ~ 1e3 1e8, n ~ 1e6 1e22
plasma frequency          | sqrt(n*q_**2/(e0_*me_)) | n ~ 1e6 1e28
gyroradius                | m*v/(q_*B) | m ~ 1e-31 1e-25, v ~ 1e2 1e7, B +- 1e-9 10
Coulomb                   | ke_*a*b/r**2 | a +- 1e-19 1e-6, b +- 1e-19 1e-6, r ~ 1e-3 1
Lorentz force             | q*(E + v*B) | q +- 1e-19 1e-17, E +- 1 1e5, v +- 1e2 1e6, B +- 1e-4 1
levels of ions            | -13.605693*Z**2/n**2 | Z # 1 90, n # 1 20
Rydberg                   | Ry_*Z**2*(1/n**2 - 1/m**2) | Z # 1 5, n # 1 5, m # 6 20
Moseley                   | 2.4661e15*(Z - 1)**2 | Z # 11 90
box levels                | n**2*h_**2/(8*m*L**2) | n # 1 10, m ~ 1e-31 1e-26, L ~ 1e-10 1e-7
oscillator levels         | h_*f*(n + 1/2) | n # 0 20, f ~ 1e9 1e14
rotor levels              | hb_**2*J*(J + 1)/(2*I) | J # 0 30, I ~ 1e-47 1e-44
Zeeman                    | g*muB_*m*B | g : 1 2, m # -3 3, B ~ 1e-4 10
shielded nucleus          | g*B*(1 - s*1e-6) | g ~ 1e7 3e8, B ~ 0.1 20, s : 0 200
tunnelling                | exp(-2*L*sqrt(2*me_*q_*(V - E))/hb_) | L ~ 1e-11 3e-10, V : 3 6, E : 0.1 2.9
thermionic                | 1.20173e6*T**2*exp(-q_*W/(k_*T)) | T ~ 800 3000, W : 1 6
diode                     | I*(exp(q_*V/(n*k_*T)) - 1) | I ~ 1e-15 1e-6, V : -0.5 0.7, n : 1 2, T : 250 400
Nernst                    | E + R_*T/(z*F_)*log(a/b) | E : -1 1, T : 250 350, z # 1 3, a ~ 1e-4 1, b ~ 1e-4 1
Goldman                   | R_*T/F_*log((p*a + b)/(p*c + d)) | \
    T : 270 320, p ~ 0.01 100, a ~ 1e-3 1, b ~ 1e-3 1, c ~ 1e-3 1, d ~ 1e-3 1
Arrhenius                 | A*exp(-E/(R_*T)) | A ~ 1e6 1e13, E ~ 1e4 1e5, T : 250 1000
van t Hoff                | exp(S/R_ - H/(R_*T)) | H +- 1e3 5e4, T : 270 500, S +- 1 100
ideal gas                 | n*R_*T/V | n ~ 1e-3 1e3, T ~ 10 1e4, V ~ 1e-6 10
van der Waals             | R_*T/(V - b) - a/V**2 | T : 200 800, V ~ 1e-4 1e-1, b ~ 1e-5 8e-5, a ~ 0.01 2
second virial             | R_*T/V*(1 + B/V) | T : 100 1000, V ~ 1e-3 1, B +- 1e-6 1e-3
weak acid                 | (sqrt(K**2 + 4*K*C) - K)/2 | K ~ 1e-6 1e-1, C ~ 1e-4 1
Henderson Hasselbalch     | p + log10(a/b) | p : 2 12, a ~ 1e-5 1, b ~ 1e-5 1
Debye Hueckel             | -0.509*z**2*sqrt(I)/(1 + 3.28*a*sqrt(I)) | z # -3 3, I ~ 1e-5 0.1, a : 0.3 0.9
Beer                      | I*exp(-e*c*l) | I ~ 1e-3 1e3, e ~ 10 1e5, c ~ 1e-7 1e-4, l : 0.1 2
decay                     | N*exp(-log(2)*t/T) | N ~ 1e3 1e20, t ~ 1 1e4, T ~ 1e3 1e8
Stokes Einstein           | k_*T/(6*pi*e*r) | T : 250 400, e ~ 1e-5 10, r ~ 1e-10 1e-5
Stokes settling           | 2*9.80665*(p - q)*r**2/(9*e) | p : 100 8000, q : 1 1200, r ~ 1e-7 1e-3, e ~ 1e-5 1
Poiseuille                | pi*r**4*p/(8*e*l) | r ~ 1e-5 0.1, p +- 1 1e6, e ~ 1e-5 1, l ~ 0.01 100
Blasius friction          | 0.3164/R**0.25 | R ~ 4e3 1e5
Haaland friction          | 1/(1.8*log10((k/3.7)**1.11 + 6.9/R))**2 | k ~ 1e-6 0.05, R ~ 4e3 1e8
Dittus Boelter            | 0.023*R**0.8*P**0.4 | R ~ 1e4 1e6, P ~ 0.7 160
Ranz Marshall             | 2 + 0.6*sqrt(R)*P**(1/3) | R ~ 1e-2 1e4, P ~ 0.1 1e3
Schiller Naumann          | 24/R*(1 + 0.15*R**0.687) | R ~ 1e-2 1e3
Ergun                     | 150*e*(1 - f)**2*v/(f**3*d**2) + 1.75*r*(1 - f)*v**2/(f**3*d) | \
    e ~ 1e-5 1e-2, f : 0.3 0.6, v ~ 1e-3 1, d ~ 1e-4 1e-2, r ~ 1 1000
Manning                   | R**(2/3)*sqrt(S)/n | R ~ 0.01 10, S ~ 1e-5 0.1, n ~ 0.01 0.1
Pitot                     | sqrt(2*(p - q)/r) | p ~ 1.1e5 1e6, q ~ 1e4 1e5, r ~ 0.1 1000
speed of sound            | sqrt(k*R_*T/M) | k : 1.1 1.67, T ~ 10 1e4, M ~ 2e-3 0.2
capillary rise            | 2*s*cos(t)/(r*9.80665*a) | s ~ 0.02 0.5, t : 0 3, r : 700 13600, a ~ 1e-6 1e-2
bubble pressure           | p + 2*s/r | p ~ 1e3 1e6, s : 0.02 0.5, r ~ 1e-7 1e-2
ripples                   | sqrt(9.80665*k + s*k**3/r) | k ~ 0.1 1e4, s : 0.02 0.08, r : 700 1400
waves on water            | sqrt(9.80665*k*tanh(k*h)) | k ~ 1e-3 1, h ~ 1 1000
Joule heat                | I**2*R*t | I +- 1e-6 1e3, R ~ 1e-3 1e6, t ~ 1e-3 1e5
two resistors             | a*b/(a + b) | a ~ 1 1e6, b ~ 1 1e6
three resistors           | 1/(1/a + 1/b + 1/c) | a ~ 1 1e6, b ~ 1 1e6, c ~ 1 1e6
low pass                  | 1/sqrt(1 + (2*pi*f*R*C)**2) | f ~ 1 1e5, R ~ 10 1e5, C ~ 1e-10 1e-6
impedance                 | sqrt(R**2 + (2*pi*f*L - 1/(2*pi*f*C))**2) | R ~ 1 1e4, f ~ 10 1e5, L ~ 1e-6 1, C ~ 1e-10 1e-5
resonance                 | 1/(2*pi*sqrt(L*C)) | L ~ 1e-9 1, C ~ 1e-12 1e-3
charging                  | V*(1 - exp(-t/(R*C))) | V +- 1e-3 1e3, t ~ 1e-6 1e-2, R ~ 1e3 1e6, C ~ 1e-9 1e-6
skin depth                | sqrt(r/(pi*f*mu_*m)) | r ~ 1e-8 1e-5, f ~ 50 1e9, m ~ 1 1e4
coaxial cable             | 2*pi*e0_*e*l/log(b/a) | e : 1 10, l ~ 0.01 1e3, b ~ 2e-3 0.1, a ~ 1e-5 1.5e-3
plates                    | e0_*e*A/d | e : 1 100, A ~ 1e-8 1, d ~ 1e-9 1e-2
coil                      | mu_*n**2*A/l | n # 10 1000, A ~ 1e-6 1e-1, l ~ 0.01 1
field of a loop           | mu_*I*a**2/(2*(a**2 + x**2)**1.5) | I +- 1e-3 1e3, a ~ 1e-2 1, x +- 1e-3 1
force of wires            | mu_*I*J*l/(2*pi*d) | I +- 1e-3 1e4, J +- 1e-3 1e4, l ~ 0.01 100, d ~ 1e-3 10
light pressure            | 2*I*cos(t)**2/c_ | I ~ 1e-3 1e12, t : 0 1.5
Larmor                    | q**2*a**2/(6*pi*e0_*c_**3) | q +- 1e-19 1e-9, a +- 1 1e20
Hall                      | I*B/(n*q_*d) | I +- 1e-6 1, B +- 1e-4 10, n ~ 1e18 1e29, d ~ 1e-8 1e-3
carriers                  | sqrt(n*p)*exp(-q_*E/(2*k_*T)) | n ~ 1e24 1e26, p ~ 1e24 1e26, E : 0.3 2, T : 200 800
Fermi function            | 1/(exp(q_*(E - m)/(k_*T)) + 1) | E : 0 1, m : 0 1, T ~ 300 3000
Bose function             | 1/(exp(h_*f/(k_*T)) - 1) | f ~ 1e10 1e13, T ~ 10 1000
heat of a cold metal      | 1943.77*(T/D)**3 + g*T | T ~ 1 30, D ~ 100 1000, g ~ 1e-4 1e-2
Einstein solid            | 3*R_*(D/T)**2*exp(D/T)/(exp(D/T) - 1)**2 | D ~ 50 1000, T ~ 30 1000
Curie Weiss               | C/(T - D) | C ~ 0.01 10, T ~ 300 1000, D +- 1 200
spin half magnet          | n*muB_*tanh(muB_*B/(k_*T)) | n ~ 1e20 1e28, B ~ 0.1 20, T ~ 1 100
thin lens                 | f*s/(s - f) | f +- 0.01 1, s ~ 1.5 100
grating                   | asin(m*l/d) | m # 1 3, l : 3e-7 9e-7, d ~ 3e-6 1e-4
Doppler                   | f*sqrt((1 + b)/(1 - b)) | f ~ 1e8 1e15, b +- 0.001 0.9
distance modulus          | 5*log10(d) - 5 + A | d ~ 1 1e9, A : 0 3
equilibrium temperature   | T*sqrt(R/(2*a))*(1 - A)**0.25 | T ~ 2e3 4e4, R ~ 1e8 1e11, a ~ 1e9 1e13, A : 0 0.9
Jeans length              | sqrt(15*k_*T/(4*pi*G_*m*r)) | T ~ 5 1e4, m ~ 1e-27 1e-26, r ~ 1e-21 1e-15
Roche limit               | r*(2*M/m)**(1/3) | r ~ 1e6 1e9, M ~ 1e20 1e30, m ~ 1e10 1e25
Hill sphere               | a*(1 - e)*(m/(3*M))**(1/3) | a ~ 1e9 1e13, e : 0 0.9, m ~ 1e20 1e27, M ~ 1e29 1e32
vis viva                  | sqrt(G_*M*(2/r - 1/a)) | M ~ 1e24 1e31, r ~ 1e7 1e9, a ~ 1e9 1e12
Hawking temperature       | hb_*c_**3/(8*pi*G_*M*k_) | M ~ 1e8 1e40
expansion                 | H*sqrt(m*(1 + z)**3 + r*(1 + z)**4 + 1 - m - r) | \
    H : 50 80, m : 0.1 0.5, z ~ 0.01 1000, r ~ 1e-5 1e-4
Michaelis Menten          | V*S/(K + S) | V ~ 1e-9 1e-3, S ~ 1e-6 1e-1, K ~ 1e-6 1e-2
Hill binding              | V*S**n/(K**n + S**n) | V ~ 1e-6 1e-2, S ~ 1e-2 1e2, K ~ 1e-1 1e1, n # 1 4
Haldane                   | V*S/(K + S + S**2/I) | V ~ 1e-6 1e-2, S ~ 1e-4 1e1, K ~ 1e-3 1, I ~ 1e-2 1e1
competitive inhibition    | V*S/(K*(1 + I/J) + S) | V ~ 1e-6 1e-2, S ~ 1e-4 1e1, K ~ 1e-3 1, I ~ 1e-3 1, J ~ 1e-3 1
Langmuir                  | q*K*p/(1 + K*p) | q ~ 0.1 100, K ~ 1e-6 1e-2, p ~ 10 1e6
Freundlich                | K*p**0.45 | K ~ 1e-3 10, p ~ 1 1e6
Kleiber                   | 3.4*m**0.75 | m ~ 1e-6 1e5
quake energy              | 10**(1.5*M + 4.8) | M : 0 9
Antoine water             | 133.322*10**(8.07131 - 1730.63/(233.426 + T)) | T : 1 100
rocket                    | v*log((m + f)/m) - 9.80665*t | v ~ 1e3 5e3, m ~ 1e2 1e6, f ~ 1e3 1e7, t ~ 10 500
buckling                  | pi**2*E*I/(K*L)**2 | E ~ 1e9 3e11, I ~ 1e-9 1e-3, K : 0.5 2, L ~ 0.1 30
beam with own weight      | P*L**3/(48*E*I) + 5*w*L**4/(384*E*I) | \
    P ~ 1 1e5, L ~ 1 30, E ~ 1e9 3e11, I ~ 1e-9 1e-4, w ~ 1 1e4
von Mises                 | sqrt(s**2 - s*t + t**2 + 3*u**2) | s +- 1e4 1e9, t +- 1e4 1e9, u +- 1e4 1e9
signal to noise           | 10*log10(P/(k_*T*B)) | P ~ 1e-18 1e-6, T : 50 1000, B ~ 1 1e9
Friis                     | P*G*H*(l/(4*pi*d))**2 | P ~ 1e-3 1e3, G ~ 1 1e4, H ~ 1 1e4, l ~ 1e-3 10, d ~ 10 1e8
channel capacity          | B*log(1 + S/N)/log(2) | B ~ 1e3 1e9, S ~ 1e-12 1e-6, N ~ 1e-12 1e-8
radar range               | (P*G**2*l**2*s/((4*pi)**3*p))**0.25 | \
    P ~ 1 1e6, G ~ 10 1e4, l ~ 1e-2 1, s ~ 1e-3 1e3, p ~ 1e-16 1e-10
Johnson noise             | sqrt(4*k_*T*R*B) | T : 4 400, R ~ 1 1e9, B ~ 1 1e9
shot and thermal noise    | sqrt(2*q_*I*B + 4*k_*T*B/R) | I ~ 1e-12 1e-3, B ~ 1 1e9, T : 4 400, R ~ 1 1e9
thermal wavelength        | h_/sqrt(2*pi*m*k_*T) | m ~ 1e-31 1e-24, T ~ 1e-6 1e4
Clausius Clapeyron        | p*exp(-L/R_*(1/T - 1/S)) | p ~ 1e2 1e6, L ~ 5e3 5e4, T : 250 400, S : 250 400
Gibbs energy              | H - T*S + R_*T*log(Q) | H +- 1e3 1e6, T : 250 1000, S +- 1 500, Q ~ 1e-10 1e10
driven oscillator         | F/sqrt((k - m*w**2)**2 + b**2*w**2) | \
    F ~ 1e-3 1e3, k ~ 1 1e4, m ~ 1e-2 10, w ~ 1 1e3, b ~ 1e-2 10
drag and slope            | m*9.80665*sin(t) + 0.5*1.225*C*A*v**2 | \
    m ~ 10 1e5, t : -0.2 0.2, C : 0.1 1, A ~ 0.1 30, v ~ 0.1 100
"""

# CODATA 2018, SI.
CONSTANTS = {
    "h_": 6.62607015e-34, "hb_": 1.054571817e-34, "c_": 299792458.0, "k_": 1.380649e-23, "q_": 1.602176634e-19,
    "G_": 6.6743e-11, "e0_": 8.8541878128e-12, "mu_": 1.25663706212e-6, "R_": 8.314462618, "me_": 9.1093837015e-31,
    "s_": 5.670374419e-8, "F_": 96485.33212, "Ry_": 10973731.568, "muB_": 9.2740100783e-24, "ke_": 8.9875517923e9,
}  # fmt: skip
_FUNCTIONS = {
    name: getattr(np, name)
    for name in ("sqrt", "exp", "log", "log10", "cos", "sin", "tan", "cosh", "sinh", "tanh", "pi")
}
_FUNCTIONS |= {
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "abs": np.abs,
    "sech": lambda x: 1 / np.cosh(x),
}
SAME, ROWS, FRESH = 1e-6, 2000, 3000


@dataclass(frozen=True)
class Column:
    """A name, how it is drawn, and between what."""

    name: str
    kind: str
    low: float
    high: float

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        if self.kind == "#":
            return rng.integers(int(self.low), int(self.high) + 1, count).astype(float)
        if self.kind == ":":
            return rng.uniform(self.low, self.high, count)
        size = np.exp(rng.uniform(np.log(self.low), np.log(self.high), count))
        return size * rng.choice([-1.0, 1.0], count) if self.kind == "+-" else size


@dataclass(frozen=True)
class Law:
    name: str
    text: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return np.column_stack([column.draw(rng, count) for column in self.columns])

    def values(self, X: np.ndarray) -> np.ndarray:
        known = _FUNCTIONS | CONSTANTS | dict(zip(self.names, X.T, strict=True))
        with np.errstate(all="ignore"):
            # The laws are those above.
            return np.asarray(eval(self.text, {"__builtins__": {}}, known), dtype=float)  # noqa: S307


def laws() -> list[Law]:
    found: list[Law] = []
    for line in LAWS.strip().splitlines():
        name, text, columns = map(str.strip, line.split("|"))
        parts = [part.split() for part in columns.split(",")]
        found.append(Law(name, text, tuple(Column(n, kind, float(a), float(b)) for n, kind, a, b in parts)))
    return found


def same(answer: np.ndarray, truth: np.ndarray, tolerance: float = SAME) -> bool:
    """Equal row by row, where a row near zero is judged beside the usual size."""
    room = np.abs(truth) + 1e-3 * np.median(np.abs(truth))
    with np.errstate(all="ignore"):
        return bool((np.abs(answer - truth) <= tolerance * room).all())


def main() -> None:
    import argparse

    from _common import Clock, Report, Run, common_options, machine

    import edgewise as ew

    parser = argparse.ArgumentParser(
        prog="benchmarks/decade_laws.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--part", type=int, choices=(0, 1, 2), help="one third of the laws; all by default")
    parser.add_argument("--every", type=int, default=1, help="every so many of these only")
    parser.add_argument("--only", help="names, by commas")
    parser.add_argument("--idle", type=int, default=0, help="columns that do not matter")
    parser.add_argument("--work", default="normal")
    common_options(parser, "every 20th law with work quick")
    options = parser.parse_args()
    chosen = laws() if options.part is None else laws()[options.part :: 3]
    chosen = chosen[:: 20 if options.quick else options.every]
    if options.only:
        chosen = [law for law in laws() if law.name in options.only.split(",")]
    part = f"idle {options.idle}" + ("" if options.part is None else f", part {options.part}")
    run = Run("decade_laws", options.quick, None)
    print(f"# Laws over decades\n{machine()}\n")
    report = Report(run, part, ["law", "found", "exact", "CPU s", "best", "truth"], [24, 5, 5, 6, 60, 40])
    wrong = 0
    for law in chosen:
        rng = np.random.default_rng(0)
        X = law.draw(rng, ROWS)
        idle = np.exp(rng.uniform(-7, 7, (ROWS, options.idle)))
        names = (*law.names, *(f"idle{at}" for at in range(options.idle)))
        clock = Clock()
        work = "quick" if options.quick else options.work
        found = ew.find_formula(np.column_stack([X, idle]), law.values(X), names=names, work=work, seed=0)
        spent = clock.seconds
        fresh = law.draw(rng, FRESH)
        with np.errstate(all="ignore"):
            answer = found.recommended.predict(
                np.column_stack([fresh, np.exp(rng.uniform(-7, 7, (FRESH, options.idle)))])
            )
        good = same(answer, law.values(fresh))
        wrong += found.exact and not good
        report.add(law.name, good, found.exact, spent, found.recommended.text[:160], law.text)
    count = sum(report.column("found"))
    report.note(
        f"{count} of {len(report.rows)} laws are found; {wrong} answers are called exact and are not."
    )
    report.save()


if __name__ == "__main__":
    main()
