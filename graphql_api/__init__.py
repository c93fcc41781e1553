"""The GraphQL API: one typed schema over the services; it translates and decides nothing itself."""
