"""
Your own torch loop
===================

A KAN is a ``torch.nn.Module``: put it in your model, write your own loss, differentiate it as often
as you like.

`fit` is for tables. When the loss is not a distance to a column, here the residual of a
differential equation, you write the loop, as with any other module.
"""

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.integrate import solve_ivp

import edgewise as ew

# %%
# An equation for a loss
# ----------------------
# A pendulum let go at an angle of 2, almost upright, with friction:
#
# .. math:: \theta'' + 0.3\,\theta' + \sin\theta = 0, \qquad \theta(0) = 2, \quad \theta'(0) = 0.
#
# The network maps time to angle. It has one edge, so the solution will *be* a spline, of degree 5
# that its second derivative is smooth. The initial state is built in: whatever the network's output,
# its value and slope at zero are taken off.

net = ew.KAN(
    [1, 1],
    degree=5,
    intervals=30,
    grid=(0.0, 12.0),
    init="zero",
    dtype=torch.float64,
)
time = torch.linspace(0.0, 12.0, 400, dtype=torch.float64)[:, None].requires_grad_()
start = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)


def derivative(values, of):
    """d values / d of, itself differentiable."""
    return torch.autograd.grad(values.sum(), of, create_graph=True)[0]


def angle_at(time):
    """The angle: 2 at the start, and at rest there."""
    value = net(start)
    return 2.0 + net(time) - value - derivative(value, start) * time


def residual(time):
    """What is left of the equation."""
    angle = angle_at(time)
    speed = derivative(angle, time)
    return derivative(speed, time) + 0.3 * speed + torch.sin(angle)


# %%
# The loop
# --------
# Any optimiser of torch will do; L-BFGS is at home with smooth losses on full batches. Called a second
# time it forgets what it gathered far from the solution.

optimiser = torch.optim.LBFGS(
    net.parameters(),
    max_iter=200,
    history_size=100,
    tolerance_change=1e-16,
    line_search_fn="strong_wolfe",
)


def closure():
    """Loss and gradient, as often as L-BFGS asks for them."""
    optimiser.zero_grad()
    loss = residual(time).square().mean()
    loss.backward()
    return loss


for _ in range(2):
    optimiser.step(closure)
    print(f"mean squared residual {residual(time).square().mean().item():.1e}")

# %%
# What was fitted is a network like any other, and shows itself as one.

net

# %%
# Against a solver
# ----------------

seconds = time.detach()[:, 0].numpy()
angle = angle_at(time).detach()[:, 0].numpy()
solver = solve_ivp(
    lambda t, s: [s[1], -0.3 * s[1] - np.sin(s[0])],
    (0, 12),
    [2.0, 0.0],
    t_eval=seconds,
    rtol=1e-10,
    atol=1e-10,
)
print(f"largest distance from the solver: {np.abs(angle - solver.y[0]).max():.1e}")

figure = Figure(figsize=(6.4, 3.2), layout="constrained", facecolor="none")
axes = figure.subplots()
axes.plot(seconds, solver.y[0], color="#a5adba", lw=6, label="solver")
axes.plot(seconds, angle, color="#0b6bb3", lw=1.6, label="network")
axes.set(xlabel="time", ylabel="angle", facecolor="none")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
figure

# %%
# A layer among others
# --------------------
# `KANLinear` stands where ``torch.nn.Linear`` stands: any leading dimensions, any device, float32
# by default, AdamW and minibatches. Here it is the head of an ordinary model. ``base="silu"`` adds
# a plain function to every edge, which helps first-order training; keep what enters a KAN layer
# near its grid, here with a ``tanh``.

torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Linear(2, 16),
    torch.nn.Tanh(),
    ew.KANLinear(16, 1, grid=(-1.0, 1.0), base="silu"),
)
points = torch.rand(2048, 2) * 2 - 1
target = torch.sin(4 * points[:, :1]) * torch.cos(3 * points[:, 1:])
adam = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-4)

for epoch in range(41):
    for rows in torch.randperm(len(points)).split(256):
        adam.zero_grad()
        loss = torch.nn.functional.mse_loss(model(points[rows]), target[rows])
        loss.backward()
        adam.step()
    if epoch % 10 == 0:
        print(f"epoch {epoch:2}  error {loss.item() ** 0.5:.4f}")

# %%
# The head can still be read, edge by edge: ``layer.edges(x)`` returns each function's value apart,
# before the sum.

hidden = model[:2](points)
parts = model[2].edges(hidden)[..., 0]
print("strongest edges:", parts.std(0).topk(3).indices.tolist())
