"""Reads settings from the process environment, strictly: nothing is guessed, and all faults are told at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey


class Environment:
    """Required variables; `check()` raises one error that names each missing or unusable one.

    A variable that is at fault reads as its type's empty value until `check()` is called, so that one start of the
    program shows every fault.
    """

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables
        self._faults: list[str] = []

    def text(self, name: str) -> str:
        return self._read(name, str, "")

    def secret(self, name: str) -> str:
        """A key of at least 32 characters: what HMAC-SHA256 asks for (RFC 7518, section 3.2)."""
        value = self.text(name)
        if value and len(value) < 32:
            self._faults.append(f"{name} has {len(value)} characters; at least 32 are needed")
        return value

    def integer(self, name: str, *, least: int = 1) -> int:
        def parse(text: str) -> int:
            number = int(text)
            if number < least:
                raise ValueError
            return number

        return self._read(name, parse, 0, accepted=f"a whole number from {least}")

    def share(self, name: str) -> float:
        """A percentage, fractions of a percent included."""

        def parse(text: str) -> float:
            number = float(text)
            if not 0 <= number <= 100:
                raise ValueError
            return number

        return self._read(name, parse, 0.0, accepted="a number from 0 to 100")

    def one_of(self, name: str, *choices: str) -> str:
        def parse(text: str) -> str:
            if text not in choices:
                raise ValueError
            return text

        return self._read(name, parse, choices[0], accepted=" or ".join(choices))

    def names(self, name: str) -> list[str]:
        """A list with commas between its items; the variable must be there, but may be empty."""
        if name not in self._variables:
            self._faults.append(f"{name} is not set")
            return []
        return [item.strip() for item in self._variables[name].split(",") if item.strip()]

    def private_key(self, name: str) -> PrivateKey | None:
        """A key that CloudFront takes, in PEM: RSA of 2048 bits or ECDSA on P-256. None for a text that is no PEM: the
        stack makes the secret with a random value, until a key is put in its place."""
        text = self.text(name).strip()
        if not text.startswith("-----BEGIN"):
            return None
        try:
            key = load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if isinstance(key, RSAPrivateKey) and key.key_size == 2048:
            return key
        if isinstance(key, EllipticCurvePrivateKey) and key.curve.name == "secp256r1":
            return key
        self._faults.append(f"{name} is no usable key; accepted: RSA of 2048 bits or ECDSA on P-256, without password")
        return None

    def optional(self, name: str) -> str | None:
        return self._variables.get(name) or None

    def check(self) -> None:
        """Raise ImproperlyConfigured if any variable read so far was at fault."""
        if self._faults:
            raise ImproperlyConfigured("environment: " + "; ".join(self._faults))

    def _read(self, name: str, parse: Callable[[str], T], empty: T, *, accepted: str = "text") -> T:
        value = self._variables.get(name, "")
        if not value:
            self._faults.append(f"{name} is not set")
            return empty
        try:
            return parse(value)
        except ValueError:
            self._faults.append(f"{name} is {value!r}; accepted: {accepted}")
            return empty
