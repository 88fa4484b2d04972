"""Writes tests/golden/permission-matrix.txt: who may do what to whom in the example blueprint.

python tools/generate_permission_matrix.py          write it
python tools/generate_permission_matrix.py --check  say whether it is up to date
"""

from reference_pages import ROOT, settle

from holdfast.app.matrix import matrix_text, permission_matrix

EXAMPLE = ROOT / "examples" / "document-review" / "holdfast.yaml"
GOLDEN = ROOT / "tests" / "golden" / "permission-matrix.txt"

INTRODUCTION = """\
# Who may do what to whom in examples/document-review, decided by its blueprint and its policies.
# Written by tools/generate_permission_matrix.py. A changed line is a changed permission: read it.
#
# undeclared    no relationship of the blueprint says so, whatever a policy permits
# demand.*      the relationship demands another proof, a mandate, or an attested platform
# allowed       declared, demands met, permitted by the policies named
# refused       declared, and forbidden by the policies named (-: by none that permits)
#
# key       an API key                      proof    an identity with proof of possession
# attested  that, on an attested platform   mandate  that, with authority from a person
# Facts of the call (tokens, tools, streaming) are at their defaults.

"""


def main() -> int:
    """1 with ``--check`` when the file is not what would be written."""
    matrix = permission_matrix(EXAMPLE)
    return settle(GOLDEN, INTRODUCTION + matrix_text(matrix) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
