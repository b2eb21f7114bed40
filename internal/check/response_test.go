package check

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// parseResponse feeds pieces to a new parser.
func parseResponse(pieces ...[]byte) (response, bool) {
	var p responseParser
	for _, piece := range pieces {
		if p.feed(piece) {
			break
		}
	}
	return p.response()
}

func TestResponse(t *testing.T) {
	filler := func(n int) string { return "X: " + strings.Repeat("x", n-5) + "\r\n" }
	const status = "HTTP/1.1 200 OK\r\n"
	tests := []struct {
		name, data string
		want       response
		ok         bool
	}{
		{"usual", "HTTP/1.1 200 OK\r\nDate: x\r\nServer: nginx/1.24.0\r\n\r\n", response{200, "nginx/1.24.0"}, true},
		{"lower case", "HTTP/1.1 301 Moved\r\nserver:nginx\r\n\r\n", response{301, "nginx"}, true},
		{"upper case and tabs", "HTTP/1.0 404 x\r\nSERVER:\t a b \t\r\n\r\n", response{404, "a b"}, true},
		{"space before the colon", "HTTP/1.1 200 OK\r\nServer : a\r\n\r\n", response{200, ""}, true},
		{"line feeds alone", "HTTP/1.1 200 OK\nServer: a\n\n", response{200, "a"}, true},
		{"none", "HTTP/1.1 404 Not Found\r\n\r\n", response{404, ""}, true},
		{"another field's value", "HTTP/1.1 200 OK\r\nX: Server: a\r\n\r\n", response{200, ""}, true},
		{"a longer name", "HTTP/1.1 200 OK\r\nServer-Timing: a\r\nX-Server: b\r\n\r\n", response{200, ""}, true},
		{"a name that only folds to it", "HTTP/1.1 200 OK\r\n\u017ferver: a\r\n\r\n", response{200, ""}, true},
		{"first of two", "HTTP/1.1 200 OK\r\nServer: a\r\nServer: b\r\n\r\n", response{200, "a"}, true},
		{"empty", "HTTP/1.1 200 OK\r\nServer:\r\n\r\n", response{200, ""}, true},
		{"folded", "HTTP/1.1 200 OK\r\nServer: a\r\n\t b\r\n c\r\n\r\n", response{200, "a b c"}, true},
		{"folded other field", "HTTP/1.1 200 OK\r\nX: a\r\n Server: b\r\n\r\n", response{200, ""}, true},
		{"in the body", "HTTP/1.1 200 OK\r\n\r\nServer: a\r\n", response{200, ""}, true},
		{"terminal escapes kept", "HTTP/1.1 200 OK\r\nServer: \x1b[2J\x00\xff\"\\\r\n\r\n", response{200, "\x1b[2J\x00\xff\"\\"}, true},
		{"cut", "HTTP/1.1 200 OK\r\nServer: " + strings.Repeat("a", 400) + "\r\n\r\n", response{200, strings.Repeat("a", 256)}, true},
		{"no reason phrase", "HTTP/1.1 204 \r\n\r\n", response{204, ""}, true},
		{"no reason phrase, no space", "HTTP/1.1 204\r\n\r\n", response{204, ""}, true},
		{"hung up after the status line", "HTTP/1.1 200 OK\r\n", response{200, ""}, true},
		{"hung up in the Server header", "HTTP/1.1 200 OK\r\nServer: ngi", response{200, ""}, true},
		{"hung up after the Server header", "HTTP/1.1 200 OK\r\nServer: nginx\r\n", response{200, "nginx"}, true},
		{"interim", "HTTP/1.1 100 Continue\r\nServer: no\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nServer: yes\r\n\r\n", response{200, "yes"}, true},
		{"long interim", "HTTP/1.1 103 Early Hints\r\n" + filler(5000) + "\r\nHTTP/1.1 200 OK\r\nServer: yes\r\n\r\n", response{200, "yes"}, true},
		{"switching protocols is final", "HTTP/1.1 101 Switching Protocols\r\nServer: a\r\n\r\n", response{101, "a"}, true},
		{"first kilobyte's last start", status + filler(1023-len(status)) + "Server: a\r\n\r\n", response{200, "a"}, true},
		{"folded across the kilobyte", status + filler(1000-len(status)) + "Server: a\r\n" + " " + strings.Repeat("b", 40) + "\r\n\r\n", response{200, "a " + strings.Repeat("b", 40)}, true},
		{"starts after a kilobyte", status + filler(1024-len(status)) + "Server: a\r\n\r\n", response{200, ""}, true},
		{"starts after 1200 bytes", status + filler(1200-len(status)) + "Server: a\r\n\r\n", response{200, ""}, true},
		{"endless spaces", status + "Server:" + strings.Repeat(" ", 5000) + "a\r\n\r\n", response{200, ""}, true},
		{"endless folds", status + "Server: a\r\n" + strings.Repeat(" \r\n", 5000), response{200, "a"}, true},
		{"endless header", status + "X: " + strings.Repeat("x", 5000), response{200, ""}, true},

		{"only interim", "HTTP/1.1 100 Continue\r\n\r\n", response{}, false},
		{"hung up in the status line", "HTTP/1.1 200 OK", response{}, false},
		{"endless status line", "HTTP/1.1 200 " + strings.Repeat("x", 5000) + "\r\n\r\n", response{}, false},
		{"nothing", "", response{}, false},
		{"garbage", "total garbage here\r\n\r\n", response{}, false},
		{"HTTP/0.9", "<html>Server: a</html>\n", response{}, false},
		{"HTTP/2 settings", "\x00\x00\x12\x04\x00\x00\x00\x00\x00", response{}, false},
		{"another major version", "HTTP/2.0 200 OK\r\n\r\n", response{}, false},
		{"lower case protocol", "http/1.1 200 OK\r\n\r\n", response{}, false},
		{"SSH", "SSH-2.0-OpenSSH_9.2p1\r\n", response{}, false},
		{"TLS alert", "\x15\x03\x01\x00\x02\x02\x28", response{}, false},
		{"code below", "HTTP/1.1 099 x\r\n\r\n", response{}, false},
		{"code above", "HTTP/1.1 600 x\r\n\r\n", response{}, false},
		{"code of two digits", "HTTP/1.1 20 x\r\n\r\n", response{}, false},
		{"code of four digits", "HTTP/1.1 2000 x\r\n\r\n", response{}, false},
		{"carriage return in the status line", "HTTP/1.1 200\rX\r\n\r\n", response{}, false},
		{"empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", response{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := parseResponse([]byte(test.data))
			if got != test.want || ok != test.ok {
				t.Errorf("got %+v, %v; want %+v, %v", got, ok, test.want, test.ok)
			}
			if err := responseProperty(parseResponse, []byte(test.data), len(test.data)/2); err != nil {
				t.Error(err)
			}
		})
	}
}

