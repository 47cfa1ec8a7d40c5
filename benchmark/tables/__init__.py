"""Tables: columns over typed rows, and the writers of them.

A table is a sequence of columns and a sequence of rows. A writer is a function of the two, in a file of its own beside
these: `markdown_table`, `latex_table`, `terminal_table`, `csv_table`, `page_table`. Another form is one more file;
nothing else changes.
"""
