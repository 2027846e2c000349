"""The sliding window, against a count by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.errors import ArgumentError
from llmspell.security.rates import Rates, Window, window_of


@given(
    steps=st.lists(st.floats(0, 50, allow_nan=False), max_size=60),
    requests=st.integers(1, 5),
    period=st.floats(1, 100, allow_nan=False),
)
def test_no_window_ever_holds_more_than_it_allows(steps: list[float], requests: int, period: float) -> None:
    rates, window, now, taken = Rates(), Window(requests, period), 0.0, list[float]()
    for step in steps:
        now += step
        within = [moment for moment in taken if moment + period - now > 0]
        assert rates.left("k", window, now) == requests - len(within)
        wait = rates.take("k", window, now)
        if wait == 0:
            taken.append(now)
            assert len(within) < requests
        else:
            assert len(within) == requests
            assert wait == within[0] + period - now


def test_keys_are_counted_apart_and_forgotten() -> None:
    rates, window = Rates(), window_of(1, "second")
    assert [rates.take(key, window, 5) for key in "aab"] == [0, 1000, 0]
    rates.forget("a")
    assert rates.take("a", window, 5) == 0


@pytest.mark.parametrize(("requests", "per"), [(0, "second"), (1, "fortnight"), (1, 0), (1, -5)])
def test_what_is_no_limit_is_refused(requests: int, per: str | float) -> None:
    with pytest.raises(ArgumentError):
        window_of(requests, per)
