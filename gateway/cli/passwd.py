"""``gateway passwd``: users of the password file."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.errors import ConfigurationError
from gateway.ops.passwordfile import remove_user, set_password
from gateway.policy.passwords import normal, why_no_user

_MAX_PASSWORD = 4096
_NOT_UTF_8 = "standard input is not UTF-8"


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("user")
@click.option("--delete", is_flag=True, help="Take the user out instead.")
def passwd(file: Path, user: str, *, delete: bool) -> None:
    """Add USER to the password FILE, or change their password.

    Asks twice on a terminal; else reads one line of standard input.  The file is made if there
    is none, with mode 0600.  A running gateway takes changes in by itself; who is signed in
    with a password that was changed or taken out has to sign in again.
    """
    try:
        said = _change(file, normal(user), delete=delete)
    except ConfigurationError as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        sys.exit(1)
    click.echo(f"{file}: {said}")


def _change(file: Path, name: str, *, delete: bool) -> str:
    """What was done; raises ``ConfigurationError`` for what could not be."""
    reason = why_no_user(name)
    if reason is not None:
        raise ConfigurationError([f"{name!r} cannot be a user: {reason}"])
    if not delete:
        was_there = set_password(file, name, _password())
        return f"{name} is {'changed' if was_there else 'added'}"
    if not remove_user(file, name):
        raise ConfigurationError([f"{file}: there is no such user"])
    return f"{name} is taken out"


def _password() -> str:
    """The password in normal form; raises ``ConfigurationError`` for none that can be typed."""
    if sys.stdin.isatty():
        text = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        try:
            text = sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError:
            raise ConfigurationError([_NOT_UTF_8]) from None
    # In some locales Python takes stray octets in as surrogates.
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        raise ConfigurationError([_NOT_UTF_8])
    text = normal(text)
    if not text or len(text) > _MAX_PASSWORD:
        raise ConfigurationError([f"a password has 1 to {_MAX_PASSWORD} characters"])
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ConfigurationError(["a password has no control characters: browsers cannot send it"])
    return text
