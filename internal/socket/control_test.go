package socket

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// controlMessages encodes with our encoder and decodes with the x/sys parser.
func controlMessages(t *testing.T, six bool, m marks) []unix.SocketControlMessage {
	t.Helper()
	var control sendControl
	for i := range control {
		control[i] = ^uint64(0) // what an earlier message may have left
	}
	n := encodeControl(&control, six, m)
	buf := (*[sendControlSize]byte)(unsafe.Pointer(&control))[:n]
	messages, err := unix.ParseSocketControlMessage(buf)
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

func TestEncodeControl(t *testing.T) {
	four, six := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")
	int32Bytes := func(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }
	info4 := append(append(make([]byte, 4), 192, 0, 2, 7), 0, 0, 0, 0)
	six16 := six.As16()
	info6 := append(six16[:], 0, 0, 0, 0)
	type want struct {
		level, kind int32
		data        []byte
	}
	cases := []struct {
		name  string
		six   bool
		marks marks
		want  []want
	}{
		{"nothing", false, marks{number: 7}, nil},
		{"TTL", false, marks{ttl: 1}, []want{{unix.SOL_IP, unix.IP_TTL, int32Bytes(1)}}},
		{"hop limit", true, marks{ttl: 255}, []want{{unix.SOL_IPV6, unix.IPV6_HOPLIMIT, int32Bytes(255)}}},
		{"source", false, marks{source: four}, []want{{unix.SOL_IP, unix.IP_PKTINFO, info4}}},
		{"both", false, marks{ttl: 3, source: four}, []want{{unix.SOL_IP, unix.IP_TTL, int32Bytes(3)}, {unix.SOL_IP, unix.IP_PKTINFO, info4}}},
		{"both, IPv6", true, marks{ttl: 3, source: six}, []want{{unix.SOL_IPV6, unix.IPV6_HOPLIMIT, int32Bytes(3)}, {unix.SOL_IPV6, unix.IPV6_PKTINFO, info6}}},
		{"codepoint", false, marks{dscp: 46}, []want{{unix.SOL_IP, unix.IP_TOS, int32Bytes(0xb8)}}},
		{"number", true, marks{numbered: true, number: 0xfedcba98}, []want{{unix.SOL_SOCKET, unix.SCM_TS_OPT_ID, int32Bytes(0xfedcba98)}}},
		{"number 0", false, marks{numbered: true}, []want{{unix.SOL_SOCKET, unix.SCM_TS_OPT_ID, int32Bytes(0)}}},
		{"all, IPv6", true, marks{ttl: 3, dscp: 63, source: six, numbered: true, number: 9}, []want{
			{unix.SOL_IPV6, unix.IPV6_HOPLIMIT, int32Bytes(3)}, {unix.SOL_IPV6, unix.IPV6_TCLASS, int32Bytes(0xfc)},
			{unix.SOL_SOCKET, unix.SCM_TS_OPT_ID, int32Bytes(9)}, {unix.SOL_IPV6, unix.IPV6_PKTINFO, info6},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := controlMessages(t, c.six, c.marks)
			if len(got) != len(c.want) {
				t.Fatalf("%d messages, want %d", len(got), len(c.want))
			}
			for i, w := range c.want {
				if got[i].Header.Level != w.level || got[i].Header.Type != w.kind || !bytes.Equal(got[i].Data, w.data) {
					t.Errorf("message %d = %+v %x, want %+v", i, got[i].Header, got[i].Data, w)
				}
			}
		})
	}
}

// controlMessage builds what the kernel writes.
func controlMessage(level, kind int32, data []byte) []byte {
	buf := make([]byte, unix.CmsgSpace(len(data)))
	copy(putControl(buf, level, kind, len(data)), data)
	return buf
}

// stampData is struct scm_timestamping, of which the first of three times is set.
func stampData(seconds, nanoseconds int64) []byte {
	times := [3]unix.Timespec{unix.NsecToTimespec(seconds*1e9 + nanoseconds)}
	return bytes.Clone((*[unsafe.Sizeof(times)]byte)(unsafe.Pointer(&times))[:])
}

// ofLength is a control message whose header tells a length that is not its own.
func ofLength(message []byte, length int) []byte {
	message = bytes.Clone(message)
	(*unix.Cmsghdr)(unsafe.Pointer(&message[0])).SetLen(length)
	return message
}

func errorData(origin, kind, code byte, offender netip.Addr) []byte {
	data := append(make([]byte, 4), origin, kind, code, 0)
	data = append(data, make([]byte, 8)...)
	var name unix.RawSockaddrInet6
	size := sizeofName
	if offender.IsValid() {
		size = encodeName(&name, offender, 0, 0)
	}
	return append(data, (*[sizeofName]byte)(unsafe.Pointer(&name))[:size]...)
}

// departureData is struct sock_extended_err about a stamp.
func departureData(origin byte, info, number uint32) []byte {
	data := append(binary.NativeEndian.AppendUint32(nil, uint32(unix.ENOMSG)), origin, 0, 0, 0)
	data = binary.NativeEndian.AppendUint32(data, info)
	return binary.NativeEndian.AppendUint32(data, number)
}

func TestDecodeControl(t *testing.T) {
	offender4, offender6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	ttl := controlMessage(unix.SOL_IP, unix.IP_TTL, []byte{57, 0, 0, 0})
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		ttl = controlMessage(unix.SOL_IP, unix.IP_TTL, []byte{0, 0, 0, 57})
	}
	stamp := controlMessage(unix.SOL_SOCKET, unix.SCM_TIMESTAMPING, stampData(12, 34))
	failed4 := controlMessage(unix.SOL_IP, unix.IP_RECVERR, errorData(unix.SO_EE_ORIGIN_ICMP, 11, 0, offender4))
	failed6 := controlMessage(unix.SOL_IPV6, unix.IPV6_RECVERR, errorData(unix.SO_EE_ORIGIN_ICMP6, 1, 4, offender6))
	cases := []struct {
		name string
		data []byte
		want ancillary
	}{
		{"nothing", nil, ancillary{}},
		{"less than a header", ttl[:unix.CmsgLen(0)-1], ancillary{}},
		{"TTL", ttl, ancillary{ttl: 57}},
		{"TTL without its padding", ttl[:unix.CmsgLen(4)], ancillary{ttl: 57}},
		{"TTL cut short", ttl[:unix.CmsgLen(4)-1], ancillary{}},
		{"stamp, then TTL", append(bytes.Clone(stamp), ttl...), ancillary{stamp: 12_000_000_034, ttl: 57}},
		{"unknown, then TTL", append(controlMessage(1, 99, make([]byte, 5)), ttl...), ancillary{ttl: 57}},
		{"endless length", append(ofLength(ttl, math.MaxInt), ttl...), ancillary{}},
		{"length below its header", append(ofLength(ttl, 3), ttl...), ancillary{}},
		{"empty TTL", controlMessage(unix.SOL_IP, unix.IP_TTL, nil), ancillary{}},
		{"short stamp", controlMessage(unix.SOL_SOCKET, unix.SCM_TIMESTAMPING, make([]byte, unsafe.Sizeof(unix.Timespec{})-1)), ancillary{}},
		{"error", failed4, ancillary{failed: true, kind: 11, offender: offender4}},
		{"error, IPv6", failed6, ancillary{failed: true, kind: 1, code: 4, offender: offender6}},
		{"error without offender", controlMessage(unix.SOL_IP, unix.IP_RECVERR,
			errorData(unix.SO_EE_ORIGIN_ICMP, 3, 1, netip.Addr{})), ancillary{failed: true, kind: 3, code: 1}},
		{"local error", controlMessage(unix.SOL_IP, unix.IP_RECVERR,
			errorData(unix.SO_EE_ORIGIN_LOCAL, 3, 1, offender4)), ancillary{}},
		{"departure", append(bytes.Clone(stamp), controlMessage(unix.SOL_IP, unix.IP_RECVERR,
			departureData(unix.SO_EE_ORIGIN_TIMESTAMPING, unix.SCM_TSTAMP_SND, 0xfedcba98))...),
			ancillary{stamp: 12_000_000_034, left: true, number: 0xfedcba98}},
		{"departure, IPv6", controlMessage(unix.SOL_IPV6, unix.IPV6_RECVERR,
			departureData(unix.SO_EE_ORIGIN_TIMESTAMPING, unix.SCM_TSTAMP_SND, 3)), ancillary{left: true, number: 3}},
		{"put into a queue", controlMessage(unix.SOL_IP, unix.IP_RECVERR,
			departureData(unix.SO_EE_ORIGIN_TIMESTAMPING, unix.SCM_TSTAMP_SCHED, 3)), ancillary{}},
		{"another's departure", controlMessage(unix.SOL_IP, unix.IP_RECVERR,
			departureData(unix.SO_EE_ORIGIN_LOCAL, unix.SCM_TSTAMP_SND, 3)), ancillary{}},
		{"short error", controlMessage(unix.SOL_IP, unix.IP_RECVERR, make([]byte, 15)), ancillary{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := decodeControl(c.data); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzDecodeControl(f *testing.F) {
	f.Add(controlMessage(unix.SOL_SOCKET, unix.SCM_TIMESTAMPING, stampData(1, 2)))
	f.Add(controlMessage(unix.SOL_IPV6, unix.IPV6_RECVERR, errorData(unix.SO_EE_ORIGIN_ICMP6, 1, 4, netip.IPv6Loopback())))
	f.Add(controlMessage(unix.SOL_IP, unix.IP_RECVERR, departureData(unix.SO_EE_ORIGIN_TIMESTAMPING, unix.SCM_TSTAMP_SND, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := decodeControl(data)
		if got.offender.IsValid() && !got.failed {
			t.Errorf("an offender without an error: %+v", got)
		}
		messages, err := unix.ParseSocketControlMessage(data)
		if err != nil {
			return // ours reads what stands before the break, theirs nothing
		}
		var want ancillary
		for _, m := range messages {
			want.take(m.Header.Level, m.Header.Type, m.Data)
		}
		if got != want {
			t.Errorf("got %+v, x/sys finds %+v", got, want)
		}
	})
}

func TestNamesSurvive(t *testing.T) {
	for _, text := range []string{"192.0.2.1", "::1", "fe80::1"} {
		var name unix.RawSockaddrInet6
		addr := netip.MustParseAddr(text)
		scope := uint32(0)
		if addr.Is6() {
			scope = 5
		}
		encodeName(&name, addr, 0x1234, scope)
		gotAddr, gotPort, gotScope := decodeName(&name)
		if gotAddr != addr || gotPort != 0x1234 || gotScope != scope {
			t.Errorf("%s became %s, port %#x, scope %d", text, gotAddr, gotPort, gotScope)
		}
	}
	if addr, _, _ := decodeName(&unix.RawSockaddrInet6{Family: unix.AF_UNIX}); addr.IsValid() {
		t.Errorf("a name of another family became %s", addr)
	}
}
