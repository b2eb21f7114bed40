package check

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// parseGreeting feeds pieces to a new parser.
func parseGreeting(pieces ...[]byte) (greeting, bool) {
	var p greetingParser
	for _, piece := range pieces {
		if p.feed(piece) {
			break
		}
	}
	return p.greeting()
}

// packetOf puts the header of a first packet before a payload.
func packetOf(payload string) []byte {
	n := len(payload)
	return append([]byte{byte(n), byte(n >> 8), byte(n >> 16), 0}, payload...)
}

// handshake10 is the greeting of a server that has everything.
func handshake10(version string) []byte {
	return packetOf("\x0a" + version + "\x00" +
		"\x08\x00\x00\x00" + // thread id
		"abcdefgh\x00" + // scramble, filler
		"\xff\xff" + // capabilities
		"\xff\x02\x00" + // character set, status
		"\xff\xdf" + // capabilities
		"\x15" + strings.Repeat("\x00", 10) + // length of the scramble, reserved
		"ijklmnopqrst\x00" +
		"caching_sha2_password\x00")
}

func handshake9(version string) []byte {
	return packetOf("\x09" + version + "\x00\x01\x00\x00\x00scramble\x00")
}

func errorGreeting(code uint16, message string) []byte {
	return packetOf("\xff" + string(binary.LittleEndian.AppendUint16(nil, code)) + message)
}

