package pmonitor_test

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"netsonde/pmonitor"
)

// The original's run of four nodes was recorded: every row of the master and
// of the four working databases that was seen to change, a quarter of a second
// apart, and now and then what the functions returned.

// change is a row that appeared, changed or left.
type change struct {
	// seen is seconds since the run began.
	seen float64
	// database is "master" or "work.a" to "work.d".
	database string
	// text is what happened, without any time.
	text string
	// sampled is the row's new sample_time, 0 if it has none.
	sampled float64
}

// recordedRun reads the changes and the functions' results, these by time and node.
func recordedRun(t *testing.T) (changes []change, results map[string]string) {
	t.Helper()
	file, err := os.Open("testdata/monitor4.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	line := regexp.MustCompile(`^ *([0-9.]+) (master|work\.[a-d]|API) (NEW|CHG|DEL|[a-d]) ?(.*)$`)
	field := regexp.MustCompile(`'(\w+)': (?:\([^,]+, )?('[^']*'|[0-9.]+)`)
	results = map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "----- master.dump") {
			break
		}
		m := line.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		seen, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if m[2] == "API" {
			results[fmt.Sprintf("%.0f %s", seen, m[3])] = m[4]
			continue
		}
		c := change{seen: seen, database: m[2]}
		address, _, _ := strings.Cut(m[4], " ")
		fields := map[string]string{}
		for _, f := range field.FindAllStringSubmatch(m[4], -1) {
			fields[f[1]] = strings.Trim(f[2], "'")
		}
		c.text = describe(m[3], address, fields, &c.sampled)
		changes = append(changes, c)
	}
	if len(changes) != 66 || len(results) != 16 {
		t.Fatalf("the recording has %d changes and %d results", len(changes), len(results))
	}
	return changes, results
}

// describe makes a change's text of the fields that are new; their sample_time
// goes to sampled.
func describe(kind, address string, fields map[string]string, sampled *float64) string {
	text := kind + " " + address
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name == "sample_time" {
			*sampled, _ = strconv.ParseFloat(fields[name], 64)
			continue
		}
		text += " " + name + "=" + fields[name]
	}
	return text
}

// observer polls databases for changes.
type observer struct {
	begun time.Time
	// scale is how much faster than the recording everything is.
	scale float64
	paths map[string]string
	known map[string]map[string]map[string]string
	found []change
}

const allColumns = "address, name, +run, +running, +me, +stable, +responded, sample_time, total_count, total_success"

// poll looks once. Databases that have no table yet have no rows.
func (o *observer) poll(t *testing.T) {
	t.Helper()
	names := strings.Split(strings.ReplaceAll(strings.ReplaceAll(allColumns, "+", ""), " ", ""), ",")
	for _, database := range slices.Sorted(maps.Keys(o.paths)) {
		if _, err := os.Stat(o.paths[database]); err != nil {
			continue
		}
		if table(t, o.paths[database], "SELECT COUNT(*) FROM sqlite_master WHERE name = 'targets'")[0] == "0" {
			continue
		}
		now := map[string]map[string]string{}
		var order []string
		for _, line := range table(t, o.paths[database], "SELECT "+allColumns+" FROM targets ORDER BY rowid") {
			row := map[string]string{}
			for i, value := range strings.Split(line, "|") {
				row[names[i]] = value
			}
			address := row["address"]
			delete(row, "address")
			now[address] = row
			order = append(order, address)
		}
		before := o.known[database]
		for _, address := range order {
			o.compare(database, address, before[address], now[address])
		}
		for _, address := range slices.Sorted(maps.Keys(before)) {
			if now[address] == nil {
				o.add(database, "DEL", address, nil)
			}
		}
		o.known[database] = now
	}
}

func (o *observer) compare(database, address string, before, now map[string]string) {
	if before == nil {
		o.add(database, "NEW", address, now)
		return
	}
	changed := map[string]string{}
	for name, value := range now {
		if before[name] != value {
			changed[name] = value
		}
	}
	if len(changed) > 0 {
		o.add(database, "CHG", address, changed)
	}
}

func (o *observer) add(database, kind, address string, fields map[string]string) {
	c := change{seen: time.Since(o.begun).Seconds() * o.scale, database: database}
	c.text = describe(kind, address, fields, &c.sampled)
	o.found = append(o.found, c)
}

