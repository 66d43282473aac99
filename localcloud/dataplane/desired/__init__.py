"""What the AWS API says should run, as specs. The only part of the data plane that calls it."""
