package tools_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

func TestTools(t *testing.T) {
	w := &world{Reference: lab.NewReference(lab.ForTest(t)), binary: built.Program(t)}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"exit codes", exitCodes},
		{"hosts of a file", hostsOfAFile},
		{"ping tells causes", pingCauses},
		{"ping of a network", pingNetwork},
		{"ping as JSON", pingJSON},
		{"ping without rights", pingWithoutRights},
		{"trace with one right", traceWithOneRight},
		{"trace beside traceroute", traces},
		{"trace as JSON", traceJSON},
		{"scan", scans},
		{"results stream", streams},
		{"interrupt", interrupts},
		{"closed output", closedOutput},
		{"slow reader", slowReader},
		{"reverse names", reverseNames},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, w)
		})
	}
}

func exitCodes(t *testing.T, w *world) {
	const quick = "-t=300ms"
	for _, test := range []struct {
		want      int
		arguments string
		says      string
	}{
		{0, "ping -c 1 web.test noserver.test", ""},
		{0, "ping -c 1 -6 six.test", ""},
		{0, "ping -c 1 -4 dual.test", ""},
		{1, "ping -c 1 web.test noping.test " + quick, ""},
		{1, "ping -c 1 reject.test " + quick, ""},
		{1, "ping -c 1 10.77.98.1 " + quick, ""},
		{2, "ping -c 1 nosuch.test web.test", ""},
		{2, "ping -c 1 nosuch.test noping.test " + quick, ""},
		{2, "ping -c 1 -6 web.test", ""},
		{2, "ping -c 1 -4 fd77:10::1", ""},
		{3, "ping", "no host"},
		{3, "ping --no-such-flag web.test", "unknown flag"},
		{3, "ping -c 0 web.test", "--count"},
		{3, "ping -i 1ms web.test", "--rate"},
		{3, "ping --size 65508 web.test", "--size"},
		{3, "ping --dscp 64 web.test", "--dscp"},
		{3, "ping --rate fast web.test", "--rate"},
		{3, "ping --source nowhere web.test", "--source"},
		{3, "ping --source ::1 -4 web.test", "--source"},
		{3, "ping -4 -6 web.test", "-4"},
		{3, "ping -t 0s web.test", "--timeout"},
		{3, "ping 10.0.0.0/33", "10.0.0.0/33"},
		{3, "ping 10.0.0.0/8", "--rate"},
		{3, "ping @", "@FILE"},
		{3, "trace --icmp --tcp web.test", "--icmp"},
		{3, "trace --flows 0 web.test", "--flows"},
		{3, "trace --hops 256 web.test", "--hops"},
		{3, "trace --icmp --port 80 web.test", "--port"},
		{3, "scan --ports 80,http web.test", "http"},
		{3, "scan --ports 90-80 web.test", "80-90"},
		{3, "scan --ports 0 web.test", "--ports"},
		{4, "ping @/no/such/file", "/no/such/file"},
		{0, "trace --icmp web.test", ""},
		{1, "trace noroute.test", ""},
		{0, "scan web.test", ""},
		{1, "scan closed.test", ""},
	} {
		t.Run(test.arguments, func(t *testing.T) {
			t.Parallel()
			got := w.run(t, strings.Fields(test.arguments)...)
			if got.code != test.want || !strings.Contains(got.stderr, test.says) {
				t.Errorf("exit code %d, want %d; it said %q", got.code, test.want, got.stderr)
			}
		})
	}
}

