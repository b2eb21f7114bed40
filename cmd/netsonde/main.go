// Servers are measured, not judged: old certificates must not hide a service.
//go:debug rsa1024min=0
//go:debug tlssha1=1

// Command netsonde keeps the vital signs of a network. It also answers to the
// names connmonitor, connvitals and pmonitor.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"netsonde/internal/console"
)

// The exit codes of every command but connmonitor, connvitals and pmonitor,
// which keep their originals'.
const (
	exitWell    = 0
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	// A reader that leaves is told by the write that fails. An ignored signal
	// would stay so in the programs that are started here; a caught one does not.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	p := &program{stdin: os.Stdin, stdout: os.Stdout, diagnostics: console.NewDiagnostics(
		os.Stderr, coloured(os.Stderr), time.Now)}
	code := p.run(context.Background(), filepath.Base(os.Args[0]), os.Args[1:])
	ctx, cancel := context.WithTimeout(context.Background(), lastWordsTime)
	// There is nowhere left to tell that nobody reads what there was to say.
	_ = p.diagnostics.Flush(ctx)
	cancel()
	os.Exit(code)
}

// lastWordsTime bounds how long a reader of standard error may keep the program
// from ending.
const lastWordsTime = 2 * time.Second

// program is what every command works with.
type program struct {
	stdin, stdout *os.File
	diagnostics   *console.Diagnostics
}

// run runs the program as it was called and returns its exit code.
func (p *program) run(ctx context.Context, name string, args []string) int {
	var command *cobra.Command
	switch name {
	case "connmonitor":
		command = p.connmonitorCommand()
	case "connvitals":
		command = p.connvitalsCommand()
	case "pmonitor":
		command = p.pmonitorCommand()
	default:
		command = p.calledCommand(args)
	}
	command.SetArgs(args)
	printed := &failingWriter{Writer: p.stdout}
	command.SetOut(printed)
	command.SilenceErrors, command.SilenceUsage = true, true
	err := command.ExecuteContext(ctx)
	if printed.failure != nil {
		// cobra keeps to itself, or calls an error of usage, that its help or a
		// completion could not be written.
		err = exit(p.printed(printed.failure))
	}
	var code exitCode
	switch {
	case err == nil:
		return exitWell
	case errors.As(err, &code):
		return int(code)
	default:
		p.diagnostics.Error("Exception", err.Error())
		var failure failureError
		if errors.As(err, &failure) {
			return exitFailure
		}
		return exitUsage
	}
}

// failingWriter remembers the first error of a writer.
type failingWriter struct {
	io.Writer
	failure error
}

func (w *failingWriter) Write(text []byte) (int, error) {
	n, err := w.Writer.Write(text)
	switch {
	case err == nil, w.failure != nil:
	case errors.Is(err, syscall.EPIPE):
		w.failure = console.ErrClosed
	default:
		w.failure = fmt.Errorf("write to standard output: %w", err)
	}
	return n, err
}

// exitCode ends the program with a code; what there was to say has been said.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// exit is the error for an exit code, nil for 0.
func exit(code int) error {
	if code == exitWell {
		return nil
	}
	return exitCode(code)
}

// failureError is an error while running, as against one in how the program was called.
type failureError struct{ error }

func (e failureError) Unwrap() error { return e.error }

// calledCommand is the root with every command, or with the one-shot tool that
// is called alone: scripts start those by the thousand, and to make the others
// takes as long as a ping.
func (p *program) calledCommand(args []string) *cobra.Command {
	tools := map[string]func() *cobra.Command{"ping": p.pingCommand, "trace": p.traceCommand, "scan": p.scanCommand}
	if len(args) == 0 || tools[args[0]] == nil {
		return p.rootCommand()
	}
	root := p.bareCommand()
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(tools[args[0]]())
	describe(root)
	return root
}

func (p *program) rootCommand() *cobra.Command {
	root := p.bareCommand()
	root.AddCommand(
		p.pingCommand(), p.traceCommand(), p.scanCommand(),
		p.runCommand(), p.connmonitorCommand(), p.connvitalsCommand(), p.pmonitorCommand(), p.meshCommand(), p.labCommand(),
		p.checkConfigCommand(), p.initCommand(), p.importCommand(), p.schemaCommand(), p.manCommand(),
		p.doctorCommand(), p.versionCommand(),
		installCommand(), uninstallCommand(),
	)
	describe(root)
	offerNoFiles(root)
	return root
}

// bareCommand is the root without its commands.
func (p *program) bareCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "netsonde",
		Short: "Keeps the vital signs of a network: pings, routes and services of many hosts",
		Long: `Keeps the vital signs of a network: pings, routes and services of many hosts.

Alone on a terminal it watches what this machine's network stands on, the
gateway, the resolvers and an address far away, and shows them in a table.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if !isTerminal(p.stdout) {
				return command.Help()
			}
			return exit(p.live(command.Context()))
		},
	}
}
