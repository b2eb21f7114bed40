package console_test

import (
	"encoding/json"
	"syscall"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/console"
)

const us = time.Microsecond

// report is what the probes of one round found. Each is given to the probe of
// its kind; what is nil was not reported.
type report struct {
	samples []netsonde.Sample
	route   *netsonde.Route
	http    *netsonde.Service
	https   *netsonde.Service
	mysql   *netsonde.Service
}

func (r report) batch(round netsonde.Round) *netsonde.Batch {
	batch := &netsonde.Batch{Rounds: []netsonde.Round{round}}
	services := map[netsonde.Kind]*netsonde.Service{
		netsonde.KindHTTP: r.http, netsonde.KindHTTPS: r.https, netsonde.KindMySQL: r.mysql,
	}
	for _, probe := range round.Target.Groups[round.Group].Probes {
		switch {
		case probe.Kind == netsonde.KindPing && r.samples != nil:
			batch.Bursts = append(batch.Bursts, netsonde.Burst{Probe: probe.ID, Round: round.N, Samples: r.samples})
		case probe.Kind == netsonde.KindTrace && r.route != nil:
			route := *r.route
			route.Probe, route.Round = probe.ID, round.N
			batch.Routes = append(batch.Routes, route)
		case services[probe.Kind] != nil:
			service := *services[probe.Kind]
			service.Kind, service.Port, service.Probe, service.Round = probe.Kind, probe.Port, probe.ID, round.N
			batch.Services = append(batch.Services, service)
		}
	}
	return batch
}

var (
	everything = []netsonde.Kind{
		netsonde.KindPing, netsonde.KindTrace, netsonde.KindHTTP, netsonde.KindHTTPS, netsonde.KindMySQL,
	}
	scanOnly  = everything[2:]
	pingOnly  = everything[:1]
	traceOnly = everything[1:2]

	text3        = netsonde.Output{}
	json3        = netsonde.Output{JSON: true}
	text4        = netsonde.Output{Dialect: netsonde.DialectConnmonitor4, Timestamp: true}
	json4        = netsonde.Output{Dialect: netsonde.DialectConnmonitor4, Timestamp: true, JSON: true}
	text4Untimed = netsonde.Output{Dialect: netsonde.DialectConnmonitor4}
	json4Untimed = netsonde.Output{Dialect: netsonde.DialectConnmonitor4, JSON: true}
)

func ptr[T any](v T) *T { return &v }

