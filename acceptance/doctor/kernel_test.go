package doctor_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

// ownKernel is what a kernel of our own does: it makes its buffers tiny, asks
// the doctor as an ordinary user, runs the commands for buffers as they stand,
// asks again, and ends. The program starts much faster from its memory than from
// this machine's files.
const ownKernel = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
ip link set lo up
mkdir DIRECTORY/memory
mount -t tmpfs memory DIRECTORY/memory
cp PROGRAM BINARY
sysctl -q -w net.core.rmem_max=4096 net.core.wmem_max=4608 "net.ipv4.ping_group_range=0 2147483647"
ask() { setpriv --reuid 65534 --regid 65534 --clear-groups BINARY doctor --json > "DIRECTORY/$1" 2>&1; }
ask before
sed -n 's/.*"check":"[a-z]* buffer".*"fix":"\([^"]*\)".*/\1/p' DIRECTORY/before > DIRECTORY/fixes
sh -e DIRECTORY/fixes > DIRECTORY/output 2>&1
ask after
sh DIRECTORY/limited
sync
echo o > /proc/sysrq-trigger
sleep 60
`

// limited is a shell that may have few open files, and a configuration that
// wants more of them. The command raises the limit of the shell that runs it.
const limited = `cd DIRECTORY
printf 'targets: [{name: a, host: 127.0.0.1, probes: [http, tcp: {port: 80}]}]\n' > plan.yaml
ulimit -n 500
BINARY doctor --json plan.yaml > few 2>&1
eval "$(sed -n 's/.*"check":"open files".*"fix":"\([^"]*\)".*/\1/p' few)" > output 2>&1
BINARY doctor --json plan.yaml > enough 2>&1
`

// The limits of buffers are one for all namespaces of a kernel. So this one is
// a kernel of its own, Linux as an ordinary program (User Mode Linux), which
// sees this machine's files.
func TestTinyBuffersAndFewFiles(t *testing.T) {
	t.Parallel()
	linux, err := exec.LookPath("linux.uml")
	if err != nil {
		lab.Skip(t, "linux.uml is missing: apt-get install user-mode-linux (amd64 and i386 only)")
	}
	if os.Geteuid() != 0 {
		lab.Skip(t, "run as root: the kernel's files are this machine's")
	}
	binary := built.Program(t)
	directory := filepath.Dir(binary)
	script := filepath.Join(directory, "start")
	places := strings.NewReplacer("PROGRAM", binary, "BINARY", filepath.Join(directory, "memory", "netsonde"), "DIRECTORY", directory)
	for path, text := range map[string]string{script: ownKernel, filepath.Join(directory, "limited"): limited} {
		if err := os.WriteFile(path, []byte(places.Replace(text)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, linux, "rootfstype=hostfs", "rw", "mem=128M", "con=null", "con0=fd:0,fd:1", "quiet",
		"uml_dir="+directory, "init="+script)
	command.Env = append(os.Environ(), "HOME="+directory)
	console, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("the kernel: %v: %s", err, console)
	}
	before, after := readFindings(t, directory, "before"), readFindings(t, directory, "after")
	buffers := []string{"receive buffer", "send buffer"}
	for _, check := range buffers {
		f := before[check]
		t.Logf("%s: %s; %s\n\t%s", check, f.Found, f.Why, f.Fix)
		if f.State != "gap" || !strings.HasPrefix(f.Fix, "su -c '") && !strings.HasPrefix(f.Fix, "sudo ") {
			t.Errorf("before: %+v", f)
		}
		if f := after[check]; f.State != "ok" {
			t.Errorf("after %s: %+v", readFile(t, directory, "fixes"), f)
		}
	}
	if left := gaps(after); slices.Contains(left, buffers[0]) || slices.Contains(left, buffers[1]) {
		t.Errorf("still gaps: %q: %s", left, readFile(t, directory, "output"))
	}
	few, enough := readFindings(t, directory, "few")["open files"], readFindings(t, directory, "enough")
	t.Logf("%s; %s\n\t%s", few.Found, few.Why, few.Fix)
	if few.State != "gap" || enough["open files"].State != "ok" {
		t.Errorf("with few files %+v, then %+v: %s", few, enough["open files"], readFile(t, directory, "output"))
	}
	if f := enough["configuration"]; !strings.HasPrefix(f.Found, "1 target, ") {
		t.Errorf("of the configuration: %+v", f)
	}
}
