"""How mandates are told to people."""

import json

from holdfast.app.mandates import HopShown, MandateShown


def mandate_text(found: MandateShown) -> str:
    """On whose behalf, through whom, until when, and each authority on a line of its own."""
    lines = [
        f"on behalf of {found.principal}",
        *(_hop(number, hop) for number, hop in enumerate(found.hops)),
        f"until       {found.expires}",
        f"for         {found.audience}",
        f"delegable   {found.depth_left} more time{'s' if found.depth_left != 1 else ''}",
        *(
            f"may         {json.dumps(each, sort_keys=True)}"
            for each in found.authorization_details
        ),
    ]
    return "\n".join(lines)


def _hop(number: int, hop: HopShown) -> str:
    name = "held by" if number == 0 else "then by"
    # A holder wrote it: as ASCII, nothing in it can hide or move the cursor.
    why = f": {hop.why.encode('ascii', 'backslashreplace').decode()}" if hop.why else ""
    return f"{name:<12}{hop.holder} ({hop.jti}){why}"
