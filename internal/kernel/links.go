package kernel

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"netsonde"
)

// The places of counters in struct rtnl_link_stats64 (Linux, if_link.h).
const (
	statReceived        = 0
	statSent            = 1
	statSendErrors      = 5
	statReceiveDropped  = 6
	statSendDropped     = 7
	statReceiveOverruns = 11
	statReceiveFIFO     = 14
	statReceiveMissed   = 15
	statsKnown          = 16
)

// parseLink reads an interface as RTM_NEWLINK tells it (rtnetlink(7)).
func parseLink(data []byte) (netsonde.InterfaceDrops, error) {
	if len(data) < unix.SizeofIfInfomsg {
		return netsonde.InterfaceDrops{}, fmt.Errorf("interface counters: %d bytes are too few", len(data))
	}
	flags := binary.NativeEndian.Uint32(data[8:])
	of := netsonde.InterfaceDrops{
		Index:    int(int32(binary.NativeEndian.Uint32(data[4:]))),
		Up:       flags&unix.IFF_UP != 0,
		Loopback: flags&unix.IFF_LOOPBACK != 0,
		Carrier:  true, // of those that do not tell
	}
	attributes, err := netlink.NewAttributeDecoder(data[unix.SizeofIfInfomsg:])
	if err != nil {
		return of, fmt.Errorf("interface counters: %w", err)
	}
	for attributes.Next() {
		switch attributes.Type() {
		case unix.IFLA_IFNAME:
			of.Name, _, _ = strings.Cut(attributes.String(), "\x00")
		case unix.IFLA_CARRIER:
			of.Carrier = attributes.Uint8() != 0
		case unix.IFLA_CARRIER_CHANGES:
			of.CarrierChanges = uint64(attributes.Uint32())
		case unix.IFLA_STATS64:
			takeStatistics(&of, attributes.Bytes())
		}
	}
	if err := attributes.Err(); err != nil {
		return of, fmt.Errorf("interface counters: %w", err)
	}
	return of, nil
}

// takeStatistics takes over the counters that tell of drops. Which of three a
// driver uses for want of room differs. Frames that came in broken are the
// cable's doing and not among them.
func takeStatistics(of *netsonde.InterfaceDrops, data []byte) {
	if len(data) < statsKnown*8 {
		return
	}
	counter := func(place int) uint64 { return binary.NativeEndian.Uint64(data[place*8:]) }
	of.Received, of.Sent = counter(statReceived), counter(statSent)
	of.ReceiveDropped = counter(statReceiveDropped)
	of.ReceiveMissed = max(counter(statReceiveMissed), counter(statReceiveFIFO), counter(statReceiveOverruns))
	of.SendDropped = counter(statSendDropped) + counter(statSendErrors)
}
