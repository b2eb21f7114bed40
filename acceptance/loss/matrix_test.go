package loss_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"netsonde/internal/lab"
)

const (
	// eventsVariable and seedVariable ask for another mix than the small one.
	eventsVariable = "NETSONDE_LOSS_EVENTS"
	seedVariable   = "NETSONDE_LOSS_SEED"
	lanesVariable  = "NETSONDE_LOSS_LANES"
	// onlyVariable names one kind of event, which alone is forced then.
	onlyVariable = "NETSONDE_LOSS_ONLY"
)

// setting reads a number from the environment.
func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s is %q, want a number", name, text)
	}
	return n
}

// chosen leaves out what is not asked for.
func chosen(all []*kind) []*kind {
	only := os.Getenv(onlyVariable)
	return slices.DeleteFunc(all, func(k *kind) bool { return only != "" && only != string(k.cause) })
}

// TestForcedEvents forces a mix of events, one or two at once, and judges every
// probe. It needs root, nft, tc and /dev/net/tun.
func TestForcedEvents(t *testing.T) {
	network := lab.ForTest(t)
	if err := lab.CanWire(); err != nil {
		lab.Skip(t, err.Error())
	}
	for _, tool := range []string{"nft", "tc", "timeout"} {
		need(t, tool)
	}
	seed, count := setting(t, seedVariable, 1), setting(t, eventsVariable, 60)
	binary := program(t)
	var lanes []*lane
	for i := range setting(t, lanesVariable, 5) {
		lanes = append(lanes, newLane(t, network, i))
	}
	b := &burners{}
	deal(lanes, uint64(seed), count, chosen(kinds(b)))
	for _, l := range lanes {
		l.start(t, binary)
	}
	time.Sleep(2 * interval)
	var all sync.WaitGroup
	for _, l := range lanes {
		all.Go(func() {
			for _, s := range l.slots {
				s.force()
			}
		})
	}
	all.Wait()
	time.Sleep(2 * timeout)
	m := newMatrix()
	for _, l := range lanes {
		if err := l.finish(); err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(l.complaints.String()) {
			if strings.Contains(line, "not known") { // it explains what was told wrong
				t.Logf("lane %d: %s", l.number, strings.TrimSpace(line))
			}
		}
		j, err := l.judge()
		if err != nil {
			t.Fatal(err)
		}
		m.add(j)
	}
	t.Logf("seed %d, %d events in %d lanes\n%s", seed, count, len(lanes), m)
	m.check(t)
}

// matrix counts probes by what they were and what the program told.
type matrix struct {
	cells   map[string]map[string]int
	wrong   map[string]int
	texts   []string
	faults  []string
	events  map[cause][2]int // forced, and right
	void    int
	probes  int
	bad     int
	charged int
	// unknowable counts losses charged to this machine while its queue dropped.
	unknowable int
	known      int    // wrong as is known
	beside     int    // all of that row, which is in no other figure
	imagined   int    // told as lost though answered
	local      [2]int // all, and right
	lost       [2]int // seen by the tap, and told
	forced     [2]uint64
	problems   []string
	others     map[string]int
	// looks counts what was found of targets that began to lose echoes, by what
	// was the matter.
	looks map[string]map[string]int
	// doubles are answers that came again, and broken ones with a wrong checksum:
	// seen, and told, in the lanes that were not flooded.
	doubles, broken [2]int
	// shown counts the examples of each mistake that are printed.
	shown map[string]int
}

// examples is how many of each mistake are printed.
const examples = 3

func newMatrix() *matrix {
	return &matrix{cells: map[string]map[string]int{}, wrong: map[string]int{}, events: map[cause][2]int{}, others: map[string]int{}, shown: map[string]int{}, looks: map[string]map[string]int{}}
}

