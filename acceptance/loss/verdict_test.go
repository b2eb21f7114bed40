package loss_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// scene is a run of one target that is made up: what the taps saw, and what the
// program told.
type scene struct {
	lane  *lane
	lines strings.Builder
	round int
	echo  time.Time // when that of a second look leaves
}

func newScene() *scene {
	return &scene{lane: &lane{tap: &tap{}, beyond: &tap{}, blocks: []uint16{0x1230}}}
}

// second is the time of a round.
func (s *scene) second() time.Time { return time.Unix(1_000_000+int64(s.round), 0).UTC() }

// sends has the next echo leave, as far as a queue lets it.
func (s *scene) sends() passing {
	s.round++
	p := passing{
		echo: echo{s.lane.target(0), 0x1234, uint16(s.round)}, at: s.second().Add(time.Millisecond).UnixNano(),
		out: true, ttl: 64, kind: echoRequest,
	}
	s.lane.tap.all = append(s.lane.tap.all, p)
	arrived := p
	arrived.out = false
	s.lane.beyond.all = append(s.lane.beyond.all, arrived)
	return p
}

// comes has something come back after a time.
func (s *scene) comes(p passing, after time.Duration, change func(*passing)) {
	p.out, p.kind, p.from = false, echoReply, p.target
	p.at += after.Nanoseconds()
	change(&p)
	s.lane.tap.all = append(s.lane.tap.all, p)
}

func asIs(*passing) {}

// tells has the program tell of the last round.
func (s *scene) tells(outcome, more string) {
	fmt.Fprintf(&s.lines, `{"schema":1,"type":"ping","time":%q,"probe":"1","addr":%q,"seq":0,"round":%d,"outcome":%q%s}`+"\n",
		s.second().Format(time.RFC3339Nano), s.lane.target(0), s.round, outcome, more)
}

// leaves moves the last echo that was sent to some time after its round began.
func (s *scene) leaves(p passing, after time.Duration) passing {
	p.at = s.second().Add(after).UnixNano()
	for _, t := range []*tap{s.lane.tap, s.lane.beyond} {
		t.all[len(t.all)-1].at = p.at
	}
	return p
}

// looksInto has the program look into the loss of the last round for two seconds,
// with one echo some time later that is answered after a millisecond.
func (s *scene) looksInto(echoAfter time.Duration) {
	fmt.Fprintf(&s.lines, `{"schema":1,"type":"event","time":%q,"event":"evidence","probe":"1","addr":%q,"round":%d,"verdict":"recovered","since":%q,"same":{"identity":%d,"rtt_ms":[1.0]},"took_ms":1800}`+"\n",
		s.second().Add(timeout).Format(time.RFC3339Nano), s.lane.target(0), s.round, s.second().Format(time.RFC3339Nano), 0x1234)
	s.echo = s.second().Add(echoAfter)
}

// echoes has the echo of the second look leave, and its answer come.
func (s *scene) echoes() {
	p := s.sends()
	s.round--
	s.comes(s.leaves(p, s.echo.Sub(s.second())), time.Millisecond, asIs)
}

// judged is the matrix of the scene.
func (s *scene) judged(t *testing.T) *matrix {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(s.lines.String()); err != nil {
		t.Fatal(err)
	}
	s.lane.output = file
	j, err := s.lane.judge()
	if err != nil {
		t.Fatal(err)
	}
	m := newMatrix()
	m.add(j)
	return m
}

