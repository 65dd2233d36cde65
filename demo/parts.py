"""The real parts a hospital would bring: Apache Kafka, PostgreSQL and vLLM, started on this machine and never left behind.

Each is a context manager that explains its wait on stderr, yields where the part answers and stops it. A part lives under a
minder (minder.py), so that Ctrl-C, SIGTERM and even `kill -9` of us end it too.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import fcntl
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

POM = Path(__file__).parent / "kafka" / "pom.xml"
MINDER = Path(__file__).parent / "minder.py"
COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
JAVA_NEEDED = 17


class PartMissing(Exception):
    """A program this part needs is not installed; the sentence says which and how to get it."""


class PartFailed(Exception):
    """The part is installed and did not start; the sentence says where its last words stand."""


# --- Kafka ---------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def kafka(folder: Path, *, partitions: int = 6) -> Iterator[str]:
    """An Apache Kafka broker keeping its log under `folder`; yields its bootstrap address."""
    server = KafkaServer(folder, partitions=partitions)
    try:
        server.start()
        yield server.bootstrap
    finally:
        server.stop()


class KafkaServer:
    """One broker on fixed ports and a fixed folder: stopped or killed, it may be started again and remembers everything."""

    def __init__(self, folder: Path, *, partitions: int = 6) -> None:
        self.folder = folder.absolute()
        self.port, controller_port = free_ports(2)
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._properties = server_properties(self.folder / "log", self.port, controller_port, partitions)
        self._part: Part | None = None

    @property
    def is_running(self) -> bool:
        return self._part is not None and self._part.is_running

    def start(self) -> None:
        """Start, and come back when the broker answers. Raises `PartMissing` or `PartFailed`."""
        if self.is_running:
            return
        java, jars = java_program(), kafka_jars()
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        properties.write_text(self._properties)
        with waiting("Apache Kafka is starting", usually=10):
            if not (self.folder / "log" / "meta.properties").exists():
                format_storage(java, jars, properties)
            command = [java, "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{jars}/*", "kafka.Kafka", str(properties)]
            self._part = Part("Kafka", command, self.folder / "kafka.out")
            try:
                self._part.wait_until(lambda: broker_answers(self.bootstrap), seconds=120)
            except BaseException:
                self.kill()
                raise

    def stop(self) -> None:
        """The orderly way: the broker writes what it holds and says goodbye."""
        if self._part:
            self._part.stop()
            self._part = None

    def kill(self) -> None:
        """As a power cut would."""
        if self._part:
            self._part.kill()
            self._part = None


def server_properties(log: Path, port: int, controller_port: int, partitions: int) -> str:
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={log}
num.partitions={partitions}
message.max.bytes=67108864
replica.fetch.max.bytes=67108864
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=5000
broker.heartbeat.interval.ms=1000
"""


