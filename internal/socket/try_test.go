package socket_test

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netsonde/internal/lab"
	"netsonde/internal/socket"
)

func TestTry(t *testing.T) {
	n := lab.ForTest(t).Node("here")
	four, six := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")
	// Trials that are answered end at once, whatever the wait.
	try := func(kind socket.Kind, to netip.Addr, wait time.Duration) (trial socket.Trial) {
		if err := n.Do(func() error { trial = socket.Try(kind, to, wait); return nil }); err != nil {
			t.Fatal(err)
		}
		return trial
	}
	for _, to := range []netip.Addr{four, six} {
		if trial := try(socket.KindPing, to, 100*time.Millisecond); trial.OpenErrno != unix.EACCES {
			t.Errorf("a closed ping socket to %v: %+v", to, trial)
		}
	}
	n.PingGroups(0, 0)
	for _, kind := range []socket.Kind{socket.KindRaw, socket.KindPing, socket.KindPort} {
		for _, to := range []netip.Addr{four, six} {
			trial := try(kind, to, patience)
			if !trial.Answered || trial.RTT <= 0 || trial.RTT > patience || !trial.ReceiveStamp {
				t.Errorf("kind %d to %v: %+v", kind, to, trial)
			}
			if trial.ReceiveBuffer != 2*socket.BufferAsked || trial.SendBuffer != 2*socket.BufferAsked {
				t.Errorf("kind %d to %v: buffers of %d and %d", kind, to, trial.ReceiveBuffer, trial.SendBuffer)
			}
			if !trial.TransmitStamp {
				t.Errorf("kind %d to %v: no stamp when it left", kind, to)
			}
		}
	}
	if trial := try(socket.KindRaw, netip.MustParseAddr("192.0.2.1"), 100*time.Millisecond); trial.SendErrno != unix.ENETUNREACH {
		t.Errorf("without a route: %+v", trial)
	}
	silent := n.Drop(lab.HookInput, "")
	if trial := try(socket.KindRaw, four, 100*time.Millisecond); trial.Answered || trial.SendErrno != 0 {
		t.Errorf("with nothing let in: %+v", trial)
	}
	silent.Remove()
	refused := n.Reject(lab.HookInput, "icmp type echo-request", "admin-prohibited")
	for _, kind := range []socket.Kind{socket.KindRaw, socket.KindPing} {
		if trial := try(kind, four, 100*time.Millisecond); trial.Answered {
			t.Errorf("an error was taken for an answer: %+v", trial)
		}
	}
	refused.Remove()
	n.Drop(lab.HookOutput, "ip protocol icmp")
	if trial := try(socket.KindRaw, four, 100*time.Millisecond); trial.SendErrno != unix.EPERM {
		t.Errorf("with nothing let out: %+v", trial)
	}
}
