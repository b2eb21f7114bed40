package mesh

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"netsonde/pmonitor"
)

const (
	// BrowserPatience is how long a browser may wait for one locked database.
	BrowserPatience = time.Second
	// readers is how many working databases are read at a time.
	readers = 8
	// freshness is how long what was seen answers further questions: many
	// browsers cost no more than one.
	freshness = time.Second
)

// Observation is what one node's working database says.
type Observation struct {
	Node NodeState
	// Count is of stable targets only if the node is stable.
	Count Count
	// LastFive are the rows that were sampled last, the latest first. The
	// node's own row, which is never sampled, fills up where there are fewer.
	LastFive []pmonitor.Status
	// Statuses are those that have ever answered.
	Statuses []pmonitor.Status
	// Err says why the rest is older, or missing.
	Err error
}

// Observer reads a mesh's state and its working databases. Its methods may be
// called by any goroutine.
type Observer struct {
	directory Directory
	patience  time.Duration

	mu sync.Mutex
	// known is what was last read of each node, by its name.
	known map[string]Observation
	at    time.Time
	state *State
	seen  []Observation
}

// NewObserver returns an observer of the mesh in a directory, which waits for
// each locked database no longer than patience.
func NewObserver(directory Directory, patience time.Duration) *Observer {
	return &Observer{directory: directory, patience: patience, known: map[string]Observation{}}
}

// Observe reads everything. It is at most a second old; what is returned must
// not be changed. A working database that is missing or empty has seen
// nothing; of one that is locked, what it said before is told.
//
// The error is for the mesh's state, and wraps ErrNoMesh if there is none.
func (o *Observer) Observe(ctx context.Context) (*State, []Observation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state != nil && time.Since(o.at) < freshness {
		return o.state, o.seen, nil
	}
	state, err := o.directory.State()
	if err != nil {
		return nil, nil, err
	}
	seen := make([]Observation, len(state.Nodes))
	reading := errgroup.Group{}
	reading.SetLimit(readers)
	for i, node := range state.Nodes {
		reading.Go(func() error {
			seen[i] = o.observe(ctx, node)
			return nil
		})
	}
	_ = reading.Wait()
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	for i := range seen {
		o.known[seen[i].Node.Name] = seen[i]
	}
	o.at, o.state, o.seen = time.Now(), state, seen
	return state, seen, nil
}

// observe reads one working database, with o.mu held.
func (o *Observer) observe(ctx context.Context, node NodeState) Observation {
	seen := Observation{Node: node}
	path := o.directory.Work(node.Name)
	if blank(path) {
		return seen
	}
	reading, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	if seen.Err = seen.read(reading, path); reading.Err() != nil && seen.Err != nil {
		known := o.known[node.Name]
		known.Node, known.Err = node, seen.Err
		return known
	}
	return seen
}

// blank reports whether a database has not been begun.
func blank(path string) bool {
	file, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && file.Mode().IsRegular() && file.Size() == 0
}

func (s *Observation) read(ctx context.Context, path string) (err error) {
	db, err := pmonitor.OpenDB(ctx, path)
	if err != nil {
		return fmt.Errorf("node %s: %w", s.Node.Name, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if s.Count.Good, s.Count.Total, err = db.StatusCount(ctx, s.Node.Stable); err != nil {
		return fmt.Errorf("node %s: %w", s.Node.Name, err)
	}
	if s.LastFive, err = db.LastFive(ctx); err != nil {
		return fmt.Errorf("node %s: %w", s.Node.Name, err)
	}
	if s.Statuses, err = db.StatusList(ctx); err != nil {
		return fmt.Errorf("node %s: %w", s.Node.Name, err)
	}
	return nil
}
