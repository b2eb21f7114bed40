package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/lab"
)

func TestParseSoftnet(t *testing.T) {
	text := "0000001f 00000002 00000000 00000000 00000000\n00000010 0000000a 00000001\n"
	if dropped, err := parseSoftnet([]byte(text)); err != nil || dropped != 12 {
		t.Errorf("%d, %v; want 12", dropped, err)
	}
	for _, bad := range []string{"", "0000001f\n", "0000001f zz\n", "0000001f 100000000000000000\n"} {
		if _, err := parseSoftnet([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// link is a message about an interface.
func link(t testing.TB, index int, carrier bool, changes uint32, counters []uint64) []byte {
	t.Helper()
	header := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(header[4:], uint32(index))
	binary.NativeEndian.PutUint32(header[8:], unix.IFF_UP)
	attributes := netlink.NewAttributeEncoder()
	attributes.String(unix.IFLA_IFNAME, "eth0")
	has := uint8(0)
	if carrier {
		has = 1
	}
	attributes.Uint8(unix.IFLA_CARRIER, has)
	attributes.Uint32(unix.IFLA_CARRIER_CHANGES, changes)
	var statistics []byte
	for _, counter := range counters {
		statistics = binary.NativeEndian.AppendUint64(statistics, counter)
	}
	attributes.Bytes(unix.IFLA_STATS64, statistics)
	encoded, err := attributes.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(header, encoded)
}

func TestParseLink(t *testing.T) {
	counters := make([]uint64, 25)
	for i := range counters {
		counters[i] = uint64(100 + i)
	}
	got, err := parseLink(link(t, 7, false, 3, counters))
	want := netsonde.InterfaceDrops{
		Index: 7, Name: "eth0", Up: true, CarrierChanges: 3,
		Received: 100, Sent: 101, ReceiveDropped: 106, ReceiveMissed: 115, SendDropped: 105 + 107,
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if got, err := parseLink(link(t, 7, true, 0, counters[:3])); err != nil || got.Received != 0 || !got.Carrier {
		t.Errorf("with few counters: %+v, %v", got, err)
	}
	if _, err := parseLink(make([]byte, 3)); err == nil {
		t.Error("three bytes are taken for an interface")
	}
}

// qdisc is a message about a queue.
func qdisc(t testing.TB, index int, parent, dropped uint32) []byte {
	t.Helper()
	header := make([]byte, tcMessageSize)
	binary.NativeEndian.PutUint32(header[4:], uint32(index))
	binary.NativeEndian.PutUint32(header[12:], parent)
	attributes := netlink.NewAttributeEncoder()
	attributes.Nested(unix.TCA_STATS2, func(stats *netlink.AttributeEncoder) error {
		counters := make([]byte, 20)
		binary.NativeEndian.PutUint32(counters[queueDrops:], dropped)
		stats.Bytes(1, make([]byte, 16))
		stats.Bytes(statsQueue, counters)
		return nil
	})
	encoded, err := attributes.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(header, encoded)
}

func TestDroppedByQueues(t *testing.T) {
	var queues []queue
	for _, message := range [][]byte{
		qdisc(t, 2, parentRoot, 5), qdisc(t, 2, 0x10001, 7), qdisc(t, 2, 0x10002, 1), // children that tell more
		qdisc(t, 3, parentRoot, 4), qdisc(t, 3, 0x10001, 4), // a root that counts its child's
		qdisc(t, 3, parentIngress, 100),
		qdisc(t, 4, 0x10001, 2),
	} {
		q, ok, err := parseQueue(message)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			queues = append(queues, q)
		}
	}
	if got, want := droppedOf(queues), map[int]uint64{2: 8, 3: 4, 4: 2}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if _, _, err := parseQueue(make([]byte, tcMessageSize-1)); err == nil {
		t.Error("a short message is taken for a queue")
	}
}

// FuzzMessages has the kernel's messages be any bytes: nothing may panic.
func FuzzMessages(f *testing.F) {
	f.Add(link(f, 1, true, 2, make([]uint64, 25)))
	f.Add(qdisc(f, 2, parentRoot, 5))
	f.Add([]byte("0000001f 00000002\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if of, err := parseLink(data); err == nil && strings.ContainsRune(of.Name, 0) {
			t.Error("the end of a string is part of a name")
		}
		_, _, _ = parseQueue(data)
		_, _ = parseEgress(data)
		_, _ = parseSoftnet(data)
	})
}

// TestOutages follows a carrier from look to look, the k-th at k seconds.
func TestOutages(t *testing.T) {
	type seen struct {
		up, carrier bool
		changes     uint64
	}
	const second = time.Second
	there, gone := seen{true, true, 2}, seen{true, false, 3}
	for _, test := range []struct {
		name  string
		looks []seen
		want  []netsonde.Outage
	}{
		{"always there", []seen{there, there, there}, nil},
		{"lost", []seen{there, gone, gone}, []netsonde.Outage{{Interface: 1, From: 0, First: second + 1, Last: 2 * second}}},
		{"lost and back", []seen{there, there, gone, {true, true, 4}, {true, true, 4}}, []netsonde.Outage{{Interface: 1, From: second, First: 2*second + 1, Last: 2 * second, To: 3*second + 1}}},
		{"between two looks", []seen{there, {true, true, 4}}, []netsonde.Outage{{Interface: 1, From: 0, First: second + 1, Last: 0, To: second + 1}}},
		{"back between two looks, and lost again", []seen{there, gone, gone, {true, false, 5}}, []netsonde.Outage{
			{Interface: 1, From: 0, First: second + 1, Last: 2 * second, To: 3*second + 1},
			{Interface: 1, From: 2 * second, First: 3*second + 1, Last: 3 * second},
		}},
		{"never there", []seen{gone, gone}, []netsonde.Outage{{Interface: 1, From: -1, First: -1, Last: second}}},
		{"set down", []seen{there, {false, false, 3}, {false, false, 3}}, []netsonde.Outage{{Interface: 1, From: 0, First: second + 1, Last: 0, To: second + 1}}},
		{"lost, then set down", []seen{there, gone, {false, false, 3}}, []netsonde.Outage{{Interface: 1, From: 0, First: second + 1, Last: second, To: 2*second + 1}}},
		{"long ago", append([]seen{there, gone}, slices.Repeat([]seen{{true, true, 4}}, 70)...), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var o outages
			var got []netsonde.Outage
			for i, look := range test.looks {
				at := time.Duration(i) * time.Second
				got = o.observe(&netsonde.Drops{Began: at, Ended: at + 1, Interfaces: []netsonde.InterfaceDrops{
					{Index: 1, Up: look.up, Carrier: look.carrier, CarrierChanges: look.changes},
				}})
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// TestOutageAfterALongTime has no look for an hour: Linux would have told sooner.
func TestOutageAfterALongTime(t *testing.T) {
	var o outages
	look := func(at time.Duration, carrier bool) []netsonde.Outage {
		return o.observe(&netsonde.Drops{Began: at, Ended: at + 1, Interfaces: []netsonde.InterfaceDrops{{Index: 1, Up: true, Carrier: carrier}}})
	}
	look(0, true)
	if got := look(time.Hour, false); len(got) != 1 || got[0].From != time.Hour-noticeDelay {
		t.Errorf("it may have begun at %v", got)
	}
}

// TestALookAfterOneThatWasGivenUp has an answer come too late, as while somebody
// configures interfaces for longer than is waited for. Taken for that to the next
// request it would put all later ones out of step. There are so many interfaces
// that an answer has several parts, of which some were read. It needs root and
// namespaces.
func TestALookAfterOneThatWasGivenUp(t *testing.T) {
	node := lab.ForTest(t).Node("here")
	const pairs = 100
	var batch strings.Builder
	for i := range pairs {
		fmt.Fprintf(&batch, "link add a%d type veth peer name b%d\n", i, i)
	}
	command := exec.Command("ip", "-batch", "-")
	command.Stdin = strings.NewReader(batch.String())
	if err := node.Run(command); err != nil {
		t.Fatal(err)
	}
	var c *counters
	if err := node.Do(func() (err error) {
		c, err = openCounters()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	for _, given := range []struct {
		kind  uint16
		parts int // of the answer to it, how many were read
	}{
		{unix.RTM_GETLINK, 0}, {unix.RTM_GETLINK, 1}, {unix.RTM_GETLINK, 2},
		{unix.RTM_GETQDISC, 0}, {unix.RTM_GETQDISC, 1}, {unix.RTM_GETLINK, 3},
	} {
		t.Run(fmt.Sprintf("%d parts of %d", given.parts, given.kind), func(t *testing.T) {
			if _, err := c.conn.Send(dumpRequest(given.kind, tcMessageSize)); err != nil {
				t.Fatal(err)
			}
			for range given.parts {
				readPart(t, c.conn)
			}
			if d, err := c.read(); err == nil {
				t.Errorf("an answer to another request is taken: %d interfaces", len(d.Interfaces))
			}
			d, err := c.read()
			for range 10 {
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					break // else other tests keep the kernel busy
				}
				d, err = c.read()
			}
			if err != nil || len(d.Interfaces) != 1+2*pairs {
				t.Errorf("the look after it: %v", err)
			}
		})
	}
}

// readPart reads one datagram of an answer.
func readPart(t *testing.T, conn *netlink.Conn) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Read(func(fd uintptr) bool {
		_, _, failed = unix.Recvfrom(int(fd), make([]byte, 1<<16), unix.MSG_DONTWAIT)
		return failed != unix.EAGAIN
	}); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}
