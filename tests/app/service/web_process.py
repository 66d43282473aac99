"""The web application in this process: sends it the requests of the command line, and says what came of them."""

from __future__ import annotations

import json
import sys
from unittest.mock import patch

from spendsmart.wsgi import application  # noqa: F401  (loading it starts what gunicorn would find started)

from django.conf import settings  # isort: skip
from django.test import Client  # isort: skip

from receipts import storage  # isort: skip
from spendsmart import tracing  # isort: skip


def status_of(request: dict[str, str]) -> int:
    client = Client(raise_request_exception=False, headers=request.get("headers"))

    def broken(key: str) -> bool:
        raise RuntimeError(request["broken"])

    with patch.object(storage, "exists", broken if "broken" in request else storage.exists):
        answer = client.generic(
            request.get("method", "GET"), request["path"], request.get("body", ""), content_type="application/json"
        )
    return int(answer.status_code)


settings.ALLOWED_HOSTS = ["testserver"]
statuses = [status_of(request) for request in json.loads(sys.argv[1])]
tracing.stop()
print(json.dumps({"statuses": statuses, "modules": sorted(sys.modules)}))
