package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// caller is a program in frr_topo's manner: it imports pmonitor, fills the
// master, starts monitors, looks at them, stops them and removes their files.
const caller = `
import os, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
import pmonitor
nodes = [("A", "127.0.0.1", True), ("B", "127.0.0.2", True), ("C", "127.0.0.3", False), ("D", "127.0.0.4", False)]
pmonitor.init_targets("master", nodes)
db = pmonitor.open_db("master")
monitors = {}
for name, address, stable in nodes[:3]:
    monitors[name] = subprocess.Popen([sys.executable, pmonitor.__file__, "monitor", "--pace", "100ms", "master", "work" + name, address])
    pmonitor.set_running(db, address, True)
print([pmonitor.is_running(db, n[1]) for n in nodes])
deadline = time.time() + 20
def counted(name):
    try:
        return pmonitor.get_status_count(pmonitor.open_db("work" + name), False)
    except Exception as e:
        return e
while any(counted(n) != (3, 3) for n in monitors) and time.time() < deadline:
    time.sleep(0.05)
for name in monitors:
    work = pmonitor.open_db("work" + name)
    print(name, pmonitor.get_status_count(work, True), pmonitor.get_status_count(work, False),
          sorted(pmonitor.get_status_list(work).items()), len(pmonitor.get_last_five(work)))
for name, address, stable in nodes[:3]:
    pmonitor.set_can_run(db, address, False)
    os.unlink("work" + name)
print([monitors[n].wait(timeout=5) for n in monitors], pmonitor.can_run(db, "127.0.0.1"))
try:
    pmonitor.can_run(db, "9.9.9.9")
except TypeError:
    print("TypeError")
os.unlink("master")
`

// connections is a program that does on its own connections what the original
// allowed: it writes under an open cursor and works on what no other program
// can see.
const connections = `
import os, sqlite3, sys, time
sys.path.insert(0, sys.argv[1])
import pmonitor
# A name may be a number: the table makes a text of it.
nodes = [("A", "127.0.0.1", True), (5, "127.0.0.2", True), ("C", "-h", False)]

pmonitor.init_targets("master", nodes)
db = pmonitor.open_db("master")
begun = time.time()
for (a,) in db.execute("SELECT address FROM targets"):
    pmonitor.set_can_run(db, a, False)
    pmonitor.set_running(db, a, True)
print("cursor", time.time() - begun < 5, [(pmonitor.can_run(db, a), pmonitor.is_running(db, a)) for _, a, _ in nodes])

db.execute("UPDATE targets SET run = 7, responded = 1, total_count = 1")
print("uncommitted", pmonitor.can_run(db, "127.0.0.1"), pmonitor.get_status_count(db, True), pmonitor.get_status_list(db))
pmonitor.set_can_run(db, "nobody", 0)
print("committed", pmonitor.can_run(pmonitor.open_db("master"), "127.0.0.1"), pmonitor.can_run(db, "127.0.0.2"))
pmonitor.set_can_run(db, "127.0.0.1", "maybe")
os.unlink("master")
print("unlinked", pmonitor.can_run(db, "127.0.0.1"), os.path.exists("master"), pmonitor.get_last_five(db))

pmonitor.init_targets("work", [])
file = pmonitor.open_db("work")
memory = sqlite3.connect(":memory:")
file.backup(memory)
def row(address):
    return memory.execute("SELECT name, stable, responded, total_count, total_success FROM targets WHERE address = ?", (address,)).fetchone()
def sample(address, source="127.0.0.1"):
    before = memory.execute("SELECT sample_time FROM targets WHERE address = ?", (address,)).fetchone()
    pmonitor.sample_target(memory, "n", address, True, source)
    after, kind = memory.execute("SELECT sample_time, typeof(sample_time) FROM targets WHERE address = ?", (address,)).fetchone()
    print("sample", repr(address), row(address), "moved" if before != (after,) else "stays", kind, memory.in_transaction)
sample("127.0.0.5")
sample("127.0.0.5")
sample("127.0.0.5", "10.9.9.9")
sample("127.0.0.5", "10.9.9.9")
sample("127.0.0.5")
sample("-h")
sample("-h")
sample("")
memory.execute("UPDATE targets SET responded = 1 WHERE address = '-h'")
sample("-h")

pmonitor.init_targets("master", ((f"n{i}", f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", i % 2 == 0) for i in range(60000)))
print("many", pmonitor.open_db("master").execute("SELECT COUNT(*), SUM(stable) FROM targets").fetchone())
for bad in ([("a", "1", 1), ("b", "1", 1)], [(None, "1", 1)], [("a", None, 1)], [("a", "1")]):
    pmonitor.init_targets("master", nodes)
    try:
        pmonitor.init_targets("master", bad)
    except Exception as e:
        print("bad", type(e).__name__, e, pmonitor.get_last_five(pmonitor.open_db("master")))
pmonitor.init_targets("deep/er/db", nodes)
print("folder", pmonitor.get_last_five(pmonitor.open_db("deep/er/db")))
pmonitor.create_db("deep/er/db")
print("created", pmonitor.get_status_list(pmonitor.open_db("deep/er/db")))
try:
    pmonitor.get_status_list(pmonitor.open_db("missing"))
except sqlite3.OperationalError as e:
    print("missing", e)
`

