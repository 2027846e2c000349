"""`@frozen` makes what `dataclass(frozen=True, slots=True)` makes."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from llmspell.frozen import frozen


@frozen
class Point:
    """A place."""

    x: int
    y: int = 0
    tags: list[str] = dataclasses.field(default_factory=list[str])
    secret: str = dataclasses.field(default="", repr=False)

    @property
    def sum(self) -> int:
        return self.x + self.y


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    """A place."""

    x: int
    y: int = 0
    tags: list[str] = dataclasses.field(default_factory=list[str])
    secret: str = dataclasses.field(default="", repr=False)


def test_it_is_made_compared_and_shown_like_a_dataclass() -> None:
    ours, theirs = Point(1, tags=["a"], secret="s"), Standard(1, tags=["a"], secret="s")
    assert repr(ours) == repr(theirs).replace("Standard", "Point")
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert ours == Point(1, 0, ["a"], "s") != Point(2)
    assert ours != theirs
    assert ours.sum == 1
    assert dataclasses.replace(ours, x=3) == Point(3, tags=["a"], secret="s")


def test_defaults_are_made_anew() -> None:
    assert Point(1).tags is not Point(1).tags


def test_it_cannot_be_changed() -> None:
    point = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match=r"Point\.x cannot be changed"):
        point.x = 2  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(point, "__dict__")


def test_equal_ones_have_equal_hashes() -> None:
    @frozen
    class Key:
        name: str
        number: int = 0

    assert {Key("a"): 1}[Key("a", 0)] == 1
    with pytest.raises(TypeError):
        hash(Point(1))


def test_wrong_arguments_are_refused() -> None:
    for _ in range(2):  # before the first instance and after it
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
            Point()  # pyright: ignore[reportCallIssue]
        with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
            Point(1, z=2)  # pyright: ignore[reportCallIssue]


def test_patterns_and_copies() -> None:
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)
        case _:
            raise AssertionError("a point matches its pattern")
    assert copy.deepcopy(Point(1, tags=["a"])) == pickle.loads(pickle.dumps(Point(1, tags=["a"]))) == Point(1, 0, ["a"])
