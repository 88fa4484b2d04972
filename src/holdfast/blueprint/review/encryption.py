"""Whether what passes over a relationship is encrypted on its way."""

from holdfast.blueprint.graph import Edge
from holdfast.blueprint.review.judging import seen_over
from holdfast.blueprint.review.rule import Case

ENCRYPTED = frozenset({"HTTPS", "TLS", "mTLS", "SFTP"})
PLAIN = frozenset({"HTTP", "FTP"})


def is_encrypted(case: Case, edge: Edge) -> bool | None:
    """Whether what passes is encrypted: by what was seen, by the facts, by the protocol."""
    seen = [each.encrypted for each in seen_over(case, edge)]
    if False in seen or is_plain_upstream(case, edge):
        return False
    if edge.facts.encrypted is not None:
        return edge.facts.encrypted
    if edge.relationship.protocol in ENCRYPTED or True in seen:
        return True
    return False if edge.relationship.protocol in PLAIN else None


def is_plain_upstream(case: Case, edge: Edge) -> bool:
    """Whether Holdfast itself sends calls on to another machine unencrypted."""
    if not case.known.is_carried(edge):
        return False
    answering = case.system.blueprint.upstreams(case.system.nodes[edge.destination])
    return any(each.upstream and each.upstream.insecure_plain_http for each in answering)


def stays_on_machine(case: Case, edge: Edge) -> bool:
    """Whether all that answers does so on the machine that Holdfast itself runs on."""
    if not case.known.is_carried(edge):
        return False
    answering = case.system.blueprint.upstreams(case.system.nodes[edge.destination])
    return all(each.upstream and is_loopback(each.upstream.address.host) for each in answering)


def is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")
