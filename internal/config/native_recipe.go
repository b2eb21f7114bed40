package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"netsonde"
)

// recipe is a list of probes with all that holds for them. Targets are made
// after it.
type recipe struct {
	steps []step
	// size is how many probes they make.
	size uint64
	// family is that of the target itself, explicit whether the target names it.
	family   netsonde.Family
	explicit bool
	// layouts are what was made of the steps, by what decides on it.
	layouts map[layoutKey]*layouts
}

// step is one probe of a recipe: as many probes of a plan as it has flows.
type step struct {
	probe  netsonde.Probe
	every  time.Duration
	flows  int
	family netsonde.Family
	// familyAt and sourceAt are how far from the probe family and source stand.
	familyAt, sourceAt found
	place              probeEntry
	// portless is set of a probe that needs a port and has none.
	portless bool
}

// layoutKey is what layouts depend on: 4 or 6 for addresses, 0 for names, and
// the port that a target brings.
type layoutKey struct {
	family int
	port   uint16
}

// layouts are those of one kind of target, or why there are none.
type layouts struct {
	all     []layout
	misfits []misfit
	// told is set once the probes' places have been told what is wrong.
	told bool
}

// misfit is a probe that a target cannot have.
type misfit struct {
	step *step
	at   found
	err  error
}

// layout is what a target has: its groups without the probes' identities, and
// what is put behind its name.
type layout struct {
	suffix string
	family netsonde.Family
	groups []netsonde.Group
	probes int
}

// compile makes a recipe of a target's probes. What is wrong is told, and then
// the recipe lacks the probe.
func (sc *scope) compile(entries []probeEntry, family found) *recipe {
	r := &recipe{layouts: map[layoutKey]*layouts{}}
	if family.is {
		r.family, r.explicit = familyOf(family.text), true
	} else {
		for outer := sc; outer != nil; outer = outer.outer {
			if v, is := outer.all["family"]; is {
				r.family = familyOf(v.text)
				break
			}
		}
	}
	for _, entry := range entries {
		if entry.broken {
			continue
		}
		if s, ok := sc.step(entry, family); ok {
			r.steps = append(r.steps, s)
			r.size += uint64(s.flows) //nolint:gosec // flowLimit is not less
		}
	}
	return r
}

// step reads one probe.
func (sc *scope) step(entry probeEntry, family found) (s step, ok bool) {
	get := func(key string) found {
		if v, is := entry.given[key]; is {
			return found{v, 0, true}
		}
		if key == "family" && family.is {
			return family
		}
		return sc.lookup(entry.kind, key)
	}
	number := func(key string) int { return int(get(key).number) }
	s = step{
		place: entry, every: time.Duration(get("every").number), flows: 1,
		familyAt: get("family"), sourceAt: get("source"),
		probe: netsonde.Probe{
			Kind: kindOf(entry.kind),
			Port: uint16(number("port")), //nolint:gosec // the key has this range
			DSCP: uint8(number("dscp")),  //nolint:gosec // the key has this range
		},
	}
	s.family = familyOf(s.familyAt.text)
	if s.sourceAt.is {
		// It was read when the file was.
		s.probe.Source, _ = netip.ParseAddr(s.sourceAt.text)
	}
	busy := time.Duration(0)
	switch s.probe.Kind {
	case netsonde.KindPing:
		s.probe.Count, s.probe.Size = number("count"), number("size")
		s.probe.Spacing = time.Duration(get("spacing").number)
		s.probe.DontFragment = number("dont_fragment") == 1
		busy = time.Duration(s.probe.Count-1) * s.probe.Spacing
	case netsonde.KindTrace:
		s.probe.Hops, s.flows = number("hops"), number("flows")
		if ok := s.setProtocol(get("protocol"), get("port")); !ok {
			return s, false
		}
	default:
		s.portless = s.probe.Port == 0
		parameters := checkParameters(get)
		if parameters == nil && (s.probe.Kind == netsonde.KindHTTP || s.probe.Kind == netsonde.KindHTTPS) {
			// Without any the check asks as connmonitor's does, for the head.
			parameters = &netsonde.CheckParameters{}
		}
		s.probe.Check = sc.sharedCheck(parameters)
	}
	ok = s.fit(get("every"), get("timeout"), busy)
	return s, ok
}

// setProtocol sets what a trace's packets are.
func (s *step) setProtocol(protocol, port found) bool {
	switch protocol.text {
	case "icmp":
		s.probe.Protocol = netsonde.TraceICMP
		if port.is && port.distance <= protocol.distance {
			port.wrong(fmt.Errorf("port: a trace by icmp has none: leave it out, or use protocol: udp or tcp"))
			return false
		}
		s.probe.Port = 0
	case "tcp":
		s.probe.Protocol = netsonde.TraceTCP
		if s.probe.Port == 0 {
			s.probe.Port = netsonde.KindHTTP.Port()
		}
	}
	return true
}

