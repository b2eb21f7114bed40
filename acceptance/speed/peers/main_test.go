package main

import (
	"bytes"
	"os"
	"testing"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

func TestMain(m *testing.M) { os.Exit(built.Main(m)) }

// TestEveryRowIsRight runs every row once in small networks: no answer may be
// wrong and nothing may stay unmeasured but for peers that are missing. It
// needs root and namespaces.
func TestEveryRowIsRight(t *testing.T) {
	lab.ForTest(t) // skips where no network can be built
	b := &bench{ctx: t.Context(), binary: built.Program(t), small: true}
	if err := b.prepare(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(b.directory) })
	if b.measure(rows()) {
		t.Error("a row could not be measured")
	}
	for _, wrong := range b.table.wrong {
		t.Error(wrong)
	}
	t.Log(b.table.markdown())
	if t.Failed() {
		return
	}
	measured := map[string]bool{}
	for _, f := range b.table.figures {
		measured[f.row] = measured[f.row] || len(f.ours) > 0
	}
	for _, name := range rowNames() {
		// Without tcpdump there is no truth about RTTs.
		missing := bytes.Contains([]byte(b.table.markdown()), []byte(name+": tcpdump is missing"))
		if !measured[name] && !missing {
			t.Errorf("row %s has no figures", name)
		}
	}
}
