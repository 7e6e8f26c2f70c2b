"""``gateway explain URL``: the decision about one request, step by step."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from gateway.cli.common import config_option, fail, load_or_exit
from gateway.ops.explaining import KINDS, explained
from gateway.policy.steps import TABLE, Row

DENIED = 3
"""The exit status of a denial: neither fine nor a fault."""


@click.command()
@click.argument("url", required=False)
@click.option(
    "--as",
    "kind",
    type=click.Choice(KINDS),
    default="navigation",
    show_default=True,
    help="What is asked.",
)
@click.option("--from", "page", metavar="ORIGIN", help="The page that asks; none: not known.")
@click.option("--client", metavar="ADDRESS", help="The address of the one who asks.")
@click.option("--native", is_flag=True, help="A client that is no page of this gateway's.")
@click.option(
    "--address",
    "addresses",
    metavar="ADDRESS",
    multiple=True,
    help="What the name resolves to, instead of looking it up; may be repeated.",
)
@click.option("--no-look-up", is_flag=True, help="Leave the address step to the connection.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--table", is_flag=True, help="Print the table of all steps and nothing else.")
def explain(  # noqa: PLR0913 (an argument for each option)
    url: str | None,
    kind: str,
    page: str | None,
    client: str | None,
    addresses: tuple[str, ...],
    config: Path | None,
    *,
    native: bool,
    no_look_up: bool,
    as_json: bool,
    table: bool,
) -> None:
    """Explain whether a URL is open: each step, the deciding rule, what would change it.

    Exit status 0: allowed; 3: denied; 1: the question or the configuration has a fault.
    """
    if table:
        click.echo(printed_table(), nl=False)
        return
    if url is None:
        raise click.UsageError("a URL is missing (or --table)")
    found = explained(
        load_or_exit(config),
        url,
        kind,
        page,
        client,
        native=native,
        addresses=addresses,
        looks_up=not no_look_up,
    )
    if isinstance(found, list):
        fail(*found)
    click.echo(json.dumps(found.told, indent=2) if as_json else "\n".join(found.lines))
    if not found.told["allowed"]:
        sys.exit(DENIED)


_HEAD = "| step | name | question | if so | if not | refused with | answered by |"


def printed_table() -> str:
    """The table of steps as the documentation shows it (Markdown)."""
    rows = [_HEAD, "|-:|---|---|---|---|---|---|"]
    rows += [_printed_row(row) for row in TABLE]
    return "\n".join(rows) + "\n"


def _printed_row(row: Row) -> str:
    refusal = f"{row.status} `{row.event}`" if row.event else str(row.status)
    cells = (
        str(int(row.step)),
        row.name,
        row.question,
        row.passes,
        row.refuses,
        refusal,
        row.elsewhere or "policy.engine",
    )
    return f"| {' | '.join(cells)} |"
