package check

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/lab"
)

// A machine without a way to the service knows nothing of it. A router that has
// none says so, and a neighbour that is off does not answer: both are the
// target's. It needs root, for a namespace.
func TestNoWayOutIsOurs(t *testing.T) {
	inNamespace(t, func() error {
		return shell(`
			ip link add near type veth peer name far
			ip address add 10.9.0.1/24 dev near
			ip address add fd09::1/64 dev near nodad
			ip link set near up
			ip link set far up
			ip link set lo up
			ip route add unreachable 198.51.100.0/24
			ip route add prohibit 203.0.113.0/24
			ip route add blackhole 203.0.112.0/24
			ip -6 route add unreachable 2001:db8:1::/48
			echo 1 > /proc/sys/net/ipv4/neigh/near/mcast_solicit
			echo 10 > /proc/sys/net/ipv4/neigh/near/retrans_time_ms`)
	}, func() {
		for _, test := range []struct {
			addr   string
			state  netsonde.ServiceState
			reason string
		}{
			{"192.0.2.1", netsonde.ServiceFailed, "[Errno 101] Network is unreachable"},
			{"2001:db8::1", netsonde.ServiceFailed, "[Errno 101] Network is unreachable"},
			{"198.51.100.1", netsonde.ServiceFailed, "[Errno 113] No route to host"},
			{"2001:db8:1::1", netsonde.ServiceFailed, "[Errno 113] No route to host"},
			{"203.0.113.1", netsonde.ServiceFailed, "[Errno 13] Permission denied"},
			{"203.0.112.1", netsonde.ServiceFailed, "[Errno 22] Invalid argument"},
		} {
			for kind := netsonde.KindHTTP; kind.IsCheck(); kind++ {
				probe := netsonde.Probe{Kind: kind, Port: 80}
				s := checkOf(t, Options{}, patience, probe, "web.test", netip.MustParseAddr(test.addr))
				if s.State != test.state || s.Reason != test.reason {
					t.Errorf("%v to %s: got %v, %q; want %v, %q", kind, test.addr, s.State, s.Reason, test.state, test.reason)
				}
			}
		}
		off := netip.MustParseAddr("10.9.0.2")
		s := checkOf(t, Options{}, patience, netsonde.Probe{Kind: netsonde.KindHTTP}, "web.test", off)
		if s.State != netsonde.ServiceFiltered || s.Reason != "[Errno 113] No route to host" {
			t.Errorf("a neighbour that is off: got %v, %q", s.State, s.Reason)
		}
		// Linux keeps such an error from UDP sockets.
		s = checkOf(t, Options{}, 50*time.Millisecond, netsonde.Probe{Kind: netsonde.KindDNS}, "ns.test", off)
		if s.State != netsonde.ServiceFiltered || s.Reason != timedOut {
			t.Errorf("a name server that is off: got %v, %q", s.State, s.Reason)
		}
	})
}

// A question that this machine's firewall stops has not been asked.
func TestFirewalledQuestionIsOurs(t *testing.T) {
	inNamespace(t, func() error {
		return shell(`
			ip link set lo up
			nft add table ip shut
			nft 'add chain ip shut out { type filter hook output priority 0; }'
			nft add rule ip shut out udp dport 53 drop`)
	}, func() {
		s := checkOf(t, Options{}, time.Second, netsonde.Probe{Kind: netsonde.KindDNS}, "ns.test", netip.MustParseAddr("127.0.0.1"))
		if s.State != netsonde.ServiceFailed || s.Reason != "[Errno 1] Operation not permitted" {
			t.Errorf("got %v, %q", s.State, s.Reason)
		}
	})
}

// A network whose errors nobody can ask a route for is believed.
func TestOthersErrorsStayTheirs(t *testing.T) {
	err := os.NewSyscallError("connect", syscall.EHOSTUNREACH)
	if got := owned(err, netip.Addr{}, netip.MustParseAddrPort("127.0.0.1:9")); got != err {
		t.Errorf("a routed address's %v became %#v", err, got)
	}
}

// inNamespace runs a test in a network of its own, on a thread that ends with
// it, once the network has been prepared.
func inNamespace(t *testing.T, prepare func() error, test func()) {
	t.Helper()
	why := make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the thread is of no use to others.
		runtime.LockOSThread()
		err := syscall.Unshare(syscall.CLONE_NEWNET)
		if err == nil {
			err = prepare()
		}
		why <- err
		if err == nil {
			test()
		}
	}()
	<-done
	if err := <-why; err != nil {
		lab.Skip(t, "no network namespace: "+err.Error())
	}
}

// shell runs commands in the namespace of the calling thread.
func shell(commands string) error {
	command := exec.Command("sh", "-e")
	command.Stdin = strings.NewReader(commands)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}
