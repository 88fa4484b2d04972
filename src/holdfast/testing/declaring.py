"""A setup written down as people would declare it: a blueprint and a policy."""

from collections.abc import Iterator
from typing import Final

from holdfast.testing.setup import CALLERS, MODELS, Allowance, Pair, Place, Setup

TENANT: Final = "acme"
TRUST_DOMAIN: Final = "sim.example"
SESSION_HEADER: Final = "x-session"
CACHE_TTL_S: Final = 2.0
PRICES: Final = {"small": (100, 300), "rented": (1_000, 4_000), "counter-large": (500, 1_500)}
"""Of a million tokens in and out, in thousandths of the currency, by upstream model."""


def blueprint_text(setup: Setup, pairs: tuple[Pair, ...]) -> str:
    """The system as YAML."""
    lines = [
        "holdfast: 1",
        "name: simulated",
        "description: Three services and two models.",
        f"tenant: {TENANT}",
        f"trust_domain: {TRUST_DOMAIN}",
        "policies: [tools.cedar]",
        *_shared(setup, "tenant"),
        "nodes:",
        *(line for name in CALLERS for line in _caller(setup, name)),
        *(line for name in MODELS for line in _called(setup, name)),
    ]
    if setup.controls.has_zones:
        lines.append("  here: {type: network, description: A place.}")
    lines.append("relationships:")
    lines += [line for pair in pairs for line in _pair(setup, pair, pairs)]
    lines += _composition(setup)
    return "\n".join(lines) + "\n"


def policy_text(setup: Setup) -> str:
    """The policy beside the blueprint."""
    return (
        '@id("no-tools")\nforbid (principal, action, resource)\n'
        f'when {{ principal.id == "{setup.no_tools_for}" && context.tools }};\n'
    )


def _shared(setup: Setup, account: str) -> list[str]:
    """Budget and bulkhead of an account, as controls."""
    found: list[str] = []
    allowance = setup.allowance(account)
    if allowance is not None and _names_a_limit(allowance):
        found.append(f"budget: {_budget(allowance)}")
    found += [
        f"bulkhead: {{calls: {n}}}" for name, n in setup.controls.bulkheads if name == account
    ]
    return found


def _names_a_limit(allowance: Allowance) -> bool:
    return (allowance.calls, allowance.tokens, allowance.money_micro) != (None, None, None)


def _budget(allowance: Allowance) -> str:
    parts = [f"per: {allowance.per}"]
    if allowance.calls is not None:
        parts.append(f"calls: {allowance.calls}")
    if allowance.tokens is not None:
        parts.append(f"tokens: {allowance.tokens}")
    if allowance.money_micro is not None:
        parts.append(f"money: {allowance.money_micro / 1_000_000:.6f}")
    return "{" + ", ".join(parts) + "}"


def _caller(setup: Setup, name: str) -> Iterator[str]:
    controls = ", ".join(_shared(setup, f"node:{name}"))
    yield f"  {name}: {{type: service, description: Asks., controls: {{{controls}}}}}"


def _called(setup: Setup, name: str) -> Iterator[str]:
    places, controls = setup.places_of(name), setup.controls
    sole = places[0] if places[0].member == name else None
    written = [
        _retries(setup),
        f"breaker: {{failures: {controls.failures}, open_s: {controls.open_s}}}",
        _concurrency(setup),
        *_shared(setup, f"node:{name}"),
    ]
    if controls.has_health:
        written.append("health: {path: /health, every_s: 1, timeout_s: 0.5}")
    if controls.has_hedge:
        written.append("hedge: {percentile: 90, share: 0.1}")
    if controls.cache is not None:
        written.append(f"cache: {{ttl_s: {CACHE_TTL_S}, scope: {controls.cache}}}")
    if sole is None:
        header = f", session_header: {SESSION_HEADER}" if controls.by == "session" else ""
        written.append(f"routing: {{by: {controls.by}{header}}}")
    else:
        written += [f"upstream: {{{_where(sole)}}}", _price(sole)]
    yield f"  {name}:"
    yield "    type: ai:llm"
    yield "    description: Answers."
    yield "    controls:"
    yield from (f"      {line}" for line in written)
    if sole is None:
        yield from (line for place in places for line in _member(place))


def _retries(setup: Setup) -> str:
    controls = setup.controls
    return (
        f"retries: {{attempts: {controls.attempts}, share: {controls.share}, "
        f"per_s_min: {controls.per_s_min}, backoff_s: {controls.backoff_s}}}"
    )


def _concurrency(setup: Setup) -> str:
    controls = setup.controls
    return (
        f"concurrency: {{calls_start: {controls.calls_start}, calls_max: {controls.calls_max}, "
        f"queue: {controls.queue}, queue_s: {controls.queue_s}}}"
    )


def _member(place: Place) -> Iterator[str]:
    yield f"  {place.member}:"
    yield "    type: ai:llm"
    yield "    description: One that answers."
    yield "    controls:"
    share = f"weight: {place.weight}, priority: {place.priority}"
    yield f"      upstream: {{{_where(place)}, {share}}}"
    yield f"      {_price(place)}"


def _where(place: Place) -> str:
    return f'url: "http://{place.where}/v1", model: {place.model}'


def _price(place: Place) -> str:
    tokens_in, tokens_out = (price / 1_000 for price in PRICES[place.model])
    return f"price: {{input: {tokens_in}, output: {tokens_out}}}"


def _pair(setup: Setup, pair: Pair, pairs: tuple[Pair, ...]) -> Iterator[str]:
    limits: list[str] = []
    if pair.max_tokens is not None:
        limits.append(f"max_tokens: {pair.max_tokens}")
    if pair.request_bytes is not None:
        limits.append(f"request_bytes: {pair.request_bytes}")
    waits = f"first_byte_s: {setup.first_byte_s}, idle_s: {setup.idle_s}, total_s: {setup.total_s}"
    controls = [
        f"timeouts: {{{waits}}}",
        f"criticality: {pair.criticality}",
        *_shared(setup, f"relationship:{pair.id}"),
    ]
    if limits:
        controls.append(f"limits: {{{', '.join(limits)}}}")
    may_ask = (pair.caller, "counter") in {(other.caller, other.callee) for other in pairs}
    if pair.callee == "reviewer" and may_ask and setup.controls.fallback != "no":
        after = str(setup.controls.fallback == "after").lower()
        controls.append(f"fallback: {{to: [counter], after_first_token: {after}}}")
    yield f"  - id: {pair.id}"
    yield f"    connects: [{pair.caller}, {pair.callee}]"
    yield "    protocol: HTTP"
    yield "    description: Asks."
    yield "    controls:"
    yield from (f"      {line}" for line in controls)


def _composition(setup: Setup) -> Iterator[str]:
    members = [place.member for place in setup.places_of("reviewer")]
    if members != ["reviewer"]:
        yield "  - id: reviewer-is"
        yield "    description: What answers for it."
        yield f"    composed-of: {{container: reviewer, nodes: [{', '.join(members)}]}}"
    if setup.controls.has_zones:
        yield "  - id: runs-here"
        yield "    description: What is near."
        yield f"    deployed-in: {{container: here, nodes: [desk, {members[0]}]}}"
