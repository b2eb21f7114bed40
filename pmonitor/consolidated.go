package pmonitor

import (
	"errors"
	"slices"

	"netsonde/internal/sqlite"
)

const (
	metadataColumns = "start_time, end_time, total_nodes, stable_nodes"
	historyColumns  = "node_name, sample_time, responded, total_count, total_success, source_node"

	createMetadata = `CREATE TABLE simulation_metadata (
  start_time REAL,
  end_time REAL,
  total_nodes INTEGER,
  stable_nodes INTEGER
)`
	createHistory = `CREATE TABLE node_history (
  node_name TEXT,
  sample_time REAL,
  responded BOOLEAN,
  total_count INTEGER,
  total_success INTEGER,
  source_node TEXT
)`
	createTimeIndex = "CREATE INDEX idx_node_history_sample_time ON node_history (sample_time)"
	createNameIndex = "CREATE INDEX idx_node_history_node_name ON node_history (node_name)"
)

// consolidatedTable is a table of a consolidated database.
type consolidatedTable struct{ name, columns, create string }

func consolidatedTables() []consolidatedTable {
	return []consolidatedTable{
		{"targets", targetColumns, createTargets},
		{"simulation_metadata", metadataColumns, createMetadata},
		{"node_history", historyColumns, createHistory},
	}
}

// errForeign tells that a file is not for Consolidate to rewrite.
var errForeign = errors.New("it holds what Consolidate did not make: name another file for the result")

// foreign returns errForeign unless the database is empty, one that Consolidate
// made, or one that the original left.
func foreign(t *sqlite.Tx) error {
	// SQLite keeps a statement as it was written, which marks the maker. The
	// names that it makes itself all begin with "sqlite_".
	made, err := values(t, "SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'", 1)
	if err != nil || len(made) == 0 {
		return err
	}
	ours := []string{createTimeIndex, createNameIndex}
	for _, table := range consolidatedTables() {
		ours = append(ours, table.create)
	}
	strange := slices.ContainsFunc(made, func(row []any) bool {
		statement, _ := row[0].(string)
		return !slices.Contains(ours, statement)
	})
	if !strange && len(made) == len(ours) {
		return nil
	}
	return beyondOriginal(t, len(made))
}

// beyondOriginal returns errForeign unless the database, which holds so many
// tables, indexes and the like, is what the original's consolidation left: it
// always failed once it had made the three tables, and before it filled them.
func beyondOriginal(t *sqlite.Tx, made int) error {
	tables := consolidatedTables()
	if made != len(tables) {
		return errForeign
	}
	for _, table := range tables {
		var columns string
		err := t.QueryRow("SELECT COALESCE(GROUP_CONCAT(c.name, ', '), '') FROM sqlite_master AS m, pragma_table_info(m.name) AS c"+
			" WHERE m.type = 'table' AND m.name = ?", table.name).Scan(&columns)
		if err != nil {
			return err
		}
		if columns != table.columns {
			return errForeign
		}
		var filled bool
		if err := t.QueryRow("SELECT EXISTS (SELECT 1 FROM " + table.name + ")").Scan(&filled); err != nil {
			return err
		}
		if filled {
			return errForeign
		}
	}
	return nil
}