// functions is what the functions return, in the recording's words.
func functions(t *testing.T, path string) (text string) {
	t.Helper()
	bit := map[bool]int{true: 1}
	with(t, path, func(db *pmonitor.DB) error {
		for _, stable := range []bool{true, false} {
			good, total, err := db.StatusCount(t.Context(), stable)
			if err != nil {
				return err
			}
			text += fmt.Sprintf("count(%s) (%d, %d) ", map[bool]string{true: "stable", false: "all"}[stable], good, total)
		}
		list, err := db.StatusList(t.Context())
		if err != nil {
			return err
		}
		var words []string
		for _, s := range list {
			words = append(words, fmt.Sprintf("'%s': %d", s.Name, bit[s.Responded]))
		}
		text += "list {" + strings.Join(words, ", ") + "} "
		five, err := db.LastFive(t.Context())
		if err != nil {
			return err
		}
		words = nil
		for _, s := range five {
			words = append(words, fmt.Sprintf("('%s', %d)", s.Name, bit[s.Responded]))
		}
		text += "last5 [" + strings.Join(words, ", ") + "]"
		return nil
	})
	return text
}

// compareRuns compares what was found with the recording, database by
// database: the same changes in the same order, and at about the same time.
func compareRuns(t *testing.T, found []change, slack float64) {
	t.Helper()
	recorded, _ := recordedRun(t)
	for _, database := range []string{"master", "work.a", "work.b", "work.c", "work.d"} {
		of := func(all []change) (those []change) {
			for _, c := range all {
				if c.database == database {
					those = append(those, c)
				}
			}
			return those
		}
		want, got := of(recorded), of(found)
		for i := range max(len(want), len(got)) {
			switch {
			case i >= len(want):
				t.Errorf("%s: %.2f %s: not in the recording", database, got[i].seen, got[i].text)
			case i >= len(got):
				t.Errorf("%s: %.2f %s: missing", database, want[i].seen, want[i].text)
			case got[i].text != want[i].text:
				t.Errorf("%s: %.2f %s, want %.2f %s", database, got[i].seen, got[i].text, want[i].seen, want[i].text)
			case max(got[i].seen-want[i].seen, want[i].seen-got[i].seen) > slack:
				t.Errorf("%s: %s: after %.2f s, want %.2f", database, got[i].text, got[i].seen, want[i].seen)
			case (got[i].sampled > 0) != (want[i].sampled > 0):
				t.Errorf("%s: %s: sample_time %f, want %f", database, got[i].text, got[i].sampled, want[i].sampled)
			}
		}
	}
}

// node is one of the recorded run's.
type node struct {
	name, address string
	// starts is when the original's monitor had started, in seconds.
	starts float64
	// ends is what its end was, for ours.
	ends error
}

func recordedNodes() []node {
	return []node{
		{name: "a", address: "10.88.0.1", starts: 2.64},
		{name: "b", address: "10.88.0.2", starts: 2.76, ends: pmonitor.ErrUnknownAddress},
		{name: "c", address: "10.88.0.3", starts: 2.64},
		{name: "d", address: "10.88.0.4", starts: 2.80},
	}
}

// recordedTargets are the master's at the beginning, as frr_topo filled it in.
func recordedTargets() []pmonitor.Target {
	return []pmonitor.Target{
		{Name: "nodeA", Address: "10.88.0.1", Stable: true},
		{Name: "nodeB", Address: "10.88.0.2", Stable: true},
		{Name: "nodeC", Address: "10.88.0.3"},
		{Name: "nodeD", Address: "10.88.0.4"},
		{Name: "nodeE", Address: "10.88.0.5", Stable: true},
	}
}

// event is something that was done in the recorded run, in seconds.
type event struct {
	at float64
	do func()
}

// recordedEvents are what was done from outside; link puts node D's up or down
// and stop ends node D's monitor.
func recordedEvents(t *testing.T, master string, link func(up bool), stop func()) []event {
	return []event{
		{42.25, func() { link(false) }},
		{62.18, func() { setRun(t, master, "10.88.0.3", false) }},
		{80.17, func() {
			execute(t, master, "INSERT INTO targets (name, address, stable) VALUES ('nodeF', '10.88.0.6', 0)")
			execute(t, master, "DELETE FROM targets WHERE address = '10.88.0.5'")
		}},
		{95.06, func() { link(true) }},
		{121.05, func() { setRun(t, master, "10.88.0.1", false) }},
		{125.15, func() { execute(t, master, "DELETE FROM targets WHERE address = '10.88.0.2'") }},
		{128.23, stop},
	}
}
