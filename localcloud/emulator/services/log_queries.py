"""CloudWatch Logs Insights: queries are answered from the fields of JSON lines, and can be saved."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app as ministack_app
from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import cloudwatch_logs as logs

from localcloud.emulator import stores
from localcloud.emulator.cloudwatch import insights
from localcloud.emulator.cloudwatch.insights_parser import QueryError
from localcloud.emulator.corrections import replace

Record = dict[str, Any]

_saved = stores.store("query_definitions", service="logs")


def install() -> None:
    # Upstream knows @fields alone, and leaves out what it does not know of a query.
    replace(logs, "_start_query", _start_query)
    ministack_app.SERVICE_HANDLERS["logs"] = _with_definitions(ministack_app.SERVICE_HANDLERS["logs"])


def _start_query(data: Record) -> Any:
    groups = logs._resolve_query_log_groups(data)
    missing = [name for name in groups if name not in logs._log_groups]
    if missing or not groups:
        return error_response_json("ResourceNotFoundException", f"no such log group: {missing}", 400)
    scanned = logs._collect_query_records(groups, data.get("startTime", 0), data.get("endTime", int(time.time())))
    events = (
        {
            **insights.discovered(record["@message"], timestamp=record["_timestamp_ms"]),
            "@logStream": record["@logStream"],
            "@log": record["@log"],
        }
        for record in scanned
    )
    try:
        rows = insights.answered(data.get("queryString", ""), events)
    except QueryError as error:
        return error_response_json("MalformedQueryException", str(error), 400)
    query_id = new_uuid()
    logs._queries[query_id] = {
        "queryId": query_id,
        "queryString": data.get("queryString", ""),
        "status": "Complete",
        "results": [
            [{"field": name, "value": _text(value)} for name, value in row.items() if value is not None]
            for row in rows[: data.get("limit", insights.LIMIT)]
        ],
        "statistics": {
            "recordsMatched": float(len(rows)),
            "recordsScanned": float(len(scanned)),
            "bytesScanned": float(sum(len(record["@message"]) for record in scanned)),
        },
    }
    return json_response({"queryId": query_id})


def _text(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _with_definitions(stock: Callable[..., Any]) -> Callable[..., Any]:
    calls = {
        "PutQueryDefinition": _put,
        "DescribeQueryDefinitions": _describe,
        "DeleteQueryDefinition": _delete,
    }

    async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        call = calls.get(headers.get("x-amz-target", "").rsplit(".", 1)[-1])
        if call is None:
            return await stock(method, path, headers, body, query)
        return json_response(call(json.loads(body or b"{}")))

    return handle


def _put(data: Record) -> Record:
    name = data.get("queryDefinitionId") or new_uuid()
    _saved[name] = {**data, "queryDefinitionId": name, "lastModified": int(time.time() * 1000)}
    return {"queryDefinitionId": name}


def _describe(data: Record) -> Record:
    prefix = data.get("queryDefinitionNamePrefix", "")
    return {"queryDefinitions": [each for each in _saved.values() if each["name"].startswith(prefix)]}


def _delete(data: Record) -> Record:
    return {"success": _saved.pop(data["queryDefinitionId"], None) is not None}
