package check

import "bytes"

const (
	// serverWithin is how many bytes of a response may come before its Server
	// header; one that starts later is not seen, as connmonitor documents.
	serverWithin = 1024
	// headLimit is how many bytes of a response are read for a Server header
	// that started in time.
	headLimit = 2 * serverWithin
)

// response is what a check wants of an HTTP response.
type response struct {
	// code is the status code, 101 or 200 to 599.
	code int
	// server is the first Server header: surrounding white space removed,
	// folded lines joined by a space, at most textLimit bytes, otherwise the
	// bytes that came.
	server string
}

// responseParser reads the head of an HTTP/1 response (RFC 9112, sections 4
// and 5) in pieces of any size. It passes over interim responses (RFC 9110,
// section 15.2) and stops as soon as nothing that follows can matter. The zero
// value is ready.
type responseParser struct {
	// offset counts the bytes of the response at hand, interim ones each for
	// themselves.
	offset int
	// line is the line at hand without its line feed.
	line []byte
	code int
	// server is the unfolded value so far, nil when there was no such header.
	server []byte
	// folding is set while a next line may continue the Server header.
	folding bool
	state   responseState
}

type responseState uint8

const (
	inStatusLine responseState = iota
	inHeaders
	headDone
	notHTTP
)

// feed reads the next bytes and reports whether the parser needs no more.
func (p *responseParser) feed(data []byte) (done bool) {
	for _, b := range data {
		if p.state >= headDone {
			break
		}
		p.next(b)
	}
	return p.state >= headDone
}

// response returns what is known of the final response. ok is false when no
// whole status line of one was read.
func (p *responseParser) response() (r response, ok bool) {
	if p.state == notHTTP || p.state == inStatusLine || p.interim() {
		return response{}, false
	}
	server := trimSpace(p.server)
	return response{code: p.code, server: string(server[:min(len(server), textLimit)])}, true
}

// looksLikeTLS reports whether what was read begins like a TLS alert, a
// server's answer to a request that should have been a handshake (RFC 8446,
// section 5.1).
func (p *responseParser) looksLikeTLS() bool {
	return p.state == notHTTP && len(p.line) > 0 && p.line[0] == 0x15
}

// interim reports whether the final response is still to come. 101 is final:
// what follows it is another protocol.
func (p *responseParser) interim() bool { return p.code >= 100 && p.code < 200 && p.code != 101 }

func (p *responseParser) next(b byte) {
	lineStart := len(p.line) == 0
	if p.state == inHeaders && !p.interim() && lineStart && !isSpace(b) {
		// The next field's first byte ends a Server header that might have
		// been folded, and with it all interest.
		if p.folding || (p.offset >= serverWithin && b != '\n') {
			p.state = headDone
			return
		}
	}
	p.offset++
	if b == '\n' {
		p.endLine(bytes.TrimSuffix(p.line, []byte("\r")))
		p.line = p.line[:0]
		return
	}
	p.line = append(p.line, b)
	switch {
	case p.state == inStatusLine:
		if !maybeStatusLine(p.line) || p.offset >= serverWithin {
			p.state = notHTTP
		}
	case p.interim():
	case p.offset >= headLimit:
		p.endLine(p.line)
		p.state = headDone
	case p.offset >= serverWithin && !p.folding && !maybeServer(p.line):
		p.state = headDone
	}
}

// endLine takes a whole line.
func (p *responseParser) endLine(line []byte) {
	if p.state == inStatusLine {
		if code, ok := parseStatusLine(line); ok {
			p.code = code
			p.state = inHeaders
		} else {
			p.state = notHTTP
		}
		return
	}
	switch {
	case p.interim():
		if len(line) == 0 {
			*p = responseParser{line: p.line}
		}
	case len(line) == 0:
		p.state = headDone
	case isSpace(line[0]):
		// obs-fold (RFC 9112, section 5.2)
		if p.folding {
			p.server = append(append(p.server, ' '), trimSpace(line)...)
		}
	default:
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && isServer(name) {
			p.server = append([]byte{}, trimSpace(value)...)
			p.folding = true
		}
	}
}

// maybeStatusLine reports whether line is the beginning of a status line:
// "HTTP/1.", a digit, a space, a status code from 100 to 599, a space.
func maybeStatusLine(line []byte) bool {
	const form = "HTTP/1.d cdd "
	for i := range min(len(line), len(form)) {
		b := line[i]
		switch form[i] {
		case 'd':
			if b < '0' || b > '9' {
				return false
			}
		case 'c':
			if b < '1' || b > '5' {
				return false
			}
		default:
			// The reason phrase and the space before it are often missing.
			if b != form[i] && (i != len(form)-1 || b != '\r') {
				return false
			}
		}
	}
	return true
}

// parseStatusLine returns the status code of a whole line.
func parseStatusLine(line []byte) (code int, ok bool) {
	const end = len("HTTP/1.1 200")
	if len(line) < end || !maybeStatusLine(line) || (len(line) > end && line[end] != ' ') {
		return 0, false
	}
	for _, b := range line[end-3 : end] {
		code = code*10 + int(b-'0')
	}
	return code, true
}

// isServer reports whether a field is the Server header.
func isServer(name []byte) bool { return len(name) == len("server") && maybeServer(name) }

// maybeServer reports whether line can still become a Server header, or is one.
func maybeServer(line []byte) bool {
	const name = "server"
	n := min(len(line), len(name))
	return bytes.EqualFold(line[:n], []byte(name[:n]))
}

func trimSpace(b []byte) []byte { return bytes.Trim(b, " \t") }

func isSpace(b byte) bool { return b == ' ' || b == '\t' }
