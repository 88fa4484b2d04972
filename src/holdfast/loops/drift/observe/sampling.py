"""How likely a trace was kept, where the trace itself says so."""

_REJECTED_OF = 16**14


def probability_of(trace_state: str, default: float) -> float:
    """From ``ot=th:...`` in the W3C tracestate (OpenTelemetry's consistent probability sampling:
    a threshold of up to 14 hexadecimal digits, zeros at its end left out); else the default."""
    for member in trace_state.split(","):
        name, _, value = member.strip().partition("=")
        if name != "ot":
            continue
        for part in value.split(";"):
            if part.startswith("th:"):
                return _of_threshold(part[3:], default)
    return default


def _of_threshold(digits: str, default: float) -> float:
    try:
        rejected = int(digits.ljust(14, "0"), 16) if 0 < len(digits) <= 14 else -1
    except ValueError:
        return default
    return 1.0 - rejected / _REJECTED_OF if 0 <= rejected < _REJECTED_OF else default
