"""Master users of RDS: names, passwords, and who manages them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.rds_common import (
    API,
    CFN_INSTANCE,
    CLUSTER,
    INSTANCE,
    USER_GUIDE,
    data,
    engine,
    given,
    is_member,
    is_postgres,
    source,
)
from preflight.rules.secret_values import generated_length, may_contain, secret_of
from preflight.rules.support import written
from preflight.values import boolean, text

_FORBIDDEN = '/@" '
_PASSWORD_LENGTHS = {
    "mariadb": (8, 41),
    "mysql": (8, 41),
    "aurora-mysql": (8, 41),
    "postgres": (8, 128),
    "aurora-postgresql": (8, 128),
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def _reserved_words() -> list[str]:
    words: list[str] = data("postgres_reserved_words.json")["words"]
    return words


@rule(
    "RDS-62",
    constraint=62,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The source of a read replica has no password managed by RDS",
    otherwise="CreateDBInstanceReadReplica refuses the replica; RDS Blue/Green deployments are refused too.",
    remedy="Generate the password in a secret of your own, with rotation, and drop ManageMasterUserPassword.",
    source=USER_GUIDE + "rds-secrets-manager.html",
)
def replicated_managed_password(assembly: Assembly) -> Iterator[Fault]:
    replicas: dict[Resource, list[Resource]] = {}
    for replica in assembly.of_type(INSTANCE, CLUSTER):
        if owner := source(replica):
            replicas.setdefault(owner, []).append(replica)
    for owner, copies in replicas.items():
        managed = boolean(owner.get("ManageMasterUserPassword"))
        # SQL Server is the one engine that allows it.
        if managed and not (engine(owner) or "").startswith("sqlserver-"):
            names = ", ".join(copy.construct_path for copy in copies)
            yield Fault(at="ManageMasterUserPassword", message=f"managed by RDS, copied by {names}", resource=owner)


@rule(
    "RDS-62b",
    constraint=62,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A password is either given or managed by RDS",
    otherwise="RDS refuses MasterUserPassword together with ManageMasterUserPassword.",
    remedy="Leave one of the two properties out.",
    source=API + "API_CreateDBInstance.html",
    types=(INSTANCE, CLUSTER),
)
def two_passwords(resource: Resource) -> Iterator[Fault]:
    if boolean(resource.get("ManageMasterUserPassword")) and given(resource.get("MasterUserPassword")):
        yield Fault(at="MasterUserPassword", message="given, although RDS manages the password")


@rule(
    "RDS-67",
    constraint=67,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="The master user has a name that is not reserved",
    otherwise='"MasterUsername admin cannot be used as it is a reserved word used by the engine".',
    remedy="Use a name like postgres or the application's; not admin, rdsadmin, pg_… or an SQL word.",
    source="https://github.com/aws-cloudformation/cfn-lint/pull/4425",
    types=(INSTANCE, CLUSTER),
)
def reserved_user(resource: Resource) -> Iterator[Fault]:
    name = (text(resource.get("MasterUsername")) or "").lower()
    if not name:
        return
    reserved = name == "rdsadmin"
    if is_postgres(engine(resource)):
        reserved = reserved or name == "admin" or name.startswith("pg_") or name in _reserved_words()
    if reserved:
        yield Fault(at="MasterUsername", message=f"{name} is reserved")


@rule(
    "RDS-67b",
    constraint=67,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The names of a PostgreSQL database and its master user begin with a letter and hold letters, digits and _",
    otherwise="RDS refuses the name.",
    remedy="Replace hyphens by underscores, take no SQL word for the database, and stay within 63 characters.",
    source=CFN_INSTANCE + "#cfn-rds-dbinstance-dbname",
    types=(INSTANCE, CLUSTER),
)
def well_formed_names(resource: Resource) -> Iterator[Fault]:
    if not is_postgres(engine(resource)) or is_member(resource):
        return
    for key in ("DBName" if resource.type == INSTANCE else "DatabaseName", "MasterUsername"):
        name = text(resource.get(key))
        if name and (_NAME.fullmatch(name) is None or len(name) > 63):
            yield Fault(at=key, message=f"{name!r} is no name for it")
        elif name and key != "MasterUsername" and name.lower() in _reserved_words():
            yield Fault(at=key, message=f"{name} is a reserved word")


@rule(
    "RDS-203",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title='A master password has a length that the engine takes and none of / @ " and space',
    otherwise='"The parameter MasterUserPassword is not a valid password", with a generated one on some days only.',
    remedy="Generate it with ExcludeCharacters of at least /@\" and a PasswordLength within the engine's range.",
    source=CFN_INSTANCE + "#cfn-rds-dbinstance-masteruserpassword",
    types=(INSTANCE, CLUSTER),
)
def password_form(resource: Resource) -> Iterator[Fault]:
    node = resource.get("MasterUserPassword")
    if node.absent:
        return
    least, most = _PASSWORD_LENGTHS.get(engine(resource) or "", (8, 255))
    if secret := secret_of(node):
        length = generated_length(secret)
        if length is not None and not least <= length <= most:
            at = "GenerateSecretString.PasswordLength"
            yield Fault(at=at, message=f"{length} characters, allowed are {least} to {most}", resource=secret)
        if found := may_contain(secret, _FORBIDDEN):
            at = "GenerateSecretString.ExcludeCharacters"
            yield Fault(at=at, message=f"the password may contain {' '.join(found)}", resource=secret)
        return
    # A parameter's default is a placeholder, not the password.
    password = written(node)
    if not isinstance(password, str) or "{{resolve:" in password:
        return
    if not least <= len(password) <= most:
        yield Fault(at=node.path(), message=f"{len(password)} characters, allowed are {least} to {most}")
    elif any(character in _FORBIDDEN for character in password):
        yield Fault(at=node.path(), message="it contains a character that RDS refuses")
