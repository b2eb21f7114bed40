package socket

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"golang.org/x/sys/unix"
)

// reservation holds a block of ICMP identities against other connections in
// the same network namespace, by a name in its abstract socket namespace
// (unix(7)). The kernel frees the name with the process, however it ends.
type reservation struct {
	block uint16
	fd    int
}

// reserveBlock takes a random free block. Block 0 is left out: some devices
// treat identity 0 as none.
func reserveBlock() (*reservation, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("reserve ICMP identities: %w", err)
	}
	const blocks = 1 << 16 / blockSize
	start := rand.IntN(blocks - 1)
	for i := range blocks - 1 {
		block := uint16(1+(start+i)%(blocks-1)) * blockSize
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: fmt.Sprintf("@netsonde-icmp-%04x", block)})
		if err == nil {
			return &reservation{block: block, fd: fd}, nil
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			break
		}
	}
	unix.Close(fd)
	return nil, fmt.Errorf("reserve ICMP identities: %w", err)
}

// identities returns the block's members.
func (r *reservation) identities() []uint16 {
	ids := make([]uint16, blockSize)
	for i := range ids {
		ids[i] = r.block + uint16(i)
	}
	return ids
}

func (r *reservation) close() error { return unix.Close(r.fd) }

// tracePorts is how many UDP source ports a connection takes: each holds
// 65,534 datagrams that wait for their answers.
const tracePorts = 4

// Ports from firstTracePort on are where traceroute sends to. They are no
// source ports of ours: probes that we send to ourselves would reach them.
const (
	firstTracePort = 33434
	lastTracePort  = firstTracePort + 255
)

// reservePort binds a UDP port in each family that there is and lets nothing
// in. Without it another program might be given the port, and our errors.
func reservePort() (port uint16, held []*datagram, err error) {
	for range 64 {
		port, held, err = bindPort()
		if err == nil && (port < firstTracePort || port > lastTracePort) {
			return port, held, nil
		}
		err = errors.Join(err, closeAll(held))
		if err != nil && !errors.Is(err, unix.EADDRINUSE) {
			return 0, nil, fmt.Errorf("reserve UDP source port: %w", err)
		}
	}
	return 0, nil, fmt.Errorf("reserve UDP source port: %w", unix.EADDRINUSE)
}

// bindPort has the kernel choose a port in one family and takes it in the
// other too: EADDRINUSE when another program has it there.
func bindPort() (port uint16, held []*datagram, err error) {
	for _, six := range []bool{false, true} {
		d, err := openDatagram(six, unix.SOCK_DGRAM, unix.IPPROTO_UDP, dropAll())
		if err != nil {
			continue // a family that this machine has not
		}
		held = append(held, d)
		if err = d.bind(port); err != nil {
			return 0, held, err
		}
		if port, err = d.port(); err != nil {
			return 0, held, err
		}
	}
	if len(held) == 0 {
		return 0, nil, unix.EAFNOSUPPORT
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
