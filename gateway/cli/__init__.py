"""The console command ``gateway``: one file for each sub-command.

Exit codes: 0 fine, 1 refused or failed, 2 usage.
"""

from __future__ import annotations

import click

from gateway import __version__
from gateway.cli.check_config import check_config
from gateway.cli.collapse import collapse
from gateway.cli.cookies import cookies
from gateway.cli.demo import demo
from gateway.cli.expand import expand
from gateway.cli.explain import explain
from gateway.cli.headers import headers
from gateway.cli.imports import imports
from gateway.cli.keys import keys
from gateway.cli.passwd import passwd
from gateway.cli.rewrite import rewrite
from gateway.cli.status import status
from gateway.cli.store import store
from gateway.rewrite import native


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__, prog_name="gateway", message=f"%(prog)s, version %(version)s ({native.KIND})"
)
def command() -> None:
    """An event-driven web gateway: any allowed site, served from one domain.

    Run it with "twistd -n gateway --config FILE", or from a bare checkout with
    "python -m gateway --config FILE".
    """


command.add_command(check_config)
command.add_command(collapse)
command.add_command(cookies)
command.add_command(demo)
command.add_command(expand)
command.add_command(explain)
command.add_command(headers)
command.add_command(imports)
command.add_command(keys)
command.add_command(passwd)
command.add_command(rewrite)
command.add_command(status)
command.add_command(store)
