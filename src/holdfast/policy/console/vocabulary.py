"""What policies of the console may speak of."""

NAMESPACE = "Holdfast::Console"
CONSOLE_ACTIONS = ("view", "operate", "approve", "administer", "ingest")
CONSOLE_ROLES = ("viewer", "operator", "approver", "admin", "ingest")
PROGRAM_ROLES = ("viewer", "operator", "admin", "ingest")
"""Those that a program may have: approving is for people."""
ATTRIBUTES = ("id", "name")
FACTS = ("way", "acr", "amr")
RESOURCE = "console"

SCHEMA = f"""\
namespace {NAMESPACE} {{
  entity Console;
  entity Role;
  entity Group;
  entity Person in [Role, Group] = {{ id: String, name: String }};
  entity Program in [Role] = {{ id: String, name: String }};
  action {", ".join(CONSOLE_ACTIONS)} appliesTo {{
    principal: [Person, Program],
    resource: [Console],
    context: {{ way: String, acr?: String, amr: Set<String> }}
  }};
}}
"""


def kind(name: str) -> str:
    """A type with its namespace."""
    return f"{NAMESPACE}::{name}"
