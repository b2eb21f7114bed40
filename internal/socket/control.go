package socket

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sendControlSize holds a TTL, a traffic class, a number and a source address of
// either family, or a protocol instead of the TTL.
const sendControlSize = 120

// receiveControlSize holds a stamp, a TTL and an extended error with its offender.
const receiveControlSize = 256

// sendControl is the space for the ancillary data of one message to be sent.
// Words, not bytes, keep it aligned for the kernel.
type sendControl [sendControlSize / 8]uint64

// receiveControl is the space for the ancillary data of one received message.
type receiveControl [receiveControlSize / 8]uint64

// marks are what cannot be said in the packet itself.
type marks struct {
	// ttl and dscp are left to the system when 0, source when invalid.
	ttl, dscp uint8
	source    netip.Addr
	// numbered gives the message the number that its stamp will bear.
	numbered bool
	number   uint32
	// protocol is what rules of routing are to see, IPv4's only; the socket's when 0.
	protocol uint8
}

// encodeControl writes the marks of a message. It returns the length used.
func encodeControl(control *sendControl, six bool, m marks) (length int) {
	buf := (*[sendControlSize]byte)(unsafe.Pointer(control))[:]
	clear(buf)
	level, limit, class := int32(unix.SOL_IP), int32(unix.IP_TTL), int32(unix.IP_TOS)
	if six {
		level, limit, class = unix.SOL_IPV6, unix.IPV6_HOPLIMIT, unix.IPV6_TCLASS
	}
	if m.ttl != 0 {
		binary.NativeEndian.PutUint32(putControl(buf, level, limit, 4), uint32(m.ttl))
		length = unix.CmsgSpace(4)
	}
	if m.dscp != 0 {
		binary.NativeEndian.PutUint32(putControl(buf[length:], level, class, 4), uint32(trafficClass(m.dscp)))
		length += unix.CmsgSpace(4)
	}
	if m.numbered {
		binary.NativeEndian.PutUint32(putControl(buf[length:], unix.SOL_SOCKET, unix.SCM_TS_OPT_ID, 4), m.number)
		length += unix.CmsgSpace(4)
	}
	if m.protocol != 0 {
		binary.NativeEndian.PutUint32(putControl(buf[length:], unix.SOL_IP, unix.IP_PROTOCOL, 4), uint32(m.protocol))
		length += unix.CmsgSpace(4)
	}
	if !m.source.IsValid() {
		return length
	}
	if six {
		data := putControl(buf[length:], unix.SOL_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo)
		addr := m.source.As16()
		copy(data, addr[:])
		return length + unix.CmsgSpace(unix.SizeofInet6Pktinfo)
	}
	data := putControl(buf[length:], unix.SOL_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo)
	addr := m.source.As4()
	copy(data[4:8], addr[:]) // ipi_spec_dst, behind the interface number
	return length + unix.CmsgSpace(unix.SizeofInet4Pktinfo)
}

// trafficClass is the octet that holds a codepoint in its upper six bits; the
// others are the network's, for congestion (RFC 2474, RFC 3168).
func trafficClass(dscp uint8) uint8 { return dscp << 2 }

// putControl writes a control message header and returns where its data goes.
func putControl(buf []byte, level, kind int32, size int) []byte {
	header := (*unix.Cmsghdr)(unsafe.Pointer(&buf[0]))
	header.Level, header.Type = level, kind
	header.SetLen(unix.CmsgLen(size))
	return buf[unix.CmsgLen(0):unix.CmsgLen(size)]
}

// ancillary is what the kernel tells about a message beside its bytes.
type ancillary struct {
	// stamp is the kernel's CLOCK_REALTIME reading of the arrival in
	// nanoseconds since the Unix epoch, 0 when there is none.
	stamp int64
	// left tells that this is no message, but that the stamp is of the leaving
	// of the message with the number.
	left   bool
	number uint32
	// ttl is the TTL or hop limit the message arrived with, 0 when unknown.
	ttl uint8
	// failed tells that the message is an ICMP error from the error queue,
	// of this type and code, from offender, whose interface is offenderScope if
	// the address means something on one link only.
	failed        bool
	kind, code    uint8
	offender      netip.Addr
	offenderScope uint32
}

