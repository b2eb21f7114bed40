package config

import "testing"

const badFormat = "1 fatal OSError: Bad configuration file format, caused error: (c.conf, line 1: "

// The names are those of the recorded runs that the rows were taken from.
func TestThree(t *testing.T) {
	const (
		web       = "web.test#1 text/3 all[500ms ping 4x41 2s]\n"
		closed    = "closed.test#1 text/3 all[500ms ping 4x41 2s]\n"
		webSilent = "web.test#1 text/3 all[500ms]\n"
		services  = " http:80 1s https:443 1s mysql:3306 1s]\n"
	)
	runParseCases(t, []parseCase{
		{name: "flags_other_ints", input: "7 -1 +2 4 41 10 -1 500\nweb.test\n",
			plan: "web.test#1 json/3 all[500ms ping 4x41 2s trace 10 1s" + services},
		{name: "flags huge and with zeros", input: "99999999999999999999999 007 -00 4 41 10 -99999999999999999999999 500\nweb.test\n",
			plan: "web.test#1 json/3 all[500ms ping 4x41 2s trace 10 1s]\n"},
		{name: "hdr_underscore", input: "1 0 0 4 4_1 1_0 0 5_00\nweb.test\n", plan: web},
		{name: "doc_default_service_conf", input: "1 1 1 10 41 40 1 500\nlocalhost\n",
			plan: "localhost#1 json/3 all[500ms ping 10x41 2s trace 40 1s" + services},
		{name: "doc_example", input: "1 0 1 10 1337 100 0 500\ngoogle.com\ngithub.com\n127.0.0.1\n",
			plan: "google.com#1 text/3 all[500ms ping 10x1337 2s" + services +
				"github.com#1 text/3 all[500ms ping 10x1337 2s" + services +
				"127.0.0.1#1 text/3 all[500ms ping 10x1337 2s" + services},
		{name: "none_text", input: "0 0 0 4 41 10 0 500\nweb.test\n", plan: webSilent},
		{name: "trace_only_json", input: "0 1 0 4 41 10 1 500\nweb.test\n",
			plan: "web.test#1 json/3 all[500ms trace 10 1s]\n"},

		{name: "hdr_7_fields", input: "1 0 0 4 41 10 0\nweb.test\n", plan: "no plan",
			diagnostics: badFormat + "7 of the 8 fields DOPINGS DOTRACE DOPSCAN NUMPINGS PAYLOAD HOPS JSON SLEEP; SLEEP is missing)\n"},
		{name: "one number", input: "5\n", plan: "no plan",
			diagnostics: badFormat + "1 of the 8 fields DOPINGS DOTRACE DOPSCAN NUMPINGS PAYLOAD HOPS JSON SLEEP; DOTRACE is missing)\n"},
		{name: "empty_file", input: "", plan: "no plan",
			diagnostics: "0 fatal OSError: Bad configuration file format, caused error: (c.conf: no header line and no hosts; the file is empty)\n"},
		{name: "only_newlines", input: "\n\n", plan: "no plan",
			diagnostics: "0 fatal OSError: Bad configuration file format, caused error: (c.conf: no header line and no hosts; the file is empty)\n"},
		{name: "only comments", input: "# one\n\n # two", plan: "no plan",
			diagnostics: "0 fatal OSError: Bad configuration file format, caused error: (c.conf: no header line and no hosts; the file is empty)\n"},
		{name: "hdr_text", input: "1 0 0 four 41 10 0 500\nweb.test\n", plan: "no plan",
			diagnostics: badFormat + "NUMPINGS is 'four', which is no integer)\n"},
		{name: "hdr_float", input: "1 0 0 4 41 10 0 0.5\nweb.test\n", plan: "no plan",
			diagnostics: badFormat + "SLEEP is '0.5', which is no integer)\n"},
		{name: "float first", input: "1.5 1 1 4 41 10 0 500\nweb.test\n", plan: "no plan",
			diagnostics: badFormat + "DOPINGS is '1.5', which is no integer)\n"},
		{name: "hdr_9_fields", input: "1 0 0 4 41 10 0 500 99\nweb.test\n", plan: web,
			diagnostics: "1 warning c.conf, line 1: the 9th field, 99, is ignored: a header has 8\n"},
		{name: "hdr_9_text", input: "1 0 0 4 41 10 0 500 x\nweb.test\n", plan: "no plan",
			diagnostics: badFormat + "the 9th field is 'x', which is no integer)\n"},
		{name: "10 fields", input: "1 0 0 4 41 10 0 500 9 10\nweb.test\n", plan: "no plan",
			diagnostics: "1 warning c.conf, line 1: the 9th field, 9, is ignored: a header has 8\n" +
				badFormat + "10 fields instead of 8; hosts stand on lines of their own)\n"},

		{name: "hdr_double_space", input: "1  0 0 4 41 10 0 500\nweb.test\n", plan: web},
		{name: "hdr_tabs", input: "1\t0\t0\t4\t41\t10\t0\t500\nweb.test\n", plan: web},
		{name: "hdr_leading_trailing_ws", input: "  1 0 0 4 41 10 0 500  \nweb.test\n", plan: web},
		{name: "blank_leading", input: "\n\n1 0 0 4 41 10 0 500\nweb.test\n", plan: web},
		{name: "blank_between", input: "1 0 0 4 41 10 0 500\n\nweb.test\n\n\nclosed.test\n\n", plan: web + closed},
		{name: "blank_ws_line", input: "1 0 0 4 41 10 0 500\n   \nweb.test\n", plan: web},
		{name: "comment_before_header", input: "# c\n1 0 0 4 41 10 0 500\nweb.test\n", plan: web},
		{name: "comment_after_header", input: "1 0 0 4 41 10 0 500 # c\nweb.test\n", plan: web},
		{name: "comment_host", input: "1 0 0 4 41 10 0 500\n# comment\nweb.test\n", plan: web},
		{name: "comment_after_host", input: "1 0 0 4 41 10 0 500\nweb.test # c\nclosed.test #c\n", plan: web + closed},
		{name: "number sign inside a word", input: "1 0 0 4 41 10 0 500\nweb#1\n",
			plan: "web#1#1 text/3 all[500ms ping 4x41 2s]\n"},
		{name: "host_trailing_space", input: "1 0 0 4 41 10 0 500\nweb.test \n  closed.test\n", plan: web + closed},
		{name: "crlf", input: "1 0 0 4 41 10 0 500\r\nweb.test\r\nclosed.test\r\n", plan: web + closed},
		{name: "cr", input: "1 0 0 4 41 10 0 500\rweb.test\rclosed.test\r", plan: web + closed},
		{name: "byte order mark", input: "\ufeff1 0 0 4 41 10 0 500\nweb.test\n", plan: web},
		{name: "header_no_newline", input: "1 0 0 4 41 10 0 500\nweb.test", plan: web},
		{name: "header_only", input: "1 0 0 4 41 10 0 500\n", plan: ""},
		{name: "duplicate_hosts", input: "1 0 0 4 41 10 0 500\nweb.test\nclosed.test\nweb.test\nweb.test\n",
			plan: web + closed + "web.test#2 text/3 all[500ms ping 4x41 2s]\nweb.test#3 text/3 all[500ms ping 4x41 2s]\n"},

		{name: "hdr_zero_pings", input: "1 0 0 0 41 10 0 500\nweb.test\n",
			plan: "web.test#1 text/3 all[500ms ping 0x41 2s]\n"},
		{name: "hdr_neg_pings", input: "1 0 0 -4 41 10 0 500\nweb.test\n", plan: "no plan",
			diagnostics: badFormat + "NUMPINGS is -4, not 0 to 65535)\n"},
		{name: "hdr_noping_negpings", input: "0 0 0 -1 -1 -1 0 500\nweb.test\n", plan: webSilent,
			diagnostics: "1 warning c.conf, line 1: NUMPINGS is -1, not 0 to 65535; it is not used, since it is switched off\n" +
				"1 warning c.conf, line 1: PAYLOAD is -1, not 0 to 65507 bytes, the most that ICMP can carry; it is not used, since it is switched off\n" +
				"1 warning c.conf, line 1: HOPS is -1, not 0 to 255; it is not used, since it is switched off\n"},
		{name: "hdr_one_ping", input: "1 0 0 1 41 10 0 500\nweb.test\n",
			plan: "web.test#1 text/3 all[500ms ping 1x41 2s]\n"},
		{name: "most pings", input: "1 0 0 65535 41 10 0 500\nweb.test\n",
			plan: "web.test#1 text/3 all[500ms ping 65535x41 2s]\n"},
		{name: "too many pings", input: "1 0 0 65536 41 10 0 500\nweb.test\n", plan: "no plan",
			diagnostics: badFormat + "NUMPINGS is 65536, not 0 to 65535)\n"},
		{name: "hdr_zero_payload", input: "1 0 0 4 0 10 0 500\nweb.test\n",
			plan: "web.test#1 text/3 all[500ms ping 4x0 2s]\n"},
		{name: "hdr_payload_13", input: "1 0 0 4 13 10 0 500\nweb.test\n",
			plan: "web.test#1 text/3 all[500ms ping 4x13 2s]\n"},
		{name: "most payload", input: "1 0 0 4 65507 10 0 500\nweb.test\n",
			plan: "web.test#1 text/3 all[500ms ping 4x65507 2s]\n"},
		{name: "hdr_neg_payload", input: "1 0 0 4 -41 10 0 500\nweb.test\n", plan: "no plan",
			diagnostics: badFormat + "PAYLOAD is -41, not 0 to 65507 bytes, the most that ICMP can carry)\n"},
		{name: "hdr_payload_70000", input: "1 0 0 4 70000 10 0 500\nweb.test\n", plan: "no plan",
			diagnostics: badFormat + "PAYLOAD is 70000, not 0 to 65507 bytes, the most that ICMP can carry)\n"},
		{name: "hdr_zero_hops", input: "0 1 0 4 41 0 0 500\nweb.test\n", plan: webSilent},
		{name: "hdr_neg_hops", input: "0 1 0 4 41 -10 0 500\nweb.test\n", plan: "no plan",
			diagnostics: badFormat + "HOPS is -10, not 0 to 255)\n"},
		{name: "hdr_hops_2", input: "0 1 0 4 41 2 0 500\nweb.test\n",
			plan: "web.test#1 text/3 all[500ms trace 2 1s]\n"},
		{name: "hdr_hops_300_black", input: "0 1 0 4 41 300 0 100\nblack.test\n",
			plan: "black.test#1 text/3 all[100ms trace 255 1s]\n"},
		{name: "hdr_zero_sleep", input: "1 0 0 4 41 10 0 0\nweb.test\n",
			plan: "web.test#1 text/3 all[0s ping 4x41 2s]\n"},
		{name: "hdr_neg_sleep", input: "1 0 0 4 41 10 0 -5\nweb.test\n", plan: "no plan",
			diagnostics: "1 fatal ValueError: sleep length must be non-negative (c.conf, line 1: SLEEP is -5)\n"},
		{name: "longest sleep", input: "1 0 0 4 41 10 0 3153600000000\nweb.test\n",
			plan: "web.test#1 text/3 all[876000h0m0s ping 4x41 2s]\n"},
		{name: "too long a sleep", input: "1 0 0 4 41 10 0 99999999999999999999\nweb.test\n", plan: "no plan",
			diagnostics: badFormat + "SLEEP is 99999999999999999999, not 0 to 3153600000000 milliseconds)\n"},

		{name: "hosts that cannot be", input: "1 0 0 4 41 10 0 500\n12\nweb.test ping=5\nweb.test closed.test\nclosed.test\n1.5\nx\x01y\nping=5\n",
			plan: closed,
			diagnostics: "2 host Exception: Unable to resolve host ( 12 ): a bare number is no host (c.conf, line 2)\n" +
				"3 host Exception: Unable to resolve host ( web.test ping=5 ): options behind a host are of the 4.x format, whose files have no header line (c.conf, line 3)\n" +
				"4 host Exception: Unable to resolve host ( web.test closed.test ): give one host a line (c.conf, line 4)\n" +
				"6 host Exception: Unable to resolve host ( 1.5 ): a bare number is no host (c.conf, line 6)\n" +
				"7 host Exception: Unable to resolve host ( x\x01y ): a control character in a host (c.conf, line 7)\n" +
				"8 host Exception: Unable to resolve host ( ping=5 ): an option stands where the host belongs (c.conf, line 8)\n"},
		{name: "text first", input: "x# is the host of 4.x\n", plan: "no plan",
			diagnostics: "1 fatal OSError: Error in config file - 'IS' is no option; write name=value, without blanks around the equals sign (c.conf, line 1)\n"},
		{name: "all errors of a header and a host", input: "1 x 0 -4 70000 -1 y -5\n7\n", plan: "no plan",
			diagnostics: badFormat + "DOTRACE is 'x', which is no integer)\n" +
				badFormat + "JSON is 'y', which is no integer)\n" +
				badFormat + "NUMPINGS is -4, not 0 to 65535)\n" +
				badFormat + "PAYLOAD is 70000, not 0 to 65507 bytes, the most that ICMP can carry)\n" +
				"1 warning c.conf, line 1: HOPS is -1, not 0 to 255; it is not used, since it is switched off\n" +
				"1 fatal ValueError: sleep length must be non-negative (c.conf, line 1: SLEEP is -5)\n" +
				"2 host Exception: Unable to resolve host ( 7 ): a bare number is no host (c.conf, line 2)\n"},
		{name: "binary_file", input: "\xff\xfe \n\x80\n", plan: "no plan",
			diagnostics: badFormat + "not UTF-8; save the file as UTF-8 text)\n" +
				"2 fatal OSError: Bad configuration file format, caused error: (c.conf, line 2: not UTF-8; save the file as UTF-8 text)\n"},
		{name: "NUL byte", input: "1 0 0 4 41 10 0 500\nweb\x00.test\n\xff\n", plan: "no plan",
			diagnostics: "2 fatal OSError: Bad configuration file format, caused error: (c.conf, line 2: a NUL byte; this is no text file, and the rest of it was not read)\n"},
	})
}
