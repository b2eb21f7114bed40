package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/check"
	"netsonde/internal/config"
	"netsonde/internal/console"
	"netsonde/internal/kernel"
	"netsonde/internal/service"
	"netsonde/internal/socket"
)

// flushTime bounds how long results are still written after the end, to a
// reader that is slow.
const flushTime = 5 * time.Second

// aliveTime bounds how long a shard may take to answer systemd's watchdog.
const aliveTime = 5 * time.Second

// monitor is one endless run: a configuration in, results out.
type monitor struct {
	program *program
	// path is the file, "-" for standard input.
	path string
	// locate, if there is one, says what path is before each reading.
	locate func() (string, error)
	// strict ends the run when a reload fails, as connmonitor does.
	strict bool
	// badConfiguration is the exit code for a file that cannot be used.
	badConfiguration int
	format           console.Format
	// found, if there is one, is the plan; nothing is read, and a hang-up ends
	// the run.
	found *netsonde.Plan

	agent  *agent.Agent
	output output
	loader *config.Loader
	// awaitsTargets is set when target files may bring the first targets.
	awaitsTargets bool
}

// output is where the results of an endless run go.
type output interface {
	agent.Sink
	// Expect tells the targets of the plan that holds from now on.
	Expect(targets []*netsonde.Target)
	// Run writes until ctx ends, and then what waits.
	Run(ctx context.Context) error
}

// errStopped ends a run that was told to stop before it had begun.
var errStopped = errors.New("stopped by a signal")

// run monitors until it is stopped and returns the exit code.
func (m *monitor) run(ctx context.Context) int {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	signals := listen()
	signals.hangUpStops = m.found != nil
	defer signals.close()
	go signals.serve(func() { end(errStopped) })

	plan, err := m.read(ctx)
	switch {
	case ctx.Err() != nil:
		return exitWell
	case err != nil:
		return m.badConfiguration
	}
	return m.monitor(ctx, end, signals, plan)
}

// monitor runs a plan and those that take its place.
func (m *monitor) monitor(ctx context.Context, end context.CancelCauseFunc, signals *signals, plan *netsonde.Plan) int {
	connections, err := m.program.openConnections(shardsFor(plan))
	defer closeConnections(connections)
	if err != nil {
		m.program.diagnostics.Error("OSError", err.Error())
		return exitFailure
	}
	defer runtime.GOMAXPROCS(makeRoom(len(connections)))
	observer := m.program.openObserver(connections[0])
	if observer != nil {
		defer observer.Close()
	}
	m.output = m.newOutput(plan, connections[0])
	health := &healthReport{program: m.program, output: m.output, at: time.Now(), used: processorTime()}
	if m.agent, err = m.program.newAgent(connections, observer, m.output, health.tell); err != nil {
		m.program.diagnostics.Error("OSError", err.Error())
		return exitFailure
	}
	signals.onStop(func() {
		m.program.tell(service.NotifyStopping())
		m.agent.Drain()
	})

	printing := startPrinting(m.output.Run, end)
	var servants sync.WaitGroup
	var unusable error
	servants.Go(func() {
		unusable = m.apply(ctx, signals.reloads, plan)
		if errors.Is(unusable, agent.ErrNoHosts) {
			// Nothing runs, but which hosts they were is still to be told.
			m.agent.Drain()
			return
		}
		end(unusable)
	})
	servants.Go(func() { health.serve(ctx, m.agent.ReportHealth) })
	if observer != nil {
		servants.Go(func() { m.program.tell(observer.Run(ctx)) })
	}
	servants.Go(func() { m.program.tell(service.KeepAlive(ctx, m.alive(ctx))) })
	if loader := m.loader; loader != nil {
		servants.Go(func() { m.program.tell(loader.Run(ctx, 0, signals.reload)) })
	}
	err = m.agent.Run(ctx)
	end(nil)
	servants.Wait()
	// The output bounds by itself how long it writes.
	written := printing.finish(nil)

	switch {
	case err != nil:
		m.program.diagnostics.Error("OSError", err.Error())
		return exitFailure
	case errors.Is(unusable, agent.ErrNoHosts):
		m.program.complain(config.ErrNoHosts)
		return m.badConfiguration
	case errors.Is(unusable, errReload):
		return m.badConfiguration
	}
	return m.program.printed(written)
}

