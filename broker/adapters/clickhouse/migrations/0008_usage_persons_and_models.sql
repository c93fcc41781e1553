-- Who is behind an agent, told when it is spawned, and the model that it uses, told when it is ready.
ALTER TABLE usage_lines
    ADD COLUMN IF NOT EXISTS person LowCardinality(String) AFTER resumed,
    ADD COLUMN IF NOT EXISTS model LowCardinality(String) AFTER person
