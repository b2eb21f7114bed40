package pmonitor_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"netsonde"
	"netsonde/pmonitor"
)

// The values are those of the recorded run of the original's functions.

func TestFlags(t *testing.T) {
	master, _ := initialised(t, three)
	ctx := t.Context()
	with(t, master, func(db *pmonitor.DB) error {
		expect := func(what string, want bool, got bool, err error) {
			if err != nil || got != want {
				t.Errorf("%s: %t and error %v, want %t", what, got, err, want)
			}
		}
		running, err := db.IsRunning(ctx, "127.0.0.1")
		expect("running that was never set", false, running, err)
		run, err := db.CanRun(ctx, "127.0.0.1")
		expect("run that was never set", true, run, err)
		for _, set := range []bool{true, false} {
			if err := errors.Join(db.SetRunning(ctx, "127.0.0.1", set), db.SetCanRun(ctx, "127.0.0.1", set)); err != nil {
				t.Error(err)
			}
			running, err = db.IsRunning(ctx, "127.0.0.1")
			expect("running", set, running, err)
			run, err = db.CanRun(ctx, "127.0.0.1")
			expect("run", set, run, err)
		}
		for _, value := range []any{"maybe", nil, int64(7)} {
			if err := db.Store(ctx, pmonitor.FlagRun, "127.0.0.2", value); err != nil {
				t.Error(err)
			}
			if got, err := db.Stored(ctx, pmonitor.FlagRun, "127.0.0.2"); err != nil || got != value {
				t.Errorf("stored %#v, read %#v and error %v", value, got, err)
			}
		}
		if err := db.StoreAll(ctx, pmonitor.FlagRunning, []string{"127.0.0.1", "9.9.9.9", "127.0.0.3"}, true); err != nil {
			t.Errorf("setting several: %v", err)
		}
		for address, want := range map[string]bool{"127.0.0.1": true, "127.0.0.2": false, "127.0.0.3": true} {
			running, err = db.IsRunning(ctx, address)
			expect("running of several", want, running, err)
		}
		if err := db.StoreAll(ctx, pmonitor.FlagRunning, []string{"127.0.0.3", "127.0.0.1"}, false); err != nil {
			t.Errorf("setting several: %v", err)
		}
		if err := errors.Join(db.SetRunning(ctx, "9.9.9.9", true), db.SetCanRun(ctx, "9.9.9.9", true)); err != nil {
			t.Errorf("setting an unknown address: %v", err)
		}
		if _, err := db.IsRunning(ctx, "9.9.9.9"); !errors.Is(err, pmonitor.ErrUnknownAddress) {
			t.Errorf("an unknown address: %v", err)
		}
		if _, err := db.CanRun(ctx, "9.9.9.9"); !errors.Is(err, pmonitor.ErrUnknownAddress) {
			t.Errorf("an unknown address: %v", err)
		}
		return nil
	})
	want := []string{
		"127.0.0.1|A|0|0|0|1|0|0|0|0",
		"127.0.0.2|B|7|0|0|1|0|0|0|0",
		"127.0.0.3|C|1|0|0|0|0|0|0|0",
	}
	if got := table(t, master, "SELECT * FROM targets"); !slices.Equal(got, want) {
		t.Errorf("the table is %q, want %q", got, want)
	}
}

