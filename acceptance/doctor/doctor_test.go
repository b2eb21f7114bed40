package doctor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

// patience bounds one run of a program.
const patience = 20 * time.Second

// finding is a line of "doctor --json".
type finding struct {
	Schema                              int
	Type, Check, State, Found, Why, Fix string
}

// machine is where the doctor is called and where its commands are run.
type machine struct {
	t      testing.TB
	node   *lab.Node
	binary string
	// user are the words before a command that is an ordinary user's.
	user []string
}

// newMachine is a machine with a router that is its name server as well. The
// doctor finds no gap in it when root asks.
func newMachine(t *testing.T) *machine {
	n := lab.ForTest(t)
	m := &machine{t: t, node: n.Node("machine"), binary: built.Program(t)}
	router := n.Node("router")
	n.Link(m.node, router).Addresses("10.0.0.2/24", "10.0.0.1/24").Addresses("fd00::2/64", "fd00::1/64")
	m.node.Route("default4", "10.0.0.1")
	m.node.Route("default6", "fd00::1")
	serveNames(t, router)
	// Commands write to it, so it must be the node's own.
	m.root("mountpoint -q /etc/resolv.conf")
	m.root("echo nameserver 10.0.0.1 > /etc/resolv.conf")
	m.node.PingGroups(0, 1<<31-1)
	return m
}

// ordinary makes the doctor's caller a user without any right.
func (m *machine) ordinary() *machine {
	m.user = []string{"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all", "--"}
	return m
}