// decodeControl reads the ancillary data of a received message. What it does
// not know or cannot read it skips; it ends at the first broken length.
func decodeControl(buf []byte) (a ancillary) {
	const headerSize = unix.SizeofCmsghdr
	for len(buf) >= headerSize {
		length, level, kind := readControlHeader(buf)
		if length < uint64(unix.CmsgLen(0)) || length > uint64(len(buf)) {
			return a
		}
		a.take(level, kind, buf[unix.CmsgLen(0):length])
		next := unix.CmsgSpace(int(length) - unix.CmsgLen(0))
		if next >= len(buf) {
			return a
		}
		buf = buf[next:]
	}
	return a
}

// readControlHeader reads by bytes, not through a pointer to the structure:
// so it does not depend on where the buffer lies.
func readControlHeader(buf []byte) (length uint64, level, kind int32) {
	var header unix.Cmsghdr
	word := int(unsafe.Sizeof(header.Len))
	if word == 8 {
		length = binary.NativeEndian.Uint64(buf)
	} else {
		length = uint64(binary.NativeEndian.Uint32(buf))
	}
	return length, int32(binary.NativeEndian.Uint32(buf[word:])), int32(binary.NativeEndian.Uint32(buf[word+4:]))
}

func (a *ancillary) take(level, kind int32, data []byte) {
	switch {
	case level == unix.SOL_SOCKET && kind == unix.SCM_TIMESTAMPING:
		a.stamp = softwareStamp(data)
	case level == unix.SOL_IP && kind == unix.IP_TTL, level == unix.SOL_IPV6 && kind == unix.IPV6_HOPLIMIT:
		if len(data) >= 4 {
			a.ttl = uint8(binary.NativeEndian.Uint32(data))
		}
	case level == unix.SOL_IP && kind == unix.IP_RECVERR, level == unix.SOL_IPV6 && kind == unix.IPV6_RECVERR:
		a.takeError(data)
	}
}

// softwareStamp reads the first of the three times of struct scm_timestamping.
func softwareStamp(data []byte) int64 {
	switch size := int(unsafe.Sizeof(unix.Timespec{})); {
	case len(data) < size:
		return 0
	case size == 16:
		return int64(binary.NativeEndian.Uint64(data))*1e9 + int64(binary.NativeEndian.Uint64(data[8:]))
	default:
		return int64(int32(binary.NativeEndian.Uint32(data)))*1e9 + int64(int32(binary.NativeEndian.Uint32(data[4:])))
	}
}

// takeError reads struct sock_extended_err and the offender behind it (ip(7)),
// or what a stamp is about (Linux, Documentation/networking/timestamping.rst).
// Errors of this machine's own making are left out: the send has told them.
func (a *ancillary) takeError(data []byte) {
	const size = int(unsafe.Sizeof(unix.SockExtendedErr{}))
	if len(data) < size {
		return
	}
	origin := data[4]
	if origin == unix.SO_EE_ORIGIN_TIMESTAMPING && binary.NativeEndian.Uint32(data[8:]) == unix.SCM_TSTAMP_SND {
		a.left, a.number = true, binary.NativeEndian.Uint32(data[12:])
	}
	if origin != unix.SO_EE_ORIGIN_ICMP && origin != unix.SO_EE_ORIGIN_ICMP6 {
		return
	}
	a.failed, a.kind, a.code = true, data[5], data[6]
	var name unix.RawSockaddrInet6
	copy((*[sizeofName]byte)(unsafe.Pointer(&name))[:], data[size:])
	a.offender, _, a.offenderScope = decodeName(&name)
}
