package reference_test

import (
	"syscall"
	"testing"
)

// inputFormat4 is section 11: the format of 4.x, and how it prints.
func inputFormat4(t *testing.T, w *world) {
	bad4(t, w)
	spelling4(t, w)
	values4(t, w)
	output4(t, w)
	signals4(t, w)
}

// web4 is what web.test prints for its pings in 4.x.
var web4 = host{header: "web.test 10.77.10.1", first: []string{"<ts>", answered}}

// json4 is the header and the one member of a 4.x line.
func json4(name, address, member string) host {
	return host{header: object(name, address), first: after(`"timestamp":<epochms>`, member)}
}

// bad4 are files that end the program before it has printed anything.
func bad4(t *testing.T, w *world) {
	for name, c := range map[string]struct{ file, stderr string }{
		"unknown_option":          {"web.test foo=1\n", errorLine("OSError", "Error in config file - unknown option 'FOO'") + "|" + anyError},
		"hosts_option":            {"web.test hosts=1\n", anyError},
		"bad_number":              {"web.test ping=abc\n", anyError},
		"empty_value":             {"web.test ping=\n", anyError},
		"float_numpings":          {"web.test numpings=2.5\n", anyError},
		"json_yes":                {"web.test json=yes\n", anyError},
		"neg_ping":                {"web.test ping=-5\n", anyError},
		"ping_nan":                {"web.test ping=nan\n", anyError},
		"ping_inf":                {"web.test ping=inf\n", anyError},
		"neg_numpings":            {"web.test numpings=-1\n", anyError},
		"neg_payload":             {"web.test payload=-1\n", anyError},
		"payload_70000":           {"web.test payload=70000\n", anyError},
		"neg_hops":                {"web.test ping=0 trace=500 hops=-3\n", anyError},
		"no_equals":               {"web.test ping\n", anyError},
		"no_equals_second":        {"web.test ping=500 trace\n", anyError},
		"spaces_around_eq":        {"web.test ping = 500\n", anyError},
		"two_equals":              {"web.test ping=5=5\n", anyError},
		"dup_option":              {"web.test ping=500 ping=1000\n", anyError},
		"dup_option_case":         {"web.test ping=500 PING=500\n", anyError},
		"header_behind":           {"web.test\n1 1 1 4 41 10 0 500\n", anyError},
		"binary_file":             {"\xff\xfe\x00\x01\n\xff\n", anyError},
		"unresolvable_all":        {"nosuch.test\n", unresolved("nosuch.test") + "|" + noHosts()},
		"unresolvable_bad_option": {"nosuch.test foo=1\nweb.test numpings=2\n", anyError},
		"nothing_enabled":         {"web.test ping=0\n", anyError},
	} {
		w.run(t, row{name: name, launch: launch{file: c.file}, exit: 1, stderr: []string{c.stderr}})
	}
	w.run(
		t,
		row{
			name: "all_errors_at_once", launch: launch{file: "web.test foo=1\nclosed.test ping=abc\n"}, exit: 1,
			stderr: []string{"EE: .*'FOO'.* -\t <ts>", "EE: .*'ABC'.* -\t <ts>"},
		},
		row{
			name: "old_format", launch: launch{file: "1 1 1 4 41 10 0 500\nweb.test numpings=2\n"},
			exit: 1, stderr: []string{anyError},
		},
	)
}

// spelling4 are files that mean pings of web.test.
func spelling4(t *testing.T, w *world) {
	for name, file := range map[string]string{
		"default_options":   "web.test\n",
		"ping_only_text":    "web.test ping=100 numpings=4\n",
		"blank_lines":       "\n   \nweb.test ping=100 numpings=2\n\n\t\n",
		"comments":          "# comment\nweb.test ping=100 numpings=2 # c\n",
		"comment_line_only": "# comment\nweb.test ping=100 numpings=2\n",
		"leading_ws":        "   web.test\tping=100 numpings=2\n",
		"crlf":              "web.test ping=100 numpings=2\r\n",
		"mixed_case":        "web.test PiNg=100 NUMpings=4 Json=fAlSe\n",
		"float_ping":        "web.test ping=133.3 numpings=2\n",
		"rational_ping":     "web.test ping=1/2 numpings=2\n",
		"ping_1e3":          "web.test ping=1e2 numpings=2\n",
		"one_numping":       "web.test ping=100 numpings=1\n",
		"zero_payload":      "web.test ping=100 payload=0 numpings=2\n",
		"payload_1337":      "web.test ping=100 payload=1337 numpings=2\n",
		"hops_unused":       "web.test ping=100 hops=0\n",
	} {
		w.run(t, row{name: name, launch: launch{file: file}, runs: true, want: []host{web4}})
	}
	w.run(
		t,
		row{
			name: "stdin_ok", launch: launch{stdin: "web.test ping=100 numpings=2\n"},
			runs: true, want: []host{web4},
		},
		row{
			name: "unresolvable_one", launch: launch{file: "nosuch.test\nweb.test ping=100 numpings=2\n"},
			runs: true, want: []host{web4}, stderr: []string{unresolved("nosuch.test")},
		},
		row{
			name: "nothing_enabled_beside", launch: launch{file: "closed.test ping=0\nweb.test ping=100 numpings=2\n"},
			runs: true, want: []host{web4}, stderr: []string{anyError},
		},
	)
}

