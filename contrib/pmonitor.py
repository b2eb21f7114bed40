"""pmonitor's functions, with netsonde for the pings.

Put this file in the place of the original pmonitor.py. Neither Mininet nor ping
is needed, but the program, which is found as pmonitor, or as netsonde, in the
PATH; the environment variable PMONITOR names another, as one path.

Functions that take a connection work on that connection, as the original's did:
what is uncommitted on it, in memory or in a file that was unlinked counts, and
those that change something commit. Only sample_target, monitor_targets,
consolidate_databases and test call the program.

Connections that are opened here wait a minute for a lock, where the original's
gave up after five seconds.
"""

import json
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from typing import Iterable, Tuple

TEST = False

# Seconds that a connection waits for a lock.
_PATIENCE = 60

_CREATE = """CREATE TABLE targets (
  address TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  run BOOLEAN DEFAULT TRUE,
  running BOOLEAN DEFAULT FALSE,
  me BOOLEAN DEFAULT FALSE,
  stable BOOLEAN DEFAULT TRUE,
  responded BOOLEAN DEFAULT FALSE,
  sample_time INTEGER DEFAULT 0,
  total_count INTEGER DEFAULT 0,
  total_success INTEGER DEFAULT 0
)"""


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


def _call(verb: str, *arguments: str, failure: type[Exception]) -> dict:
    """Runs a verb and returns its result; raises failure with its last words."""
    process = subprocess.run(
        # Behind -- nothing from a database is taken for an option.
        _command() + [verb, "--json", "--", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace", check=False,
    )
    if process.returncode != 0:
        raise failure(process.stderr.strip() or f"{verb} ended with {process.returncode}")
    return json.loads(process.stdout)


def open_db(file_path: str) -> sqlite3.Connection:
    """Open a connection to a database; a missing file is created empty."""
    return sqlite3.connect(file_path, timeout=_PATIENCE)


def create_db(file_path: str):
    """Create a database with an empty table of targets, erasing one that is there."""
    _fill(file_path, ())


def init_targets(db_file_path: str, data: list[tuple[str, str, bool]]):
    """Create a database with targets (name, address, stable).

    Of targets that cannot be, such as two with one address, none is left.
    """
    _fill(db_file_path, data)


def _fill(file_path: str, data: Iterable):
    """Erases and fills the table at once: no reader sees it half done."""
    folder = os.path.dirname(file_path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    # No isolation level: the transaction is all our own.
    db = sqlite3.connect(file_path, timeout=_PATIENCE, isolation_level=None)
    try:
        db.execute("BEGIN IMMEDIATE")
        db.execute("DROP TABLE IF EXISTS targets")
        db.execute(_CREATE)
        db.execute("SAVEPOINT created")
        try:
            for entry in data:
                db.execute("INSERT INTO targets (name, address, stable) VALUES (?, ?, ?)", (entry[0], entry[1], entry[2]))
        except BaseException:
            db.execute("ROLLBACK TO created")
            db.execute("COMMIT")
            raise
        db.execute("COMMIT")
    finally:
        db.close()


def is_running(db, address: str) -> bool:
    """What was set with set_running, normally 0 or 1; TypeError for an unknown address."""
    return db.cursor().execute("SELECT running FROM targets WHERE address = ?", (address,)).fetchone()[0]


def set_running(db, address: str, running: bool):
    """Say whether a node's monitor runs. An unknown address changes nothing."""
    db.cursor().execute("UPDATE targets SET running = ? WHERE address = ?", (running, address))
    db.commit()


def can_run(db, address: str) -> bool:
    """Whether a node's monitor may go on, normally 0 or 1; TypeError for an unknown address."""
    return db.cursor().execute("SELECT run FROM targets WHERE address = ?", (address,)).fetchone()[0]


def set_can_run(db, address: str, can_run):
    """Let a node's monitor go on, or stop it. An unknown address changes nothing."""
    db.cursor().execute("UPDATE targets SET run = ? WHERE address = ?", (can_run, address))
    db.commit()


def get_status_count(db, stable: bool) -> Tuple[int, int]:
    """How many targets answer now, and how many have ever answered."""
    only = "stable = TRUE AND " if stable else ""
    c = db.cursor()
    good = c.execute(f"SELECT COUNT(*) FROM targets WHERE {only}responded = TRUE").fetchone()[0]
    total = c.execute(f"SELECT COUNT(*) FROM targets WHERE {only}total_count > 0").fetchone()[0]
    return good, total


def get_last_five(db) -> list[tuple[str, bool]]:
    """Names and states of the five targets that were sampled last."""
    q = db.cursor().execute("SELECT name, responded FROM targets ORDER BY sample_time DESC LIMIT 5")
    return [(name, responded) for name, responded in q.fetchall()]


def get_status_list(db) -> dict[str, bool]:
    """States by name of the targets that have ever answered; of one name, the last's."""
    q = db.cursor().execute("SELECT name, responded FROM targets WHERE total_count > 0")
    return {name: responded for name, responded in q.fetchall()}


def sample_target(db, name: str, address: str, stable: bool, src_address: str):
    """Ping a target once from src_address and count it in a working database.

    Failures before a target's first answer are not counted, and an outage is
    one failure however long it lasts. OSError tells that nothing can be pinged.
    """
    logging.info("sample target: %s", address)
    outcome = _call("ping", str(address), src_address, failure=OSError)["outcome"]
    logging.info("result %s: %s", address, outcome)

    now = time.time()
    c = db.cursor()
    row = c.execute("SELECT responded FROM targets WHERE address = ?", (address,)).fetchone()
    if row is None:
        c.execute(
            "INSERT INTO targets (name, address, sample_time, stable) VALUES (?, ?, ?, ?)",
            (name, address, now, stable),
        )
    if outcome == "ok":
        c.execute(
            "UPDATE targets SET responded = TRUE, sample_time = ?, total_count = total_count + 1,"
            " total_success = total_success + 1 WHERE address = ?",
            (now, address),
        )
    elif row is not None and row[0]:
        c.execute(
            "UPDATE targets SET responded = FALSE, sample_time = ?, total_count = total_count + 1 WHERE address = ?",
            (now, address),
        )
    db.commit()


def monitor_targets(db_path_master: str, db_path_local: str, address: str):
    """Monitor the targets of a master database until the node's run is 0."""
    flags = ["--pace", "0", "--once"] if TEST else []
    subprocess.run(_command() + ["monitor", *flags, "--", db_path_master, db_path_local, address], check=True)
    if TEST:
        db = open_db(db_path_master)
        set_can_run(db, address, False)
        db.close()


def consolidate_databases(master_db: str, working_dbs: list[str], output_db: str):
    """Make one database of a master and its working databases."""
    result = _call("consolidate", master_db, output_db, *working_dbs, failure=sqlite3.OperationalError)
    for path in result["skipped"]:
        print(f"Error processing {path}: it is no working database that can be read", file=sys.stderr)


def test() -> bool:
    """Run the test in the current directory and print its status."""
    subprocess.run(_command() + ["test"], check=True)
    return True


if __name__ == "__main__":
    _program = _command()
    os.execv(_program[0], _program + sys.argv[1:])
