package kernel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"netsonde"
)

// pathTime bounds the asking where the context has no deadline.
const pathTime = time.Second

// PathQuestion is what is asked about the way to an address.
type PathQuestion struct {
	Addr netip.Addr
	// Source is the address that is sent from; invalid lets the system choose.
	Source netip.Addr
	// DSCP is the differentiated services codepoint of what is sent (RFC 2474).
	DSCP uint8
	// Identity is that of the ICMP session that is looked for.
	Identity uint16
}

// Path tells what the kernel knows of the way to an address, in the network
// namespace of the calling thread. What it will not tell is missing, and among
// the problems. It needs no rights but for the tracked session, and takes some
// hundred microseconds.
func Path(ctx context.Context, question PathQuestion) *netsonde.LocalPath {
	p := &pathQuery{question: question, path: &netsonde.LocalPath{}}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(pathTime)
	}
	conn, err := dial(unix.NETLINK_ROUTE, deadline)
	if err != nil {
		p.problem("routes", err)
		return p.path
	}
	defer conn.Close()
	p.conn = conn
	index := p.askRoute()
	if index > 0 {
		p.askInterface(index)
		p.askNeighbour(index)
		p.askQueues(index)
	}
	p.askConntrack(deadline)
	return p.path
}

// pathQuery is a question on its way.
type pathQuery struct {
	question PathQuestion
	conn     *netlink.Conn
	path     *netsonde.LocalPath
}

func dial(family int, deadline time.Time) (*netlink.Conn, error) {
	conn, err := netlink.Dial(family, nil)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func (p *pathQuery) problem(what string, err error) {
	p.path.Problems = append(p.path.Problems, fmt.Sprintf("%s: %v", what, reason(err)))
}

// reason is the system's error without the library's words.
func reason(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// ask sends a request of a header and attributes and returns the answers' data.
func ask(conn *netlink.Conn, kind netlink.HeaderType, flags netlink.HeaderFlags, header []byte, attributes *netlink.AttributeEncoder) ([]netlink.Message, error) {
	encoded, err := attributes.Encode()
	if err != nil {
		return nil, fmt.Errorf("write a request: %w", err)
	}
	return conn.Execute(netlink.Message{
		Header: netlink.Header{Type: kind, Flags: netlink.Request | flags},
		Data:   append(header, encoded...),
	})
}

// encoder writes attributes.
func encoder() *netlink.AttributeEncoder { return netlink.NewAttributeEncoder() }

// decode goes through the attributes behind a header of so many bytes.
func decode(data []byte, header int, each func(*netlink.AttributeDecoder)) error {
	if len(data) < header {
		return fmt.Errorf("an answer of %d bytes is too short", len(data))
	}
	attributes, err := netlink.NewAttributeDecoder(data[header:])
	if err != nil {
		return err
	}
	for attributes.Next() {
		each(attributes)
	}
	return attributes.Err()
}

// family is an address's family in messages.
func family(addr netip.Addr) uint8 {
	if addr.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// address reads an address, invalid if it is none.
func address(data []byte) netip.Addr {
	addr, _ := netip.AddrFromSlice(data)
	return addr
}

// zoneIndex is the interface that an address's zone names, 0 for none.
func zoneIndex(addr netip.Addr) uint32 {
	if addr.Zone() == "" {
		return 0
	}
	if found, err := net.InterfaceByName(addr.Zone()); err == nil {
		return uint32(found.Index) //nolint:gosec // an index is positive
	}
	return 0
}
