package check

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	packetHeader = 4
	// packetLimit is the largest greeting that is believed. Servers send about
	// a hundred bytes; an error message has at most 512.
	packetLimit = 4096
	// firstErrorCode is the smallest code that MySQL and MariaDB give to errors
	// of a server.
	firstErrorCode = 1000

	// Capability flags, and the first bytes of the packets.
	clientSecureConnection = 1 << 15
	clientPluginAuth       = 1 << 19
	protocol9              = 9
	protocol10             = 10
	errorPacket            = 0xff
)

// greeting is the first packet of a MySQL server: a handshake, or an error.
type greeting struct {
	// version is the server's, at most textLimit bytes, without the prefix
	// that MariaDB puts before it.
	version string
	// code is the error's code, 1000 to 65535, 0 for a handshake.
	code int
	// message is the error's text, at most textLimit bytes.
	message string
}

// greetingParser reads the first packet of a MySQL server in pieces of any
// size. It takes protocol 10 (Protocol::HandshakeV10), protocol 9
// (Protocol::HandshakeV9) and errors (ERR_Packet) as the MySQL internals
// manual describes them, and gives up on the first byte that is none of them.
// The zero value is ready.
type greetingParser struct {
	packet []byte
	found  greeting
	state  greetingState
}

type greetingState uint8

const (
	inGreeting greetingState = iota
	greetingRead
	notGreeting
)

// feed reads the next bytes and reports whether the parser needs no more.
func (p *greetingParser) feed(data []byte) (done bool) {
	for p.state == inGreeting && len(data) > 0 {
		n := min(p.missing(), len(data))
		p.packet = append(p.packet, data[:n]...)
		data = data[n:]
		p.advance()
	}
	return p.state != inGreeting
}

// greeting returns the packet's content. ok is false when it has not been read
// to its end or is no greeting.
func (p *greetingParser) greeting() (g greeting, ok bool) {
	return p.found, p.state == greetingRead
}

// missing is the number of bytes to the next point at which something can be
// decided: the header, the byte behind it, the end of the packet.
func (p *greetingParser) missing() int {
	if len(p.packet) <= packetHeader {
		return max(packetHeader-len(p.packet), 1)
	}
	return packetHeader + p.length() - len(p.packet)
}

// length is the payload length that the header gives.
func (p *greetingParser) length() int {
	return int(p.packet[0]) | int(p.packet[1])<<8 | int(p.packet[2])<<16
}

func (p *greetingParser) advance() {
	if len(p.packet) < packetHeader {
		return
	}
	// The sequence number of a first packet is 0.
	if p.length() == 0 || p.length() > packetLimit || p.packet[3] != 0 {
		p.state = notGreeting
		return
	}
	payload := p.packet[packetHeader:]
	if len(payload) == 0 {
		return
	}
	parse, ok := greetingParsers[payload[0]]
	if !ok {
		p.state = notGreeting
		return
	}
	if len(payload) < p.length() {
		return
	}
	p.state = notGreeting
	if p.found, ok = parse(payload[1:]); ok {
		p.state = greetingRead
	}
}

// greetingParsers take a payload behind its first byte, which is the key.
var greetingParsers = map[byte]func([]byte) (greeting, bool){
	protocol9:   parseHandshake9,
	protocol10:  parseHandshake10,
	errorPacket: parseError,
}

// parseHandshake10 reads version, thread id, eight bytes of scramble, a filler
// and the lower capabilities; then, if the server is not older than 4.1,
// character set, status, upper capabilities, the length of the scramble, ten
// reserved bytes, the rest of the scramble and the name of its plugin.
func parseHandshake10(payload []byte) (greeting, bool) {
	version, rest, ok := cutVersion(payload)
	if !ok || len(rest) < 4+8+1+2 {
		return greeting{}, false
	}
	capabilities := uint32(binary.LittleEndian.Uint16(rest[13:]))
	rest = rest[15:]
	if len(rest) == 0 {
		return greeting{version: version}, true
	}
	if len(rest) < 1+2+2+1+10 {
		return greeting{}, false
	}
	capabilities |= uint32(binary.LittleEndian.Uint16(rest[3:])) << 16
	scramble := int(rest[5])
	rest = rest[16:]
	if capabilities&clientSecureConnection != 0 {
		// The first eight bytes of the scramble have come already.
		n := max(13, scramble-8)
		if len(rest) < n {
			return greeting{}, false
		}
		rest = rest[n:]
	}
	// Some servers leave out the NUL behind the name (MySQL bug 59453), so any
	// rest will do, but not none.
	if capabilities&clientPluginAuth != 0 && len(rest) == 0 {
		return greeting{}, false
	}
	return greeting{version: version}, true
}

// parseHandshake9 reads version, thread id and a scramble that ends with NUL.
func parseHandshake9(payload []byte) (greeting, bool) {
	version, rest, ok := cutVersion(payload)
	if !ok || len(rest) < 4 || bytes.IndexByte(rest[4:], 0) < 0 {
		return greeting{}, false
	}
	return greeting{version: version}, true
}

// parseError reads an error's code, its SQL state if there is one, and its
// message.
func parseError(payload []byte) (greeting, bool) {
	if len(payload) < 2 {
		return greeting{}, false
	}
	code := int(binary.LittleEndian.Uint16(payload))
	message := payload[2:]
	if code < firstErrorCode {
		return greeting{}, false
	}
	if len(message) > 0 && message[0] == '#' {
		if len(message) < 6 {
			return greeting{}, false
		}
		message = message[6:]
	}
	return greeting{code: code, message: truncate(string(message))}, true
}

// cutVersion takes the version up to its NUL. MariaDB before 11 sends its own
// behind "5.5.5-", lest old replicas take it for an ancient MySQL; its clients
// take that off, and so does this. MySQL did have a 5.5.5, whose suffix was
// never a number.
func cutVersion(payload []byte) (version string, rest []byte, ok bool) {
	text, rest, ok := bytes.Cut(payload, []byte{0})
	version = string(text)
	if !ok || len(text) > textLimit || !plausibleVersion(version) {
		return "", nil, false
	}
	if own, hidden := strings.CutPrefix(version, "5.5.5-"); hidden && plausibleVersion(own) {
		version = own
	}
	return version, rest, true
}

// plausibleVersion reports whether a text can be a version: all servers of the
// family, forks and proxies included, begin theirs with a digit. Other
// protocols have a byte 10 in that place too.
func plausibleVersion(text string) bool {
	return text != "" && text[0] >= '0' && text[0] <= '9' &&
		utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
