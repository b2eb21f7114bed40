package lab_test

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Nothing is left of a lab, however often.
func TestUpAndDown(t *testing.T) {
	p := newProgram(t)
	namespaces, interfaces := p.namespaces(), p.interfaces()
	for range 20 {
		p.must("lab", "up", "torus", "--rings", "3", "--nodes", "3", "--stations", "2")
		if got := len(p.namespaces()); got != len(namespaces)+11 {
			t.Fatalf("%d namespaces are there, want those of 11 nodes and %d", got, len(namespaces))
		}
		p.must("lab", "down")
	}
	p.nothingLeft(namespaces, interfaces)
	if output := p.must("lab", "down"); !strings.Contains(output, "was not up") {
		t.Errorf("down again says %q", output)
	}
}

// nothingLeft fails if there is anything of a lab.
func (p *program) nothingLeft(namespaces, interfaces []string) {
	p.t.Helper()
	if pids := p.processes(p.binary); pids != nil {
		p.t.Errorf("processes are left: %v", pids)
	}
	if now := p.namespaces(); !slices.Equal(now, namespaces) {
		p.t.Errorf("namespaces are left: %v, before %v", now, namespaces)
	}
	if now := p.interfaces(); !slices.Equal(now, interfaces) {
		p.t.Errorf("interfaces are left: %v, before %v", now, interfaces)
	}
	if _, err := os.Stat(p.directory); !os.IsNotExist(err) {
		p.t.Errorf("files are left: %v", err)
	}
}

// A lab whose process is killed takes all with it that runs inside, even what
// has left its session; down cleans up, and so does the next up.
func TestKilledLab(t *testing.T) {
	p := newProgram(t)
	namespaces, interfaces := p.namespaces(), p.interfaces()
	for round := range 2 {
		p.must("lab", "up", "ring")
		p.must("lab", "fault", "delay", "node1", "node2", "1ms")
		inside := p.command("lab", "run", "node1", "--", "sh", "-c", "setsid sleep 86399 & exec sleep 86398")
		if err := inside.Start(); err != nil {
			t.Fatal(err)
		}
		p.await("both programs run", func() bool {
			return p.processes("sleep\x0086399") != nil && p.processes("sleep\x0086398") != nil
		})
		if err := syscall.Kill(p.holder("lab"), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := inside.Wait(); err == nil || inside.ProcessState.ExitCode() != 128+9 {
			t.Errorf("run ends with %v", err)
		}
		p.await("all programs end", func() bool {
			return p.processes("sleep\x0086399") == nil && p.processes("sleep\x0086398") == nil
		})
		if output, code := p.call("lab", "status"); code != 1 || !strings.Contains(output, "is not up") {
			t.Errorf("status ends with %d: %s", code, output)
		}
		if output := p.must("lab", "list"); !strings.Contains(output, "dead") {
			t.Errorf("list says %q", output)
		}
		if round == 0 {
			// The next one takes over.
			p.must("lab", "up", "chain")
		}
		if output := p.must("lab", "down"); !strings.Contains(output, "is down") {
			t.Errorf("down says %q", output)
		}
		p.nothingLeft(namespaces, interfaces)
	}
}

// A process that hangs is killed by down.
func TestHangingLab(t *testing.T) {
	p := newProgram(t)
	namespaces, interfaces := p.namespaces(), p.interfaces()
	p.must("lab", "up", "ring")
	if err := syscall.Kill(p.holder("lab"), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p.must("lab", "down")
	p.nothingLeft(namespaces, interfaces)
}

// Killed at any moment of its coming up, a lab leaves nothing that down does
// not remove.
func TestKilledWhileComingUp(t *testing.T) {
	p := newProgram(t)
	namespaces, interfaces := p.namespaces(), p.interfaces()
	for _, milliseconds := range []int{1, 10, 30, 100} {
		up := p.command("lab", "up", "torus", "--rings", "5", "--nodes", "5")
		if err := up.Start(); err != nil {
			t.Fatal(err)
		}
		// There is nothing to wait for: any moment must do.
		time.Sleep(time.Duration(milliseconds) * time.Millisecond)
		if err := up.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = up.Wait()
		// What had not been ready yet ends by itself.
		p.must("lab", "down")
		p.await("nothing runs", func() bool { return p.processes(p.binary) == nil })
		p.must("lab", "down")
		p.nothingLeft(namespaces, interfaces)
	}
}

// Labs of different names have nothing to do with each other.
func TestTwoLabs(t *testing.T) {
	p := newProgram(t)
	p.must("lab", "up", "ring", "--name", "one")
	p.must("lab", "up", "ring", "--name", "two")
	if output, code := p.call("lab", "up", "ring", "--name", "one"); code != 1 || !strings.Contains(output, "up already") {
		t.Errorf("up again ends with %d: %s", code, output)
	}
	p.must("lab", "fault", "--name", "one", "node-stop", "node2")
	if p.answers("one", "node1", "node2") || !p.answers("two", "node1", "node2") {
		t.Error("a node of one lab stops in the other")
	}
	if output := p.must("lab", "list"); output != "one\tup\ntwo\tup\n" {
		t.Errorf("list says %q", output)
	}
	p.must("lab", "down", "--name", "one")
	if !p.answers("two", "node1", "node2") {
		t.Error("the end of one lab ends the other")
	}
}

// Five rings of five satellites and four stations are up in 10 seconds, and
// all reach all.
func TestTorusIsUpSoon(t *testing.T) {
	p := newProgram(t)
	began := time.Now()
	output := p.must("lab", "up", "torus", "--rings", "5", "--nodes", "5", "--stations", "4")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	t.Log(strings.TrimSpace(output))
	for _, to := range []string{"sat3-3", "sat5-5", "sat1-2"} {
		if !p.answers("lab", "sat1-1", to) {
			t.Errorf("sat1-1 does not reach %s", to)
		}
	}
}
