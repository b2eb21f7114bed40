package probe_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
)

var update = flag.Bool("update", false, "write what the scenarios tell into their files")

// A scenario file holds what happens, a line "----", and what the engine then
// does and tells. The commands:
//
//	target NAME ADDR GROUP…     a target; a group is NAME:PAUSE:PROBE[+PROBE…],
//	                            the pause a time, once, or every=D, a probe
//	                            ping[,count=N,size=N,timeout=D,spacing=D,dscp=N,df]
//	                            or trace[,hops=N,timeout=D,wait=D,icmp] or http; all
//	                            take phase=D, which makes their id
//	forget NAME                 take a target out of the plan
//	apply                       hand the plan to the engine
//	address NAME ADDR|none      the name has this address now
//	unresolved NAME             the name has been found to have none
//	at T                        let time run until T, the sockets read all along
//	sleep T                     the process is paused until T
//	reply N [stamp=D] [rtt=D]   an echo reply to the nth packet arrives; its
//	                            kernel stamp lies D after sending (none: no stamp)
//	exceeded N FROM             the TTL of the nth packet ran out at FROM
//	unreachable N FROM CODE     likewise
//	forge N FIELD=VALUE…        an echo reply to the nth packet, but for a field
//	step D                      the real clock is stepped
//	engine OPTION=VALUE…        before all else; stamps=1 has the kernel stamp what
//	                            leaves
//	fail ERRNO COUNT            the next sends fail
//	hold D                      the process is kept from running for D while it sends,
//	                            before the next packets have left
//	queue D                     from now on the device gets packets D after they were
//	                            sent; 0 for at once
//	overrun N                   our queues have dropped N packets in all
//	checked NAME ROUND          the result of a check comes back
//	send N                      one batch of at most N packets, and no more
//	drain, next, idle
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			script, want, found := strings.Cut(string(content), "----\n")
			if !found {
				t.Fatalf("%s has no line ----", file)
			}
			got := newScenario(t).run(script)
			if *update {
				if err := os.WriteFile(file, []byte(script+"----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("%s tells\n%s\nwant\n%s", file, got, want)
			}
		})
	}
}

type scenario struct {
	t       *testing.T
	engine  *probe.Engine
	options probe.Options
	now     netsonde.Instant
	targets []*netsonde.Target
	packets []packet.Probe
	names   map[netsonde.ProbeID]string
	checks  map[string]probe.Due
	out     bytes.Buffer
	fail    int
	errno   syscall.Errno
	quiet   bool
	hold    time.Duration
	queue   time.Duration
	left    map[uint16]int64 // by sequence
	held    bool             // a batch was sent alone: no more before the next at
	outSize int
}

func newScenario(t *testing.T) *scenario {
	return &scenario{
		t:       t,
		options: probe.Options{ICMP: []uint16{0x1230, 0x1231}, UDP: []uint16{40000}, Trace: true, Key: 7},
		now:     netsonde.Instant{Real: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()},
		names:   map[netsonde.ProbeID]string{},
		checks:  map[string]probe.Due{},
		left:    map[uint16]int64{},
		outSize: 16,
	}
}

// departed is what the kernel's stamps tell.
func (s *scenario) departed(_ packet.Protocol, _, sequence uint16, _ int64) (packet.Departure, int64) {
	if at := s.left[sequence]; at <= s.now.Real {
		return packet.HasDeparted, at
	}
	return packet.NotDeparted, 0
}

func (s *scenario) run(script string) string {
	lines := bufio.NewScanner(strings.NewReader(script))
	for number := 1; lines.Scan(); number++ {
		fields := strings.Fields(strings.SplitN(lines.Text(), "#", 2)[0])
		if len(fields) > 0 {
			s.command(number, fields[0], fields[1:])
		}
	}
	return s.out.String()
}

