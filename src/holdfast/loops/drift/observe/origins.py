"""Who made a span: claims from what its resource says, the surest first."""

import re
from collections.abc import Mapping

from holdfast.loops.drift.observe.spans import Attribute, Origin
from holdfast.loops.drift.sightings import identity

_OWNERS = ("deployment", "statefulset", "daemonset", "cronjob", "job")
_OF_DEPLOYMENT = re.compile(r"(.+)-[a-z0-9]{5,10}-[a-z0-9]{5}")
_OF_STATEFUL_SET = re.compile(r"(.+)-[0-9]{1,4}")


def origin_of(resource: Mapping[str, Attribute]) -> Origin:
    """The origin that a resource's attributes describe."""

    def said(name: str) -> str:
        return str(resource.get(name, ""))

    return Origin(
        identity(
            (
                ("node", said("holdfast.node")),
                ("spiffe", said("spiffe.id")),
                ("k8s", _workload(resource)),
                ("service", _service(resource)),
            )
        ),
        said("cloud.region") or None,
        said("service.version") or None,
    )


def _workload(resource: Mapping[str, Attribute]) -> str:
    names = (resource.get(f"k8s.{owner}.name") for owner in _OWNERS)
    name = next((str(each) for each in names if each), "") or owner_of_pod(
        str(resource.get("k8s.pod.name", ""))
    )
    if not name:
        return ""
    cluster, namespace = resource.get("k8s.cluster.name", ""), resource.get("k8s.namespace.name")
    return f"{cluster}/{namespace or ''}/{name}"


def _service(resource: Mapping[str, Attribute]) -> str:
    name = str(resource.get("service.name", ""))
    if not name or name.startswith("unknown_service"):  # what SDKs write where nobody said a name
        return ""
    namespace = resource.get("service.namespace", "")
    environment = resource.get("deployment.environment.name", "")
    return f"{namespace}/{name}" + (f"@{environment}" if environment else "")


def owner_of_pod(pod: str) -> str:
    """The workload that a pod belongs to, by how Kubernetes names the pods of each kind; the pod
    itself where its name has no such form."""
    for form in (_OF_DEPLOYMENT, _OF_STATEFUL_SET):
        found = form.fullmatch(pod)
        if found is not None:
            return found[1]
    return pod
