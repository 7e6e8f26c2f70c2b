"""``[authentication]``: who may use the gateway; off unless the table is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import attrs

from gateway.errors import ConfigurationError
from gateway.ops import passwordfile, schema
from gateway.ops.schema import Fault, Key, Reader, Table
from gateway.origins import parse
from gateway.policy.authentication import ALGORITHMS, Authentication, JwtRules, OidcRules
from gateway.policy.lockout import Lockout, Rule

_KNOWN: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "EdDSA",
    "Ed25519",
)
_MAX_SECRET = 4096


@attrs.frozen
class LoginSettings:
    """What the shell needs for ``rules``; None there: nobody is asked."""

    rules: Authentication | None = None
    password_file: Path | None = None
    jwks: str = ""
    client_secret: str = attrs.field(default="", repr=False)
    cache_seconds: int = 60
    threads: int = 2
    waiting: int = 32
    keys_fresh_seconds: int = 3600
    keys_minimum_seconds: int = 60


def _realm(value: Any) -> str:
    realm = schema.text(value)
    if not realm.isascii() or not realm.isprintable() or set('"\\') & set(realm):
        raise Fault('printable ASCII without " and \\')
    return realm


def _https(value: Any) -> str:
    found = parse(value) if isinstance(value, str) else None
    if found is None or found[1].protocol != "https:" or found[1].username or found[1].hash:
        raise Fault('an "https://" URL')
    return str(value)


def _jwks(value: Any) -> str:
    where = schema.text(value)
    return _https(where) if "://" in where else where


def _algorithm(value: Any) -> str:
    if value not in _KNOWN:
        raise Fault("one of " + ", ".join(_KNOWN))
    return str(value)


def _scope(value: Any) -> str:
    scope = schema.text(value)
    if not scope.isascii() or not scope.isprintable() or set(' "\\') & set(scope):
        raise Fault("a scope's name")
    return scope


_SECONDS = schema.number(1, 10 * 365 * 86400)
_COUNT = schema.number(1, 1_000_000)

TABLE = Table(
    {
        "realm": Key(_realm),
        "password-file": Key(schema.text),
        "native": Key(schema.choice("closed", "open"), "closed"),
        "anonymous": Key(schema.choice("closed", "same-address"), "closed"),
        "session-seconds": Key(_SECONDS, 43200),
        "cache-seconds": Key(schema.number(1, 3600), 60),
        "threads": Key(schema.number(1, 64), 2),
        "waiting": Key(schema.number(1, 10_000), 32),
        "lockout": Table(
            {
                "free": Key(_COUNT, 5),
                "first-seconds": Key(_SECONDS, 1),
                "bound-seconds": Key(_SECONDS, 900),
                "address-free": Key(_COUNT, 50),
                "user-free": Key(_COUNT, 100),
                "forget-seconds": Key(_SECONDS, 3600),
                "known-seconds": Key(_SECONDS, 30 * 86400),
            }
        ),
        "jwt": Table(
            {
                "issuer": Key(schema.text),
                "audience": Key(schema.text),
                "jwks": Key(_jwks),
                "algorithms": Key(schema.list_of(_algorithm), ALGORITHMS),
                "user-claim": Key(schema.text, "sub"),
                "leeway-seconds": Key(schema.number(0, 600), 30),
                "fresh-seconds": Key(_SECONDS, 3600),
                "minimum-seconds": Key(_SECONDS, 60),
            }
        ),
        "oidc": Table(
            {
                "issuer": Key(_https),
                "client-id": Key(schema.text),
                "client-secret-file": Key(schema.text),
                "scopes": Key(schema.list_of(_scope), ("openid",)),
                "user-claim": Key(schema.text, "sub"),
            }
        ),
    }
)
_NEEDED: Final = {"jwt": ("issuer", "audience", "jwks"), "oidc": ("issuer", "client-id")}


def read(values: dict[str, Any], document: dict[str, Any], reader: Reader) -> LoginSettings:
    """Check the table ``[authentication]`` of a configuration, its files too."""
    if "authentication" not in document:
        return LoginSettings()
    given = document["authentication"]
    present = {name for name in _NEEDED if isinstance(given, dict) and name in given}
    for name in present:
        for key in _NEEDED[name]:
            if isinstance(given[name], dict) and key not in given[name]:
                reader.fault(f"authentication.{name}.{key}", "missing, it has no default")
    if values["password_file"] is None and not present:
        what = "expected password-file, [authentication.jwt] or [authentication.oidc]"
        reader.fault("authentication", f"nobody could sign in, {what}")
    path = _password_file(values["password_file"], reader)
    jwt, oidc, locks = values["jwt"], values["oidc"], values["lockout"]
    if jwt["jwks"] is not None and "://" not in jwt["jwks"] and not _is_file(jwt["jwks"]):
        reader.fault(
            "authentication.jwt.jwks", f"found {schema.show(jwt['jwks'])}, expected a file"
        )
    if not jwt["algorithms"]:
        reader.fault("authentication.jwt.algorithms", "found [], expected at least one")
    if "openid" not in oidc["scopes"]:
        reader.fault("authentication.oidc.scopes", 'expected "openid" among them')
    secret = _secret(oidc["client_secret_file"], reader)
    lockout = Lockout(
        Rule(locks["free"], locks["first_seconds"], locks["bound_seconds"]),
        Rule(locks["address_free"], locks["first_seconds"], locks["bound_seconds"]),
        locks["user_free"],
        locks["forget_seconds"],
        locks["known_seconds"],
    )
    leeway = jwt["leeway_seconds"]
    rules = Authentication(
        realm=values["realm"] or "gateway",
        basic=path is not None,
        jwt=JwtRules(jwt["issuer"], jwt["audience"], jwt["algorithms"], jwt["user_claim"], leeway)
        if "jwt" in present
        else None,
        oidc=OidcRules(
            oidc["issuer"], oidc["client_id"], oidc["scopes"], ALGORITHMS, oidc["user_claim"]
        )
        if "oidc" in present
        else None,
        native_open=values["native"] == "open",
        anonymous_near=values["anonymous"] == "same-address",
        session_seconds=values["session_seconds"],
        lockout=lockout,
    )
    return LoginSettings(
        rules,
        path,
        jwt["jwks"] or "",
        secret,
        values["cache_seconds"],
        values["threads"],
        values["waiting"],
        jwt["fresh_seconds"],
        jwt["minimum_seconds"],
    )


def warnings(login: LoginSettings) -> list[str]:
    """What is dangerous and was asked for all the same."""
    found = []
    rules = login.rules
    if rules is not None and rules.native_open:
        found.append(
            "authentication.native: programs reach what rules with native open, without signing in"
        )
    if rules is not None and rules.anonymous_near:
        found.append(
            "authentication.anonymous: whoever shares the address of somebody who is signed in "
            "can fetch what browsers ask for without cookies"
        )
    return found


def _password_file(name: str | None, reader: Reader) -> Path | None:
    if name is None:
        return None
    try:
        passwordfile.load(Path(name))
    except ConfigurationError as error:
        fault = str(error).removeprefix(f"{name}: ")
        reader.fault("authentication.password-file", f"found {schema.show(name)}: {fault}")
    except ValueError:
        reader.fault("authentication.password-file", f"found {schema.show(name)}: no file's name")
    return Path(name)


def _secret(name: str | None, reader: Reader) -> str:
    if name is None:
        return ""
    where = "authentication.oidc.client-secret-file"
    try:
        secret = Path(name).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        kind = type(error).__name__  # its text may hold what the file holds
        reader.fault(where, f"found a file that cannot be read ({kind})")
        return ""
    if not secret or len(secret) > _MAX_SECRET:
        reader.fault(where, "found a file without a secret in it")
    return secret


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False
