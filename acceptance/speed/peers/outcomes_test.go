package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLateness(t *testing.T) {
	const second = time.Second
	for _, test := range []struct {
		at   int64
		id   uint64
		want time.Duration
	}{
		{7_000_000_500, 500, 0},
		{7_002_000_500, 500, 2 * time.Millisecond},
		{7_000_000_100, 500, -400},
		// The phase is the identity modulo the interval, whatever is above it.
		{7_999_999_999, 3_000_000_001, -2},
		{7_000_000_001, 3_999_999_999, 2},
		{7_000_000_000, 1<<63 + 5, time.Duration((1_000_000_000 - (1<<63+5)%1_000_000_000) % 1_000_000_000)},
	} {
		got := lateBy(time.Unix(0, test.at), test.id, second)
		if got != test.want {
			t.Errorf("sent at %d with identity %d it is late by %v instead of %v", test.at, test.id, got, test.want)
		}
	}
}

func TestOutcomesAreCounted(t *testing.T) {
	start := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	seen := outcomes{every: time.Second, from: start, to: start.Add(3 * time.Second)}
	err := seen.read(strings.NewReader(`{"schema":1,"type":"ping","time":"2026-11-22T13:59:59.000000007Z","probe":"0000000000000007","outcome":"unanswered","rtt_ms":null}
{"schema":1,"type":"ping","time":"2026-11-22T14:00:00.002000007Z","probe":"0000000000000007","outcome":"ok","rtt_ms":1,"timestamps":"kernel"}
{"schema":1,"type":"ping","time":"2026-11-22T14:00:01.000000007Z","probe":"0000000000000007","outcome":"late","rtt_ms":1,"timestamps":"user"}
{"schema":1,"type":"ping","time":"2026-11-22T14:00:01.5Z","probe":"0000000000000008","round":4,"rounds":4,"outcome":"stalled"}
{"schema":1,"type":"event","time":"2026-11-22T14:00:01.5Z","event":"late","probe":"0000000000000008"}
{"schema":1,"type":"ping","time":"2026-11-22T14:00:02.000000008Z","probe":"0000000000000008","outcome":"overrun","rtt_ms":null}
{"schema":1,"type":"ping","time":"2026-11-22T14:00:03.000000007Z","probe":"0000000000000007","outcome":"ok","rtt_ms":1}
`))
	if err != nil {
		t.Fatal(err)
	}
	if seen.counts.theirs() != 1 || seen.counts.ours() != 5 || seen.counts["ok"] != 2 || seen.counts["late"] != 1 || seen.other != 1 {
		t.Errorf("counted %v and %d others", seen.counts, seen.other)
	}
	if !slices.Equal(seen.off, []float64{2, 0, 0}) || seen.stamps["kernel"] != 1 {
		t.Errorf("off by %v, stamps %v", seen.off, seen.stamps)
	}
	// Of three whole intervals one may lie on the edge.
	if missing := seen.missing(3); missing != 1+2 {
		t.Errorf("%d are missing", missing)
	}
	if err := seen.read(strings.NewReader(`{"schema":1,"type":"ping","time":"soon","probe":"7","outcome":"ok"}`)); err == nil {
		t.Error("a line without a time is taken")
	}
}

// record is a packet of an echo in a capture.
func record(at int64, kind byte, source, destination string, identifier, sequence uint16) []byte {
	ip := make([]byte, 20+echoHeader)
	ip[0], ip[9] = 0x45, 1
	copy(ip[12:], netip.MustParseAddr(source).AsSlice())
	copy(ip[16:], netip.MustParseAddr(destination).AsSlice())
	ip[20] = kind
	binary.BigEndian.PutUint16(ip[24:], identifier)
	binary.BigEndian.PutUint16(ip[26:], sequence)
	frame := slices.Concat(make([]byte, ethernet), ip)
	header := make([]byte, pcapRecord)
	binary.NativeEndian.PutUint32(header, uint32(at/1e9))
	binary.NativeEndian.PutUint32(header[4:], uint32(at%1e9))
	binary.NativeEndian.PutUint32(header[8:], uint32(len(frame)))
	return slices.Concat(header, frame)
}

