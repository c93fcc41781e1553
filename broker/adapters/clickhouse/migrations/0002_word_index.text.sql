-- Words of a line, any case; from ClickHouse 26.2 on.
ALTER TABLE log_lines
    ADD INDEX IF NOT EXISTS words lower(text) TYPE text(tokenizer = 'splitByNonAlpha'),
    ADD INDEX IF NOT EXISTS folded_words folded TYPE text(tokenizer = 'splitByNonAlpha')
