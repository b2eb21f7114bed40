package mesh

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"netsonde/pmonitor"
)

// endingPatience bounds how long a mesh that was told to end waits for a
// master that is locked.
const endingPatience = 5 * time.Second

// Options say what a mesh is of and how it runs.
type Options struct {
	Directory Directory
	Nodes     []Node
	// StableMonitors gives stable nodes monitors as well.
	StableMonitors bool
	// Keep leaves the databases and the statistics when the mesh ends.
	Keep bool
	// URL is where the page is, "" if there is none. It is only told.
	URL string
	// Pace and Timeout are those of the monitors, see pmonitor.Options.
	Pace, Timeout time.Duration
	// Once ends each monitor, and with the last the mesh, after one round.
	Once bool
	// Log is told what the monitors do; each record has the attribute "node".
	// nil means nobody is.
	Log *slog.Logger
	// Begun, unless nil, is called once, when all is ready and the monitors are
	// about to start. It must not keep the state.
	Begun func(*State)
	// Report, unless nil, is called with each failure that the mesh outlives,
	// by several goroutines at a time.
	Report func(error)
}

// Mesh runs the monitors of nodes that watch each other.
type Mesh struct {
	options  Options
	observer *Observer
	// namespaces are the open files of the nodes' namespaces, by their paths.
	namespaces map[string]*os.File

	mu    sync.Mutex
	state *State
}

// New returns a mesh that does not run yet. The observer is one of the mesh's
// directory, for the statistics. It fails when no node would have a monitor.
func New(observer *Observer, options Options) (*Mesh, error) {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Report == nil {
		options.Report = func(error) {}
	}
	m := &Mesh{options: options, observer: observer, namespaces: map[string]*os.File{}, state: &State{
		Schema: 1, Process: os.Getpid(), URL: options.URL, StableMonitors: options.StableMonitors, Keep: options.Keep,
	}}
	monitors := 0
	for _, node := range options.Nodes {
		told := NodeState{Name: node.Name, Address: node.Address.String(), Stable: node.Stable, Monitor: MonitorNone}
		if m.monitored(node) {
			told.Monitor = MonitorRunning
			monitors++
		}
		m.state.Nodes = append(m.state.Nodes, told)
	}
	if monitors == 0 {
		return nil, errors.New("all nodes are stable, so none would have a monitor: add --stable-monitors")
	}
	return m, nil
}

func (m *Mesh) monitored(node Node) bool { return !node.Stable || m.options.StableMonitors }

// Run makes the databases and monitors until every monitor has ended, which
// Stop, and ctx's end, bring about. It then removes the mesh's files unless
// they are to be kept.
//
// It fails, before anything is erased, when the directory or a namespace
// cannot be used (ErrRunning if another mesh runs there), and at the end when
// monitors have failed.
func (m *Mesh) Run(ctx context.Context) (err error) {
	directory := m.options.Directory
	if err := os.MkdirAll(directory.Path(), 0o755); err != nil {
		return fmt.Errorf("make the directory of the mesh: %w", err)
	}
	lock, err := directory.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	defer m.closeNamespaces()
	if err := errors.Join(directory.takeOver(m.state), m.openNamespaces()); err != nil {
		return err
	}
	switch err := m.begin(ctx); {
	case err == nil:
	case ctx.Err() == nil:
		return err
	case m.options.Keep:
		return m.ended()
	default:
		return directory.remove(m.state)
	}

	if m.options.Begun != nil {
		m.options.Begun(m.state)
	}
	sampling, end := context.WithCancel(ctx)
	var statistics, monitors sync.WaitGroup
	failures := make([]error, len(m.options.Nodes))
	for i, node := range m.options.Nodes {
		if m.monitored(node) {
			monitors.Go(func() { failures[i] = m.monitor(ctx, i, node) })
		}
	}
	statistics.Go(func() { m.sampleStatistics(sampling) })
	monitors.Wait()
	end()
	statistics.Wait()
	return errors.Join(summary(failures), m.finish(ctx))
}

// begin makes the master and the state.
func (m *Mesh) begin(ctx context.Context) error {
	directory := m.options.Directory
	if err := os.Remove(directory.file(keepFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("directory of the mesh: %w", err)
	}
	// The state comes first: what a start that breaks off leaves is a mesh's.
	m.state.Started = time.Now()
	if err := m.change(func(*State) {}); err != nil {
		return err
	}
	targets := make([]pmonitor.Target, 0, len(m.options.Nodes))
	for _, node := range m.options.Nodes {
		targets = append(targets, pmonitor.Target{Name: node.Name, Address: node.Address.String(), Stable: node.Stable})
	}
	if err := pmonitor.InitTargets(ctx, directory.Master(), targets); err != nil {
		return err
	}
	return m.say(ctx)
}

// change changes the state and tells others.
func (m *Mesh) change(f func(*State)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.state)
	return m.options.Directory.write(m.state)
}

