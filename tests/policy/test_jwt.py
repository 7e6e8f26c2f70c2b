"""Tokens that may be trusted, and all the ways in which one may not."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.jwt import KeySet, Sound, Unsound, Wanted, judge, parse_key_set

NOW = 1_800_000_000
ISSUER, AUDIENCE = "https://id.test", "gateway"
RSA = RSAKey.generate_key(2048)
OTHER_RSA = RSAKey.generate_key(2048)
WEAK_RSA = RSAKey.generate_key(1024)
EC = ECKey.generate_key("P-256")
EC_384 = ECKey.generate_key("P-384")
ED = OKPKey.generate_key("Ed25519")
SIGNERS = {"RS256": RSA, "ES256": EC, "EdDSA": ED}
WANTED = Wanted(ISSUER, AUDIENCE, ("RS256", "ES256", "EdDSA"), "sub", 30)
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": NOW + 600, "iat": NOW}


def public(key: Any, kid: str, **more: str) -> dict[str, Any]:
    """A key as a set has it."""
    return {**key.as_dict(private=False), "kid": kid, **more}


def key_set(*items: dict[str, Any]) -> KeySet:
    """A key set through its text."""
    return parse_key_set(json.dumps({"keys": items}).encode())


ALL = key_set(public(RSA, "RS256"), public(EC, "ES256"), public(ED, "EdDSA"))


def token(algorithm: str = "RS256", key: Any = None, kid: str | None = "", **claims: Any) -> str:
    """A signed token; a claim that is None is left out."""
    content = {k: v for k, v in {**CLAIMS, **claims}.items() if v is not None}
    header = {"alg": algorithm} | ({"kid": kid or algorithm} if kid is not None else {})
    return jwt.encode(header, content, key or SIGNERS[algorithm], algorithms=[algorithm])


def part(content: Any) -> str:
    """A part of a token that is made by hand."""
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


class JudgeTests(SynchronousTestCase):
    """One token after another."""

    def test_sound(self) -> None:
        """Each algorithm, with a key's name and without."""
        for algorithm in SIGNERS:
            for kid in ("", None):
                found = judge(token(algorithm, kid=kid), ALL, WANTED, NOW)
                self.assertEqual(found, Sound("ada", NOW + 600), algorithm)

    def test_claims(self) -> None:
        """Issuer, audience and times."""
        several = ["x", AUDIENCE]
        for claims in ({"aud": several}, {"nbf": NOW}, {"exp": NOW - 29}, {"iat": NOW + 29}):
            self.assertIsInstance(judge(token(**claims), ALL, WANTED, NOW), Sound, claims)
        wrong: tuple[dict[str, Any], ...] = (
            {"iss": "https://evil.test"},
            {"iss": None},
            {"iss": [ISSUER]},
            {"aud": "other"},
            {"aud": None},
            {"aud": []},
            {"aud": {"gateway": 1}},
            {"exp": NOW - 30},
            {"exp": None},
            {"exp": "soon"},
            {"exp": float("nan")},
            {"exp": True},
            {"exp": float("inf")},
            {"exp": 2**53 + 2},
            {"exp": 10**400},
            {"nbf": -(10**400)},
            {"iat": -(2.0**60)},
            {"nbf": NOW + 31},
            {"iat": NOW + 31},
            {"sub": None},
            {"sub": ""},
            {"sub": "a\nb"},
            {"sub": "x" * 257},
            {"sub": 5},
        )
        for claims in wrong:
            self.assertIsInstance(judge(token(**claims), ALL, WANTED, NOW), Unsound, claims)

    def test_no_signature(self) -> None:
        """``alg: none`` in every spelling, with and without a signature's place."""
        body = part(CLAIMS)
        for name in ("none", "None", "NONE", "", None, ["RS256"], 5):
            for tail in (".", ".AAAA"):
                text = f"{part({'alg': name})}.{body}{tail}"
                self.assertIsInstance(judge(text, ALL, WANTED, NOW), Unsound, name)
        loose = Wanted(ISSUER, AUDIENCE, ("none", "RS256"), "sub", 30)
        self.assertIsInstance(judge(f"{part({'alg': 'none'})}.{body}.", ALL, loose, NOW), Unsound)

    def test_confusion(self) -> None:
        """A public key is nobody's HMAC secret, nor an oct key of the set anybody's."""
        import hashlib
        import hmac

        for secret in (RSA.as_pem(private=False), RSA.as_der(private=False)):
            for kid in ("RS256", None):
                header = {"alg": "HS256"} | ({"kid": kid} if kid else {})
                signed = f"{part(header)}.{part(CLAIMS)}"
                mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
                for wanted in (WANTED, Wanted(ISSUER, AUDIENCE, ("RS256", "HS256"), "sub", 30)):
                    found = judge(f"{signed}.{part(mac)}", ALL, wanted, NOW)
                    self.assertIsInstance(found, Unsound)
        secret_key = OctKey.import_key("k" * 32)
        mixed = key_set(public(RSA, "r"), {"kty": "oct", "k": part(b"k" * 32), "kid": "o"})
        self.assertEqual(len(mixed.keys), 1)
        text = jwt.encode({"alg": "HS256", "kid": "o"}, CLAIMS, secret_key, algorithms=["HS256"])
        self.assertIsInstance(judge(text, mixed, WANTED, NOW), Unsound)

    def test_keys(self) -> None:
        """Only a key of the set, of the algorithm's kind, and of the name."""
        found = judge(token(key=OTHER_RSA), ALL, WANTED, NOW)
        self.assertEqual(found, Unsound("its signature is wrong"))
        unknown = judge(token(kid="else"), ALL, WANTED, NOW)
        self.assertEqual(unknown, Unsound("no key of the set fits it", unknown_key=True))
        # The name of a key of another kind.
        self.assertIsInstance(judge(token(kid="ES256"), ALL, WANTED, NOW), Unsound)
        bound = key_set(public(RSA, "RS256", alg="RS512"))
        self.assertIsInstance(judge(token(), bound, WANTED, NOW), Unsound)
        # A key in the token's own header, or where it says that one is, is never used.
        for more in ({"jwk": public(OTHER_RSA, "x")}, {"jku": "https://evil.test/"}):
            header = {"alg": "RS256", "kid": "RS256", **more}
            signed = jwt.encode(header, CLAIMS, OTHER_RSA, algorithms=["RS256"])
            self.assertIsInstance(judge(signed, ALL, WANTED, NOW), Unsound)
        only = Wanted(ISSUER, AUDIENCE, ("ES256",), "sub", 30)
        self.assertIsInstance(judge(token("RS256"), ALL, only, NOW), Unsound)

    def test_an_unnamed_key(self) -> None:
        """The only one without a name is tried for a token that names one, and no other is."""
        bare, named = RSA.as_dict(private=False), public(OTHER_RSA, "other")
        bare.pop("kid", None)
        second = {**EC.as_dict(private=False)}
        second.pop("kid", None)
        for keys in ((bare,), (bare, named), (bare, second), ({**bare, "kid": None},)):
            self.assertIsInstance(judge(token(), key_set(*keys), WANTED, NOW), Sound)
        # It may be an old one: the set is asked for again.
        found = judge(token(key=OTHER_RSA), key_set(bare), WANTED, NOW)
        self.assertEqual(found, Unsound("its signature is wrong", unknown_key=True))
        several = key_set(bare, {**bare})
        self.assertIsInstance(judge(token(), several, WANTED, NOW), Unsound)

    def test_critical(self) -> None:
        """An extension that nobody here knows (RFC 7515, section 4.1.11)."""
        header = {"alg": "RS256", "kid": "RS256", "crit": ["x"], "x": 1}
        signed = f"{part(header)}.{part(CLAIMS)}"
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        signature = RSA.private_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        self.assertIsInstance(judge(f"{signed}.{part(signature)}", ALL, WANTED, NOW), Unsound)

    def test_id_token(self) -> None:
        """The nonce that was sent, the client that it was made for."""
        wanted = Wanted(ISSUER, AUDIENCE, ("RS256",), "sub", 30, nonce="n")
        good: tuple[dict[str, Any], ...] = (
            {"nonce": "n"},
            {"nonce": "n", "azp": AUDIENCE},
            {"nonce": "n", "aud": [AUDIENCE, "b"], "azp": AUDIENCE},
        )
        for claims in good:
            self.assertIsInstance(judge(token(**claims), ALL, wanted, NOW), Sound, claims)
        bad: tuple[dict[str, Any], ...] = (
            {},
            {"nonce": "other"},
            {"nonce": ["n"]},
            {"nonce": "n", "azp": "b"},
            {"nonce": "n", "aud": [AUDIENCE, "b"]},
            {"nonce": "n", "iat": None},
        )
        for claims in bad:
            self.assertIsInstance(judge(token(**claims), ALL, wanted, NOW), Unsound, claims)

    def test_malformed(self) -> None:
        """Too long, too short, nested for ever; reasons quote nothing."""
        deep = base64.urlsafe_b64encode(b"[" * 9000).decode()
        texts = ("", ".", "..", "a.b.c", token() + "x" * 20000, f"{deep}.e.e", "\u20ac.b.c")
        for text in (*texts, token()[:-9] + "s3cret123", f"{token()}.x", f"{token()}.x.y"):
            found = judge(text, ALL, WANTED, NOW)
            assert isinstance(found, Unsound), text
            self.assertNotIn("s3cret", found.reason)
        for content in (b"[]", b"1", b"{", b'{"exp": 1e999}', b"\xff"):
            text = f"{part({'alg': 'RS256', 'kid': 'RS256'})}.{part(content)}.AAAA"
            self.assertIsInstance(judge(text, ALL, WANTED, NOW), Unsound)

    @settings(deadline=None)
    @given(st.text(max_size=100) | st.binary(max_size=100).map(lambda one: part(one) + ".e30.AAAA"))
    def test_any_text(self, text: str) -> None:
        """Nothing makes it raise."""
        self.assertIsInstance(judge(text, ALL, WANTED, NOW), Unsound)