// values4 are rows about options that change what is printed.
func values4(t *testing.T, w *world) {
	traced := host{
		header: "web.test 10.77.10.1",
		each:   [][]string{together("<ts>", path("10.77.10.1")), together("<ts>", answered)},
	}
	for name, option := range map[string]string{
		"json_2": "json=2", "json_neg": "json=-1", "json_true": "JSON=True", "ping_only_json": "json=1",
	} {
		w.run(t, row{
			name: name, launch: launch{file: "web.test ping=100 numpings=4 " + option + "\n"},
			runs: true, want: []host{json4("web.test", "10.77.10.1", answeredJSON)},
		})
	}
	w.run(
		t,
		row{
			name: "zero_numpings", launch: launch{file: "web.test ping=100 numpings=0\n"}, runs: true,
			want: []host{{header: "web.test 10.77.10.1", first: together("<ts>", lost)}},
		},
		row{
			name: "lost_text", launch: launch{file: "noping.test numpings=3 ping=100\n"}, runs: true,
			want: []host{{header: "noping.test 10.77.10.5", first: together("<ts>", lost)}},
		},
		row{
			name: "lost_json", launch: launch{file: "noping.test numpings=3 ping=100 json=1\n"}, runs: true,
			want: []host{json4("noping.test", "10.77.10.5", lostJSON)},
		},
		row{
			name: "hops_2", launch: launch{file: "web.test ping=100 trace=100 hops=2\n"}, runs: true,
			want: []host{{header: "web.test 10.77.10.1", each: [][]string{
				together("<ts>", hops("10.77.1.1", "10.77.2.2")), together("<ts>", answered),
			}}},
		},
		row{
			name: "zero_hops", launch: launch{file: "web.test ping=100 trace=100 hops=0\n"},
			runs: true, want: []host{web4},
		},
		row{
			name: "ping_trace", launch: launch{file: "web.test ping=100 trace=100\n"},
			runs: true, blocks: 6, want: []host{traced},
		},
		row{
			name: "no_timestamp_text", launch: launch{file: "web.test ping=100 trace=100 timestamp=0\n"}, runs: true,
			want: []host{{header: "web.test 10.77.10.1", each: [][]string{path("10.77.10.1"), together(answered)}}},
		},
		row{
			name: "no_timestamp_json", launch: launch{file: "web.test ping=100 timestamp=False json=True\n"}, runs: true,
			want: []host{{header: `{"addr":"10.77.10.1", "name":"web.test"`, first: []string{", " + answeredJSON + "}"}}},
		},
	)
}

