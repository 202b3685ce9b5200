"""Printers: the forms in which accounts of elections are printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import click

from tenure.cli.account import COLUMNS, NAMESPACE_COLUMN, WIDE_COLUMNS, Account

__all__ = ["OUTPUT", "Printer", "TablePrinter", "printer_for"]

OUTPUT = click.Choice(["json", "yaml", "wide"])
"""What ``-o`` takes."""
_NOTHING = "-"
_GAP = "   "


class Printer:
    """Prints a document for programs.

    Args:
        dump: makes the text of one.
    """

    def __init__(self, dump: Callable[[dict[str, Any]], str]) -> None:
        self._dump = dump

    def print_all(self, accounts: Sequence[Account]) -> None:
        """Print everything as one document."""
        click.echo(self._dump({"elections": [account.fields() for account in accounts]}))

    def print_change(self, account: Account) -> None:
        """Print one election that has changed, as a document of its own."""
        click.echo(self._dump(account.fields()))


class TablePrinter(Printer):
    """Prints a line for each election, in columns that stay as wide as they ever had to be.

    Args:
        is_wide: with everything that is known.
        is_of_all_namespaces: with the namespace.
    """

    def __init__(self, *, is_wide: bool, is_of_all_namespaces: bool) -> None:
        self._columns = (NAMESPACE_COLUMN,) * is_of_all_namespaces + COLUMNS + WIDE_COLUMNS * is_wide
        self._widths = [0] * len(self._columns)
        self._has_title = False

    def print_all(self, accounts: Sequence[Account]) -> None:
        self._print_lines([self._cells(account) for account in accounts])

    def print_change(self, account: Account) -> None:
        self._print_lines([self._cells(account)])

    def _cells(self, account: Account) -> list[str]:
        return [column.cell(account) or _NOTHING for column in self._columns]

    def _print_lines(self, lines: list[list[str]]) -> None:
        if lines and not self._has_title:
            self._has_title = True
            lines = [[column.title for column in self._columns], *lines]
        for line in lines:
            self._widths = [max(width, len(cell)) for width, cell in zip(self._widths, line, strict=True)]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, self._widths, strict=True))
            click.echo(_GAP.join(cells).rstrip())


def printer_for(output: str | None, *, is_of_all_namespaces: bool, is_watching: bool) -> Printer:
    """Return the printer for a value of ``-o``.

    Args:
        output: one of `OUTPUT`; None: a table.
        is_of_all_namespaces: the elections may be of several namespaces.
        is_watching: several documents follow one another, JSON one a line.
    """
    if output == "json":
        return Printer(lambda document: json.dumps(document, indent=None if is_watching else 2))
    if output == "yaml":
        return Printer(lambda document: _dump_yaml(document, is_one_of_many=is_watching))
    return TablePrinter(is_wide=output == "wide", is_of_all_namespaces=is_of_all_namespaces)


def _dump_yaml(document: dict[str, Any], *, is_one_of_many: bool) -> str:
    import yaml  # only here: nobody else pays for it

    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, explicit_start=is_one_of_many)
    return text.rstrip("\n")
