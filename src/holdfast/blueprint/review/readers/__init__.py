"""Evidence as others write it: proofs of controls, bills of materials, records of changes. Pure.

Promises: what is no evidence of its kind is an ``EvidenceError`` with the file and what is wrong; what
a format has no word for stays unknown.
"""

from holdfast.blueprint.review.readers.changes import read_changes
from holdfast.blueprint.review.readers.components import read_components
from holdfast.blueprint.review.readers.proofs import read_control_proofs

__all__ = ["read_changes", "read_components", "read_control_proofs"]
