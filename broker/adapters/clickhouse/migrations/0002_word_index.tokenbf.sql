-- Words of a line, any case, where the engine has no text index: a Bloom filter for each granule.
ALTER TABLE log_lines
    ADD INDEX IF NOT EXISTS words lower(text) TYPE tokenbf_v1(8192, 3, 0) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS folded_words folded TYPE tokenbf_v1(8192, 3, 0) GRANULARITY 1