// output4 are rows about hosts and statistics of every kind.
func output4(t *testing.T, w *world) {
	w.run(
		t,
		row{
			name: "literal_ip", launch: launch{file: "10.77.10.1 ping=100 numpings=2\n"}, runs: true,
			want: []host{{header: "10.77.10.1", first: together("<ts>", answered)}},
		},
		row{
			name: "literal_ip_json", launch: launch{file: "10.77.10.1 ping=100 numpings=2 json=1\n"}, runs: true,
			want: []host{json4("10.77.10.1", "10.77.10.1", answeredJSON)},
		},
		row{
			name: "localhost", launch: launch{file: "localhost ping=100 numpings=2 trace=100\n"}, runs: true,
			want: []host{{header: "localhost 127.0.0.1", each: [][]string{
				together("<ts>", hops("127.0.0.1")), together("<ts>", answered),
			}}},
		},
		row{
			name: "scan_only_text", launch: launch{file: "web.test ping=0 scan=100\n"}, runs: true,
			want: []host{{header: "web.test 10.77.10.1", first: together("<ts>", webScan)}},
		},
		row{
			name: "scan_only_json", launch: launch{file: "web.test ping=0 scan=100 json=1\n"}, runs: true,
			want: []host{json4("web.test", "10.77.10.1", webScanJSON)},
		},
		row{
			name: "closed_all", launch: launch{file: "closed.test numpings=3 ping=100 trace=100 scan=100\n"}, runs: true,
			want: []host{{header: "closed.test 10.77.10.4", each: [][]string{
				together("<ts>", path("10.77.10.4")), together("<ts>", answered), together("<ts>", noScan),
			}}},
			stderr: []string{"WW: Could not connect to 10.77.10.4:(80|443|3306) - \\[Errno 111\\] Connection refused -\t <ts>"},
		},
		row{
			name: "all_json", launch: launch{file: "web.test ping=100 trace=100 scan=100 numpings=4 json=1\n"}, runs: true,
			want: []host{{header: object("web.test", "10.77.10.1"), each: [][]string{
				after(`"timestamp":<epochms>`, traceJSON4("10.77.1.1", "10.77.2.2", "10.77.3.2", "10.77.10.1")),
				after(`"timestamp":<epochms>`, answeredJSON),
				after(`"timestamp":<epochms>`, webScanJSON),
			}}},
		},
		row{
			name: "six_all", launch: launch{file: "six.test numpings=2 ping=100 trace=100 scan=100 hops=5\n"}, runs: true,
			want: []host{{header: "six.test fd77:10::1", each: [][]string{
				together("<ts>", hops("fd77:1::1", "fd77:2::2", "fd77:3::2", "fd77:10::1")),
				together("<ts>", answered), together("<ts>", noScan),
			}}},
			stderr: []string{anyWarning},
		},
		row{
			name: "black_all", launch: launch{file: "black.test numpings=3 ping=100 trace=100 hops=6 scan=100\n"}, runs: true,
			want: []host{{header: "black.test 10.77.10.7", each: [][]string{
				together("<ts>", hops("10.77.1.1", "10.77.2.2", "10.77.3.2", "*", "*", "*")),
				together("<ts>", lost), together("<ts>", noScan),
			}}},
			stderr: []string{anyWarning},
		},
		row{
			name: "reject_all", launch: launch{file: "reject.test numpings=3 ping=100 trace=100 hops=6 scan=100\n"}, runs: true,
			want: []host{{header: "reject.test 10.77.10.6", each: [][]string{
				together("<ts>", path("10.77.10.6")), together("<ts>", lost), together("<ts>", noScan),
			}}},
			stderr: []string{anyWarning},
		},
		row{
			name: "noroute_all", launch: launch{file: "noroute.test numpings=3 ping=100 trace=100 hops=6 scan=100\n"}, runs: true,
			want: []host{{header: "noroute.test 10.77.99.1", each: [][]string{
				together("<ts>", hops("10.77.1.1")), together("<ts>", lost), together("<ts>", noScan),
			}}},
			stderr: []string{anyWarning},
		},
		row{
			name: "local_unreachable", launch: launch{file: "10.77.98.1 ping=100 numpings=4 scan=100\n"}, runs: true,
			want: []host{{header: "10.77.98.1", each: [][]string{
				together("<ts>", lost), together("<ts>", noScan),
			}}},
			stderr: []string{anyError, anyWarning},
		},
		row{
			name: "duplicate_hosts", launch: launch{file: "web.test ping=100 numpings=2\nweb.test ping=100 numpings=2 json=1\n"},
			runs: true, want: []host{web4, json4("web.test", "10.77.10.1", answeredJSON)},
		},
		row{
			name: "duplicate_different_speed", launch: launch{file: "web.test numpings=10 ping=7\n10.77.10.1 numpings=3 ping=11\n"},
			runs: true, blocks: 30, want: []host{web4, {header: "10.77.10.1", first: together("<ts>", answered)}},
		},
		row{
			name:   "duplicate_hosts_trace",
			launch: launch{file: "web.test ping=0 trace=100 timestamp=0\nweb.test ping=0 trace=100 timestamp=0\n"}, runs: true,
			want: []host{{header: "web.test 10.77.10.1", first: path("10.77.10.1")}},
		},
		row{
			name:   "many_hosts",
			launch: launch{file: "web.test ping=100 numpings=2\nnoserver.test ping=100 json=1\n10.77.10.4 ping=50 trace=100\n"},
			runs:   true,
			want: []host{
				web4, json4("noserver.test", "10.77.10.2", answeredJSON),
				{header: "10.77.10.4", each: [][]string{together("<ts>", path("10.77.10.4")), together("<ts>", answered)}},
			},
		},
		row{
			name: "doc_default_service_conf", launch: launch{file: "localhost trace=5000 scan=5000 json=True\n"}, runs: true,
			want: []host{{header: object("localhost", "127.0.0.1"), each: [][]string{
				after(`"timestamp":<epochms>`, traceJSON("127.0.0.1")),
				after(`"timestamp":<epochms>`, answeredJSON),
				after(`"timestamp":<epochms>`, noScanJSON),
			}}},
			stderr: []string{anyWarning},
		},
	)
	for name, c := range map[string]struct{ option, answered, lost string }{
		"lost_after_success_text": {"0", answered, lost}, "lost_after_success_json": {"1", answeredJSON, lostJSON},
	} {
		w.script(t, name, func(t *testing.T) {
			r := own(t)
			p := w.start(t, r.Client, launch{
				file: "web.test ping=100 numpings=4 json=" + c.option + "\n", arguments: []string{"c.conf"},
			})
			next := p.awaitOutput(0, c.answered)
			mute := r.Mute("10.77.10.1")
			next = p.awaitOutput(p.awaitOutput(next, c.lost), c.lost)
			mute.Remove()
			p.awaitOutput(next, c.answered)
			p.stop()
		})
	}
}

