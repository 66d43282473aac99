"""Faults in listeners, listener rules and their actions."""

from __future__ import annotations

from tests.preflight.mutations.load_balancing import balancer, group, listener, listener_rule
from tests.preflight.prod import Prod, plants


@plants("ELB-202")
def two_certificates_on_a_listener(prod: Prod) -> str:
    arn = "arn:aws:acm:us-east-1:000000000000:certificate/"
    listener(prod)["Properties"]["Certificates"] = [{"CertificateArn": arn + "1"}, {"CertificateArn": arn + "2"}]
    return prod.path(listener(prod))


@plants("ELB-203")
def a_security_policy_without_tls(prod: Prod) -> str:
    listener(prod)["Properties"]["Protocol"] = "HTTP"
    listener(prod)["Properties"]["SslPolicy"] = "ELBSecurityPolicy-TLS13-1-2-2021-06"
    return prod.path(listener(prod))


@plants("ELB-204")
def a_tcp_listener_on_an_application_load_balancer(prod: Prod) -> str:
    listener(prod)["Properties"]["Protocol"] = "TCP"
    return prod.path(listener(prod))


@plants("ELB-205")
def a_tcp_target_group_behind_an_application_load_balancer(prod: Prod) -> str:
    group(prod)["Properties"]["Protocol"] = "TCP"
    return prod.path(listener_rule(prod))


@plants("ELB-206")
def a_target_group_behind_two_load_balancers(prod: Prod) -> str:
    other = prod.add("Ingress", "Internal", {**balancer(prod), "Metadata": {}})
    properties = {
        "LoadBalancerArn": {"Ref": prod.logical_id(other)},
        "Port": 80,
        "Protocol": "HTTP",
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": prod.logical_id(group(prod))}}],
    }
    kind = "AWS::ElasticLoadBalancingV2::Listener"
    return prod.path(prod.add("Ingress", "InternalListener", {"Type": kind, "Properties": properties}))


@plants("ELB-207")
def a_login_over_http(prod: Prod) -> str:
    listener(prod)["Properties"]["Protocol"] = "HTTP"
    actions = listener_rule(prod)["Properties"]["Actions"]
    actions[0]["Order"] = 2
    actions.insert(0, {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": {}})
    return prod.path(listener_rule(prod))


@plants("ELB-208")
def an_answer_and_a_forward(prod: Prod) -> str:
    actions = listener_rule(prod)["Properties"]["Actions"]
    actions.append({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}})
    return prod.path(listener_rule(prod))


@plants("ELB-209")
def a_redirect_to_nowhere(prod: Prod) -> str:
    listener(prod)["Properties"]["DefaultActions"][0]["Type"] = "redirect"
    return prod.path(listener(prod))


@plants("ELB-210")
def a_redirect_to_itself(prod: Prod) -> str:
    action = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_302"}}
    listener(prod)["Properties"]["DefaultActions"] = [action]
    return prod.path(listener(prod))


@plants("ELB-211")
def stickiness_without_a_duration(prod: Prod) -> str:
    forward = listener_rule(prod)["Properties"]["Actions"][0]["ForwardConfig"]
    forward["TargetGroupStickinessConfig"] = {"Enabled": True}
    return prod.path(listener_rule(prod))


@plants("ELB-215")
def two_conditions_on_the_path(prod: Prod) -> str:
    listener_rule(prod)["Properties"]["Conditions"].append({"Field": "path-pattern", "Values": ["/api/*"]})
    return prod.path(listener_rule(prod))


@plants("ELB-216")
def a_header_condition_on_the_host(prod: Prod) -> str:
    header = {"HttpHeaderName": "Host", "Values": ["example.com"]}
    listener_rule(prod)["Properties"]["Conditions"].append({"Field": "http-header", "HttpHeaderConfig": header})
    return prod.path(listener_rule(prod))


@plants("ELB-224")
def two_listeners_on_one_port(prod: Prod) -> str:
    listener(prod, "Test")["Properties"]["Port"] = listener(prod)["Properties"]["Port"]
    return prod.path(listener(prod, "Test"))
