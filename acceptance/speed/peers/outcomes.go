package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// longestLine bounds a line of what a monitor wrote, in bytes.
const longestLine = 1 << 16

// outcomes are what a monitor wrote as jsonl, of pings once each interval.
type outcomes struct {
	every time.Duration
	// from and to bound the part that is judged; what was lost is counted over
	// all of it.
	from, to time.Time

	// probes counts the echoes of each probe between from and to.
	probes map[uint64]int
	echoes int
	// counts is by outcome, stalled rounds one each.
	counts losses
	// off is in milliseconds from when a probe was due, to either side.
	off    []float64
	stamps map[string]int
	other  int
}

// read takes all lines.
func (o *outcomes) read(file io.Reader) error {
	o.probes, o.counts, o.stamps = map[uint64]int{}, losses{}, map[string]int{}
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, longestLine), longestLine)
	for lines.Scan() {
		if err := o.line(lines.Bytes()); err != nil {
			return fmt.Errorf("%w in %s", err, lines.Bytes())
		}
	}
	return lines.Err()
}

// readTimes reads the RTTs of each host from what a monitor wrote as jsonl, in
// milliseconds and the order of the echoes; NaN is none.
func readTimes(file io.Reader) (map[netip.Addr][]float64, losses, error) {
	type sample struct {
		at  time.Time
		rtt float64
	}
	samples, counts := map[netip.Addr][]sample{}, losses{}
	decoder := json.NewDecoder(file)
	for decoder.More() {
		var line struct {
			Type, Outcome string
			Time          time.Time
			Addr          netip.Addr
			Rounds        int
			RTT           *float64 `json:"rtt_ms"`
		}
		if err := decoder.Decode(&line); err != nil {
			return nil, nil, fmt.Errorf("what the monitor wrote: %w", err)
		}
		if line.Type != "ping" || line.Rounds > 0 {
			continue
		}
		counts[line.Outcome]++
		rtt := math.NaN()
		if line.RTT != nil {
			rtt = *line.RTT
		}
		samples[line.Addr] = append(samples[line.Addr], sample{line.Time, rtt})
	}
	told := map[netip.Addr][]float64{}
	for addr, of := range samples {
		slices.SortFunc(of, func(a, b sample) int { return a.at.Compare(b.at) })
		for _, one := range of {
			told[addr] = append(told[addr], one.rtt)
		}
	}
	return told, counts, nil
}

// line takes one. A run writes millions of them, in a form that is promised,
// so only the fields that count are looked for.
func (o *outcomes) line(line []byte) error {
	if string(field(line, `"type":"`)) != "ping" {
		o.other++
		return nil
	}
	outcome := string(field(line, `"outcome":"`))
	if rounds, err := strconv.Atoi(string(number64(line, `"rounds":`))); err == nil {
		o.counts[outcome] += rounds
		return nil
	}
	o.counts[outcome]++
	at, err := time.Parse(time.RFC3339Nano, string(field(line, `"time":"`)))
	if err != nil {
		return err
	}
	id, err := strconv.ParseUint(string(field(line, `"probe":"`)), 16, 64)
	if err != nil {
		return err
	}
	if at.Before(o.from) || !at.Before(o.to) {
		return nil
	}
	o.stamps[string(field(line, `"timestamps":"`))]++
	o.echoes++
	o.probes[id]++
	o.off = append(o.off, lateBy(at, id, o.every).Abs().Seconds()*1e3)
	return nil
}

// lateBy is how long after its due time a probe left: a probe of a fixed rate
// is due when the clock, modulo the interval, is its identity modulo the
// interval. It is negative for one that left early.
func lateBy(at time.Time, id uint64, every time.Duration) time.Duration {
	late := (time.Duration(at.UnixNano()%int64(every)) - time.Duration(id%uint64(every)) + every) % every
	if late > every/2 {
		late -= every
	}
	return late
}

// missing counts the echoes that are not there: at least as many a target as
// there are whole intervals, but for one that may lie on the edge.
func (o *outcomes) missing(targets int) (missing int) {
	least := int(o.to.Sub(o.from)/o.every) - 1
	for _, n := range o.probes {
		missing += max(least-n, 0)
	}
	return missing + max(targets-len(o.probes), 0)*max(least, 1)
}

// field is what stands between a key and the next quote.
func field(line []byte, key string) []byte {
	_, rest, found := bytes.Cut(line, []byte(key))
	end := bytes.IndexByte(rest, '"')
	if !found || end < 0 {
		return nil
	}
	return rest[:end]
}

// number64 is the digits behind a key.
func number64(line []byte, key string) []byte {
	_, rest, _ := bytes.Cut(line, []byte(key))
	end := 0
	for end < len(rest) && '0' <= rest[end] && rest[end] <= '9' {
		end++
	}
	return rest[:end]
}
