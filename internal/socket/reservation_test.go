package socket_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"netsonde/internal/lab"
	"netsonde/internal/socket"
)

// TestRawIdentitiesAreTakenFromPingSockets: another program's ping must not be
// given an identity of ours by the kernel, since it would be shown our answers.
// It needs root and namespaces.
func TestRawIdentitiesAreTakenFromPingSockets(t *testing.T) {
	node := lab.ForTest(t).Node("host")
	node.PingGroups(0, 1<<31-1)
	raw := openIn(t, node, socket.KindRaw)
	identities := raw.Capabilities().ICMP
	for _, identity := range append(identities, identities[0]-1) {
		err := node.Do(func() error { return bindPingSocket(identity) })
		if identity < identities[0] {
			if err != nil {
				t.Errorf("identity %d, which is not ours: %v", identity, err)
			}
		} else if !errors.Is(err, unix.EADDRINUSE) {
			t.Errorf("a ping socket on our identity %d: %v", identity, err)
		}
	}
}

// bindPingSocket binds one to an identity and closes it.
func bindPingSocket(identity uint16) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Bind(fd, &unix.SockaddrInet4{Port: int(identity)})
}

// TestSourcePortsAreHeld: another program must not be given a port that our
// datagrams and SYNs leave from, since it would be shown our answers.
func TestSourcePortsAreHeld(t *testing.T) {
	node := lab.ForTest(t).Node("host")
	raw := openIn(t, node, socket.KindRaw)
	defer raw.Close()
	for _, port := range raw.Capabilities().UDP {
		for _, six := range []bool{false, true} {
			for _, kind := range []int{unix.SOCK_DGRAM, unix.SOCK_STREAM} {
				if err := node.Do(func() error { return bindPort(six, kind, port) }); !errors.Is(err, unix.EADDRINUSE) {
					t.Errorf("port %d, IPv6 %v, socket type %d: %v", port, six, kind, err)
				}
			}
		}
	}
}

// bindPort binds a socket of a type to a port and closes it.
func bindPort(six bool, kind int, port uint16) error {
	domain, name := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(port)})
	if six {
		domain, name = unix.AF_INET6, &unix.SockaddrInet6{Port: int(port)}
	}
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Bind(fd, name)
}
