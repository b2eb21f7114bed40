package mesh

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"time"

	"netsonde/pmonitor"
)

// page is what the template shows.
type page struct {
	State          *State
	Monitors       int
	Running        int
	Stable         Count
	Dynamic        Count
	StableSamples  string
	DynamicSamples string
	Nodes          []pageNode
	// Targets are the columns of the table of who sees whom.
	Targets []string
}

// pageNode is a node as the page shows it.
type pageNode struct {
	Observation
	Last []pageStatus
	// Seen is how each of the page's targets stands for the node.
	Seen []pageStatus
}

// pageStatus is how a target stands. Its class is ok, fail, unknown or self.
type pageStatus struct{ Name, Class string }

// pageChart is one chart of the page.
type pageChart struct {
	Title, ID string
	Count     Count
	Samples   string
}

func pageFunctions() template.FuncMap {
	return template.FuncMap{
		"chart": func(title, id string, count Count, samples string) pageChart {
			return pageChart{title, id, count, samples}
		},
		"clock": func(t time.Time) string { return t.Format("2006-01-02 15:04:05 MST") },
		"mark": func(class string) string {
			return map[string]string{"ok": "✓", "fail": "✗", "unknown": "·"}[class]
		},
		"kind": func(stable bool) string {
			if stable {
				return "stable"
			}
			return "dynamic"
		},
	}
}

func (h *handler) servePage(w http.ResponseWriter, r *http.Request) {
	state, seen, err := h.observer.Observe(r.Context())
	if err != nil {
		h.fail(w, err)
		return
	}
	var text bytes.Buffer
	p, err := newPage(state, seen)
	if err == nil {
		err = h.page.Execute(&text, p)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(text.Bytes())
}

func newPage(state *State, seen []Observation) (*page, error) {
	now := Sum(time.Time{}, seen)
	p := &page{State: state, Stable: now.Stable, Dynamic: now.Dynamic, Targets: targetNames(seen)}
	var err error
	if p.DynamicSamples, err = series(state.Samples, func(s Sample) Count { return s.Dynamic }); err != nil {
		return nil, err
	}
	if p.StableSamples, err = series(state.Samples, func(s Sample) Count { return s.Stable }); err != nil {
		return nil, err
	}
	for i := range seen {
		node := pageNode{Observation: seen[i]}
		own := node.Node.Name
		if node.Node.Monitor != MonitorNone {
			p.Monitors++
		}
		if node.Node.Monitor == MonitorRunning {
			p.Running++
		}
		for _, status := range node.LastFive {
			// The own row fills up, but is never sampled.
			if status.Name != own {
				node.Last = append(node.Last, pageStatus{status.Name, class(status.Responded)})
			}
		}
		classes := make(map[string]string, len(node.Statuses))
		for _, status := range node.Statuses {
			classes[status.Name] = class(status.Responded)
		}
		for _, name := range p.Targets {
			shown := pageStatus{name, "unknown"}
			if name == own {
				shown.Class = "self"
			} else if known, ok := classes[name]; ok {
				shown.Class = known
			}
			node.Seen = append(node.Seen, shown)
		}
		p.Nodes = append(p.Nodes, node)
	}
	return p, nil
}

func class(responded bool) string {
	if responded {
		return "ok"
	}
	return "fail"
}

// targetNames are the nodes' names, and then those of targets that others have
// added to the databases.
func targetNames(seen []Observation) []string {
	var names, added []string
	known := map[string]bool{}
	for i := range seen {
		names = append(names, seen[i].Node.Name)
		known[seen[i].Node.Name] = true
	}
	for i := range seen {
		for _, list := range [][]pmonitor.Status{seen[i].Statuses, seen[i].LastFive} {
			for _, status := range list {
				if !known[status.Name] {
					known[status.Name] = true
					added = append(added, status.Name)
				}
			}
		}
	}
	slices.Sort(added)
	return append(names, added...)
}

// series is the data of one chart: times in Unix seconds, and how many pairs
// were good and how many failed at each.
func series(samples []Sample, count func(Sample) Count) (string, error) {
	data := [3][]float64{{}, {}, {}}
	for _, sample := range samples {
		c := count(sample)
		data[0] = append(data[0], float64(sample.Time.UnixMilli())/1e3)
		data[1] = append(data[1], float64(c.Good))
		data[2] = append(data[2], float64(c.Failed()))
	}
	text, err := json.Marshal(data)
	return string(text), err
}
