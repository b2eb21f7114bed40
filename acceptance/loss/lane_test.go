package loss_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

const (
	// targets is how many hosts a monitor watches, each of them every interval.
	targets  = 40
	interval = 250 * time.Millisecond
	timeout  = 200 * time.Millisecond
	// drainWithin bounds the end of a monitor.
	drainWithin = 30 * time.Second
)

// lane is a monitor in a network of its own: it, a router on a cable, and behind
// a wire the host that has all targets.
type lane struct {
	number                int
	monitor, router, host *lab.Node
	wire                  *lab.Wire
	tap                   *tap // at the monitor's interface
	beyond                *tap // at the other end of its cable
	errors                *refuser

	command    *exec.Cmd
	output     *os.File
	complaints bytes.Buffer
	ended      chan error
	// blocks are the identifiers that the monitor's echoes bear, by their upper
	// twelve bits, as seen before anything was forced.
	blocks []uint16
	slots  []*slot
	// forth and back are the wire's effects now.
	mutex       sync.Mutex
	forth, back lab.Effects
}

func (l *lane) routerAddr() string  { return fmt.Sprintf("10.100.%d.2", l.number) }
func (l *lane) monitorAddr() string { return fmt.Sprintf("10.100.%d.1", l.number) }
func (l *lane) network() string     { return fmt.Sprintf("10.102.%d.0/24", l.number) }
func (l *lane) monitorLink() string { return l.router.Name() }
func (l *lane) routerLink() string  { return l.monitor.Name() }

// queued reports whether the monitor's interface has a queue, as real ones have.
func (l *lane) queued() bool { return l.number%2 == 0 }

// target is a host by its number, from 0.
func (l *lane) target(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 102, byte(l.number), byte(i + 1)})
}

// newLane builds a lane. Its wire runs until the test ends.
func newLane(t *testing.T, network *lab.Network, number int) *lane {
	t.Helper()
	name := func(of string) string { return fmt.Sprint(of, number) }
	l := &lane{
		number: number, monitor: network.Node(name("monitor")), router: network.Node(name("router")), host: network.Node(name("host")),
		ended: make(chan error, 1),
	}
	// Large packets fill a receive buffer sooner than answers come in.
	network.Link(l.monitor, l.router).Addresses(l.monitorAddr()+"/24", l.routerAddr()+"/24").MTU(9000)
	l.wire = network.Wire(l.router, l.host, uint64(number)+1)
	l.wire.Addresses(fmt.Sprintf("10.101.%d.1/24", number), fmt.Sprintf("10.101.%d.2/24", number))
	l.router.Forward()
	l.host.Unlimited()
	l.host.Local(l.network())
	l.monitor.Route("default4", l.routerAddr())
	l.routeTargets()
	l.host.Route("default4", fmt.Sprintf("10.101.%d.1", number))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.wire.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the wire ended with %v", err)
		}
	})
	return l
}

func (l *lane) routeTargets() { l.router.Route(l.network(), fmt.Sprintf("10.101.%d.2", l.number)) }

// start runs the program and returns when every target has answered.
func (l *lane) start(t *testing.T, binary string) {
	t.Helper()
	var err error
	if l.tap, err = openTap(l.monitor, l.monitorLink()); err != nil {
		t.Fatal(err)
	}
	if l.beyond, err = openTap(l.router, l.routerLink()); err != nil {
		t.Fatal(err)
	}
	if l.errors, err = newRefuser(l.router); err != nil {
		t.Fatal(err)
	}
	l.tap.onRequest(l.errors.request)
	if l.queued() {
		if err := l.shape("add", wide()...); err != nil {
			t.Fatal(err)
		}
	}
	directory := t.TempDir()
	file := filepath.Join(directory, "targets.yaml")
	text := fmt.Sprintf("budget: {rate: 1000000, destination: 1000000, network: 1000000}\ndefaults:\n  ping: {every: %v, timeout: %v}\n  probes: [ping]\ntargets: [%v-%v]\n",
		interval, timeout, l.target(0), l.target(targets-1))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if l.output, err = os.Create(filepath.Join(directory, "jsonl")); err != nil {
		t.Fatal(err)
	}
	l.command = exec.Command(binary, "run", "--output", "jsonl", file)
	l.command.Stdout, l.command.Stderr = l.output, &l.complaints
	if err := l.monitor.Start(l.command); err != nil {
		t.Fatal(err)
	}
	go func() { l.ended <- l.command.Wait() }()
	t.Cleanup(func() { _ = l.command.Process.Kill(); _ = l.output.Close() })
	for end := time.Now().Add(drainWithin); ; time.Sleep(50 * time.Millisecond) {
		if l.learn(); len(l.blocks) > 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("lane %d: not every target answers; the program says %s", l.number, &l.complaints)
		}
	}
}

