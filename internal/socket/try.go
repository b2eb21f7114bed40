package socket

import (
	"errors"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"netsonde/internal/packet"
)

// Trial says what one kind of socket did when it was used once.
type Trial struct {
	// OpenErrno is why the socket could not be had, 0 if it could.
	OpenErrno syscall.Errno
	// SendErrno is why the packet did not leave, 0 if it did.
	SendErrno syscall.Errno
	// Answered tells that the answer came in time, after RTT.
	Answered bool
	RTT      time.Duration
	// ReceiveStamp and TransmitStamp tell that the kernel stamped the answer's
	// arrival and the packet's leaving.
	ReceiveStamp, TransmitStamp bool
	// ReceiveBuffer and SendBuffer are what the system granted, in bytes as the
	// kernel counts them, which is twice what was asked for (socket(7)).
	ReceiveBuffer, SendBuffer int
}

// BufferAsked is what connections ask for as send and receive buffers, in bytes.
const BufferAsked = bufferSize

// trialSize is the number of payload bytes of a trial's packet.
const trialSize = 16

// trialToken marks a trial's packet.
const trialToken = 0x6e6574736f6e6465

// trialSpacing is the time between the packets of a trial.
const trialSpacing = 2 * time.Millisecond

// trialStamps are the stamps that a trial asks for.
const trialStamps = unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_TX_SOFTWARE

// Try opens one socket of a kind for the destination's family, in the network
// namespace of the calling thread, and sends from it until the destination has
// answered and the arrival has a kernel stamp, for wait at most. KindRaw and
// KindPing send echoes; KindPort sends datagrams to a port of traceroute's, and
// a closed port's refusal is an answer. Packets to this machine itself follow
// one another after 2 ms, others after a third of wait.
func Try(kind Kind, to netip.Addr, wait time.Duration) Trial {
	t, err := openTrial(kind, to)
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return Trial{OpenErrno: errno}
	}
	if err != nil {
		return Trial{OpenErrno: unix.EINVAL}
	}
	defer t.socket.close()
	t.measureBuffers()
	spacing := wait / 3
	if to.IsLoopback() {
		spacing = trialSpacing
	}
	start := time.Now()
	for end := start.Add(wait); time.Now().Before(end); {
		sent := time.Now()
		if t.result.SendErrno = t.send(); t.result.SendErrno != 0 {
			return t.result
		}
		for next := sent.Add(spacing); time.Now().Before(next); {
			if errno := t.await(min(time.Until(next), time.Until(end))); errno != 0 {
				return t.result
			}
			if t.take() && !t.result.Answered {
				t.result.Answered, t.result.RTT = true, time.Since(sent)
			}
			// Stamps begin some milliseconds after they are asked for.
			if t.result.Answered && t.result.ReceiveStamp && t.result.TransmitStamp {
				return t.result
			}
		}
		// What leaves is stamped from the start, if at all.
		if t.result.Answered && t.result.ReceiveStamp && time.Since(start) > stampPatience {
			break
		}
	}
	return t.result
}

// trial is one trial under way.
type trial struct {
	kind     Kind
	to       netip.Addr
	name     unix.Sockaddr
	socket   *datagram
	identity uint16
	sequence uint16
	result   Trial
}

func openTrial(kind Kind, to netip.Addr) (t *trial, err error) {
	t = &trial{kind: kind, to: to, identity: uint16(unix.Getpid())}
	six := to.Is6()
	family, protocol := unix.SOCK_DGRAM, unix.IPPROTO_UDP
	if kind == KindRaw || kind == KindPing {
		if protocol = unix.IPPROTO_ICMP; six {
			protocol = unix.IPPROTO_ICMPV6
		}
	}
	if kind == KindRaw {
		family = unix.SOCK_RAW
	}
	if t.socket, err = openDatagram(six, family, protocol, nil); err != nil {
		return nil, err
	}
	t.socket.enlarge()
	err = errors.Join(t.socket.reportErrors(),
		unix.SetsockoptInt(t.socket.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, trialStamps))
	if err != nil {
		return nil, errors.Join(err, t.socket.close())
	}
	port := 0
	if kind == KindPort {
		port = firstTracePort
	}
	if !six {
		t.name = &unix.SockaddrInet4{Addr: to.As4(), Port: port}
		return t, nil
	}
	scope, errno := new(zones).scope(to)
	if errno != 0 {
		return nil, errors.Join(errno, t.socket.close())
	}
	t.name = &unix.SockaddrInet6{Addr: to.As16(), Port: port, ZoneId: scope}
	return t, nil
}

func (t *trial) measureBuffers() {
	// An error leaves 0, which is unknown.
	t.result.ReceiveBuffer, _ = unix.GetsockoptInt(t.socket.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	t.result.SendBuffer, _ = unix.GetsockoptInt(t.socket.fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
}

// send sends the next packet.
func (t *trial) send() syscall.Errno {
	t.sequence++
	probe := packet.Probe{
		Destination: t.to, Identity: t.identity, Sequence: t.sequence, Size: trialSize, Token: trialToken,
	}
	payload := packet.AppendEcho(nil, &probe)
	var err error
	// The error of the packet before may stand on the socket.
	for range sendTries {
		if err = unix.Sendto(t.socket.fd, payload, 0, t.name); err == nil {
			return 0
		}
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return unix.EINVAL
}

// await waits until something can be read.
func (t *trial) await(wait time.Duration) syscall.Errno {
	fds := [1]unix.PollFd{{Fd: int32(t.socket.fd), Events: unix.POLLIN}}
	_, errno := poll(fds[:], max(wait, 0))
	if errno == unix.EINTR {
		return 0
	}
	return errno
}

// take reads all that is there and reports whether an answer was among it.
func (t *trial) take() (answered bool) {
	for _, flags := range []int{unix.MSG_ERRQUEUE, 0} {
		for {
			var data [2048]byte
			var control [receiveControlSize]byte
			n, length, _, from, err := unix.Recvmsg(t.socket.fd, data[:], control[:], flags|unix.MSG_DONTWAIT)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				break
			}
			about := decodeControl(control[:length])
			switch {
			case flags == 0:
				if t.answers(data[:n], from) {
					answered = true
					t.result.ReceiveStamp = t.result.ReceiveStamp || about.stamp != 0
				}
			case about.failed:
				// Errors keep the stamp of their arrival too.
				if t.kind == KindPort && about.offender == t.to.WithZone("") {
					answered = true
					t.result.ReceiveStamp = t.result.ReceiveStamp || about.stamp != 0
				}
			case about.stamp != 0:
				t.result.TransmitStamp = true
			}
		}
	}
	return answered
}

// answers reports whether a packet is the answer to one of ours.
func (t *trial) answers(data []byte, from unix.Sockaddr) bool {
	if t.kind == KindPort {
		return true // whatever listens there
	}
	var reply packet.Reply
	var err error
	if t.to.Is6() {
		sender, ok := from.(*unix.SockaddrInet6)
		if !ok {
			return false
		}
		reply, err = packet.ParseICMP6(data, netip.AddrFrom16(sender.Addr))
	} else {
		if t.kind == KindRaw {
			var err error
			if _, data, err = packet.ParseIPv4(data); err != nil {
				return false
			}
		}
		reply, err = packet.ParseICMP4(data, t.to)
	}
	if err != nil || reply.Kind != packet.EchoReply || !reply.HasToken || reply.Token != trialToken {
		return false
	}
	// A ping socket's identity is the kernel's affair.
	return t.kind == KindPing || reply.Identity == t.identity
}
