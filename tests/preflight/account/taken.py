"""What each service answers when something has a name, and when nothing does."""

from __future__ import annotations

from typing import Any

from tests.preflight.account.cloud import HOME, NUMBER

MISSING: dict[str, str] = {
    "AWS::IAM::Role": "NoSuchEntity",
    "AWS::SecretsManager::Secret": "ResourceNotFoundException",
    "AWS::RDS::DBInstance": "DBInstanceNotFound",
    "AWS::RDS::DBCluster": "DBClusterNotFoundFault",
    "AWS::RDS::DBSubnetGroup": "DBSubnetGroupNotFoundFault",
    "AWS::RDS::DBParameterGroup": "DBParameterGroupNotFound",
    "AWS::ElastiCache::ReplicationGroup": "ReplicationGroupNotFoundFault",
    "AWS::ElastiCache::User": "UserNotFound",
    "AWS::ElastiCache::UserGroup": "UserGroupNotFound",
    "AWS::ElastiCache::SubnetGroup": "CacheSubnetGroupNotFoundFault",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "LoadBalancerNotFound",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "TargetGroupNotFound",
    "AWS::Lambda::Function": "ResourceNotFoundException",
    "AWS::SQS::Queue": "AWS.SimpleQueueService.NonExistentQueue",
    "AWS::ECR::Repository": "RepositoryNotFoundException",
    "AWS::ECR::PullThroughCacheRule": "PullThroughCacheRuleNotFoundException",
    "AWS::DynamoDB::Table": "ResourceNotFoundException",
    "AWS::Events::Rule": "ResourceNotFoundException",
    "AWS::Events::EventBus": "ResourceNotFoundException",
    "AWS::Budgets::Budget": "NotFoundException",
}
"""Types that are asked for by name: what AWS says when there is none."""

