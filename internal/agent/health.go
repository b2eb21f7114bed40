package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
)

const (
	// healthEvery is the time between two reports.
	healthEvery = time.Minute
	// healthLook is how often the shards are asked, so that somebody on call
	// knows within seconds that it is the monitor itself.
	healthLook = time.Second
	// healthPatience bounds how long a shard may take to answer.
	healthPatience = 5 * time.Second
	// warnEvery is the least time between two warnings of one kind.
	warnEvery = 30 * time.Second
	// lateStart is from when on a start is late enough for a warning.
	lateStart = 100 * time.Millisecond
)

// count takes note of a batch. It is called by the shard's goroutine.
func (s *shard) count(b *netsonde.Batch) {
	h := &s.health
	for i := range b.Bursts {
		for j := range b.Bursts[i].Samples {
			sample := &b.Bursts[i].Samples[j]
			h.Outcomes[sample.Outcome]++
			h.Causes[sample.Cause]++
			if sample.Outcome.Answered() {
				h.Stamps[sample.Stamps]++
			}
		}
	}
	for i := range b.Stalls {
		h.Stalled += b.Stalls[i].Rounds
	}
}

// report is what the shard knows of itself now.
func (s *shard) report() netsonde.ShardHealth {
	h := s.health
	s.engine.Counters(&h)
	h.Corrupt += s.connection.Corrupt()
	if s.self != nil {
		h.Bound = s.self.Bound()
	}
	return h
}

// selfEcho is the identity that is set aside for echoes of this machine to
// itself, and the others. Where there is only one there are no such echoes.
func selfEcho(identities []uint16, key uint64) (others []uint16, self *probe.SelfEcho) {
	last := len(identities) - 1
	if last < 1 {
		return identities, nil
	}
	return identities[:last:last], probe.NewSelfEcho(identities[last], key)
}

// echoSelf sends an echo of this machine to itself if one is due.
func (s *shard) echoSelf() error {
	if s.self == nil || s.draining {
		return nil
	}
	var one [1]packet.Probe
	if !s.self.Fill(s.connection.Now().Monotonic, &one[0]) {
		return nil
	}
	if err := s.connection.WriteBatch(one[:]); err != nil {
		return fmt.Errorf("write to connection %d: %w", s.index, err)
	}
	s.self.Sent(&one[0])
	return nil
}

// healthWatch asks the shards every second, warns of what they had to suffer,
// and reports now and then.
type healthWatch struct {
	agent  *Agent
	began  time.Time
	told   time.Time
	before netsonde.Health
	gather []netsonde.Lateness
	warned map[string]time.Time
	wanted chan struct{}
}

func newHealthWatch(a *Agent) *healthWatch {
	return &healthWatch{
		agent: a, warned: map[string]time.Time{}, gather: make([]netsonde.Lateness, len(a.shards)),
		wanted: make(chan struct{}, 1),
	}
}

// ReportHealth has Config.Health be called soon, while Run runs.
func (a *Agent) ReportHealth() {
	select {
	case a.health.wanted <- struct{}{}:
	default:
	}
}

// run reports until ctx ends, which is after the shards have: then once more.
func (w *healthWatch) run(ctx context.Context) {
	w.began = time.Now()
	w.told = w.began
	ticker := time.NewTicker(healthLook)
	defer ticker.Stop()
	for {
		wanted := false
		select {
		case <-ctx.Done():
			// Nobody else touches the shards any more.
			var shards []netsonde.ShardHealth
			for _, s := range w.agent.shards {
				shards = append(shards, s.report())
			}
			w.take(shards)
			w.report(shards, true)
			return
		case <-w.wanted:
			wanted = true
		case <-ticker.C:
		}
		shards, ok := w.ask(ctx)
		if !ok {
			continue
		}
		w.take(shards)
		if wanted || time.Since(w.told) >= healthEvery {
			w.report(shards, false)
		}
	}
}

// ask has every shard report. ok is false when one does not in time.
func (w *healthWatch) ask(ctx context.Context) (shards []netsonde.ShardHealth, ok bool) {
	type answer struct {
		index int
		is    netsonde.ShardHealth
	}
	answers := make(chan answer, len(w.agent.shards))
	for i, s := range w.agent.shards {
		s.post(func(netsonde.Instant) { answers <- answer{i, s.report()} })
	}
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	shards = make([]netsonde.ShardHealth, len(w.agent.shards))
	for range shards {
		select {
		case a := <-answers:
			shards[a.index] = a.is
		case <-ctx.Done():
			return nil, false
		}
	}
	return shards, true
}

// take warns of what is new, and gathers the lateness for the next report.
func (w *healthWatch) take(shards []netsonde.ShardHealth) {
	now := netsonde.Health{Shards: shards}
	var latest time.Duration
	for i := range shards {
		w.gather[i].Merge(&shards[i].Lateness)
		latest = max(latest, shards[i].Lateness.Max())
	}
	was, is := w.before.Total(), now.Total()
	w.before = now
	if n := is.Outcomes[netsonde.OutcomeStalled] + is.Stalled - was.Outcomes[netsonde.OutcomeStalled] - was.Stalled; n > 0 {
		w.warn("stalled", fmt.Sprintf("This machine did not let the monitor run: %d probes were not sent in time", n))
	}
	if latest >= lateStart {
		w.warn("late", fmt.Sprintf("The monitor is late: probes started up to %v after they were due", latest.Round(time.Millisecond)))
	}
	var causes []string
	for cause := netsonde.CauseNone + 1; int(cause) < len(is.Causes); cause++ {
		if n := is.Causes[cause] - was.Causes[cause]; n > 0 {
			causes = append(causes, fmt.Sprintf("%d %s", n, cause))
		}
	}
	if len(causes) > 0 {
		w.warn("drops", "This machine itself lost probes or answers, which count as no loss: "+strings.Join(causes, ", "))
	}
}

// warn tells a trouble, and not again for a while.
func (w *healthWatch) warn(kind, text string) {
	if at, ok := w.warned[kind]; ok && time.Since(at) < warnEvery {
		return
	}
	w.warned[kind] = time.Now()
	w.agent.config.Warn(text)
}

func (w *healthWatch) report(shards []netsonde.ShardHealth, final bool) {
	h := &netsonde.Health{
		At: w.agent.shards[0].connection.Now(), Uptime: time.Since(w.began), Period: time.Since(w.told),
		Final: final, Shards: shards, ChecksWaiting: w.agent.checks.inLine(),
	}
	for i := range shards {
		shards[i].Lateness = w.gather[i]
		w.gather[i] = netsonde.Lateness{}
	}
	w.told = time.Now()
	w.agent.config.Health(h)
}

// inLine is how many checks wait for their turn.
func (p *checkPool) inLine() (waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.waiting {
		for _, c := range p.waiting[i].checks[p.waiting[i].first:] {
			if !c.gone {
				waiting++
			}
		}
	}
	return waiting
}
