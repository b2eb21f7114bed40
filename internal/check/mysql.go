package check

import (
	"context"
	"errors"

	"netsonde"
)

var errNotMySQL = errors.New("answer is not a MySQL greeting")

// checkMySQL reads the packet with which a MySQL or MariaDB server greets, and
// says nothing itself. A server that turns us away in its own protocol is
// open: its error code is kept, its message is the reason.
//
// Servers count a connection that is closed on their greeting as a handshake
// error of this machine and block it after max_connect_errors of them in a row
// (error 1129). connmonitor does the same to them.
func checkMySQL(ctx context.Context, x *exchange) {
	var parser greetingParser
	err := x.receive(parser.feed)
	greeting, ok := parser.greeting()
	switch {
	case ok:
		x.service.State = netsonde.ServiceOpen
		x.service.Version = greeting.version
		x.service.Code = greeting.code
		x.service.Reason = greeting.message
	case err != nil:
		x.fail(ctx, err)
	default:
		x.fail(ctx, errNotMySQL)
	}
}