// TestBlocks compares blocks with connmonitor's recorded ones, the numbers
// filled in. Where connmonitor lied or broke its own format, the block is the
// documented one.
func TestBlocks(t *testing.T) {
	web := report{
		samples: answered(18597*time.Nanosecond, 200*us, 300*us, 400*us),
		route:   &netsonde.Route{Hops: hopsOf("10.77.1.1", "", "10.77.10.1"), End: netsonde.RouteReached, Changed: true},
		http:    ptr(openHTTP("nginx/1.24.0")),
		https:   ptr(openHTTP("nginx/1.24.0")),
		mysql:   &netsonde.Service{State: netsonde.ServiceOpen, RTT: 420332 * time.Nanosecond, Version: "5.7.2"},
	}
	webUnchanged := web
	webUnchanged.route = &netsonde.Route{Hops: web.route.Hops, End: netsonde.RouteReached}
	closed := &netsonde.Service{State: netsonde.ServiceClosed}

	const (
		jsonPing = `"ping":{"min":0.018597,"avg":0.229649,"max":0.400000,"std":0.162676,"loss":0.000000}`
		jsonScan = `"scan":{"http":{"rtt":1.057000,"response code":"200","server":"nginx/1.24.0"},` +
			`"https":{"rtt":1.057000,"response code":"200","server":"nginx/1.24.0"},` +
			`"mysql":{"rtt":0.420332,"version":"5.7.2"}}`
		textScan = "1.057, 200, nginx/1.24.0\t1.057, 200, nginx/1.24.0\t0.420, 5.7.2\n"
	)
	for name, test := range map[string]struct {
		output     netsonde.Output
		host, addr string
		kinds      []netsonde.Kind
		report     report
		want       string
	}{
		"3 all_text": {text3, "web.test", "10.77.10.1", everything, web,
			"web.test (10.77.10.1)\n0.019\t0.230\t0.400\t0.163\t0.000\n" +
				"10.77.1.1\t0.100\n*\n10.77.10.1\t0.300\n" + textScan},
		"3 all_text, route unchanged": {text3, "web.test", "10.77.10.1", everything, webUnchanged,
			"web.test (10.77.10.1)\n0.019\t0.230\t0.400\t0.163\t0.000\n" + textScan},
		"3 all_json": {json3, "web.test", "10.77.10.1", everything, web,
			`{"addr":"10.77.10.1","name":"web.test",` + jsonPing +
				`,"trace":[["10.77.1.1", 0.100000], ["*"], ["10.77.10.1", 0.300000]],` + jsonScan + "}\n"},
		"3 all_json, route unchanged": {json3, "web.test", "10.77.10.1", everything, webUnchanged,
			`{"addr":"10.77.10.1","name":"web.test",` + jsonPing + `,` + jsonScan + "}\n"},
		"3 literal_ip_text": {text3, "10.77.10.1", "10.77.10.1", pingOnly, web,
			"10.77.10.1\n0.019\t0.230\t0.400\t0.163\t0.000\n"},
		"3 literal_ip_json": {json3, "10.77.10.1", "10.77.10.1", pingOnly, web,
			`{"addr":"10.77.10.1","name":"10.77.10.1",` + jsonPing + "}\n"},
		"3 IPv6": {text3, "six.test", "fd77:10::1", pingOnly, web,
			"six.test (fd77:10::1)\n0.019\t0.230\t0.400\t0.163\t0.000\n"},
		"3 IPv6 in another spelling": {text3, "FD77:10:0::1", "fd77:10::1", nil, web,
			"FD77:10:0::1 (fd77:10::1)\n"},
		"3 none_text": {text3, "web.test", "10.77.10.1", nil, web, "web.test (10.77.10.1)\n"},
		"3 none_json": {json3, "web.test", "10.77.10.1", nil, web, `{"addr":"10.77.10.1","name":"web.test"}` + "\n"},
		"3 lost_first_text": {text3, "noping.test", "10.77.10.5", pingOnly, report{samples: answered(0, 0, 0, 0)},
			"noping.test (10.77.10.5)\n-1.000\t-1.000\t-1.000\t-1.000\t100.000\n"},
		"3 lost_first_json": {json3, "noping.test", "10.77.10.5", pingOnly, report{samples: answered(0, 0, 0, 0)},
			`{"addr":"10.77.10.5","name":"noping.test","ping":{"min":-1.000000,"avg":-1.000000,"max":-1.000000,"std":-1.000000,"loss":100.000000}}` + "\n"},
		"3 hdr_zero_pings": {text3, "web.test", "10.77.10.1", pingOnly, report{samples: answered()},
			"web.test (10.77.10.1)\n-1.000\t-1.000\t-1.000\t-1.000\t100.000\n"},
		"3 partial_loss": {text3, "web.test", "10.77.10.1", pingOnly, report{samples: answered(100*us, 0, 100*us, 100*us)},
			"web.test (10.77.10.1)\n0.100\t0.100\t0.100\t0.000\t25.000\n"},
		"3 partial_loss_json": {json3, "web.test", "10.77.10.1", pingOnly, report{samples: answered(100*us, 0, 100*us, 100*us)},
			`{"addr":"10.77.10.1","name":"web.test","ping":{"min":0.100000,"avg":0.100000,"max":0.100000,"std":0.000000,"loss":25.000000}}` + "\n"},
		"3 a third lost": {json3, "web.test", "10.77.10.1", pingOnly, report{samples: answered(100*us, 0, 100*us)},
			`{"addr":"10.77.10.1","name":"web.test","ping":{"min":0.100000,"avg":0.100000,"max":0.100000,"std":0.000000,"loss":33.333333333333336}}` + "\n"},
		"3 hdr_one_ping": {text3, "web.test", "10.77.10.1", pingOnly, report{samples: answered(1500 * us)},
			"web.test (10.77.10.1)\n1.500\t1.500\t1.500\t0.000\t0.000\n"},
		"3 trace_only_text": {text3, "web.test", "10.77.10.1", traceOnly, web,
			"web.test (10.77.10.1)\n10.77.1.1\t0.100\n*\n10.77.10.1\t0.300\n"},
		"3 hdr_zero_hops": {text3, "web.test", "10.77.10.1", traceOnly, report{route: &netsonde.Route{Changed: true}},
			"web.test (10.77.10.1)\n"},
		"3 hdr_zero_hops_json": {json3, "web.test", "10.77.10.1", traceOnly, report{route: &netsonde.Route{Changed: true, Hops: hopsOf()}},
			`{"addr":"10.77.10.1","name":"web.test"}` + "\n"},
		"3 closed_all_json": {json3, "closed.test", "10.77.10.4", scanOnly, report{http: closed, https: closed, mysql: closed},
			`{"addr":"10.77.10.4","name":"closed.test","scan":{"http":"None","https":"None","mysql":"None"}}` + "\n"},
		"3 scan without a report": {text3, "closed.test", "10.77.10.4", scanOnly, report{},
			"closed.test (10.77.10.4)\nNone\tNone\tNone\n"},
		"3 svc_quote_text": {text3, "quote.test", "10.77.10.8", scanOnly, report{http: ptr(openHTTP(`we"ird\srv (x, y)`))},
			"quote.test (10.77.10.8)\n" + `1.057, 200, we"ird\srv (x, y)` + "\tNone\tNone\n"},
		"3 svc_quote_json": {json3, "quote.test", "10.77.10.8", scanOnly, report{http: ptr(openHTTP(`we"ird\srv (x, y)`))},
			`{"addr":"10.77.10.8","name":"quote.test","scan":{"http":{"rtt":1.057000,"response code":"200","server":"we\"ird\\srv (x, y)"},"https":"None","mysql":"None"}}` + "\n"},
		"3 svc_noserver": {text3, "noserver.test", "10.77.10.2", scanOnly, report{
			http:  &netsonde.Service{State: netsonde.ServiceOpen, RTT: 1 * us, Code: 404},
			mysql: &netsonde.Service{State: netsonde.ServiceOpen, RTT: 2 * us, Version: "8.0.36"},
		}, "noserver.test (10.77.10.2)\n0.001, 404, Unknown\tNone\t0.002, 8.0.36\n"},
		"3 svc_quote, MySQL refuses us before it greets": {text3, "quote.test", "10.77.10.8", scanOnly, report{
			mysql: &netsonde.Service{State: netsonde.ServiceOpen, RTT: 2 * us, Code: 1130},
		}, "quote.test (10.77.10.8)\nNone\tNone\tNone\n"},
		"3 a banner with escapes and columns": {text3, "web.test", "10.77.10.1", scanOnly, report{
			http: ptr(openHTTP("a\tb\n\x1b[2J\u202e\u009b\xff")),
		}, "web.test (10.77.10.1)\n" + `1.057, 200, a\tb\n\x1b[2J\u202e\u009b\xff` + "\tNone\tNone\n"},
		"4 ping_only_text": {text4, "web.test", "10.77.10.1", pingOnly, web,
			"web.test 10.77.10.1\n" + momentText + "\n0.019\t0.230\t0.400\t0.163\t0.000\n"},
		"4 literal_ip": {text4, "10.77.10.1", "10.77.10.1", pingOnly, web,
			"10.77.10.1\n" + momentText + "\n0.019\t0.230\t0.400\t0.163\t0.000\n"},
		"4 no_timestamp_text": {text4Untimed, "web.test", "10.77.10.1", pingOnly, web,
			"web.test 10.77.10.1\n0.019\t0.230\t0.400\t0.163\t0.000\n"},
		"4 ping_only_json": {json4, "web.test", "10.77.10.1", pingOnly, web,
			`{"addr":"10.77.10.1","name":"web.test","timestamp":1793587125123.456789,` + jsonPing + "}\n"},
		"4 no_timestamp_json": {json4Untimed, "web.test", "10.77.10.1", pingOnly, web,
			`{"addr":"10.77.10.1", "name":"web.test", ` + jsonPing + "}\n"},
		"4 route_star_from_start": {json4, "web.test", "10.77.10.1", traceOnly, web,
			`{"addr":"10.77.10.1","name":"web.test","timestamp":1793587125123.456789,"trace":[["10.77.1.1", 0.100000],["*"],["10.77.10.1", 0.300000]]}` + "\n"},
		"4 trace_only_text": {text4, "web.test", "10.77.10.1", traceOnly, web,
			"web.test 10.77.10.1\n" + momentText + "\n10.77.1.1\t0.100\n*\n10.77.10.1\t0.300\n"},
		"4 trace unchanged, text": {text4, "web.test", "10.77.10.1", traceOnly, webUnchanged, ""},
		"4 trace unchanged, JSON": {json4, "web.test", "10.77.10.1", traceOnly, webUnchanged, ""},
		"4 zero_hops": {text4, "web.test", "10.77.10.1", traceOnly,
			report{route: &netsonde.Route{Changed: true, Hops: hopsOf()}}, ""},
		"4 scan_only_text": {text4, "web.test", "10.77.10.1", scanOnly, web,
			"web.test 10.77.10.1\n" + momentText + "\n" + textScan},
		"4 scan_only_json": {json4, "web.test", "10.77.10.1", scanOnly, web,
			`{"addr":"10.77.10.1","name":"web.test","timestamp":1793587125123.456789,` + jsonScan + "}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			round := roundOf(watched(test.host, test.output, test.kinds...), test.addr, 7)
			got, _ := printed(t, console.Options{}, test.report.batch(round))
			if got != test.want {
				t.Errorf("printed\n%q\nwant\n%q", got, test.want)
			}
			if test.output.JSON && got != "" && !json.Valid([]byte(got)) {
				t.Errorf("not valid JSON: %s", got)
			}
		})
	}
}