// add takes a lane that was judged.
func (m *matrix) add(j *judge) {
	m.faults = append(m.faults, j.faults...)
	m.lost[0] += j.lostTrips
	m.lost[1] += j.lostTold
	m.imagined += j.imagined
	for _, look := range j.looks {
		if m.looks[look[0]] == nil {
			m.looks[look[0]] = map[string]int{}
		}
		m.looks[look[0]][look[1]]++
	}
	if h := j.told.health; h != nil && !j.flooded() {
		m.doubles[0] += j.copies
		m.doubles[1] += int(h.Duplicates)
		m.broken[0] += j.broken
		m.broken[1] += int(h.Corrupt)
	}
	for name, n := range j.told.events {
		m.others[name] += n
	}
	for i := range j.verdicts {
		v := &j.verdicts[i]
		if m.cells[v.truth] == nil {
			m.cells[v.truth] = map[string]int{}
		}
		m.cells[v.truth][v.said]++
		m.probes++
		switch {
		case v.known:
			m.beside++
			if !v.right {
				m.known++
			}
		case v.local && v.right:
			m.local[1]++
			m.local[0]++
		case v.local:
			m.local[0]++
		}
		if v.unknowable {
			m.unknowable++
		}
		if !v.right {
			m.bad++
			m.wrong[v.truth]++
		}
		if same := v.truth + " as " + v.said; v.text != "" && m.shown[same] < examples {
			m.shown[same]++
			m.texts = append(m.texts, v.text)
		}
		if v.charged {
			m.charged++
		}
	}
	for _, s := range j.lane.slots {
		for _, e := range s.events {
			if e.err != nil {
				m.problems = append(m.problems, fmt.Sprintf("lane %d, %s: %v", j.lane.number, e.kind.cause, e.err))
			}
			n := m.events[e.kind.cause]
			n[0]++
			if e.probes == 0 {
				m.void++
			}
			if e.wrong == 0 {
				n[1]++
			} else {
				m.texts = append(m.texts, fmt.Sprintf("event wrong: lane %d, %s (%s) from %s to %s: %d of %d probes wrong; beside %s",
					j.lane.number, e.kind.cause, e.detail, clock(e.from), clock(e.to), e.wrong, e.probes, beside(s, e)))
			}
			m.events[e.kind.cause] = n
			m.count(j, e)
		}
	}
}

// count compares what a firewall has dropped with what the program told.
func (m *matrix) count(j *judge, e *event) {
	want := map[cause]string{pathLoss: "unanswered", stuckSession: "unanswered"}[e.kind.cause]
	if want == "" {
		return
	}
	told := uint64(0)
	for i := range j.verdicts {
		if v := &j.verdicts[i]; v.event == e && v.truth == string(e.kind.cause) && strings.HasPrefix(v.said, want) {
			told++
		}
	}
	m.forced[0] += e.caught
	m.forced[1] += told
	if told != e.caught {
		m.texts = append(m.texts, fmt.Sprintf("lane %d, %s (%s) from %s to %s: the firewall dropped %d, told are %d",
			j.lane.number, e.kind.cause, e.detail, clock(e.from), clock(e.to), e.caught, told))
	}
}

// flooded reports whether answers were copied to fill the receive buffer.
func (j *judge) flooded() bool {
	for _, s := range j.lane.slots {
		for _, e := range s.events {
			if e.kind.cause == overflow {
				return true
			}
		}
	}
	return false
}

func beside(s *slot, e *event) string {
	for _, other := range s.events {
		if other != e {
			return string(other.kind.cause) + " (" + other.detail + ")"
		}
	}
	return "nothing"
}

