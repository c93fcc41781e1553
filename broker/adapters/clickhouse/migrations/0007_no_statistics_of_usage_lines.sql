-- needs the table setting auto_statistics_types
-- Statistics of columns, which merges would make by themselves: no question of ours gains by them, and while they are not
-- cached each one reads them from every part.
ALTER TABLE usage_lines MODIFY SETTING auto_statistics_types = ''