// newOutput is a table of what was found, or prints what a file asks for.
func (m *monitor) newOutput(plan *netsonde.Plan, connection *socket.Connection) output {
	if m.found != nil {
		return m.program.newTable(plan, connection)
	}
	return console.New(console.Options{
		Results: m.program.stdout, Diagnostics: m.program.diagnostics, Flush: flushTime,
		Format: m.format, Node: nodeName(plan), Terminal: isTerminal(m.program.stdout), Columns: m.program.columns(),
	})
}

// nodeName is what the plan calls this vantage point, or else the host's name.
func nodeName(plan *netsonde.Plan) string {
	if plan.Node != "" {
		return plan.Node
	}
	// A host without a name is a vantage point without one.
	name, _ := os.Hostname()
	return name
}

// printed is the exit code for how the printing of results has ended: a reader
// who has left, or who does not read on, is no failure of ours.
func (p *program) printed(err error) int {
	switch {
	case err == nil, errors.Is(err, console.ErrClosed):
		return exitWell
	case errors.Is(err, console.ErrUnwritten):
		p.diagnostics.Warn(err.Error())
		return exitWell
	default:
		p.diagnostics.Error("OSError", err.Error())
		return exitFailure
	}
}

// errReload ends a run whose file has become unusable; that has been said.
var errReload = errors.New("the configuration can no longer be used")

// apply hands the agent its first plan and then, whenever it is asked, the
// file's. A plan whose names are still being looked up keeps no other waiting.
// It returns why the run must end, nil when the context has ended.
func (m *monitor) apply(ctx context.Context, reloads <-chan struct{}, plan *netsonde.Plan) error {
	var applying sync.WaitGroup
	defer applying.Wait()
	m.program.tell(service.NotifyReady())
	for first := true; ; first = false {
		var applied chan error
		if plan != nil && len(plan.Targets) == 0 {
			// Targets are yet to come.
			m.output.Expect(nil)
			applying.Go(func() { _ = m.agent.Apply(ctx, plan) })
		} else if plan != nil {
			m.output.Expect(plan.Targets)
			applied = make(chan error, 1)
			applying.Go(func() { applied <- m.agent.Apply(ctx, plan) })
		}
		if !first {
			m.program.tell(service.NotifyReady())
		}
		if err := m.await(ctx, reloads, applied, first || m.strict); err != nil || ctx.Err() != nil {
			return err
		}
		m.program.tell(service.NotifyReloading())
		var err error
		if plan, err = m.reload(ctx); err != nil {
			return err
		}
	}
}

// await returns nil when a reload is asked for or the context has ended, and
// agent.ErrNoHosts when the plan that is being applied turns out to have no
// host and must.
func (m *monitor) await(ctx context.Context, reloads <-chan struct{}, applied <-chan error, must bool) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-reloads:
			return nil
		case err := <-applied:
			switch {
			case !errors.Is(err, agent.ErrNoHosts):
			case must:
				return err
			default:
				m.program.diagnostics.Warn("None of the hosts has an address now; their names are looked up again and again")
			}
		}
	}
}

// reload reads the file again. The plan is nil when nothing is to change.
func (m *monitor) reload(ctx context.Context) (*netsonde.Plan, error) {
	if m.path == standardInput {
		m.program.diagnostics.Error("OSError", "No input file to read! (input given on stdin)")
		return nil, nil
	}
	plan, err := m.read(ctx)
	switch {
	case err == nil:
		return plan, nil
	case ctx.Err() != nil:
		return nil, nil
	case m.strict:
		return nil, errReload
	}
	m.program.diagnostics.Warn("The configuration is not changed: " + m.path + " cannot be used")
	return nil, nil
}

