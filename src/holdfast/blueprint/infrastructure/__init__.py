"""Infrastructure as code, held against the blueprint and a list of approved modules.

Promises: plans of Terraform and OpenTofu and Kubernetes manifests are judged rule by rule, in three
values, each finding with its address and a way to mend it. Types of resources that no table knows are
counted as not judged; nothing is guessed, and nobody is asked.
"""

from holdfast.blueprint.infrastructure.catalogue import KINDS
from holdfast.blueprint.infrastructure.errors import ModulesError, PlanError
from holdfast.blueprint.infrastructure.findings import RULES, InfraFinding, InfraReport, RuleId
from holdfast.blueprint.infrastructure.modules import ApprovedModules, read_modules
from holdfast.blueprint.infrastructure.plan import Plan, is_plan, read_plan
from holdfast.blueprint.infrastructure.whole import check_infrastructure

__all__ = [
    "KINDS",
    "RULES",
    "ApprovedModules",
    "InfraFinding",
    "InfraReport",
    "ModulesError",
    "Plan",
    "PlanError",
    "RuleId",
    "check_infrastructure",
    "is_plan",
    "read_modules",
    "read_plan",
]
