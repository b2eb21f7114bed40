package pmonitor

import (
	"context"
	"fmt"
	"strings"

	"netsonde/internal/sqlite"
)

// Execute runs a statement.
func Execute(ctx context.Context, d *DB, statement string) error {
	return d.file.Write(ctx, func(t *sqlite.Tx) error { return run(t, statement) })
}

// Table returns a query's rows as lines of columns.
func Table(ctx context.Context, d *DB, query string) (lines []string, err error) {
	err = d.file.Read(ctx, func(t *sqlite.Tx) error {
		lines = nil
		rows, err := t.Query(query)
		if err != nil {
			return err
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		for rows.Next() {
			row, places := make([]any, len(columns)), make([]any, len(columns))
			for i := range row {
				places[i] = &row[i]
			}
			if err := rows.Scan(places...); err != nil {
				return err
			}
			words := make([]string, len(columns))
			for i, value := range row {
				switch v := value.(type) {
				case nil:
				case bool:
					words[i] = map[bool]string{false: "0", true: "1"}[v]
				default:
					words[i] = fmt.Sprint(v)
				}
			}
			lines = append(lines, strings.Join(words, "|"))
		}
		return rows.Err()
	})
	return lines, err
}

// Locked runs f while nobody else can write.
func Locked(ctx context.Context, d *DB, f func()) error {
	return d.file.Write(ctx, func(*sqlite.Tx) error { f(); return nil })
}
