"""Resource types of the AWS provider."""

from holdfast.blueprint.infrastructure.attributes import OPEN_POLICY, SET, WORLD, Clue
from holdfast.blueprint.infrastructure.kinds import (
    ALWAYS,
    SUPPORTS,
    Kind,
    one,
    opens,
    runs,
    stores,
)

_ENCRYPTED = one("storage_encrypted")
AWS: dict[str, Kind] = {
    "aws_apprunner_service": runs(
        one("network_configuration.ingress_configuration.is_publicly_accessible", absent=True)
    ),
    "aws_autoscaling_group": runs(),
    "aws_bedrockagent_agent": runs(),
    "aws_ecs_service": runs(one("network_configuration.assign_public_ip")),
    "aws_eks_cluster": runs(
        (
            (
                Clue("vpc_config.endpoint_public_access", absent=True),
                Clue("vpc_config.public_access_cidrs", (WORLD,), absent=True),
            ),
        ),
        one("encryption_config", SET),
    ),
    "aws_instance": runs(
        one("associate_public_ip_address"),
        (
            (
                Clue("root_block_device.encrypted", every=True),
                Clue("ebs_block_device.encrypted", absent=True, every=True),
            ),
        ),
    ),
    "aws_lambda_function": runs(),
    "aws_sagemaker_endpoint": runs(),
    "aws_db_instance": stores(_ENCRYPTED, one("publicly_accessible")),
    "aws_docdb_cluster": stores(_ENCRYPTED),
    "aws_dynamodb_table": stores(ALWAYS),
    "aws_ebs_volume": stores(one("encrypted")),
    "aws_efs_file_system": stores(one("encrypted")),
    "aws_elasticache_replication_group": stores(one("at_rest_encryption_enabled")),
    "aws_kinesis_stream": stores(one("encryption_type", "KMS")),
    "aws_mq_broker": stores(ALWAYS, one("publicly_accessible")),
    "aws_msk_cluster": stores(
        ALWAYS,
        one(
            "broker_node_group_info.connectivity_info.public_access.type",
            "SERVICE_PROVIDED_EIPS",
        ),
    ),
    "aws_neptune_cluster": stores(_ENCRYPTED),
    "aws_opensearch_domain": stores(
        one("encrypt_at_rest.enabled"), ((Clue("vpc_options", (False,), absent=True),),)
    ),
    "aws_rds_cluster": stores(_ENCRYPTED),
    "aws_rds_cluster_instance": stores(ALWAYS, one("publicly_accessible")),
    "aws_redshift_cluster": stores(one("encrypted"), one("publicly_accessible")),
    # Since January 2023 every new object is encrypted, whatever the bucket says.
    "aws_s3_bucket": stores(ALWAYS, one("acl", "public-read", "public-read-write")),
    "aws_secretsmanager_secret": stores(ALWAYS),
    "aws_sns_topic": stores(one("kms_master_key_id", SET)),
    "aws_sqs_queue": stores(
        ((Clue("sqs_managed_sse_enabled", absent=True),), (Clue("kms_master_key_id", (SET,)),))
    ),
    "aws_eip": opens(((Clue("instance", (SET,)),), (Clue("network_interface", (SET,)),))),
    "aws_eip_association": opens(ALWAYS),
    "aws_alb": opens(one("internal", False, absent=True)),
    "aws_elb": opens(one("internal", False, absent=True)),
    "aws_lb": opens(one("internal", False, absent=True)),
    "aws_lambda_function_url": opens(one("authorization_type", "NONE")),
    "aws_s3_bucket_acl": opens(one("acl", "public-read", "public-read-write")),
    "aws_s3_bucket_policy": opens(one("policy", OPEN_POLICY)),
    "aws_security_group": opens(
        (
            (Clue("ingress.cidr_blocks", (WORLD,)),),
            (Clue("ingress.ipv6_cidr_blocks", (WORLD,)),),
        )
    ),
    "aws_security_group_rule": opens(
        (
            (Clue("type", ("ingress",)), Clue("cidr_blocks", (WORLD,))),
            (Clue("type", ("ingress",)), Clue("ipv6_cidr_blocks", (WORLD,))),
        )
    ),
    "aws_vpc_security_group_ingress_rule": opens(
        ((Clue("cidr_ipv4", (WORLD,)),), (Clue("cidr_ipv6", (WORLD,)),))
    ),
    "aws_kms_key": Kind(part="supports", keeps=True),
    **dict.fromkeys(
        (
            "aws_acm_certificate", "aws_cloudwatch_log_group", "aws_cloudwatch_metric_alarm",
            "aws_db_parameter_group", "aws_db_subnet_group", "aws_ecr_repository",
            "aws_ecs_cluster", "aws_ecs_task_definition", "aws_eks_addon", "aws_eks_node_group",
            "aws_elasticache_subnet_group", "aws_iam_instance_profile", "aws_iam_policy",
            "aws_iam_role", "aws_iam_role_policy", "aws_iam_role_policy_attachment",
            "aws_internet_gateway", "aws_kms_alias", "aws_lambda_permission", "aws_launch_template",
            "aws_lb_listener", "aws_lb_target_group", "aws_nat_gateway", "aws_route",
            "aws_route53_record", "aws_route_table", "aws_route_table_association",
            "aws_s3_bucket_ownership_controls", "aws_s3_bucket_public_access_block",
            "aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_versioning",
            "aws_secretsmanager_secret_version", "aws_subnet", "aws_vpc", "aws_vpc_endpoint",
            "aws_vpc_security_group_egress_rule",
        ),
        SUPPORTS,
    ),
}  # fmt: skip
