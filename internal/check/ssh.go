package check

import (
	"context"
	"errors"
	"io"
	"os"

	"netsonde"
)

var errNotSSH = errors.New("answer is not SSH")

// ownIdentification is how a check introduces itself (RFC 4253, section 4.2).
const ownIdentification = "SSH-2.0-netsonde\r\n"

// checkSSH reads the identification string of an SSH server and answers with
// its own. OpenSSH logs a client that leaves without one as an error of the key
// exchange and as a closed connection; with one it is a single line, "Connection
// closed … [preauth]", as of anybody who changes his mind (seen with 9.2). A
// service that is no SSH server is told nothing.
func checkSSH(ctx context.Context, x *exchange) {
	var parser identificationParser
	err := x.receive(parser.feed)
	version, ok := parser.identification()
	switch {
	case ok:
		x.service.State = netsonde.ServiceOpen
		x.service.Version = version
		// A server that has gone cannot complain.
		_, _ = io.WriteString(x.conn, ownIdentification)
	case err == nil, parser.lines > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		x.fail(ctx, errNotSSH)
	default:
		x.fail(ctx, err)
	}
}
