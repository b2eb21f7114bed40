package pmonitor

import (
	"database/sql"
	"errors"
	"fmt"

	"netsonde/internal/sqlite"
)

// row is what is known of a target before a ping.
type row struct{ known, responded bool }

// step is what a ping does to a target's row.
type step struct {
	// insert makes the row, with the time of the ping and counts of 0.
	insert bool
	// count counts the ping, success also as answered; both set responded and
	// the time. Neither leaves the row as it is.
	count, success bool
}

// after says what a ping does to a row. A failure counts only when the target
// had answered the ping before.
func (r row) after(answered bool) step {
	return step{insert: !r.known, count: answered || r.responded, success: answered}
}

// count counts a result in the table of targets and returns what it did, ""
// when nothing has changed.
func count(t *sqlite.Tx, r result) (change string, err error) {
	var responded any
	err = t.QueryRow("SELECT +responded FROM targets WHERE address = ?", r.target.Address).Scan(&responded)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	before := row{known: err == nil, responded: truth(responded)}
	step := before.after(r.answered())
	if step.insert {
		_, err := t.Exec("INSERT INTO targets (name, address, sample_time, stable) VALUES (?, ?, ?, ?)",
			r.target.Name, r.target.Address, r.time, r.target.Stable)
		if err != nil {
			return "", err
		}
	}
	if step.count {
		_, err := t.Exec("UPDATE targets SET responded = ?, sample_time = ?, total_count = total_count + 1,"+
			" total_success = total_success + ? WHERE address = ?", step.success, r.time, step.success, r.target.Address)
		if err != nil {
			return "", err
		}
	}
	if !step.insert && !step.count {
		return "", nil
	}
	var total, success int64
	err = t.QueryRow("SELECT total_count, total_success FROM targets WHERE address = ?", r.target.Address).
		Scan(&total, &success)
	if err != nil {
		return "", err
	}
	verb := "changed"
	if step.insert {
		verb = "new"
	}
	return fmt.Sprintf("row %s: %s: responded %t, %d of %d", r.target.Address, verb, step.success, success, total), nil
}
