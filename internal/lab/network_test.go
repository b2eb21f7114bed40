package lab_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// abandonVariable makes the test binary build a network and wait to be killed.
const abandonVariable = "NETSONDE_LAB_ABANDON"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if os.Getenv(abandonVariable) == "" {
		os.Exit(m.Run())
	}
	if err := abandon(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Getenv(abandonVariable) == "panic" {
		panic("as asked")
	}
	select {}
}

// abandon builds a network with a running program and tells their names.
func abandon() error {
	network, err := lab.New()
	if err != nil {
		return err
	}
	r := lab.NewReference(network)
	sleeper := exec.Command("sleep", "1000")
	if err := r.Servers.Start(sleeper); err != nil {
		return err
	}
	for _, node := range []*lab.Node{r.Client, r.Router1, r.Servers} {
		err := node.Do(func() error {
			name, err := os.Readlink("/proc/thread-self/ns/net")
			fmt.Println(name)
			return err
		})
		if err != nil {
			return err
		}
	}
	fmt.Println("ready")
	return network.Err()
}

// holders returns which threads of the machine are in a network namespace.
func holders(t *testing.T, namespace string) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	var holding []string
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil && name == namespace {
			holding = append(holding, link)
		}
	}
	return holding
}

// TestNothingIsLeft needs root and namespaces.
func TestNothingIsLeft(t *testing.T) {
	lab.ForTest(t)
	mounts := mountsOf(t)
	for _, end := range []string{"kill", "panic"} {
		t.Run(end, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), os.Args[0])
			command.Env = append(os.Environ(), abandonVariable+"="+end)
			output, err := command.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			var namespaces []string
			lines := bufio.NewScanner(output)
			for lines.Scan() && lines.Text() != "ready" {
				namespaces = append(namespaces, lines.Text())
			}
			if len(namespaces) != 3 {
				t.Fatalf("the process told of namespaces %v, want 3", namespaces)
			}
			if end == "kill" {
				if len(holders(t, namespaces[2])) < 2 {
					t.Error("the node and its program are not seen in their namespace")
				}
				if err := command.Process.Signal(syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			if err := command.Wait(); err == nil {
				t.Fatal("the process ended well")
			}
			for _, namespace := range namespaces {
				await(t, "nobody is left in "+namespace, func() bool { return len(holders(t, namespace)) == 0 })
			}
		})
	}
	if now := mountsOf(t); now != mounts {
		t.Errorf("mounts were left: %s, before: %s", now, mounts)
	}
}

// mountsOf returns what holds namespaces in the file system of the machine.
func mountsOf(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, " nsfs ") || strings.Contains(line, " lab ") {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

// await waits until a condition holds, for at most five seconds.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited for: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestCloseEndsPrograms needs root and namespaces.
func TestCloseEndsPrograms(t *testing.T) {
	lab.ForTest(t)
	network, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	node := network.Node("alone")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	sleeper := exec.CommandContext(ctx, "sleep", "1000")
	if err := node.Start(sleeper); err != nil {
		t.Fatal(err)
	}
	if err := network.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sleeper.Wait(); err == nil || ctx.Err() != nil {
		t.Errorf("the program ended with %v, want it killed at once", err)
	}
	if err := node.Do(func() error { return nil }); err == nil {
		t.Error("a closed node still works")
	}
}

// TestFirstErrorIsKept needs root and namespaces.
func TestFirstErrorIsKept(t *testing.T) {
	lab.ForTest(t)
	network, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	node := network.Node("alone")
	node.Sysctl("net.ipv4.no_such_thing", "1")
	node.Route("not a prefix", "10.0.0.1")
	err = network.Close()
	if err == nil || !strings.Contains(err.Error(), "no_such_thing") || strings.Contains(err.Error(), "not a prefix") {
		t.Errorf("error %v, want the first only", err)
	}
}

// TestNodesAreApart needs root and namespaces.
func TestNodesAreApart(t *testing.T) {
	network := lab.ForTest(t)
	a, b := network.Node("a"), network.Node("b")
	a.Hosts("10.0.0.7 only-a.test")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if text, err := a.Output(ctx, "getent", "hosts", "only-a.test"); err != nil || !strings.Contains(text, "10.0.0.7") {
		t.Errorf("a knows its name as %q, error %v", text, err)
	}
	if text, err := b.Output(ctx, "getent", "hosts", "only-a.test"); err == nil {
		t.Errorf("b knows a's name as %q", text)
	}
	if hosts, err := os.ReadFile("/etc/hosts"); err != nil || strings.Contains(string(hosts), "only-a.test") {
		t.Errorf("the machine's own hosts file holds it; error %v", err)
	}
	a.Local("10.1.0.0/16")
	if text := output(t, a, "ip", "-o", "link"); strings.Count(text, "\n") != 1 {
		t.Errorf("a has interfaces %q, want lo only", text)
	}
	if text := output(t, a, "ls", "/sys/class/net"); strings.TrimSpace(text) != "lo" {
		t.Errorf("a's /sys shows %q, want lo only", text)
	}
}
