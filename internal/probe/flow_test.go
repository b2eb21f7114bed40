package probe_test

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
)

var (
	flowTarget = netip.MustParseAddr("192.0.2.1")
	flowRouter = netip.MustParseAddr("198.51.100.1")
)

// startTraces starts one trace a flow to one target, of four hops each.
func startTraces(o probe.Options, protocol netsonde.TraceProtocol, port uint16, flows int) (*probe.Engine, []packet.Probe) {
	o.Trace, o.Key = true, 1
	target := &netsonde.Target{Name: "a", Host: "a"}
	for flow := range flows {
		p := netsonde.Probe{Kind: netsonde.KindTrace, Protocol: protocol, Port: port, Flow: uint8(flow), DSCP: 46, Hops: 4, Timeout: time.Second}
		p.ID = netsonde.NewProbeID("a", 0, p)
		target.Groups = append(target.Groups, netsonde.Group{
			Name: string(rune('a' + flow)), Cadence: netsonde.Cadence{Once: true}, Probes: []netsonde.Probe{p},
		})
	}
	e := probe.New(o)
	e.Apply(at(0), []*netsonde.Target{target})
	e.SetAddress(at(0), "a", flowTarget)
	return e, sendAll(e, at(0))
}

// TestFlows shows what routers that share a load see: as many flows as were
// asked for, with all packets of a trace in one.
func TestFlows(t *testing.T) {
	ports := []uint16{40000, 40001, 40002, 40003}
	for _, c := range []struct {
		name     string
		udp      []uint16
		protocol netsonde.TraceProtocol
		port     uint16
		flows    int
		want     int
	}{
		{"UDP by source ports", ports, netsonde.TraceUDP, 0, 4, 4},
		{"UDP by source and destination ports", ports, netsonde.TraceUDP, 0, 10, 10},
		{"UDP at the end of the ports", ports, netsonde.TraceUDP, 65535, 10, 10},
		{"TCP by source ports", ports, netsonde.TraceTCP, 443, 4, 4},
		{"TCP with too few source ports", ports, netsonde.TraceTCP, 443, 10, 4},
		{"ICMP", ports, netsonde.TraceICMP, 0, 10, 10},
		{"UDP as echoes", nil, netsonde.TraceUDP, 0, 10, 10},
	} {
		type flow struct {
			protocol     packet.Protocol
			source, port uint16
			number       uint8
		}
		_, sent := startTraces(probe.Options{ICMP: []uint16{7, 8}, UDP: c.udp}, c.protocol, c.port, c.flows)
		counts := map[flow]int{}
		for _, p := range sent {
			f := flow{protocol: p.Protocol, source: p.Identity, port: p.Port}
			if p.Protocol == packet.Echo {
				f.number = p.Flow
			}
			counts[f]++
			if p.DSCP != 46 || !p.FixedFlow || p.Size != packet.FlowSize {
				t.Errorf("%s: %+v", c.name, p)
			}
			if c.protocol == netsonde.TraceTCP && (p.Protocol != packet.TCP || p.Port != 443 || p.Token == 0 || p.Token > 0xffff) {
				t.Errorf("%s: %+v", c.name, p)
			}
		}
		if len(sent) != 4*c.flows || len(counts) != c.want {
			t.Errorf("%s: %d packets, flows %v, want %d", c.name, len(sent), counts, c.want)
		}
		for f, n := range counts {
			if n%4 != 0 {
				t.Errorf("%s: %d packets of %+v: a trace has left its flow", c.name, n, f)
			}
		}
	}
}

