"""Resource types of the Google provider."""

from holdfast.blueprint.infrastructure.attributes import SET, WORLD, Clue
from holdfast.blueprint.infrastructure.kinds import (
    ALWAYS,
    SUPPORTS,
    Kind,
    one,
    opens,
    runs,
    stores,
)

# Everything that is stored is encrypted with the provider's keys where no others are named.
_MEMBER = opens(one("member", WORLD))
_MEMBERS = opens(one("members", WORLD))
_INGRESS = (
    Clue("direction", ("INGRESS",), absent=True),
    Clue("allow", (SET,)),
    Clue("source_tags", (False,), absent=True),
    Clue("source_service_accounts", (False,), absent=True),
)
_FORWARDS = opens(one("load_balancing_scheme", "EXTERNAL", "EXTERNAL_MANAGED", absent=True))

GOOGLE: dict[str, Kind] = {
    "google_cloud_run_v2_service": runs(one("ingress", "INGRESS_TRAFFIC_ALL", absent=True)),
    "google_cloudfunctions2_function": runs(
        one("service_config.ingress_settings", "ALLOW_ALL", absent=True)
    ),
    "google_compute_instance": runs(one("network_interface.access_config", SET), ALWAYS),
    "google_container_cluster": runs(
        (
            (
                Clue("private_cluster_config.enable_private_endpoint", (False,), absent=True),
                Clue("master_authorized_networks_config.cidr_blocks.cidr_block", (WORLD,), absent=True),
            ),
        ),
        ALWAYS,
    ),
    "google_vertex_ai_endpoint": runs(),
    "google_alloydb_cluster": stores(ALWAYS),
    "google_bigquery_dataset": stores(
        ALWAYS, one("access.special_group", "allAuthenticatedUsers")
    ),
    "google_compute_disk": stores(ALWAYS),
    "google_firestore_database": stores(ALWAYS),
    "google_pubsub_topic": stores(ALWAYS),
    "google_redis_instance": stores(ALWAYS),
    "google_secret_manager_secret": stores(ALWAYS),
    "google_spanner_database": stores(ALWAYS),
    "google_sql_database_instance": stores(
        ALWAYS, one("settings.ip_configuration.authorized_networks.value", WORLD)
    ),
    "google_storage_bucket": stores(ALWAYS),
    "google_cloud_run_service_iam_member": _MEMBER,
    "google_cloud_run_v2_service_iam_member": _MEMBER,
    "google_compute_firewall": opens(
        ((*_INGRESS, Clue("source_ranges", (WORLD,), absent=True)),)
    ),
    "google_compute_forwarding_rule": _FORWARDS,
    "google_compute_global_forwarding_rule": _FORWARDS,
    "google_storage_bucket_iam_binding": _MEMBERS,
    "google_storage_bucket_iam_member": _MEMBER,
    "google_kms_crypto_key": Kind(part="supports", keeps=True),
    **dict.fromkeys(
        (
            "google_artifact_registry_repository", "google_compute_address",
            "google_compute_global_address", "google_compute_network",
            "google_compute_router", "google_compute_router_nat", "google_compute_subnetwork",
            "google_container_node_pool", "google_kms_key_ring", "google_project_iam_member",
            "google_project_service", "google_secret_manager_secret_version",
            "google_service_account", "google_sql_database", "google_sql_user",
        ),
        SUPPORTS,
    ),
}  # fmt: skip
