package kernel

import (
	"encoding/binary"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"netsonde"
)

// pathParsers are what reads the kernel's answers about a way. A parser must not
// panic, whatever the bytes.
func pathParsers() map[string]func([]byte) error {
	return map[string]func([]byte) error{
		"route": func(b []byte) error {
			route, _, err := parseRoute(b)
			if (route == nil) == (err == nil) {
				panic("a route and an error, or neither")
			}
			return err
		},
		"neighbour": func(b []byte) error { return parseNeighbour(b, &netsonde.Neighbour{}) },
		"interface": func(b []byte) error {
			found, err := parseInterface(b)
			if (found == nil) == (err == nil) {
				panic("an interface and an error, or neither")
			}
			return err
		},
		"queue":   func(b []byte) error { _, err := parsePathQueue(b); return err },
		"session": func(b []byte) error { _, err := parseSession(b); return err },
		"message": func(b []byte) error { _, err := firstMessage(b); return err },
	}
}

// pathSeeds are messages of every kind, whole and cut.
func pathSeeds(t testing.TB) [][]byte {
	seed := func(header int, build func(*netlink.AttributeEncoder)) []byte {
		attributes := encoder()
		build(attributes)
		encoded, err := attributes.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return append(make([]byte, header), encoded...)
	}
	counters := binary.NativeEndian.AppendUint64(make([]byte, 56), 4)
	return [][]byte{
		nil, {1}, make([]byte, 7), make([]byte, 11),
		seed(unix.SizeofRtMsg, func(a *netlink.AttributeEncoder) {
			a.Bytes(unix.RTA_GATEWAY, []byte{10, 0, 0, 1})
			a.Bytes(unix.RTA_VIA, []byte{0})
			a.Uint32(unix.RTA_OIF, 2)
			a.Nested(unix.RTA_METRICS, func(m *netlink.AttributeEncoder) error { m.Uint32(routeMTU, 1400); return nil })
		}),
		seed(unix.SizeofNdMsg, func(a *netlink.AttributeEncoder) { a.Bytes(unix.NDA_LLADDR, []byte{2, 0, 0, 0, 0, 1}) }),
		seed(unix.SizeofIfInfomsg, func(a *netlink.AttributeEncoder) {
			a.String(unix.IFLA_IFNAME, "eth0")
			a.Uint8(unix.IFLA_OPERSTATE, 200)
			a.Bytes(unix.IFLA_STATS64, counters)
		}),
		seed(queueHeader, func(a *netlink.AttributeEncoder) {
			a.String(queueKind, "tbf")
			a.Nested(queueStatistics, func(s *netlink.AttributeEncoder) error { s.Bytes(queueCounters, make([]byte, 19)); return nil })
		}),
		seed(conntrackHeader, func(a *netlink.AttributeEncoder) { a.Bytes(conntrackStatus, []byte{0, 0, 0, 2}) }),
	}
}

func FuzzPathAnswers(f *testing.F) {
	for _, seed := range pathSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		for _, parse := range pathParsers() {
			_ = parse(data)
		}
	})
}

// TestPlantedPathBug shows that the seeds alone find a parser that takes a
// header for granted.
func TestPlantedPathBug(t *testing.T) {
	found := 0
	for _, seed := range pathSeeds(t) {
		func() {
			defer func() {
				if recover() != nil {
					found++
				}
			}()
			_ = binary.NativeEndian.Uint32(seed[4:])
		}()
	}
	if found == 0 {
		t.Error("no seed is too short")
	}
}

// TestPathAnswers reads what the seeds say.
func TestPathAnswers(t *testing.T) {
	seeds := pathSeeds(t)
	if route, index, err := parseRoute(seeds[4]); err != nil || index != 2 || route.MTU != 1400 || route.Gateway.String() != "10.0.0.1" {
		t.Errorf("route %+v, interface %d, %v", route, index, err)
	}
	if found, err := parseInterface(seeds[6]); err != nil || found.Name != "eth0" || found.State != "unknown" || found.SendDropped != 4 {
		t.Errorf("interface %+v, %v", found, err)
	}
	if found, err := parsePathQueue(seeds[7]); err != nil || found.Kind != "tbf" || found.Drops != 0 {
		t.Errorf("queue %+v, %v", found, err)
	}
	if found, err := parseSession(seeds[8]); err != nil || !found.Replied {
		t.Errorf("session %+v, %v", found, err)
	}
}
