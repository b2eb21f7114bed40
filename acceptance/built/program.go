// Package built is the program as its users have it, for the tests that run it.
package built

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binaryVariable names a binary that was built from this tree already.
const binaryVariable = "NETSONDE_BINARY"

// Main runs the tests of a package, most of which use Program, and returns the
// exit code. The program is built once for all of them.
func Main(m *testing.M) int {
	flag.Parse()
	listing := flag.Lookup("test.list").Value.String() != ""
	if listing || os.Getenv(binaryVariable) != "" {
		return m.Run()
	}
	directory, err := os.MkdirTemp("", "netsonde-built-")
	if err == nil {
		defer os.RemoveAll(directory)
		binary := filepath.Join(directory, "netsonde")
		err = errors.Join(build(binary), os.Setenv(binaryVariable, binary))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Program returns the path of a binary in a directory of the test's own, where
// it also has the further names. Every user may run it.
func Program(t testing.TB, names ...string) string {
	t.Helper()
	directory := Directory(t)
	binary := filepath.Join(directory, "netsonde")
	var err error
	if ready := os.Getenv(binaryVariable); ready != "" {
		err = duplicate(ready, binary)
	} else {
		err = build(binary)
	}
	for _, name := range names {
		err = errors.Join(err, os.Symlink("netsonde", filepath.Join(directory, name)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// Directory returns a directory of the test's own that every user may read.
func Directory(t testing.TB) string {
	t.Helper()
	directory := t.TempDir()
	for at := directory; at != filepath.Clean(os.TempDir()) && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

func build(binary string) error {
	command := exec.Command("go", "build", "-o", binary, "netsonde/cmd/netsonde")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, output)
	}
	return nil
}

// duplicate has another process write the file: a descriptor of ours that is
// open for writing would be inherited by whatever another test starts just
// then, and the program could not be run meanwhile ("text file busy").
func duplicate(from, to string) error {
	if output, err := exec.Command("install", "-m", "755", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("copy the program that %s names: %w\n%s", binaryVariable, err, output)
	}
	return nil
}