func hostsOfAFile(t *testing.T, w *world) {
	text := "# servers\nweb.test\n\n  10.77.10.1-2   # two\r\nnoserver.test\n"
	path := file(t, text)
	want := []string{"web.test", "10.77.10.1", "10.77.10.2", "noserver.test"}
	slices.Sort(want)
	for name, got := range map[string]result{
		"file":           w.run(t, "ping", "-c1", "--json", "@"+path),
		"standard input": w.runWith(t, strings.NewReader(text), "ping", "-c1", "--json", "@-"),
	} {
		var names []string
		for _, object := range objects(t, got.stdout, "ping") {
			names = append(names, object["name"].(string))
		}
		if slices.Sort(names); got.code != 0 || !slices.Equal(names, want) {
			t.Errorf("%s: exit code %d, %q", name, got.code, names)
		}
	}
	bad := file(t, "web.test\nbad host\nweb.test\n10.0.0.0/99\n")
	got := w.run(t, "ping", "@"+bad)
	if got.code != 3 || !strings.Contains(got.stderr, bad+":2:") || !strings.Contains(got.stderr, bad+":4:") {
		t.Errorf("exit code %d; it said %s", got.code, got.stderr)
	}
	if got := w.run(t, "ping", "@"+file(t, "# none\n")); got.code != 3 {
		t.Errorf("a file without hosts ends with %d", got.code)
	}
	if got := w.run(t, "ping", "@"+file(t, strings.Repeat("x", 5000)+"\nweb.test\n")); got.code != 3 || !strings.Contains(got.stderr, ":1:") {
		t.Errorf("a file with an endless line ends with %d: %s", got.code, got.stderr)
	}
}

func pingCauses(t *testing.T, w *world) {
	got := w.run(t, "ping", "-c2", "-i100ms", "-t300ms", "--json",
		"web.test", "noping.test", "reject.test", "noroute.test", "10.77.98.1", "nosuch.test")
	want := map[string]string{
		"web.test": "map[]", "noping.test": "map[unanswered:2]", "reject.test": "map[unreachable:2]",
		"noroute.test": "map[unreachable:2]", "10.77.98.1": "map[send_failed:2]", "nosuch.test": "map[unresolved:1]",
	}
	causes := map[string]string{}
	for _, object := range objects(t, got.stdout, "ping") {
		causes[object["name"].(string)] = fmt.Sprint(object["lost"])
	}
	if got.code != 2 || !maps.Equal(causes, want) {
		t.Errorf("exit code %d, %v; it said %s", got.code, causes, got.stderr)
	}
}

// pingNetwork sweeps the servers' network, in which three of 254 do not answer.
func pingNetwork(t *testing.T, w *world) {
	got := w.run(t, "ping", "-c1", "-q", "-t300ms", "10.77.10.0/24")
	for _, says := range []string{"254 targets", "251 reachable", "254 sent", "251 received"} {
		if !strings.Contains(got.stdout, says) {
			t.Errorf("the summary does not say %q: %s", says, got.stdout)
		}
	}
	if got.code != 1 {
		t.Errorf("exit code %d", got.code)
	}
	got = w.run(t, "ping", "-c1", "--rate=max", "--json", "-t300ms", "10.77.10.0/24")
	told := map[any]int{}
	reached := 0
	for _, object := range objects(t, got.stdout, "ping") {
		told[object["addr"]]++
		reached += int(object["received"].(float64))
	}
	if len(told) != 254 || reached != 251 {
		t.Errorf("%d addresses were told, of which %d answered", len(told), reached)
	}
}

// fields are the names of an object's fields.
func fields(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }

func sorted(list string) []string {
	names := strings.Fields("schema type " + list)
	slices.Sort(names)
	return names
}

func pingJSON(t *testing.T, w *world) {
	got := w.run(t, "ping", "-c4", "-i100ms", "--json", "web.test")
	object := objects(t, got.stdout, "ping")[0]
	want := sorted("addr name sent received lost min_ms avg_ms max_ms std_ms rtt_ms timestamps")
	if !slices.Equal(fields(object), want) {
		t.Errorf("the fields are %q, want %q", fields(object), want)
	}
	rtts := object["rtt_ms"].([]any)
	if object["addr"] != "10.77.10.1" || object["sent"] != 4. || object["received"] != 4. || len(rtts) != 4 {
		t.Errorf("it told %v", object)
	}
	least, most := object["min_ms"].(float64), object["max_ms"].(float64)
	if least <= 0 || most < least || !slices.Contains([]any{"kernel", "kernel-rx"}, object["timestamps"]) {
		t.Errorf("it told %v", object)
	}
	// A stamp may be missing once, on a busy machine.
	seen := map[any]bool{}
	for range 5 {
		got = w.run(t, "ping", "-c1", "--rate=max", "--json", "10.77.10.1")
		seen[objects(t, got.stdout, "ping")[0]["timestamps"]] = true
	}
	if !seen[object["timestamps"]] {
		t.Errorf("without a bound it told stamps %v, else %v", seen, object["timestamps"])
	}
	got = w.run(t, "ping", "-c2", "-i100ms", "-t200ms", "--json", "noping.test")
	object = objects(t, got.stdout, "ping")[0]
	if fmt.Sprint(object["rtt_ms"]) != "[<nil> <nil>]" || object["avg_ms"] != nil || !slices.Equal(fields(object), want) {
		t.Errorf("of a silent host it told %v", object)
	}
}

