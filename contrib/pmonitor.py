"""pmonitor's functions over the program netsonde.

Put this file in the place of the original pmonitor.py. The program is found as
pmonitor, or as netsonde, in the PATH; the environment variable PMONITOR names
another, as one path. Nothing else is needed: neither Mininet nor ping.

Functions raise what the original raised, with the same messages where it had
them: sqlite3.OperationalError and sqlite3.IntegrityError for databases,
TypeError for an address that is not there. A database that somebody has locked
is waited for, a minute at most, where the original gave up after five seconds.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from typing import Tuple

TEST = False


def _command() -> list[str]:
    override = os.environ.get("PMONITOR")
    if override:
        # Only the name pmonitor stands for this command by itself.
        return [override] if os.path.basename(override) == "pmonitor" else [override, "pmonitor"]
    for name, command in (("pmonitor", []), ("netsonde", ["pmonitor"])):
        found = shutil.which(name)
        if found:
            return [found] + command
    raise FileNotFoundError("neither pmonitor nor netsonde is in the PATH: install netsonde, or set PMONITOR to it")


def _call(verb: str, *arguments, flags: Tuple[str, ...] = ()) -> dict:
    """Runs a verb and returns its result."""
    process = subprocess.run(
        # Behind -- nothing from a database is taken for an option.
        _command() + [verb, "--json", *flags, "--", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
    )
    if process.returncode != 0:
        raise _failure(process.stderr.strip() or f"{verb} ended with {process.returncode}")
    return json.loads(process.stdout)


def _failure(message: str) -> Exception:
    if "constraint failed" in message:
        return sqlite3.IntegrityError(message)
    if "there is no such address" in message:
        return TypeError(f"'NoneType' object is not subscriptable: {message}")
    return sqlite3.OperationalError(message)


def _path(db: sqlite3.Connection) -> str:
    """The file of a connection."""
    for _, name, path in db.execute("PRAGMA database_list"):
        if name == "main" and path:
            return path
    raise sqlite3.OperationalError("the connection has no file")


def _written(db: sqlite3.Connection) -> str:
    """The file of a connection whose own changes are committed, as the original
    did with its own: else they would keep others from writing."""
    db.commit()
    return _path(db)


def open_db(file_path: str) -> sqlite3.Connection:
    """Open a connection to a database; a missing file is created empty."""
    return sqlite3.connect(file_path)


def create_db(file_path: str):
    """Create a database with an empty table of targets, erasing one that is there."""
    _call("create", file_path)


def is_running(db, address: str) -> bool:
    """What was set with set_running, normally 0 or 1."""
    return _call("is-running", _path(db), address)["value"]


def set_running(db, address: str, running: bool):
    """Say whether a node's monitor runs. An unknown address changes nothing."""
    _call("set-running", _written(db), address, json.dumps(running))


def can_run(db, address: str) -> bool:
    """Whether a node's monitor may go on, normally 0 or 1."""
    return _call("can-run", _path(db), address)["value"]


def set_can_run(db, address: str, can_run):
    """Let a node's monitor go on, or stop it. An unknown address changes nothing."""
    _call("set-can-run", _written(db), address, json.dumps(can_run))


def get_status_count(db, stable: bool) -> Tuple[int, int]:
    """How many targets answer now, and how many have ever answered."""
    result = _call("count", _path(db), flags=("--stable",) if stable else ())
    return result["good"], result["total"]


def get_last_five(db) -> list[tuple[str, bool]]:
    """Names and states of the five targets that were sampled last."""
    return [(t["name"], t["responded"]) for t in _call("last-five", _path(db))["targets"]]


def get_status_list(db) -> dict[str, bool]:
    """States by name of the targets that have ever answered."""
    return {t["name"]: t["responded"] for t in _call("list", _path(db))["targets"]}


def sample_target(db, name: str, address: str, stable: bool, src_address: str):
    """Ping a target once from src_address and count it in a working database."""
    _call("sample", _written(db), name, address, "1" if stable else "0", src_address)


def monitor_targets(db_path_master: str, db_path_local: str, address: str):
    """Monitor the targets of a master database until the node's run is 0."""
    flags = ["--pace", "0", "--once"] if TEST else []
    subprocess.run(_command() + ["monitor", *flags, "--", db_path_master, db_path_local, address], check=True)
    if TEST:
        set_can_run(open_db(db_path_master), address, False)


def init_targets(db_file_path: str, data: list[tuple[str, str, bool]]):
    """Create a database with targets (name, address, stable)."""
    words = []
    for entry in data:
        for column, value in zip(("name", "address"), entry):
            if value is None:
                create_db(db_file_path)
                raise sqlite3.IntegrityError(f"NOT NULL constraint failed: targets.{column}")
        words += [entry[0], entry[1], "1" if entry[2] else "0"]
    _call("init", db_file_path, *words)


def consolidate_databases(master_db: str, working_dbs: list[str], output_db: str):
    """Make one database of a master and its working databases."""
    for path in _call("consolidate", master_db, output_db, *working_dbs)["skipped"]:
        print(f"Error processing {path}: it is no working database that can be read", file=sys.stderr)


def test() -> bool:
    """Run the test in the current directory and print its status."""
    subprocess.run(_command() + ["test"], check=True)
    return True


if __name__ == "__main__":
    _program = _command()
    os.execv(_program[0], _program + sys.argv[1:])
