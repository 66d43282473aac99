"""Requests, hosts and connections as data of AWS/ApplicationELB and AWS/CloudFront."""

from __future__ import annotations

from localcloud.dataplane.envoy import request_log
from localcloud.dataplane.envoy.request_log import Request
from localcloud.metrics import application_elb, cloudfront
from localcloud.metrics.application_elb import Connections, Hosts, TargetGroup
from localcloud.metrics.datum import MOST_VALUES, Minute

from .support import total, values

ELB = "arn:aws:elasticloadbalancing:us-west-2:000000000000"
BALANCER = f"{ELB}:loadbalancer/app/web/1"
GROUP = TargetGroup(arn=f"{ELB}:targetgroup/blue/2", balancer=BALANCER)
ALL = {"LoadBalancer": "app/web/1"}
BLUE = {"TargetGroup": "targetgroup/blue/2", **ALL}
MINUTE = 1_800_000_000 // 60 * 60


def _request(
    code: int,
    details: str = "via_upstream",
    *,
    at: float = MINUTE + 1,
    seconds: float | None = 0.25,
    target: str | None = "127.0.0.1:1",
    cluster: str | None = "blue/2@us-west-2",
    owner: str = BALANCER,
) -> Request:
    return Request(
        completed=at,
        owner=owner,
        cluster=cluster,
        target=target,
        code=code,
        details=details,
        target_seconds=seconds,
        received=100,
        sent=900,
    )


def test_codes_of_targets_and_of_the_load_balancer_are_told_apart() -> None:
    refused = "upstream_reset_before_response_started{connection_termination}"
    data = application_elb.requests(
        [
            *[_request(200)] * 90,
            *[_request(500)] * 7,
            _request(304),
            _request(404),
            _request(502, refused, seconds=None),
            _request(503, "no_healthy_upstream", seconds=None, target=None),
            _request(301, "direct_response", seconds=None, target=None, cluster=None),
            _request(0, "downstream_remote_disconnect", seconds=None),
        ]
    )
    assert {datum.region for datum in data} == {"us-west-2"}
    for dimensions in (ALL, BLUE):
        assert total(data, "RequestCount", **dimensions) == 101  # those for which there was a target
        assert total(data, "HTTPCode_Target_2XX_Count", **dimensions) == 90
        assert total(data, "HTTPCode_Target_3XX_Count", **dimensions) == 1
        assert total(data, "HTTPCode_Target_4XX_Count", **dimensions) == 1
        assert total(data, "HTTPCode_Target_5XX_Count", **dimensions) == 7
        assert values(data, "TargetResponseTime", **dimensions) == [0.25] * 99
    assert total(data, "HTTPCode_ELB_3XX_Count", **ALL) == total(data, "HTTP_Redirect_Count", **ALL) == 1
    assert total(data, "HTTPCode_ELB_4XX_Count", **ALL) == 1  # 460: the client left
    assert total(data, "HTTPCode_ELB_5XX_Count", **ALL) == 2
    assert total(data, "HTTPCode_ELB_502_Count", **ALL) == total(data, "HTTPCode_ELB_503_Count", **ALL) == 1
    assert total(data, "HTTPCode_ELB_5XX_Count", **BLUE) == 0
    assert total(data, "ProcessedBytes", **ALL) == 103 * 1000
    assert not [datum for datum in data if "504" in datum.name]


def test_an_answer_that_the_client_did_not_wait_for_is_the_targets() -> None:
    assert _request(200, "downstream_remote_disconnect").answered_by_target
    assert not _request(0, "downstream_remote_disconnect").answered_by_target
    assert _request(200, "upstream_reset_after_response_started{connection_termination}").answered_by_target


def test_each_minute_has_its_own_requests() -> None:
    data = application_elb.requests([_request(200, at=MINUTE + 59.999), _request(200, at=MINUTE + 60)])
    assert {datum.minute for datum in data} == {MINUTE, MINUTE + 60}


def test_health_is_what_was_seen_in_the_minute() -> None:
    looks = [
        Hosts(healthy=2, unhealthy=0, registered=2),
        Hosts(healthy=0, unhealthy=2, registered=2),
        Hosts(healthy=1, unhealthy=1, registered=2),
    ]
    data = application_elb.hosts(MINUTE, GROUP, looks)
    assert values(data, "HealthyHostCount", **BLUE) == values(data, "UnHealthyHostCount", **BLUE) == [0, 1, 2]
    assert application_elb.hosts(MINUTE, GROUP, [Hosts(healthy=0, unhealthy=0, registered=0)]) == []


def test_requests_per_target_are_over_those_that_take_them() -> None:
    one_of_two = Hosts(healthy=1, unhealthy=1, registered=2)
    data = application_elb.requests_per_target(MINUTE, GROUP, count=10, last=one_of_two)
    assert values(data, "RequestCountPerTarget", TargetGroup="targetgroup/blue/2") == [10]
    fails_open = Hosts(healthy=0, unhealthy=2, registered=2)
    data = application_elb.requests_per_target(MINUTE, GROUP, count=10, last=fails_open)
    assert values(data, "RequestCountPerTarget", **BLUE) == [5]


def test_connections_are_counted_since_the_last_look_and_since_a_restart() -> None:
    clients = Connections(made=30, failed=1, open=4).since(Connections(made=10, open=9))
    data = application_elb.connections(
        MINUTE, BALANCER, clients=clients, targets={GROUP: Connections(made=5, failed=2, open=3)}
    )
    assert total(data, "NewConnectionCount", **ALL) == 25
    assert total(data, "ActiveConnectionCount", **ALL) == 7
    assert total(data, "RejectedConnectionCount", **ALL) == 1
    assert total(data, "TargetConnectionErrorCount", **ALL) == total(data, "TargetConnectionErrorCount", **BLUE) == 2
    assert Connections(made=3).since(Connections(made=10)) == Connections(made=3)


def test_a_distributions_errors_are_shares_of_its_requests() -> None:
    names = {"DistributionId": "E1", "Region": "Global"}
    found = [_request(code, owner="E1") for code in (200, 200, 404, 503)]
    data = cloudfront.requests(found)
    assert {datum.region for datum in data} == {"us-east-1"}
    assert total(data, "Requests", **names) == 4
    assert values(data, "4xxErrorRate", **names) == values(data, "5xxErrorRate", **names) == [25]
    assert values(data, "TotalErrorRate", **names) == [50]


def test_a_line_of_the_log_is_a_request() -> None:
    line = "E1\t1795847626.250\t750\tblue/2@us-west-2\t127.0.0.1:80\t200\tvia_upstream\t1500\t10\t20\n"
    assert request_log.parse(line) == Request(
        completed=1795847627.0,
        owner="E1",
        cluster="blue/2@us-west-2",
        target="127.0.0.1:80",
        code=200,
        details="via_upstream",
        target_seconds=0.0015,
        received=10,
        sent=20,
    )


def test_many_values_are_put_in_pieces_that_the_api_takes() -> None:
    into = Minute(namespace="N", region="us-east-1", start=MINUTE)
    pieces = list(into.values("M", [n / 1000 for n in range(400)], "Seconds", A="b").requests())
    assert [len(piece["Values"]) for piece in pieces] == [MOST_VALUES, MOST_VALUES, 100]
    assert sum(sum(piece["Counts"]) for piece in pieces) == 400
    assert {piece["Timestamp"].timestamp() for piece in pieces} == {MINUTE}
