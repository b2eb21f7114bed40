package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"netsonde"
	"netsonde/internal/check"
	"netsonde/internal/console"
	"netsonde/internal/hosts"
	"netsonde/internal/probe"
)

// The exit codes of the one-shot tools, which are fping's.
const (
	exitUnreachable = 1
	exitUnresolved  = 2
	exitToolUsage   = 3
	exitSystem      = 4
)

// The probe budget, which holds unless --rate is given.
const (
	// budgetRate is packets a second, budgetNetwork those of them into one /24
	// or /48, budgetTarget those to one address, budgetRouter those of traces
	// that run out at one router: half of what Linux answers in all (1,000 a
	// second, net.ipv4.icmp_msgs_per_sec), so that it still has answers for others.
	budgetRate    = 10_000
	budgetNetwork = 2_000
	budgetTarget  = 100
	budgetRouter  = 500
	// shortestInterval is between two packets to one target.
	shortestInterval = time.Second / budgetTarget
	// freeTargets is how many targets may be asked for without a rate.
	freeTargets = 1 << 20
	// unlimited is the --rate that is no bound.
	unlimited = "max"
)

// growth is how far a one-shot tool's heap may grow, in percent, before it is
// looked through: most have ended before they get to the 16 MB that come of it,
// and a look takes a fifth of a ping's time. Where more than manyHosts are to be
// measured that is nothing, and memory counts.
const (
	growth    = 400
	manyHosts = 1 << 16
)

// oneShot is what ping, trace and scan have in common: hosts that are measured
// once each.
type oneShot struct {
	program *program
	tool    console.Tool
	// probes are those of every target; their IDs are filled in.
	probes []netsonde.Probe

	timeout     time.Duration
	rate        string
	json, quiet bool
	open        bool
	four, six   bool
	source      string
	names       bool

	sets  []hosts.Set
	total uint64
}

// command makes the tool's command. prepare judges its own flags and sets the
// probes.
func (o *oneShot) command(use, short, long string, prepare func() error) *cobra.Command {
	command := &cobra.Command{
		Use: use, Short: short, Long: long + toolHelp,
		ValidArgsFunction: completeHosts,
		RunE: func(command *cobra.Command, expressions []string) error {
			if err := o.read(expressions); err != nil {
				return o.program.failed(err)
			}
			if err := errors.Join(o.judge(), prepare()); err != nil {
				return o.program.failed(err)
			}
			return exit(o.run(command.Context()))
		},
	}
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return o.program.failed(err) })
	flags := command.Flags()
	flags.SortFlags = false
	flags.DurationVarP(&o.timeout, "timeout", "t", o.timeout, "how long an answer is waited for")
	flags.StringVar(&o.rate, "rate", "", "packets a second, or max (default: the probe budget)")
	flags.BoolVar(&o.json, "json", false, "print one line of JSON a target")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "print only the summary")
	flags.BoolVarP(&o.four, "ipv4", "4", false, "use IPv4 addresses only")
	flags.BoolVarP(&o.six, "ipv6", "6", false, "use IPv6 addresses only")
	flags.StringVar(&o.source, "source", "", "the address of this machine to send from")
	flags.BoolVarP(&o.names, "names", "n", false, "look up the names of addresses")
	offer(command, "rate", unlimited)
	offer(command, "source")
	return command
}

// toolHelp is what the help of every tool ends with.
const toolHelp = `

A host is a name, an address, a network (10.0.0.0/24), a range (10.0.0.1-50), or
a pattern (web[01-20].example). @FILE reads one a line, with # before comments,
and @- reads standard input.

Packets leave within the probe budget: 10,000 a second, 2,000 into one /24 or
/48, 100 to one address, however often it is named, and 500 of traces to one
router. A --rate takes the place of all four, and max is no bound but what can be
answered; pings of more than 10,000 hosts and traces of more than 625 then have the
kernel's time stamps of answers only. This machine's own addresses are exempt.

Exit codes: 0 all hosts are reachable, 1 some are not, 2 some have no address,
3 wrong usage, 4 failure of this machine.`

// failed tells an error and returns the exit code for it.
func (p *program) failed(err error) error {
	var system failureError
	if errors.As(err, &system) {
		p.diagnostics.Error("OSError", err.Error())
		return exitCode(exitSystem)
	}
	told := []error{err}
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		told = several.Unwrap()
	}
	for _, err := range told {
		p.diagnostics.Error("Exception", err.Error())
	}
	return exitCode(exitToolUsage)
}