func (s *scenario) command(number int, verb string, args []string) {
	s.t.Helper()
	bad := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatalf("line %d: %s: %v", number, verb, err)
		}
	}
	switch verb {
	case "engine":
		for _, arg := range args {
			key, value, _ := strings.Cut(arg, "=")
			n, err := strconv.Atoi(value)
			bad(err)
			switch key {
			case "udp":
				s.options.UDP = s.options.UDP[:n]
			case "icmp":
				s.options.ICMP = s.options.ICMP[:n]
			case "trace":
				s.options.Trace = n == 1
			case "batch":
				s.outSize = n
			case "quiet":
				s.quiet = n == 1
			case "stamps":
				s.options.Machine.Departed = s.departed
			case "router":
				s.options.Rates.Router = n
			default:
				s.t.Fatalf("line %d: unknown option %s", number, key)
			}
		}
	case "target":
		target, err := parseTarget(args)
		bad(err)
		s.setTarget(target)
		for _, group := range target.Groups {
			for _, p := range group.Probes {
				s.names[p.ID] = target.Host + "/" + p.Kind.String()
			}
		}
		if s.engine == nil {
			s.engine = probe.New(s.options)
		}
		if args[1] != "-" {
			defer s.engine.SetAddress(s.now, target.Name, netip.MustParseAddr(args[1]))
		}
		s.engine.Apply(s.now, s.targets)
	case "forget":
		kept := s.targets[:0:0]
		for _, target := range s.targets {
			if target.Host != args[0] {
				kept = append(kept, target)
			}
		}
		s.targets = kept
		s.engine.Apply(s.now, s.targets)
	case "address":
		addr := netip.Addr{}
		if args[1] != "none" {
			addr = netip.MustParseAddr(args[1])
		}
		s.engine.SetAddress(s.now, args[0]+"#1", addr)
	case "unresolved":
		s.engine.Unresolved(s.now, args[0]+"#1")
	case "at":
		s.held = false
		until, err := time.ParseDuration(args[0])
		bad(err)
		s.runUntil(until)
	case "sleep":
		until, err := time.ParseDuration(args[0])
		bad(err)
		s.now = s.now.Add(until - s.now.Monotonic)
	case "reply", "forge", "exceeded", "unreachable":
		bad(s.deliver(verb, args))
	case "step":
		step, err := time.ParseDuration(args[0])
		bad(err)
		s.now.Real += int64(step)
	case "fail":
		count, err := strconv.Atoi(args[1])
		bad(err)
		s.fail = count
		s.errno = map[string]syscall.Errno{
			"ENOBUFS": syscall.ENOBUFS, "EHOSTUNREACH": syscall.EHOSTUNREACH, "EPERM": syscall.EPERM,
		}[args[0]]
	case "hold", "queue":
		by, err := time.ParseDuration(args[0])
		bad(err)
		if verb == "hold" {
			s.hold = by
		} else {
			s.queue = by
		}
	case "overrun":
		total, err := strconv.Atoi(args[0])
		bad(err)
		s.engine.Overran(s.now, uint64(total))
	case "checked":
		due, found := s.checks[args[0]]
		if !found {
			s.t.Fatalf("line %d: no check of %s is due", number, args[0])
		}
		round, err := strconv.Atoi(args[1])
		bad(err)
		s.engine.Checked(s.now, netsonde.Service{
			Probe: due.Probe.ID, Round: uint64(round), Kind: due.Probe.Kind, State: netsonde.ServiceOpen,
		})
		s.tell()
	case "send":
		count, err := strconv.Atoi(args[0])
		bad(err)
		s.send(make([]packet.Probe, count))
		s.held = true
	case "drain":
		s.engine.Drain(s.now)
		s.tell()
	case "idle":
		s.line("idle %v", s.engine.Idle())
	case "next":
		due, ok := s.engine.Next()
		s.line("next %v %v", due, ok)
	default:
		s.t.Fatalf("line %d: unknown command %s", number, verb)
	}
}

func (s *scenario) setTarget(target *netsonde.Target) {
	for i, old := range s.targets {
		if old.Name == target.Name {
			s.targets = append(s.targets[:0:0], s.targets...)
			s.targets[i] = target
			return
		}
	}
	s.targets = append(s.targets[:len(s.targets):len(s.targets)], target)
}

func parseTarget(args []string) (*netsonde.Target, error) {
	target := &netsonde.Target{Name: args[0] + "#1", Host: args[0]}
	for _, spec := range args[2:] {
		parts := strings.SplitN(spec, ":", 3)
		group := netsonde.Group{Name: parts[0]}
		cadence, err := parseCadence(parts[1])
		if err != nil {
			return nil, err
		}
		group.Cadence = cadence
		if parts[2] != "-" {
			for _, spec := range strings.Split(parts[2], "+") {
				p, err := parseProbe(spec)
				if err != nil {
					return nil, err
				}
				if p.ID == 0 {
					p.ID = netsonde.NewProbeID(target.Name, target.Family, p)
				}
				group.Probes = append(group.Probes, p)
			}
		}
		target.Groups = append(target.Groups, group)
	}
	return target, nil
}

