package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"netsonde/internal/emulation"
	"netsonde/internal/lab"
	"netsonde/internal/topology"
)

// labReady is what a lab's process says once it can be asked.
const labReady = "ready\n"

func (p *program) labUpCommand() *cobra.Command {
	var f shapeFlags
	var name string
	command := &cobra.Command{
		Use:   "up ring|torus|star|chain|FILE",
		Short: "Build a network",
		Long: `Builds a network of the shape, or that of a lab file in YAML, and returns when
it is up. A background process holds it.

A torus is rings of satellites with ground stations below, whose links come and
go as the satellites pass.`,
		Args: cobra.ExactArgs(1),
		RunE: untilSignal(func(ctx context.Context, command *cobra.Command, args []string) error {
			plan, err := f.plan(p, command, args[0])
			if err != nil {
				return err
			}
			if os.Geteuid() != 0 {
				return fmt.Errorf("a lab needs root: run %s, or do it in \"netsonde lab shell\", which needs no rights", asRoot(os.Args))
			}
			directory, err := labDirectory()
			if err != nil {
				return err
			}
			began := time.Now()
			if err := startHolder(ctx, directory, name, plan); err != nil {
				return err
			}
			if warning := tooLong(plan); warning != "" {
				p.diagnostics.Warn(warning)
			}
			return p.print(fmt.Sprintf("lab %s is up: %d nodes and %d links in %v\n",
				name, len(plan.Nodes), len(plan.Links), time.Since(began).Round(time.Millisecond)))
		}),
	}
	f.register(command)
	labName(command, &name)
	return command
}

// tooLong tells of a path that packets do not live to the end of, "" if there
// is none.
func tooLong(plan *topology.Plan) string {
	from, to, links := topology.NewState(plan).Paths().Longest()
	if links <= emulation.TimeToLive {
		return ""
	}
	return fmt.Sprintf("from %s to %s there are %d links: packets live for %d, and farther nodes do not answer",
		plan.Nodes[from].Name, plan.Nodes[to].Name, links, emulation.TimeToLive)
}

// asRoot is the command by which an ordinary user does the same as root.
func asRoot(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = shellQuoted(arg)
	}
	line := strings.Join(quoted, " ")
	if _, err := exec.LookPath("sudo"); err == nil {
		return "sudo " + line
	}
	return "su -c " + shellQuoted(line)
}

// shellQuoted is a word as a shell reads it.
func shellQuoted(word string) string {
	plain := func(c rune) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-_./=:,%", c)
	}
	if word != "" && strings.IndexFunc(word, func(c rune) bool { return !plain(c) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// startHolder starts a lab's process and waits until it is ready.
func startHolder(ctx context.Context, directory emulation.Directory, name string, plan *topology.Plan) (err error) {
	text, err := json.Marshal(plan)
	if err != nil {
		return fmt.Errorf("hand over the plan: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	log, err := directory.OpenLog(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	command := exec.Command(self, "lab", "hold", "--name", name) //nolint:gosec,noctx // it is this program, and outlives this command
	command.Stdin, command.Stderr = bytes.NewReader(text), log
	command.Dir = "/"
	command.Env = append(os.Environ(), "NETSONDE_LAB_DIRECTORY="+string(directory))
	// The first process of a namespace takes all others with it. Its own
	// session keeps the terminal's signals from it.
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWPID}
	output, err := command.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start the lab's process: %w", err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start the lab's process: %w", err)
	}
	interrupted := context.AfterFunc(ctx, func() { _ = command.Process.Kill() })
	said, err := io.ReadAll(io.LimitReader(output, 1<<20))
	if err == nil && string(said) == labReady && interrupted() {
		return nil
	}
	waited := command.Wait()
	if ctx.Err() != nil {
		// It was killed and could not clean up.
		_, err := directory.Down(context.WithoutCancel(ctx), name)
		return errors.Join(ctx.Err(), err)
	}
	if len(said) == 0 {
		return fmt.Errorf("the lab's process ended (%w); see %s", errors.Join(err, waited), log.Name())
	}
	return errors.New(strings.TrimSpace(string(said)))
}

// labHoldCommand is the background process. Its standard input is the plan;
// on its standard output it says once that it is ready, or why it is not.
func (p *program) labHoldCommand() *cobra.Command {
	var name string
	command := &cobra.Command{
		Use: "hold", Hidden: true, Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(command.Context(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			// As the first of its process namespace this one is given all
			// orphans; ignored, they leave no zombies.
			signal.Ignore(syscall.SIGCHLD)
			up := false
			err := p.hold(ctx, name, func() { up = true })
			if err == nil {
				return nil
			}
			if !up {
				if errors.Is(err, lab.ErrUnavailable) {
					err = fmt.Errorf("%w; \"netsonde lab shell\" may do", err)
				}
				return errors.Join(p.print(err.Error()), exitCode(exitFailure))
			}
			return failureError{err}
		},
	}
	labName(command, &name)
	return command
}

func (p *program) hold(ctx context.Context, name string, up func()) error {
	directory, err := labDirectory()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(p.stdin)
	if err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	plan := &topology.Plan{}
	if err := json.Unmarshal(text, plan); err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	return emulation.Hold(ctx, directory, name, plan, func() error {
		if err := errors.Join(p.print(labReady), p.stdout.Close()); err != nil {
			return err
		}
		up()
		return nil
	})
}
