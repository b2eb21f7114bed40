package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"netsonde"
	"netsonde/pmonitor"
)

// pmonitorFlags are the flags of commands that ping.
type pmonitorFlags struct {
	options pmonitor.Options
	log     string
}

func (f *pmonitorFlags) register(command *cobra.Command) {
	flags := command.Flags()
	flags.DurationVar(&f.options.Timeout, "timeout", pmonitor.DefaultTimeout, "how long an answer is waited for")
	flags.StringVar(&f.log, "log", "", "append the log to this file (default standard error)")
}

// pinging runs f with the options and a log that is open.
func (p *program) pinging(f *pmonitorFlags, run func(pmonitor.Options) error) (err error) {
	if f.options.Timeout <= 0 || f.options.Pace < 0 {
		return p.pmonitorUsage("give a timeout above 0 and a pace of 0 or more, such as 3s")
	}
	log := &pythonLog{stream: os.Stderr}
	if f.log != "" {
		var stream *os.File
		stream, err = os.OpenFile(f.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return fmt.Errorf("open the log: %w", err)
		}
		defer func() { err = errors.Join(err, stream.Close()) }()
		log.stream = stream
		log.failed = func(err error) {
			p.diagnostics.Warn(fmt.Sprintf("lines of the log are lost, give it another place: %s", err))
		}
	}
	options := f.options
	options.Log = slog.New(log)
	err = run(options)
	if err != nil && f.log != "" {
		options.Log.Error(err.Error())
	}
	return err
}

func (p *program) pmonitorMonitorCommand() *cobra.Command {
	var f pmonitorFlags
	command := p.pmonitorVerb("monitor MASTER WORK SRC", "Monitor the targets of MASTER from the address SRC, counting in WORK",
		func(ctx context.Context, command *cobra.Command, arguments []string) error {
			if asked, err := command.Flags().GetBool("json"); err != nil || asked {
				return errors.Join(err, p.pmonitorUsage("monitor has no result to print: leave out --json"))
			}
			return p.pinging(&f, func(options pmonitor.Options) error {
				return pmonitor.Monitor(ctx, arguments[0], arguments[1], arguments[2], options)
			})
		})
	command.Long = `Pings all other targets of the database MASTER, one each pace, from the address SRC,
which must be one of MASTER's, and counts what it sees in the database WORK, which
it makes anew.

Ends with 0 within a second after the node's run has become 0 in MASTER, when WORK
is removed, and on SIGTERM, SIGINT and SIGHUP.`
	f.register(command)
	flags := command.Flags()
	flags.DurationVar(&f.options.Pace, "pace", pmonitor.DefaultPace, "the pause before each ping; 0 pings a whole round at once")
	flags.BoolVar(&f.options.Once, "once", false, "end after one round")
	flags.BoolVar(&f.options.NoKeep, "no-keep", false, "erase the samples of earlier runs as well")
	return command
}

func (p *program) pmonitorTestCommand() *cobra.Command {
	var f pmonitorFlags
	command := p.pmonitorVerb("test", "Monitor four addresses of this machine, in master.sqlite and work.sqlite here",
		func(ctx context.Context, command *cobra.Command, _ []string) error {
			return p.pinging(&f, func(options pmonitor.Options) error {
				good, total, err := pmonitor.Test(ctx, "", options)
				if err != nil {
					return err
				}
				return p.answer(command, fmt.Sprintf("status %d / %d\n", good, total),
					map[string]any{"good": good, "total": total})
			})
		})
	f.register(command)
	return command
}

func (p *program) pmonitorSampleCommand() *cobra.Command {
	var f pmonitorFlags
	command := p.pmonitorVerb("sample DB NAME ADDRESS STABLE SRC", "Ping ADDRESS once from SRC and count it in the working database DB",
		func(ctx context.Context, command *cobra.Command, arguments []string) error {
			stable, err := parseValue(arguments[3])
			if err != nil {
				return p.pmonitorUsage(err.Error())
			}
			target := pmonitor.Target{Name: arguments[1], Address: arguments[2], Stable: stable == int64(1)}
			return p.pinging(&f, func(options pmonitor.Options) error {
				return withDatabase(ctx, arguments[0], func(ctx context.Context, db *pmonitor.DB) error {
					sample, err := db.SampleTarget(ctx, target, arguments[4], options)
					if err != nil {
						return err
					}
					return p.answerSample(command, target.Address, sample)
				})
			})
		})
	f.register(command)
	return command
}

func (p *program) pmonitorPingCommand() *cobra.Command {
	var f pmonitorFlags
	command := p.pmonitorVerb("ping ADDRESS SRC", "Ping ADDRESS once from SRC, counting nowhere",
		func(ctx context.Context, command *cobra.Command, arguments []string) error {
			return p.pinging(&f, func(options pmonitor.Options) error {
				sample, err := pmonitor.Ping(ctx, arguments[0], arguments[1], options)
				if err != nil {
					return err
				}
				return p.answerSample(command, arguments[0], sample)
			})
		})
	f.register(command)
	return command
}

func (p *program) answerSample(command *cobra.Command, address string, sample netsonde.Sample) error {
	fields := map[string]any{"address": address, "outcome": sample.Outcome.String()}
	if sample.Outcome.Answered() {
		fields["rtt_ms"] = float64(sample.RTT.Nanoseconds()) / 1e6
	}
	return p.answer(command, sample.Outcome.String()+"\n", fields)
}