// A response that can tell no more must not be waited for.
func TestResponseStopsEarly(t *testing.T) {
	tests := []struct {
		name, data string
		want       bool
	}{
		{"first byte is wrong", "S", true},
		{"sixth byte is wrong", "HTTP/2", true},
		{"code is wrong", "HTTP/1.1 6", true},
		{"status line alone", "HTTP/1.1 200 OK\r\n", false},
		{"Server header that may be folded", "HTTP/1.1 200 OK\r\nServer: a\r\n", false},
		{"Server header, then another", "HTTP/1.1 200 OK\r\nServer: a\r\nX", true},
		{"end of the head", "HTTP/1.1 200 OK\r\n\r\n", true},
		{"end of an interim head", "HTTP/1.1 100 Continue\r\n\r\n", false},
		{"two kilobytes of one Server header", "HTTP/1.1 200 OK\r\nServer:" + strings.Repeat(" ", 2048-24), true},
		{"two kilobytes of folds", "HTTP/1.1 200 OK\r\nServer: a\r\n" + strings.Repeat(" \r\n", 680), true},
		{"a kilobyte without", "HTTP/1.1 200 OK\r\n" + strings.Repeat("x", 1024-17), true},
	}
	for _, test := range tests {
		var p responseParser
		if got := p.feed([]byte(test.data)); got != test.want {
			t.Errorf("%s: done is %v, want %v", test.name, got, test.want)
		}
	}
}

// statusForm is the status line as RFC 9112, section 4, has it, of a final response.
var statusForm = regexp.MustCompile(`^HTTP/1\.[0-9] ([2-5][0-9][0-9])( [^\n]{0,900})?\r?\n`)

