package acceptance_test

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"

	"netsonde/internal/lab"
)

// foreigners are other people's ping and traceroute of the same host from the
// same machine, again and again.
type foreigners struct {
	t       *testing.T
	node    *lab.Node
	address string
	ending  context.Context
	end     context.CancelFunc
	running sync.WaitGroup
}

// startForeigners starts them. They run until stop.
func startForeigners(t *testing.T, node *lab.Node, address string) *foreigners {
	t.Helper()
	f := &foreigners{t: t, node: node, address: address}
	f.ending, f.end = context.WithCancel(context.Background())
	t.Cleanup(f.stop)
	f.running.Go(func() { f.repeat(f.checkPing, "ping", "-n", "-c", "10", "-i", "0.2") })
	f.running.Go(func() { f.repeat(f.checkTraceroute, "traceroute", "-n") })
	f.running.Go(func() { f.repeat(f.checkTraceroute, "traceroute", "-n", "-I") })
	return f
}

// stop lets each end what it has begun.
func (f *foreigners) stop() {
	f.end()
	f.running.Wait()
}

// repeat runs a program until stop is called, at least once.
func (f *foreigners) repeat(check func(text string), program string, arguments ...string) {
	for ok := true; ok; ok = f.ending.Err() == nil {
		text, err := f.node.Output(context.Background(), program, append(arguments, f.address)...)
		if err != nil {
			f.t.Errorf("%s: %v\n%s", program, err, text)
			return
		}
		check(text)
	}
}

// pingSummary is the second last line of a ping without duplicates. It may count
// errors, and packets less by as many: the identifier that traceroute takes from
// its process may be the one that the kernel gave to ping, which is then shown
// traceroute's errors.
var pingSummary = regexp.MustCompile(`\n(\d+) packets transmitted, (\d+) received, (?:\+\d+ errors, )?0% packet loss, `)

func (f *foreigners) checkPing(text string) {
	if counts := pingSummary.FindStringSubmatch(text); counts == nil || counts[1] != counts[2] {
		f.t.Errorf("the other ping has a loss:\n%s", text)
	}
}

func (f *foreigners) checkTraceroute(text string) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if last := strings.Fields(lines[len(lines)-1]); len(last) < 2 || last[1] != f.address {
		f.t.Errorf("the other traceroute does not reach the host:\n%s", text)
	}
}