// monitor runs one node's monitor and returns why it has failed.
func (m *Mesh) monitor(ctx context.Context, place int, node Node) error {
	directory := m.options.Directory
	err := inNamespace(m.namespaces[node.Namespace], func() error {
		return pmonitor.Monitor(ctx, directory.Master(), directory.Work(node.Name), node.Address.String(), pmonitor.Options{
			Pace: m.options.Pace, Timeout: m.options.Timeout, Once: m.options.Once, Log: m.options.Log.With("node", node.Name),
		})
	})
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("monitor of node %s: %w", node.Name, err)
		m.options.Report(err)
	}
	told := m.change(func(state *State) {
		state.Nodes[place].Monitor = MonitorEnded
		if err != nil {
			state.Nodes[place].Monitor, state.Nodes[place].Reason = MonitorFailed, err.Error()
		}
	})
	if told != nil {
		m.options.Report(told)
	}
	return err
}

// say tells programs beside us which nodes' monitors run. It does so for all at
// once, before they do: by one write each, they would keep each other from the
// master for seconds.
func (m *Mesh) say(ctx context.Context) error {
	var running []string
	for _, node := range m.options.Nodes {
		if m.monitored(node) {
			running = append(running, node.Address.String())
		}
	}
	return store(ctx, m.options.Directory, pmonitor.FlagRunning, running, true)
}

// store puts a flag of several nodes into the master.
func store(ctx context.Context, directory Directory, flag pmonitor.Flag, addresses []string, value bool) error {
	master, err := pmonitor.OpenDB(ctx, directory.Master())
	if err != nil {
		return err
	}
	return errors.Join(master.StoreAll(ctx, flag, addresses, value), master.Close())
}

// sampleStatistics adds a sample at once and then at every turn, until ctx ends.
func (m *Mesh) sampleStatistics(ctx context.Context) {
	turns := time.NewTicker(sampleEvery)
	defer turns.Stop()
	for ctx.Err() == nil {
		now := time.Now()
		_, seen, err := m.observer.Observe(ctx)
		if err == nil {
			err = m.change(func(state *State) { state.Samples = appendSample(state.Samples, Sum(now, seen)) })
		}
		if err != nil && ctx.Err() == nil {
			m.options.Report(fmt.Errorf("statistics: %w", err))
		}
		select {
		case <-ctx.Done():
		case <-turns.C:
		}
	}
}

// finish leaves the files as an ended mesh's, or removes them.
func (m *Mesh) finish(ctx context.Context) error {
	directory := m.options.Directory
	_, err := os.Stat(directory.file(keepFile))
	if err != nil && !m.options.Keep {
		return directory.remove(m.state)
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endingPatience)
	defer cancel()
	// Whoever looks at the master later sees that nothing may run.
	err = forbid(ending, directory, m.state.Nodes)
	removed := os.Remove(directory.file(keepFile))
	if errors.Is(removed, fs.ErrNotExist) {
		removed = nil
	}
	return errors.Join(err, removed, m.ended())
}

func (m *Mesh) ended() error {
	return m.change(func(state *State) { state.Ended, state.URL = time.Now(), "" })
}

// summary is the error for monitors that have failed.
func summary(failures []error) error {
	failed, first := 0, error(nil)
	for _, err := range failures {
		if err != nil {
			failed++
			if first == nil {
				first = err
			}
		}
	}
	if failed > 1 {
		return fmt.Errorf("%d monitors failed, the first: %w", failed, first)
	}
	return first
}

// openNamespaces opens every namespace and tries to enter it.
func (m *Mesh) openNamespaces() error {
	var problems []error
	for _, node := range m.options.Nodes {
		path := node.Namespace
		if path == "" || m.namespaces[path] != nil || !m.monitored(node) {
			continue
		}
		file, err := os.Open(path)
		if err != nil {
			problems = append(problems, fmt.Errorf("network namespace of node %s: %w", node.Name, err))
			continue
		}
		m.namespaces[path] = file
		if err := inNamespace(file, func() error { return nil }); err != nil {
			problems = append(problems, fmt.Errorf("node %s: %w", node.Name, err))
		}
	}
	return errors.Join(problems...)
}

func (m *Mesh) closeNamespaces() {
	for _, file := range m.namespaces {
		_ = file.Close()
	}
}
