"""DB parameter groups as postgresql.conf.

RDS has parameters of its own (`rds.*`), keeps some of PostgreSQL's to itself, and refuses unknown ones. Formulas such
as `{DBInstanceClassMemory/9531392}` size a server by its instance class; this machine has none, so PostgreSQL's
default stands in.
"""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.dataplane.errors import PartError

FORCE_SSL = "rds.force_ssl"
_LOGICAL = "rds.logical_replication"

_WITHOUT_EFFECT_HERE = frozenset(
    {
        "rds.accepted_password_auth_method",
        "rds.adaptive_autovacuum",
        "rds.allowed_extensions",
        "rds.custom_dns_resolution",
        "rds.enable_plan_management",
        "rds.extensions",
        "rds.force_admin_logging_level",
        "rds.force_autovacuum_logging_level",
        "rds.log_retention_period",
        "rds.rds_superuser_reserved_connections",
        "rds.restrict_password_commands",
        "rds.superuser_variables",
    }
)
"""Parameters about things that only AWS has."""

_NOT_MODIFIABLE = frozenset(
    {
        "archive_command",
        "archive_mode",
        "config_file",
        "data_directory",
        "fsync",
        "full_page_writes",
        "hba_file",
        "listen_addresses",
        "log_directory",
        "log_filename",
        "logging_collector",
        "port",
        "ssl",
        "ssl_ca_file",
        "ssl_cert_file",
        "ssl_key_file",
        "unix_socket_directories",
        "wal_level",
    }
)
"""Parameters that RDS shows and does not let anyone set (`IsModifiable: false`)."""


def settings(parameters: Mapping[str, str]) -> dict[str, str]:
    """What PostgreSQL is told of a parameter group; whether it knows each of them, it says itself.

    Raises PartError for what RDS does not let anyone set.
    """
    found: dict[str, str] = {}
    for name, value in sorted(parameters.items()):
        if name in _NOT_MODIFIABLE:
            raise PartError(f"The parameter {name} cannot be modified.")
        if name == _LOGICAL:
            found["wal_level"] = "logical" if value == "1" else "replica"
        elif name != FORCE_SSL and name not in _WITHOUT_EFFECT_HERE and "{" not in value:
            found[name] = value
    return found


def tls_only(parameters: Mapping[str, str]) -> bool:
    """Whether clients must use TLS: so by default from PostgreSQL 15 on."""
    return parameters.get(FORCE_SSL, "1") == "1"


def file_text(values: Mapping[str, str]) -> str:
    """Lines of postgresql.conf."""
    return "".join(f"{name} = '{_quoted(value)}'\n" for name, value in values.items())


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
