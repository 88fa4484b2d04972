"""Bounds of the pages about agents and principals, and of their API."""

PRINCIPALS = {
    "faces.api.permissions:NAME_LENGTH_MAX": "Characters of a name, or a part of one, in a question about permissions.",
    "faces.api.permissions:PAIRS_MAX": "Pairs of one answer about permissions.",
    "faces.web.agents.patterns:PERIOD_MAX": "The longest circle, in calls, that is looked for in a session.",
    "faces.web.principals.routes:NAME_LENGTH_MAX": "Characters of a principal's name in an address of the console.",
}