func pingWithoutRights(t *testing.T, w *world) {
	c := w.prepare(t, "ping", "-c1", "--json", "web.test", "closed.test")
	c.unprivileged()
	var stdout bytes.Buffer
	c.Stdout = &stdout
	if err := w.Client.Start(c.Cmd); err != nil {
		t.Fatal(err)
	}
	code := c.end(t)
	if list := objects(t, stdout.String(), "ping"); code != 0 || len(list) != 2 {
		t.Errorf("exit code %d with %q; it said %s", code, &stdout, &c.stderr)
	}
	if !strings.Contains(c.stderr.String(), "CAP_NET_RAW") {
		t.Errorf("it does not say what is missing: %s", &c.stderr)
	}
}

// traceWithOneRight has nothing but CAP_NET_RAW, and has no warning to give.
func traceWithOneRight(t *testing.T, w *world) {
	for _, protocol := range []string{"--udp", "--tcp", "--icmp"} {
		c := w.prepare(t, "trace", "--json", protocol, "web.test")
		c.onlyRaw()
		var stdout bytes.Buffer
		c.Stdout = &stdout
		if err := w.Client.Start(c.Cmd); err != nil {
			t.Fatal(err)
		}
		if code := c.end(t); code != 0 || c.stderr.Len() > 0 || !strings.Contains(stdout.String(), `"reached":true`) {
			t.Errorf("trace %s ends with %d: %s%s", protocol, code, &stdout, &c.stderr)
		}
	}
}

// hopsOf are the addresses of the hops that an object tells, "*" when silent.
func hopsOf(hops any) (list []string) {
	for _, hop := range hops.([]any) {
		if addr, ok := hop.(map[string]any)["addr"].(string); ok {
			list = append(list, addr)
			continue
		}
		list = append(list, "*")
	}
	return list
}

func traces(t *testing.T, w *world) {
	if _, err := exec.LookPath("traceroute"); err != nil {
		lab.Skip(t, err.Error())
	}
	for _, protocol := range []struct{ ours, theirs string }{{"--udp", "-U"}, {"--icmp", "-I"}, {"--tcp", "-T"}} {
		for _, host := range []string{"web.test", "six.test"} {
			t.Run(host+protocol.ours, func(t *testing.T) {
				t.Parallel()
				theirs, err := w.Client.Output(t.Context(), "traceroute", "-n", "-q1", "-w1", protocol.theirs, host)
				if err != nil {
					t.Fatalf("traceroute: %v: %s", err, theirs)
				}
				var want []string
				for _, line := range strings.Split(strings.TrimSpace(theirs), "\n")[1:] {
					want = append(want, strings.Fields(line)[1])
				}
				got := w.run(t, "trace", "--json", protocol.ours, host)
				object := objects(t, got.stdout, "trace")[0]
				if hops := hopsOf(object["hops"]); len(hops) != 4 || !slices.Equal(hops, want) {
					t.Errorf("the hops are %q, traceroute has %q", hops, want)
				}
			})
		}
	}
}

func traceJSON(t *testing.T, w *world) {
	got := w.run(t, "trace", "--json", "web.test", "noroute.test")
	if got.code != 1 {
		t.Errorf("exit code %d", got.code)
	}
	for _, object := range objects(t, got.stdout, "trace") {
		for _, field := range sorted("addr name reached hops") {
			if _, ok := object[field]; !ok {
				t.Errorf("there is no field %q in %v", field, object)
			}
		}
		if object["reached"] != (object["name"] == "web.test") {
			t.Errorf("it told %v", object)
		}
		for i, hop := range object["hops"].([]any) {
			hop := hop.(map[string]any)
			if hop["ttl"] != float64(i+1) || hop["rtt_ms"].(float64) <= 0 {
				t.Errorf("hop %d is %v", i+1, hop)
			}
		}
	}
	got = w.run(t, "trace", "--json", "--flows=3", "web.test")
	if got.code != 0 || strings.Count(got.stdout, `"10.77.2.2"`) != 3 {
		t.Errorf("exit code %d; three flows are told as %s", got.code, got.stdout)
	}
}