// String is the matrix as a table: what happened, then what was told of it.
func (m *matrix) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%-26s %8s %8s  %s\n", "what happened", "probes", "wrong", "what was told")
	for _, row := range slices.Sorted(maps.Keys(m.cells)) {
		total := 0
		var cells []string
		for _, column := range slices.Sorted(maps.Keys(m.cells[row])) {
			total += m.cells[row][column]
			cells = append(cells, fmt.Sprintf("%s %d", column, m.cells[row][column]))
		}
		fmt.Fprintf(&text, "%-26s %8d %8d  %s\n", row, total, m.wrong[row], strings.Join(cells, ", "))
	}
	fmt.Fprintf(&text, "\n%-26s %8s %8s\n", "event", "forced", "right")
	events, right := 0, 0
	for _, c := range slices.Sorted(maps.Keys(m.events)) {
		n := m.events[c]
		events, right = events+n[0], right+n[1]
		fmt.Fprintf(&text, "%-26s %8d %8d\n", c, n[0], n[1])
	}
	fmt.Fprintf(&text, "%-26s %8d %8d  (%d without a probe)\n\n", "all", events, right, m.void)
	fmt.Fprintf(&text, "%d probes, %d wrong, of them %d real losses charged to this machine, which count twice: %d\n", m.probes, m.bad, m.charged, m.bad+m.charged)
	fmt.Fprintf(&text, "%d more real losses are charged to this machine as its receive queue dropped: nobody can tell\n", m.unknowable)
	fmt.Fprintf(&text, "local causes: %d of %d right (%.3f %%)\n", m.local[1], m.local[0], 100*float64(m.local[1])/float64(max(m.local[0], 1)))
	fmt.Fprintf(&text, "lost beyond this machine: %d seen, %d told; firewalls dropped %d of these identifiers, second looks among them, told %d\n", m.lost[0], m.lost[1], m.forced[0], m.forced[1])
	fmt.Fprintf(&text, "answered, and told as lost: %d\n", m.imagined)
	fmt.Fprintf(&text, "not told apart yet, and in none of these: %d, wrong %d\n", m.beside, m.known)
	for _, row := range slices.Sorted(maps.Keys(m.looks)) {
		fmt.Fprintf(&text, "looked into: %-40s %v\n", row, m.looks[row])
	}
	fmt.Fprintf(&text, "answers that came again: %d seen, %d told; broken: %d seen, %d told\n", m.doubles[0], m.doubles[1], m.broken[0], m.broken[1])
	fmt.Fprintf(&text, "other lines: %v\n", m.others)
	for _, list := range [][]string{m.problems, m.faults, m.texts} {
		for i, one := range list {
			if i == 60 {
				fmt.Fprintf(&text, "  and %d more\n", len(list)-i)
				break
			}
			fmt.Fprintf(&text, "  %s\n", one)
		}
	}
	return text.String()
}

// check holds the program to what it promises.
func (m *matrix) check(t *testing.T) {
	t.Helper()
	if len(m.problems) > 0 {
		t.Errorf("%d events could not be forced", len(m.problems))
	}
	if len(m.faults) > 0 {
		t.Errorf("%d probes or rounds are not told, or told twice", len(m.faults))
	}
	if m.charged > 0 {
		t.Errorf("%d real losses are charged to this machine", m.charged)
	}
	if m.lost[0] != m.lost[1] {
		t.Errorf("%d losses were seen, %d are told", m.lost[0], m.lost[1])
	}
	if elsewhere := m.bad - m.known - (m.local[0] - m.local[1]); elsewhere*1000 > m.probes {
		t.Errorf("%d of %d probes whose cause is not local are told wrong", elsewhere, m.probes)
	}
	if found := m.looks[string(stuckSession)]; len(found) > 0 {
		looked := 0
		for _, n := range found {
			looked += n
		}
		if found["stuck_session"]*10 < looked*9 {
			t.Errorf("stuck sessions were told as %v", found)
		}
	}
	for row, found := range m.looks {
		if strings.Contains(row, "1000 of 1000") && found["stuck_session"] > 0 {
			t.Errorf("%s was told as %v", row, found)
		}
	}
	if m.imagined > 0 {
		t.Errorf("%d answered probes are told as lost", m.imagined)
	}
	if m.local[1]*100 < m.local[0]*99 {
		t.Errorf("%d of %d local causes are told right, want 99 %%", m.local[1], m.local[0])
	}
}