// TestComplaints compares the diagnostics of a round with connmonitor's recorded ones.
func TestComplaints(t *testing.T) {
	refused := &netsonde.Service{State: netsonde.ServiceClosed, Reason: "[Errno 111] Connection refused"}
	silent := &netsonde.Service{State: netsonde.ServiceWrongProtocol, Reason: "timed out"}
	unsendable := &netsonde.Route{End: netsonde.RouteSendFailed, Errno: syscall.EHOSTUNREACH}
	end := " -\t " + momentText + "\n"
	for name, test := range map[string]struct {
		output netsonde.Output
		report report
		want   string
	}{
		"nothing to complain of": {text3, report{samples: answered(1, 2, 0), http: ptr(openHTTP(""))}, ""},
		"3 closed_all_text": {text3, report{http: refused, https: refused, mysql: refused},
			"EE: Exception: Could not connect to 10.77.10.9: [Errno 111] Connection refused" + end +
				"EE: Exception: Could not connect to 10.77.10.9: [Errno 111] Connection refused" + end +
				"EE: Exception: Could not connect to 10.77.10.9: [Errno 111] Connection refused" + end},
		"3 svc_hang_json": {json3, report{http: silent},
			"EE: Exception: Could not connect to 10.77.10.9: timed out" + end},
		"3 a liar's reason": {text3, report{http: &netsonde.Service{State: netsonde.ServiceWrongProtocol, Reason: "got \x1b]0;x\x07\n"}},
			`EE: Exception: Could not connect to 10.77.10.9: got \x1b]0;x\a\n` + end},
		"3 no reason": {text3, report{http: &netsonde.Service{State: netsonde.ServiceFiltered}},
			"EE: Exception: Could not connect to 10.77.10.9: filtered" + end},
		"3 MySQL without a version": {text3, report{mysql: &netsonde.Service{State: netsonde.ServiceOpen}},
			"EE: Exception: Could not connect to 10.77.10.9: the server did not say its version" + end},
		"4 scan_only_text_no3306": {text4, report{http: refused, mysql: refused},
			"WW: Could not connect to 10.77.10.9:80 - [Errno 111] Connection refused" + end +
				"WW: Could not connect to 10.77.10.9:3306 - [Errno 111] Connection refused" + end},
		"3 local_unreachable, one line for ping and trace": {text3,
			report{samples: unsent(4, syscall.EHOSTUNREACH), route: unsendable},
			"EE: Exception: Network is unreachable... ([Errno 113] No route to host)" + end},
		"3 hdr_payload_70000": {text3, report{samples: unsent(4, syscall.EMSGSIZE)},
			"EE: Exception: Network is unreachable... ([Errno 90] Message too long)" + end},
		"3 only the trace could not send": {text3, report{samples: answered(1), route: unsendable},
			"EE: Exception: Network is unreachable... ([Errno 113] No route to host)" + end},
		"3 ping and trace fail for different reasons": {text3, report{samples: unsent(2, syscall.EPERM), route: unsendable},
			"EE: Exception: Network is unreachable... ([Errno 1] Operation not permitted)" + end +
				"EE: Exception: Network is unreachable... ([Errno 113] No route to host)" + end},
		"3 nothing here can trace": {text3, report{samples: answered(1), route: &netsonde.Route{End: netsonde.RouteUnsupported}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			round := roundOf(watched("hang.test", test.output, everything...), "10.77.10.9", 1)
			if _, got := printed(t, console.Options{}, test.report.batch(round)); got != test.want {
				t.Errorf("told\n%q\nwant\n%q", got, test.want)
			}
		})
	}
}

