"""Systems of one to four differential equations from textbooks in ten sets, and the courses they are measured on.

Long because it is a list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

Floats = NDArray[np.float64]
POINTS = 150


@dataclass(frozen=True)
class System:
    """Equations as text by the names of their states, where they start, and how long they are watched."""

    name: str
    equations: dict[str, str]
    start: tuple[float, ...]
    until: float

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(self.equations)

    def sympy(self) -> list:
        from edgewise.symbolic import parse_formula

        return [parse_formula(text, self.states) for text in self.equations.values()]

    def course(self, noise: float, seed: int = 0) -> tuple[Floats, Floats, Floats]:
        """Times, measured values and true ones; noise is a share of the standard deviation of each state."""
        import sympy

        right = sympy.lambdify([[sympy.Symbol(name) for name in self.states]], self.sympy(), "numpy")
        t = np.linspace(0, self.until, POINTS)
        found = solve_ivp(
            lambda _, x: right(x), (0, self.until), self.start, "DOP853", t, rtol=1e-12, atol=1e-13
        )
        true = found.y.T
        rng = np.random.default_rng(seed)
        return t, true + noise * true.std(0) * rng.normal(size=true.shape), true


def _system(name: str, until: float, **states: tuple[str, float]) -> System:
    return System(
        name, {n: text for n, (text, _) in states.items()}, tuple(at for _, at in states.values()), until
    )


FIRST = (
    _system("logistic growth", 8, x=("1.2*x*(1 - x/5)", 0.3)),
    _system("cooling", 8, T=("0.4*(21 - T)", 90.0)),
    _system("Gompertz growth", 8, x=("0.8*x*log(6/x)", 0.2)),
    _system("draining tank", 9, h=("1.1 - 0.8*sqrt(h)", 6.0)),
    _system("strong Allee effect", 9, x=("0.5*x*(1 - x/6)*(x/1.5 - 1)", 1.7)),
    _system("spruce budworm", 20, x=("0.6*x*(1 - x/10) - x^2/(1 + x^2)", 0.1)),
    _system("fall with drag", 4, v=("9.81 - 0.1*v^2", 0.0)),
    _system("Michaelis-Menten", 6, s=("-1.5*s/(0.8 + s)", 4.0)),
    _system("Adler", 20, p=("1.2 - sin(p)", 0.0)),
    _system("damped spring", 12, x=("v", 1.5), v=("-4*x - 0.3*v", 0.0)),
    _system("pendulum", 8, a=("w", 2.5), w=("-9.81*sin(a) - 0.25*w", 0.0)),
    _system("Van der Pol", 16, x=("y", 0.5), y=("1.5*(1 - x^2)*y - x", 0.0)),
    _system("Duffing", 20, x=("v", 0.2), v=("x - x^3 - 0.1*v", 1.0)),
    _system("Lotka-Volterra", 18, x=("1.1*x - 0.4*x*y", 4.0), y=("0.1*x*y - 0.4*y", 3.0)),
    _system(
        "Rosenzweig-MacArthur", 40, x=("x*(1 - x/4) - x*y/(0.8 + x)", 1.0), y=("0.9*x*y/(0.8 + x) - 0.5*y", 0.5)
    ),
    _system("competition", 12, x=("x*(3 - x - 2*y)", 0.3), y=("y*(2 - x - y)", 0.5)),
    _system("Brusselator", 20, x=("1 + x^2*y - 4*x", 1.0), y=("3*x - x^2*y", 1.0)),
    _system("FitzHugh-Nagumo", 80, v=("v - v^3/3 - w + 0.5", -1.0), w=("0.08*(v + 0.7 - 0.8*w)", 1.0)),
    _system("Selkov glycolysis", 30, x=("0.08*y + x^2*y - x", 0.5), y=("0.6 - 0.08*y - x^2*y", 1.5)),
    _system("Schnakenberg", 20, u=("0.1 - u + u^2*v", 1.0), v=("0.9 - u^2*v", 0.2)),
    _system("toggle switch", 8, u=("4/(1 + v^2) - u", 0.4), v=("4/(1 + u^2) - v", 0.7)),
    _system("chemostat", 20, x=("0.9*x*s/(0.5 + s) - 0.3*x", 0.2), s=("0.3*(5 - s) - 1.8*x*s/(0.5 + s)", 1.0)),
    _system("Rayleigh", 16, x=("y", 0.5), y=("1.2*(y - y^3) - x", 0.0)),
    _system("Stuart-Landau", 12, x=("x - 2*y - x*(x^2 + y^2)", 0.1), y=("2*x + y - y*(x^2 + y^2)", 0.1)),
    _system("bead on a hoop", 10, a=("w", 0.3), w=("sin(a)*(4*cos(a) - 2) - 0.1*w", 0.0)),
    _system("Toda oscillator", 14, x=("v", 1.5), v=("1 - exp(x)", 0.0)),
    _system("Josephson junction", 16, p=("v", 0.0), v=("1.3 - sin(p) - 0.4*v", 0.0)),
    _system("SIR", 20, S=("-1.4*S*I", 0.99), I=("1.4*S*I - 0.4*I", 0.01), R=("0.4*I", 0.0)),
    _system("Lorenz", 6, x=("10*(y - x)", -8.0), y=("x*(28 - z) - y", 7.0), z=("x*y - 8/3*z", 27.0)),
    _system("Rossler", 25, x=("-y - z", 1.0), y=("x + 0.2*y", 1.0), z=("0.2 + z*(x - 5.7)", 0.0)),
    _system(
        "rigid body", 12, p=("-2*q*r", 1.0), q=("1.25*p*r", 0.1), r=("-0.4*p*q", 1.2)
    ),
    _system("reactions in a chain", 8, a=("-0.9*a", 2.0), b=("0.9*a - 0.4*b", 0.0), c=("0.4*b", 0.0)),
    _system("Nose-Hoover", 20, x=("y", 0.0), y=("y*z - x", 2.0), z=("1 - y^2", 0.0)),
    _system(
        "virus", 25, T=("2 - 0.1*T - 0.2*T*V", 20.0), I=("0.2*T*V - 0.5*I", 0.0), V=("1.5*I - 3*V", 0.1)
    ),
    _system("Lorenz 84", 12, x=("-y^2 - z^2 - 0.25*x + 2", 1.0), y=("x*y - 4*x*z - y + 1", 1.0), z=("4*x*y + x*z - z", 0.5)),
    _system("Thomas", 40, x=("sin(y) - 0.2*x", 1.0), y=("sin(z) - 0.2*y", 0.3), z=("sin(x) - 0.2*z", -1.0)),
    _system("Goodwin", 24, x=("3/(1 + z^4) - 0.5*x", 0.1), y=("x - 0.5*y", 0.2), z=("y - 0.5*z", 0.3)),
    _system(
        "SEIR", 30, S=("-1.5*S*I", 0.95), E=("1.5*S*I - 0.6*E", 0.05), I=("0.6*E - 0.4*I", 0.0), R=("0.4*I", 0.0)
    ),
    _system(
        "Kepler", 12, x=("u", 1.0), y=("v", 0.0), u=("-x/(x^2 + y^2)^(3/2)", 0.0), v=("-y/(x^2 + y^2)^(3/2)", 1.2)
    ),
    _system(
        "Henon-Heiles", 25, x=("p", 0.1), y=("q", 0.3), p=("-x - 2*x*y", 0.3), q=("-y - x^2 + y^2", 0.0)
    ),
)  # fmt: skip

# Written down when the method was finished, before any was searched.
SECOND = (
    _system("fishery", 14, x=("0.9*x*(1 - x/7) - 0.5", 0.9)),
    _system("radiation", 3, T=("0.4*(1 - T^4)", 2.0)),
    _system("reaction of second order", 10, c=("-0.35*c^2", 3.0)),
    _system("von Bertalanffy growth", 14, w=("1.5*w^(2/3) - 0.5*w", 0.1)),
    _system("theta neuron", 24, p=("1 - cos(p) + 0.3*(1 + cos(p))", -2.0)),
    _system("laser", 20, n=("2*n*q - n", 0.02), q=("0.9 - 0.4*q - 2*n*q", 0.3)),
    _system(
        "predators of third type", 30, x=("x*(1 - x/5) - x^2*y/(1 + x^2)", 1.0), y=("0.8*x^2*y/(1 + x^2) - 0.3*y", 0.5)
    ),
    _system("two neurons", 20, u=("tanh(2.5*u - 2*v) - u", 0.4), v=("tanh(2*u) - v", -0.3)),
    _system("Helmholtz oscillator", 22, x=("v", 0.3), v=("x^2 - x - 0.08*v", 0.5)),
    _system("throw with drag", 2.5, u=("-0.1*u*sqrt(u^2 + v^2)", 12.0), v=("-9.81 - 0.1*v*sqrt(u^2 + v^2)", 14.0)),
    _system("Lengyel-Epstein", 12, x=("9 - x - 4*x*y/(1 + x^2)", 0.5), y=("1.2*x - 1.2*x*y/(1 + x^2)", 2.0)),
    _system("Gray-Scott", 60, u=("0.04*(1 - u) - u*v^2", 0.9), v=("u*v^2 - 0.09*v", 0.3)),
    _system("Kuramoto pair", 20, p=("1 + 0.3*sin(q - p)", 0.0), q=("2.2 + 0.2*sin(p - q)", 2.0)),
    _system("SIRS", 40, S=("0.1*R - 1.2*S*I", 0.98), I=("1.2*S*I - 0.4*I", 0.02), R=("0.4*I - 0.1*R", 0.0)),
    _system("Rikitake dynamo", 25, x=("y*z - x", 1.0), y=("x*(z - 1.5) - y", 0.0), z=("1 - x*y", 0.6)),
    _system("Chen", 3, x=("35*(y - x)", -3.0), y=("28*y - 7*x - x*z", 2.0), z=("x*y - 3*z", 20.0)),
    _system(
        "Halvorsen", 12, x=("-1.4*x - 4*y - 4*z - y^2", -6.4), y=("-1.4*y - 4*z - 4*x - z^2", 0.0),
        z=("-1.4*z - 4*x - 4*y - x^2", 0.0),
    ),
    _system("Sprott B", 25, x=("y*z", 0.5), y=("x - y", 0.2), z=("1 - x*y", 0.1)),
    _system("Arneodo", 20, x=("y", 0.3), y=("z", 0.3), z=("5.5*x - 3.5*y - z - x^3", 0.2)),
    _system("coupled springs", 14, x=("u", 1.0), y=("v", -0.5), u=("y - 3*x", 0.0), v=("x - 2*y - 0.1*v", 0.0)),
)  # fmt: skip

# Written down after terms of more kinds had been added for some of those above, before any was searched.
THIRD = (
    _system("charged capacitor", 6, q=("0.3*(5 - q/0.8)", 0.2)),
    _system("fall with two drags", 3, v=("9.81 - 0.3*v - 0.05*v^2", 0.0)),
    _system("gene that switches", 25, g=("0.1 - 0.45*g + g^2/(1 + g^2)", 0.02)),
    _system("harvest that saturates", 16, x=("x*(1 - x/6) - 0.8*x/(0.5 + x)", 0.7)),
    _system("epidemic in one equation", 14, z=("0.8 - 0.3*z - 0.7*exp(-z)", 0.1)),
    _system("overdamped bead", 9, p=("sin(p)*(2.5*cos(p) - 1)", 0.05)),
    _system("neuron with itself", 8, x=("tanh(2*x) - 0.6*x", 0.05)),
    _system("discharge through a diode", 6, V=("-0.2*(exp(V/0.5) - 1)", 2.0)),
    _system("subcritical growth", 14, x=("0.3*x + 1.2*x^3 - x^5", 0.1)),
    _system("cell cycle", 8, x=("6*(y - x)*(0.1 + x^2) - 0.6*x", 0.2), y=("0.35 - 0.6*x", 0.8)),
    _system("glider", 12, v=("-0.1*v^2 - sin(a)", 1.5), a=("v - cos(a)/v", 0.2)),
    _system("respiration", 14, x=("6 - x - x*y/(1 + 0.5*x^2)", 1.0), y=("4 - x*y/(1 + 0.5*x^2)", 1.0)),
    _system("pendulum in air", 12, a=("w", 2.0), w=("-4*sin(a) - 0.2*w*abs(w)", 0.0)),
    _system("dipole", 3, x=("1.2*x*y", 1.0), y=("y^2 - x^2", 0.2)),
    _system("shared prey", 30, x=("x*(1 - x/3) - x*y/(x + y)", 0.6), y=("0.9*x*y/(x + y) - 0.5*y", 0.3)),
    _system(
        "Maxwell-Bloch", 20, e=("1.5*(p - e)", 0.1), p=("0.8*(e*d - p)", 0.1), d=("0.3*(4 - d - 2*e*p)", 0.5)
    ),
    _system("Chen-Lee", 6, a=("5*a - b*c", 5.0), b=("a*c - 10*b", 10.0), c=("a*b/3 - 0.38*c", 10.0)),
    _system(
        "Rabinovich-Fabrikant", 15, x=("y*(z - 1 + x^2) + 0.1*x", -1.0), y=("x*(3*z + 1 - x^2) + 0.1*y", 0.0),
        z=("-2*z*(0.14 + x*y)", 0.5),
    ),
    _system(
        "food chain", 120, x=("x*(1 - x) - 5*x*y/(1 + 3*x)", 0.8),
        y=("5*x*y/(1 + 3*x) - 0.1*y*z/(1 + 2*y) - 0.4*y", 0.2), z=("0.1*y*z/(1 + 2*y) - 0.01*z", 9.0),
    ),
    _system(
        "stiffening springs", 18, x=("u", 1.2), y=("v", 0.0), u=("0.5*y - 1.5*x - 0.3*x^3", 0.0),
        v=("0.5*x - 0.5*y - 0.1*v", 0.3),
    ),
)  # fmt: skip

# Written down after the choice among rivals by their whole and shared constants had been added, before any was searched.
FOURTH = (
    _system("theta-logistic growth", 10, x=("0.8*x*(1 - (x/4)^2)", 0.3)),
    _system("evaporating drop", 5, d=("-0.3/d", 2.0)),
    _system("reversible reaction", 5, x=("0.5*(2 - x)*(3 - x) - 0.2*x^2", 0.0)),
    _system("enzyme inhibited by its substrate", 8, s=("-1.2*s/(0.5 + s + 0.3*s^2)", 5.0)),
    _system("tilted washboard", 20, p=("0.9 - sin(p) + 0.4*sin(2*p)", 0.0)),
    _system("Duffing-Van der Pol", 16, x=("v", 0.5), v=("0.8*(1 - x^2)*v - x - 0.5*x^3", 0.0)),
    _system("Morse oscillator", 12, x=("v", 0.0), v=("-2*(1 - exp(-x))*exp(-x)", 1.0)),
    _system("Leslie-Gower", 30, x=("x*(1 - x/5) - 0.3*x*y", 1.0), y=("0.4*y*(1 - y/(0.6*x))", 0.5)),
    _system("mutualism", 8, x=("x*(1 - x + 0.4*y)", 0.1), y=("y*(0.8 - y + 0.3*x)", 0.2)),
    _system("Bazykin", 30, x=("x - x*y/(1 + 0.4*x) - 0.05*x^2", 1.5), y=("x*y/(1 + 0.4*x) - y - 0.05*y^2", 0.6)),
    _system("Hindmarsh-Rose", 20, x=("y - x^3 + 3*x^2 + 0.5", -1.0), y=("1 - 5*x^2 - y", -4.0)),
    _system("Bogdanov-Takens", 12, x=("y", -0.6), y=("0.4*y - 1 + x^2 + x*y", 0.0)),
    _system("rumour", 16, X=("-0.8*X*Y", 0.98), Y=("0.8*X*Y - 0.5*Y*(Y + Z)", 0.02), Z=("0.5*Y*(Y + Z)", 0.0)),
    _system(
        "SIR with births", 40, S=("0.05 - 1.5*S*I - 0.05*S", 0.95), I=("1.5*S*I - 0.35*I", 0.05),
        R=("0.3*I - 0.05*R", 0.0),
    ),
    _system("Rucklidge", 15, x=("6.7*y - 2*x - y*z", 1.0), y=("x", 0.0), z=("y^2 - z", 4.5)),
    _system("Sprott S", 25, x=("-x - 4*y", 0.1), y=("x + z^2", 0.1), z=("1 + x", 0.1)),
    _system(
        "May-Leonard", 40, x=("x*(1 - x - 0.8*y - 1.3*z)", 0.5), y=("y*(1 - y - 0.8*z - 1.3*x)", 0.3),
        z=("z*(1 - z - 0.8*x - 1.3*y)", 0.1),
    ),
    _system(
        "Bloch equations", 14, x=("1.5*y - 0.2*x", 0.0), y=("0.8*z - 1.5*x - 0.2*y", 0.0),
        z=("0.1*(1 - z) - 0.8*y", 1.0),
    ),
    _system("charge in a trap", 14, x=("u", 1.0), y=("v", 0.0), u=("1.5*v - 0.4*x", 0.0), v=("-1.5*u - 0.4*y", 0.5)),
    _system(
        "pendulum on a spring", 8, r=("u", 1.3), a=("w", 0.5), u=("r*w^2 + 9.81*cos(a) - 30*(r - 1)", 0.0),
        w=("-9.81*sin(a)/r - 2*u*w/r", 0.0),
    ),
)  # fmt: skip

# Written down when the search was finished, before any was searched: they test probabilities fitted to the others.
FIFTH = (
    _system("Richards growth", 10, x=("1.1*x*(1 - sqrt(x/6))", 0.2)),
    _system("imperfect pitchfork", 6, x=("0.3 + 1.2*x - x^3", -0.2)),
    _system("ice on a lake", 10, h=("0.9/(0.2 + h)", 0.1)),
    _system("constant harvest", 12, x=("0.7*x*(1 - x/8) - 0.6", 1.2)),
    _system("thermal runaway", 12, c=("-0.1*c*exp(T)", 2.0), T=("0.3*c*exp(T) - T", 0.0)),
    _system(
        "Ivlev predators", 40, x=("x*(1 - x/5) - y*(1 - exp(-0.8*x))", 1.0),
        y=("0.7*y*(1 - exp(-0.8*x)) - 0.4*y", 0.5),
    ),
    _system("malaria", 30, h=("0.5*m*(1 - h) - 0.2*h", 0.02), m=("0.6*h*(1 - m) - 0.3*m", 0.01)),
    _system("two tanks", 10, a=("1 - 0.7*sqrt(a)", 0.1), b=("0.7*sqrt(a) - 0.5*sqrt(b)", 3.0)),
    _system(
        "Beddington-DeAngelis", 30, x=("x*(1 - x/4) - 1.2*x*y/(1 + 0.6*x + 0.3*y)", 1.0),
        y=("0.8*x*y/(1 + 0.6*x + 0.3*y) - 0.4*y", 0.5),
    ),
    _system(
        "Morris-Lecar", 25,
        V=("0.8 - (1 + tanh((V + 0.1)/0.2))*(V - 1)/2 - 2*w*(V + 0.7) - 0.5*(V + 0.5)", -0.3),
        w=("0.1*((1 + tanh((V - 0.1)/0.15))/2 - w)", 0.0),
    ),
    _system("Oregonator", 5, u=("10*(u - u^2 - w*(u - 0.1)/(u + 0.1))", 0.5), w=("u - w", 0.2)),
    _system("predators of limited prey", 30, x=("1.2*x*(1 - x/6) - 0.5*x*y", 1.0), y=("0.3*x*y - 0.6*y", 0.8)),
    _system("enzyme and complex", 8, s=("0.5*c - 2*s*(1 - c)", 3.0), c=("2*s*(1 - c) - 1.3*c", 0.0)),
    _system("hard excitation", 20, x=("v", 1.8), v=("-x - (0.2 - x^2 + 0.2*x^4)*v", 0.0)),
    _system("bubble", 8, R=("v", 1.3), v=("(1/R^4 - 1)/R - 1.5*v^2/R", 0.0)),
    _system("Chua with a cubic", 20, x=("9*(y - x^3/16 + x/6)", 0.5), y=("x - y + z", 0.1), z=("-14*y", 0.0)),
    _system("Genesio-Tesi", 16, x=("y", 0.2), y=("z", -0.3), z=("x^2 - 6*x - 2.92*y - 1.2*z", 0.1)),
    _system("Lu", 3, x=("36*(y - x)", 2.0), y=("20*y - x*z", 3.0), z=("x*y - 3*z", 15.0)),
    _system("repressilator", 20, x=("4/(1 + z^3) - x", 0.5), y=("4/(1 + x^3) - y", 1.0), z=("4/(1 + y^3) - z", 2.0)),
    _system(
        "two Van der Pol oscillators", 16, x=("u", 1.0), y=("w", -0.5), u=("(1 - x^2)*u - x + 0.3*(y - x)", 0.0),
        w=("(1 - y^2)*w - y + 0.3*(x - y)", 1.0),
    ),
)  # fmt: skip

# Written down before right-hand sides came to be searched as formulas, and searched when that was finished.
SIXTH = (
    _system("Solow growth", 30, k=("0.6*k^(1/3) - 0.25*k", 0.3)),
    _system("ice and albedo", 8, T=("1.2*(0.7 + 0.15*tanh(8*(T - 0.9))) - T^4", 0.75)),
    _system("pumped laser", 12, n=("2*n/(1 + n) - 0.6*n", 0.05)),
    _system("Stommel's ocean", 10, T=("3 - T*(1 + abs(T - S))", 0.2), S=("1.2 - S*(0.3 + abs(T - S))", 2.5)),
    _system("El Nino recharge", 30, T=("0.4*T + 0.9*h - 0.3*T^3", 0.5), h=("-0.5*T - 0.3*h", 0.2)),
    _system("Kaldor's cycle", 30, Y=("2*(tanh(1.5*Y) - 0.6*Y - K)", 0.4), K=("0.3*tanh(1.5*Y) - 0.1*K", -0.2)),
    _system(
        "Wilson-Cowan", 25, E=("1/(1 + exp(4 - 10*E + 9*I)) - E", 0.2), I=("(1/(1 + exp(3 - 8*E)) - I)/2", 0.1)
    ),
    _system("tired synapse", 8, u=("(0.2 - u)/1.5 + 0.8*(1 - u)", 0.2), x=("(1 - x)/0.9 - 2.5*u*x", 1.0)),
    _system("alcohol in two compartments", 10, c=("-1.2*c/(0.7 + c) - 0.5*c + 0.3*p", 4.0), p=("0.5*c - 0.3*p", 0.0)),
    _system("stirred tank", 12, c=("1 - c - 40*c*exp(-5/T)", 0.9), T=("1 - T + 60*c*exp(-5/T)", 1.0)),
    _system(
        "product inhibition", 12, s=("1 - 3*s/((0.5 + s)*(1 + p))", 3.0), p=("3*s/((0.5 + s)*(1 + p)) - 0.6*p", 0.0)
    ),
    _system(
        "infection in a changing herd", 20, S=("0.3 - 1.2*S*I/(S + I) - 0.1*S", 2.0), I=("1.2*S*I/(S + I) - 0.5*I", 0.05)
    ),
    _system("treatment that saturates", 40, S=("0.1 - 1.5*S*I - 0.1*S", 0.9), I=("1.5*S*I - 0.3*I - 0.1*I/(0.2 + I)", 0.1)),
    _system("Holling-Tanner", 40, x=("x*(1 - x/6) - x*y/(1 + x)", 2.0), y=("0.3*y*(1 - 2*y/x)", 0.5)),
    _system("electrostatic switch", 16, x=("v", 0.3), v=("0.08/(1 - x)^2 - x - 0.2*v", 0.0)),
    _system(
        "laser with an absorber", 14, I=("I*(g - a - 1)", 0.05), g=("0.5*(3 - g - g*I)", 2.6),
        a=("0.8*(1 - a - 2*a*I)", 1.0),
    ),
    _system(
        "glucose and insulin", 20, G=("0.3*(5 - G) - X*G", 16.0), X=("0.2*(i - 1) - 0.5*X", 0.0), i=("0.4*(1 - i)", 6.0)
    ),
    _system(
        "cholera", 30, S=("0.05*(1 - S) - 1.2*S*W/(0.4 + W)", 0.95), I=("1.2*S*W/(0.4 + W) - 0.4*I", 0.02),
        W=("0.9*I - 0.6*W", 0.0),
    ),
    _system(
        "Droop's algae", 14, s=("0.4*(3 - s) - x*s/(0.5 + s)", 2.0), q=("s/(0.5 + s) - 1.5*(q - 0.3)", 0.5),
        x=("1.5*x*(1 - 0.3/q) - 0.4*x", 0.2),
    ),
    _system(
        "two pendulums and a spring", 12, a=("u", 1.8), b=("v", 0.0), u=("0.8*(b - a) - 4*sin(a)", 0.0),
        v=("0.8*(a - b) - 4*sin(b)", 0.5),
    ),
)  # fmt: skip

# Written down when powers that are fitted, activations, shares of a sum and quotients of products had come into the library.
SEVENTH = (
    _system("draining cone", 4, h=("-0.5*h^(-3/2)", 2.0)),
    _system("fall with a drag between two kinds", 3, v=("9.81 - 0.4*v^(3/2)", 0.0)),
    _system("lamp", 6, T=("1.5 - 0.2*(T - 1) - 0.1*T^4", 1.0)),
    _system("infection without immunity", 16, I=("0.8*I*(1 - I) - 0.3*I", 0.02)),
    _system("motor with two frictions", 10, w=("2 - 0.5*w - 0.4*sqrt(w)", 0.1)),
    _system("batch culture", 10, x=("0.8*x*s/(0.3 + s)", 0.1), s=("-1.6*x*s/(0.3 + s)", 3.0)),
    _system("orbit's radius", 20, r=("v", 1.5), v=("1.2/r^3 - 1/r^2", 0.0)),
    _system("levitation", 3, x=("v", 0.85), v=("1 - 0.6/x^2", 0.0)),
    _system("Froude's pendulum", 20, a=("w", 0.3), w=("-sin(a) + 0.3*w*(1 - w^2)", 0.0)),
    _system(
        "tumour and immune cells", 20, E=("0.12 + 1.1*E*T/(2 + T) - 0.3*E*T - 0.4*E", 0.3), T=("1.6*T*(1 - T/5) - E*T", 0.5)
    ),
    _system("autocatalysis", 20, x=("1 - 0.5*x*y", 1.0), y=("0.5*x*y - 0.8*y", 0.5)),
    _system("gene that represses itself", 16, m=("2/(1 + p^2) - m", 0.1), p=("m - 0.5*p", 0.1)),
    _system("zombies", 10, S=("-0.9*S*Z", 2.0), Z=("0.4*S*Z + 0.2*R", 0.1), R=("0.5*S*Z - 0.2*R", 0.0)),
    _system("Moore-Spiegel", 12, x=("y", 0.1), y=("z", 0.0), z=("-z - (6 - 20 + 20*x^2)*y - 6*x", 0.0)),
    _system("jerk with a fold", 25, x=("y", 0.0), y=("z", 0.1), z=("-0.6*z - y + abs(x) - 1", 0.0)),
    _system(
        "Lorenz-Stenflo", 12, x=("y - x + 1.5*w", 1.0), y=("x*(26 - z) - y", 1.0), z=("x*y - 0.7*z", 10.0), w=("-x - w", 0.0)
    ),
    _system(
        "Rossler's hyperchaos", 15, x=("-y - z", -10.0), y=("x + 0.25*y + w", -6.0), z=("3 + x*z", 0.5),
        w=("-0.5*z + 0.05*w", 10.0),
    ),
    _system("tanks joined by a valve", 10, a=("1 - 0.6*sqrt(a - b)", 4.0), b=("0.6*sqrt(a - b) - 0.4*sqrt(b)", 0.5)),
    _system("three waves", 12, a=("-1.5*b*c", 2.0), b=("a*c - 0.1*b", 0.3), c=("0.7*a*b - 0.2*c", 0.2)),
    _system(
        "plankton", 40, N=("0.1*(3 - N) - P*N/(0.6 + N)", 2.0), P=("P*N/(0.6 + N) - 0.8*P*Z - 0.1*P", 0.2),
        Z=("0.5*P*Z - 0.2*Z", 0.2),
    ),
)  # fmt: skip

# Written down when functions with two and three constants inside had come in, and the search was frozen.
EIGHTH = (
    _system("cooperative uptake", 4, s=("-2*s^3/(1 + s^3)", 3.0)),
    _system("free convection", 6, T=("-0.5*T^(5/4)", 3.0)),
    _system("infusion of a drug", 8, s=("1 - 1.8*s/(0.6 + s)", 0.0)),
    _system("cautious epidemic", 20, I=("1.2*I*(1 - I)*exp(-2*I) - 0.3*I", 0.02)),
    _system("throw into space", 4, r=("v", 1.0), v=("-2/r^2", 1.7)),
    _system("Rayleigh-Duffing", 16, x=("v", 0.4), v=("0.8*v - 0.6*v^3 - x - 0.3*x^3", 0.0)),
    _system("prey in schools", 30, x=("x*(1 - x/3) - y*sqrt(x)", 1.0), y=("0.6*y*sqrt(x) - 0.65*y", 0.3)),
    _system("Gierer-Meinhardt", 20, a=("0.1 + a^2/h - 0.8*a", 0.5), h=("a^2 - h", 1.0)),
    _system("prey with an Allee effect", 20, x=("3*x*(1 - x)*(x - 0.2) - x*y", 0.9), y=("1.2*x*y - 0.8*y", 0.3)),
    _system("love affair", 20, R=("0.1*R + 0.8*J", 1.0), J=("-0.9*R - 0.2*J", 0.0)),
    _system("Lanchester's guerrillas", 4, x=("-0.6*x*y", 3.0), y=("-0.4*x", 2.0)),
    _system(
        "spinning ball", 2.5, u=("-(0.05*u + 0.04*v)*sqrt(u^2 + v^2)", 15.0),
        v=("-9.81 - (0.05*v - 0.04*u)*sqrt(u^2 + v^2)", 10.0),
    ),
    _system("spring with dry friction", 12, x=("v", 3.0), v=("-2*x - 0.5*tanh(3*v)", 0.0)),
    _system("Sprott E", 25, x=("y*z", 0.3), y=("x^2 - y", 0.1), z=("1 - 4*x", 0.2)),
    _system("Burke-Shaw", 4, x=("-10*(x + y)", 0.6), y=("-10*x*z - y", 0.1), z=("10*x*y + 4.27", 0.2)),
    _system("Liu", 3, x=("10*(y - x)", 2.0), y=("40*x - x*z", 2.4), z=("4*x^2 - 2.5*z", 38.0)),
    _system(
        "vaccination", 20, S=("-1.3*S*I - 0.1*S", 0.97), I=("1.3*S*I - 0.4*I", 0.03), V=("0.1*S", 0.0)
    ),
    _system(
        "two prey and a predator", 40, x=("x*(1 - x - 0.4*y - 0.8*z)", 0.5), y=("y*(0.9 - y - 0.3*x - 0.5*z)", 0.4),
        z=("z*(0.6*x + 0.5*y - 0.3)", 0.1),
    ),
    _system(
        "oscillators that stiffen each other", 16, x=("u", 1.0), y=("v", 0.5), u=("-x - x*y^2", 0.0),
        v=("-y - x^2*y", 0.8),
    ),
    _system(
        "Hill's moon", 4, x=("u", 0.3), y=("v", 0.0), u=("2*v + 3*x - x/(x^2 + y^2)^(3/2)", 0.0),
        v=("-2*u - y/(x^2 + y^2)^(3/2)", 1.4),
    ),
)  # fmt: skip

NINTH = (
    _system("gene that hinders itself", 10, p=("2/(1 + p^4) - 0.5*p", 0.05)),
    _system("draining and evaporating", 4.5, h=("-0.6*sqrt(h) - 0.1", 4.0)),
    _system("cooling by air and radiation", 4, T=("0.5*(1 - T) + 0.2*(1 - T^4)", 2.2)),
    _system("Schlogl's reaction", 8, x=("0.4 - 2.2*x + 3*x^2 - x^3", 0.0)),
    _system(
        "predators that crowd each other", 30, x=("x*(1 - x/4) - x*y/(1 + 0.5*x)", 1.0),
        y=("0.6*x*y/(1 + 0.5*x) - 0.3*y - 0.05*y^2", 0.4),
    ),
    _system("Higgins' glycolysis", 25, S=("0.6 - S*P", 1.6), P=("S*P - 0.9*P/(0.3 + P)", 0.3)),
    _system("algae that poison each other", 10, x=("x*(2 - x - 0.5*y - 0.3*x*y)", 0.1), y=("y*(1.5 - 0.4*x - y)", 0.2)),
    _system("relativistic oscillator", 14, x=("p/sqrt(1 + p^2)", 1.5), p=("-x", 0.0)),
    _system("electron in crossed fields", 10, u=("0.5 + 1.5*v", 0.2), v=("-1.5*u", 0.4)),
    _system("Hertz' contact", 12, x=("v", 0.3), v=("1 - 2*x^(3/2)", 0.0)),
    _system("tablet", 8, G=("-0.8*G", 3.0), C=("0.8*G - 1.2*C/(0.5 + C)", 0.0)),
    _system("bacteria and phages", 16, B=("B*(1 - B/2) - 0.9*B*P", 0.6), P=("1.8*B*P - 0.8*P", 0.2)),
    _system("two patches", 8, x=("x*(1 - x) + 0.2*(y - x)", 0.05), y=("1.5*y*(1 - y/3) + 0.2*(x - y)", 0.3)),
    _system("Lienard's plane", 14, x=("2*(x - x^3/3 - y)", 0.5), y=("0.5*x", 0.0)),
    _system(
        "Colpitts oscillator", 20, x=("4.47*(z - exp(-y) + 1)", 0.2), y=("4.47*z", 0.1),
        z=("-0.112*(x + y) - 0.707*z", 0.1),
    ),
    _system("Sprott F", 20, x=("y + z", 0.5), y=("-x + 0.5*y", 0.2), z=("x^2 - z", 0.1)),
    _system(
        "Newton-Leipnik", 12, x=("-0.4*x + y + 10*y*z", 0.349), y=("-x - 0.4*y + 5*x*z", 0.0),
        z=("0.175*z - 5*x*y", -0.16),
    ),
    _system("Shimizu-Morioka", 25, x=("y", 0.5), y=("x - 0.75*y - x*z", 0.2), z=("x^2 - 0.45*z", 0.3)),
    _system("quarantine", 20, S=("-1.5*S*I", 0.97), I=("1.5*S*I - 0.5*I", 0.03), Q=("0.2*I - 0.25*Q", 0.0)),
    _system(
        "ion in a trap and a magnetic field", 14, x=("u", 1.0), y=("v", 0.3), u=("-x + 0.8*v", 0.0),
        v=("-2*y - 0.8*u", 0.6),
    ),
)  # fmt: skip

# Written down when terms came to be taken from a language of them: of degree four and more, compositions, and quotients.
TENTH = (
    # E. E. Sel'kov (1968), Self-oscillations in glycolysis, European Journal of Biochemistry 4, with three molecules.
    _system("Selkov of three molecules", 20, x=("1.24 - x*y^3", 0.8), y=("x*y^3 - y", 1.3)),
    # Y. Aizawa's attractor, after W. F. Langford (1984), Numerical studies of torus bifurcations.
    _system(
        "Aizawa", 15, x=("(z - 0.7)*x - 3.5*y", 0.1), y=("3.5*x + (z - 0.7)*y", 0.0),
        z=("0.6 + 0.95*z - z^3/3 - (x^2 + y^2)*(1 + 0.25*z) + 0.1*z*x^3", 0.0),
    ),
    # A. L. Hodgkin, A. F. Huxley (1952), with three gates in a row.
    _system("gates in a row", 12, v=("1.5 - 0.5*v - n^3*v", 0.1), n=("0.8*v - 0.6*n", 0.1)),
    _system("two molecules of each kind", 8, x=("0.8 - x^2*y^2", 1.8), y=("0.9 - x^2*y^2 - 0.3*y", 0.2)),
    _system(
        "springs coupled in fifth order", 16, x=("u", 0.9), y=("v", 0.5), u=("-x - 0.8*x*y^3", 0.0),
        v=("-1.5*y - 1.2*x^2*y^2", 0.2),
    ),
    _system("two plates that radiate", 6, x=("1.2 - 0.4*(x^4 - y^4)", 0.5), y=("0.4*(x^4 - y^4) - 0.6*y", 0.4)),
    # Lord Rayleigh (1917), M. S. Plesset (1949): a bubble of diatomic or, here, slowly heated gas in a thick liquid.
    _system("bubble in oil", 8, r=("v", 1.6), v=("1.2/r^4 - 1/r - 1.5*v^2/r - 0.3*v/r^2", 0.0)),
    # V. S. Ivlev (1955), Experimental Ecology of the Feeding of Fishes.
    _system(
        "Ivlev", 30, x=("x*(1 - x/3) - y*(1 - exp(-1.2*x))", 1.0), y=("0.8*y*(1 - exp(-1.2*x)) - 0.4*y", 0.4)
    ),
    _system("logarithmic uptake", 30, x=("x*(1 - x/3) - y*log(1 + x)", 1.0), y=("0.8*y*log(1 + x) - 0.4*y", 0.4)),
    # Q. Cao and others (2006), Archetypal oscillator for smooth and discontinuous dynamics, Physical Review E 74.
    _system("smooth and discontinuous oscillator", 20, x=("v", 0.3), v=("-x + 2*x/sqrt(1 + x^2)", 0.2)),
    _system("Gaussian well", 20, x=("v", 0.4), v=("-2*x*exp(-x^2) - 0.1*v", 1.0)),
    _system("births by Ricker, deaths by crowding", 10, x=("2*x*exp(-x) - 0.2*x^2", 0.05)),
    # M. P. Hassell, G. C. Varley (1969), New inductive population model for insect parasites, Nature 223.
    _system("Hassell and Varley", 30, x=("x*(1 - x/3) - x*y/(sqrt(y) + x)", 1.0), y=("0.9*x*y/(sqrt(y) + x) - 0.4*y", 0.4)),
    _system(
        "prey shared by shares squared", 30, x=("x*(1 - x/3) - x^2*y/(x^2 + y^2)", 1.5), y=("x^2*y/(x^2 + y^2) - 0.6*y", 0.4)
    ),
    # W.-m. Liu, S. A. Levin, Y. Iwasa (1986), Influence of nonlinear incidence rates, Journal of Mathematical Biology 23.
    _system(
        "incidence that levels off", 20, S=("0.1*(1 - S) - 3*S*I/(1 + 4*I^2)", 0.95), I=("3*S*I/(1 + 4*I^2) - 0.6*I", 0.05)
    ),
    # P. M. Morse (1929), Diatomic molecules according to the wave mechanics, with friction.
    _system("Morse's molecule with friction", 12, x=("v", 1.2), v=("3*exp(-2*x) - 3*exp(-x) - 0.2*v", 0.0)),
    _system(
        "spring that swings", 8, r=("u", 1.3), a=("w", 0.6), u=("r*w^2 - 8*r + 8 + 2*cos(a)", 0.0),
        w=("-2*u*w/r - 2*sin(a)/r", 0.0)
    ),
    _system("hinge that turns with its hoop", 16, a=("w", 0.5), w=("2*sin(a)*cos(a) - sin(a) - 0.15*w^3", 0.0)),
    _system("two enzymes in a row", 10, s=("1 - 2*s^2/(0.5 + s^2)", 2.0), p=("2*s^2/(0.5 + s^2) - 1.5*p/(0.4 + p)", 0.1)),
    _system("beads on a parabola", 12, x=("v", 1.0), v=("-(2*x + 4*x*v^2)/(1 + 4*x^2)", 0.0)),
)  # fmt: skip

SETS = {
    "first": FIRST,
    "second": SECOND,
    "third": THIRD,
    "fourth": FOURTH,
    "fifth": FIFTH,
    "sixth": SIXTH,
    "seventh": SEVENTH,
    "eighth": EIGHTH,
    "ninth": NINTH,
    "tenth": TENTH,
}
