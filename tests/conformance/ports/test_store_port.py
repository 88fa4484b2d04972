"""What every implementation of the Store port must do."""

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdfast.world.ports import Store, WorldError
from holdfast.world.real.store import SqliteStore
from holdfast.world.sim.store import SimStore


@pytest.fixture(params=["real", "sim"])
def store(request, tmp_path: Path) -> Iterator[Store]:
    store = SqliteStore(tmp_path / "data" / "x.db") if request.param == "real" else SimStore()
    with store.transaction() as transaction:
        transaction.execute("CREATE TABLE IF NOT EXISTS t (k TEXT PRIMARY KEY, v BLOB) STRICT")
    yield store
    store.close()


def rows(store: Store) -> list:
    with store.snapshot() as transaction:
        return transaction.query("SELECT k, v FROM t ORDER BY k")


def test_a_transaction_that_ends_well_is_kept(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.execute("INSERT INTO t VALUES (?, ?)", ("a", b"1"))
        transaction.execute_many("INSERT INTO t VALUES (?, ?)", [("b", None), ("c", b"3")])
        assert len(transaction.query("SELECT * FROM t WHERE k > ?", ("a",))) == 2
    assert rows(store) == [("a", b"1"), ("b", None), ("c", b"3")]


def insert(store: Store, *keys: str, then: Exception | None = None) -> None:
    with store.transaction() as transaction:
        for key in keys:
            transaction.execute("INSERT INTO t VALUES (?, NULL)", (key,))
        if then is not None:
            raise then


def test_a_transaction_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(KeyError):
        insert(store, "a", then=KeyError())
    assert rows(store) == []
    insert(store, "b")
    assert rows(store) == [("b", None)]


def test_a_statement_that_fails_is_our_error_and_undoes_the_transaction(store: Store) -> None:
    with pytest.raises(WorldError, match="statement failed"):
        insert(store, "a", "a")
    assert rows(store) == []


def test_a_snapshot_cannot_write(store: Store) -> None:
    with pytest.raises(WorldError), store.snapshot() as transaction:
        transaction.execute("INSERT INTO t VALUES ('a', NULL)")
    assert rows(store) == []
    with store.transaction() as transaction:
        transaction.execute("INSERT INTO t VALUES ('b', NULL)")


def test_transactions_do_not_nest(store: Store) -> None:
    with pytest.raises(WorldError, match="already open"), store.transaction(), store.transaction():
        pass
    assert rows(store) == []


def test_threads_take_turns(store: Store) -> None:
    def add(number: int) -> None:
        with store.transaction() as transaction:
            known = len(transaction.query("SELECT k FROM t"))
            transaction.execute("INSERT INTO t VALUES (?, ?)", (f"{number:03d}", b"%d" % known))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(40)))
    assert sorted(int(value) for _, value in rows(store)) == list(range(40))


def test_a_second_opening_sees_what_was_committed_and_a_reader_waits_for_nobody(
    tmp_path: Path,
) -> None:
    one, other = SqliteStore(tmp_path / "x.db"), SqliteStore(tmp_path / "x.db")
    with one.transaction() as transaction:
        transaction.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v BLOB) STRICT")
    with one.transaction() as transaction:
        transaction.execute("INSERT INTO t VALUES ('a', NULL)")
        assert rows(other) == []
    assert rows(other) == [("a", None)]
    one.close()
    other.close()


def test_the_database_file_is_private_and_durable(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "data" / "x.db")
    assert stat.S_IMODE((tmp_path / "data" / "x.db").stat().st_mode) == 0o600
    with store.snapshot() as transaction:
        assert transaction.query("PRAGMA journal_mode") == [("wal",)]
        assert transaction.query("PRAGMA synchronous") == [(2,)]
        assert transaction.query("PRAGMA foreign_keys") == [(1,)]
    store.close()


def test_a_file_that_is_no_database_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is no database, not even nearly" * 100)
    with pytest.raises(WorldError, match="cannot open") as caught:
        SqliteStore(tmp_path / "x.db")
    assert "restore" in caught.value.fix


def test_what_a_simulated_disk_refuses_is_rolled_back() -> None:
    refuse = False

    def before_write() -> None:
        if refuse:
            raise WorldError("the disk is full", fix="free disk space")

    store = SimStore(before_write=before_write)
    with store.transaction() as transaction:
        transaction.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v BLOB) STRICT")
    refuse = True
    with pytest.raises(WorldError, match="disk is full"), store.transaction() as transaction:
        transaction.execute("INSERT INTO t VALUES ('a', NULL)")
    assert rows(store) == []
    store.close()
