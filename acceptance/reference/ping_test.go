package reference_test

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pings is section 8.
func pings(t *testing.T, w *world) {
	unsent := errorLine("Exception", "Network is unreachable... ([Errno 113] No route to host)")
	w.run(
		t,
		row{
			name: "reject_all_text", launch: launch{file: "1 1 1 4 41 10 0 100\nreject.test\n"}, runs: true,
			want: []host{changing(
				"reject.test (10.77.10.6)", together(lost, path("10.77.10.6"), noScan), together(lost, noScan),
			)},
			stderr: []string{errorLine("Exception", "Could not connect to 10.77.10.6: [Errno 113] No route to host")},
		},
		row{
			name: "black_all_text", launch: launch{file: "1 1 1 4 41 6 0 100\nblack.test\n"}, runs: true,
			want: []host{changing(
				"black.test (10.77.10.7)",
				together(lost, hops("10.77.1.1", "10.77.2.2", "10.77.3.2", "*", "*", "*"), noScan), together(lost, noScan),
			)},
			stderr: []string{timedOut("10.77.10.7")},
		},
		row{
			name: "noroute_all_text", launch: launch{file: "1 1 1 4 41 6 0 100\nnoroute.test\n"}, runs: true,
			want: []host{changing(
				"noroute.test (10.77.99.1)", together(lost, hops("10.77.1.1"), noScan), together(lost, noScan),
			)},
			stderr: []string{errorLine("Exception", "Could not connect to 10.77.99.1: [Errno 101] Network is unreachable")},
		},
		row{
			name: "local_unreachable", launch: launch{file: "1 0 1 4 41 4 0 100\n10.77.98.1\n"}, runs: true,
			want: []host{{header: "10.77.98.1", first: together(lost, noScan)}},
			stderr: []string{
				unsent,
				errorLine("Exception", "Could not connect to 10.77.98.1: [Errno 113] No route to host"),
			},
		},
	)
	for _, name := range []string{"lost_10_pings", "cpus_1_lost"} {
		w.script(t, name, func(t *testing.T) {
			l := launch{file: "1 0 0 10 41 10 0 100\nnoping.test\n", arguments: []string{"c.conf"}}
			if name == "cpus_1_lost" {
				requireProgram(t, "taskset")
				l.wrapper = []string{"taskset", "-c", "0"}
			}
			p := w.start(t, w.shared.Client, l)
			p.awaitBlocks("noping.test (10.77.10.5)", 2)
			p.stop()
			// One deadline of 2 s a burst, whatever its size.
			if took := p.stdout[2].at - p.stdout[0].at; took < 1900*time.Millisecond || took > 4*time.Second {
				t.Errorf("a burst of 10 lost pings took %v", took)
			}
			checkOutput(t, p.output(), []host{{header: "noping.test (10.77.10.5)", first: together(lost)}})
		})
	}
	w.script(t, "foreign_ping_same_target", func(t *testing.T) {
		requireProgram(t, "ping")
		p := w.start(t, w.shared.Client, launch{file: "1 1 0 4 41 10 0 20\nweb.test\n", arguments: []string{"c.conf"}})
		foreign := exec.CommandContext(t.Context(), "ping", "-c", "100", "-i", "0.02", "10.77.10.1")
		if err := w.shared.Client.Run(foreign); err != nil {
			t.Error(err)
		}
		p.stop()
		checkOutput(t, p.output(), []host{changing(webAnswers.header, together(answered, path("10.77.10.1")), together(answered))})
		checkErrors(t, p.errors(), nil)
	})
	w.script(t, "second_copy_of_us", func(t *testing.T) {
		file := launch{file: "1 1 0 4 41 10 0 20\nweb.test\n", arguments: []string{"c.conf"}}
		one, two := w.start(t, w.shared.Client, file), w.start(t, w.shared.Client, file)
		for _, p := range []*process{one, two} {
			p.awaitBlocks(webAnswers.header, 20)
		}
		for _, p := range []*process{one, two} {
			p.stop()
			checkOutput(t, p.output(), []host{changing(webAnswers.header, together(answered, path("10.77.10.1")), together(answered))})
		}
	})
	w.script(t, "losses_counted_exactly", func(t *testing.T) { countLosses(t, w) })
}

// countLosses has three entries for one host lose packets at random, beside a
// foreign ping and traceroute: what is reported is what the firewall counted.
func countLosses(t *testing.T, w *world) {
	const count = 10
	requireProgram(t, "ping")
	requireProgram(t, "traceroute")
	r := own(t)
	loss := r.Servers.DropRandom("input", "ip daddr 10.77.10.1 icmp type echo-request @th,32,16 != 4242", 200)
	p := w.start(t, r.Client, launch{
		file: "1 1 0 " + strconv.Itoa(count) + " 41 10 0 10\nweb.test\nweb.test\n10.77.10.1\n", arguments: []string{"c.conf"},
	})
	// Its pings have an identity that the rule spares.
	foreign := exec.CommandContext(t.Context(), "ping", "-q", "-c", "200", "-i", "0.02", "-e", "4242", "10.77.10.1")
	if err := r.Client.Run(foreign); err != nil {
		t.Error(err)
	}
	if _, err := r.Client.Output(t.Context(), "traceroute", "-n", "10.77.10.1"); err != nil {
		t.Error(err)
	}
	p.stop()
	dropped, err := loss.Count()
	if err != nil {
		t.Fatal(err)
	}
	reported := 0.0
	for _, b := range blocksOf(p.output()) {
		for _, line := range b.lines {
			if fields := strings.Split(line, "\t"); len(fields) == 5 {
				percent, err := strconv.ParseFloat(fields[4], 64)
				if err != nil {
					t.Fatal(err)
				}
				reported += percent / 100 * count
			}
		}
	}
	if dropped == 0 || int(reported+0.5) != int(dropped) {
		t.Errorf("%.3f losses were reported, the firewall dropped %d", reported, dropped)
	}
}
