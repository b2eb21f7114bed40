package pmonitor_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// callerProgram is a program of somebody else's, with a Pinger of its own.
const callerProgram = `package main

import (
	"context"
	"fmt"

	"netsonde"
	"netsonde/pmonitor"
)

type echoes struct{}

func (echoes) Ping(context.Context, pmonitor.Echo) (netsonde.Sample, error) {
	return netsonde.Sample{Outcome: netsonde.OutcomeOK}, nil
}

func main() {
	ctx := context.Background()
	targets := []pmonitor.Target{{Name: "a", Address: "127.0.0.1"}, {Name: "b", Address: "127.0.0.2", Stable: true}}
	if err := pmonitor.InitTargets(ctx, "master", targets); err != nil {
		panic(err)
	}
	if err := pmonitor.Monitor(ctx, "master", "work", "127.0.0.1", pmonitor.Options{Once: true, Pinger: echoes{}}); err != nil {
		panic(err)
	}
	db, err := pmonitor.OpenDB(ctx, "work")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	fmt.Println(db.StatusCount(ctx, true))
}
`

// The package is there for other modules: one of them is built and run.
func TestFromAnotherModule(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module caller\n\ngo 1.26.0\n\nrequire netsonde v0.0.0\n\nreplace netsonde => " + root + "\n",
		"go.sum":  string(sums),
		"main.go": callerProgram,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("go", "run", "-mod=mod", ".")
	command.Dir = folder
	output, err := command.CombinedOutput()
	if err != nil || string(output) != "1 1 <nil>\n" {
		t.Errorf("the other module says %q, %v", output, err)
	}
}
