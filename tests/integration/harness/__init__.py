"""What the integration tests share: processes, wire clients, parsers."""