class KeySetTests(SynchronousTestCase):
    """JWKS texts."""

    def test_passed_over(self) -> None:
        """Keys that nothing here can use: weak, secret, for encryption, of other kinds."""
        good = public(RSA, "a")
        for odd in (
            public(WEAK_RSA, "b"),
            public(RSA, "b", use="enc"),
            {**good, "key_ops": ["encrypt"]},
            {**good, "key_ops": None},
            {**good, "key_ops": 5},
            {**good, "key_ops": "verify"},
            {**good, "kty": ["RSA"]},
            {**good, "use": {}},
            {"kty": "OKP", "crv": [], "x": "a"},
            {"kty": "oct", "k": "AAAA"},
            {"kty": "RSA"},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
            {"kty": "OKP", "crv": "else", "x": "AA"},
            "text",
            None,
        ):
            found = parse_key_set(json.dumps({"keys": [odd, good]}).encode())
            self.assertEqual([one[0] for one in found.keys], ["a"], odd)

    def test_private_parts_are_dropped(self) -> None:
        """A set that shows private keys by mistake: they are not kept."""
        found = key_set({**RSA.as_dict(private=True), "kid": "a"})
        self.assertFalse(found.keys[0][2].is_private)

    def test_faults(self) -> None:
        """What is no set."""
        for text in (
            b"",
            b"[]",
            b"{}",
            b'{"keys": 1}',
            b'{"keys": []}',
            b"[" * 9999,
            b"\xff",
            b" " * 300_000,
            json.dumps({"keys": [public(RSA, "a")] * 101}).encode(),
        ):
            with self.assertRaises(ValueError):
                parse_key_set(text)
