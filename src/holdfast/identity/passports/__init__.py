"""Passports: the registry's record of an agent, signed and kept in every version.

Promises: a passport says who answers for the agent, of what it is built (as one digest), how risky
it is and the widest authority it may ever hold; suspended and revoked ones revoke their agent in the
same transaction; revoked is final; each change stands in the audit log.
"""

from holdfast.identity.passports.errors import (
    PassportError,
    PassportExistsError,
    PassportForgedError,
    PassportStateError,
    PassportUnknownError,
)
from holdfast.identity.passports.passport import (
    PASSPORT_TYPE,
    STATUSES,
    TIER_MAX,
    Application,
    Build,
    Controller,
    Model,
    Passport,
    Status,
    Tool,
    document,
    open_passport,
    passport_json,
    read_application,
    read_document,
    settled,
    sign_passport,
)
from holdfast.identity.passports.roll import Passports, Roll, subjects_of_holder
from holdfast.identity.passports.states import Step, next_status
from holdfast.identity.passports.store import Kept, PassportStore

__all__ = [
    "PASSPORT_TYPE",
    "STATUSES",
    "TIER_MAX",
    "Application",
    "Build",
    "Controller",
    "Kept",
    "Model",
    "Passport",
    "PassportError",
    "PassportExistsError",
    "PassportForgedError",
    "PassportStateError",
    "PassportStore",
    "PassportUnknownError",
    "Passports",
    "Roll",
    "Status",
    "Step",
    "Tool",
    "document",
    "next_status",
    "open_passport",
    "passport_json",
    "read_application",
    "read_document",
    "settled",
    "sign_passport",
    "subjects_of_holder",
]
