"""``NSAppTransportSecurity`` of an ``Info.plist`` as transport attributes of access rules.

ATS says how to connect and opens nothing; ``access`` rules open.  So each is written for
pages of an origin that nobody has: its attributes count, for they count for every
connection to the origin, and nothing is opened by it.
"""

from __future__ import annotations

import plistlib
import re
import struct
from typing import Any
from xml.parsers.expat import ExpatError

from gateway.policy.imported import LARGEST, Imported, Unreadable, Value, shown

NOBODY = "https://nobody.invalid"
"""The page that no rule's ``from`` should match: a name that never resolves (RFC 6761)."""

_TOP = "NSAppTransportSecurity"
_HOST = re.compile(r"(?!.*\.\.)[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\Z")
_TLS = {"TLSv1.0": "1.0", "TLSv1.1": "1.1", "TLSv1.2": "1.2", "TLSv1.3": "1.3"}
_VARIANTS = ("", "ThirdParty", "Temporary")
_WITHOUT = {
    "NSAllowsArbitraryLoadsForMedia": "media are requests like others here",
    "NSAllowsArbitraryLoadsInMedia": "media are requests like others here",
    "NSAllowsArbitraryLoadsInWebContent": "all content is web content here",
    "NSAllowsLocalNetworking": "see upstream.allow-private, which is about addresses",
    "NSRequiresCertificateTransparency": "certificate transparency is not checked",
}


def read_ats(source: bytes, name: str, *, opens: bool = False) -> Imported:
    """Read an ``Info.plist``, XML or binary; ``opens``: the rules open their domains too.

    Raises ``Unreadable`` for what is none.
    """
    settings = _settings(source)
    found = Imported(f"From {name} (App Transport Security)")
    nobody: dict[str, Value] = {} if opens else {"from": NOBODY}
    weak = _arbitrary(settings, found)
    domains = settings.get("NSExceptionDomains", {})
    if not isinstance(domains, dict):
        found.note(f"NSExceptionDomains: left out: found {shown(domains)}, expected a dictionary")
        domains = {}
    for domain, given in domains.items():
        _domain(domain, given, nobody, found, weak=weak)
    if weak:
        attributes: dict[str, Value] = {
            "minimum-tls": "1.0",
            "forward-secrecy": False,
            "allow-insecure-http": True,
        }
        found.add("access", "NSAllowsArbitraryLoads", {"origin": "*", **nobody, **attributes})
        found.note("NSAllowsArbitraryLoads: every origin may be plain or weak; better leave it out")
    _without(settings, found)
    if found.entries and not opens:
        found.note("ATS opens nothing: these rules are for pages of nobody, their attributes count")
    elif found.entries:
        found.note('each rule opens its domain to every page; narrow it with from = "<pattern>"')
    else:
        found.note("there is no exception in it: the defaults here are those of ATS")
    return found


def _settings(source: bytes) -> dict[str, Any]:
    if len(source) > LARGEST:
        raise Unreadable(f"is larger than {LARGEST} octets")
    try:
        plist = plistlib.loads(source)
    except (
        plistlib.InvalidFileException,
        ExpatError,
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        AttributeError,
        RecursionError,
        struct.error,
    ) as error:
        what = str(error) or type(error).__name__
        raise Unreadable(f"is not a property list that can be read: {what}") from None
    if not isinstance(plist, dict):
        raise Unreadable("is no Info.plist: it holds no dictionary")
    settings = plist.get(_TOP, {})
    if not isinstance(settings, dict):
        raise Unreadable(f"{_TOP}: found {shown(settings)}, expected a dictionary")
    return settings


def _arbitrary(settings: dict[str, Any], found: Imported) -> bool:
    if _flag(settings, "NSAllowsArbitraryLoads", "", found) is not True:
        return False
    narrower = [key for key in _WITHOUT if key in settings and key.startswith("NSAllows")]
    if narrower:
        found.note(f"NSAllowsArbitraryLoads: left out, as systems do that know {narrower[0]}")
    return not narrower


def _domain(
    domain: object, given: object, nobody: dict[str, Value], found: Imported, *, weak: bool
) -> None:
    about = f"NSExceptionDomains: {domain}"
    host = domain.lower().rstrip(".") if isinstance(domain, str) else ""
    if not _HOST.match(host):
        found.note(f"{about}: left out: not the name of a host")
        return
    if not isinstance(given, dict):
        found.note(f"{about}: left out: found {shown(given)}, expected a dictionary")
        return
    attributes: dict[str, Value] = {}
    # Where everything is allowed, naming a domain puts the defaults back for it.
    if weak:
        attributes |= {"minimum-tls": "1.2", "forward-secrecy": True, "allow-insecure-http": False}
    for variant in _VARIANTS:
        _exceptions(f"NS{variant}Exception", given, about, attributes, found)
    for key in given:
        if key not in _SPOKEN:
            why = _WITHOUT.get(key, "it is not known")
            found.note(f"{about}: {key} has no equivalent: {why}")
        elif "ThirdParty" in key or "Temporary" in key:
            found.note(f"{about}: {key} is taken for the key without that word")
    wide: dict[str, Value] = {}
    if _flag(given, "NSIncludesSubdomains", about, found) is True:
        wide["subdomains"] = True
    if not attributes:
        found.note(f"{about}: left out: it says nothing that differs")
        return
    found.add("access", about, {"origin": host, **nobody, **wide, **attributes})


_SPOKEN = {"NSIncludesSubdomains"} | {
    f"NS{variant}Exception{what}"
    for variant in _VARIANTS
    for what in ("AllowsInsecureHTTPLoads", "MinimumTLSVersion", "RequiresForwardSecrecy")
}


def _exceptions(
    prefix: str, given: dict[str, Any], about: str, attributes: dict[str, Value], found: Imported
) -> None:
    version = given.get(f"{prefix}MinimumTLSVersion")
    if version is not None:
        if isinstance(version, str) and version in _TLS:
            attributes["minimum-tls"] = _TLS[version]
        else:
            what = f"found {shown(version)}, expected TLSv1.0 to TLSv1.3"
            found.note(f"{about}: {prefix}MinimumTLSVersion: {what}: left at the default")
    secrecy = _flag(given, f"{prefix}RequiresForwardSecrecy", about, found)
    if secrecy is not None:
        attributes["forward-secrecy"] = secrecy
    insecure = _flag(given, f"{prefix}AllowsInsecureHTTPLoads", about, found)
    if insecure is not None:
        attributes["allow-insecure-http"] = insecure
        if insecure:
            found.note(f"{about}: connections to plain http can be read on the way")


def _flag(given: dict[str, Any], key: str, about: str, found: Imported) -> bool | None:
    value = given.get(key)
    if value is None or isinstance(value, bool):
        return value
    before = f"{about}: " if about else ""
    found.note(f"{before}{key}: found {shown(value)}, expected a boolean: left out")
    return None


def _without(settings: dict[str, Any], found: Imported) -> None:
    for key, value in settings.items():
        if key in {"NSAllowsArbitraryLoads", "NSExceptionDomains"}:
            continue
        if key == "NSPinnedDomains":
            names = ", ".join(map(str, value)) if isinstance(value, dict) else shown(value)
            found.note(f"NSPinnedDomains has no equivalent: keys are not pinned ({names})")
        else:
            found.note(f"{key} has no equivalent: {_WITHOUT.get(str(key), 'it is not known')}")