func TestInitTargets(t *testing.T) {
	master, _ := initialised(t, three)
	twice := []pmonitor.Target{{Name: "h1", Address: "1.1.1.1"}, {Name: "h2", Address: "1.1.1.1"}}
	if err := pmonitor.InitTargets(t.Context(), master, twice); err == nil {
		t.Error("an address that comes twice is no error")
	}
	if got := table(t, master, "SELECT * FROM targets"); len(got) != 0 {
		t.Errorf("rows are left: %q", got)
	}
	same := []pmonitor.Target{{Name: "h", Address: "1.1.1.1"}, {Name: "h", Address: "2.2.2.2"}}
	for range 2 {
		if err := pmonitor.InitTargets(t.Context(), master, same); err != nil {
			t.Fatal(err)
		}
	}
	if got := table(t, master, "SELECT address, name FROM targets"); !slices.Equal(got, []string{"1.1.1.1|h", "2.2.2.2|h"}) {
		t.Errorf("the table is %q", got)
	}
	deep := filepath.Join(t.TempDir(), "x", "y", "z.sqlite")
	if err := pmonitor.CreateDB(t.Context(), deep); err != nil {
		t.Fatal(err)
	}
	if got := table(t, deep, "SELECT COUNT(*) FROM targets"); !slices.Equal(got, []string{"0"}) {
		t.Errorf("a new table has %q rows", got)
	}
}

func TestMissingDatabaseIsNotMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing")
	if _, err := pmonitor.OpenDB(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want that there is no such file", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was made")
	}
}

func TestStatuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	if err := pmonitor.CreateDB(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	for i, row := range []struct {
		name              string
		stable, responded int
		time              int
		count             int
	}{
		{"x", 1, 1, 100, 3}, {"n2", 0, 1, 200, 3}, {"n3", 1, 1, 300, 3}, {"x", 1, 0, 400, 3},
		{"n5", 0, 1, 600, 3}, {"n6", 0, 1, 500, 3}, {"n7", 0, 1, 700, 3}, {"never", 1, 0, 50, 0},
	} {
		execute(t, path, fmt.Sprintf("INSERT INTO targets (address, name, stable, responded, sample_time, total_count)"+
			" VALUES ('10.0.0.%d', '%s', %d, %d, %d, %d)", i, row.name, row.stable, row.responded, row.time, row.count))
	}
	with(t, path, func(db *pmonitor.DB) error {
		for _, test := range []struct {
			stable      bool
			good, total int
		}{{true, 2, 3}, {false, 6, 7}} {
			good, total, err := db.StatusCount(t.Context(), test.stable)
			if err != nil || good != test.good || total != test.total {
				t.Errorf("count, stable %t: %d / %d and error %v, want %d / %d", test.stable, good, total, err, test.good, test.total)
			}
		}
		list, err := db.StatusList(t.Context())
		want := []pmonitor.Status{{"x", false}, {"n2", true}, {"n3", true}, {"n5", true}, {"n6", true}, {"n7", true}}
		if err != nil || !slices.Equal(list, want) {
			t.Errorf("list %v and error %v, want %v", list, err, want)
		}
		five, err := db.LastFive(t.Context())
		want = []pmonitor.Status{{"n7", true}, {"n5", true}, {"n6", true}, {"x", false}, {"n3", true}}
		if err != nil || !slices.Equal(five, want) {
			t.Errorf("last five %v and error %v, want %v", five, err, want)
		}
		return nil
	})
}

func TestStatusesOfAFreshMaster(t *testing.T) {
	master, _ := initialised(t, three)
	with(t, master, func(db *pmonitor.DB) error {
		good, total, err := db.StatusCount(t.Context(), false)
		if err != nil || good != 0 || total != 0 {
			t.Errorf("count %d / %d and error %v", good, total, err)
		}
		list, err := db.StatusList(t.Context())
		if err != nil || len(list) != 0 {
			t.Errorf("list %v and error %v", list, err)
		}
		five, err := db.LastFive(t.Context())
		if want := []pmonitor.Status{{"A", false}, {"B", false}, {"C", false}}; err != nil || !slices.Equal(five, want) {
			t.Errorf("last five %v and error %v, want %v", five, err, want)
		}
		return nil
	})
}

