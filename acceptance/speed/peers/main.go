// Command peers measures the built program beside the tools that people use
// for the same work, in turns and in networks that it builds itself, and
// prints a table (docs/performance.md says how to read it). It needs root.
//
// Being slow fails nothing. It ends with 1 when an answer was wrong, or when
// something could not be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The exit codes, as those of the program that is measured.
const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(arguments []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{ctx: ctx}
	var only, keep string
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.StringVar(&only, "row", "", "measure only these rows, by their names with commas between: "+strings.Join(rowNames(), ", "))
	flags.StringVar(&keep, "keep", "", "a Markdown file whose table is replaced by the new one")
	flags.StringVar(&b.binary, "binary", "", "the program, if it is built already")
	flags.IntVar(&b.pairs, "pairs", 5, "how often each is run, what is over in a second three times as often")
	flags.DurationVar(&b.span, "for", 20*time.Second, "how long a monitor is measured")
	flags.BoolVar(&b.slow, "slow", false, "also what takes minutes: nmap -sV")
	flags.BoolVar(&b.small, "small", false, "small networks, short runs and no peers that wait, to see that everything works")
	if err := flags.Parse(arguments); err != nil {
		return exitUsage
	}
	rows, err := chosen(only)
	if err == nil && b.pairs < 1 {
		err = fmt.Errorf("-pairs %d: give 1 or more", b.pairs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	if err := b.prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailure
	}
	defer os.RemoveAll(b.directory)
	machine := describeMachine(ctx)
	failed := b.measure(rows)
	text := machine + "\n" + b.table.markdown()
	fmt.Print(text)
	if keep != "" {
		if err := replaceTable(keep, text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			failed = true
		}
	}
	if failed || len(b.table.wrong) > 0 {
		return exitFailure
	}
	return 0
}

// bench is one measurement of some rows.
type bench struct {
	ctx       context.Context // the life of the program
	binary    string
	directory string
	pairs     int
	span      time.Duration
	slow      bool
	small     bool
	// settled is how long after its first result a monitor is measured, so that
	// the start is not in the figures.
	settled time.Duration

	row   *row
	table table
}

// prepare builds the program.
func (b *bench) prepare() error {
	if os.Geteuid() != 0 {
		return errors.New("networks and raw sockets need root: run it as root")
	}
	// On Debian some of the peers are where only root's path leads.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return fmt.Errorf("set PATH: %w", err)
	}
	var err error
	if b.directory, err = os.MkdirTemp("", "netsonde-peers-"); err != nil {
		return fmt.Errorf("a directory for the run: %w", err)
	}
	b.settled = time.Second
	if b.small {
		b.pairs, b.span, b.settled = 1, 300*time.Millisecond, 100*time.Millisecond
	}
	if b.binary != "" {
		b.binary, err = filepath.Abs(b.binary)
		return err
	}
	b.binary = filepath.Join(b.directory, "netsonde")
	build := exec.CommandContext(b.ctx, "go", "build", "-o", b.binary, "netsonde/cmd/netsonde")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("build the program: %w\n%s", err, output), os.RemoveAll(b.directory))
	}
	return nil
}

// measure runs rows one after the other, and reports whether one failed.
func (b *bench) measure(rows []row) (failed bool) {
	for i := range rows {
		b.row = &rows[i]
		b.tell("%s", b.row.work)
		started := time.Now()
		if err := b.row.run(b); err != nil {
			failed = true
			b.table.remark(b.row.name, "not measured: %v", err)
			b.tell("%v", err)
		}
		b.tell("%v", time.Since(started).Round(time.Second))
		if b.ctx.Err() != nil {
			return true
		}
	}
	return failed
}

// tell says on standard error what goes on.
func (b *bench) tell(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", b.row.name, fmt.Sprintf(format, arguments...))
}

// inTurns runs each once a pair. Who begins changes from pair to pair, so that
// a machine that grows slower favours nobody.
func (b *bench) inTurns(runs ...func() error) error { return b.inTurnsTimes(b.pairs, runs) }

// briefPairs is how many times as often runs that are over in a second are done.
const briefPairs = 3

// inManyTurns is inTurns for such runs: the machine's speed differs from one to the
// next by a fifth.
func (b *bench) inManyTurns(runs ...func() error) error {
	if b.small {
		return b.inTurns(runs...)
	}
	return b.inTurnsTimes(briefPairs*b.pairs, runs)
}

func (b *bench) inTurnsTimes(pairs int, runs []func() error) error {
	for pair := range pairs {
		for i := range runs {
			if pair%2 == 1 {
				i = len(runs) - 1 - i
			}
			if err := b.ctx.Err(); err != nil {
				return err
			}
			if err := runs[i](); err != nil {
				return err
			}
		}
	}
	return nil
}
