"""Passwords that a template takes from Secrets Manager, and what the generated ones may contain."""

from __future__ import annotations

import re
import string

from preflight.assembly import Resource
from preflight.rules.support import written
from preflight.values import Node, Reference, Text, Unknown, boolean, integer, text

SECRET_TYPE = "AWS::SecretsManager::Secret"  # noqa: S105  (a type, no secret)
_ATTACHMENT = "AWS::SecretsManager::SecretTargetAttachment"
_DYNAMIC = re.compile(r"\{\{resolve:secretsmanager:([^:}]+(?::[^}]*)?)\}\}")
_DEFAULT_LENGTH = 32


def secret_of(node: Node) -> Resource | None:
    """The secret of this assembly that a dynamic reference reads, by reference or by name."""
    value = node.value
    references = value.references if isinstance(value, Unknown | Text) else ()
    for reference in (value, *references) if isinstance(value, Reference) else references:
        if reference.resource.type == SECRET_TYPE:
            return reference.resource
        if reference.resource.type == _ATTACHMENT:
            return _attached(reference.resource)
    raw = written(node)
    match = _DYNAMIC.search(raw) if isinstance(raw, str) else None
    return node.resource.stack.assembly.named(SECRET_TYPE, _name(match[1])) if match else None


def _attached(attachment: Resource) -> Resource | None:
    value = attachment.get("SecretId").value
    owner = value.resource if isinstance(value, Reference) else None
    return owner if owner is not None and owner.type == SECRET_TYPE else None


def _name(address: str) -> str:
    """The name or ARN at the beginning of NAME:SecretString:KEY:STAGE:VERSION."""
    return ":".join(address.split(":")[:7]) if address.startswith("arn:") else address.split(":")[0]


def generated_length(secret: Resource) -> int | None:
    """Characters of the generated password; None where none is generated or the template does not decide."""
    generation = secret.get("GenerateSecretString")
    if generation.absent:
        return None
    length = generation.get("PasswordLength")
    return _DEFAULT_LENGTH if length.absent else integer(length)


def may_contain(secret: Resource, characters: str) -> str:
    """Those of `characters` (printable ASCII) that the generated password may contain."""
    generation = secret.get("GenerateSecretString")
    excluded = generation.get("ExcludeCharacters")
    known = "" if excluded.absent else text(excluded)
    if generation.absent or known is None:
        return ""
    possible = set(characters) - set(known)
    for option, group in (
        ("ExcludePunctuation", string.punctuation),
        ("ExcludeNumbers", string.digits),
        ("ExcludeLowercase", string.ascii_lowercase),
        ("ExcludeUppercase", string.ascii_uppercase),
    ):
        node = generation.get(option)
        if not node.absent and boolean(node) is not False:
            possible -= set(group)
    if not boolean(generation.get("IncludeSpace")):
        possible.discard(" ")
    return "".join(sorted(possible))
