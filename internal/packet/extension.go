package packet

import (
	"encoding/binary"
	"net/netip"

	"netsonde"
)

// The extensions of an ICMP error (RFC 4884, section 7), and of their objects
// the one that is kept: an MPLS label stack (RFC 4950, section 3). Those of
// interfaces (RFC 5837) and all others are passed over.
const (
	extensionHeaderSize = 4
	extensionVersion    = 2
	objectHeaderSize    = 4
	objectMPLS          = 1
	objectMPLSIncoming  = 1
	labelSize           = 4
	// paddedOriginal is how much of the original datagram stands before
	// extensions whose place the error does not tell (RFC 4884, section 5.5),
	// and at least when it does.
	paddedOriginal = 128
)

// extensions finds what follows the original datagram of an ICMP error, told
// being the length of that in bytes, 0 if the error tells none. marked says that
// the error does tell it.
func extensions(original []byte, told int) (structure []byte, marked bool) {
	switch {
	case told > 0 && told <= len(original):
		return original[told:], true
	case told == 0 && len(original) > paddedOriginal:
		return original[paddedOriginal:], false
	default:
		return nil, false
	}
}

// labels returns the label stack that an extension structure holds, at most
// netsonde.MostLabels of it, "" if there is none or anything about the structure
// is wrong. One whose place was guessed must have a checksum, or what is left of
// a long datagram might be taken for it.
func labels(structure []byte, marked bool) netsonde.LabelStack {
	if len(structure) < extensionHeaderSize || structure[0]>>4 != extensionVersion {
		return ""
	}
	if binary.BigEndian.Uint16(structure[icmpChecksumOffset:]) == 0 {
		// None was sent.
		if !marked {
			return ""
		}
	} else if fold(sum(0, structure)) != 0xffff {
		return ""
	}
	var stack []byte
	for objects := structure[extensionHeaderSize:]; len(objects) > 0; {
		if len(objects) < objectHeaderSize {
			return ""
		}
		length := int(binary.BigEndian.Uint16(objects))
		if length < objectHeaderSize || length > len(objects) {
			return ""
		}
		if objects[2] == objectMPLS && objects[3] == objectMPLSIncoming && stack == nil {
			stack = objects[objectHeaderSize:length]
		}
		objects = objects[length:]
	}
	if len(stack)%labelSize != 0 {
		return ""
	}
	return netsonde.LabelStack(stack[:min(len(stack), netsonde.MostLabels*labelSize)])
}

// AppendLabelled appends a router's error that the TTL or hop limit of a
// datagram ran out, as AppendTimeExceeded does, with the labels that the
// datagram had (RFC 4950). original is 128 bytes at most. Routers from before
// RFC 4884 do not tell where the extensions begin: tells is false for these. It
// is meant for simulated networks.
func AppendLabelled(buf []byte, from, to netip.Addr, original []byte, stack netsonde.LabelStack, tells bool) []byte {
	start := len(buf)
	icmpType, at, words := icmp6TimeExceeded, 4, uint8(paddedOriginal/8)
	if from.Is4() {
		icmpType, at, words = icmp4TimeExceeded, 5, paddedOriginal/4
	}
	buf = append(buf, icmpType, codeTransit, 0, 0, 0, 0, 0, 0)
	if tells {
		buf[start+at] = words
	}
	buf = append(buf, original...)
	buf = append(buf, make([]byte, paddedOriginal-len(original))...)
	structure := len(buf)
	buf = append(buf, extensionVersion<<4, 0, 0, 0)
	buf = binary.BigEndian.AppendUint16(buf, uint16(objectHeaderSize+len(stack)))
	buf = append(buf, objectMPLS, objectMPLSIncoming)
	buf = append(buf, stack...)
	binary.BigEndian.PutUint16(buf[structure+icmpChecksumOffset:], ^fold(sum(0, buf[structure:])))
	setICMPChecksum(buf[start:], from, to)
	return buf
}
