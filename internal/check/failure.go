package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"netsonde"
)

const (
	cancelled = "cancelled before there was an answer"
	timedOut  = "timed out"
	notRun    = "not run before its deadline"
	unserved  = "this machine did not get to the answer before the deadline"
)

// errUnserved is that of a connection that was made in time, but not noticed.
var errUnserved = errors.New(unserved)

// connectFailure says what it means that a connection could not be made.
func connectFailure(ctx context.Context, err error) (netsonde.ServiceState, string) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return netsonde.ServiceFailed, cancelled
	}
	if errors.Is(err, errUnserved) {
		return netsonde.ServiceStalled, unserved
	}
	if unsent := (unsentError{}); errors.As(err, &unsent) {
		if isTimeout(err) {
			return netsonde.ServiceFailed, notRun
		}
		return netsonde.ServiceFailed, reason(err)
	}
	if isTimeout(err) {
		return netsonde.ServiceFiltered, timedOut
	}
	var errno syscall.Errno
	errors.As(err, &errno)
	switch errno {
	case syscall.ECONNREFUSED:
		return netsonde.ServiceClosed, reason(err)
	case syscall.ECONNRESET:
		return netsonde.ServiceWrongProtocol, reason(err)
	case
		// What Linux makes of ICMP and ICMPv6 errors (icmp_err_convert and
		// icmpv6_err_convert), of a neighbour that does not answer, and its own
		// end of waiting for an answer.
		syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EACCES, syscall.EHOSTDOWN,
		syscall.ENONET, syscall.ENOPROTOOPT, syscall.EOPNOTSUPP, syscall.EPROTO,
		syscall.ETIMEDOUT:
		return netsonde.ServiceFiltered, reason(err)
	default:
		return netsonde.ServiceFailed, reason(err)
	}
}

// reason words an error as connmonitor's users know it: with the errno and the
// C library's text where there is one, as Python prints it.
func reason(err error) string {
	var errno syscall.Errno
	switch {
	// A timeout comes first: the kernel's own, ETIMEDOUT, is an errno and is
	// told as one, but a deadline of ours may wrap anything.
	case isTimeout(err):
		return timedOut
	case errors.As(err, &errno):
		return fmt.Sprintf("[Errno %d] %s", int(errno), capitalised(errno.Error()))
	default:
		return truncate(err.Error())
	}
}

// isTimeout reports whether our own deadline ended the wait.
func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// capitalised gives back the C library's first letter, which package syscall
// turns to lower case in its copy of the texts.
func capitalised(text string) string {
	return strings.ToUpper(text[:1]) + text[1:]
}

// truncate cuts a server's text to textLimit bytes, in the middle of a
// character if need be.
func truncate(text string) string {
	return text[:min(len(text), textLimit)]
}