// The recorded samples of one target, and what the row was after each.
func TestSampleTarget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	if err := pmonitor.CreateDB(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	answered := true
	pinger := &network{answers: func(pmonitor.Echo) (time.Duration, bool) { return 0, answered }}
	const query = "SELECT name, stable, responded, total_count, total_success FROM targets WHERE address = '%s'"
	before := "0"
	for i, test := range []struct {
		name, address, source string
		stable, answered      bool
		want                  string
		moves                 bool // sample_time
	}{
		{"n", "127.0.0.5", "127.0.0.1", true, true, "n|1|1|1|1", true},
		{"n", "127.0.0.5", "127.0.0.1", true, true, "n|1|1|2|2", true},
		{"renamed", "127.0.0.5", "127.0.0.1", false, true, "n|1|1|3|3", true},
		{"n", "127.0.0.5", "127.0.0.1", true, false, "n|1|0|4|3", true},
		{"n", "127.0.0.5", "127.0.0.1", true, false, "n|1|0|4|3", false},
		{"n", "127.0.0.5", "127.0.0.1", true, true, "n|1|1|5|4", true},
		{"n", "192.0.2.1", "127.0.0.1", false, false, "n|0|0|0|0", true},
		{"n", "192.0.2.1", "127.0.0.1", false, false, "n|0|0|0|0", false},
		{"n", "192.0.2.1", "127.0.0.1", false, true, "n|0|1|1|1", true},
		{"n", "-h", "127.0.0.1", true, true, "n|1|0|0|0", true},
		{"n", "", "127.0.0.1", true, true, "n|1|0|0|0", true},
		{"n", "127.0.0.5", "no address", true, true, "n|1|0|6|4", true},
	} {
		answered = test.answered
		time.Sleep(time.Millisecond) // sample_time is what tells rows apart
		with(t, path, func(db *pmonitor.DB) error {
			target := pmonitor.Target{Name: test.name, Address: test.address, Stable: test.stable}
			_, err := db.SampleTarget(t.Context(), target, test.source, pmonitor.Options{Pinger: pinger})
			return err
		})
		if got := table(t, path, fmt.Sprintf(query, test.address)); !slices.Equal(got, []string{test.want}) {
			t.Errorf("sample %d: the row is %q, want %q", i, got, test.want)
		}
		now := table(t, path, fmt.Sprintf("SELECT sample_time, typeof(sample_time) FROM targets WHERE address = '%s'", test.address))[0]
		if i > 0 && (now != before) != test.moves {
			t.Errorf("sample %d: sample_time went from %s to %s", i, before, now)
		}
		before = now
	}
	want := []string{"127.0.0.5|ok|4", "127.0.0.5|unanswered|2"}
	got := table(t, path, "SELECT address, outcome, COUNT(*) FROM netsonde_samples WHERE address = '127.0.0.5'"+
		" AND reason IS NULL GROUP BY outcome")
	if !slices.Equal(got, want) {
		t.Errorf("every ping: %q, want %q", got, want)
	}
	got = table(t, path, "SELECT address, outcome FROM netsonde_samples WHERE reason IS NOT NULL")
	if want := []string{"-h|unresolved", "|unresolved", "127.0.0.5|unresolved"}; !slices.Equal(got, want) {
		t.Errorf("pings that could not be: %q, want %q", got, want)
	}
}

func TestPing(t *testing.T) {
	n := &network{answers: func(echo pmonitor.Echo) (time.Duration, bool) {
		return time.Millisecond, echo.Target.String() != "127.0.0.6"
	}}
	for _, test := range []struct {
		address, source string
		want            netsonde.Outcome
	}{
		{"127.0.0.5", "127.0.0.1", netsonde.OutcomeOK},
		{"127.0.0.6", "127.0.0.1", netsonde.OutcomeUnanswered},
		{"-h", "127.0.0.1", netsonde.OutcomeUnresolved},
		{"127.0.0.5", "", netsonde.OutcomeUnresolved},
	} {
		got, err := pmonitor.Ping(t.Context(), test.address, test.source, pmonitor.Options{Pinger: n})
		if err != nil || got.Outcome != test.want {
			t.Errorf("%q from %q: %v and error %v, want %v", test.address, test.source, got.Outcome, err, test.want)
		}
	}
	broken := errors.New("the cable is cut")
	if _, err := pmonitor.Ping(t.Context(), "127.0.0.5", "127.0.0.1", pmonitor.Options{Pinger: failing{broken}}); !errors.Is(err, broken) {
		t.Errorf("error %v, want the pinger's", err)
	}
}

