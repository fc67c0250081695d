"""The machine room of the quickstart: the simulated clock, the nodes as real processes, and jcmctl as each person runs it."""

import contextlib
import datetime
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "out" / "quickstart"
BIN = ROOT / "out" / "bin"
FORGE = ROOT / "out" / "quickstart.d" / "forge"
DOMAIN = "demo.invalid"
PERSONS = ["operator-1", "operator-2", "secretariat-1", "co-chair", "member-1", "ministry-1", "representative-1",
           "participant-1", "entity-1"]


class Failed(Exception):
    """An expectation of the story did not hold."""


class Clock:
    """The instant that all nodes read from one file. It runs slowly while nodes have things to settle, and jumps when
    the story says so; it never goes back."""

    STEP = datetime.timedelta(seconds=1)

    def __init__(self, path, start):
        self.path = path
        self.now = start
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.write()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()

    def write(self):
        temporary = self.path.with_suffix(".new")
        temporary.write_text(self.now.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z\n")
        temporary.replace(self.path)

    def run(self):
        while not self.stopping.wait(0.1):
            with self.lock:
                self.now += self.STEP
                self.write()

    def jump(self, text):
        """To an instant, "2025-11-11T01:00:00"."""
        with self.lock:
            there = datetime.datetime.fromisoformat(text)
            if there < self.now:
                raise Failed(f"the clock is at {self.now} already, after {text}")
            self.now = there
            self.write()

    def stop(self):
        self.stopping.set()
        if self.thread.is_alive():
            self.thread.join()


class Result:
    """What one run of jcmctl gave."""

    def __init__(self, arguments, process):
        self.arguments = arguments
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def json(self):
        return json.loads(self.out)

    def refusals(self):
        """Reasons and texts of the parts that were refused."""
        if not self.out.strip().startswith("{"):
            return []
        return [(part["reason"], part["text"]) for part in self.json().get("results", []) if part.get("reason")]

    def reason(self):
        """The reason of the refusal, by its name in the catalogue."""
        refusals = self.refusals()
        if refusals:
            return refusals[0][0]
        for line in self.err.splitlines():
            if line.startswith("jcmctl: "):
                return line[len("jcmctl: "):].split(" ")[0]
        return ""

    def text(self):
        refusals = self.refusals()
        if refusals:
            return refusals[0][1]
        lines = [line for line in self.err.splitlines() if line.startswith("jcmctl: ")]
        return lines[-1][len("jcmctl: "):] if lines else self.err.strip()


class Registry:
    """One government's node, and the persons who act for that government."""

    def __init__(self, code, partnerships, port):
        self.code = code
        self.partnerships = partnerships  # [(partnership, peer registry)]
        self.port = port
        self.folder = OUT / code
        self.pki = OUT / "pki" / code
        self.process = None
        self.log = None

    def write_config(self, registries):
        lines = ["registries {", f'  registry: "{self.code}"', f'  domain: "{DOMAIN}"', '  replica_name: "1"',
                 "  demonstration: true",
                 f'  data_dir: "{self.folder}/data"', f'  signer_record: "{self.folder}/signer/record"',
                 f'  vault_dir: "{self.folder}/vault"', f'  replica_key: "{self.pki}/replica-1.key"',
                 f'  recovery_key: "{self.pki}/recovery.pub"',
                 f'  offsite_key: "{self.pki}/offsite.key"',
                 f'  listen: "127.0.0.1:{self.port}"',
                 "  tls {", f'    certificate: "{self.pki}/node.pem"', f'    key: "{self.pki}/node.key"',
                 f'    ca: "{self.pki}/ca.pem"', "  }",
                 "  clock {", "    kind: KIND_FILE", f'    path: "{OUT}/clock"', "  }"]
        for partnership, peer in self.partnerships:
            other = registries[peer]
            lines += ["  partnerships {", f'    partnership: "{partnership}"', f'    peer_registry: "{peer}"',
                      f'    peer_address: "127.0.0.1:{other.port}"', '    peer_tls_server_name: "localhost"',
                      f'    peer_ca: "{other.pki}/ca.pem"', "  }"]
        for person in ("operator-1", "operator-2"):
            lines += ["  first_persons {", f'    person_id: "{person}"', '    roles: "SYSTEM_OPERATOR"',
                      f'    public_key: "{self.pki}/persons/{person}.pub"']
            for partnership, _ in self.partnerships:
                lines += [f'    pseudonyms {{ partnership: "{partnership}" handle: "{secrets.token_hex(16)}" }}']
            lines += ["  }", "  channel_roles {", f'    identity: "jcm:{self.code}:person:{person}"',
                      "    roles: CHANNEL_ROLE_OPERATOR", "  }"]
        lines += ["}"]
        self.folder.mkdir(parents=True)
        (self.folder / "signer").mkdir()
        (self.folder / "node.textproto").write_text("\n".join(lines) + "\n")
        for person in PERSONS:
            (self.folder / f"{person}.conf").write_text(
                f"# Settings of {person} for jcmctl.\naddress = 127.0.0.1:{self.port}\nserver_name = localhost\n"
                f"registry = {self.code}\ntls_ca = {self.pki}/ca.pem\n"
                f"tls_cert = {self.pki}/clients/person-{person}.pem\n"
                f"tls_key = {self.pki}/clients/person-{person}.key\nkey = {self.pki}/persons/{person}.key\n")

    def start(self):
        self.log = open(self.folder / "node.log", "ab")
        self.process = subprocess.Popen([BIN / "jcm-node", "--config", self.folder / "node.textproto"],
                                        stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def tail_of_log(self):
        path = self.folder / "node.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-15:]) if path.exists() else ""

    def stop(self):
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        self.log.close()

    def ctl(self, person, *arguments, approvers=()):
        """Runs jcmctl as a person. Approvers sign the same bytes."""
        command = [str(BIN / "jcmctl"), *map(str, arguments), "--config", str(self.folder / f"{person}.conf"), "--yes"]
        if approvers:
            for name in (person, *approvers):
                command += ["--key", str(self.pki / "persons" / f"{name}.key")]
        if self.process is not None and self.process.poll() is not None:
            raise Failed(f"the node of {self.code} ended with code {self.process.returncode}:\n{self.tail_of_log()}")
        process = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        with open(OUT / "jcmctl.log", "a") as log:
            log.write(f"$ {' '.join(command)}\n{process.stderr}{process.stdout}[{process.returncode}]\n")
        return Result(arguments, process)

    def act(self, person, *arguments, approvers=()):
        """An act that must be accepted. Gives the answer."""
        result = self.ctl(person, *arguments, "--output", "json", approvers=approvers)
        if result.code != 0:
            raise Failed(f"{self.code} {person}: jcmctl {' '.join(map(str, arguments))}\n  code {result.code}: {result.text()}\n"
                         f"{result.err}")
        return result.json()

    def act_text(self, person, *arguments):
        """A command that writes a file or text and must succeed."""
        result = self.ctl(person, *arguments)
        if result.code != 0:
            raise Failed(f"{self.code} {person}: jcmctl {' '.join(map(str, arguments))}: {result.text()}\n{result.err}")
        return result.out

    def refused(self, person, *arguments, reasons, approvers=()):
        """An act that must be refused for one of these reasons. Gives the text that the person reads."""
        result = self.ctl(person, *arguments, "--output", "json", approvers=approvers)
        if result.code == 0 or result.reason() not in reasons:
            raise Failed(f"{self.code} {person}: jcmctl {' '.join(map(str, arguments))}\n  should be refused for "
                         f"{' or '.join(reasons)}, but: code {result.code} {result.text()}\n{result.out}")
        return result.text()

    def read(self, person, *arguments):
        result = self.ctl(person, *arguments, "--output", "json")
        if result.code != 0:
            raise Failed(f"{self.code} {person}: jcmctl {' '.join(map(str, arguments))}: {result.text()}\n{result.err}")
        return result.json()

    def wait(self, what, question, timeout=90):
        """Asks until the answer is true, and gives it."""
        deadline = time.monotonic() + timeout
        last = None
        while time.monotonic() < deadline:
            try:
                last = question()
                if last:
                    return last
            except (Failed, KeyError, IndexError, TypeError) as error:
                last = error
            if self.process.poll() is not None:
                raise Failed(f"the node of {self.code} ended:\n{self.tail_of_log()}")
            time.sleep(0.2)
        raise Failed(f"{self.code}: still waiting for {what}; last answer: {last}\n{self.tail_of_log()}")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def run(*command, **options):
    process = subprocess.run(list(map(str, command)), capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    with open(OUT / "jcmctl.log", "a") as log:
        log.write(f"$ {' '.join(map(str, command))}\n{process.stderr}{process.stdout}[{process.returncode}]\n")
    return process


def prepare(start):
    """An empty out/quickstart with keys and certificates, and the clock."""
    if OUT.exists():
        shutil.rmtree(OUT)
    OUT.mkdir(parents=True)
    persons = [word for person in PERSONS for word in ("--person", person)]
    made = run(ROOT / "deploy/pki/make-development-pki", *persons, OUT / "pki", "JPN", "THA", "MDV")
    if made.returncode != 0:
        raise Failed(made.stderr)
    (OUT / "NOTICE.txt").write_text("DEMONSTRATION, NOT AN OFFICIAL RECORD\n\nEverything in this folder was made by "
                                    "tools/quickstart. Keys are of the origin demo.invalid.\n")
    clock = Clock(OUT / "clock", datetime.datetime.fromisoformat(start))
    ports = free_ports(3)
    registries = {"JPN": Registry("JPN", [("TH", "THA"), ("MV", "MDV")], ports[0]),
                  "THA": Registry("THA", [("TH", "JPN")], ports[1]),
                  "MDV": Registry("MDV", [("MV", "JPN")], ports[2])}
    for registry in registries.values():
        registry.write_config(registries)
    return clock, registries


def can_leave_network():
    """Whether this machine lets us run a program in an empty network namespace."""
    return shutil.which("unshare") is not None and run("unshare", "-n", "true").returncode == 0


def binaries_present():
    missing = [str(path) for path in (BIN / "jcm-node", BIN / "jcmctl", BIN / "jcm-verify", FORGE) if not path.exists()]
    if missing:
        print("quickstart: not built: " + ", ".join(missing) + " (run tools/build)", file=sys.stderr)
        sys.exit(2)
    os.environ.pop("JCMCTL_CONFIG", None)
