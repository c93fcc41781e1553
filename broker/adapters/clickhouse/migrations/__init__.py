"""Numbered statements that make and change the tables, each applied once. An applied file never changes.

`<number>_<name>.sql`, or `<number>_<name>.<index>.sql` for the kind of word index the engine has.
"""
