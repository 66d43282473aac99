"""Faults between publishers, topics and keys."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants


def _topic(prod: Prod, **properties: Any) -> dict[str, Any]:
    """A topic beside the web service's alarm, which sends to it."""
    topic = prod.add("Service", "Alerts", {"Type": "AWS::SNS::Topic", "Properties": properties})
    alarm = prod.resource("Service", "AWS::CloudWatch::Alarm", path="/Web/")
    alarm["Properties"]["OKActions"] = [{"Ref": "Alerts"}]
    return topic


def _sends(prod: Prod, resource_type: str, **properties: Any) -> dict[str, Any]:
    return prod.add("Service", "Sender", {"Type": resource_type, "Properties": properties})


@plants("SNS-98", constraint=98)
def an_alarm_to_a_topic_with_a_private_key(prod: Prod) -> str:
    key = prod.resource("Service", "AWS::KMS::Key")
    _topic(prod, KmsMasterKeyId={"Ref": prod.logical_id(key)})
    return prod.path(key)


@plants("SNS-98", constraint=98)
def an_alarm_to_a_topic_with_the_managed_key(prod: Prod) -> str:
    return prod.path(_topic(prod, KmsMasterKeyId="alias/aws/sns"))


@plants("SNS-99", constraint=99)
def database_events_to_a_topic_with_a_private_key(prod: Prod) -> str:
    key = prod.resource("Service", "AWS::KMS::Key")
    _topic(prod, KmsMasterKeyId={"Fn::GetAtt": [prod.logical_id(key), "Arn"]})
    _sends(prod, "AWS::RDS::EventSubscription", SnsTopicArn={"Ref": "Alerts"})
    return prod.path(key)


@plants("SNS-100", constraint=100)
def a_policy_that_only_asks_for_tls(prod: Prod) -> str:
    _topic(prod)
    tls = {"Effect": "Deny", "Action": "sns:Publish", "Principal": "*", "Resource": {"Ref": "Alerts"}}
    properties = {"Topics": [{"Ref": "Alerts"}], "PolicyDocument": {"Statement": [tls]}}
    return prod.path(prod.add("Service", "AlertsPolicy", {"Type": "AWS::SNS::TopicPolicy", "Properties": properties}))


@plants("SNS-100", constraint=100)
def a_budget_to_a_topic_without_a_policy(prod: Prod) -> str:
    topic = _topic(prod)
    subscriber = {"SubscriptionType": "SNS", "Address": {"Ref": "Alerts"}}
    _sends(prod, "AWS::Budgets::Budget", NotificationsWithSubscribers=[{"Subscribers": [subscriber]}])
    return prod.path(topic)


@plants("SNS-201")
def database_events_to_a_fifo_topic(prod: Prod) -> str:
    _topic(prod, FifoTopic=True)
    return prod.path(_sends(prod, "AWS::RDS::EventSubscription", SnsTopicArn={"Ref": "Alerts"}))


@plants("SNS-202")
def a_fifo_topic_by_an_ordinary_name(prod: Prod) -> str:
    return prod.path(_topic(prod, FifoTopic=True, TopicName="alerts"))


@plants("SNS-99", constraint=99)
def backup_news_to_a_topic_with_the_managed_key(prod: Prod) -> str:
    topic = _topic(prod, KmsMasterKeyId={"Fn::Sub": "arn:aws:kms:${AWS::Region}:${AWS::AccountId}:alias/aws/sns"})
    news = {"SNSTopicArn": {"Ref": "Alerts"}, "BackupVaultEvents": ["BACKUP_JOB_FAILED"]}
    _sends(prod, "AWS::Backup::BackupVault", Notifications=news)
    return prod.path(topic)


@plants("SNS-99", constraint=99)
def anomalies_to_a_topic_with_an_alias(prod: Prod) -> str:
    key = prod.resource("Service", "AWS::KMS::Key")
    alias = {"AliasName": "alias/alerts", "TargetKeyId": {"Ref": prod.logical_id(key)}}
    prod.add("Service", "Alias", {"Type": "AWS::KMS::Alias", "Properties": alias})
    _topic(prod, KmsMasterKeyId="alias/alerts")
    _sends(prod, "AWS::CE::AnomalySubscription", Subscribers=[{"Type": "SNS", "Address": {"Ref": "Alerts"}}])
    return prod.path(key)
