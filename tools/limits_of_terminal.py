"""What the bounds of the terminal, Prometheus and the call log are for: read by
generate_limits_reference.py."""

TERMINAL = {
    "app.call_log:LINES_MAX": "Lines of the call log that wait to be written; further ones are dropped and counted.",
    "app.call_log:RETRY_S": "Until a call log that could not be written is tried again.",
    "app.call_log:CLOSE_S": "At the end of an instance, for the last lines of the call log.",
    "app.overview:WINDOW_S": "The time over which `holdfast status` tells of calls.",
    "cli.calls:LOOK_S": "How often `holdfast calls --follow` looks for new calls.",
    "cli.completing:OFFERED_MAX": "Values offered to a shell.",
    "cli.progress:SHOWN_AFTER_S": "Until a command says how far it has come.",
    "cli.progress:DRAWN_EVERY_S": "How often it says so.",
    "cli.top:WINDOW_S": "The time that `holdfast top` tells of.",
    "cli.top:ONCE_S": "The same with `--once`.",
    "faces.exposition:ACCEPT_PARTS_MAX": "Media ranges of an Accept field that are looked at.",
    "telemetry.tally.counting:RELATIONSHIPS_MAX": "Relationships that metrics tell apart; calls over further ones are told together.",
    "telemetry.tally.counting:RULES_MAX": "Pairs of outcome and rule of one relationship that metrics tell apart.",
}
