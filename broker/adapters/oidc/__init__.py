"""Identity providers that speak OpenID Connect, asked through the guarded client."""