// serveNames has a node answer every question, by its own words without an answer.
func serveNames(t *testing.T, n *lab.Node) {
	var connection *net.UDPConn
	err := n.Do(func() (err error) {
		connection, err = net.ListenUDP("udp4", &net.UDPAddr{Port: 53})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var question [512]byte
		for {
			size, from, err := connection.ReadFromUDP(question[:])
			if err != nil {
				return
			}
			const response = 0x80
			question[2] |= response
			connection.WriteToUDP(question[:size], from)
		}
	}()
	t.Cleanup(func() { connection.Close(); <-done })
}

// root runs a shell's command as root.
func (m *machine) root(script string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	if text, err := m.node.Output(ctx, "sh", "-c", script); err != nil {
		m.t.Fatalf("%s: %v: %s", script, err, text)
	}
}

// doctor asks the doctor and returns what it said by the check.
func (m *machine) doctor() map[string]finding {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	words := slices.Concat(m.user, []string{m.binary, "doctor", "--json"})
	text, err := m.node.Output(ctx, words[0], words[1:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		m.t.Fatal(err)
	}
	findings, err := parse(text)
	if err != nil {
		m.t.Fatalf("%v: %s", err, text)
	}
	want := 0
	if len(gaps(findings)) > 0 {
		want = 1
	}
	if code != want {
		m.t.Errorf("the exit code is %d with the gaps %q", code, gaps(findings))
	}
	return findings
}

// parse reads lines of JSON.
func parse(text string) (map[string]finding, error) {
	findings := make(map[string]finding)
	for line := range strings.Lines(text) {
		var f finding
		decoder := json.NewDecoder(strings.NewReader(line))
		if err := decoder.Decode(&f); err != nil {
			return nil, fmt.Errorf("the line %q: %w", line, err)
		}
		if !strings.HasPrefix(line, `{"schema":1,"type":"doctor","check":`) || f.Found == "" || f.Why == "" {
			return nil, fmt.Errorf("the line is %q", line)
		}
		findings[f.Check] = f
	}
	return findings, nil
}

// gaps lists the checks that found one.
func gaps(findings map[string]finding) (checks []string) {
	for check, f := range findings {
		if f.State == "gap" {
			checks = append(checks, check)
		}
	}
	slices.Sort(checks)
	return checks
}

// mends has the doctor find the gaps, and no others, and runs the command of
// each as it stands; then nothing is left of them.
func (m *machine) mends(want ...string) map[string]finding {
	m.t.Helper()
	findings := m.doctor()
	if got := gaps(findings); !slices.Equal(got, want) {
		m.t.Fatalf("found the gaps %q, want %q: %+v", got, want, findings)
	}
	for _, check := range want {
		f := findings[check]
		m.t.Logf("%s: %s; %s\n\t%s", check, f.Found, f.Why, f.Fix)
		if m.user != nil && !strings.HasPrefix(f.Fix, "su -c '") && !strings.HasPrefix(f.Fix, "sudo ") {
			m.t.Errorf("an ordinary user cannot run %q", f.Fix)
		}
		if strings.Contains(f.Fix, "install ") {
			m.t.Fatalf("not run, for it would change this machine: %q", f.Fix)
		}
		m.root(f.Fix)
	}
	if left := gaps(m.doctor()); len(left) > 0 {
		m.t.Errorf("still gaps: %q", left)
	}
	return findings
}

// refuses checks that a datagram still does not leave.
func (m *machine) refuses(network, to string) {
	m.t.Helper()
	err := m.node.Do(func() error {
		connection, err := net.Dial(network, to)
		if err != nil {
			return err
		}
		defer connection.Close()
		_, err = connection.Write([]byte{0})
		return err
	})
	if !errors.Is(err, syscall.EPERM) {
		m.t.Errorf("to %s: %v, want EPERM", to, err)
	}
}

func TestSoundMachine(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	findings := m.doctor()
	if found := gaps(findings); len(found) > 0 {
		t.Errorf("found the gaps %q: %+v", found, findings)
	}
	for _, check := range []string{"raw IPv4", "raw IPv6", "ping IPv4", "ping IPv6", "udp IPv4", "udp IPv6", "tcp IPv4", "tcp IPv6",
		"stamps", "receive buffer", "send buffer", "firewall", "ipv6", "gateway IPv4", "gateway IPv6", "resolver", "icmp limits"} {
		if f := findings[check]; f.State != "ok" {
			t.Errorf("%s: %+v", check, f)
		}
	}
}

func TestNoRights(t *testing.T) {
	t.Parallel()
	newMachine(t).ordinary().mends("raw")
}

func TestPingSocketsClosed(t *testing.T) {
	t.Parallel()
	m := newMachine(t).ordinary()
	m.node.PingGroups(1, 0)
	m.mends("ping", "raw")
}

func TestFirewall(t *testing.T) {
	t.Parallel()
	for name, verdict := range map[string]string{"silence": "drop", "refusal": "reject"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.node.Filter(lab.HookOutput, "meta l4proto { icmp, icmpv6 }", verdict)
			if found := m.mends("firewall icmp")["firewall icmp"].Found; !strings.Contains(found, "EPERM") {
				t.Errorf("said %q", found)
			}
		})
	}
	t.Run("unseen", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		m.root("setcap cap_net_raw+ep " + m.binary)
		m.ordinary()
		m.node.Filter(lab.HookOutput, "oifname router meta l4proto { icmp, udp }", "drop")
		m.root("nft add chain inet rule1 also '{ type filter hook output priority 1; policy accept; }'")
		m.root("nft add rule inet rule1 also udp dport 33434 drop")
		m.mends("firewall dns", "firewall icmp", "firewall udp")
	})
	// Only what was closed and is ours is opened: another's packets stay stopped.
	t.Run("narrow", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		m.root(`nft "add table inet f; add chain inet f out { type filter hook output priority 0; policy drop; }; ` +
			`add table ip g; add chain ip g out { type filter hook output priority 1; policy accept; }; ` +
			`add rule ip g out udp dport 33434-33689 drop"`)
		findings := m.mends("firewall dns", "firewall icmp", "firewall tcp", "firewall udp")
		if strings.Contains(findings["firewall icmp"].Fix, "ip g out") || !strings.Contains(findings["firewall udp"].Fix, "ip g out") {
			t.Errorf("opened %+v", findings)
		}
		m.root("! nft list ruleset | grep -E '^[^\"]*meta l4proto (udp|.*icmp)[^\"]*accept'")
		m.refuses("udp4", "10.0.0.1:9999")
	})
	t.Run("answers from elsewhere", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		m.root(`nft "add table inet f; add chain inet f in { type filter hook input priority 0; policy drop; };` +
			`add rule inet f in iif lo accept; add rule inet f in icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"`)
		findings := m.mends("firewall dns", "firewall icmp", "firewall udp")
		if f := findings["firewall icmp"]; !strings.Contains(f.Found, "10.0.0.1, fd00::1: the answers came in") || !strings.Contains(f.Why, "until the firewall is loaded anew") {
			t.Errorf("said %+v", f)
		}
	})
	t.Run("answers", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		m.node.Filter(lab.HookInput, "icmp type echo-reply", "drop")
		m.node.Filter(lab.HookInput, "tcp flags & (syn|ack) == (syn|ack)", "drop")
		m.mends("firewall icmp", "firewall tcp")
	})
}