func TestPythonConnections(t *testing.T) {
	const want = `cursor True [(0, 1), (0, 1), (0, 1)]
uncommitted 7 (2, 2) {'A': 1, '5': 1, 'C': 1}
committed 7 7
unlinked maybe False [('A', 1), ('5', 1), ('C', 1)]
sample '127.0.0.5' ('n', 1, 1, 1, 1) moved real False
sample '127.0.0.5' ('n', 1, 1, 2, 2) moved real False
sample '127.0.0.5' ('n', 1, 0, 3, 2) moved real False
sample '127.0.0.5' ('n', 1, 0, 3, 2) stays real False
sample '127.0.0.5' ('n', 1, 1, 4, 3) moved real False
sample '-h' ('n', 1, 0, 0, 0) moved real False
sample '-h' ('n', 1, 0, 0, 0) stays real False
sample '' ('n', 1, 0, 0, 0) moved real False
sample '-h' ('n', 1, 0, 1, 0) moved real False
many (60000, 30000)
bad IntegrityError UNIQUE constraint failed: targets.address []
bad IntegrityError NOT NULL constraint failed: targets.name []
bad IntegrityError NOT NULL constraint failed: targets.address []
bad IndexError tuple index out of range []
folder [('A', 0), ('5', 0), ('C', 0)]
created {}
missing no such table: targets
`
	if output, stderr := python(t, t.TempDir(), connections); output != want {
		t.Errorf("it says\n%s, want\n%s%s", output, want, stderr)
	}
}

// python runs a program that finds contrib's folder in its first argument.
func python(t *testing.T, folder, text string) (stdout, stderr string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		lab.Skip(t, "python3 is missing")
	}
	contrib, err := filepath.Abs("../../contrib")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, python, "-B", "-c", text, contrib)
	command.Dir = folder
	command.Env = append(os.Environ(), "PMONITOR="+pmonitorProgram(t))
	var output, wrong bytes.Buffer
	command.Stdout, command.Stderr = &output, &wrong
	if err := command.Run(); err != nil {
		t.Errorf("the program: %v", err)
	}
	return output.String(), wrong.String()
}

func TestPythonCaller(t *testing.T) {
	folder := t.TempDir()
	output, stderr := python(t, folder, caller)
	const want = `[1, 1, 1, 0]
A (1, 1) (3, 3) [('B', 1), ('C', 1), ('D', 1)] 4
B (1, 1) (3, 3) [('A', 1), ('C', 1), ('D', 1)] 4
C (2, 2) (3, 3) [('A', 1), ('B', 1), ('D', 1)] 4
[0, 0, 0] 0
TypeError
`
	if output != want {
		t.Errorf("it says\n%s, want\n%s%s", output, want, stderr)
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