// learn takes the identifiers of the echoes that have left so far, if each
// target has answered by now.
func (l *lane) learn() {
	answered, blocks := map[netip.Addr]bool{}, map[uint16]bool{}
	for _, p := range l.tap.seen() {
		switch {
		case p.kind == echoReply && !p.out:
			answered[p.target] = true
		case p.kind == echoRequest && p.out:
			blocks[p.identifier&blockMask] = true
		}
	}
	if len(answered) < targets {
		return
	}
	for block := range blocks {
		l.blocks = append(l.blocks, block)
	}
}

// blockMask leaves of an identifier what those of a monitor have in common.
const blockMask = 0xfff0

// ours reports whether an echo is one of the monitor's plan, and not of the
// traces and second looks that it takes when something breaks.
func (l *lane) ours(p *passing) bool {
	for _, block := range l.blocks {
		if p.identifier&blockMask == block {
			return true
		}
	}
	return false
}

// ids is the same as a set of nftables.
func (l *lane) ids() string {
	var ids []string
	for _, block := range l.blocks {
		ids = append(ids, fmt.Sprintf("%d-%d", block, block|^uint16(blockMask)))
	}
	return "{ " + strings.Join(ids, ", ") + " }"
}

// sessions are the identifiers that a firewall on the way knows by now, as a set
// of nftables: those of the last seconds.
func (l *lane) sessions() string {
	recent := time.Now().Add(-3 * time.Second).UnixNano()
	known := map[uint16]bool{}
	for _, p := range l.tap.seen() {
		if p.out && p.kind == echoRequest && p.at > recent && l.ours(&p) {
			known[p.identifier] = true
		}
	}
	var ids []string
	for id := range known {
		ids = append(ids, fmt.Sprint(id))
	}
	return "{ " + strings.Join(ids, ", ") + " }"
}

// finish has the program end and closes the tap.
func (l *lane) finish() error {
	if err := l.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("end the program: %w", err)
	}
	var err error
	select {
	case err = <-l.ended:
	case <-time.After(drainWithin):
		err = errors.New("it does not end")
	}
	if err != nil {
		err = fmt.Errorf("the program: %w: %s", err, &l.complaints)
	}
	return errors.Join(err, l.tap.close(), l.beyond.close(), l.errors.close())
}

// affect changes what the wire does.
func (l *lane) affect(change func(forth, back *lab.Effects)) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	change(&l.forth, &l.back)
	l.wire.Forth(l.forth)
	l.wire.Back(l.back)
}

// stand returns when an interface of a node is up: until then the kernel lets
// nothing through.
func stand(node *lab.Node, device string) {
	for range 3000 {
		var state []byte
		_ = node.Do(func() (err error) {
			state, err = os.ReadFile("/sys/class/net/" + device + "/operstate")
			return err
		})
		if strings.TrimSpace(string(state)) == "up" {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// refuser answers echoes with ICMP errors in the name of a router.
type refuser struct {
	fd    int
	mutex sync.Mutex
	codes map[netip.Addr]uint8
}

func newRefuser(router *lab.Node) (*refuser, error) {
	r := &refuser{codes: map[netip.Addr]uint8{}}
	err := router.Do(func() (err error) {
		r.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
		return err
	})
	return r, err
}

func (r *refuser) close() error { return unix.Close(r.fd) }

// refuse has echoes to targets answered with "unreachable" and that code, or no longer.
func (r *refuser) refuse(to []netip.Addr, code uint8, on bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, target := range to {
		if delete(r.codes, target); on {
			r.codes[target] = code
		}
	}
}

// request sees an echo request that leaves the monitor.
func (r *refuser) request(packet []byte) {
	r.mutex.Lock()
	code, refused := r.codes[netip.AddrFrom4([4]byte(packet[16:20]))]
	r.mutex.Unlock()
	if !refused {
		return
	}
	message := append([]byte{unreachable, code, 0, 0, 0, 0, 0, 0}, packet[:ipHeader+icmpHeader]...)
	if code == 4 {
		message[6], message[7] = 0x05, 0x00 // the next hop's MTU (RFC 1191)
	}
	sum := checksum(message)
	message[2], message[3] = byte(sum>>8), byte(sum)
	_ = unix.Sendto(r.fd, message, 0, &unix.SockaddrInet4{Addr: [4]byte(packet[12:16])})
}

func program(t *testing.T) string { return built.Program(t) }