func TestCaptureIsRead(t *testing.T) {
	header := make([]byte, pcapHeader)
	binary.NativeEndian.PutUint32(header, pcapNanoseconds)
	file := bytes.Join([][]byte{
		header,
		record(5_000_000_100, echoRequest, "10.0.0.1", "10.0.0.2", 7, 1),
		record(5_000_050_100, echoReply, "10.0.0.2", "10.0.0.1", 7, 1),
		record(5_999_999_999, echoRequest, "10.0.0.1", "10.0.0.2", 7, 2),
		record(6_000_000_009, echoReply, "10.0.0.2", "10.0.0.1", 7, 2),
		record(6_000_000_009, echoReply, "10.0.0.2", "10.0.0.1", 8, 3),
		record(6_000_000_009, echoRequest, "10.0.0.1", "10.0.0.2", 7, 3),
	}, nil)
	kept, err := readCapture(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	order := kept.order[netip.MustParseAddr("10.0.0.2")]
	if len(order) != 3 {
		t.Fatalf("the requests are %v", order)
	}
	for i, want := range []time.Duration{50 * time.Microsecond, 10} {
		if got, ok := kept.roundTrip(order[i]); !ok || got != want {
			t.Errorf("echo %d took %v (%v) instead of %v", i, got, ok, want)
		}
	}
	if _, ok := kept.roundTrip(order[2]); ok {
		t.Error("another's answer is taken")
	}
	for name, test := range map[string]struct {
		told []float64
		want []float64
	}{
		"all were sent":  {[]float64{0.053, 0.00001, math.NaN()}, []float64{3, 0}},
		"one was not":    {[]float64{0.053, math.NaN(), 0.00001, 1}, []float64{3, 0}},
		"not to be told": {[]float64{0.053, 0.00001}, nil},
	} {
		got := kept.errors(netip.MustParseAddr("10.0.0.2"), test.told)
		if !slices.EqualFunc(got, test.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("%s: the errors are %v instead of %v", name, got, test.want)
		}
	}
	for name, broken := range map[string][]byte{
		"cut short": file[:len(file)-1], "no header": file[:5], "no capture": bytes.Repeat([]byte("x"), 200),
		"too long": append(slices.Clone(file[:pcapHeader+8]), bytes.Repeat([]byte{0xff}, 100)...),
	} {
		if _, err := readCapture(bytes.NewReader(broken)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestTimesOfAMonitorAreInTheirOrder(t *testing.T) {
	told, counts, err := readTimes(strings.NewReader(`{"schema":1,"type":"ping","time":"2026-11-22T14:00:02Z","addr":"10.95.0.1","outcome":"ok","rtt_ms":2.5}
{"schema":1,"type":"ping","time":"2026-11-22T14:00:01Z","addr":"10.95.0.1","outcome":"unanswered","rtt_ms":null}
{"schema":1,"type":"ping","time":"2026-11-22T14:00:01Z","addr":"10.95.0.2","outcome":"ok","rtt_ms":0.5}
{"schema":1,"type":"ping","time":"2026-11-22T14:00:01.5Z","addr":null,"round":4,"rounds":4,"outcome":"stalled"}
{"schema":1,"type":"event","time":"2026-11-22T14:00:03Z","event":"health"}
`))
	if err != nil {
		t.Fatal(err)
	}
	first, second := told[netip.MustParseAddr("10.95.0.1")], told[netip.MustParseAddr("10.95.0.2")]
	if len(first) != 2 || !math.IsNaN(first[0]) || first[1] != 2.5 || !slices.Equal(second, []float64{0.5}) || len(told) != 2 {
		t.Errorf("it read %v", told)
	}
	if counts.theirs() != 1 || counts["ok"] != 2 || counts.ours() != 0 {
		t.Errorf("it counted %v", counts)
	}
}