func parseCadence(spec string) (cadence netsonde.Cadence, err error) {
	if spec == "once" {
		return netsonde.Cadence{Once: true}, nil
	}
	if every, fixed := strings.CutPrefix(spec, "every="); fixed {
		cadence.Every, err = time.ParseDuration(every)
		return cadence, err
	}
	cadence.Pause, err = time.ParseDuration(spec)
	return cadence, err
}

func parseProbe(spec string) (netsonde.Probe, error) {
	words := strings.Split(spec, ",")
	p := netsonde.Probe{Timeout: time.Second, Count: 1, Size: 56, Hops: 30}
	switch words[0] {
	case "ping":
		p.Kind = netsonde.KindPing
	case "trace":
		p.Kind = netsonde.KindTrace
	case "http":
		p.Kind, p.Port = netsonde.KindHTTP, 80
	default:
		return p, fmt.Errorf("unknown kind %q", words[0])
	}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "icmp":
			p.Protocol = netsonde.TraceICMP
			continue
		case "df":
			p.DontFragment = true
			continue
		case "timeout", "spacing", "phase", "wait":
			d, err := time.ParseDuration(value)
			if err != nil {
				return p, err
			}
			switch key {
			case "timeout":
				p.Timeout = d
			case "spacing":
				p.Spacing = d
			case "wait":
				p.HopWait = d
			default:
				p.ID = netsonde.ProbeID(d)
			}
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return p, err
		}
		switch key {
		case "count":
			p.Count = n
		case "size":
			p.Size = n
		case "hops":
			p.Hops = n
		case "dscp":
			p.DSCP = uint8(n)
		default:
			return p, fmt.Errorf("unknown parameter %q", key)
		}
	}
	return p, nil
}

// deliver hands the engine a reply to an earlier packet, read at this moment.
func (s *scenario) deliver(verb string, args []string) error {
	number, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	if number >= len(s.packets) {
		return fmt.Errorf("packet %d has not been sent", number)
	}
	p := s.packets[number]
	r := packet.Reply{
		Kind: packet.EchoReply, Protocol: p.Protocol, From: p.Destination, Destination: p.Destination,
		Identity: p.Identity, Sequence: p.Sequence, Port: p.Port,
		HasToken: p.Size >= packet.TokenSize, Token: p.Token, TTL: 64,
		Stamp: s.now.Real, Read: s.now,
	}
	if s.options.Machine.Departed != nil {
		r.Left = s.left[p.Sequence]
	}
	if verb == "exceeded" || verb == "unreachable" {
		r.Kind, r.Type = packet.TimeExceeded, 11
		r.From = netip.MustParseAddr(args[1])
		r.HasToken = false
		if verb == "unreachable" {
			code, err := strconv.Atoi(args[2])
			if err != nil {
				return err
			}
			r.Kind, r.Type, r.Code = packet.Unreachable, 3, uint8(code)
		}
		args = nil
	}
	for _, arg := range args[min(1, len(args)):] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "stamp":
			if value == "none" {
				r.Stamp = 0
				continue
			}
			after, err := time.ParseDuration(value)
			if err != nil {
				return err
			}
			r.Stamp = p.Sent.Real + int64(after)
		case "identity":
			r.Identity++
		case "sequence":
			r.Sequence++
		case "token":
			r.Token++
		case "notoken":
			r.HasToken = false
		case "protocol":
			r.Protocol = packet.UDP
		case "from":
			r.From = netip.MustParseAddr(value)
			r.Destination = r.From
		case "kind":
			r.Kind = packet.PortAnswered
		default:
			return fmt.Errorf("unknown field %q", key)
		}
	}
	s.engine.Receive(&r)
	s.tell()
	if !s.held {
		s.advance()
	}
	return nil
}

// runUntil runs the engine as a shard does, with sockets that are always empty.
func (s *scenario) runUntil(until time.Duration) {
	for {
		s.engine.Expire(s.now, s.now)
		s.tell()
		s.advance()
		due, ok := s.engine.Next()
		if !ok || due > until {
			break
		}
		s.now = s.now.Add(max(due-s.now.Monotonic, 0))
	}
	s.now = s.now.Add(until - s.now.Monotonic)
}

func (s *scenario) advance() {
	out := make([]packet.Probe, s.outSize)
	for s.send(out) == len(out) {
	}
}

