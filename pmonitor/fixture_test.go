package pmonitor_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"netsonde"
	"netsonde/pmonitor"
)

// answers is a network that is a function: how long a ping takes, and whether
// it is answered.
type answers func(echo pmonitor.Echo) (after time.Duration, answered bool)

// network is a Pinger over answers that remembers what was asked.
type network struct {
	answers answers
	mu      sync.Mutex
	asked   []ask
}

type ask struct {
	at             time.Time
	source, target string
}

func (n *network) Ping(ctx context.Context, echo pmonitor.Echo) (netsonde.Sample, error) {
	n.mu.Lock()
	n.asked = append(n.asked, ask{time.Now(), echo.Source.String(), echo.Target.String()})
	n.mu.Unlock()
	after, answered := n.answers(echo)
	select {
	case <-ctx.Done():
		return netsonde.Sample{}, ctx.Err()
	case <-time.After(after):
	}
	if !answered {
		return netsonde.Sample{Outcome: netsonde.OutcomeUnanswered}, nil
	}
	return netsonde.Sample{Outcome: netsonde.OutcomeOK, RTT: after, From: echo.Target, TTL: 64}, nil
}

// times is how many pings were asked for.
func (n *network) times() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.asked)
}

// lively answers everything after a millisecond.
func lively(pmonitor.Echo) (time.Duration, bool) { return time.Millisecond, true }

// three are targets A, B and C.
var three = []pmonitor.Target{
	{Name: "A", Address: "127.0.0.1", Stable: true},
	{Name: "B", Address: "127.0.0.2", Stable: true},
	{Name: "C", Address: "127.0.0.3"},
}

// initialised makes a master and returns its path and that of a working
// database, which is not there yet.
func initialised(t *testing.T, targets []pmonitor.Target) (master, work string) {
	t.Helper()
	folder := t.TempDir()
	master, work = filepath.Join(folder, "master.sqlite"), filepath.Join(folder, "work.sqlite")
	if err := pmonitor.InitTargets(t.Context(), master, targets); err != nil {
		t.Fatal(err)
	}
	return master, work
}

// with runs f on an open database.
func with(t *testing.T, path string, f func(*pmonitor.DB) error) {
	t.Helper()
	db, err := pmonitor.OpenDB(t.Context(), path)
	if err == nil {
		err = errors.Join(f(db), db.Close())
	}
	if err != nil {
		t.Error(err)
	}
}

// setRun sets run of an address.
func setRun(t *testing.T, path, address string, run bool) {
	t.Helper()
	with(t, path, func(db *pmonitor.DB) error { return db.SetCanRun(t.Context(), address, run) })
}

// execute runs a statement on a database as somebody else would.
func execute(t *testing.T, path, statement string) {
	t.Helper()
	with(t, path, func(db *pmonitor.DB) error { return pmonitor.Execute(t.Context(), db, statement) })
}

// table returns a query's rows, as sqlite3 prints them.
func table(t *testing.T, path, query string) (lines []string) {
	t.Helper()
	with(t, path, func(db *pmonitor.DB) (err error) {
		lines, err = pmonitor.Table(t.Context(), db, query)
		return err
	})
	return lines
}

// journal is a log that remembers its lines.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// log is a logger whose lines have no time.
func (j *journal) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// failing is a Pinger that cannot go on.
type failing struct{ err error }

func (f failing) Ping(context.Context, pmonitor.Echo) (netsonde.Sample, error) {
	return netsonde.Sample{}, f.err
}
