package pmonitor

import "netsonde/internal/sqlite"

// targetColumns are the columns of targets, in their order.
const targetColumns = "address, name, run, running, me, stable, responded, sample_time, total_count, total_success"

// storedColumns are the same as they are stored: the driver would turn what
// stands in BOOLEAN columns into a bool.
const storedColumns = "address, name, +run, +running, +me, +stable, +responded, sample_time, total_count, total_success"

const createTargets = `CREATE TABLE targets (
  address TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  run BOOLEAN DEFAULT TRUE,
  running BOOLEAN DEFAULT FALSE,
  me BOOLEAN DEFAULT FALSE,
  stable BOOLEAN DEFAULT TRUE,
  responded BOOLEAN DEFAULT FALSE,
  sample_time INTEGER DEFAULT 0,
  total_count INTEGER DEFAULT 0,
  total_success INTEGER DEFAULT 0
)`

// The tables of our own stand beside targets under names that older programs
// do not ask for.
const (
	createSamples = `CREATE TABLE IF NOT EXISTS netsonde_samples (
  id INTEGER PRIMARY KEY,
  sample_time REAL NOT NULL,
  source TEXT NOT NULL,
  address TEXT NOT NULL,
  name TEXT NOT NULL,
  outcome TEXT NOT NULL,
  rtt_ms REAL,
  method TEXT NOT NULL,
  stamps TEXT NOT NULL,
  answered_from TEXT,
  ttl INTEGER,
  icmp_type INTEGER,
  icmp_code INTEGER,
  reason TEXT
)`
	createErased = `CREATE TABLE IF NOT EXISTS netsonde_erased (
  erased_at REAL NOT NULL,
  address, name, run, running, me, stable, responded, sample_time, total_count, total_success
)`
)

// eraseTargets makes an empty table of targets.
func eraseTargets(t *sqlite.Tx) error {
	return run(t, "DROP TABLE IF EXISTS targets", createTargets)
}

// keepTargets copies the table of targets, if there is one, to what was erased.
func keepTargets(t *sqlite.Tx, now float64) error {
	var tables int
	err := t.QueryRow("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'targets'").Scan(&tables)
	if err != nil || tables == 0 {
		return err
	}
	if err := run(t, createErased); err != nil {
		return err
	}
	_, err = t.Exec("INSERT INTO netsonde_erased SELECT ?, "+targetColumns+" FROM targets ORDER BY rowid", now)
	return err
}

// run runs statements one after the other.
func run(t *sqlite.Tx, statements ...string) error {
	for _, statement := range statements {
		if _, err := t.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}
