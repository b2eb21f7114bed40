package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// egress asks the kernel for the interface by which it would send.
func egress(conn *netlink.Conn, to, from netip.Addr) (index int, err error) {
	to, from = to.Unmap().WithZone(""), from.Unmap().WithZone("")
	request := make([]byte, unix.SizeofRtMsg)
	request[0] = unix.AF_INET6
	if to.Is4() {
		request[0] = unix.AF_INET
	}
	request[1] = byte(to.BitLen())
	attributes := netlink.NewAttributeEncoder()
	attributes.Bytes(unix.RTA_DST, to.AsSlice())
	if from.IsValid() && !from.IsUnspecified() {
		request[2] = byte(from.BitLen())
		attributes.Bytes(unix.RTA_SRC, from.AsSlice())
	}
	attributes.Uint8(unix.RTA_IP_PROTO, echoProtocol(to))
	encoded, err := attributes.Encode()
	if err != nil {
		return 0, fmt.Errorf("ask for the route to %s: %w", to, err)
	}
	answers, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETROUTE, Flags: netlink.Request},
		Data:   slices.Concat(request, encoded),
	})
	if err != nil {
		return 0, fmt.Errorf("ask for the route to %s: %w", to, err)
	}
	for _, answer := range answers {
		if index, err := parseEgress(answer.Data); err != nil || index != 0 {
			return index, err
		}
	}
	return 0, fmt.Errorf("ask for the route to %s: the kernel names no interface", to)
}

// echoProtocol is that of echoes to an address, by which rules of routing may tell
// them from other packets.
func echoProtocol(to netip.Addr) uint8 {
	if to.Is4() {
		return unix.IPPROTO_ICMP
	}
	return unix.IPPROTO_ICMPV6
}

// parseEgress reads the interface of a route as RTM_NEWROUTE tells it, 0 if it
// has none.
func parseEgress(data []byte) (index int, err error) {
	if len(data) < unix.SizeofRtMsg {
		return 0, fmt.Errorf("route: %d bytes are too few", len(data))
	}
	attributes, err := netlink.NewAttributeDecoder(data[unix.SizeofRtMsg:])
	if err != nil {
		return 0, fmt.Errorf("route: %w", err)
	}
	for attributes.Next() {
		if data := attributes.Bytes(); attributes.Type() == unix.RTA_OIF && len(data) == 4 {
			index = int(int32(binary.NativeEndian.Uint32(data)))
		}
	}
	if err := attributes.Err(); err != nil {
		return 0, fmt.Errorf("route: %w", err)
	}
	return index, nil
}
