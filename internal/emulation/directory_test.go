package emulation_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netsonde/internal/emulation"
	"netsonde/internal/lab"
	"netsonde/internal/topology"
)

func TestUserDirectory(t *testing.T) {
	for name, c := range map[string]struct {
		uid         int
		environment map[string]string
		want        emulation.Directory
	}{
		"root":     {0, map[string]string{"XDG_RUNTIME_DIR": "/run/user/0"}, "/run/netsonde-lab"},
		"user":     {7, map[string]string{"XDG_RUNTIME_DIR": "/run/user/7"}, "/run/user/7/netsonde-lab"},
		"set":      {0, map[string]string{"NETSONDE_LAB_DIRECTORY": "/here"}, "/here"},
		"homeless": {7, nil, ""},
	} {
		got, err := emulation.UserDirectory(c.uid, func(name string) string { return c.environment[name] })
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestLabNames(t *testing.T) {
	for name, good := range map[string]bool{
		"lab": true, "a_B-9": true, "": false, "..": false, "a/b": false, "a b": false, strings.Repeat("x", 33): false,
	} {
		if err := emulation.CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
	directory := emulation.Directory(t.TempDir())
	for _, file := range []string{"b.lock", "b.socket", "a.log", "foreign", "x y.lock"} {
		if err := os.WriteFile(filepath.Join(string(directory), file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names, err := directory.Names()
	if err != nil || strings.Join(names, " ") != "a b" {
		t.Errorf("%q, %v", names, err)
	}
	none, err := emulation.Directory("/no/such/directory").Names()
	if err != nil || none != nil {
		t.Errorf("%q, %v", none, err)
	}
}

// What a dead process left is no lab, and down removes it.
func TestLeftovers(t *testing.T) {
	directory := emulation.Directory(filepath.Join(t.TempDir(), "labs"))
	if was, err := directory.Down(t.Context(), "lab"); was || err != nil {
		t.Errorf("of nothing: %t, %v", was, err)
	}
	if err := os.Mkdir(string(directory), 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(string(directory), "lab.socket"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
	if _, err := directory.Status("lab"); !errors.Is(err, emulation.ErrNotUp) {
		t.Errorf("a dead socket has a status: %v", err)
	}
	if was, err := directory.Down(t.Context(), "lab"); !was || err != nil {
		t.Errorf("of leftovers: %t, %v", was, err)
	}
	if _, err := os.Stat(string(directory)); !os.IsNotExist(err) {
		t.Errorf("they are still there: %v", err)
	}
}

// hold holds a lab in this process until the test ends.
func hold(t *testing.T) emulation.Directory {
	t.Helper()
	plan, err := topology.Shape{Kind: "chain", Nodes: 2}.Plan()
	if err != nil {
		t.Fatal(err)
	}
	directory := emulation.Directory(filepath.Join(t.TempDir(), "labs"))
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- emulation.Hold(ctx, directory, "lab", plan, func() error { close(ready); return nil })
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, lab.ErrUnavailable) {
			t.Errorf("the lab ends with %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		lab.Skip(t, err.Error())
	}
	return directory
}

// Whatever comes in on the socket is answered by an error and harms nobody.
func TestHostileRequests(t *testing.T) {
	directory := hold(t)
	for name, c := range map[string]struct{ text, want string }{
		"garbage":      {"\x00\xff\n", "read a message"},
		"wrong types":  {`{"verb": 3}` + "\n", "read a message"},
		"no verb":      {"{}\n", "is no request"},
		"no fault":     {`{"verb":"fault"}` + "\n", "no fault in the request"},
		"empty fault":  {`{"verb":"fault","fault":{}}` + "\n", "there is no node"},
		"wild fault":   {`{"verb":"fault","fault":{"action":"loss","a":"node1","b":"node2","loss":-7}}` + "\n", "a loss of"},
		"unknown node": {`{"verb":"enter","node":"../x"}` + "\n", "there is no node"},
		"drawing":      {`{"verb":"draw","drawing":"oil"}` + "\n", "no drawing"},
		"too long":     {strings.Repeat(" ", 5<<20), "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			connection, err := net.Dial("unix", filepath.Join(string(directory), "lab.socket"))
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			// The lab stops reading what is too long.
			_, _ = connection.Write([]byte(c.text))
			var answer struct{ Error string }
			if err := json.NewDecoder(connection).Decode(&answer); err != nil || !strings.Contains(answer.Error, c.want) {
				t.Errorf("%q, %v, want %q", answer.Error, err, c.want)
			}
		})
	}
	status, err := directory.Status("lab")
	if err != nil || len(status.Nodes) != 2 || status.Unreachable != 0 {
		t.Errorf("%+v, %v", status, err)
	}
	if err := directory.Fault("lab", topology.Fault{Action: topology.BlackHole, A: "node1", B: "node2"}); err != nil {
		t.Error(err)
	}
	if status, err = directory.Status("lab"); err != nil || status.Unreachable != 1 || len(status.Notes) != 1 {
		t.Errorf("%+v, %v", status, err)
	}
}