func scans(t *testing.T, w *world) {
	states := func(arguments ...string) map[string]string {
		got := w.run(t, append([]string{"scan", "--json", "-t=500ms"}, arguments...)...)
		found := map[string]string{}
		for _, object := range objects(t, got.stdout, "check") {
			for port, service := range object["ports"].(map[string]any) {
				found[fmt.Sprint(object["name"], ":", port)] = service.(map[string]any)["state"].(string)
			}
		}
		return found
	}
	for _, test := range []struct {
		arguments []string
		want      map[string]string
	}{
		{[]string{"web.test", "closed.test", "black.test"}, map[string]string{
			"web.test:80": "open", "web.test:443": "open", "web.test:3306": "open",
			"closed.test:80": "closed", "closed.test:443": "closed", "closed.test:3306": "closed",
			"black.test:80": "filtered", "black.test:443": "filtered", "black.test:3306": "filtered",
		}},
		{[]string{"--ports=79-81,3306", "hang.test"}, map[string]string{
			"hang.test:79": "closed", "hang.test:80": "wrong_protocol", "hang.test:81": "closed", "hang.test:3306": "wrong_protocol",
		}},
		{[]string{"--open", "--ports=80,81", "hang.test"}, map[string]string{"hang.test:80": "open", "hang.test:81": "closed"}},
	} {
		if got := states(test.arguments...); !maps.Equal(got, test.want) {
			t.Errorf("%q found %v, want %v", test.arguments, got, test.want)
		}
	}
	// More ports than the budget lets one host be asked at once.
	started := time.Now()
	if got := states("--open", "--ports=1-200", "closed.test"); len(got) != 200 {
		t.Errorf("%d ports were told, want 200", len(got))
	}
	if took := time.Since(started); took < 900*time.Millisecond {
		t.Errorf("200 ports of one host were asked within %v", took)
	}
}

// streams reads a line long before the last target is done.
func streams(t *testing.T, w *world) {
	c, lines, _ := w.stream(t, "ping", "-c1", "--json", "-t2s", "web.test", "noping.test")
	started := time.Now()
	if _, err := lines.ReadString('\n'); err != nil || time.Since(started) > 1500*time.Millisecond {
		t.Errorf("the first result came after %v: %v", time.Since(started), err)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.end(t)
}

// interrupts ends a long ping by a signal: no new target starts, and what is
// known is told.
func interrupts(t *testing.T, w *world) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		c, lines, _ := w.stream(t, "ping", "-c1", "--json", "--rate=20", "10.77.10.8/29", "10.77.10.64/26")
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		told := 1
		for _, err := lines.ReadString('\n'); err == nil; _, err = lines.ReadString('\n') {
			told++
		}
		if code := c.end(t); code != 1 || told > 40 {
			t.Errorf("%v: exit code %d after %d targets; it said %s", signal, code, told, &c.stderr)
		}
	}
}

func closedOutput(t *testing.T, w *world) {
	c, lines, pipe := w.stream(t, "ping", "-c1", "--json", "--rate=20", "10.77.10.64/26")
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	pipe.Close()
	if code := c.end(t); code != 0 || c.stderr.Len() > 0 {
		t.Errorf("exit code %d; it said %q", code, &c.stderr)
	}
}

// slowReader has a sweep wait for its reader, who then misses nothing.
func slowReader(t *testing.T, w *world) {
	c, lines, _ := w.stream(t, "ping", "-c1", "--json", "--rate=max", "127.0.0.0/18")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	told := 0
	for line, err := lines.ReadString('\n'); err == nil; line, err = lines.ReadString('\n') {
		if !strings.Contains(line, `"received":1`) {
			t.Fatalf("an echo to this machine was lost: %s", line)
		}
		told++
	}
	if code := c.end(t); code != 0 || told != 1<<14-2 {
		t.Errorf("exit code %d after %d targets, want all %d", code, told, 1<<14-2)
	}
}
