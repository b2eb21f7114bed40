package config

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"netsonde/internal/topology"
)

// labLimit is the most bytes of a lab file.
const labLimit = 1 << 20

// labFile is a lab file as it is written. Times and addresses are read by us:
// the decoder would not say where a wrong one stands.
type labFile struct {
	Seed  uint64    `yaml:"seed"`
	Shape *labShape `yaml:"shape"`
	Nodes []struct {
		Name    string `yaml:"name"`
		Address string `yaml:"address"`
		Station bool   `yaml:"station"`
	} `yaml:"nodes"`
	Links []struct {
		Between []string   `yaml:"between"`
		Effects labEffects `yaml:",inline"`
	} `yaml:"links"`
	Routes []struct {
		Node string `yaml:"node"`
		To   string `yaml:"to"`
		Via  string `yaml:"via"`
	} `yaml:"routes"`
	Services []struct {
		Node string `yaml:"node"`
		Kind string `yaml:"kind"`
		Port uint16 `yaml:"port"`
	} `yaml:"services"`
	Timeline []struct {
		At    string `yaml:"at"`
		Fault string `yaml:"fault"`
	} `yaml:"timeline"`
	Repeat string `yaml:"repeat"`
}

type labShape struct {
	Kind     string     `yaml:"kind"`
	Nodes    int        `yaml:"nodes"`
	Rings    int        `yaml:"rings"`
	Stations int        `yaml:"stations"`
	Period   string     `yaml:"period"`
	Effects  labEffects `yaml:",inline"`
}

// labEffects are what a link does. Loss is a share such as "1%".
type labEffects struct {
	Delay  string `yaml:"delay"`
	Jitter string `yaml:"jitter"`
	Loss   string `yaml:"loss"`
}

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
	source := newYAMLSource(name, text)
	var file labFile
	if err := decodeYAML(text, &file); err != nil {
		return nil, Errors{source.diagnose(err)}
	}
	r := &labReader{source: source, plan: &topology.Plan{}}
	r.read(&file)
	if r.problems != nil {
		return nil, r.problems
	}
	r.check()
	if r.problems != nil {
		return nil, r.problems
	}
	return r.plan, nil
}

// labReader makes a plan of a lab file and keeps what is wrong with it.
type labReader struct {
	source   *yamlSource
	plan     *topology.Plan
	problems Errors
	// shaped is how many nodes and links of the plan are a shape's.
	shaped map[string]int
}

// wrong tells what is wrong at a path such as "$.links[2].delay".
func (r *labReader) wrong(path string, err error) {
	if len(r.problems) < diagnosticLimit {
		r.problems = append(r.problems, r.source.at(path, err))
	}
}

func (r *labReader) read(file *labFile) {
	if file.Shape != nil {
		r.shape(file)
	}
	r.plan.Seed, r.plan.Repeat = file.Seed, r.duration("$.repeat", file.Repeat)
	for i, n := range file.Nodes {
		address := topology.AddressOf(len(r.plan.Nodes))
		if n.Address != "" {
			var err error
			if address, err = netip.ParseAddr(n.Address); err != nil {
				r.wrong(fmt.Sprintf("$.nodes[%d].address", i), fmt.Errorf("%q is no address: give one such as 10.0.0.1", n.Address))
			}
		}
		r.plan.Nodes = append(r.plan.Nodes, topology.Node{Name: n.Name, Address: address, Station: n.Station})
		if i >= topology.MaxNodes {
			break
		}
	}
	for i, l := range file.Links {
		path := fmt.Sprintf("$.links[%d]", i)
		if len(l.Between) != 2 {
			r.wrong(path, errors.New("a link is between two nodes: give between: [A, B]"))
			continue
		}
		r.plan.Links = append(r.plan.Links, topology.Link{
			A: l.Between[0], B: l.Between[1], Effects: r.effects(path, l.Effects),
		})
	}
	for _, d := range file.Routes {
		r.plan.Detours = append(r.plan.Detours, topology.Detour{Node: d.Node, To: d.To, Via: d.Via})
	}
	for _, s := range file.Services {
		r.plan.Services = append(r.plan.Services, topology.Service{Node: s.Node, Kind: s.Kind, Port: s.Port})
	}
	for i, e := range file.Timeline {
		path := fmt.Sprintf("$.timeline[%d]", i)
		fault, err := topology.ParseFault(strings.Fields(e.Fault))
		if err != nil {
			r.wrong(path+".fault", err)
		}
		r.plan.Timeline = append(r.plan.Timeline, topology.Event{At: r.duration(path+".at", e.At), Fault: fault})
	}
}

// shape begins the plan with a shape, to which the rest of the file adds.
func (r *labReader) shape(file *labFile) {
	s := file.Shape
	shape := topology.Shape{
		Kind: s.Kind, Nodes: s.Nodes, Rings: s.Rings, Stations: s.Stations, Period: r.duration("$.shape.period", s.Period),
		Link: r.effects("$.shape", s.Effects), Seed: file.Seed,
	}
	plan, err := shape.Plan()
	if err != nil {
		r.wrong("$.shape", err)
		return
	}
	r.plan = plan
	r.shaped = map[string]int{"nodes": len(plan.Nodes), "links": len(plan.Links)}
}

func (r *labReader) effects(path string, e labEffects) topology.Effects {
	effects := topology.Effects{Delay: r.duration(path+".delay", e.Delay), Jitter: r.duration(path+".jitter", e.Jitter)}
	if e.Loss != "" {
		var err error
		if effects.Loss, err = topology.ParseShare(e.Loss); err != nil {
			r.wrong(path+".loss", err)
		}
	}
	return effects
}

// duration reads a time such as "20ms"; "" is 0.
func (r *labReader) duration(path, text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		r.wrong(path, fmt.Errorf("%q is no time: give one such as 20ms", text))
	}
	return d
}
