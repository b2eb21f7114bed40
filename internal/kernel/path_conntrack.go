package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"netsonde"
)

// What of the messages about tracked connections x/sys does not name
// (nfnetlink_conntrack.h).
const (
	conntrackGet     = unix.NFNL_SUBSYS_CTNETLINK<<8 | 1 // IPCTNL_MSG_CT_GET
	conntrackHeader  = 4                                 // struct nfgenmsg
	conntrackTuple   = 1                                 // CTA_TUPLE_ORIG
	conntrackStatus  = 3                                 // CTA_STATUS
	conntrackTimeout = 7                                 // CTA_TIMEOUT
	tupleIP          = 1                                 // CTA_TUPLE_IP
	tupleProtocol    = 2                                 // CTA_TUPLE_PROTO
	protocolNumber   = 1                                 // CTA_PROTO_NUM
	seenReply        = 1 << 1                            // IPS_SEEN_REPLY
)

// echoTuple is how an echo is described: the attributes of its addresses and of
// its identifier, type and code.
type echoTuple struct {
	source, destination, id, kind, code uint16
	protocol, request                   uint8
}

var (
	echoTuple4 = echoTuple{1, 2, 4, 5, 6, unix.IPPROTO_ICMP, 8}
	echoTuple6 = echoTuple{3, 4, 7, 8, 9, unix.IPPROTO_ICMPV6, 128}
)

// askConntrack asks how full the table of tracked connections is, and for the
// session of an echo to the address. Without the table there is nothing to ask.
func (p *pathQuery) askConntrack(deadline time.Time) {
	count, err := conntrackNumber("nf_conntrack_count")
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		p.problem("conntrack", err)
		return
	}
	most, err := conntrackNumber("nf_conntrack_max")
	if err != nil {
		p.problem("conntrack", err)
	}
	p.path.Conntrack = &netsonde.Conntrack{Count: count, Max: most}
	if p.path.Route == nil || !p.path.Route.Source.IsValid() && !p.question.Source.IsValid() {
		return
	}
	source := p.question.Source.Unmap()
	if !source.IsValid() {
		source = p.path.Route.Source
	}
	session, err := askSession(deadline, source, p.question.Addr.Unmap().WithZone(""), p.question.Identity)
	switch {
	case err != nil:
		p.problem("conntrack sessions", err)
	case session != nil:
		p.path.Conntrack.Sessions = []netsonde.ConntrackSession{*session}
	default:
		p.path.Conntrack.Sessions = []netsonde.ConntrackSession{}
	}
}

func conntrackNumber(name string) (uint64, error) {
	text, err := os.ReadFile("/proc/sys/net/netfilter/" + name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
}

// askSession asks for the session of an echo, nil when there is none. It needs
// CAP_NET_ADMIN.
func askSession(deadline time.Time, source, destination netip.Addr, identity uint16) (*netsonde.ConntrackSession, error) {
	tuple := echoTuple4
	if destination.Is6() {
		tuple = echoTuple6
	}
	attributes := encoder()
	attributes.Nested(conntrackTuple, func(all *netlink.AttributeEncoder) error {
		all.Nested(tupleIP, func(ip *netlink.AttributeEncoder) error {
			ip.Bytes(tuple.source, source.WithZone("").AsSlice())
			ip.Bytes(tuple.destination, destination.AsSlice())
			return nil
		})
		all.Nested(tupleProtocol, func(protocol *netlink.AttributeEncoder) error {
			protocol.Uint8(protocolNumber, tuple.protocol)
			protocol.Bytes(tuple.id, binary.BigEndian.AppendUint16(nil, identity))
			protocol.Uint8(tuple.kind, tuple.request)
			protocol.Uint8(tuple.code, 0)
			return nil
		})
		return nil
	})
	encoded, err := attributes.Encode()
	if err != nil {
		return nil, fmt.Errorf("write a request: %w", err)
	}
	answer, err := askOnce(deadline, netlink.Message{
		Header: netlink.Header{Type: conntrackGet, Flags: netlink.Request},
		Data:   append([]byte{family(destination), 0, 0, 0}, encoded...),
	})
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil, nil
	case err != nil:
		return nil, err
	}
	session, err := parseSession(answer.Data)
	if err != nil {
		return nil, err
	}
	session.Identity = identity
	return &session, nil
}

// askOnce sends a request to the firewall and returns the first answer. The
// kernel marks this one as one of several, of which the library would await the
// last, that never comes.
func askOnce(deadline time.Time, request netlink.Message) (answer netlink.Message, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return answer, err
	}
	defer unix.Close(fd)
	patience := unix.NsecToTimeval(max(time.Until(deadline), time.Millisecond).Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return answer, err
	}
	request.Header.Length = uint32(unix.SizeofNlMsghdr + len(request.Data)) //nolint:gosec // a few hundred bytes
	bytes, err := request.MarshalBinary()
	if err != nil {
		return answer, err
	}
	if err := unix.Sendto(fd, bytes, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return answer, err
	}
	buffer := make([]byte, 1<<14)
	n, from, err := unix.Recvfrom(fd, buffer, 0)
	if err != nil {
		return answer, err
	}
	if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != 0 {
		return answer, errors.New("an answer of another process")
	}
	return firstMessage(buffer[:n])
}

// firstMessage reads the first of some messages, an error if it is one.
func firstMessage(data []byte) (m netlink.Message, err error) {
	if len(data) < unix.SizeofNlMsghdr {
		return m, fmt.Errorf("an answer of %d bytes is too short", len(data))
	}
	length := int(binary.NativeEndian.Uint32(data))
	if length < unix.SizeofNlMsghdr || length > len(data) {
		return m, fmt.Errorf("an answer of %d bytes says that it has %d", len(data), length)
	}
	m.Header.Type = netlink.HeaderType(binary.NativeEndian.Uint16(data[4:]))
	m.Data = data[unix.SizeofNlMsghdr:length]
	if m.Header.Type != netlink.Error {
		return m, nil
	}
	if len(m.Data) < 4 {
		return m, errors.New("an error without a number")
	}
	return m, syscall.Errno(-int32(binary.NativeEndian.Uint32(m.Data))) //nolint:gosec // as the kernel writes it
}

// parseSession reads an IPCTNL_MSG_CT_NEW, whose numbers are in network order.
func parseSession(data []byte) (session netsonde.ConntrackSession, err error) {
	err = decode(data, conntrackHeader, func(a *netlink.AttributeDecoder) {
		value := a.Bytes()
		if len(value) != 4 {
			return
		}
		switch a.Type() {
		case conntrackStatus:
			session.Replied = binary.BigEndian.Uint32(value)&seenReply != 0
		case conntrackTimeout:
			session.Left = time.Duration(binary.BigEndian.Uint32(value)) * time.Second
		}
	})
	return session, err
}
