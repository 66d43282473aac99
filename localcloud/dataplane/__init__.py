"""The servers behind the AWS API: PostgreSQL for RDS, Valkey for ElastiCache, Envoy for load balancers and the CDN."""
