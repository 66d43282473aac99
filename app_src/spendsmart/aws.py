"""Clients of AWS, with the descriptions of its services held once."""

from __future__ import annotations

import gzip
import json
import os
import threading
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.session import Session
from django.conf import settings

_making = threading.Lock()
_sessions: dict[int, boto3.session.Session] = {}


def client(service: str, *, config: Config) -> Any:
    """A new one, in the region of the application, as the task's role."""
    with _making:  # a session may not make two clients at once
        return session().client(service, config=config)


def session() -> boto3.session.Session:
    """That of this process: gunicorn forks, and two must not share the connection that credentials come by."""
    found = _sessions.get(os.getpid())
    if found is None:
        core = Session()
        core.register_component("data_loader", _descriptions())
        found = _sessions[os.getpid()] = boto3.session.Session(botocore_session=core, region_name=settings.AWS_REGION)
    return found


@cache
def _descriptions() -> Loader:
    found = create_loader()
    found.file_loader = _PlainDictionaries()
    return found


class _PlainDictionaries(JSONFileLoader):  # type: ignore[misc]  # botocore has no types
    """botocore's own makes an OrderedDict of each object, from when others kept no order: that of S3 and the list of
    all regions take 15 MiB so, and 11 like this."""

    def load_file(self, file_path: str) -> Any:
        """None where there is none; the path is without its extension."""
        for extension, opened in ((".json", open), (".json.gz", gzip.open)):
            if Path(file_path + extension).is_file():
                with opened(file_path + extension, "rb") as file:
                    return json.load(file)
        return None