// read reads the configuration and tells all that is wrong with it.
func (m *monitor) read(ctx context.Context) (*netsonde.Plan, error) {
	if m.found != nil {
		return m.found, nil
	}
	before := m.path
	if m.locate != nil {
		path, err := m.locate()
		if err != nil {
			m.program.complain(err)
			return nil, err
		}
		m.path = path
	}
	if m.loader == nil || m.path != before {
		m.loader = config.NewLoader(m.path)
	}
	load := m.load
	if m.path == standardInput {
		load = func(context.Context) (*netsonde.Plan, []config.Diagnostic, error) {
			return config.Parse("standard input", m.program.stdin)
		}
	}
	type outcome struct {
		plan        *netsonde.Plan
		diagnostics []config.Diagnostic
		err         error
	}
	// Standard input cannot be interrupted, so the wait for it is.
	done := make(chan outcome, 1)
	go func() {
		plan, diagnostics, err := load(ctx)
		done <- outcome{plan, diagnostics, err}
	}()
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("read the configuration: %w", context.Cause(ctx))
	case read := <-done:
		for i := range read.diagnostics {
			m.program.complain(read.diagnostics[i])
		}
		if read.err == nil && len(read.plan.Targets) == 0 && !m.awaitsTargets {
			m.program.complain(config.ErrNoHosts)
			return nil, config.ErrNoHosts
		}
		return read.plan, read.err
	}
}

// load reads the file, and what it names, with what is remembered of those.
func (m *monitor) load(ctx context.Context) (*netsonde.Plan, []config.Diagnostic, error) {
	loaded, diagnostics, err := m.loader.Load(ctx)
	if err != nil {
		return nil, diagnostics, err
	}
	m.awaitsTargets = len(loaded.TargetFiles) > 0
	return loaded.Plan, diagnostics, nil
}

// alive tells systemd's watchdog whether every shard still takes work.
func (m *monitor) alive(ctx context.Context) func() bool {
	return func() bool {
		ctx, cancel := context.WithTimeout(ctx, aliveTime)
		defer cancel()
		return m.agent.Responds(ctx)
	}
}

// complain tells a diagnostic of a configuration.
func (p *program) complain(err error) {
	var d config.Diagnostic
	switch {
	case !errors.As(err, &d):
		p.diagnostics.Error("Exception", err.Error())
	case d.Severity == config.Warning:
		p.diagnostics.Warn(d.Text)
	case d.Type == "":
		lines := strings.Split(d.Detail(), "\n")
		p.diagnostics.Explain(lines[0], lines[1:]...)
	default:
		p.diagnostics.Error(d.Type, d.Text)
	}
}

// tell warns of what went wrong beside the monitoring.
func (p *program) tell(err error) {
	if err != nil {
		p.diagnostics.Warn(err.Error())
	}
}

// newAgent makes an agent of connections, which must outlive it.
func (p *program) newAgent(
	connections []*socket.Connection, observer *kernel.Observer, sink agent.Sink, health func(*netsonde.Health),
) (*agent.Agent, error) {
	shards := make([]agent.Connection, len(connections))
	for i, connection := range connections {
		shards[i] = connection
	}
	return agent.New(agent.Config{
		Connections: shards,
		Observer:    observed(observer),
		Health:      health,
		Checks:      allChecks(check.New(check.Options{})),
		Sinks:       []agent.Sink{sink},
		Warn:        p.diagnostics.Warn,
		RouterRate:  budgetRouter,
		Exempt:      own(),
		Proc:        os.DirFS("/proc"),
		Fresh: func() (agent.Connection, error) {
			return connections[0].Fresh()
		},
		Local: func(ctx context.Context, question agent.LocalQuestion) *netsonde.LocalPath {
			return kernel.Path(ctx, kernel.PathQuestion(question))
		},
	})
}

// allChecks has a checker run every kind of service check.
func allChecks(checker *check.Checker) map[netsonde.Kind]agent.Check {
	all := map[netsonde.Kind]agent.Check{}
	for kind := netsonde.KindPing; kind.String() != netsonde.Kind(0).String(); kind++ {
		if kind.IsCheck() {
			all[kind] = checker.Check
		}
	}
	return all
}
