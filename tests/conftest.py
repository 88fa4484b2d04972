"""A private PostgreSQL for the tests that run over both stores; skipped where none is installed."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

FOLDERS = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt")
UNPRIVILEGED = ("postgres", "nobody")


def _program(name: str) -> str | None:
    found = sorted(str(path) for each in FOLDERS for path in Path(each).glob(f"*/bin/{name}"))
    return shutil.which(name) or (found[-1] if found else None)


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    known = {each.pw_name: each for each in pwd.getpwall()}
    return next((known[name] for name in UNPRIVILEGED if name in known), None)


def _run_as(account: pwd.struct_passwd) -> dict:
    if os.geteuid() != 0:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """A server on a socket in a folder of its own, ended and removed with the session."""
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    initdb, server, account = _program("initdb"), _program("postgres"), _account()
    if initdb is None or server is None or account is None:
        pytest.skip("no PostgreSQL server is installed, or no account to run it as")
    folder = Path(tempfile.mkdtemp(prefix="holdfast-pg-"))
    os.chown(folder, account.pw_uid, account.pw_gid)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    options = {"cwd": folder, "env": environment, **_run_as(account)}
    process = None
    try:
        make = [initdb, "-D", folder / "data", "-A", "trust", "-U", "holdfast", "-E", "UTF8"]
        subprocess.run([*make, "--no-sync"], check=True, capture_output=True, timeout=60, **options)
        start = [server, "-D", folder / "data", "-k", folder, "-c", "listen_addresses="]
        quick = ["-c", "fsync=off", "-c", "max_connections=60", "-c", "shared_buffers=16MB"]
        with (folder / "log").open("wb") as output:
            process = subprocess.Popen([*start, *quick], stdout=output, stderr=output, **options)
        address = f"postgresql://holdfast@/postgres?host={folder}"
        _await_answer(address, process, folder / "log")
        yield address
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # ends the sessions of clients too
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _await_answer(address: str, process: subprocess.Popen, output: Path) -> None:
    import time

    import psycopg

    until = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(address, connect_timeout=5).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"PostgreSQL did not start: {output.read_text()[-500:]}")
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def new_schema(postgres_address: str) -> Callable[[], str]:
    """Makes an address at which the database is empty: a schema of its own."""
    import psycopg

    numbers = count(1)

    def make() -> str:
        name = f"test_{next(numbers)}"
        with psycopg.connect(postgres_address, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"{postgres_address}&options=-csearch_path%3D{name}"

    return make