// TestTheJudgeSeesEachMistake has a program that is wrong in one way at a time.
func TestTheJudgeSeesEachMistake(t *testing.T) {
	router := netip.MustParseAddr("10.100.0.2")
	for name, c := range map[string]struct {
		happens func(s *scene)
		// bad, charged, imagined, faults and local are what is to be found wrong.
		bad, charged, imagined, faults, local int
	}{
		"all is well": {happens: func(s *scene) {
			s.comes(s.sends(), time.Millisecond, asIs)
			s.tells("ok", "")
			s.sends()
			s.tells("unanswered", "")
			s.comes(s.sends(), time.Millisecond, func(p *passing) { p.kind, p.code, p.from = unreachable, 13, router })
			s.tells("unreachable", `,"from":"10.100.0.2","icmp":{"type":3,"code":13}`)
			s.comes(s.sends(), 2*timeout, asIs)
			s.tells("late", "")
			s.comes(s.sends(), time.Millisecond, func(p *passing) { p.broken = true })
			s.tells("unanswered", "")
			s.round++
			s.tells("send_failed", `,"errno":1`)
		}},
		"a loss that left late, before an answered echo of a second look": {happens: func(s *scene) {
			s.sends()
			s.tells("unanswered", "")
			s.looksInto(1148 * time.Millisecond)
			s.leaves(s.sends(), 5*time.Millisecond)
			s.tells("unanswered", "")
			s.echoes()
		}},
		"an answer of what left very late, while a second look is taken": {happens: func(s *scene) {
			s.sends()
			s.tells("unanswered", "")
			s.looksInto(1700 * time.Millisecond)
			s.comes(s.leaves(s.sends(), 400*time.Millisecond), 3*time.Millisecond, asIs)
			s.tells("ok", `,"rtt_ms":3.0`)
			s.echoes()
		}},
		"imagined loss": {imagined: 1, bad: 1, happens: func(s *scene) {
			s.comes(s.sends(), time.Millisecond, asIs)
			s.tells("unanswered", "")
		}},
		"real loss charged to us": {charged: 1, bad: 1, happens: func(s *scene) {
			s.sends()
			s.tells("overrun", "")
		}},
		"a loss that is told as answered": {bad: 1, happens: func(s *scene) {
			s.sends()
			s.tells("ok", "")
		}},
		"another code": {bad: 1, happens: func(s *scene) {
			s.comes(s.sends(), time.Millisecond, func(p *passing) { p.kind, p.code, p.from = unreachable, 1, router })
			s.tells("unreachable", `,"from":"10.100.0.2","icmp":{"type":3,"code":13}`)
		}},
		"late told as in time": {bad: 1, happens: func(s *scene) {
			s.comes(s.sends(), 2*timeout, asIs)
			s.tells("ok", "")
		}},
		"a broken answer that is believed": {bad: 1, happens: func(s *scene) {
			s.comes(s.sends(), time.Millisecond, func(p *passing) { p.broken = true })
			s.tells("ok", "")
		}},
		"our own failure told as loss": {bad: 1, local: 1, happens: func(s *scene) {
			s.round++
			s.tells("unanswered", "")
		}},
		"an echo that left and is told as unsent": {faults: 1, happens: func(s *scene) {
			s.comes(s.sends(), time.Millisecond, asIs)
			s.tells("send_failed", `,"errno":1`)
		}},
		"what an interface without a peer refused": {bad: 1, local: 1, happens: func(s *scene) {
			s.sends()
			s.lane.beyond.all = nil
			s.tells("unanswered", "")
		}},
		"an echo that is not told": {faults: 1, happens: func(s *scene) {
			s.comes(s.sends(), time.Millisecond, asIs)
		}},
		"a round that is told twice": {faults: 1, happens: func(s *scene) {
			s.comes(s.sends(), time.Millisecond, asIs)
			s.tells("ok", "")
			s.tells("ok", "")
		}, bad: 1, local: 1},
		"a round that is missing": {faults: 1, happens: func(s *scene) {
			s.round++
			s.comes(s.sends(), time.Millisecond, asIs)
			s.tells("ok", "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			c.happens(s)
			m := s.judged(t)
			local := m.local[0] - m.local[1]
			if m.bad != c.bad || m.charged != c.charged || m.imagined != c.imagined || len(m.faults) != c.faults || local != c.local {
				t.Errorf("bad %d, charged %d, imagined %d, faults %d, local %d\n%s", m.bad, m.charged, m.imagined, len(m.faults), local, m)
			}
		})
	}
}
