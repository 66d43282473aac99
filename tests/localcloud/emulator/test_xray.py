"""Spans that are sent to X-Ray's OTLP endpoint are found in `aws/spans`, if their sender may send any."""

from __future__ import annotations

import gzip
import json
from typing import Any

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from google.protobuf import text_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from localcloud import traces
from localcloud.emulator.services import xray

from .support import Emulator

SPANS = """
resource_spans {
  resource { attributes { key: "service.name" value { string_value: "shop-web" } } }
  scope_spans {
    scope { name: "django" version: "1" }
    spans {
      trace_id: "0123456789abcdef" span_id: "parent--" name: "GET /carts/" kind: SPAN_KIND_SERVER
      start_time_unix_nano: 1000 end_time_unix_nano: 5000
      attributes { key: "http.response.status_code" value { int_value: 500 } }
      attributes { key: "tags" value { array_value { values { bool_value: true } values { double_value: 0.5 } } } }
      status { code: STATUS_CODE_ERROR message: "it broke" }
      events { time_unix_nano: 2000 name: "exception"
               attributes { key: "exception.type" value { string_value: "ValueError" } } }
    }
    spans {
      trace_id: "0123456789abcdef" span_id: "child---" parent_span_id: "parent--" name: "SELECT" kind: SPAN_KIND_CLIENT
      start_time_unix_nano: 1500 end_time_unix_nano: 2500
    }
  }
}
"""
TRACE = b"0123456789abcdef".hex()


def _send(emulator: Emulator, body: bytes, *, key: Credentials | None, **headers: str) -> requests.Response:
    url = f"https://127.0.0.1:{emulator.port}/v1/traces"
    asked = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"} | headers
    request = AWSRequest(method="POST", url=url, headers=asked, data=gzip.compress(body))
    if key:
        SigV4Auth(key, "xray", "us-east-1").add_auth(request)
    return requests.post(
        url,
        data=request.data,
        headers=dict(request.headers.items()),
        verify=str(emulator.home / "tls" / "ca.pem"),
        timeout=30,
    )


def _role(emulator: Emulator, name: str, *actions: str) -> Credentials:
    iam, trust = emulator.client("iam"), {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    got = emulator.client("sts").assume_role(RoleArn=arn, RoleSessionName="tests")["Credentials"]
    return Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])


def _kept(emulator: Emulator) -> list[dict[str, Any]]:
    found = emulator.client("logs").filter_log_events(logGroupName=xray.GROUP)["events"]
    return [json.loads(event["message"]) for event in found]


def test_spans_become_events_and_events_a_tree(emulator: Emulator) -> None:
    body = text_format.Parse(SPANS, ExportTraceServiceRequest()).SerializeToString()
    answer = _send(emulator, body, key=_role(emulator, "tracer", "xray:PutTraceSegments"))
    assert (answer.status_code, answer.content) == (200, b"")
    parent, child = (event for event in _kept(emulator) if event["traceId"] == TRACE)
    assert parent["resource"]["attributes"] == {"service.name": "shop-web"}
    assert (parent["kind"], parent["durationNano"]) == ("SERVER", 4000)
    assert parent["attributes"] == {"http.response.status_code": 500, "tags": [True, 0.5]}
    assert parent["status"] == {"code": "ERROR", "message": "it broke"}
    assert parent["events"][0]["attributes"] == {"exception.type": "ValueError"}
    assert "parentSpanId" not in parent and child["parentSpanId"] == parent["spanId"]
    tree = traces.tree([traces.Span.of(json.dumps(event)) for event in (child, parent)])
    assert tree.splitlines()[2:] == [
        "      0.0       0.0  shop-web  GET /carts/  status_code=500  FAILED: it broke",
        "      0.0       0.0    SELECT",
    ]


def test_who_may_not_send_segments_may_not_send_spans(emulator: Emulator) -> None:
    key = _role(emulator, "stranger", "s3:GetObject")
    refused = _send(emulator, b"", key=key)
    assert refused.status_code == 403 and "xray:PutTraceSegments" in refused.text
    assert _send(emulator, b"", key=None).status_code >= 400
    forged = Credentials(key.access_key, "another secret", key.token)
    assert _send(emulator, b"", key=forged).status_code == 403


def test_what_the_endpoint_does_not_take_is_refused(emulator: Emulator) -> None:
    key = _role(emulator, "careless", "xray:PutTraceSegments")
    assert _send(emulator, b"no protobuf", key=key).status_code == 400
    assert _send(emulator, b"{}", key=key, **{"Content-Type": "text/plain"}).status_code == 415
    many = ExportTraceServiceRequest()
    many.resource_spans.add().scope_spans.add().spans.extend(Span(name="x") for _ in range(xray.MOST_SPANS + 1))
    assert _send(emulator, many.SerializeToString(), key=key).status_code == 413
