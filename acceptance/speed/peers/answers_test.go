package main

import (
	"maps"
	"math"
	"net/netip"
	"slices"
	"testing"
)

func addrs(texts ...string) (list []netip.Addr) {
	for _, text := range texts {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			addr = netip.Addr{}
		}
		list = append(list, addr)
	}
	return list
}

func TestSummary(t *testing.T) {
	f := &finished{output: []byte(`{"schema":1,"type":"summary","tool":"ping","targets":9,"reachable":3,"sent":9,"received":3,"lost":{"unanswered":1,"unreachable":1,"overrun":2,"stalled":1,"send_failed":1},"elapsed_ms":1.5}` + "\n")}
	s, err := readSummary(f)
	if err != nil || s.Targets != 9 || s.Received != 3 || s.Lost.theirs() != 2 || s.Lost.ours() != 4 {
		t.Errorf("read %+v (%v)", s, err)
	}
	if _, err := readSummary(&finished{errors: []byte("EE no")}); err == nil {
		t.Error("nothing is read as a summary")
	}
}

func TestResults(t *testing.T) {
	f := &finished{output: []byte(`{"schema":1,"type":"ping","addr":"127.0.0.1","received":1,"rtt_ms":[0.5,null]}
{"schema":1,"type":"trace","addr":"127.0.0.2","reached":true,"hops":[{"ttl":1,"addr":null,"rtt_ms":null},{"ttl":2,"addr":"127.0.0.2","rtt_ms":1}]}
{"schema":1,"type":"check","addr":"127.0.0.3","ports":{"80":{"state":"open","rtt_ms":1}}}
{"schema":1,"type":"summary"}
`)}
	results, err := readResults(f)
	if err != nil || len(results) != 3 {
		t.Fatalf("read %+v (%v)", results, err)
	}
	if r := results[0]; len(r.RTTs) != 2 || r.RTTs[0] == nil || *r.RTTs[0] != 0.5 || r.RTTs[1] != nil {
		t.Errorf("the echoes are %+v", r)
	}
	if r := results[1]; !r.Reached || len(r.Hops) != 2 || r.Hops[0].Addr.IsValid() || r.Hops[1].Addr.String() != "127.0.0.2" {
		t.Errorf("the trace is %+v", r)
	}
	if results[2].Ports["80"].State != "open" {
		t.Errorf("the check is %+v", results[2])
	}
	if _, err := readResults(&finished{code: 3}); err == nil {
		t.Error("wrong usage is taken for an answer")
	}
}

func TestFpingIsRead(t *testing.T) {
	if alive, err := fpingAlive([]byte("\n  65534 targets\n   65530 alive\n       4 unreachable\n")); err != nil || alive != 65530 {
		t.Errorf("alive are %d (%v)", alive, err)
	}
	if _, err := fpingAlive([]byte("fping error: not enough sequence numbers available!")); err == nil {
		t.Error("a failure has a count")
	}
	sent, received := fpingCounts([]byte("127.1.0.1   : xmt/rcv/%loss = 2/1/50%, min/avg/max = 0.019/0.020/0.022\n127.1.0.2   : xmt/rcv/%loss = 2/2/0%, min/avg/max = 1/1/1\n127.1.0.3 : xmt/rcv/%loss = 2/0/100%\n"))
	if sent != 6 || received != 3 {
		t.Errorf("counted %d and %d", sent, received)
	}
	times := fpingTimes([]byte("127.0.0.1 : 0.014 - 0.019\n127.0.0.2    : 0.007\nnoise\n"))
	one := times[netip.MustParseAddr("127.0.0.1")]
	if len(times) != 2 || len(one) != 3 || one[0] != 0.014 || !math.IsNaN(one[1]) || one[2] != 0.019 {
		t.Errorf("times are %v", times)
	}
}

func TestPingIsRead(t *testing.T) {
	got := pingTimes([]byte("64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.014 ms\n64 bytes from 127.0.0.1: icmp_seq=3 ttl=64 time=2.50 ms\n64 bytes from 127.0.0.1: icmp_seq=9 ttl=64 time=1 ms\n"), 3)
	if len(got) != 3 || got[0] != 0.014 || !math.IsNaN(got[1]) || got[2] != 2.5 {
		t.Errorf("times are %v", got)
	}
}

func TestPathsAreRead(t *testing.T) {
	want := addrs("10.80.0.2", "*", "10.80.2.2")
	for name, text := range map[string]string{
		"traceroute": "traceroute to 10.80.2.2 (10.80.2.2), 30 hops max, 60 byte packets\n 1  10.80.0.2  0.011 ms  0.004 ms\n 2  * * *\n 3  10.80.2.2  0.1 ms\n",
		"mtr":        "Start: 2026-11-22T14:10:03+0000\nHOST: vm       Loss%   Snt   Last\n  1.|-- 10.80.0.2      0.0%     1    0.0\n  2.|-- ???           100.0     1\n  3.|-- 10.80.2.2      0.0%     1\n",
	} {
		if got := hopLines([]byte(text)); !slices.Equal(got, want) {
			t.Errorf("%s: the path is %v", name, got)
		}
	}
}

func TestNmapIsRead(t *testing.T) {
	paths, err := nmapPaths([]byte(`<?xml version="1.0"?><nmaprun><host><status state="up"/><address addr="10.81.0.1" addrtype="ipv4"/>
<trace><hop ttl="1" ipaddr="10.80.0.2" rtt="0.1"/><hop ttl="3" ipaddr="10.81.0.1" rtt="0.2"/></trace></host></nmaprun>`))
	path := paths[netip.MustParseAddr("10.81.0.1")]
	if err != nil || len(paths) != 1 || len(path) != 2 || path[1].String() != "10.80.0.2" || path[2].IsValid() {
		t.Errorf("the paths are %v (%v)", paths, err)
	}
	open := nmapOpen([]byte("# Nmap\nHost: 10.92.0.1 ()\tStatus: Up\nHost: 10.92.0.1 ()\tPorts: 80/open/tcp//http///, 443/closed/tcp//https///, 3306/open/tcp//mysql///\n"))
	if !maps.Equal(open, map[string]bool{"10.92.0.1:80": true, "10.92.0.1:3306": true}) {
		t.Errorf("open are %v", open)
	}
}

func TestZmapIsRead(t *testing.T) {
	for text, want := range map[string]float64{
		" 0:01 50%; send: 60320 57.1 Kp/s (55.4 Kp/s avg); recv: 1\n 0:02 94%; send: 65536 done (53.4 Kp/s avg); recv: 5": 53_400,
		" 0:02 94%; send: 65536 done (1.25 Mp/s avg);":                                                                    1_250_000,
		" 0:02 94%; send: 6 done (250 p/s avg);":                                                                          250,
	} {
		if got, err := zmapRate([]byte(text)); err != nil || got != want {
			t.Errorf("%q: the rate is %v (%v)", text, got, err)
		}
	}
	if _, err := zmapRate([]byte("[FATAL] no route")); err == nil {
		t.Error("a failure has a rate")
	}
}
