package topology

import (
	"container/heap"
	"time"
)

// hopCost is what a link costs beside its delay: of paths with like delays the
// one of fewer links is the shorter.
const hopCost = time.Millisecond

// Paths are the shortest paths between all nodes at one moment.
type Paths struct {
	state *State
	// first is the first link of each path, by source and destination, or -1.
	first [][]int
	// links is how many the longest path has, ends are its nodes.
	links int
	ends  [2]int
}

// Paths finds the shortest paths over the links that are up, by their planned
// delays. Of equal ones that through the lower places is taken, always the
// same. What faults do to packets is not seen, just as routers do not see it.
func (s *State) Paths() *Paths {
	type edge struct {
		link, to int
		cost     time.Duration
	}
	edges := make([][]edge, len(s.plan.Nodes))
	for i, l := range s.plan.Links {
		if !s.Up(i) {
			continue
		}
		a, b := s.places[l.A], s.places[l.B]
		edges[a] = append(edges[a], edge{i, b, l.Delay + hopCost})
		edges[b] = append(edges[b], edge{i, a, l.Delay + hopCost})
	}
	p := &Paths{state: s, first: make([][]int, len(edges))}
	for source := range edges {
		first, links := make([]int, len(edges)), make([]int, len(edges))
		distance := make([]time.Duration, len(edges))
		for i := range first {
			first[i], distance[i] = -1, -1
		}
		distance[source] = 0
		queue := pathQueue{{node: source}}
		for len(queue) > 0 {
			at := heap.Pop(&queue).(pathStep)
			if at.distance > distance[at.node] || at.node != source && s.plan.Nodes[at.node].Station {
				continue
			}
			for _, e := range edges[at.node] {
				far := at.distance + e.cost
				if distance[e.to] >= 0 && far >= distance[e.to] {
					continue
				}
				distance[e.to], first[e.to], links[e.to] = far, first[at.node], links[at.node]+1
				if at.node == source {
					first[e.to] = e.link
				}
				heap.Push(&queue, pathStep{node: e.to, distance: far})
			}
		}
		p.first[source] = first
		for to := range links {
			if links[to] > p.links {
				p.links, p.ends = links[to], [2]int{source, to}
			}
		}
	}
	for way, link := range s.detours {
		if s.Up(link) {
			p.first[way[0]][way[1]] = link
		}
	}
	return p
}

// Longest returns the path of the most links by its nodes' places; detours do
// not count. Links is 0 where no two nodes have a path.
func (p *Paths) Longest() (from, to, links int) { return p.ends[0], p.ends[1], p.links }

// First returns the place of the link by which a node sends what is for
// another; ok is false when there is none.
func (p *Paths) First(from, to int) (link int, ok bool) {
	link = p.first[from][to]
	return link, link >= 0
}

// Reaches reports whether packets from one node come to another: along the
// routes, and through no direction that loses everything.
func (p *Paths) Reaches(from, to int) bool {
	s := p.state
	if s.stopped[from] || s.stopped[to] {
		return from == to && !s.stopped[from]
	}
	// Detours can make a loop.
	for range s.plan.Nodes {
		if from == to {
			return true
		}
		link := p.first[from][to]
		if link < 0 {
			return false
		}
		effects, next := s.links[link].Forth, s.places[s.plan.Links[link].B]
		if next == from {
			effects, next = s.links[link].Back, s.places[s.plan.Links[link].A]
		}
		if effects.Loss >= 1 {
			return false
		}
		from = next
	}
	return from == to
}

// Answers reports whether a ping from one node to another is answered.
func (p *Paths) Answers(from, to int) bool { return p.Reaches(from, to) && p.Reaches(to, from) }

type pathStep struct {
	node     int
	distance time.Duration
}

// pathQueue is a heap.Interface of steps, the nearest first.
type pathQueue []pathStep

func (q pathQueue) Len() int { return len(q) }
func (q pathQueue) Less(i, j int) bool {
	if q[i].distance != q[j].distance {
		return q[i].distance < q[j].distance
	}
	return q[i].node < q[j].node
}
func (q pathQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is for package heap.
func (q *pathQueue) Push(x any) { *q = append(*q, x.(pathStep)) }

// Pop is for package heap.
func (q *pathQueue) Pop() any {
	last := len(*q) - 1
	step := (*q)[last]
	*q = (*q)[:last]
	return step
}
