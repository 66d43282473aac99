"""Who can reach what: addresses, routes, security groups and network ACLs of templates."""
