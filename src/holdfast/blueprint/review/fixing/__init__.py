"""From findings to a changed file: patches as edits of the text that keep comments and layout, checked
by reading the result again. ``proposing`` is where it begins; nothing here writes a file."""
