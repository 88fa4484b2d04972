"""Who may enter the console and the control API, and what they may do there.

Promises: whatever no rule opens needs a sign-in, and the right by policy; a one-time link opens one
session, a provider's answer only the session of the browser that began; what a session changes comes
from its own pages; a session that ends takes its streams with it; attempts are counted and bounded,
and the log tells of them. Secrets are kept as digests.
"""

from holdfast.faces.entry.comers import Comer
from holdfast.faces.entry.entrance import Entrance, Ports
from holdfast.faces.entry.gatekeeper import COOKIE, Gatekeeper, address_of, session_of
from holdfast.faces.entry.ports import Access, Chronicler, Programs, Providers
from holdfast.faces.entry.safety import cookie, read_form, safe_next
from holdfast.faces.entry.sessions import Session
from holdfast.faces.entry.table import SAFE, is_named, needed

__all__ = [
    "COOKIE",
    "SAFE",
    "Access",
    "Chronicler",
    "Comer",
    "Entrance",
    "Gatekeeper",
    "Ports",
    "Programs",
    "Providers",
    "Session",
    "address_of",
    "cookie",
    "is_named",
    "needed",
    "read_form",
    "safe_next",
    "session_of",
]
