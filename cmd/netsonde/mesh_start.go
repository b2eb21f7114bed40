package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"netsonde/internal/httpd"
	"netsonde/internal/mesh"
	"netsonde/pmonitor"
)

// meshFlags are the flags of "mesh start".
type meshFlags struct {
	options mesh.Options
	listen  string
	log     string
}

func (p *program) meshStartCommand() *cobra.Command {
	var f meshFlags
	command := meshVerb("start NODES", "Run the mesh of the nodes in the file NODES until it is stopped", cobra.ExactArgs(1),
		func(ctx context.Context, _ *cobra.Command, directory mesh.Directory, arguments []string) error {
			if f.options.Timeout <= 0 || f.options.Pace < 0 {
				return callError{errors.New("give a timeout above 0 and a pace of 0 or more, such as 3s")}
			}
			nodes, err := p.readNodes(arguments[0])
			if err != nil {
				return callError{err}
			}
			f.options.Directory, f.options.Nodes = directory, nodes
			return p.startMesh(ctx, &f)
		})
	command.Long = `Runs the mesh until "mesh stop", SIGTERM, SIGINT, or until all monitors have ended.
The file NODES ("-" is standard input) has a node a line:

    NAME ADDRESS stable|dynamic [netns:NAME | pid:NUMBER | /PATH]

Dynamic nodes have monitors, stable ones with --stable-monitors. A monitor pings
from the network namespace that is given: that of "ip netns", of a process, such
as a Mininet host's shell, or of a file. Without one it is this process's.`
	command.Example = `  # of Mininet, in Python: f"{h.name} {h.IP()} dynamic pid:{h.pid}" for h in net.hosts
  netsonde lab nodes | netsonde mesh start - --stable-monitors
  netsonde mesh start nodes.txt --dir /var/tmp/run1 --stable-monitors`
	flags := command.Flags()
	flags.BoolVar(&f.options.StableMonitors, "stable-monitors", false, "give stable nodes monitors as well")
	flags.DurationVar(&f.options.Pace, "pace", pmonitor.DefaultPace, "a monitor's pause before each ping; 0 pings a whole round at once")
	flags.DurationVar(&f.options.Timeout, "timeout", pmonitor.DefaultTimeout, "how long an answer is waited for")
	flags.BoolVar(&f.options.Once, "once", false, "end after one round")
	flags.BoolVar(&f.options.Keep, "keep", false, "leave the databases and the statistics at the end")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", `where the page is, as host:port; "" is nowhere`)
	flags.StringVar(&f.log, "log", "", "append what the monitors do to this file")
	return command
}

// readNodes reads a list of nodes from a file, or from standard input.
func (p *program) readNodes(path string) ([]mesh.Node, error) {
	if path == "-" {
		return mesh.ReadNodes("standard input", p.stdin)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the nodes: %w", err)
	}
	defer file.Close()
	return mesh.ReadNodes(path, file)
}

// startMesh runs a mesh and its page.
func (p *program) startMesh(ctx context.Context, f *meshFlags) (err error) {
	f.options.Log = slog.New(&warnings{program: p})
	if f.log != "" {
		file, failed := os.OpenFile(f.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
		if failed != nil {
			return fmt.Errorf("open the log: %w", failed)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		f.options.Log = slog.New(slog.NewTextHandler(file, nil))
	}
	f.options.Report = func(err error) { p.diagnostics.Warn(err.Error()) }
	f.options.Begun = func(state *mesh.State) { p.tell(p.announce(f.options.Directory, state)) }

	var listener *httpd.Listener
	if f.listen != "" {
		if listener, err = httpd.Listen(ctx, f.listen); err != nil {
			return err
		}
		f.options.URL = listener.URL()
		if !listener.Loopback() {
			p.diagnostics.Warn("The page has no password: whoever reaches " + f.listen + " can read it")
		}
	}
	observer := mesh.NewObserver(f.options.Directory, mesh.BrowserPatience)
	running, err := mesh.New(observer, f.options)
	if err != nil {
		if listener != nil {
			err = errors.Join(err, listener.Close())
		}
		return callError{err}
	}
	servants, ctx := errgroup.WithContext(ctx)
	serving, endServing := context.WithCancel(ctx)
	servants.Go(func() error {
		defer endServing()
		return running.Run(ctx)
	})
	if listener != nil {
		servants.Go(func() error { return listener.Serve(serving, mesh.NewHandler(observer, f.options.Log)) })
	}
	return servants.Wait()
}

// announce says what runs and how it ends.
func (p *program) announce(directory mesh.Directory, state *mesh.State) error {
	monitors := 0
	for _, node := range state.Nodes {
		if node.Monitor == mesh.MonitorRunning {
			monitors++
		}
	}
	text := fmt.Sprintf("%d nodes, %d monitors, in %s\n", len(state.Nodes), monitors, directory.Path())
	if state.URL != "" {
		text += "Page: " + state.URL + "\n"
	}
	return p.print(text + "End with: netsonde mesh stop --dir " + directory.Path() + "\n")
}

// warnings tells of a monitor what concerns all it does, such as that it
// cannot have the best sockets, and not the result of each ping.
type warnings struct {
	program *program
	node    string
}

// Enabled reports whether the record is a warning.
func (*warnings) Enabled(_ context.Context, level slog.Level) bool { return level == slog.LevelWarn }

// Handle writes one line.
func (w *warnings) Handle(_ context.Context, record slog.Record) error {
	text := record.Message
	if w.node != "" {
		text = "node " + w.node + ": " + text
	}
	w.program.diagnostics.Warn(text)
	return nil
}

// WithAttrs returns a log of the node that the attributes name.
func (w *warnings) WithAttrs(attributes []slog.Attr) slog.Handler {
	node := w.node
	for _, attribute := range attributes {
		if attribute.Key == "node" {
			node = attribute.Value.String()
		}
	}
	return &warnings{program: w.program, node: node}
}

// WithGroup returns the same log.
func (w *warnings) WithGroup(string) slog.Handler { return w }