func TestGreeting(t *testing.T) {
	whole := handshake10("8.0.36")
	change := func(at int, b byte) []byte {
		packet := slices.Clone(whole)
		packet[at] = b
		return packet
	}
	const fixed = "\x08\x00\x00\x00abcdefgh\x00" // thread id, scramble, filler
	tests := []struct {
		name string
		data []byte
		want greeting
		ok   bool
	}{
		{"5.7.2", handshake10("5.7.2"), greeting{version: "5.7.2"}, true},
		{"8.0.36", whole, greeting{version: "8.0.36"}, true},
		{"MariaDB", handshake10("10.11.6-MariaDB"), greeting{version: "10.11.6-MariaDB"}, true},
		{"MariaDB behind its prefix", handshake10("5.5.5-10.11.6-MariaDB"), greeting{version: "10.11.6-MariaDB"}, true},
		{"MySQL 5.5.5 itself", handshake10("5.5.5-m3"), greeting{version: "5.5.5-m3"}, true},
		{"the prefix alone", handshake10("5.5.5-"), greeting{version: "5.5.5-"}, true},
		{"version beyond ASCII", handshake10("8.0-ä"), greeting{version: "8.0-ä"}, true},
		{"longest version", handshake10(strings.Repeat("8", 256)), greeting{version: strings.Repeat("8", 256)}, true},
		{"protocol 9", handshake9("3.20.32a"), greeting{version: "3.20.32a"}, true},
		{"before 4.1", packetOf("\x0a4.0.1\x00" + fixed + "\x2c\x20"), greeting{version: "4.0.1"}, true},
		{"without plugins", packetOf("\x0a5.1.73\x00" + fixed + "\xff\xf7\x08\x02\x00\x00\x00" + strings.Repeat("\x00", 11) + "ijklmnopqrst\x00"), greeting{version: "5.1.73"}, true},
		{"plugin name without its NUL", packetOf(string(whole[4 : len(whole)-1])), greeting{version: "8.0.36"}, true},
		{"more behind the packet", append(slices.Clone(whole), "more"...), greeting{version: "8.0.36"}, true},
		{"host not allowed", errorGreeting(1130, "Host '10.0.0.1' is not allowed to connect"), greeting{code: 1130, message: "Host '10.0.0.1' is not allowed to connect"}, true},
		{"error with a state", errorGreeting(1040, "#08004Too many connections"), greeting{code: 1040, message: "Too many connections"}, true},
		{"error without a message", errorGreeting(1129, ""), greeting{code: 1129}, true},
		{"long message", errorGreeting(1129, strings.Repeat("m", 400)), greeting{code: 1129, message: strings.Repeat("m", 256)}, true},

		{"nothing", nil, greeting{}, false},
		{"hung up in the header", whole[:3], greeting{}, false},
		{"hung up in the version", whole[:8], greeting{}, false},
		{"hung up before the last byte", whole[:len(whole)-1], greeting{}, false},
		{"sequence 1", change(3, 1), greeting{}, false},
		{"length 0", change(0, 0), greeting{}, false},
		{"absurd length", change(2, 0xff), greeting{}, false},
		{"another protocol version", change(4, 11), greeting{}, false},
		{"OK packet", packetOf("\x00\x00\x00\x02\x00\x00\x00"), greeting{}, false},
		{"no NUL behind the version", packetOf("\x0a" + strings.Repeat("8", 80)), greeting{}, false},
		{"version too long", handshake10(strings.Repeat("8", 257)), greeting{}, false},
		{"no version", handshake10(""), greeting{}, false},
		{"blank version", handshake10(" "), greeting{}, false},
		{"version without a number", handshake10("MySQL"), greeting{}, false},
		{"control byte in the version", handshake10("8\x1b[2J"), greeting{}, false},
		{"two-byte control character in the version", handshake10("8\u009b2J"), greeting{}, false},
		{"line break in the version", handshake10("8.0\n"), greeting{}, false},
		{"version not UTF-8", handshake10("8.0.36\xff"), greeting{}, false},
		{"version not UTF-8 in protocol 9", handshake9("3.20\xff"), greeting{}, false},
		{"version not UTF-8 behind MariaDB's prefix", handshake10("5.5.5-10\xff"), greeting{}, false},
		{"only a version", packetOf("\x0a8.0.36\x00"), greeting{}, false},
		{"cut in the capabilities", packetOf("\x0a8.0.36\x00" + fixed + "\xff"), greeting{}, false},
		{"cut in the reserved bytes", packetOf("\x0a8.0.36\x00" + fixed + "\xff\xff\xff\x02\x00\xff\xdf\x15\x00"), greeting{}, false},
		{"scramble longer than the packet", packetOf("\x0a8.0.36\x00" + fixed + "\xff\xff\xff\x02\x00\xff\xdf\x2c" + strings.Repeat("\x00", 30)), greeting{}, false},
		{"no plugin name", packetOf("\x0a8.0.36\x00" + fixed + "\xff\xff\xff\x02\x00\xff\xdf\x15" + strings.Repeat("\x00", 23)), greeting{}, false},
		{"protocol 9 without a scramble", packetOf("\x093.20\x00\x01\x00\x00\x00scramble"), greeting{}, false},
		{"protocol 9 cut in the thread id", packetOf("\x093.20\x00\x01"), greeting{}, false},
		{"error without a code", packetOf("\xff\x6a"), greeting{}, false},
		{"error code too small", errorGreeting(999, "x"), greeting{}, false},
		{"error cut in its state", errorGreeting(1040, "#0800"), greeting{}, false},
		{"SSH", []byte("SSH-2.0-OpenSSH_9.2p1\r\n"), greeting{}, false},
		{"HTTP", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), greeting{}, false},
		{"not UTF-8", []byte("\xfe\xff\x00\x80\x0a\xff\xff"), greeting{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := parseGreeting(test.data)
			if got != test.want || ok != test.ok {
				t.Errorf("got %+v, %v; want %+v, %v", got, ok, test.want, test.ok)
			}
			if err := greetingProperty(parseGreeting, test.data, len(test.data)/2); err != nil {
				t.Error(err)
			}
		})
	}
}

// A packet that is no greeting must not be waited for.
func TestGreetingStopsEarly(t *testing.T) {
	for name, data := range map[string]string{
		"absurd length": "\xff\xff\xff\x00",
		"no length":     "\x00\x00\x00\x00",
		"sequence 7":    "\x20\x00\x00\x07",
		"first byte":    "\x20\x00\x00\x00\x0b",
		"SSH":           "SSH-",
	} {
		var p greetingParser
		if !p.feed([]byte(data)) {
			t.Errorf("%s: still waiting", name)
		}
	}
}

