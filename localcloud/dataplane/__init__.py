"""The data plane: real servers for what the AWS API says exists.

RDS instances are PostgreSQL primaries and streaming standbys, ElastiCache replication groups are Valkey servers, load
balancers and CloudFront distributions are listeners of one Envoy. `python -m localcloud.dataplane` reads the API about
once a second (`desired`), hands each resource to a keeper of its own (`keeper`), and leaves word of how it fares in
`<state folder>/dataplane/<kind>-<name>.json` (`status`).

What is not here: WAF rules are not evaluated, CloudFront caches nothing, and neither network ACLs nor security groups
are enforced: everything listens on the loopback interface.
"""
