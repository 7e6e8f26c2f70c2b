"""``python -m gateway``: the console command; without a sub-command, twistd.

``python -m gateway SUBCOMMAND`` equals ``gateway SUBCOMMAND``; ``python -m gateway
--config FILE`` equals ``twistd -n --pidfile= gateway --config FILE``, from a bare
checkout too, where twistd itself would not find the plugin.
"""

from __future__ import annotations

import sys
from pathlib import Path


def run_twistd(arguments: list[str]) -> None:
    """Run twistd in the foreground; does not return."""
    import twisted.plugins  # noqa: PLC0415 (only when a gateway is to run)
    from twisted.scripts.twistd import run  # noqa: PLC0415

    checkout = Path(__file__).resolve().parent.parent / "twisted_plugins"
    if checkout.is_dir() and str(checkout) not in twisted.plugins.__path__:
        twisted.plugins.__path__.append(str(checkout))
    sys.argv[:] = ["twistd", "-n", "--pidfile=", "gateway", *arguments]
    run()


def main() -> None:
    """Dispatch by the first argument."""
    arguments = sys.argv[1:]
    if arguments and arguments[0].startswith(("--config", "-c")):
        run_twistd(arguments)
        return
    from gateway.cli import command  # noqa: PLC0415 (twistd needs none of it)

    command(prog_name="gateway")


if __name__ == "__main__":
    main()
