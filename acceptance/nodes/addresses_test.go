package nodes_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
	"netsonde/internal/sqlite"
)

// "pmonitor test" with four of its addresses, with three, with one that is
// blocked, and with none: what it prints, its exit code, and both tables, but
// for the times.
func TestTestOfFourAddresses(t *testing.T) {
	const (
		host1, host2   = "192.168.33.1", "192.168.44.2"
		host3, another = "192.168.55.2", "192.168.55.3"
	)
	for _, test := range []struct {
		name      string
		addresses []string
		// blocked is an address that is there and does not answer.
		blocked string
		status  string
		answers []string
	}{
		{"four", []string{host1, host2, host3, another}, "", "status 3 / 3\n", []string{host1, host2, host3}},
		{"three", []string{host1, host3, another}, "", "status 2 / 2\n", []string{host1, host3}},
		{"blocked", []string{host1, host2, host3, another}, host2, "status 2 / 2\n", []string{host1, host3}},
		{"none", nil, "", "status 0 / 0\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			node := lab.ForTest(t).Node("host")
			for _, address := range test.addresses {
				node.Address(address + "/32")
			}
			if test.blocked != "" {
				node.Drop(lab.HookInput, "ip daddr "+test.blocked)
			}
			command := exec.Command(built.Program(t), "pmonitor", "test", "--log", "log")
			command.Dir = t.TempDir()
			var stdout, stderr bytes.Buffer
			command.Stdout, command.Stderr = &stdout, &stderr
			if err := node.Run(command); err != nil {
				t.Fatalf("%v: %s", err, &stderr)
			}
			if stdout.String() != test.status || stderr.Len() > 0 {
				t.Errorf("it prints %q and %q, want %q", &stdout, &stderr, test.status)
			}
			const columns = "SELECT address, name, run, running, me, stable, responded, total_count, total_success FROM targets"
			master := []string{
				host1 + "|host1|0|0|0|1|0|0|0", host2 + "|host2|1|1|0|1|0|0|0",
				host3 + "|host3|1|0|0|1|0|0|0", another + "|host3|0|0|0|0|0|0|0",
			}
			if got := table(t, filepath.Join(command.Dir, "master.sqlite"), columns); !slices.Equal(got, master) {
				t.Errorf("the master is %q, want %q", got, master)
			}
			work := []string{another + "|host3|1|0|1|0|0|0|0"}
			for i, address := range []string{host1, host2, host3} {
				answers := "0|0|0"
				if slices.Contains(test.answers, address) {
					answers = "1|1|1"
				}
				work = append(work, fmt.Sprintf("%s|host%d|1|0|0|1|%s", address, i+1, answers))
			}
			if got := table(t, filepath.Join(command.Dir, "work.sqlite"), columns); !slices.Equal(got, work) {
				t.Errorf("the working table is %q, want %q", got, work)
			}
		})
	}
}

// table returns the rows of a query, with a bar between the columns.
func table(t *testing.T, path, query string) (rows []string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Existing)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Read(t.Context(), func(tx *sqlite.Tx) error {
		rows = nil
		found, err := tx.Query(query)
		if err != nil {
			return err
		}
		defer found.Close()
		names, err := found.Columns()
		if err != nil {
			return err
		}
		for found.Next() {
			values, places := make([]string, len(names)), make([]any, len(names))
			for i := range values {
				places[i] = &values[i]
			}
			if err := found.Scan(places...); err != nil {
				return err
			}
			rows = append(rows, strings.Join(values, "|"))
		}
		return found.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
