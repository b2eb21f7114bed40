package config

import "testing"

const badOption = "1 fatal OSError: Error in config file - "
const badValue = "1 fatal OSError: Error parsing value for "

// The names are those of the recorded runs that the rows were taken from.
func TestFour(t *testing.T) {
	const (
		web    = "web.test#1 text/4+time ping[500ms ping 10x41 1s]\n"
		web2   = "web.test#1 text/4+time ping[500ms ping 2x41 1s]\n"
		closed = "closed.test#1 text/4+time ping[500ms ping 10x41 1s]\n"
		scan   = " http:80 1s https:443 1s mysql:3306 1s]\n"
	)
	runParseCases(t, []parseCase{
		{name: "default_options", input: "web.test\n", plan: web},
		{name: "address first", input: "10.77.10.1 numpings=2\n",
			plan: "10.77.10.1#1 text/4+time ping[500ms ping 2x41 1s]\n"},
		{name: "doc_default_service_conf", input: "localhost trace=5000 scan=5000 json=True\n",
			plan: "localhost#1 json/4+time ping[500ms ping 10x41 1s] trace[5s trace 30 1s] scan[5s" + scan},
		{name: "doc_example", input: "web.test ping=500 trace=30000 hops=40 scan=60000 json=1\n" +
			"closed.test ping=50 numpings=10 payload=41\nmaria.test trace=1000 hops=10\n",
			plan: "web.test#1 json/4+time ping[500ms ping 10x41 1s] trace[30s trace 40 1s] scan[1m0s" + scan +
				"closed.test#1 text/4+time ping[50ms ping 10x41 1s]\n" +
				"maria.test#1 text/4+time ping[500ms ping 10x41 1s] trace[1s trace 10 1s]\n"},
		{name: "mixed_case", input: "web.test PiNg=500 NUMpings=4 Json=tRuE\n",
			plan: "web.test#1 json/4+time ping[500ms ping 4x41 1s]\n"},
		{name: "no_timestamp_json", input: "web.test json=1 timestamp=0\n",
			plan: "web.test#1 json/4 ping[500ms ping 10x41 1s]\n"},
		{name: "no_timestamp_text", input: "web.test timestamp=FALSE json=false\n",
			plan: "web.test#1 text/4 ping[500ms ping 10x41 1s]\n"},
		{name: "json_2", input: "web.test json=2\n", plan: "web.test#1 json/4+time ping[500ms ping 10x41 1s]\n"},
		{name: "json_neg", input: "web.test json=-1\n", plan: "web.test#1 json/4+time ping[500ms ping 10x41 1s]\n"},
		{name: "json_yes", input: "web.test json=yes\n", plan: "no plan",
			diagnostics: badValue + "JSON: Invalid value: YES (c.conf, line 1)\n"},
		{name: "leading_ws", input: "   web.test\tnumpings=2\n", plan: web2},
		{name: "crlf", input: "web.test numpings=2\r\nclosed.test\r\n", plan: web2 + closed},
		{name: "blank_lines", input: "\n   \nweb.test numpings=2\n\n\t\nclosed.test\n\n", plan: web2 + closed},
		{name: "comments", input: "# comment\nweb.test numpings=2 # c\n", plan: web2},
		{name: "duplicate_different_speed", input: "web.test ping=50\nweb.test ping=500\n",
			plan: "web.test#1 text/4+time ping[50ms ping 10x41 1s]\nweb.test#2 text/4+time ping[500ms ping 10x41 1s]\n"},

		{name: "float_ping", input: "web.test ping=333.3\n", plan: "web.test#1 text/4+time ping[333.3ms ping 10x41 1s]\n"},
		{name: "ping_1e3", input: "web.test ping=1e3\n", plan: "web.test#1 text/4+time ping[1s ping 10x41 1s]\n"},
		{name: "rational_ping", input: "web.test ping=1/2\n", plan: "web.test#1 text/4+time ping[500µs ping 10x41 1s]\n"},
		{name: "half", input: "web.test ping=0.5\n", plan: "web.test#1 text/4+time ping[500µs ping 10x41 1s]\n"},
		{name: "divided by zero", input: "web.test ping=1/0\n", plan: "no plan",
			diagnostics: badValue + "PING: '1/0' divides by zero (c.conf, line 1)\n"},
		{name: "bad_number", input: "web.test ping=abc\n", plan: "no plan",
			diagnostics: badValue + "PING: could not convert string to float: 'ABC' (c.conf, line 1)\n"},
		{name: "empty_value", input: "web.test ping=\n", plan: "no plan",
			diagnostics: badValue + "PING: could not convert string to float: '' (c.conf, line 1)\n"},
		{name: "two_equals", input: "web.test ping=5=5\n", plan: "no plan",
			diagnostics: badValue + "PING: could not convert string to float: '5=5' (c.conf, line 1)\n"},
		{name: "ping_inf", input: "web.test ping=inf\n", plan: "no plan",
			diagnostics: badValue + "PING: 'INF' is no finite number of milliseconds (c.conf, line 1)\n"},
		{name: "ping_nan", input: "web.test ping=nan\n", plan: "no plan",
			diagnostics: badValue + "PING: 'NAN' is no finite number of milliseconds (c.conf, line 1)\n"},
		{name: "out of range", input: "web.test ping=1e999999999\n", plan: "no plan",
			diagnostics: badValue + "PING: '1E999999999' is no finite number of milliseconds (c.conf, line 1)\n"},
		{name: "too long", input: "web.test scan=1e13\n", plan: "no plan",
			diagnostics: badValue + "SCAN: '1E13' is more than 100 years of milliseconds (c.conf, line 1)\n"},
		{name: "hexadecimal", input: "web.test ping=0x1p4\n", plan: "no plan",
			diagnostics: badValue + "PING: could not convert string to float: '0X1P4' (c.conf, line 1)\n"},
		{name: "neg_ping", input: "web.test ping=-5\n", plan: "no plan",
			diagnostics: badValue + "PING: '-5' is negative; give milliseconds, or 0 to switch it off (c.conf, line 1)\n"},

		{name: "float_numpings", input: "web.test numpings=2.5\n", plan: "no plan",
			diagnostics: badValue + "NUMPINGS: invalid literal for int() with base 10: '2.5' (c.conf, line 1)\n"},
		{name: "neg_numpings", input: "web.test numpings=-1 ping=300\n", plan: "no plan",
			diagnostics: badValue + "NUMPINGS: '-1' is negative; give 0 or more (c.conf, line 1)\n"},
		{name: "zero_numpings", input: "web.test numpings=0 ping=300\n",
			plan: "web.test#1 text/4+time ping[300ms ping 0x41 1s]\n"},
		{name: "one_numping", input: "web.test numpings=1\n", plan: "web.test#1 text/4+time ping[500ms ping 1x41 1s]\n"},
		{name: "too many pings", input: "web.test numpings=65536\n", plan: "no plan",
			diagnostics: badValue + "NUMPINGS: '65536' is too much; a burst of 65535 pings is the longest (c.conf, line 1)\n"},
		{name: "zero_payload", input: "web.test payload=0\n", plan: "web.test#1 text/4+time ping[500ms ping 10x0 1s]\n"},
		{name: "payload_1337", input: "web.test payload=1337\n", plan: "web.test#1 text/4+time ping[500ms ping 10x1337 1s]\n"},
		{name: "neg_payload", input: "web.test payload=-1\n", plan: "no plan",
			diagnostics: badValue + "PAYLOAD: '-1' is negative; give 0 or more (c.conf, line 1)\n"},
		{name: "payload 70000", input: "web.test payload=70000\n", plan: "no plan",
			diagnostics: badValue + "PAYLOAD: '70000' is too much; ICMP can carry 65507 bytes (c.conf, line 1)\n"},
		{name: "hops_2", input: "web.test ping=0 trace=500 hops=2\n", plan: "web.test#1 text/4+time trace[500ms trace 2 1s]\n"},
		{name: "hops 300", input: "web.test ping=0 trace=500 hops=300\n", plan: "web.test#1 text/4+time trace[500ms trace 255 1s]\n"},
		{name: "neg_hops", input: "web.test ping=0 trace=500 hops=-3\n", plan: "no plan",
			diagnostics: badValue + "HOPS: '-3' is negative; give 0 or more (c.conf, line 1)\n"},
		{name: "zero_hops", input: "web.test trace=500 hops=0\n", plan: web},
		{name: "zero_hops alone", input: "web.test ping=0 trace=500 hops=0\n", plan: "",
			diagnostics: "1 host Exception: Nothing to do for host ( web.test ): give ping, trace or scan a number of milliseconds above 0, and a trace some hops (c.conf, line 1)\n"},
		{name: "nothing_enabled", input: "web.test ping=0\nclosed.test\n", plan: closed,
			diagnostics: "1 host Exception: Nothing to do for host ( web.test ): give ping, trace or scan a number of milliseconds above 0, and a trace some hops (c.conf, line 1)\n"},
		{name: "scan_only_text", input: "web.test ping=0 scan=700\n", plan: "web.test#1 text/4+time scan[700ms" + scan},

		{name: "unknown_option", input: "web.test foo=1\n", plan: "no plan",
			diagnostics: badOption + "unknown option 'FOO' (c.conf, line 1)\n"},
		{name: "hosts_option", input: "web.test hosts=1\n", plan: "no plan",
			diagnostics: badOption + "unknown option 'HOSTS' (c.conf, line 1)\n"},
		{name: "unresolvable_bad_option", input: "web.test numpings=2\nnosuch.test foo=1\n", plan: "no plan",
			diagnostics: "2 fatal OSError: Error in config file - unknown option 'FOO' (c.conf, line 2)\n"},
		{name: "dup_option", input: "web.test ping=500 ping=1000 numpings=2\n", plan: "no plan",
			diagnostics: badOption + "option 'PING' is given twice (c.conf, line 1)\n"},
		{name: "no_equals", input: "web.test ping\n", plan: "no plan",
			diagnostics: badOption + "'PING' is no option; write name=value, without blanks around the equals sign (c.conf, line 1)\n"},
		{name: "no_equals_second", input: "web.test ping=500 trace\n", plan: "no plan",
			diagnostics: badOption + "'TRACE' is no option; write name=value, without blanks around the equals sign (c.conf, line 1)\n"},
		{name: "spaces_around_eq", input: "web.test ping = 500\n", plan: "no plan",
			diagnostics: badOption + "'PING' is no option; write name=value, without blanks around the equals sign (c.conf, line 1)\n"},
		{name: "no name", input: "web.test =500\n", plan: "no plan",
			diagnostics: badOption + "'=500' is no option; write name=value, without blanks around the equals sign (c.conf, line 1)\n"},
		{name: "old_format behind the new one", input: "web.test\n1 1 1 4 41 10 0 500\nclosed.test\n", plan: "no plan",
			diagnostics: "2 fatal OSError: Error in config file - '1' is no host; a header line of the 3.x format must be the first line of its file (c.conf, line 2)\n"},
		{name: "no host", input: "ping=500\nclosed.test\n", plan: closed,
			diagnostics: "1 host Exception: Unable to resolve host ( ping=500 ): an option stands where the host belongs (c.conf, line 1)\n"},
		{name: "all at once", input: "web.test ping=x foo=1 numpings=y json=z\nclosed.test ping=0\nclosed.test trace=-1 payload=70000\n", plan: "no plan",
			diagnostics: badValue + "PING: could not convert string to float: 'X' (c.conf, line 1)\n" +
				badOption + "unknown option 'FOO' (c.conf, line 1)\n" +
				badValue + "NUMPINGS: invalid literal for int() with base 10: 'Y' (c.conf, line 1)\n" +
				badValue + "JSON: Invalid value: Z (c.conf, line 1)\n" +
				"3 fatal OSError: Error parsing value for TRACE: '-1' is negative; give milliseconds, or 0 to switch it off (c.conf, line 3)\n" +
				"3 fatal OSError: Error parsing value for PAYLOAD: '70000' is too much; ICMP can carry 65507 bytes (c.conf, line 3)\n"},
	})
}
