package pmonitor_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netsonde/pmonitor"
)

// originalsOutput are the tables that the original's consolidation left.
var originalsOutput = []string{
	"CREATE TABLE targets (address TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, run BOOLEAN, running BOOLEAN, me BOOLEAN," +
		" stable BOOLEAN, responded BOOLEAN, sample_time INTEGER, total_count INTEGER, total_success INTEGER)",
	"CREATE TABLE simulation_metadata (start_time REAL, end_time REAL, total_nodes INTEGER, stable_nodes INTEGER)",
	"CREATE TABLE node_history (node_name TEXT, sample_time REAL, responded BOOLEAN, total_count INTEGER," +
		" total_success INTEGER, source_node TEXT)",
}

func TestConsolidateRewritesOnlyItsOwn(t *testing.T) {
	t.Parallel()
	consolidated := "the master consolidated"
	for name, test := range map[string]struct {
		statements []string
		refused    bool
	}{
		"an empty file":                {},
		"its own":                      {statements: []string{consolidated}},
		"its own, filled in":           {statements: []string{consolidated, "INSERT INTO simulation_metadata VALUES (1, 2, 3, 4)"}},
		"its own, analysed":            {statements: []string{consolidated, "ANALYZE"}},
		"its own with another table":   {statements: []string{consolidated, "CREATE TABLE pics (name)"}, refused: true},
		"its own with another index":   {statements: []string{consolidated, "CREATE INDEX mine ON node_history (source_node)"}, refused: true},
		"its own with a view":          {statements: []string{consolidated, "CREATE VIEW mine AS SELECT * FROM node_history"}, refused: true},
		"its own with another column":  {statements: []string{consolidated, "ALTER TABLE node_history ADD COLUMN mine"}, refused: true},
		"its own without an index":     {statements: []string{consolidated, "DROP INDEX idx_node_history_node_name"}, refused: true},
		"the original's":               {statements: originalsOutput},
		"the original's, filled":       {statements: append(slices.Clone(originalsOutput), "INSERT INTO node_history (node_name) VALUES ('a')"), refused: true},
		"the original's with a column": {statements: append(slices.Clone(originalsOutput), "ALTER TABLE targets ADD COLUMN mine"), refused: true},
		"a foreign node_history":       {statements: []string{"CREATE TABLE node_history (b)", "INSERT INTO node_history VALUES (7)"}, refused: true},
		"three foreign tables": {statements: []string{
			"CREATE TABLE node_history (b)", "CREATE TABLE targets (b)", "CREATE TABLE simulation_metadata (b)",
		}, refused: true},
		"other letters": {statements: []string{"CREATE TABLE Targets (b)"}, refused: true},
		"a master":      {statements: originalsOutput[:1], refused: true},
		"other tables":  {statements: []string{"CREATE TABLE pics (name)"}, refused: true},
		"a write-ahead log": {statements: []string{
			"COMMIT; PRAGMA journal_mode = WAL; BEGIN; CREATE TABLE pics (name)",
		}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			master, _ := initialised(t, three)
			out := filepath.Join(filepath.Dir(master), "out.sqlite")
			if err := os.WriteFile(out, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, statement := range test.statements {
				if statement != consolidated {
					execute(t, out, statement)
				} else if _, err := pmonitor.Consolidate(t.Context(), master, nil, out); err != nil {
					t.Fatal(err)
				}
			}
			before, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			_, err = pmonitor.Consolidate(t.Context(), master, nil, out)
			if refused := err != nil && strings.Contains(err.Error(), "name another file"); refused != test.refused || err != nil && !refused {
				t.Errorf("the error is %v", err)
			}
			after, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if test.refused && !bytes.Equal(before, after) {
				t.Error("the file is another")
			}
			if !test.refused {
				if got := table(t, out, "SELECT COUNT(*) FROM targets"); !slices.Equal(got, []string{"3"}) {
					t.Errorf("targets has %q rows", got)
				}
			}
		})
	}
}
