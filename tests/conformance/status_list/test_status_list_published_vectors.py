"""Token Status List: the vectors that the draft publishes."""

import json

import pytest
from published import published

from holdfast.identity.revocation import StatusList

VECTORS = json.loads(published("status_list/published.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['bits']}-bit-{v['size']}")
def test_a_published_list_is_read_as_it_is_written_out(vector) -> None:
    statuses = {int(index): status for index, status in vector["statuses"].items()}
    found = StatusList.read(vector["lst"], bits=vector["bits"])
    assert len(found) == vector["size"]
    assert {i: found.status(i) for i in range(len(found)) if found.status(i)} == {
        index: status for index, status in statuses.items() if status
    }


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['bits']}-bit-{v['size']}")
def test_our_list_of_the_same_statuses_is_the_published_one(vector) -> None:
    statuses = {int(index): status for index, status in vector["statuses"].items()}
    made = StatusList.of(statuses, size=vector["size"], bits=vector["bits"])
    read = StatusList.read(made.lst(), bits=vector["bits"])
    published = StatusList.read(vector["lst"], bits=vector["bits"])
    # Compression may differ from one library to the next; the bytes under it may not.
    assert read._data == published._data
