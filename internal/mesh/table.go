package mesh

import (
	"context"
	"errors"

	"netsonde/internal/sqlite"
)

// table is a database's targets as they are stored, in pmonitor's form of JSON.
type table struct {
	Columns []string   `json:"columns"`
	Data    []tableRow `json:"data"`
	Stats   tableStats `json:"stats"`
}

// tableRow is a row; booleans are 0 and 1, unless somebody stored another.
type tableRow struct {
	Address      any `json:"address"`
	Name         any `json:"name"`
	Run          any `json:"run"`
	Running      any `json:"running"`
	Me           any `json:"me"`
	Stable       any `json:"stable"`
	Responded    any `json:"responded"`
	SampleTime   any `json:"sample_time"`
	TotalCount   any `json:"total_count"`
	TotalSuccess any `json:"total_success"`
}

// tableStats counts all rows, the node's own and those that were never
// answered included.
type tableStats struct {
	Total      int `json:"total"`
	Responding int `json:"responding"`
	// ResponseRate is in percent, 0 of no rows.
	ResponseRate float64 `json:"response_rate"`
}

// readTable reads a database that exists.
func readTable(ctx context.Context, path string) (*table, error) {
	db, err := sqlite.Open(ctx, path, sqlite.Existing)
	if err != nil {
		return nil, err
	}
	var read *table
	err = db.Read(ctx, func(t *sqlite.Tx) (err error) {
		read, err = selectTable(t)
		return err
	})
	return read, errors.Join(err, db.Close())
}

func selectTable(t *sqlite.Tx) (*table, error) {
	read := &table{
		Columns: []string{"address", "name", "run", "running", "me", "stable", "responded", "sample_time",
			"total_count", "total_success"},
		Data: []tableRow{},
	}
	// "+" keeps the driver from making bools of 0 and 1.
	rows, err := t.Query("SELECT address, name, +run, +running, +me, +stable, +responded, sample_time," +
		" total_count, total_success FROM targets ORDER BY rowid")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r tableRow
		values := []*any{&r.Address, &r.Name, &r.Run, &r.Running, &r.Me, &r.Stable, &r.Responded, &r.SampleTime,
			&r.TotalCount, &r.TotalSuccess}
		places := make([]any, len(values))
		for i := range values {
			places[i] = values[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		for _, value := range values {
			if text, ok := (*value).([]byte); ok {
				*value = string(text)
			}
		}
		read.Data = append(read.Data, r)
		if r.Responded == int64(1) {
			read.Stats.Responding++
		}
	}
	read.Stats.Total = len(read.Data)
	if read.Stats.Total > 0 {
		read.Stats.ResponseRate = 100 * float64(read.Stats.Responding) / float64(read.Stats.Total)
	}
	return read, rows.Err()
}
