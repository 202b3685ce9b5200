"""Values and forms of the command line."""

from __future__ import annotations

import click
import pytest

from tenure.cli.flags import GoStyleCommand, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10.0),
        ("1m30s", 90.0),
        ("500ms", 0.5),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("1h0m0.5s", 3600.5),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("1000000000ns", 1.0),
    ],
)
def test_a_duration_is_read_as_go_does(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "10", "s", "10 s", "-10s", "0s", "10s!", "1m30", "\u0661s", "ten seconds"]
)
def test_anything_else_is_refused_with_forms_that_work(text: str) -> None:
    with pytest.raises(ValueError, match="write 10s, 1m30s or 500ms"):
        parse_duration(text)


@click.command(cls=GoStyleCommand)
@click.option("--election")
@click.option("--verbose", is_flag=True)
@click.argument("rest", nargs=-1)
def command(election: str, verbose: bool, rest: tuple[str, ...]) -> list[object]:
    """Return what was parsed."""
    return [election, verbose, *rest]


@pytest.mark.parametrize(
    ("arguments", "parsed"),
    [
        (["-election=x"], ["x", False]),
        (["-election", "x", "-verbose"], ["x", True]),
        (["--election=a=b", "--verbose=true"], ["a=b", True]),
        (["--election=x", "--verbose=false"], ["x", False]),
        (["--election=x", "--", "-election=y"], ["x", False, "-election=y"]),
    ],
)
def test_go_style_flags(arguments: list[str], parsed: list[object]) -> None:
    assert command.main(arguments, standalone_mode=False) == parsed
