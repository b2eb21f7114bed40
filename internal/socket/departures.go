package socket

import (
	"netsonde/internal/packet"
)

// departureWindow is how many sequences of an identity have their stamps kept.
const departureWindow = 1 << 12

// departures keep when probes left until their answers come. The sequences of
// an identity are used in turn, so the last of each are kept.
type departures struct {
	protocols [packet.TCP + 1][]identityDepartures
}

type identityDepartures struct {
	identity uint16
	stamps   []departure // by sequence modulo departureWindow; nil until used
}

type departure struct {
	stamp    int64
	sequence uint16
}

func newDepartures(can packet.Capabilities) (d departures) {
	for protocol, identities := range [...][]uint16{packet.Echo: can.ICMP, packet.UDP: can.UDP, packet.TCP: can.TCP()} {
		for _, identity := range identities {
			d.protocols[protocol] = append(d.protocols[protocol], identityDepartures{identity: identity})
		}
	}
	return d
}

func (d *departures) of(protocol packet.Protocol, identity uint16) *identityDepartures {
	all := d.protocols[protocol]
	for i := range all {
		if all[i].identity == identity {
			return &all[i]
		}
	}
	return nil
}

// add keeps the stamp of a probe, in place of that of an earlier one.
func (d *departures) add(protocol packet.Protocol, number uint32, stamp int64) {
	of := d.of(protocol, uint16(number>>16))
	if of == nil {
		return
	}
	if of.stamps == nil {
		of.stamps = make([]departure, departureWindow)
	}
	sequence := uint16(number)
	of.stamps[sequence%departureWindow] = departure{stamp: stamp, sequence: sequence}
}

// find returns the stamp of the last probe with that name, 0 if it has none or
// too many have left since.
func (d *departures) find(protocol packet.Protocol, identity, sequence uint16) int64 {
	of := d.of(protocol, identity)
	if of == nil || of.stamps == nil {
		return 0
	}
	if found := of.stamps[sequence%departureWindow]; found.sequence == sequence {
		return found.stamp
	}
	return 0
}
