package pmonitor

import (
	"context"

	"netsonde/internal/sqlite"
)

// Status is how a target stands.
type Status struct {
	Name      string
	Responded bool
}

// StatusCount returns how many targets answer now and how many have ever
// answered. stable leaves out those that are not stable; without it all count.
func (d *DB) StatusCount(ctx context.Context, stable bool) (good, total int, err error) {
	only := ""
	if stable {
		only = " AND stable = TRUE"
	}
	err = d.file.Read(ctx, func(t *sqlite.Tx) error {
		row := t.QueryRow("SELECT (SELECT COUNT(*) FROM targets WHERE responded = TRUE" + only + ")," +
			" (SELECT COUNT(*) FROM targets WHERE total_count > 0" + only + ")")
		return row.Scan(&good, &total)
	})
	return good, total, err
}

// StatusList returns how the targets stand that have ever answered, one entry
// a name: of several with the same name the last in the table counts.
func (d *DB) StatusList(ctx context.Context) ([]Status, error) {
	rows, err := d.statuses(ctx, "SELECT name, +responded FROM targets WHERE total_count > 0")
	if err != nil {
		return nil, err
	}
	list := make([]Status, 0, len(rows))
	place := make(map[string]int, len(rows))
	for _, s := range rows {
		if i, known := place[s.Name]; known {
			list[i] = s
			continue
		}
		place[s.Name] = len(list)
		list = append(list, s)
	}
	return list, nil
}

// LastFive returns the five rows with the latest sample_time, the latest
// first; those that were never sampled, the node's own among them, come last
// in the order of the table.
func (d *DB) LastFive(ctx context.Context) ([]Status, error) {
	return d.statuses(ctx, "SELECT name, +responded FROM targets ORDER BY sample_time DESC, rowid LIMIT 5")
}

func (d *DB) statuses(ctx context.Context, query string) (list []Status, err error) {
	err = d.file.Read(ctx, func(t *sqlite.Tx) error {
		list = nil
		rows, err := t.Query(query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s Status
			var responded any
			if err := rows.Scan(&s.Name, &responded); err != nil {
				return err
			}
			s.Responded = truth(responded)
			list = append(list, s)
		}
		return rows.Err()
	})
	return list, err
}