def format_storage(java: str, jars: Path, properties: Path) -> None:
    cluster = "aW1wcmVzYXJpb2RlbW9rZg"  # any 16 bytes in base64url: one broker, one cluster
    command = [java, "-cp", f"{jars}/*", "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
    answer = ask(command)
    if answer.returncode:
        raise PartFailed(f"Kafka could not format its folder {properties.parent}: {last_line(answer.stderr or answer.stdout)}")


def broker_answers(bootstrap: str) -> bool:
    """The broker lists itself: it has registered with its controller and takes messages."""
    host, port = bootstrap.split(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        from kafka.admin import KafkaAdminClient
        from kafka.errors import KafkaError

        with contextlib.suppress(KafkaError, OSError, ValueError):
            admin = KafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
            try:
                return bool(admin.describe_cluster()["brokers"])
            finally:
                admin.close()
    return False


def kafka_jars() -> Path:
    """The folder of the jars pom.xml names; Maven fetches them once per machine, however many ask at the same time."""
    match = re.search(r"kafka_[\d.]+</artifactId>\s*<version>([\d.]+)", POM.read_text())
    assert match, "demo/kafka/pom.xml names no Kafka version"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "impresario"
    jars = cache / f"kafka-{match[1]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.exists():
            fetch_jars(jars)
    return jars


def fetch_jars(jars: Path) -> None:
    if not (maven := shutil.which("mvn")):
        raise PartMissing(
            "Maven is not installed and fetches Kafka: install it (Debian: apt install maven; macOS: brew install maven)."
        )
    with (
        tempfile.TemporaryDirectory(dir=jars.parent) as staging,
        waiting("Maven is fetching Apache Kafka, once (43 MB)", usually=30),
    ):
        shutil.copy(POM, staging)
        lib = Path(staging) / "lib"
        command = [maven, "-q", "-B", COPY_JARS, "-DincludeScope=runtime", f"-DoutputDirectory={lib}"]
        answer = ask(command, folder=Path(staging))
        if answer.returncode or not any(lib.glob("kafka_*.jar")):
            raise PartFailed(f"Maven could not fetch Kafka; is its repository reachable? {last_line(answer.stdout)}")
        lib.rename(jars)


def java_program() -> str:
    """The `java` of JAVA_HOME or of PATH, if it is new enough for Kafka 4."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    advice = f"install Java {JAVA_NEEDED} or newer (Debian: apt install default-jre-headless; macOS: brew install openjdk)."
    if not java or not Path(java).exists():
        raise PartMissing(f"Kafka needs Java and there is none: {advice}")
    answer = ask([java, "-version"])
    found = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    if not found or int(found[1]) < JAVA_NEEDED:
        raise PartMissing(f"Kafka needs Java {JAVA_NEEDED} and {java} is {found[1] if found else 'of unknown version'}: {advice}")
    return java


# --- PostgreSQL ----------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def postgres(folder: Path, *, durable: bool = True) -> Iterator[str]:
    """A PostgreSQL cluster of our own; yields the SQLAlchemy URL of its empty database `impresario`.

    `durable=False` trades safety on a power cut for speed, as tests may.
    """
    programs = postgres_programs()
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    if user and user not in {entry.pw_name for entry in pwd.getpwall()}:
        raise PartMissing("PostgreSQL does not run as root and there is no user `postgres`: run as an ordinary user.")
    with contextlib.ExitStack() as stack:
        home = folder.absolute()
        if user and not all(parent.stat().st_mode & 0o001 for parent in home.parents if parent.exists()):
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="impresario-postgres-")))
        home.mkdir(parents=True, exist_ok=True)
        if user:
            shutil.chown(home, user, pwd.getpwnam(user).pw_gid)
        with waiting("PostgreSQL is starting", usually=5):
            cluster = home / "cluster"
            if not cluster.exists():
                create_cluster(programs, cluster, user)
            (port,) = free_ports(1)
            options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": 100}
            options |= {} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            settings = [f"--{name}={value}" for name, value in options.items()]
            part = Part(
                "PostgreSQL",
                [str(programs / "postgres"), "-D", str(cluster), *settings],
                home / "postgres.out",
                user,
                signal.SIGINT,
            )
            stack.callback(part.stop)
            part.wait_until(lambda: database_answers(port), seconds=60)
        yield postgres_url(port, new_database(port, "impresario"))


def postgres_programs() -> Path:
    """The folder of `initdb` and `postgres`; Debian keeps them off the PATH."""
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PartMissing("PostgreSQL is not installed: install it (Debian: apt install postgresql; macOS: brew install postgresql).")


def create_cluster(programs: Path, cluster: Path, user: str | None) -> None:
    command = [
        str(programs / "initdb"),
        "-D",
        str(cluster),
        "-A",
        "trust",
        "-U",
        "impresario",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]
    answer = ask(command, folder=cluster.parent, user=user)
    if answer.returncode:
        raise PartFailed(f"PostgreSQL could not make its folder {cluster}: {last_line(answer.stderr)}")


def postgres_url(port: int, database: str) -> str:
    return f"postgresql+psycopg://impresario@127.0.0.1:{port}/{database}"


def database_answers(port: int) -> bool:
    import psycopg

    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(maintenance(port)):
        return True
    return False


def new_database(port: int, name: str) -> str:
    """An empty database of that name, made unless it is there."""
    import psycopg

    with psycopg.connect(maintenance(port), autocommit=True) as connection:
        if not connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
            connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))
    return name


def maintenance(port: int) -> str:
    return f"host=127.0.0.1 port={port} user=impresario dbname=postgres connect_timeout=2"


# --- vLLM ----------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def vllm(base_model: str, folder: Path) -> Iterator[str]:
    """A vLLM serving `base_model` with adapters allowed; yields its URL. engine/vllm.py is who knows how."""
    from engine.vllm_server import local_server
    from engine.write import ModelUnavailable

    needs_of_vllm()
    with contextlib.ExitStack() as stack:
        with waiting("vLLM is starting (the first time may take two minutes: it compiles)", usually=45):
            try:
                url = stack.enter_context(local_server(base_model, folder.absolute() / "vllm.out"))
            except ModelUnavailable as reason:
                raise PartFailed(str(reason)) from None
        yield url


def needs_of_vllm() -> None:
    """On a host without a C++ compiler vLLM comes up, and dies of the first request for log-probabilities: say so before."""
    if not (os.environ.get("CXX") or any(map(shutil.which, ("g++", "c++", "clang++")))):
        raise PartMissing("vLLM needs a C++ compiler and there is none: install one (Debian: apt install g++).")
    if sys.platform == "linux" and not ctypes.util.find_library("numa"):
        raise PartMissing("vLLM needs libnuma and it is not there: install it (Debian: apt install libnuma1).")


# --- what the parts share ------------------------------------------------------------------------------------------------------


class Part:
    """One running program under its minder; what it says goes to `out`."""

    def __init__(
        self, name: str, command: list[str], out: Path, user: str | None = None, farewell: signal.Signals = signal.SIGTERM
    ) -> None:
        self.name, self.out = name, out
        with out.open("ab") as output:
            self._minder = subprocess.Popen(
                [sys.executable, "-I", "-S", str(MINDER), farewell.name, "20", user or "-", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=out.parent,
            )

    @property
    def is_running(self) -> bool:
        return self._minder.poll() is None

    def wait_until(self, answers: Callable[[], bool], *, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not answers():
            if not self.is_running:
                raise PartFailed(f"{self.name} stopped while starting; its last words stand in {self.out}.")
            if time.monotonic() > until:
                raise PartFailed(f"{self.name} did not answer within {seconds:.0f} s; see {self.out}.")
            time.sleep(0.2)

    def stop(self) -> None:
        assert self._minder.stdin
        self._minder.stdin.close()
        self._minder.wait()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._minder.pid, signal.SIGKILL)
        self.stop()


class Waits:
    """What we are waiting for, said on stderr: on a terminal one bar per wait, however many at once; else a line at each end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bars: Progress | None = None

    def begin(self, sentence: str, usually: float) -> TaskID | None:
        with self._lock:
            if not Console(stderr=True).is_terminal:
                print(f"{sentence}, usually {usually:.0f} s …", file=sys.stderr, flush=True)
                return None
            if self._bars is None:
                columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
                self._bars = Progress(*columns, console=Console(stderr=True), transient=True)
                self._bars.start()
            return self._bars.add_task(f"{sentence}, usually {usually:.0f} s", total=None)

    def end(self, bar: TaskID | None, farewell: str) -> None:
        with self._lock:
            if bar is not None and self._bars:
                self._bars.remove_task(bar)
                if not self._bars.task_ids:
                    self._bars.stop()
                    self._bars = None
            print(farewell, file=sys.stderr, flush=True)


WAITS = Waits()


@contextlib.contextmanager
def waiting(sentence: str, *, usually: float) -> Iterator[None]:
    """Say on stderr what we wait for, how long it usually takes, and how long it took."""
    started, how_it_ended = time.monotonic(), "gave up"
    bar = WAITS.begin(sentence, usually)
    try:
        yield
        how_it_ended = "done"
    finally:
        WAITS.end(bar, f"{sentence}: {how_it_ended} after {time.monotonic() - started:.1f} s")


def ask(command: list[str], *, folder: Path | None = None, user: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run one short program to its end and keep what it says."""
    groups: list[str] | None = [] if user else None
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        user=user,
        group=user,
        extra_groups=groups,
    )


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, below the range the system lends to callers: a stopped part finds its own again."""
    with contextlib.ExitStack() as stack:
        ports: list[int] = []
        for port in random.SystemRandom().sample(range(20000, 32000), 200):
            probe = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                ports.append(port)
            if len(ports) == count:
                return ports
    raise PartFailed("no free port was found between 20000 and 32000: end some of the programs that listen there.")


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "it said nothing"