func TestNoResolver(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.root(": > /etc/resolv.conf")
	m.mends("resolver")
	// What else the file says stays.
	m.root("printf 'search a.example\nnameserver 10.0.0.77\noptions edns0' > /etc/resolv.conf")
	m.mends("resolver")
	m.root("test \"$(cat /etc/resolv.conf)\" = \"$(printf 'nameserver 10.0.0.1\nsearch a.example\nnameserver 10.0.0.77\noptions edns0')\"")
}

// A router at the other end of a line, and an interface that is down.
func TestLinks(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.root("ip -6 route del default; ip addr flush dev router; ip addr add 10.0.0.2 peer 10.0.0.1 dev router")
	m.mends("gateway IPv4")
	m.root("ip link set router down")
	findings := m.mends("link")
	if f := findings["link"]; f.Fix != "ip link set router up" || !strings.Contains(f.Found, "10.0.0.2/32") {
		t.Errorf("said %+v", f)
	}
}

func TestNoGateway(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.root("ip route del default; ip -6 route del default")
	m.mends("gateway IPv4")
}

func TestNoIPv6(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.node.Sysctl("net.ipv6.conf.all.disable_ipv6", "1")
	m.mends("ipv6")
	if f := m.doctor()["raw IPv6"]; f.State != "ok" {
		t.Errorf("afterwards: %+v", f)
	}
}

func TestConfigurationThatCannotBeRead(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	text, err := m.node.Output(ctx, m.binary, "doctor", "nothing.yaml")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(text, "nothing.yaml") {
		t.Errorf("ended with %v: %s", err, text)
	}
}

// The doctor, its commands and the doctor again run in one user namespace,
// which ends with its shell.
func TestUserNamespace(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	const script = `"$1" doctor --json > "$2/before"; echo $? > "$2/codes"
sh -c "$(sed -n 's/.*"check":"loopback".*"fix":"\([^"]*\)".*/\1/p' "$2/before")"
"$1" doctor --json > "$2/after"; echo $? >> "$2/codes"; "$1" doctor > "$2/text"; true`
	directory := filepath.Dir(m.binary)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if text, err := m.node.Output(ctx, "unshare", "-Urn", "sh", "-c", script, "sh", m.binary, directory); err != nil {
		t.Fatalf("in a user namespace: %v: %s", err, text)
	}
	before, after := readFindings(t, directory, "before"), readFindings(t, directory, "after")
	if got := gaps(before); !slices.Equal(got, []string{"loopback"}) {
		t.Errorf("found the gaps %q: %+v", got, before)
	}
	if got := gaps(after); len(got) > 0 {
		t.Errorf("still gaps: %q: %+v", got, after)
	}
	if before["user-namespace"].State != "note" || before["gateway IPv4"].State != "note" || after["raw IPv4"].State != "ok" {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if codes := readFile(t, directory, "codes"); codes != "1\n0\n" {
		t.Errorf("the exit codes are %q", codes)
	}
	t.Log(before["loopback"].Found, before["loopback"].Fix)
}

// readFile reads a file that a machine has written.
func readFile(t *testing.T, directory, name string) string {
	t.Helper()
	text, err := exec.Command("cat", filepath.Join(directory, name)).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(text, []byte("\r"), nil))
}

func readFindings(t *testing.T, directory, name string) map[string]finding {
	t.Helper()
	findings, err := parse(readFile(t, directory, name))
	if err != nil {
		t.Fatal(err)
	}
	return findings
}