func TestEvents(t *testing.T) {
	target := watched("nosuch.test", text3)
	native := netsonde.Output{Dialect: netsonde.DialectNative}
	end := " -\t " + momentText + "\n"
	for name, test := range map[string]struct {
		options console.Options
		event   netsonde.Event
		want    string
	}{
		"unresolved": {console.Options{}, netsonde.Event{Kind: netsonde.EventUnresolved, Target: target},
			"EE: Exception: Unable to resolve host ( nosuch.test )" + end},
		"unresolved in connvitals": {console.Options{UnresolvedKind: "str"}, netsonde.Event{Kind: netsonde.EventUnresolved, Target: target},
			"EE: str: Unable to resolve host ( nosuch.test )" + end},
		"unresolved, native": {console.Options{}, netsonde.Event{Kind: netsonde.EventUnresolved, Text: "no such host", Target: &netsonde.Target{
			Name: "web/ipv6", Host: "web.example", Family: netsonde.Family6, Output: native,
		}}, "EE: web/ipv6 (web.example): no IPv6 address: no such host" + end},
		"unresolved, native, IPv4": {console.Options{}, netsonde.Event{Kind: netsonde.EventUnresolved, Target: &netsonde.Target{
			Name: "web.example", Host: "web.example", Family: netsonde.Family4, Output: native,
		}}, "EE: web.example: no IPv4 address" + end},
		"unresolved, native, any": {console.Options{UnresolvedKind: "str"}, netsonde.Event{Kind: netsonde.EventUnresolved, Target: &netsonde.Target{
			Name: "web", Host: "web.example", Output: native,
		}}, "EE: web (web.example): no address" + end},
		"another address": {console.Options{}, netsonde.Event{
			Kind: netsonde.EventAddressChanged, Target: target,
			Old: hopsOf("10.77.10.1")[0].Addr, New: hopsOf("10.77.10.2")[0].Addr,
		}, "WW: The address of nosuch.test is now 10.77.10.2, no longer 10.77.10.1" + end},
		"dropped": {console.Options{}, netsonde.Event{Kind: netsonde.EventDropped, Text: "12 batches were dropped"},
			"WW: 12 batches were dropped" + end},
		"dropped without a text": {console.Options{}, netsonde.Event{Kind: netsonde.EventDropped},
			"WW: Results were dropped because nobody took them" + end},
		"unknown": {console.Options{}, netsonde.Event{Kind: 99, Text: "x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			results, got := printed(t, test.options, &netsonde.Batch{Events: []netsonde.Event{test.event}})
			if got != test.want || results != "" {
				t.Errorf("told %q and printed %q, want %q", got, results, test.want)
			}
		})
	}
}

