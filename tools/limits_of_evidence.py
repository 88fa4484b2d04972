"""Bounds of the console's pages of calls and of the log."""

EVIDENCE = {
    "faces.web.calls.asking:WORD_CHARACTERS_MAX": "Characters of one word in the search for calls.",
    "faces.web.calls.routes:ID_CHARACTERS_MAX": "Characters of a call's or a trace's id in an address.",
    "faces.web.calls.tracing:CALLS_MAX": "Calls of a trace that are drawn.",
    "faces.web.log.routes:ERASURES_MAX": "Erasures on the log's page.",
    "faces.web.log.views:WAITING_MAX": "Records without a checkpoint that the log's page counts.",
}