// greetingProperty says how a parser fails on data, nil if it does not: the
// result must not depend on the pieces that data comes in, must be within its
// bounds, and must stand in the data where the protocol puts it.
func greetingProperty(parse func(...[]byte) (greeting, bool), data []byte, cut int) error {
	whole, ok := parse(data)
	for name, pieces := range map[string][][]byte{
		"bytes":      bytes.SplitAfter(data, nil),
		"two pieces": {data[:cut], data[cut:]},
	} {
		if got, gotOK := parse(pieces...); got != whole || gotOK != ok {
			return fmt.Errorf("in %s: %+v, %v; whole: %+v, %v", name, got, gotOK, whole, ok)
		}
	}
	if !ok {
		if whole != (greeting{}) {
			return fmt.Errorf("no greeting, but %+v", whole)
		}
		if bytes.Equal(data, handshake10("8.0.36")) {
			return errors.New("a whole greeting is refused")
		}
		return nil
	}
	if len(data) < 5 || data[2] != 0 || data[3] != 0 || len(data) < 4+int(data[0])+int(data[1])<<8 {
		return fmt.Errorf("%+v from the header of another protocol or from half a packet", whole)
	}
	payload := data[4 : 4+int(data[0])+int(data[1])<<8]
	switch payload[0] {
	case 9, 10:
		end := bytes.IndexByte(payload, 0)
		if end < 0 || end > 1+textLimit || len(payload) < end+1+4+1 {
			return fmt.Errorf("%+v from a greeting that is cut short", whole)
		}
		version := string(payload[1:end])
		if whole.version != version && "5.5.5-"+whole.version != version {
			return fmt.Errorf("version %q of %q", whole.version, version)
		}
		if whole.code != 0 || whole.message != "" {
			return fmt.Errorf("%+v from a handshake", whole)
		}
	case 0xff:
		if len(payload) < 3 || whole.code != int(binary.LittleEndian.Uint16(payload[1:])) || whole.code < 1000 {
			return fmt.Errorf("error code %d", whole.code)
		}
		if whole.version != "" || len(whole.message) > textLimit || !bytes.Contains(payload[3:], []byte(whole.message)) {
			return fmt.Errorf("%+v from an error", whole)
		}
	default:
		return fmt.Errorf("%+v from a packet of type %d", whole, payload[0])
	}
	return nil
}

func greetingSeeds() [][]byte {
	second := handshake10("8.0.36")
	second[3] = 1
	return [][]byte{
		handshake10("8.0.36"),
		handshake10("5.5.5-10.11.6-MariaDB"),
		handshake9("3.20"),
		handshake10(strings.Repeat("8", 300)),
		errorGreeting(1130, "Host '10.0.0.1' is not allowed to connect"),
		errorGreeting(1040, "#08004Too many connections"),
		handshake10("8.0.36")[:40],
		second,
		[]byte("SSH-2.0-OpenSSH_9.2p1\r\n"),
	}
}

func FuzzMySQLGreeting(f *testing.F) {
	for _, seed := range greetingSeeds() {
		f.Add(seed, len(seed)/2)
	}
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		if err := greetingProperty(parseGreeting, data, clamp(cut, len(data))); err != nil {
			t.Error(err)
		}
	})
}

// The property must tell a broken parser from ours, on the seeds alone.
func TestGreetingPropertyFindsPlantedBugs(t *testing.T) {
	broken := map[string]func(...[]byte) (greeting, bool){
		"reads one piece only": func(pieces ...[]byte) (greeting, bool) {
			return parseGreeting(pieces[0])
		},
		"takes five characters": func(pieces ...[]byte) (greeting, bool) {
			data := bytes.Join(pieces, nil)
			return greeting{version: string(data[min(5, len(data)):min(10, len(data))])}, true
		},
		"does not limit the version": func(pieces ...[]byte) (greeting, bool) {
			data := bytes.Join(pieces, nil)
			if len(data) > 5 && data[4] == 10 && data[3] == 0 && len(data) >= 4+int(data[0])+int(data[1])<<8 {
				version, _, _ := bytes.Cut(data[5:], []byte{0})
				return greeting{version: string(version)}, true
			}
			return parseGreeting(data)
		},
		"ignores the sequence": func(pieces ...[]byte) (greeting, bool) {
			data := bytes.Join(pieces, nil)
			if len(data) > 3 {
				data[3] = 0
			}
			return parseGreeting(data)
		},
		"takes half a packet": func(pieces ...[]byte) (greeting, bool) {
			data := bytes.Join(pieces, nil)
			if len(data) > 4 && data[4] == 10 && data[3] == 0 && len(data) < 60 {
				return greeting{version: "8.0.36"}, true
			}
			return parseGreeting(data)
		},
		"takes an error's text for a version": func(pieces ...[]byte) (greeting, bool) {
			g, ok := parseGreeting(pieces...)
			return greeting{version: g.version + g.message}, ok
		},
		"finds nothing": func(...[]byte) (greeting, bool) { return greeting{}, false },
	}
	for name, parse := range broken {
		found := false
		for _, seed := range greetingSeeds() {
			found = found || greetingProperty(parse, seed, len(seed)/2) != nil
		}
		if !found {
			t.Errorf("a parser that %s passes", name)
		}
	}
}
