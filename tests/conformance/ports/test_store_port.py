"""What every implementation of the Store port must do."""

import contextlib
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdfast.world.ports import Store, WorldError
from holdfast.world.real.postgres import PostgresStore
from holdfast.world.real.store import SqliteStore
from holdfast.world.sim.store import SimStore


@pytest.fixture(params=["sqlite", "postgres", "sim"])
def store(request, tmp_path: Path) -> Iterator[Store]:
    if request.param == "postgres":
        store = PostgresStore(request.getfixturevalue("new_schema")())
    else:
        store = SqliteStore(tmp_path / "data" / "x.db") if request.param == "sqlite" else SimStore()
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


@pytest.fixture(params=["sqlite", "postgres"])
def reopened(request, tmp_path: Path) -> Callable[[], Store]:
    """Opens one and the same database again and again."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "x.db")
    address = request.getfixturevalue("new_schema")()
    return lambda: PostgresStore(address)


def test_a_second_opening_sees_what_was_committed_and_a_reader_waits_for_nobody(
    reopened: Callable[[], Store],
) -> None:
    one, other = reopened(), reopened()
    with one.transaction() as transaction:
        transaction.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v BLOB) STRICT")
    with one.transaction() as transaction:
        transaction.execute("INSERT INTO t VALUES ('a', NULL)")
        assert rows(other) == []
    assert rows(other) == [("a", None)]
    one.close()
    other.close()


def test_writers_in_two_processes_take_turns(reopened: Callable[[], Store]) -> None:
    stores = [reopened(), reopened()]
    with stores[0].transaction() as transaction:
        transaction.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v BLOB) STRICT")

    def add(number: int) -> None:
        with stores[number % 2].transaction() as transaction:
            known = len(transaction.query("SELECT k FROM t"))
            transaction.execute("INSERT INTO t VALUES (?, ?)", (f"{number:03d}", b"%d" % known))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(40)))
    assert sorted(int(value) for _, value in rows(stores[1])) == list(range(40))
    for store in stores:
        store.close()


def test_every_statement_means_the_same_in_every_store(store: Store) -> None:
    """The dialect that the stores above this port are written in."""
    with store.transaction() as transaction:
        transaction.execute(
            "create table if not exists u (\n id integer primary key check (id > 0),\n"
            " name text not null, data blob, unique (name)\n) strict"
        )
        transaction.execute(
            "CREATE TABLE w (a TEXT NOT NULL, b INTEGER, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID"
        )
        transaction.execute_many(
            "insert into u (id, name, data) values (?, ?, ?)",
            [(1, "b", b"\x00\xff"), (2, "B", None), (3, "a_%", b""), (2**62, "\u00e4", None)],
        )
        upsert = (
            "insert into u (id, name, data) values (?, ?, ?) "
            "on conflict (id) do update set name = excluded.name, data = excluded.data"
        )
        transaction.execute_many(upsert, [(1, "c", b"1"), (5, "d", b"5")])
        transaction.execute_many(upsert, [])
    with store.snapshot() as view:
        # Text is ordered by its bytes, whatever the locale.
        assert view.query("select name from u order by name") == [
            ("B",),
            ("a_%",),
            ("c",),
            ("d",),
            ("\u00e4",),
        ]
        assert view.query("select id from u where name = 'a_%' and id <> ? limit ?", (9, 1)) == [
            (3,)
        ]
        assert view.query("select data from u where id in (1, 3) order by id") == [(b"1",), (b"",)]
        counted = "select count(*), coalesce(max(id), 0), coalesce(sum(length(data)), 0) from u"
        assert view.query(counted) == [(5, 2**62, 2)]
        assert view.query("select a from w") == []


def test_a_lost_connection_is_made_anew_before_the_next_transaction(
    new_schema: Callable[[], str],
) -> None:
    address = new_schema()
    store, other = PostgresStore(address), PostgresStore(address)
    with store.transaction() as transaction:
        transaction.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v BLOB) STRICT")
        ((process,),) = transaction.query("SELECT pg_backend_pid()")
    with other.transaction() as transaction:
        transaction.query("SELECT pg_terminate_backend(?)", (process,))
    insert(store, "a")
    assert rows(other) == [("a", None)]
    for each in (store, other):
        each.close()


def test_a_connection_lost_in_a_transaction_leaves_nothing_of_it(
    new_schema: Callable[[], str],
) -> None:
    address = new_schema()
    store, other = PostgresStore(address), PostgresStore(address)
    with store.transaction() as transaction:
        transaction.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v BLOB) STRICT")
    with pytest.raises(WorldError), store.transaction() as transaction:
        transaction.execute("INSERT INTO t VALUES ('a', NULL)")
        ((process,),) = transaction.query("SELECT pg_backend_pid()")
        with other.snapshot() as view:
            view.query("SELECT pg_terminate_backend(?)", (process,))
    assert rows(store) == []
    for each in (store, other):
        each.close()


def test_whether_a_transaction_took_effect_can_be_asked_afterwards(
    new_schema: Callable[[], str],
) -> None:
    """The answer to COMMIT may be lost with the connection; the server knows."""
    store = PostgresStore(new_schema())
    numbers = []
    for error in (None, KeyError()):
        with contextlib.suppress(KeyError), store.transaction() as transaction:
            transaction.execute("CREATE TABLE IF NOT EXISTS t (k TEXT PRIMARY KEY) STRICT")
            transaction.execute("INSERT INTO t VALUES (?)", (str(error),))
            numbers += transaction.query("SELECT pg_current_xact_id()::text")
            if error is not None:
                raise error
    assert [store._took_effect(str(number)) for (number,) in numbers] == [True, False]
    store.close()


def test_a_database_that_cannot_be_reached_is_refused_with_a_way_out(
    postgres_address: str, tmp_path: Path
) -> None:
    with pytest.raises(WorldError, match="cannot connect") as caught:
        PostgresStore(f"postgresql://holdfast:secret@/x?host={tmp_path}")
    assert "secret" not in str(caught.value)
    with pytest.raises(WorldError) as caught:
        PostgresStore(postgres_address.replace("/postgres?", "/none?"))
    assert "check the store's address" in caught.value.fix


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