// Whatever keeps a ping from leaving is a failure that is counted.
func TestLocalFailuresAreCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	if err := pmonitor.CreateDB(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	with(t, path, func(db *pmonitor.DB) error {
		target := pmonitor.Target{Name: "n", Address: "127.0.0.5"}
		for _, test := range []struct {
			source string
			want   netsonde.Outcome
		}{{"127.0.0.1", netsonde.OutcomeOK}, {"203.0.113.9", netsonde.OutcomeSendFailed}} {
			sample, err := db.SampleTarget(t.Context(), target, test.source, pmonitor.Options{})
			if err != nil {
				return err
			}
			if sample.Outcome != test.want {
				t.Errorf("from %s: %s, want %s", test.source, sample.Outcome, test.want)
			}
			if test.want == netsonde.OutcomeOK && sample.From != netip.MustParseAddr(target.Address) {
				t.Errorf("answered by %s", sample.From)
			}
		}
		return nil
	})
	if got := table(t, path, "SELECT responded, total_count, total_success FROM targets"); !slices.Equal(got, []string{"0|2|1"}) {
		t.Errorf("the row is %q", got)
	}
}

func TestConsolidate(t *testing.T) {
	master, work := initialised(t, three)
	folder := filepath.Dir(master)
	pinger := &network{answers: func(e pmonitor.Echo) (time.Duration, bool) { return 0, e.Target.String() != "127.0.0.3" }}
	works := []string{work, filepath.Join(folder, "second.sqlite"), filepath.Join(folder, "missing.sqlite"), filepath.Join(folder, "text")}
	for i, source := range []string{"127.0.0.1", "127.0.0.2"} {
		options := pmonitor.Options{Pace: time.Millisecond, Once: true, Pinger: pinger}
		if err := pmonitor.Monitor(t.Context(), master, works[i], source, options); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(works[3], []byte("this is no database at all, however long one looks"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(folder, "new", "out.sqlite")
	for range 2 {
		skipped, err := pmonitor.Consolidate(t.Context(), master, works, out)
		if err != nil {
			t.Fatal(err)
		}
		if len(skipped) != 2 || skipped[0].Path != works[2] || skipped[1].Path != works[3] {
			t.Errorf("skipped %v, want the missing one and the text", skipped)
		}
		for query, want := range map[string][]string{
			"SELECT * FROM targets": {
				"127.0.0.1|A|1|0|0|1|0|0|0|0", "127.0.0.2|B|1|0|0|1|0|0|0|0", "127.0.0.3|C|1|0|0|0|0|0|0|0",
			},
			"SELECT source_node, node_name, responded, total_count, total_success, sample_time > 0 FROM node_history": {
				"A|B|1|1|1|1", "A|C|0|0|0|1", "B|C|0|0|0|1", "B|A|1|1|1|1",
			},
			"SELECT COUNT(*) FROM simulation_metadata":                                              {"0"},
			"SELECT COUNT(*) FROM sqlite_master WHERE type = 'index' AND tbl_name = 'node_history'": {"2"},
		} {
			if got := table(t, out, query); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	}
	for _, wrong := range []string{master, work} {
		if _, err := pmonitor.Consolidate(t.Context(), master, works[:2], wrong); err == nil {
			t.Errorf("%s was overwritten", wrong)
		}
	}
	if _, err := pmonitor.Consolidate(t.Context(), master, nil, work); err == nil {
		t.Error("a working database was overwritten")
	}
	if _, err := pmonitor.Consolidate(t.Context(), works[2], nil, out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing master: %v", err)
	}
	if got := table(t, master, "SELECT COUNT(*) FROM targets"); !slices.Equal(got, []string{"3"}) {
		t.Errorf("the master has %q rows", got)
	}
}
