package loss_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"
)

// line is a line of the program's, as far as it matters here.
type line struct {
	Type    string
	Time    time.Time
	Probe   string
	Addr    netip.Addr
	Seq     int
	Round   uint64
	Rounds  uint64
	Outcome string
	RTT     *float64 `json:"rtt_ms"`
	From    netip.Addr
	ICMP    *struct{ Type, Code uint8 }
	Errno   int
	Cause   string
	Verdict string
	Since   time.Time
	Took    float64 `json:"took_ms"`
	// Same are the echoes of a second look under the identity of the lost one.
	Same echoes
	// Of its own health the program tells these, the last time with Final.
	Final               bool
	Duplicates, Corrupt uint64
	ErrorBound          *float64 `json:"error_bound_ms"`
	// Timestamps is what an RTT was made of.
	Timestamps any
	Event      string
}

// echoes are those of a second look, with an RTT for each that was answered.
type echoes struct {
	Identity int
	RTTs     []*float64 `json:"rtt_ms"`
}

// told is what the program told of one probe, corrected by what it told later.
type told struct {
	at    int64
	round uint64
	// rounds is how many were not run, of which this is the first; else 0.
	rounds uint64
	line
}

// history is what the program told, by target, in the order of time.
type history struct {
	targets map[netip.Addr][]*told
	// events counts the lines about the monitor itself and others, by name.
	events map[string]int
	// looks are what the program has found of targets that began to lose echoes.
	looks map[netip.Addr][]*look
	// health is what the program said of itself at its end; nil if it did not.
	health *line
}

// look is what the program found of one target, and when: from when it noticed
// that something was lost to the end.
type look struct {
	since, from, to int64
	verdict         string
	same            echoes
}

// read takes all that the program has written.
func read(file io.Reader) (*history, error) {
	h := &history{targets: map[netip.Addr][]*told{}, events: map[string]int{}, looks: map[netip.Addr][]*look{}}
	type name struct {
		probe string
		round uint64
		seq   int
	}
	known, owner := map[name]*told{}, map[string]netip.Addr{}
	var stalls []*told
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%w: %s", err, lines.Bytes())
		}
		switch {
		case l.Type == "ping":
			one := &told{at: l.Time.UnixNano(), round: l.Round, rounds: l.Rounds, line: l}
			known[name{l.Probe, l.Round, l.Seq}] = one
			if l.Rounds > 0 {
				stalls = append(stalls, one)
				continue
			}
			owner[l.Probe] = l.Addr
			h.targets[l.Addr] = append(h.targets[l.Addr], one)
		case l.Type == "event" && (l.Event == "ok" || l.Event == "late" || l.Event == "unreachable" || l.Event == "overrun"):
			one := known[name{l.Probe, l.Round, l.Seq}]
			if one == nil {
				return nil, fmt.Errorf("it corrects what it has not told: %s", lines.Bytes())
			}
			one.Outcome, one.RTT, one.Cause = l.Event, l.RTT, l.Cause
			if l.Event == "unreachable" {
				one.ICMP, one.From = l.ICMP, l.From
			}
		default:
			h.events[l.Event]++
			if l.Event == "health" && l.Final {
				h.health = &l
			}
			if l.Event == "evidence" {
				from := l.Time.UnixNano()
				h.looks[l.Addr] = append(h.looks[l.Addr], &look{
					since: l.Since.UnixNano(), from: from, to: from + int64(l.Took*float64(time.Millisecond)), verdict: l.Verdict,
					same: l.Same,
				})
			}
		}
	}
	// A line of rounds that were not run has no address.
	for _, one := range stalls {
		h.targets[owner[one.Probe]] = append(h.targets[owner[one.Probe]], one)
	}
	for _, list := range h.targets {
		slices.SortStableFunc(list, func(a, b *told) int { return cmp.Compare(a.round, b.round) })
	}
	return h, lines.Err()
}

// gaps tells where the rounds of a target do not follow one another.
func gaps(list []*told) (wrong []string) {
	next := uint64(1)
	for _, one := range list {
		if one.round != next {
			wrong = append(wrong, fmt.Sprintf("%v: round %d where %d was to come", one.Addr, one.round, next))
		}
		next = one.round + max(one.rounds, 1)
	}
	return wrong
}
