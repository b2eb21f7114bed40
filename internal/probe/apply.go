package probe

import (
	"netsonde"
)

// Apply makes targets the whole plan, as a diff: probes that are in both keep
// their phase, their memory and what is in flight; those that left are
// dropped without a word; new ones start as soon as they have an address, or,
// at a fixed cadence, at their phase. A group whose probes changed starts
// anew. A changed cadence takes effect at the earlier of the old due time and
// now plus the new pause or interval.
func (e *Engine) Apply(now netsonde.Instant, targets []*netsonde.Target) {
	e.epoch.learn(now)
	kept := make(map[string]*target, len(targets))
	for _, plan := range targets {
		t := e.targets[plan.Name]
		if t == nil || t.plan.Family != plan.Family {
			if t != nil {
				e.remove(t)
			}
			t = &target{plan: plan}
		}
		delete(e.targets, plan.Name)
		kept[plan.Name] = t
		e.replace(now, t, plan)
	}
	for _, t := range e.targets {
		e.remove(t)
	}
	e.targets = kept
	e.dropInquiries(func(q *inquiry) bool { return e.probes[q.evidence.Probe] == nil })
}

func (e *Engine) remove(t *target) {
	for _, g := range t.groups {
		e.abandon(g)
		for _, m := range g.probes {
			delete(e.probes, m.plan.ID)
		}
	}
}

// replace puts a target's new plan in the place of its old one.
func (e *Engine) replace(now netsonde.Instant, t *target, plan *netsonde.Target) {
	old := t.groups
	if t.plan.Host != plan.Host {
		t.unresolved = false
	}
	t.plan = plan
	t.groups = make([]*group, len(plan.Groups))
	for i := range plan.Groups {
		if g := takeGroup(old, &plan.Groups[i]); g != nil {
			had := g.cadence
			g.place = i
			g.follow(&plan.Groups[i])
			for j := range g.probes {
				g.probes[j].plan = &plan.Groups[i].Probes[j]
			}
			t.groups[i] = g
			e.recadence(now, g, had)
		}
	}
	var before map[netsonde.ProbeID]*measurement // made for what changed only
	for _, g := range old {
		if g == nil {
			continue
		}
		e.abandon(g)
		if before == nil {
			before = map[netsonde.ProbeID]*measurement{}
		}
		for _, m := range g.probes {
			before[m.plan.ID] = m
		}
	}
	for i := range plan.Groups {
		if t.groups[i] == nil {
			t.groups[i] = e.newGroup(t, i, before)
		}
	}
	for id, m := range before {
		if e.probes[id] == m {
			delete(e.probes, id)
		}
	}
	e.settle(now, t)
}

// takeGroup takes from old the group that measures just what the plan does.
func takeGroup(old []*group, plan *netsonde.Group) *group {
	for i, g := range old {
		if g == nil || len(g.probes) != len(plan.Probes) {
			continue
		}
		same := g.name == plan.Name
		for j := range plan.Probes {
			same = same && sameMeasurement(g.probes[j].plan, &plan.Probes[j])
		}
		if same {
			old[i] = nil
			return g
		}
	}
	return nil
}

// sameMeasurement reports whether a round that runs by one plan is as good by the other.
func sameMeasurement(a, b *netsonde.Probe) bool {
	return a.ID == b.ID && a.Count == b.Count && a.Size == b.Size && a.Hops == b.Hops && a.Spacing == b.Spacing
}

// newGroup makes a group for the place, with the measurements among before
// that it goes on with.
func (e *Engine) newGroup(t *target, place int, before map[netsonde.ProbeID]*measurement) *group {
	plan := &t.plan.Groups[place]
	g := allocateGroup(len(plan.Probes))
	g.target, g.place, g.name = t, place, plan.Name
	g.follow(plan)
	for i := range plan.Probes {
		probe := &plan.Probes[i]
		m := g.probes[i]
		m.plan = probe
		if earlier := before[probe.ID]; earlier != nil {
			m.memory, m.reached, m.good = earlier.memory, earlier.reached, earlier.good
			m.identity, m.suspicion.up = earlier.identity, earlier.suspicion.up
			g.round = max(g.round, earlier.group.round+earlier.group.missed)
		}
		e.probes[probe.ID] = m
	}
	return g
}

// lone is a group of one probe, which most often is of one echo: in one piece, so that
// a round finds it in fewer places of the memory.
type lone struct {
	group    group
	measured measurement
	probes   [1]*measurement
	slots    [1]int32
}

// allocateGroup makes a group of so many measurements.
func allocateGroup(probes int) *group {
	if probes == 1 {
		one := &lone{}
		one.probes[0] = &one.measured
		one.group.probes = one.probes[:]
		one.measured.burst.slots = one.slots[:0]
		one.group.link()
		return &one.group
	}
	g := &group{probes: make([]*measurement, probes)}
	for i := range g.probes {
		g.probes[i] = &measurement{}
	}
	g.link()
	return g
}

// link has the parts of a group know one another.
func (g *group) link() {
	g.start.group = g
	for _, m := range g.probes {
		m.group = g
		m.reviewing.measured = m
	}
}
