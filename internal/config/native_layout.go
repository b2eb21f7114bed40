package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"netsonde"
)

// layoutsOf returns what a target has: one layout, or one for each family that
// its probes want. An address is invalid for a name; a port is 0 if the target
// brings none. What does not fit the target leaves it without a layout.
func (r *recipe) layoutsOf(addr netip.Addr, port uint16) *layouts {
	key := layoutKey{port: port}
	if addr.IsValid() {
		key.family = 6
		if addr.Is4() {
			key.family = 4
		}
	}
	if made, is := r.layouts[key]; is {
		return made
	}
	made := &layouts{}
	steps := slices.Clone(r.steps)
	for i := range steps {
		s := &steps[i]
		var at found
		var err error
		if addr.IsValid() {
			at, err = s.bindAddress(addr)
		} else {
			at, err = s.bindName()
		}
		if err != nil {
			made.misfits = append(made.misfits, misfit{s, at, err})
		}
		if port != 0 && takesPort(s.probe.Kind) {
			s.probe.Port, s.portless = port, false
		}
		if s.portless {
			made.misfits = append(made.misfits, misfit{s, found{}, errors.New("tcp needs a port: {tcp: {port: 8443}} for example")})
		}
	}
	if made.misfits == nil {
		made.all = r.split(steps)
	}
	r.layouts[key] = made
	return made
}

// layoutsOf returns an entry's layouts, none if something does not fit. That is
// told at the probe, or, for an entry of a target file, there: the others of
// the file may fit.
func (e *nativeEntry) layoutsOf(addr netip.Addr) []layout {
	made := e.recipe.layoutsOf(addr, e.port)
	switch {
	case e.at.file < 0 && made.misfits != nil:
		e.wrong(made.misfits[0].err)
	case !made.told:
		made.told = true
		for i := range made.misfits {
			m := &made.misfits[i]
			m.step.tell(m.at, m.err)
		}
	}
	return made.all
}

// takesPort reports whether the port behind a host in a file_sd file is that of
// a probe.
func takesPort(kind netsonde.Kind) bool {
	return kind == netsonde.KindTCP || kind == netsonde.KindHTTP || kind == netsonde.KindHTTPS || kind == netsonde.KindTLS
}

// bindAddress makes a step one of an address, whose family is not the file's to
// choose. An error comes with the place of what does not fit.
func (s *step) bindAddress(addr netip.Addr) (found, error) {
	own := netsonde.Family4
	if addr.Is6() {
		own = netsonde.Family6
	}
	if s.family != netsonde.FamilyAny && s.family != own && s.familyAt.distance < 2 {
		err := fmt.Errorf("family: %s, but %s is an address of the other: leave it out, or give a name for the host", s.familyAt.text, addr)
		return s.familyAt, err
	}
	s.family = netsonde.FamilyAny
	if s.probe.Source.IsValid() && s.probe.Source.Is4() != addr.Is4() {
		if s.sourceAt.distance == 0 {
			err := fmt.Errorf("source: nothing can be sent from %s to %s: give an address of the same family", s.probe.Source, addr)
			return s.sourceAt, err
		}
		s.probe.Source = netip.Addr{}
	}
	return found{}, nil
}

// bindName makes a step one of a name, whose addresses are of the family of the
// source.
func (s *step) bindName() (found, error) {
	if !s.probe.Source.IsValid() {
		return found{}, nil
	}
	own := netsonde.Family4
	if s.probe.Source.Is6() {
		own = netsonde.Family6
	}
	switch {
	case s.family == own:
	case s.family == netsonde.FamilyAny:
		s.family = own
	case s.sourceAt.distance == 0:
		err := fmt.Errorf("source: %s is no address of family: %s", s.probe.Source, s.familyAt.text)
		return s.sourceAt, err
	default:
		s.probe.Source = netip.Addr{}
	}
	return found{}, nil
}

// split makes a layout for each family. Probes of the target's own family, or
// all of them if they agree, stay with the target's name.
func (r *recipe) split(steps []step) []layout {
	var families []netsonde.Family
	for i := range steps {
		if !slices.Contains(families, steps[i].family) {
			families = append(families, steps[i].family)
		}
	}
	var all []layout
	for _, family := range families {
		var of []step
		for i := range steps {
			if steps[i].family == family {
				of = append(of, steps[i])
			}
		}
		l := layout{family: family}
		if len(families) > 1 && family != r.family {
			l.suffix = familyWord(family)
		}
		l.groups, l.probes = groupsOf(of, family)
		all = append(all, l)
	}
	return all
}
