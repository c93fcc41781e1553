"""The public relay.yaml format: read with positions, published as a JSON Schema, written again."""