// responseProperty says how a parser fails on data, nil if it does not: the
// result must not depend on the pieces that data comes in (whole, bytes, two
// pieces), must be within its bounds, and must be that of net/http and of the
// grammar wherever these have an opinion.
func responseProperty(parse func(...[]byte) (response, bool), data []byte, cut int) error {
	whole, ok := parse(data)
	for name, pieces := range map[string][][]byte{
		"bytes":      bytes.SplitAfter(data, nil),
		"two pieces": {data[:cut], data[cut:]},
	} {
		if got, gotOK := parse(pieces...); got != whole || gotOK != ok {
			return fmt.Errorf("in %s: %+v, %v; whole: %+v, %v", name, got, gotOK, whole, ok)
		}
	}
	if m := statusForm.FindSubmatch(data); m != nil && (!ok || strconv.Itoa(whole.code) != string(m[1])) {
		return fmt.Errorf("status line %q is read as %+v, %v", m[0], whole, ok)
	}
	if !ok {
		if whole != (response{}) {
			return fmt.Errorf("no response, but %+v", whole)
		}
		return nil
	}
	if whole.code != http.StatusSwitchingProtocols && (whole.code < 200 || whole.code > 599) {
		return fmt.Errorf("status code %d", whole.code)
	}
	if len(whole.server) > textLimit || strings.Contains(whole.server, "\n") {
		return fmt.Errorf("Server header %q", whole.server)
	}
	if len(data) > serverWithin {
		return nil
	}
	want, err := readFinalResponse(data)
	if err != nil {
		return nil
	}
	server := strings.Trim(want.Header.Get("Server"), " \t")
	server = server[:min(len(server), textLimit)]
	if want.StatusCode != whole.code || server != whole.server {
		return fmt.Errorf("%+v; net/http: %d, %q", whole, want.StatusCode, server)
	}
	return nil
}

// readFinalResponse is net/http's reading of the data.
func readFinalResponse(data []byte) (*http.Response, error) {
	reader := bufio.NewReader(bytes.NewReader(data))
	for {
		r, err := http.ReadResponse(reader, &http.Request{Method: http.MethodHead})
		if err != nil {
			return nil, err
		}
		if r.StatusCode >= 200 || r.StatusCode == http.StatusSwitchingProtocols {
			return r, nil
		}
		if r.StatusCode < 100 {
			return nil, errors.New("status code below 100")
		}
	}
}

func responseSeeds() []string {
	return []string{
		"HTTP/1.1 200 OK\r\nDate: x\r\nServer: nginx/1.24.0\r\n\r\n",
		"HTTP/1.0 301 Moved\nserver:\ta\n b\n\nbody",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204\r\nServer: yes\r\nServer: no\r\n\r\n",
		"HTTP/1.1 200 OK\r\nServer: " + strings.Repeat("a", 300) + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1200) + "\r\nServer: late\r\n\r\n",
		"SSH-2.0-OpenSSH_9.2p1\r\n",
		"\x15\x03\x01\x00\x02\x02\x28",
		"total garbage here and more of it",
	}
}

func FuzzHTTPResponse(f *testing.F) {
	for _, seed := range responseSeeds() {
		f.Add([]byte(seed), len(seed)/2)
	}
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		if err := responseProperty(parseResponse, data, clamp(cut, len(data))); err != nil {
			t.Error(err)
		}
	})
}

// clamp brings a fuzzer's number into 0 to most.
func clamp(n, most int) int { return min(max(n, 0), most) }

// The property must tell a broken parser from ours, on the seeds alone.
func TestResponsePropertyFindsPlantedBugs(t *testing.T) {
	broken := map[string]func(...[]byte) (response, bool){
		"reads one piece only": func(pieces ...[]byte) (response, bool) {
			return parseResponse(pieces[0])
		},
		"takes any bytes for a code": func(pieces ...[]byte) (response, bool) {
			data := bytes.Join(pieces, nil)
			code, _ := strconv.Atoi(string(data[min(9, len(data)):min(12, len(data))]))
			return response{code: code}, true
		},
		"wants a capital letter": func(pieces ...[]byte) (response, bool) {
			return parseResponse(bytes.ReplaceAll(bytes.Join(pieces, nil), []byte("server"), []byte("x")))
		},
		"takes the last Server header": func(pieces ...[]byte) (response, bool) {
			data := bytes.Join(pieces, nil)
			r, ok := parseResponse(data)
			if i := bytes.LastIndex(data, []byte("Server: ")); ok && i >= 0 {
				value, _, _ := bytes.Cut(data[i+8:], []byte("\r"))
				r.server = string(value)
			}
			return r, ok
		},
		"does not cut": func(pieces ...[]byte) (response, bool) {
			r, ok := parseResponse(pieces...)
			if len(r.server) == textLimit {
				r.server += "a"
			}
			return r, ok
		},
		"takes an interim response": func(pieces ...[]byte) (response, bool) {
			r, ok := parseResponse(pieces...)
			if bytes.HasPrefix(bytes.Join(pieces, nil), []byte("HTTP/1.1 100")) {
				return response{code: 100}, true
			}
			return r, ok
		},
		"finds nothing": func(...[]byte) (response, bool) { return response{}, false },
	}
	for name, parse := range broken {
		found := false
		for _, seed := range responseSeeds() {
			found = found || responseProperty(parse, []byte(seed), len(seed)/2) != nil
		}
		if !found {
			t.Errorf("a parser that %s passes", name)
		}
	}
}
