"""
A series carried on
===================

Passengers of airlines, month by month from 1949 to 1960 (Box and Jenkins, series G): learned from
the first ten years, forecast for the two that follow, and taken apart.
"""

import numpy as np

import edgewise as ew
from edgewise.estimators import KANForecaster

PASSENGERS = """112 118 132 129 121 135 148 148 136 119 104 118 115 126 141 135 125 149 170 170 158
133 114 140 145 150 178 163 172 178 199 199 184 162 146 166 171 180 193 181 183 218 230 242 209 191
172 194 196 196 236 235 229 243 264 272 237 211 180 201 204 188 235 227 234 264 302 293 259 229 203
229 242 233 267 269 270 315 364 347 312 274 237 278 284 277 317 313 318 374 413 405 355 306 271 306
315 301 356 348 355 422 465 467 404 347 305 336 340 318 362 348 363 435 491 505 404 359 310 337 360
342 406 396 420 472 548 559 463 407 362 405 417 391 419 461 472 535 622 606 508 461 390 432"""
y = np.array(PASSENGERS.split(), dtype=float)
month = np.arange("1949-01", "1961-01", dtype="datetime64[M]")

# %%
# Judged by the past
# ------------------
# Forecasts from moments in the series, each by a model that had seen nothing later, choose what a
# value is measured from and how wide intervals are.

model = KANForecaster(time="month").fit({"month": month[:120]}, y[:120])
print(
    model.design_.base,
    "log" if model.design_.log else "",
    round(model.backtest_.relative, 2),
)

# %%
# The years that follow
# ---------------------

coming = model.forecast(24, return_interval=0.9)
model.plot(coming, actual=y[120:])

# %%
# Why
# ---
# The model of the next value is a ``KANRegressor``: its curves, and what each forecast follows from.

print(ew.explain(model.model_, coming.inputs, row=0))

# %%
ew.plots.plot_shapes(ew.explain(model.model_, coming.inputs))

# %%
# The same model, to be asked: what would follow if the months before had been others?

model.model_
