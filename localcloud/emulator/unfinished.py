"""Resources that exist while their handler still waits: CloudFormation learns their ids only when the handler ends.

After a kill these would be nobody's and in the way of the next attempt, so they are noted, kept with the rest of the
state, and deleted when the emulator starts again.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from ministack import app as ministack_app
from ministack.core.responses import request_scope
from ministack.services.cloudformation import provisioners

from localcloud.emulator import stores
from localcloud.emulator.corrections import replace

_log = logging.getLogger(__name__)

_noted = stores.store("unfinished", service="cloudformation")
_deleting = threading.Event()
_SETTLING_SECONDS = 0.5


def note(stack_name: str, logical_id: str, *, type_name: str, ref: str, properties: dict[str, Any]) -> None:
    _noted[f"{stack_name}/{logical_id}"] = {"type": type_name, "ref": ref, "properties": properties}


def forget(stack_name: str, logical_id: str) -> None:
    _noted.pop(f"{stack_name}/{logical_id}", None)


def install() -> None:
    """Delete what an earlier process left unfinished as soon as the state is loaded."""
    stock = ministack_app._load_persisted_state

    def load() -> None:
        stock()
        _delete_leftovers()

    replace(ministack_app, "_load_persisted_state", load)


def deleting() -> bool:
    """Whether leftovers are still being deleted; deployments wait for the end of it."""
    return _deleting.is_set()


def _delete_leftovers() -> None:
    left = list(_noted.all_items())
    if left:
        _deleting.set()
        threading.Thread(target=_delete, args=(left,), name="localcloud-leftovers", daemon=True).start()


def _delete(left: list[Any]) -> None:
    # The server has to serve before handlers can use it.
    time.sleep(_SETTLING_SECONDS)
    for (account, region, key), record in left:
        stack_name, logical_id = key.split("/")
        with request_scope(account, region):
            try:
                provisioners._delete_resource(
                    record["type"], record["ref"], record["properties"], stack_name, logical_id
                )
            except Exception:  # noqa: BLE001 - whatever it was, the others are to be deleted
                _log.exception("%s %s was left by an interrupted deployment", record["type"], record["ref"])
            forget(stack_name, logical_id)
    _deleting.clear()
