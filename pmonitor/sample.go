package pmonitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"netsonde"
	"netsonde/internal/sqlite"
)

// result is one ping of a target.
type result struct {
	source string
	target Target
	// time is when the ping had ended, in seconds since the Unix epoch.
	time   float64
	sample netsonde.Sample
	// reason says more than the sample's outcome, "" if there is no more.
	reason string
}

// answered reports whether the ping counts as answered: within its timeout.
func (r *result) answered() bool { return r.sample.Outcome == netsonde.OutcomeOK }

// Ping pings an address, or a host name, once from the address source, as
// SampleTarget does, and counts nothing. The error tells that there was no
// ping.
func Ping(ctx context.Context, address, source string, options Options) (netsonde.Sample, error) {
	options = options.complete()
	var sample netsonde.Sample
	err := options.withPinger(ctx, func(ctx context.Context, pinger Pinger) error {
		r, err := options.ping(ctx, pinger, Target{Address: address}, source)
		sample = r.sample
		return err
	})
	return sample, err
}

// SampleTarget pings a target once from the address source and counts the
// result in this working database. Whatever keeps an answer away, a host name
// that nobody knows and a source that is not this machine's included, is a
// failure that is counted, and the sample says which. The error tells that
// there was no ping, or that it could not be counted.
func (d *DB) SampleTarget(ctx context.Context, target Target, source string, options Options) (netsonde.Sample, error) {
	options = options.complete()
	var sample netsonde.Sample
	err := options.withPinger(ctx, func(ctx context.Context, pinger Pinger) error {
		r, err := options.ping(ctx, pinger, target, source)
		if err != nil {
			return err
		}
		sample = r.sample
		return d.record(ctx, options.Log, []result{r})
	})
	return sample, err
}

// ping pings a target once. The error tells that the pinger cannot go on, or
// that ctx has ended.
func (o Options) ping(ctx context.Context, pinger Pinger, target Target, source string) (result, error) {
	o.Log.Info("sample target: " + target.Address)
	r := result{source: source, target: target}
	echo := Echo{Timeout: o.Timeout}
	var err error
	if echo.Source, err = netip.ParseAddr(source); err != nil {
		err = fmt.Errorf("the source %q is no IP address", source)
	} else {
		lookup, cancel := context.WithTimeout(ctx, o.Timeout)
		echo.Target, err = resolve(lookup, target.Address, echo.Source)
		cancel()
	}
	switch {
	case ctx.Err() != nil:
		return r, ctx.Err()
	case err != nil:
		r.sample.Outcome, r.reason = netsonde.OutcomeUnresolved, err.Error()
	default:
		if r.sample, err = pinger.Ping(ctx, echo); err != nil {
			return r, fmt.Errorf("ping %s from %s: %w", target.Address, source, err)
		}
	}
	if r.sample.Errno != 0 {
		r.reason = r.sample.Errno.Error()
	}
	r.time = seconds(time.Now())
	r.tell(o.Log)
	return r, nil
}

// seconds is a time as the databases hold it.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// tell logs the result.
func (r *result) tell(log *slog.Logger) {
	switch text := fmt.Sprintf("result %s: %s", r.target.Address, r.sample.Outcome); {
	case r.sample.Outcome.Answered():
		log.Info(fmt.Sprintf("%s, time=%.3f ms ttl=%d", text, milliseconds(r.sample.RTT), r.sample.TTL))
	case r.sample.Outcome == netsonde.OutcomeUnreachable:
		log.Info(fmt.Sprintf("%s by %s, type=%d code=%d", text, r.sample.From, r.sample.ICMPType, r.sample.ICMPCode))
	case r.reason != "":
		log.Error(text + ": " + r.reason)
	default:
		log.Info(text)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// record counts results, in their order, and keeps each of them.
func (d *DB) record(ctx context.Context, log *slog.Logger, results []result) error {
	var changes []string
	err := d.file.Write(ctx, func(t *sqlite.Tx) error {
		changes = changes[:0]
		if err := run(t, createSamples); err != nil {
			return err
		}
		for i := range results {
			change, err := count(t, results[i])
			if err == nil {
				err = keep(t, &results[i])
			}
			if err != nil {
				return fmt.Errorf("count the ping of %q: %w", results[i].target.Address, err)
			}
			if change != "" {
				changes = append(changes, change)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, change := range changes {
		log.Info(change)
	}
	return nil
}

// keep puts a result into the table of our own. What does not apply is NULL.
func keep(t *sqlite.Tx, r *result) error {
	s := &r.sample
	var rtt, from, ttl, icmpType, icmpCode, reason any
	if s.Outcome.Answered() {
		rtt = milliseconds(s.RTT)
	}
	if s.From.IsValid() {
		from = s.From.String()
	}
	if s.TTL > 0 {
		ttl = int64(s.TTL)
	}
	if s.Outcome == netsonde.OutcomeUnreachable {
		icmpType, icmpCode = int64(s.ICMPType), int64(s.ICMPCode)
	}
	if r.reason != "" {
		reason = r.reason
	}
	_, err := t.Exec("INSERT INTO netsonde_samples (sample_time, source, address, name, outcome, rtt_ms, method,"+
		" stamps, answered_from, ttl, icmp_type, icmp_code, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		r.time, r.source, r.target.Address, r.target.Name, s.Outcome.String(), rtt, s.Method.String(),
		s.Stamps.String(), from, ttl, icmpType, icmpCode, reason)
	return err
}

// withPinger calls f with the pinger that was asked for, by default one of our
// own that lives as long as f runs.
func (o Options) withPinger(ctx context.Context, f func(context.Context, Pinger) error) error {
	if o.Pinger != nil {
		return f(ctx, o.Pinger)
	}
	pinger, err := openEchoer(o.Log)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- pinger.run(running) }()
	err = f(running, pinger)
	stop()
	return errors.Join(err, <-ended, pinger.close())
}
