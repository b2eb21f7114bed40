package socket

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// reservation holds a block of ICMP identities: against other connections in
// the same network namespace by a name in its abstract socket namespace
// (unix(7)), and against other programs' ping sockets by ping sockets of its
// own (icmp(7)). The kernel would give those an identity of the block, and with
// it our answers. It frees both with the process, however that ends.
type reservation struct {
	block uint16
	name  int
	held  []*datagram
}

// reserveBlock takes a random free block. Block 0 is left out: some devices
// treat identity 0 as none.
func reserveBlock() (*reservation, error) {
	const blocks = 1 << 16 / blockSize
	start := rand.IntN(blocks - 1)
	for i := range blocks - 1 {
		r, err := takeBlock(uint16(1+(start+i)%(blocks-1)) * blockSize)
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			return nil, fmt.Errorf("reserve ICMP identities: %w", err)
		}
	}
	return nil, fmt.Errorf("reserve ICMP identities: %w", unix.EADDRINUSE)
}

// takeBlock fails with EADDRINUSE when someone has an identity of the block.
func takeBlock(block uint16) (r *reservation, err error) {
	r = &reservation{block: block}
	r.name, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	err = unix.Bind(r.name, &unix.SockaddrUnix{Name: fmt.Sprintf("@netsonde-icmp-%04x", block)})
	if err == nil {
		err = r.hold()
	}
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// hold binds the identities, for us alone: ping sockets share theirs unless one
// of them objects. One table of the kernel's serves both families. Where the
// system gives us no ping sockets (ping_group_range) the block stays open to
// those that may have them.
func (r *reservation) hold() error {
	for _, identity := range r.identities() {
		d, err := openDatagram(false, unix.SOCK_DGRAM, unix.IPPROTO_ICMP, dropAll())
		if err != nil {
			return nil
		}
		r.held = append(r.held, d)
		if err := unix.SetsockoptInt(d.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 0); err != nil {
			return err
		}
		if err := d.bind(identity); err != nil {
			return err
		}
	}
	return nil
}

// identities returns the block's members.
func (r *reservation) identities() []uint16 {
	ids := make([]uint16, blockSize)
	for i := range ids {
		ids[i] = r.block + uint16(i)
	}
	return ids
}

func (r *reservation) close() error {
	return errors.Join(unix.Close(r.name), closeAll(r.held))
}

// tracePorts is how many source ports a connection takes: each holds 65,534
// datagrams and 65,536 SYNs that wait for their answers, and is a flow.
const tracePorts = 16

// Ports from firstTracePort on are where traceroute sends to. They are no
// source ports of ours: probes that we send to ourselves would reach them.
const (
	firstTracePort = 33434
	lastTracePort  = firstTracePort + 255
)

// reservePort takes a port for UDP and TCP of both families and lets nothing
// in. Without it another program might be given the port, and our answers.
func reservePort() (port uint16, held []*datagram, err error) {
	for range 64 {
		port, held, err = holdPort()
		if err == nil && (port < firstTracePort || port > lastTracePort) {
			return port, held, nil
		}
		err = errors.Join(err, closeAll(held))
		if err != nil && !errors.Is(err, unix.EADDRINUSE) {
			return 0, nil, fmt.Errorf("reserve source port: %w", err)
		}
	}
	return 0, nil, fmt.Errorf("reserve source port: %w", unix.EADDRINUSE)
}

// holdPort has the kernel choose a port for datagrams and takes it for TCP too:
// EADDRINUSE when another program has it there. The TCP socket never listens:
// what comes for it is answered with a reset, as a closed port's.
func holdPort() (port uint16, held []*datagram, err error) {
	for _, kind := range []struct {
		kind, protocol int
		filter         []bpf.Instruction
	}{
		{unix.SOCK_DGRAM, unix.IPPROTO_UDP, dropAll()},
		// It gets nothing, and to filter TCP Linux 6.18 wants CAP_NET_ADMIN.
		{unix.SOCK_STREAM, unix.IPPROTO_TCP, nil},
	} {
		// An IPv6 socket holds the port in both families.
		d, err := openDatagram(true, kind.kind, kind.protocol, kind.filter)
		if err != nil {
			if d, err = openDatagram(false, kind.kind, kind.protocol, kind.filter); err != nil {
				return 0, held, err
			}
		}
		held = append(held, d)
		if err = d.bindBoth(port); err != nil {
			return 0, held, err
		}
		if port, err = d.port(); err != nil {
			return 0, held, err
		}
	}
	return port, held, nil
}

func closeAll(sockets []*datagram) (err error) {
	for _, d := range sockets {
		if d != nil {
			err = errors.Join(err, d.close())
		}
	}
	return err
}