// TestRoundGathersBatches has the results of one round in several batches, and
// others that do not belong to it.
func TestRoundGathersBatches(t *testing.T) {
	target := watched("web.test", text3, netsonde.KindPing, netsonde.KindHTTP)
	burst := func(n uint64, rtt time.Duration) netsonde.Burst {
		return netsonde.Burst{Probe: 1, Round: n, Samples: answered(rtt)}
	}
	service := openHTTP("nginx")
	service.Probe, service.Round = 2, 5
	results, _ := printed(t, console.Options{},
		&netsonde.Batch{Bursts: []netsonde.Burst{burst(4, 9*us), burst(5, 1000*us)}},
		&netsonde.Batch{Bursts: []netsonde.Burst{{Probe: 99, Round: 5, Samples: answered(7 * us)}}},
		&netsonde.Batch{Amends: []netsonde.Amend{{Probe: 1, Round: 5, Outcome: netsonde.OutcomeLate, RTT: time.Second}}},
		&netsonde.Batch{Services: []netsonde.Service{service}, Rounds: []netsonde.Round{roundOf(target, "10.77.10.1", 5)}},
		// Nothing is left of round 5, and what is of another round does not count.
		&netsonde.Batch{Bursts: []netsonde.Burst{burst(5, 1*us)}, Rounds: []netsonde.Round{roundOf(target, "10.77.10.1", 6)}},
	)
	want := "web.test (10.77.10.1)\n1.000\t1.000\t1.000\t0.000\t0.000\n1.057, 200, nginx\tNone\tNone\n" +
		"web.test (10.77.10.1)\n-1.000\t-1.000\t-1.000\t-1.000\t100.000\nNone\tNone\tNone\n"
	if results != want {
		t.Errorf("printed\n%q\nwant\n%q", results, want)
	}
}
