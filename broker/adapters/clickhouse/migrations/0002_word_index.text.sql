-- Words of a line, any case; from ClickHouse 26.2 on.
ALTER TABLE log_lines ADD INDEX IF NOT EXISTS words if(folded = '', lower(text), folded)
    TYPE text(tokenizer = 'splitByNonAlpha')