// TestTCPAnswersMustMatchInAll sends answers to a SYN that are wrong in one thing each.
func TestTCPAnswersMustMatchInAll(t *testing.T) {
	for name, wrong := range map[string]func(*packet.Reply){
		"":            func(*packet.Reply) {},
		"identity":    func(r *packet.Reply) { r.Identity++ },
		"sequence":    func(r *packet.Reply) { r.Sequence += 100 },
		"token":       func(r *packet.Reply) { r.Token ^= 1 },
		"destination": func(r *packet.Reply) { r.Destination = flowRouter },
		"port":        func(r *packet.Reply) { r.Port++ },
		"protocol":    func(r *packet.Reply) { r.Protocol = packet.UDP },
	} {
		e, sent := startTraces(probe.Options{ICMP: []uint16{7}, UDP: []uint16{40000}}, netsonde.TraceTCP, 0, 1)
		if sent[0].Port != 80 {
			t.Fatalf("port %d, want that of the web", sent[0].Port)
		}
		for _, p := range sent {
			r := packet.Reply{
				Kind: packet.TimeExceeded, Protocol: packet.TCP, Method: netsonde.MethodTCP, From: flowRouter, Destination: p.Destination,
				Identity: p.Identity, Sequence: p.Sequence, Port: p.Port, HasToken: true, Token: p.Token, Read: at(time.Millisecond),
			}
			if p.TTL > 1 {
				r.Kind, r.From = packet.PortAnswered, p.Destination
			}
			wrong(&r)
			e.Receive(&r)
		}
		batch := e.Take()
		if name != "" {
			if batch != nil {
				t.Errorf("%s is wrong, and told: %+v", name, batch)
			}
			continue
		}
		if batch == nil || len(batch.Routes) != 1 {
			t.Fatalf("told %+v", batch)
		}
		route := batch.Routes[0]
		if route.End != netsonde.RouteReached || len(route.Hops) != 2 || route.Hops[0].Addr != flowRouter ||
			route.Hops[1].Addr != flowTarget || route.Protocol != netsonde.TraceTCP {
			t.Errorf("told %+v", route)
		}
	}
}

// TestRouteTellsWhatItIsMadeOf has a UDP trace sent as echoes, and such echoes
// again sent as datagrams by the connection.
func TestRouteTellsWhatItIsMadeOf(t *testing.T) {
	for method, want := range map[netsonde.Method]netsonde.TraceProtocol{
		netsonde.MethodICMP: netsonde.TraceICMP,
		netsonde.MethodUDP:  netsonde.TraceUDP,
	} {
		e, sent := startTraces(probe.Options{ICMP: []uint16{7}, HopMethod: method}, netsonde.TraceUDP, 0, 3)
		for _, p := range sent {
			e.Receive(&packet.Reply{
				Kind: packet.PortAnswered, Method: method, From: p.Destination, Destination: p.Destination,
				Identity: p.Identity, Sequence: p.Sequence, HasToken: true, Token: p.Token, Read: at(time.Millisecond),
			})
		}
		batch := e.Take()
		if batch == nil || len(batch.Routes) != 3 {
			t.Fatalf("told %+v", batch)
		}
		flows := map[uint8]bool{}
		for _, route := range batch.Routes {
			flows[route.Flow] = true
			if route.Protocol != want {
				t.Errorf("made of method %v, told as protocol %d", method, route.Protocol)
			}
		}
		if len(flows) != 3 || !flows[2] {
			t.Errorf("flows %v, want 0 to 2", flows)
		}
	}
}

// TestUnsupportedProtocol tells a connection that has no such probes from one
// whose sends fail.
func TestUnsupportedProtocol(t *testing.T) {
	for errno, want := range map[syscall.Errno]netsonde.RouteEnd{
		syscall.EPROTONOSUPPORT: netsonde.RouteUnsupported,
		syscall.ENETUNREACH:     netsonde.RouteSendFailed,
	} {
		e := probe.New(probe.Options{ICMP: []uint16{7}, Trace: true, Key: 1})
		target := traceTarget("a", 4, time.Second)
		e.Apply(at(0), []*netsonde.Target{target})
		e.SetAddress(at(0), "a", flowTarget)
		out := make([]packet.Probe, 8)
		out = out[:e.Advance(at(0), out)]
		for i := range out {
			out[i].Sent, out[i].Errno = at(0), errno
		}
		e.Sent(out)
		batch := e.Take()
		if batch == nil || len(batch.Routes) != 1 || batch.Routes[0].End != want || len(batch.Routes[0].Hops) != 0 {
			t.Errorf("%v: told %+v, want the end %d", errno, batch, want)
		}
	}
}
