package config

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"netsonde/internal/topology"
)

// labLimit is the most bytes of a lab file.
const labLimit = 512 << 10

// LoadLab reads a lab file. The error wraps the system's when it cannot be
// read; else it is Errors, of which each diagnostic's text begins with
// file:line:column and ends with an excerpt.
func LoadLab(path string) (*topology.Plan, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the lab file: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, labLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read the lab file: %w", err)
	}
	if len(text) > labLimit {
		return nil, fmt.Errorf("read the lab file: %q is longer than %d bytes", path, labLimit)
	}
	return ParseLab(path, text)
}

// ParseLab reads a lab file's text as LoadLab does. The name is for messages.
func ParseLab(name string, text []byte) (*topology.Plan, error) {
	r := &labReader{yamlSource: parseYAML(name, text), plan: &topology.Plan{}, elements: map[string][]yamlMapping{}}
	if r.problems == nil {
		if err := guarded(r.read); err != nil {
			r.wrong(nil, err)
		}
	}
	if r.problems != nil {
		return nil, r.errors()
	}
	return r.plan, nil
}

// labReader makes a plan of a lab file.
type labReader struct {
	*yamlSource
	plan *topology.Plan
	file yamlMapping
	// elements are the file's elements of the plan's lists, as they stand
	// behind the shape's.
	elements map[string][]yamlMapping
	// shaped is how many nodes and links of the plan are a shape's.
	shaped map[string]int
	// nameless tells that some nodes' names are not known.
	nameless bool
}

func (r *labReader) read() error {
	r.file = r.mapping(r.body, "seed", "shape", "nodes", "links", "routes", "services", "timeline", "repeat")
	seed := r.number(r.file.values["seed"], 0, math.MaxUint64)
	if shape := r.file.values["shape"]; r.plain(shape) != nil {
		r.shape(shape, seed)
	}
	r.plan.Seed = seed
	r.plan.Repeat = r.duration(r.file.values["repeat"], "time", math.MaxInt64)
	r.readNodes()
	r.readLinks()
	for m := range r.each("routes", "node", "to", "via") {
		r.plan.Detours = append(r.plan.Detours, topology.Detour{
			Node: r.text(m.values["node"]), To: r.text(m.values["to"]), Via: r.text(m.values["via"]),
		})
	}
	for m := range r.each("services", "node", "kind", "port") {
		r.plan.Services = append(r.plan.Services, topology.Service{
			Node: r.text(m.values["node"]), Kind: r.text(m.values["kind"]),
			Port: uint16(r.number(m.values["port"], 1, math.MaxUint16)), //nolint:gosec // it is in this range
		})
	}
	for m := range r.each("timeline", "at", "fault") {
		at := r.duration(m.values["at"], "time", math.MaxInt64)
		r.plan.Timeline = append(r.plan.Timeline, topology.Event{At: at, Fault: r.fault(m)})
	}
	r.check()
	return nil
}

// each reads the elements of a list that are mappings. Who takes one adds its
// element to the plan.
func (r *labReader) each(list string, known ...string) iter.Seq[yamlMapping] {
	return func(yield func(yamlMapping) bool) {
		for _, node := range r.list(r.file.values[list]) {
			m := r.mapping(node, known...)
			r.elements[list] = append(r.elements[list], m)
			if r.full() || !yield(m) {
				return
			}
		}
	}
}

func (r *labReader) readNodes() {
	for m := range r.each("nodes", "name", "address", "station") {
		n := topology.Node{Name: r.text(m.values["name"]), Station: r.flag(m.values["station"])}
		n.Address = topology.AddressOf(len(r.plan.Nodes))
		if text := r.text(m.values["address"]); text != "" {
			var err error
			if n.Address, err = netip.ParseAddr(text); err != nil {
				r.wrong(m.values["address"], fmt.Errorf("%q is no address: give one such as 10.0.0.1", excerpt(text)))
			}
		}
		r.nameless = r.nameless || r.told[m.node] || r.told[m.values["name"]]
		r.plan.Nodes = append(r.plan.Nodes, n)
		if len(r.plan.Nodes) > topology.MaxNodes {
			break
		}
	}
	nodes := r.file.values["nodes"]
	r.nameless = r.nameless || r.told[nodes] || r.told[r.body]
}

func (r *labReader) readLinks() {
	for m := range r.each("links", "between", "delay", "jitter", "loss") {
		l := topology.Link{Effects: r.effects(m)}
		between, before := m.values["between"], len(r.problems)
		if ends := r.list(between); len(ends) == 2 {
			l.A, l.B = r.text(ends[0]), r.text(ends[1])
		} else if !r.told[m.node] && !r.told[between] {
			r.wrong(m.node, errors.New("a link is between two nodes: give between: [A, B]"))
		}
		if len(r.problems) > before {
			r.told[between] = true
		}
		r.plan.Links = append(r.plan.Links, l)
		if len(r.plan.Links) > topology.MaxLinks {
			break
		}
	}
}

func (r *labReader) fault(m yamlMapping) topology.Fault {
	text := r.text(m.values["fault"])
	fault, err := topology.ParseFault(strings.Fields(text))
	if err == nil || r.told[m.node] {
		return fault
	}
	place := m.node
	if m.values["fault"] != nil {
		place = m.values["fault"]
	}
	if !r.told[place] {
		r.wrong(place, err)
	}
	return topology.Fault{}
}

// shape begins the plan with a shape, to which the rest of the file adds.
func (r *labReader) shape(node ast.Node, seed uint64) {
	before := len(r.problems)
	m := r.mapping(node, "kind", "nodes", "rings", "stations", "period", "delay", "jitter", "loss")
	s := topology.Shape{
		Kind:  r.text(m.values["kind"]),
		Nodes: int(r.number(m.values["nodes"], 1, topology.MaxNodes)), //nolint:gosec // it is in this range
		Rings: int(r.number(m.values["rings"], 1, topology.MaxNodes)), //nolint:gosec // it is in this range

		Stations: int(r.number(m.values["stations"], 0, topology.MaxNodes)), //nolint:gosec // it is in this range
		Period:   r.duration(m.values["period"], "period", math.MaxInt64),
		Link:     r.effects(m), Seed: seed,
	}
	known := slices.Contains(topology.ShapeKinds(), s.Kind)
	for _, option := range []string{"rings", "stations", "period"} {
		if value := m.values[option]; known && s.Kind != "torus" && value != nil && !r.told[value] {
			r.wrong(value, fmt.Errorf("a %s has no %s: they belong to a torus", s.Kind, option))
		}
	}
	// What could not be read would be told again, as 0.
	if known && len(r.problems) > before {
		r.nameless = true
		return
	}
	plan, err := s.Plan()
	if err != nil {
		r.nameless = true
		r.wrong(node, err)
		return
	}
	r.plan = plan
	r.shaped = map[string]int{"nodes": len(plan.Nodes), "links": len(plan.Links)}
}

func (r *labReader) effects(m yamlMapping) topology.Effects {
	effects := topology.Effects{
		Delay:  r.duration(m.values["delay"], "delay", topology.MaxDelay),
		Jitter: r.duration(m.values["jitter"], "jitter", topology.MaxDelay),
	}
	if text := r.text(m.values["loss"]); text != "" {
		var err error
		if effects.Loss, err = topology.ParseShare(text); err != nil {
			r.wrong(m.values["loss"], err)
		}
	}
	return effects
}
