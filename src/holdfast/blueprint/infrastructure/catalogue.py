"""All types of resources that are judged, and where a resource says where it is."""

from collections.abc import Mapping
from types import MappingProxyType

from holdfast.blueprint.infrastructure.attributes import values_of
from holdfast.blueprint.infrastructure.kinds import SUPPORTS, Kind
from holdfast.blueprint.infrastructure.plan import Plan, Resource
from holdfast.blueprint.infrastructure.types_aws import AWS
from holdfast.blueprint.infrastructure.types_azure import AZURE
from holdfast.blueprint.infrastructure.types_google import GOOGLE

_ELSEWHERE: dict[str, Kind] = dict.fromkeys(
    ("null_resource", "random_id", "random_password", "random_pet", "random_string",
     "terraform_data", "time_sleep", "tls_private_key"),
    SUPPORTS,
)  # fmt: skip
KINDS: Mapping[str, Kind] = MappingProxyType({**AWS, **AZURE, **GOOGLE, **_ELSEWHERE})

_PLACES = ("region", "location", "availability_zone", "zone")
_ZONED = frozenset({"availability_zone", "zone"})
_PROVIDERS = {"aws_": "aws", "azurerm_": "azurerm", "google_": "google"}


def region_of(resource: Resource, plan: Plan) -> str | None:
    """Where it lies, by itself or by its provider; None: not told."""
    for name in _PLACES:
        for value in values_of(resource, name):
            if isinstance(value, str) and value:
                return _region(value) if name in _ZONED else value
    for prefix, provider in _PROVIDERS.items():
        if resource.type.startswith(prefix):
            return plan.regions.get(provider)
    return None


def _region(zone: str) -> str:
    """The region of a zone: `eu-west-1a` and `europe-west1-b` end in one more letter."""
    if zone[-2:-1] == "-":
        return zone[:-2]
    return zone[:-1] if zone[-1:].isalpha() else zone


def is_same_region(one: str, other: str) -> bool:
    """Written differently: `West Europe` is `westeurope`."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return name.lower().replace(" ", "")