// judge checks the flags that all tools have.
func (o *oneShot) judge() error {
	if o.four && o.six {
		return errors.New("-4 and -6 exclude each other: give one, or neither for any address")
	}
	if o.timeout <= 0 || o.timeout > time.Hour {
		return fmt.Errorf("--timeout %v is out of range: give more than 0 and at most 1h", o.timeout)
	}
	if _, err := o.rates(); err != nil {
		return err
	}
	if o.total > freeTargets && o.rate == "" {
		return fmt.Errorf("these are %d targets, more than %d: say with --rate how many packets may leave a second", o.total, freeTargets)
	}
	return nil
}

// rates are the bounds that were asked for. A rate that is given stands for all
// of them: that into a network or to a host is then the same.
func (o *oneShot) rates() (probe.Rates, error) {
	switch o.rate {
	case "":
		return probe.Rates{
			All: budgetRate, Network: budgetNetwork, Destination: budgetTarget, Router: budgetRouter,
		}, nil
	case unlimited:
		return probe.Rates{}, nil
	}
	rate, err := strconv.Atoi(o.rate)
	if err != nil || rate < 1 || rate > 1e8 {
		return probe.Rates{}, fmt.Errorf("--rate %q is no rate: give packets a second, 1 to 100000000, or max", o.rate)
	}
	return probe.Rates{All: rate}, nil
}

func (o *oneShot) sourceAddress() (netip.Addr, error) {
	if o.source == "" {
		return netip.Addr{}, nil
	}
	source, err := netip.ParseAddr(o.source)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("--source %q is no address: give one of this machine's, as `ip address` shows them", o.source)
	}
	source = source.Unmap()
	if o.four && !source.Is4() || o.six && source.Is4() {
		return netip.Addr{}, fmt.Errorf("--source %s is not of the family that was asked for", source)
	}
	return source, nil
}

// family is that of the source when nothing else was asked for.
func (o *oneShot) family() netsonde.Family {
	source, err := o.sourceAddress()
	switch {
	case o.four, err == nil && source.Is4():
		return netsonde.Family4
	case o.six, err == nil && source.IsValid():
		return netsonde.Family6
	default:
		return netsonde.FamilyAny
	}
}

// targets makes the targets one by one.
func (o *oneShot) targets(yield func(*netsonde.Target) bool) {
	// The tables of a sweep are by ProbeID. Hosts that are named twice are
	// measured twice, so what is measured does not tell them apart.
	var id netsonde.ProbeID
	family := o.family()
	group := netsonde.Group{Name: o.tool.String(), Cadence: netsonde.Cadence{Once: true}}
	for i := range o.sets {
		for host := range o.sets[i].All() {
			probes := slices.Clone(o.probes)
			for j := range probes {
				id++
				probes[j].ID = id
			}
			group.Probes = probes
			if !yield(&netsonde.Target{
				Name: host, Host: host, Family: family,
				Groups: []netsonde.Group{group},
				Output: netsonde.Output{Dialect: netsonde.DialectNative, JSON: o.json},
			}) {
				return
			}
		}
	}
}

// run measures and returns the exit code.
func (o *oneShot) run(ctx context.Context) int {
	p := o.program
	if o.total <= manyHosts && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	signals := listenSoon()
	defer signals.close()

	report := console.NewReport(o.reportOptions())
	checker := check.New(check.Options{Reset: true})
	defer checker.Close()
	sweep, connection, err := o.newSweep(report, checker)
	if err != nil {
		p.diagnostics.Error("OSError", err.Error())
		return exitSystem
	}
	defer connection.Close()
	stopped := signals.serveOneShot(sweep.Drain)
	printing := startPrinting(func(ctx context.Context) error {
		<-signals.listening // who reads a result may stop us
		return report.Run(ctx)
	}, end)
	err = sweep.Run(ctx)
	end(nil)
	written := printing.finish(stopped)
	switch {
	case errors.Is(written, console.ErrClosed):
		return exitWell
	case written != nil:
		p.diagnostics.Error("OSError", written.Error())
		return exitSystem
	case err != nil:
		p.diagnostics.Error("OSError", err.Error())
		return exitSystem
	}
	return o.verdict(report.Counts())
}

// verdict is fping's: a name without address weighs most, and who was not
// asked, since a signal came, did not answer.
func (o *oneShot) verdict(counts console.Counts) int {
	switch {
	case counts.Unresolved > 0:
		return exitUnresolved
	case counts.Reachable < o.total:
		return exitUnreachable
	default:
		return exitWell
	}
}

func (o *oneShot) reportOptions() console.ReportOptions {
	options := console.ReportOptions{
		Tool: o.tool, Results: o.program.stdout, Diagnostics: o.program.diagnostics,
		JSON: o.json, Quiet: o.quiet, Open: o.open, Total: o.total,
	}
	if isTerminal(os.Stderr) {
		options.Messages = os.Stderr
	}
	options.Terminal, options.Columns = isTerminal(o.program.stdout), o.program.columns()
	if o.names {
		options.Names = reverseName
	}
	return options
}
