// Command summary reads what `go test -json` prints, shows it as go test would,
// and ends with the tests that did not run, each with its reason, and the
// counts. With -require a test that was skipped is a failure.
//
// It exits with 1 when anything failed or nothing ran.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	require := flag.Bool("require", false, "count a skipped test as failed")
	flag.Parse()
	counts, err := summarise(os.Stdin, os.Stdout, *require)
	if err != nil {
		fmt.Fprintf(os.Stderr, "summary: %v\n", err)
		os.Exit(1)
	}
	if counts.failed > 0 || counts.passed == 0 {
		os.Exit(1)
	}
}
