package sqlite

// Outside runs a statement outside any transaction.
func Outside(d *DB, statement string) error {
	_, err := d.pool.Exec(statement)
	return err
}
