"""The data directory: who may use it, what lies where, and the keys it holds."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from tempfile import mkstemp

import msgspec

from holdfast.core import HoldfastError, NodeId
from holdfast.identity import Principal
from holdfast.world.ports import Entropy

SEED_BYTES = 32


class DataDirError(HoldfastError):
    """The data directory cannot be used."""

    code = "data.unusable"


class InstanceInfo(msgspec.Struct, frozen=True):
    """What a running instance tells other commands about itself."""

    pid: int
    name: str
    url: str
    console: str
    started: int


class DataDir:
    """Paths and keys. Everything inside is readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def database(self) -> Path:
        return self.path / "holdfast.db"

    @property
    def store_file(self) -> Path:
        """The address of the database, where it is not the file above."""
        return self.path / "store"

    @property
    def history(self) -> Path:
        """The index over the log: made from it, and made anew when it is gone."""
        return self.path / "history.db"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def is_used(self) -> bool:
        """Whether an instance has lived here."""
        return self.database.exists() or self.store_file.exists()

    @property
    def journals(self) -> Path:
        return self.path / "journal"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def control_socket(self) -> Path:
        return self.path / "control.sock"

    @property
    def instance_file(self) -> Path:
        return self.path / "instance.json"

    @property
    def _nodes_file(self) -> Path:
        return self.path / "nodes.json"

    @property
    def _people_file(self) -> Path:
        return self.path / "people.json"

    @property
    def registry_key_file(self) -> Path:
        return self.path / "registry.jwk"

    @property
    def public_key_file(self) -> Path:
        return self.path / "log.pub"

    def create(self) -> None:
        """Make what is missing; ``DataDirError`` when that cannot be done."""
        try:
            for folder in (self.path, self.journals, self.log, self.path / "keys"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self.path / ".probe"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise DataDirError(
                f"the data directory {self.path} cannot be written: {error.strerror}",
                fix="name one that can be written with --data DIR",
            ) from error

    def require(self) -> None:
        """There must be one already: for commands that only read."""
        if not self.is_used:
            raise DataDirError(
                f"{self.path} is not a data directory of Holdfast",
                fix="run 'holdfast up' first, or name another with --data DIR",
            )

    def store_address(self) -> str | None:
        """The address that was remembered; None is the SQLite file."""
        try:
            return self.store_file.read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DataDirError(f"{self.store_file} cannot be read: {error.strerror}") from error

    def remember_store(self, address: str) -> None:
        """So that every command finds the database. A crash right after leaves the old or the new."""
        _write(self.store_file, address.encode() + b"\n")

    def key(self, name: str, entropy: Entropy) -> bytes:
        """A secret of 32 bytes, made on first use, and the same for all who use it first at once.

        A crash right after leaves either no file or a whole one: it is renamed into place.
        """
        path = self.path / "keys" / name
        if not path.exists():
            with self.keys_alone():
                if not path.exists():  # nobody made it while this one waited
                    _write(path, entropy.secret(SEED_BYTES).hex().encode("ascii") + b"\n")
        try:
            seed = bytes.fromhex(path.read_text("ascii").strip())
        except (OSError, ValueError) as error:
            raise DataDirError(f"the key file {path} cannot be read: {error}") from error
        if len(seed) != SEED_BYTES:
            raise DataDirError(
                f"the key file {path} does not hold {SEED_BYTES} bytes in hexadecimal"
            )
        return seed

    @contextlib.contextmanager
    def keys_alone(self) -> Generator[None]:
        """Nobody else changes a key meanwhile, in this process or another. Not to be nested."""
        descriptor = os.open(self.path / "keys", os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def keep_secret(self, name: str, secret: bytes) -> None:
        """Write a whole secret beside the keys. A crash right after leaves the old or the new."""
        _write(self.path / "keys" / name, secret)

    def kept_secret(self, name: str) -> bytes | None:
        """What ``keep_secret`` wrote, None where there is none."""
        try:
            return (self.path / "keys" / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DataDirError(f"the key file {name} cannot be read: {error.strerror}") from error

    def lock(self) -> int:
        """Claim the directory for this process; the descriptor holds the claim."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise DataDirError(f"{self.path} cannot be locked: {error.strerror}") from error
            raise DataDirError(
                f"another instance is running on {self.path}",
                fix="stop it first, or name another directory with --data DIR",
            ) from error
        return descriptor

    def join_workers(self) -> int:
        """A worker's claim, shared with its fellows, for as long as the process lives."""
        descriptor = os.open(self.path / "workers.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor

    def has_workers(self) -> bool:
        """Whether workers of an instance that died still live: they may still write records."""
        descriptor = os.open(self.path / "workers.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    def publish(self, info: InstanceInfo) -> None:
        """Let other commands find this instance."""
        _write(self.instance_file, msgspec.json.encode(info))

    def remember_nodes(self, principals: Mapping[NodeId, Principal]) -> None:
        """Which nodes the blueprint in force declares, for commands that name one."""
        _write(self._nodes_file, msgspec.json.encode(dict(sorted(principals.items()))))

    def remember_people(self, providers: bytes) -> None:
        """Where people log in by the blueprint in force, for the command that does it."""
        _write(self._people_file, providers)

    def people(self) -> bytes | None:
        """What ``remember_people`` wrote, None where nothing is."""
        try:
            return self._people_file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DataDirError(f"{self._people_file} cannot be read: {error.strerror}") from error

    def publish_key(self, vkey: str) -> None:
        """Leave the log's public key where offline verification finds it."""
        _write(self.public_key_file, vkey.encode("ascii") + b"\n")

    def publish_registry_key(self, jwk: dict[str, str]) -> None:
        """Leave the key that passports and revocations are verified with where workers and
        outsiders find it."""
        _write(self.registry_key_file, msgspec.json.encode(jwk) + b"\n")

    def nodes(self) -> list[str]:
        """The nodes of the blueprint that was in force last."""
        return list(self.principals())

    def principals(self) -> dict[str, Principal]:
        """The same with their SPIFFE IDs."""
        try:
            return msgspec.json.decode(self._nodes_file.read_bytes(), type=dict[str, Principal])
        except (OSError, msgspec.DecodeError) as error:
            raise DataDirError(
                f"{self._nodes_file} cannot be read: {error}", fix="run 'holdfast up' first"
            ) from error

    def withdraw(self) -> None:
        self.instance_file.unlink(missing_ok=True)
        self.control_socket.unlink(missing_ok=True)

    def instance(self) -> InstanceInfo | None:
        """The instance that runs on this directory now, if one does."""
        try:
            info = msgspec.json.decode(self.instance_file.read_bytes(), type=InstanceInfo)
            os.kill(info.pid, 0)
        except (OSError, msgspec.DecodeError):
            return None
        return info


def _write(path: Path, data: bytes) -> None:
    """Write a whole private file, or leave the one that was there.

    A crash right after leaves either the old file or the new one: it is renamed into place. Of
    several that write at once the last one's stays, whole: each writes a file of its own first.
    """
    fresh: str | None = None
    try:
        descriptor, fresh = mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).rename(path)
    except OSError as error:
        if fresh is not None:
            Path(fresh).unlink(missing_ok=True)
        raise DataDirError(
            f"{path} cannot be written: {error.strerror}",
            fix="free disk space, or name another directory with --data DIR",
        ) from error
