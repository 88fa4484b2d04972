"""Names of attributes: those that are read, and the older names of the same things.

OpenTelemetry's conventions for generative AI are in development and were renamed more than once
(``gen_ai.system`` became ``gen_ai.provider.name``); those for databases, HTTP and the network were
renamed when they became stable. Everything is brought to the newest name when it is read.
"""

from types import MappingProxyType

RENAMED = MappingProxyType(
    {
        "gen_ai.system": "gen_ai.provider.name",
        "llm.request.model": "gen_ai.request.model",
        "gen_ai.tool.definition.digest": "gen_ai.tool.definition.hash",
        "mcp.tool.name": "gen_ai.tool.name",
        "mcp.method": "mcp.method.name",
        "db.system": "db.system.name",
        "db.name": "db.namespace",
        "db.redis.database_index": "db.namespace",
        "messaging.destination": "messaging.destination.name",
        "net.peer.name": "server.address",
        "net.peer.port": "server.port",
        "net.peer.ip": "network.peer.address",
        "net.sock.peer.addr": "network.peer.address",
        "http.url": "url.full",
        "http.scheme": "url.scheme",
        "peer.service": "service.peer.name",
        "deployment.environment": "deployment.environment.name",
    }
)
"""Old name to new."""

OF_SPANS = frozenset(
    {
        "db.namespace",
        "db.system.name",
        "gen_ai.agent.id",
        "gen_ai.agent.name",
        "gen_ai.data_source.id",
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.tool.definition.hash",
        "gen_ai.tool.name",
        "holdfast.callee",
        "holdfast.caller",
        "mcp.method.name",
        "mcp.resource.uri",
        "messaging.destination.name",
        "messaging.system",
        "network.peer.address",
        "network.transport",
        "rpc.system",
        "rpc.system.name",
        "server.address",
        "server.port",
        "service.peer.name",
        "spiffe.peer.id",
        "tls.client.subject",
        "tls.established",
        "url.full",
        "url.scheme",
    }
)
OF_RESOURCES = frozenset(
    {
        "cloud.region",
        "deployment.environment.name",
        "holdfast.node",
        "k8s.cluster.name",
        "k8s.cronjob.name",
        "k8s.daemonset.name",
        "k8s.deployment.name",
        "k8s.job.name",
        "k8s.namespace.name",
        "k8s.pod.name",
        "k8s.statefulset.name",
        "service.name",
        "service.namespace",
        "service.version",
        "spiffe.id",
    }
)
READ = MappingProxyType(
    {name: name for name in OF_SPANS | OF_RESOURCES}
    | {old: new for old, new in RENAMED.items() if new in OF_SPANS | OF_RESOURCES}
)
"""Every name that is read, with the name it is kept under."""
