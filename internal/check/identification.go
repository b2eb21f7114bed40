package check

import (
	"bytes"
	"strings"
)

const (
	// identificationLimit is the longest identification string, CR LF included
	// (RFC 4253, section 4.2).
	identificationLimit = 255
	// precedingLimit is how many bytes of other lines are read before it.
	precedingLimit = 8 << 10
)

// identificationParser reads the first lines of an SSH server in pieces of any
// size, up to its identification string (RFC 4253, section 4.2): "SSH-", the
// version of the protocol, "-", that of the software and perhaps a space and
// comments. Servers may say other lines before. The zero value is ready.
type identificationParser struct {
	// line is the line at hand without its line feed.
	line []byte
	// lines and preceding count the other lines, and their bytes.
	lines, preceding int
	found            string
	state            identificationState
}

type identificationState uint8

const (
	inLines identificationState = iota
	identificationRead
	notSSH
)

// feed reads the next bytes and reports whether the parser needs no more.
func (p *identificationParser) feed(data []byte) (done bool) {
	for _, b := range data {
		if p.state != inLines {
			break
		}
		p.next(b)
	}
	return p.state != inLines
}

// identification returns the string without its end of line. ok is false when
// it has not been read to its end or there is none.
func (p *identificationParser) identification() (text string, ok bool) {
	return p.found, p.state == identificationRead
}

func (p *identificationParser) next(b byte) {
	if b == '\n' {
		p.endLine()
		return
	}
	p.line = append(p.line, b)
	switch {
	case b == 0:
		// No line of the protocol's has one; most binary protocols do, early.
		p.state = notSSH
	case identifies(p.line):
		if len(p.line) >= identificationLimit {
			p.state = notSSH
		}
	case p.preceding+len(p.line) > precedingLimit:
		p.state = notSSH
	}
}

// endLine takes a whole line. Some old servers end theirs without CR.
func (p *identificationParser) endLine() {
	line := bytes.TrimSuffix(p.line, []byte("\r"))
	if !identifies(line) {
		p.lines++
		p.preceding += len(p.line) + 1
		p.line = p.line[:0]
		return
	}
	p.state = notSSH
	if text := string(line); plausibleIdentification(text) {
		p.found, p.state = text, identificationRead
	}
}

func identifies(line []byte) bool { return bytes.HasPrefix(line, []byte("SSH-")) }

// plausibleIdentification reports whether a text that begins with "SSH-" has
// its parts: versions of printable ASCII, the first without "-", and no
// control characters in the comments.
func plausibleIdentification(text string) bool {
	versions, comments, _ := strings.Cut(strings.TrimPrefix(text, "SSH-"), " ")
	protocol, software, _ := strings.Cut(versions, "-")
	if protocol == "" || software == "" {
		return false
	}
	for i := range len(versions) {
		if versions[i] <= ' ' || versions[i] > '~' {
			return false
		}
	}
	for i := range len(comments) {
		if comments[i] < ' ' || comments[i] == 0x7f {
			return false
		}
	}
	return true
}
