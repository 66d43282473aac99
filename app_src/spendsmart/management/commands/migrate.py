"""`manage.py migrate`, as Django's, but it never stands in anybody's way for long.

Whoever waits for a lock on a table makes everybody wait who comes after, readers included: so it waits for
`lock_timeout` only, gives way, and tries again. https://www.postgresql.org/docs/17/runtime-config-client.html
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2.errors
from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections

from spendsmart import migrating


class Command(migrate.Command):
    help = f"{migrate.Command.help} Gives way to whoever uses the tables, and tries again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add = parser.add_argument
        add("--lock-timeout", type=float, default=5, help="seconds to wait for a lock (5)")
        add("--statement-timeout", type=float, default=60, help="seconds that a statement may take (60)")
        long = "seconds for one that blocks nobody: a concurrent index, the validation of a constraint (3600)"
        add("--long-statement-timeout", type=float, default=3600, help=long)
        add("--attempts", type=int, default=5, help="how often to try when a lock is not to be had (5)")
        add("--pause", type=float, default=5, help="seconds before the second try; doubles each time (5)")

    def handle(self, *arguments: Any, **options: Any) -> None:
        """Raises CommandError when no attempt got its locks, and what Django's raises."""
        connection = connections[options["database"]]
        limits = migrating.Limits(
            lock=options["lock_timeout"], statement=options["statement_timeout"], long=options["long_statement_timeout"]
        )
        pause = options["pause"]
        for attempt in range(1, options["attempts"] + 1):
            try:
                with migrating.limited(connection, limits), self._alone(connection):
                    if not (options["plan"] or options["check_unapplied"]):
                        self._clear(connection)
                    super().handle(*arguments, **options)
                return
            except (OperationalError, migrating.AnotherRunsError) as error:
                in_the_way = isinstance(error.__cause__, psycopg2.errors.LockNotAvailable)
                if not (in_the_way or isinstance(error, migrating.AnotherRunsError)):
                    raise
                self.stderr.write(f"Attempt {attempt} of {options['attempts']}: {str(error).strip()}")
                if attempt < options["attempts"]:
                    time.sleep(pause)
                    pause *= 2
        raise CommandError("The locks were not to be had: what is done stays, the rest is to be run again.")

    @contextmanager
    def _alone(self, connection: Any) -> Iterator[None]:
        with migrating.alone(connection):
            yield
        for name in migrating.invalid_indexes(connection):
            self.stderr.write(f"Index {name} is invalid: no query uses it. REINDEX INDEX CONCURRENTLY, or drop it.")

    def _clear(self, connection: Any) -> None:
        for name in migrating.drop_leftovers(connection):
            self.stdout.write(f"Dropped index {name}, left behind by a migration that did not end; it is built anew.")
