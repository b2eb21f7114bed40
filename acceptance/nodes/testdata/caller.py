"""Nodes whose monitors are started, read and stopped as a Mininet topology does.

Arguments are NAME=ADDRESS. The shells are those of a lab's nodes; a Mininet
node has one of its own.
"""

import os
import subprocess
import sys
import tempfile
import time

from emulation.mnet import pmonitor


class Node:
    def __init__(self, name, address, stable):
        self.name, self.address, self.stable = name, address, stable
        self.last_five = []
        self.shell = subprocess.Popen(["netsonde", "lab", "run", name, "--", "sh"], stdin=subprocess.PIPE, text=True)
        fd, self.work = tempfile.mkstemp(suffix=".sqlite")
        os.close(fd)

    def send(self, command):
        self.shell.stdin.write(command + "\n")
        self.shell.stdin.flush()

    def start_monitor(self, path, master):
        self.send(f"python3 -m emulation.mnet.pmonitor monitor '{path}' '{self.work}' {self.address} >> /dev/null 2>&1 &")
        pmonitor.set_running(master, self.address, True)

    def stop_monitor(self, master):
        pmonitor.set_can_run(master, self.address, False)
        os.unlink(self.work)

    def sample(self):
        if os.path.getsize(self.work) == 0:
            return 0, 0
        db = pmonitor.open_db(self.work)
        good, total = pmonitor.get_status_count(db, self.stable)
        self.last_five = pmonitor.get_last_five(db)
        db.close()
        return good, total

    def statuses(self):
        db = pmonitor.open_db(self.work)
        found = pmonitor.get_status_list(db)
        db.close()
        return found


def wait(condition):
    deadline = time.time() + 60
    while not condition() and time.time() < deadline:
        time.sleep(0.2)


fd, path = tempfile.mkstemp(suffix=".sqlite")
os.close(fd)
nodes = [Node(*word.split("="), place >= 2) for place, word in enumerate(sys.argv[1:])]
# A stable node counts stable targets only.
pmonitor.init_targets(path, [(n.name, n.address, n.stable) for n in nodes])
master = pmonitor.open_db(path)
for n in nodes:
    n.start_monitor(path, master)
print("running", [pmonitor.is_running(master, n.address) for n in nodes])

def sees_all(node):
    node.sample()
    return sum(responded for _, responded in node.last_five) == len(nodes) - 1


wait(lambda: all(sees_all(n) for n in nodes))
for n in nodes:
    print(n.name, n.sample(), sorted(five for five in n.last_five if five[0] != n.name))

last = nodes[-1]
for other in (nodes[0], nodes[-2]):
    subprocess.run(["netsonde", "lab", "fault", "link-down", last.name, other.name], check=True)
wait(lambda: nodes[0].sample() == (2, 3))
print(last.name, "is cut off:", nodes[0].sample(), nodes[0].statuses())

for n in nodes:
    n.stop_monitor(master)
print("can run", [pmonitor.can_run(master, n.address) for n in nodes])
master.close()
began = time.time()
for n in nodes:
    n.send("wait")
    n.shell.stdin.close()
print("shells", [n.shell.wait(timeout=30) for n in nodes], "soon" if time.time() - began < 3 else "late")
os.unlink(path)
print("left", [n.work for n in nodes if os.path.exists(n.work)])