// send sends one batch of what is due and tells how many packets it had.
func (s *scenario) send(out []packet.Probe) int {
	n := s.engine.Advance(s.now, out)
	sent := s.now
	if n > 0 {
		s.now, s.hold = s.now.Add(s.hold), 0
	}
	for i := range out[:n] {
		p := &out[i]
		p.Sent, p.Handed = sent, s.now.Monotonic
		s.left[p.Sequence] = s.now.Real + int64(s.queue)
		label := ""
		if p.TTL > 0 {
			label = fmt.Sprintf(" ttl %d", p.TTL)
		}
		if p.DSCP > 0 || p.DontFragment {
			label += fmt.Sprintf(" dscp %d fragment %v", p.DSCP, !p.DontFragment)
		}
		if s.fail > 0 {
			s.fail--
			p.Errno = s.errno
			label += " fails"
		}
		if !s.quiet {
			s.line("send %d %s%s", len(s.packets), p.Destination, label)
		}
		s.packets = append(s.packets, *p)
	}
	s.engine.Sent(out[:n])
	for _, due := range s.engine.Due(nil) {
		s.checks[due.Target.Host] = due
		s.line("check %s/%s round %d at %s", due.Target.Host, due.Probe.Kind, due.Round, due.Addr)
	}
	s.tell()
	return n
}

func (s *scenario) tell() {
	batch := s.engine.Take()
	if batch == nil {
		return
	}
	for _, b := range batch.Bursts {
		words := []string{}
		for _, sample := range b.Samples {
			word := sample.Outcome.String()
			switch {
			case sample.Outcome.Answered():
				word += fmt.Sprintf(" %v %v", sample.RTT, sample.Stamps)
			case sample.Outcome == netsonde.OutcomeUnreachable:
				word += fmt.Sprintf(" %d/%d from %s", sample.ICMPType, sample.ICMPCode, sample.From)
			case sample.Outcome == netsonde.OutcomeSendFailed:
				word += " " + sample.Errno.Error()
			}
			words = append(words, word)
		}
		s.line("burst %s %d: %s", s.names[b.Probe], b.Round, strings.Join(words, ", "))
	}
	for _, r := range batch.Routes {
		words := []string{}
		for _, hop := range r.Hops {
			if hop.Silent() {
				words = append(words, "*")
				continue
			}
			words = append(words, fmt.Sprintf("%s %v", hop.Addr, hop.RTT))
		}
		news := ""
		if r.Changed {
			news = " news"
			if r.Was != nil {
				news += ", was " + addressList(r.Was)
			}
		} else if r.Was != nil {
			s.t.Errorf("a route that is no news was %v", r.Was)
		}
		end := [...]string{"exhausted", "reached", "unreachable", "silent", "send failed", "unsupported", "unresolved"}[r.End]
		s.line("route %s %d since %v: %s; %s%s",
			s.names[r.Probe], r.Round, r.Started.Monotonic, strings.Join(words, ", "), end, news)
	}
	for _, c := range batch.Services {
		s.line("service %s %d: %s", s.names[c.Probe], c.Round, c.State)
	}
	for _, stalled := range batch.Stalls {
		s.line("stall %s %d rounds from %d, due %v",
			s.names[stalled.Probe], stalled.Rounds, stalled.First, stalled.Due.Monotonic)
	}
	for _, a := range batch.Amends {
		if !a.Outcome.Answered() && a.Outcome != netsonde.OutcomeUnreachable {
			s.t.Errorf("an amend to %v, which docs/output.md does not have among its events", a.Outcome)
		}
		s.line("amend %s %d.%d: %s %v", s.names[a.Probe], a.Round, a.Sequence, a.Outcome, a.RTT)
	}
	for _, r := range batch.Rounds {
		if r.Ended != s.now {
			s.t.Errorf("round %d of %s ended at %v, told at %v", r.N, r.Target.Host, r.Ended, s.now)
		}
		s.line("round %s/%s %d at %s since %v",
			r.Target.Host, r.Target.Groups[r.Group].Name, r.N, r.Addr, r.Started.Monotonic)
	}
}

// addressList writes what a memory holds, "*" where it knows nobody.
func addressList(list []netip.Addr) string {
	words := []string{}
	for _, addr := range list {
		if addr.IsValid() {
			words = append(words, addr.String())
		} else {
			words = append(words, "*")
		}
	}
	return "[" + strings.Join(words, " ") + "]"
}

func (s *scenario) line(format string, args ...any) {
	fmt.Fprintf(&s.out, "%-8v %s\n", s.now.Monotonic, fmt.Sprintf(format, args...))
}
