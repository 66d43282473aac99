"""Evidence for auditors, read from synthesized templates and the AWS API."""
