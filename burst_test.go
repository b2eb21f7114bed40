package netsonde_test

import (
	"testing"
	"time"

	"netsonde"
)

func samples(outcomes ...netsonde.Outcome) []netsonde.Sample {
	list := make([]netsonde.Sample, len(outcomes))
	for i, outcome := range outcomes {
		list[i] = netsonde.Sample{Sequence: i, Outcome: outcome, RTT: time.Duration(i+1) * time.Millisecond}
	}
	return list
}

func TestStatistics(t *testing.T) {
	const (
		ok          = netsonde.OutcomeOK
		late        = netsonde.OutcomeLate
		unanswered  = netsonde.OutcomeUnanswered
		unreachable = netsonde.OutcomeUnreachable
		failed      = netsonde.OutcomeSendFailed
		overrun     = netsonde.OutcomeOverrun
		stalled     = netsonde.OutcomeStalled
		unresolved  = netsonde.OutcomeUnresolved
	)
	for _, test := range []struct {
		name  string
		in    []netsonde.Sample
		want  netsonde.Statistics
		loss  float64
		known bool
		plain float64
	}{
		{"nothing sent", nil, netsonde.Statistics{}, 0, false, 1},
		{"one answer", samples(ok), netsonde.Statistics{Sent: 1, Answered: 1, Min: 1e6, Avg: 1e6, Max: 1e6}, 0, true, 0},
		{"sample deviation", samples(ok, ok, ok, ok),
			netsonde.Statistics{Sent: 4, Answered: 4, Min: 1e6, Avg: 2500e3, Max: 4e6, Std: 1290994}, 0, true, 0},
		{"late is answered", samples(ok, late), netsonde.Statistics{Sent: 2, Answered: 2, Min: 1e6, Avg: 1500e3, Max: 2e6, Std: 707107}, 0, true, 0},
		{"theirs", samples(unanswered, ok, unreachable, ok),
			netsonde.Statistics{Sent: 4, Answered: 2, Theirs: 2, Min: 2e6, Avg: 3e6, Max: 4e6, Std: 1414214}, 0.5, true, 0.5},
		{"ours stays out of the loss", samples(failed, overrun, stalled, unresolved, ok, unanswered),
			netsonde.Statistics{Sent: 6, Answered: 1, Theirs: 1, Ours: 4, Min: 5e6, Avg: 5e6, Max: 5e6}, 0.5, true, 5. / 6},
		{"only ours is unknown", samples(failed, overrun), netsonde.Statistics{Sent: 2, Ours: 2}, 0, false, 1},
		{"all lost", samples(unanswered, unanswered), netsonde.Statistics{Sent: 2, Theirs: 2}, 1, true, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			burst := netsonde.Burst{Samples: test.in}
			got := burst.Statistics()
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			loss, known := got.Loss()
			if loss != test.loss || known != test.known {
				t.Errorf("loss %v %v, want %v %v", loss, known, test.loss, test.known)
			}
			if got.PlainLoss() != test.plain {
				t.Errorf("plain loss %v, want %v", got.PlainLoss(), test.plain)
			}
		})
	}
}

func TestEveryOutcomeIsInOneGroup(t *testing.T) {
	for outcome := netsonde.OutcomeOK; outcome <= netsonde.OutcomeUnresolved; outcome++ {
		groups := 0
		for _, in := range []bool{outcome.Answered(), outcome.Theirs(), outcome.Ours()} {
			if in {
				groups++
			}
		}
		if groups != 1 {
			t.Errorf("%v is in %d groups", outcome, groups)
		}
	}
	if pending := netsonde.OutcomePending; pending.Answered() || pending.Theirs() || pending.Ours() {
		t.Error("a pending probe has ended")
	}
}
