package pmonitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/socket"
)

// payloadSize is the bytes of an echo's payload, as ping(8) sends them.
const payloadSize = 56

// errPingerEnded tells that the pinger no longer runs.
var errPingerEnded = errors.New("the pinger has ended")

// echoer is the Pinger of our own: an agent whose plan is the echoes that are
// on their way.
type echoer struct {
	connection *socket.Connection
	agent      *agent.Agent
	ended      chan struct{}

	mu     sync.Mutex
	number uint64
	flying map[netsonde.ProbeID]flight
}

// flight is an echo on its way.
type flight struct {
	target *netsonde.Target
	landed chan netsonde.Sample
}

// openEchoer opens the best sockets that can be had, in the network namespace
// of the calling thread, and tells log if they are not the best there are.
func openEchoer(log *slog.Logger) (*echoer, error) {
	connection, err := socket.Open(socket.Options{Origin: time.Now()})
	if err != nil {
		return nil, err
	}
	if can := connection.Capabilities(); can.Shortfall != "" {
		log.Warn(fmt.Sprintf("Measuring with %s: %s", can.Description, can.Shortfall))
	}
	e := &echoer{connection: connection, ended: make(chan struct{}), flying: map[netsonde.ProbeID]flight{}}
	e.agent, err = agent.New(agent.Config{
		Connections: []agent.Connection{connection},
		Sinks:       []agent.Sink{e},
		Warn:        func(text string) { log.Warn(text) },
	})
	if err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return e, nil
}

// run sends and receives until ctx ends.
func (e *echoer) run(ctx context.Context) error {
	defer close(e.ended)
	return e.agent.Run(ctx)
}

func (e *echoer) close() error { return e.connection.Close() }

// Ping sends one echo. It needs run to run.
func (e *echoer) Ping(ctx context.Context, echo Echo) (netsonde.Sample, error) {
	id, landed, err := e.launch(ctx, echo)
	if err != nil {
		return netsonde.Sample{}, err
	}
	defer e.forget(id)
	select {
	case sample := <-landed:
		return sample, nil
	case <-e.ended:
		return netsonde.Sample{}, errPingerEnded
	case <-ctx.Done():
		return netsonde.Sample{}, ctx.Err()
	}
}

// launch adds an echo to the plan. Those that have landed leave it.
func (e *echoer) launch(ctx context.Context, echo Echo) (netsonde.ProbeID, <-chan netsonde.Sample, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.number++
	probe := netsonde.Probe{
		Kind: netsonde.KindPing, Timeout: echo.Timeout, Source: echo.Source, Count: 1, Size: payloadSize,
	}
	name := "echo " + strconv.FormatUint(e.number, 10)
	probe.ID = netsonde.NewProbeID(name, netsonde.FamilyAny, probe)
	landed := make(chan netsonde.Sample, 1)
	e.flying[probe.ID] = flight{landed: landed, target: &netsonde.Target{
		Name: name, Host: echo.Target.String(),
		Groups: []netsonde.Group{{Cadence: netsonde.Cadence{Once: true}, Probes: []netsonde.Probe{probe}}},
	}}
	plan := &netsonde.Plan{Targets: []*netsonde.Target{standing()}}
	for _, f := range e.flying {
		plan.Targets = append(plan.Targets, f.target)
	}
	// All hosts are addresses, so this waits for no resolver.
	if err := e.agent.Apply(ctx, plan); err != nil {
		delete(e.flying, probe.ID)
		return 0, nil, err
	}
	return probe.ID, landed, nil
}

// standing is a target that measures nothing. A plan of echoes alone would be
// over, and the agent with it, when they have landed.
func standing() *netsonde.Target {
	return &netsonde.Target{
		Name: "standing", Host: "127.0.0.1",
		Groups: []netsonde.Group{{Cadence: netsonde.Cadence{Pause: time.Hour}}},
	}
}

func (e *echoer) forget(id netsonde.ProbeID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.flying, id)
}

// Consume hands what has landed to who waits for it.
func (e *echoer) Consume(batch *netsonde.Batch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range batch.Bursts {
		burst := &batch.Bursts[i]
		// The channel has room for the one sample; a round happens once.
		if f, flying := e.flying[burst.Probe]; flying && len(burst.Samples) == 1 && len(f.landed) == 0 {
			f.landed <- burst.Samples[0]
		}
	}
}