// signals4 shows that the rules of section 10 hold for the other format too.
func signals4(t *testing.T, w *world) {
	const file = "web.test numpings=2 ping=100\n"
	for name, send := range map[string]func(*process, syscall.Signal){
		"pid": (*process).signal, "group": (*process).signalGroup,
	} {
		w.script(t, "sighup_"+name+"_changed", func(t *testing.T) {
			p := w.start(t, w.shared.Client, launch{file: file, arguments: []string{"c.conf"}})
			p.awaitBlocks(web4.header, 2)
			p.rewrite("closed.test numpings=2 ping=100 json=1\n")
			send(p, syscall.SIGHUP)
			p.awaitBlocks(object("closed.test", "10.77.10.4"), 2)
			p.stop()
			checkOutput(t, p.output(), []host{web4, json4("closed.test", "10.77.10.4", answeredJSON)})
			checkErrors(t, p.errors(), nil)
		})
		w.script(t, "sighup_"+name+"_stdin", func(t *testing.T) {
			p := w.start(t, w.shared.Client, launch{stdin: file})
			p.awaitBlocks(web4.header, 1)
			send(p, syscall.SIGHUP)
			p.awaitError("No input file to read!")
			p.awaitBlocks(web4.header, len(blocksOf(p.output()))+2)
			p.stop()
			checkErrors(t, p.errors(), []string{errorLine("OSError", "No input file to read! (input given on stdin)")})
		})
		for row, c := range map[string]struct {
			change func(*process)
			stderr string
		}{
			"deleted": {(*process).remove, errorLine("FileNotFoundError",
				"Couldn't read input file '[Errno 2] No such file or directory: 'c.conf''")},
			"bad": {func(p *process) { p.rewrite("web.test foo=1\n") }, anyError},
		} {
			w.script(t, "sighup_"+name+"_"+row, func(t *testing.T) {
				p := w.start(t, w.shared.Client, launch{file: file, arguments: []string{"c.conf"}})
				p.awaitBlocks(web4.header, 1)
				c.change(p)
				send(p, syscall.SIGHUP)
				p.exit(1)
				checkErrors(t, p.errors(), []string{c.stderr})
			})
		}
		for row, s := range map[string]syscall.Signal{"sigterm": syscall.SIGTERM, "sigint": syscall.SIGINT} {
			w.script(t, row+"_"+name, func(t *testing.T) {
				p := w.start(t, w.shared.Client, launch{file: file, arguments: []string{"c.conf"}})
				p.awaitBlocks(web4.header, 2)
				send(p, s)
				p.exit(0)
				checkOutput(t, p.output(), []host{web4})
				checkErrors(t, p.errors(), nil)
			})
		}
	}
}
