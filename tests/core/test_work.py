"""Laws of the meters that count work, with a clock that the tests move."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise import InputError
from edgewise._core import work
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import LEVELS, Ending, Meter, StopError, charge, check_work, running, spent


@pytest.fixture
def clock(monkeypatch):
    """Time stands still until a test moves it."""
    now = [100.0]
    monkeypatch.setattr(work.time, "monotonic", lambda: now[0])
    return now


@given(st.lists(st.floats(0, 1e3), max_size=20))
def test_every_meter_around_counts(amounts):
    with running(Meter()) as outer:
        charge(1.0)
        with running(Meter()) as inner:
            for amount in amounts:
                charge(amount)
            assert spent() == inner.spent == pytest.approx(math.fsum(amounts))
        assert spent() == outer.spent == pytest.approx(1.0 + math.fsum(amounts))
    assert spent() == 0.0


def test_work_without_a_meter_is_free():
    charge(5.0)
    assert spent() == 0.0


def test_the_clock_interrupts_and_only_the_meter_that_set_it_answers(clock):
    with running(Meter(seconds=10)) as outer, running(Meter(seconds=1000)) as inner:
        charge(1e6)  # work alone never raises
        clock[0] += 11
        with pytest.raises(StopError) as caught:
            charge(0.0)
    assert outer.own(caught.value) is StopReason.TIME_LIMIT
    with pytest.raises(StopError):
        inner.own(caught.value)


def test_a_block_ends_for_its_own_meter_a_callback_and_an_interrupt_and_for_nothing_else(clock):
    outer, inner = Meter(seconds=10), Meter(seconds=5)
    with Ending(inner) as end:
        pass
    assert end.reason is None
    with Ending(inner) as end, running(inner):
        clock[0] += 6
        charge(0.0)
    assert end.reason is StopReason.TIME_LIMIT
    for error, reason in (
        (StopError(StopReason.CALLBACK), StopReason.CALLBACK),
        (KeyboardInterrupt(), StopReason.INTERRUPTED),
    ):
        with Ending(inner) as end:
            raise error
        assert end.reason is reason
    for error in (StopError(StopReason.TIME_LIMIT, outer), ValueError("a mistake")):
        with pytest.raises(type(error)), Ending(inner) as end:
            raise error
        assert end.reason is None


def test_a_stopped_block_leaves_no_meter_behind(clock):
    def late():
        with running(Meter(seconds=1)):
            clock[0] += 2
            charge(1.0)

    with pytest.raises(StopError):
        late()
    assert spent() == 0.0


def test_beat_is_called_about_twice_a_second_and_never_from_within(clock):
    told = []

    def beat():
        told.append(clock[0])
        charge(1.0)

    with running(Meter(beat=beat)):
        for _ in range(100):
            clock[0] += 0.1
            charge(0.0)
    assert len(told) in range(15, 21)


def test_who_is_asked_by_beat_ends_and_not_the_call_within(clock):
    def beat():
        raise StopError(StopReason.CALLBACK)

    with running(Meter(beat=beat)) as outer, running(Meter()) as inner:
        clock[0] += 1
        with pytest.raises(StopError) as caught:
            charge(0.0)
    with pytest.raises(StopError):
        inner.own(caught.value)
    assert outer.own(caught.value) is StopReason.CALLBACK


def test_shares_of_the_work():
    meter = Meter(most=10.0)
    with running(meter):
        assert meter.part(0.5) == 5.0
        assert meter.part(0.5, most=1.0) == 1.0
        charge(4.0)
        assert (meter.share, meter.left, meter.part(0.5)) == (0.4, 6.0, 7.0)
        charge(40.0)
    assert meter.share == 1.0
    assert meter.part(0.5) == meter.spent


@pytest.mark.parametrize("level", LEVELS)
def test_levels_are_factors(level):
    assert check_work(level) == LEVELS[level] == check_work(LEVELS[level])


@pytest.mark.parametrize("work", ["much", 0, -1, math.nan, None, [1]])
def test_other_work_is_refused(work):
    with pytest.raises(InputError) as caught:
        check_work(work)
    assert caught.value.argument == "work"


def test_one_thread_holds_blas_and_torch_and_gives_back():
    import torch
    from threadpoolctl import threadpool_info, threadpool_limits

    def counts():
        return [pool["num_threads"] for pool in threadpool_info()]

    own = torch.get_num_threads()
    with threadpool_limits(limits=2):
        torch.set_num_threads(2)
        try:
            before = counts()
            with one_thread(), one_thread():
                assert set(counts()) == {1}
                assert torch.get_num_threads() == 1
            assert (counts(), torch.get_num_threads()) == (before, 2)
            with one_thread(small=False):
                assert (counts(), torch.get_num_threads()) == (before, 2)
        finally:
            torch.set_num_threads(own)


def test_only_what_comes_from_outside_is_not_repeatable():
    outside = {reason for reason in StopReason if not reason.repeatable}
    assert outside == {StopReason.TIME_LIMIT, StopReason.INTERRUPTED, StopReason.CALLBACK}


@pytest.mark.parametrize("reason", StopReason)
def test_every_reason_has_one_sentence_of_advice(reason):
    assert reason.advice.endswith(".")
    assert reason == reason.value