// fit sets the timeout so that a round ends before the next. A timeout given
// where the interval is given, or nearer to the probe, must fit; others shrink.
func (s *step) fit(every, timeout found, busy time.Duration) bool {
	s.probe.Timeout = time.Duration(timeout.number)
	room := s.every - busy
	switch {
	case s.probe.Timeout <= room:
	case room < leastTimeout:
		s.tell(every, fmt.Errorf("%d echoes, one every %s, take %s, which leaves no time to wait for answers every %s: send fewer, closer together, or less often",
			s.probe.Count, writeDuration(s.probe.Spacing), writeDuration(busy), writeDuration(s.every)))
		return false
	case timeout.distance <= every.distance && timeout.distance != builtIn:
		text := fmt.Sprintf("timeout: %s does not fit into every: %s", writeDuration(s.probe.Timeout), writeDuration(s.every))
		if busy > 0 {
			text += fmt.Sprintf(" after the %s that %d echoes take", writeDuration(busy), s.probe.Count)
		}
		timeout.wrong(fmt.Errorf("%s: give at most %s", text, writeDuration(room)))
		return false
	default:
		s.probe.Timeout = room
	}
	return true
}

// tell tells what is wrong at a value, or at the probe if the value is built in.
func (s *step) tell(at found, err error) {
	if at.node == nil {
		at.nativeValue = nativeValue{source: s.place.source, node: s.place.node}
	}
	at.wrong(err)
}

// checkParameters are what a service check asks for, nil if that is what is
// usual.
func checkParameters(get func(string) found) *netsonde.CheckParameters {
	usual := true
	text := func(key string) string {
		v := get(key)
		// What is usual is left out, so that saying it changes no identity.
		if !v.is || v.distance == builtIn || key == "method" && v.text == "GET" || key == "path" && v.text == "/" {
			return ""
		}
		usual = false
		return v.text
	}
	c := netsonde.CheckParameters{
		ServerName: text("host"), Method: text("method"), Path: text("path"),
		Question: text("question"), QuestionType: text("type"), Answer: text("answer"),
	}
	if v := get("verify"); v.is {
		c.Verify = v.number == 1
		usual = usual && !c.Verify
	}
	if v := get("status"); v.is {
		c.Status, usual = v.numbers, false
	}
	if usual {
		return nil
	}
	if c.Question != "" && c.QuestionType == "" {
		c.QuestionType = "A"
	}
	return &c
}

// sharedCheck returns the parameters that say the same.
func (sc *scope) sharedCheck(c *netsonde.CheckParameters) *netsonde.CheckParameters {
	if c == nil {
		return nil
	}
	for sc.outer != nil {
		sc = sc.outer
	}
	key := fmt.Sprintf("%#v", *c)
	if known, is := sc.checks[key]; is {
		return known
	}
	sc.checks[key] = c
	return c
}

func familyOf(word string) netsonde.Family {
	switch word {
	case "ipv4":
		return netsonde.Family4
	case "ipv6":
		return netsonde.Family6
	default:
		return netsonde.FamilyAny
	}
}

// familyWord is what is put behind the name of a target of that family beside
// another.
func familyWord(family netsonde.Family) string {
	switch family {
	case netsonde.Family4:
		return "/ipv4"
	case netsonde.Family6:
		return "/ipv6"
	default:
		return "/any"
	}
}

// groupsOf makes the groups of some probes, one group each.
func groupsOf(steps []step, family netsonde.Family) (groups []netsonde.Group, probes int) {
	kinds := map[netsonde.Kind]int{}
	same := map[netsonde.ProbeID]uint8{}
	for i := range steps {
		s := &steps[i]
		kinds[s.probe.Kind]++
		group := netsonde.Group{Name: s.probe.Kind.String(), Cadence: netsonde.Cadence{Every: s.every}}
		if n := kinds[s.probe.Kind]; n > 1 {
			group.Name += "#" + strconv.Itoa(n)
		}
		for flow := range s.flows {
			probe := s.probe
			probe.Flow = uint8(flow) //nolint:gosec // flowLimit is less
			id := netsonde.NewProbeID("", family, probe)
			probe.Ordinal = same[id]
			same[id]++
			group.Probes = append(group.Probes, probe)
		}
		probes += s.flows
		groups = append(groups, group)
	}
	return groups, probes
}
