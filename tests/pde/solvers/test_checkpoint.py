"""A march that was interrupted goes on to the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise import FileError, InputError, StopReason, pde


def ring(speed=1.0):
    (x,), t = pde.coordinates("x"), pde.time()
    u, space = pde.unknown("u", x, t), pde.box({x: (0, 1), t: (0, 0.3)}, periodic=x)
    wave = pde.sin(2 * pde.pi * x)
    equation = pde.dx(u, t) + speed * u * pde.dx(u, x) == 0.05 * pde.dx(u, x, 2)
    return pde.Problem(space, [equation], pde.on(space.boundary["start"], u == wave))


@pytest.fixture(scope="module")
def whole():
    steps = []
    return pde.solve(ring(), 1e-4, callbacks=steps.append), len(steps)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.4, 0.8])
def test_it_goes_on_to_the_same_bits(whole, share, tmp_path):
    solution, count = whole
    seen = []

    def stop(record):
        seen.append(record)
        return len(seen) > share * count

    part = pde.solve(ring(), 1e-4, callbacks=stop)
    assert part.stop_reason is StopReason.CALLBACK
    seen[-1].checkpoint().save(tmp_path / "c.kan")
    later = []
    kept = pde.Checkpoint.load(tmp_path / "c.kan")
    again = pde.solve(ring(), 1e-4, resume=kept, callbacks=later.append)
    assert len(later) < count
    at = [np.linspace(0, 1, 30), np.linspace(0, 0.3, 30)]
    assert np.array_equal(again.grid(*at), solution.grid(*at))
    assert again.error == solution.error
    assert again.solved


def test_of_another_problem_it_is_refused(tmp_path):
    seen = []

    def stop(record):
        seen.append(record)
        return len(seen) > 6

    pde.solve(ring(), 1e-4, callbacks=stop)
    kept = seen[-1].checkpoint()
    for problem, tolerance in ((ring(2.0), 1e-4), (ring(), 1e-5)):
        with pytest.raises(InputError) as error:
            pde.solve(problem, tolerance, resume=kept)
        assert error.value.argument == "resume"
    (x,) = pde.coordinates("x")
    v, line = pde.unknown("v", x), pde.box({x: (0, 1)})
    steady = pde.Problem(line, [pde.dx(v, x, 2) == -2], pde.on(line.boundary["walls"], v == 0))
    with pytest.raises(InputError) as error:
        pde.solve(steady, 1e-4, resume=kept)
    assert error.value.argument == "resume"
    pde.solve(steady).save(tmp_path / "s.kan")
    with pytest.raises(FileError, match="Checkpoint"):
        pde.Checkpoint.load(tmp_path / "s.kan")
