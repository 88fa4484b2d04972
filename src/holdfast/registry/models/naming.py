"""What a file's name says: its last part and its suffix, as every system compares them."""


def last_part(name: str) -> str:
    return name.rpartition("/")[2].lower()


def suffix_of(name: str) -> str:
    """``.json`` of ``a/b.json``; nothing for a name that only begins with a dot."""
    stem, dot, suffix = last_part(name).rpartition(".")
    return dot + suffix if stem else ""
