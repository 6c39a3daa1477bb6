"""
A family of cooling curves
==========================

Six cups of different sizes cool in one room. Each has its own start and its own rate; the room is the
same for all. One law, with the constants that cups share separated from those that are their own.
"""

import numpy as np
import pandas as pd

from edgewise import find_formula
from edgewise.plots import plot_groups

minutes = np.linspace(0, 40, 21)
random = np.random.default_rng(0)
cups = pd.concat(
    pd.DataFrame(
        {
            "cup": name,
            "minutes": minutes,
            "temperature": 21
            + height * np.exp(-rate * minutes)
            + random.normal(0, 0.4, len(minutes)),
        }
    )
    for name, height, rate in [
        ("espresso", 52, 0.12),
        ("mug", 63, 0.045),
        ("thermos", 66, 0.008),
        ("glass", 58, 0.07),
        ("bowl", 49, 0.055),
        ("pot", 70, 0.03),
    ]
)

# %%
# One law
# -------

found = find_formula(
    cups[["minutes"]], cups["temperature"], groups=cups["cup"], work=0.1
)
print(found)

# %%
# All cups
# --------

plot_groups(found.best, cups[["minutes"]], cups["temperature"], cups["cup"])

# %%
# A new cup
# ---------
# Five readings are enough for its own constants; the temperature of the room is known from the others.

early = minutes[:5]
teapot = 21 + 61 * np.exp(-0.02 * early) + random.normal(0, 0.4, 5)
known = found.best.with_group("teapot", early[:, None], teapot)
print(known.of("teapot"))
print(
    known.predict(np.array([[40.0]]), ["teapot"]).round(1),
    "after 40 minutes; true are 48.4",
)
