#!/usr/bin/env python3
"""(g) The same transfers on PostgreSQL: starts a private server, fills it, runs pgbench at several client counts.

    tools/jcm-bench/postgres.py --directory DIR [--blocks N] [--seconds N] [--clients 1,4,16] [--output json]

Needs the Debian packages postgresql and postgresql-contrib. The server listens on a Unix socket in DIR alone.
"""
import argparse
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
SQL = pathlib.Path(__file__).resolve().parent.parent.parent / "tests/bench/postgres"
USER = "postgres"


class Server:
    """A private server; ends with the `with` block."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory).resolve()
        self.as_user = ["setpriv", "--reuid", USER, "--regid", USER, "--init-groups"] if os.getuid() == 0 else []

    def run(self, program, *arguments, **options):
        command = [*self.as_user, str(BIN / program), *map(str, arguments)]
        done = subprocess.run(command, text=True, capture_output=True, cwd="/", **options)
        if done.returncode != 0:
            raise SystemExit(f"postgres.py: {' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def __enter__(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        if self.as_user:
            owner = pwd.getpwnam(USER)
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
        data = self.directory / "data"
        self.run("initdb", "-D", data, "-A", "trust", "-U", USER, "--no-instructions", "-E", "UTF8", "--locale=C")
        memory_kb = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1))
        settings = {
            "listen_addresses": "''", "unix_socket_directories": f"'{self.directory}'",
            "shared_buffers": f"{memory_kb // 4 // 1024}MB", "max_wal_size": "4GB", "checkpoint_timeout": "15min",
            "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "100",
        }
        with open(data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in settings.items())
        self.run("pg_ctl", "-D", data, "-l", self.directory / "log", "-w", "start")
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-D", self.directory / "data", "-m", "fast", "-w", "stop")

    def psql(self, *arguments):
        return self.run("psql", "-h", self.directory, "-U", USER, "-d", "postgres", "-q", "-v", "ON_ERROR_STOP=1",
                        *arguments)

    def pgbench(self, script, clients, seconds, **variables):
        path = self.directory / "script.sql"
        path.write_text(script, encoding="utf-8")
        for old in self.directory.glob("latencies*"):
            old.unlink()
        defines = [part for name, value in variables.items() for part in ("-D", f"{name}={value}")]
        out = self.run("pgbench", "-h", self.directory, "-U", USER, "-n", "-M", "prepared", "-f", path, "-c", clients,
                       "-j", min(clients, os.cpu_count()), "-T", seconds, "-l", "--log-prefix",
                       self.directory / "latencies", *defines, "postgres")
        latencies = sorted(int(line.split()[2]) for log in self.directory.glob("latencies*")
                           for line in log.read_text().splitlines())
        pick = lambda share: latencies[min(int(share * len(latencies)), len(latencies) - 1)] / 1000 if latencies else 0
        tps = float(re.search(r"tps = ([0-9.]+)", out).group(1))
        return {"clients": clients, "transactions_per_second": tps, "p50_ms": pick(0.5), "p99_ms": pick(0.99)}


ONE = r"""
\set from random(1, :accounts)
\set to :accounts + random(1, :accounts)
\set tonnes random(1, 10)
SELECT transfer(gen_random_uuid(), :from, :to, :tonnes);
"""
MANY = "SELECT bench_many(:accounts, :count);\n"


def best(server, script, clients, seconds, per_transaction, **variables):
    runs = [server.pgbench(script, count, seconds, **variables) for count in clients]
    for run in runs:
        run["transfers_per_second"] = run["transactions_per_second"] * per_transaction
        print(f"  {run['clients']} clients: {run['transfers_per_second']:.0f} transfers/s", file=sys.stderr)
    return max(runs, key=lambda run: run["transfers_per_second"])


def measure(arguments):
    clients = [int(count) for count in arguments.clients.split(",")]
    with Server(arguments.directory) as server:
        server.psql("-f", SQL / "schema.sql")
        server.psql("-v", f"accounts={arguments.accounts}", "-v", f"blocks={arguments.blocks}", "-f", SQL / "fill.sql")
        version = server.psql("-At", "-c", "SHOW server_version").strip()
        one = best(server, ONE, clients, arguments.seconds, 1, accounts=arguments.accounts)
        many = best(server, MANY, [count for count in clients if count <= 4], arguments.seconds, arguments.transfers,
                    accounts=arguments.accounts, count=arguments.transfers)
        transfers = int(server.psql("-At", "-f", SQL / "verify.sql").strip())
    if transfers == 0:
        raise SystemExit("postgres.py: nothing was transferred")
    return [
        {"id": "g1", "name": f"PostgreSQL {version}, one transfer per transaction, {arguments.blocks} blocks", **one},
        {"id": "g2", "name": f"PostgreSQL {version}, {arguments.transfers} transfers per transaction", **many},
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", required=True, help="is emptied first")
    parser.add_argument("--blocks", type=int, default=100_000)
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--transfers", type=int, default=1_000, help="per transaction of (g2)")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--clients", default="1,4,16,32")
    parser.add_argument("--output", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    rows = measure(arguments)
    if arguments.output == "json":
        print(json.dumps({"rows": rows}, indent=2))
        return
    for row in rows:
        print(f"({row.pop('id')}) {row.pop('name')}")
        for name, value in row.items():
            print(f"    {name:<28} {value:14.3f}")


if __name__ == "__main__":
    main()
