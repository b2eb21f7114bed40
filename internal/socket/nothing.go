package socket

import (
	"syscall"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/packet"
)

// nothing has no sockets. What is sent by it fails.
type nothing struct{}

func (nothing) capabilities() packet.Capabilities {
	// One identity, lest an engine has none to number its probes by.
	return packet.Capabilities{ICMP: []uint16{0}, Description: "no sockets"}
}

func (nothing) sockets() []*datagram { return nil }

func (nothing) senders() []*datagram { return nil }

func (nothing) socket(*packet.Probe) *datagram { return nil }

func (nothing) compose(*outgoing, *packet.Probe, netsonde.Instant) syscall.Errno {
	return unix.EPROTONOSUPPORT
}

func (nothing) narrowed(*packet.Probe) bool { return false }

func (nothing) interpret(*datagram, *message) (packet.Reply, bool) { return packet.Reply{}, false }

func (nothing) close() error { return nil }