NAME = "the-name"
ALIAS = f"alias/{NAME}"
FOUND: dict[str, dict[str, Any]] = {
    "AWS::Logs::DeliverySource": {"deliverySources": [{"name": NAME}]},
    "AWS::Logs::DeliveryDestination": {"deliveryDestinations": [{"name": NAME}]},
    "AWS::Logs::LogGroup": {"logGroups": [{"logGroupName": NAME}]},
    "AWS::IAM::ManagedPolicy": {"Policies": [{"PolicyName": NAME.upper()}]},
    "AWS::CloudWatch::Alarm": {"MetricAlarms": [{"AlarmName": NAME}]},
    "AWS::CloudWatch::CompositeAlarm": {"CompositeAlarms": [{"AlarmName": NAME}]},
    "AWS::SSM::Parameter": {"Parameters": [{"Name": NAME}]},
    "AWS::KMS::Alias": {"Aliases": [{"AliasName": ALIAS}]},
    "AWS::ECS::Cluster": {"clusters": [{"clusterName": NAME, "status": "ACTIVE"}]},
    "AWS::SNS::Topic": {"Topics": [{"TopicArn": f"arn:aws:sns:{HOME}:{NUMBER}:{NAME}"}]},
    "AWS::CodeBuild::Project": {"projects": [{"name": NAME}]},
    "AWS::CodePipeline::Pipeline": {"pipelines": [{"name": NAME}]},
    "AWS::Backup::BackupVault": {"BackupVaultList": [{"BackupVaultName": NAME}]},
    "AWS::RDS::DBInstance": {"DBInstances": [{"DBInstanceIdentifier": NAME}]},
    "AWS::RDS::DBCluster": {"DBClusters": [{"DBClusterIdentifier": NAME}]},
    "AWS::RDS::DBSubnetGroup": {"DBSubnetGroups": [{"DBSubnetGroupName": NAME}]},
    "AWS::RDS::DBParameterGroup": {"DBParameterGroups": [{"DBParameterGroupName": NAME}]},
    "AWS::ElastiCache::ReplicationGroup": {"ReplicationGroups": [{"ReplicationGroupId": NAME}]},
    "AWS::ElastiCache::User": {"Users": [{"UserId": NAME}]},
    "AWS::ElastiCache::UserGroup": {"UserGroups": [{"UserGroupId": NAME}]},
    "AWS::ElastiCache::SubnetGroup": {"CacheSubnetGroups": [{"CacheSubnetGroupName": NAME}]},
    "AWS::ElasticLoadBalancingV2::LoadBalancer": {"LoadBalancers": [{"LoadBalancerName": NAME}]},
    "AWS::ElasticLoadBalancingV2::TargetGroup": {"TargetGroups": [{"TargetGroupName": NAME}]},
    "AWS::ECR::Repository": {"repositories": [{"repositoryName": NAME}]},
    "AWS::ECR::PullThroughCacheRule": {"pullThroughCacheRules": [{"ecrRepositoryPrefix": NAME}]},
    "AWS::Lambda::Function": {"FunctionName": NAME},
    "AWS::SQS::Queue": {"QueueUrl": f"https://sqs/{NAME}"},
    "AWS::SecretsManager::Secret": {"Name": NAME},
    "AWS::DynamoDB::Table": {"Table": {"TableName": NAME}},
    "AWS::Events::Rule": {"Name": NAME},
    "AWS::Events::EventBus": {"Name": NAME},
    "AWS::Budgets::Budget": {"Budget": {"BudgetName": NAME, "TimeUnit": "MONTHLY", "BudgetType": "COST"}},
    "AWS::IAM::Role": {
        "Role": {
            "Path": "/",
            "RoleName": NAME,
            "RoleId": "AROA0123456789012345",
            "Arn": f"arn:aws:iam::{NUMBER}:role/{NAME}",
            "CreateDate": 0,
        }
    },
    "AWS::CloudFront::CachePolicy": {
        "CachePolicyList": {
            "MaxItems": 1,
            "Quantity": 1,
            "Items": [
                {
                    "Type": "custom",
                    "CachePolicy": {"Id": "1", "LastModifiedTime": 0, "CachePolicyConfig": {"Name": NAME, "MinTTL": 0}},
                }
            ],
        }
    },
    "AWS::CloudFront::OriginRequestPolicy": {
        "OriginRequestPolicyList": {
            "MaxItems": 1,
            "Quantity": 1,
            "Items": [
                {
                    "Type": "custom",
                    "OriginRequestPolicy": {
                        "Id": "1",
                        "LastModifiedTime": 0,
                        "OriginRequestPolicyConfig": {
                            "Name": NAME,
                            "HeadersConfig": {"HeaderBehavior": "none"},
                            "CookiesConfig": {"CookieBehavior": "none"},
                            "QueryStringsConfig": {"QueryStringBehavior": "none"},
                        },
                    },
                }
            ],
        }
    },
    "AWS::CloudFront::ResponseHeadersPolicy": {
        "ResponseHeadersPolicyList": {
            "MaxItems": 1,
            "Quantity": 1,
            "Items": [
                {
                    "Type": "custom",
                    "ResponseHeadersPolicy": {
                        "Id": "1",
                        "LastModifiedTime": 0,
                        "ResponseHeadersPolicyConfig": {"Name": NAME},
                    },
                }
            ],
        }
    },
    "AWS::CloudFront::OriginAccessControl": {
        "OriginAccessControlList": {
            "Marker": "",
            "MaxItems": 1,
            "IsTruncated": False,
            "Quantity": 1,
            "Items": [
                {
                    "Id": "1",
                    "Description": "",
                    "Name": NAME,
                    "SigningProtocol": "sigv4",
                    "SigningBehavior": "always",
                    "OriginAccessControlOriginType": "s3",
                }
            ],
        }
    },
    "AWS::CloudFront::KeyGroup": {
        "KeyGroupList": {
            "MaxItems": 1,
            "Quantity": 1,
            "Items": [
                {"KeyGroup": {"Id": "1", "LastModifiedTime": 0, "KeyGroupConfig": {"Name": NAME, "Items": ["k"]}}}
            ],
        }
    },
    "AWS::CloudFront::PublicKey": {
        "PublicKeyList": {
            "MaxItems": 1,
            "Quantity": 1,
            "Items": [{"Id": "1", "Name": NAME, "CreatedTime": 0, "EncodedKey": "k"}],
        }
    },
    "AWS::CloudFront::Function": {
        "FunctionList": {
            "MaxItems": 1,
            "Quantity": 1,
            "Items": [
                {
                    "Name": NAME,
                    "FunctionConfig": {"Comment": "", "Runtime": "cloudfront-js-2.0"},
                    "FunctionMetadata": {"FunctionARN": "arn", "LastModifiedTime": 0},
                }
            ],
        }
    },
}
"""What AWS says of each type when there is one of that name."""
