"""Resource types of the Azure provider."""

from holdfast.blueprint.infrastructure.attributes import SET, WORLD, Clue, Within
from holdfast.blueprint.infrastructure.kinds import (
    ALWAYS,
    SUPPORTS,
    Kind,
    one,
    opens,
    runs,
    stores,
)

# Storage of the platform is encrypted with its own keys where no others are named; the network is
# open to everybody unless it is shut.
_OPEN = one("public_network_access_enabled", absent=True)
_INBOUND = (Clue("direction", ("Inbound",)), Clue("access", ("Allow",)))
AZURE: dict[str, Kind] = {
    "azurerm_cognitive_account": runs(_OPEN),
    "azurerm_container_app": runs(one("ingress.external_enabled")),
    "azurerm_container_group": runs(one("ip_address_type", "Public", absent=True)),
    "azurerm_kubernetes_cluster": runs(
        (
            (
                Clue("private_cluster_enabled", (False,), absent=True),
                Clue("api_server_access_profile.authorized_ip_ranges", (WORLD,), absent=True),
            ),
        )
    ),
    "azurerm_linux_function_app": runs(_OPEN),
    "azurerm_linux_virtual_machine": runs((), ALWAYS),
    "azurerm_linux_web_app": runs(_OPEN),
    "azurerm_machine_learning_workspace": runs(_OPEN),
    "azurerm_windows_virtual_machine": runs((), ALWAYS),
    "azurerm_cosmosdb_account": stores(ALWAYS, _OPEN),
    "azurerm_eventhub_namespace": stores(ALWAYS, _OPEN),
    "azurerm_key_vault": stores(ALWAYS, _OPEN),
    "azurerm_managed_disk": stores(ALWAYS),
    "azurerm_mssql_database": stores(one("transparent_data_encryption_enabled", absent=True)),
    "azurerm_mssql_server": stores(ALWAYS, _OPEN),
    "azurerm_mysql_flexible_server": stores(ALWAYS, one("public_network_access_enabled")),
    "azurerm_postgresql_flexible_server": stores(ALWAYS, _OPEN),
    "azurerm_redis_cache": stores(ALWAYS, _OPEN),
    "azurerm_search_service": stores(ALWAYS, _OPEN),
    "azurerm_servicebus_namespace": stores(ALWAYS, _OPEN),
    "azurerm_storage_account": stores(
        ALWAYS, one("allow_nested_items_to_be_public", absent=True)
    ),
    "azurerm_application_gateway": opens(
        one("frontend_ip_configuration.public_ip_address_id", SET)
    ),
    "azurerm_lb": opens(one("frontend_ip_configuration.public_ip_address_id", SET)),
    "azurerm_network_interface": opens(one("ip_configuration.public_ip_address_id", SET)),
    "azurerm_network_security_group": opens(
        (
            (Within("security_rule", (*_INBOUND, Clue("source_address_prefix", (WORLD,)))),),
            (Within("security_rule", (*_INBOUND, Clue("source_address_prefixes", (WORLD,)))),),
        )
    ),
    "azurerm_network_security_rule": opens(
        (
            (*_INBOUND, Clue("source_address_prefix", (WORLD,))),
            (*_INBOUND, Clue("source_address_prefixes", (WORLD,))),
        )
    ),
    "azurerm_storage_container": opens(one("container_access_type", "blob", "container")),
    **dict.fromkeys(
        (
            "azurerm_container_registry", "azurerm_key_vault_key", "azurerm_key_vault_secret",
            "azurerm_log_analytics_workspace", "azurerm_mssql_firewall_rule",
            "azurerm_private_dns_zone", "azurerm_private_endpoint", "azurerm_public_ip",
            "azurerm_resource_group", "azurerm_role_assignment", "azurerm_service_plan",
            "azurerm_subnet", "azurerm_user_assigned_identity", "azurerm_virtual_network",
        ),
        SUPPORTS,
    ),
}  # fmt: skip
