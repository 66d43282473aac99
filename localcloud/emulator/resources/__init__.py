"""CloudFormation resource types that MiniStack lacks or handles in part, a module for each service."""
