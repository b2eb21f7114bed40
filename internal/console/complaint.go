package console

import (
	"cmp"
	"fmt"
	"syscall"
	"unicode"

	"netsonde"
)

// exception is the type of the errors that connmonitor met while polling.
const exception = "Exception"

// appendComplaints appends the error and warning lines of a round: what could
// not be sent, and each service that is not there, with the reason.
func (d *Diagnostics) appendComplaints(dst []byte, b *block) []byte {
	sendFailed := false
	if b.burst != nil {
		for i := range b.burst.Samples {
			if sample := &b.burst.Samples[i]; sample.Outcome == netsonde.OutcomeSendFailed {
				dst = d.appendError(dst, exception, "Network is unreachable... ("+errnoText(sample.Errno)+")")
				sendFailed = true
				break
			}
		}
	}
	if b.route != nil && b.route.End == netsonde.RouteSendFailed && !sendFailed {
		dst = d.appendError(dst, exception,
			"Could not trace the route to "+b.round.Addr.String()+": nothing could be sent")
	}
	for _, service := range b.services {
		if service != nil && !present(service) {
			dst = d.appendServiceComplaint(dst, b.round, service)
		}
	}
	return dst
}

func (d *Diagnostics) appendServiceComplaint(dst []byte, round *netsonde.Round, s *netsonde.Service) []byte {
	reason := s.Reason
	if reason == "" && s.State == netsonde.ServiceOpen {
		reason = "the server did not say its version"
	} else if reason == "" {
		reason = s.State.String()
	}
	if round.Target.Output.Dialect == netsonde.DialectConnmonitor4 {
		port := cmp.Or(s.Port, s.Kind.Port())
		return d.appendWarning(dst, fmt.Sprintf("Could not connect to %s:%d - %s", round.Addr, port, reason))
	}
	return d.appendError(dst, exception, "Could not connect to "+round.Addr.String()+": "+reason)
}

// appendEvent appends the line of an event, nothing if it has none.
// unresolvedKind is the error's type of a name without an address.
func (d *Diagnostics) appendEvent(dst []byte, event *netsonde.Event, unresolvedKind string) []byte {
	host := event.Text
	if event.Target != nil {
		host = event.Target.Host
	}
	switch event.Kind {
	case netsonde.EventUnresolved:
		return d.appendError(dst, unresolvedKind, "Unable to resolve host ( "+host+" )")
	case netsonde.EventAddressChanged:
		return d.appendWarning(dst, fmt.Sprintf("The address of %s is now %s, no longer %s", host, event.New, event.Old))
	case netsonde.EventDropped:
		text := event.Text
		if text == "" {
			text = "Results were dropped because nobody took them"
		}
		return d.appendWarning(dst, text)
	default:
		return dst
	}
}

// errnoText is an error number as Python shows it, which is what connmonitor
// printed. Go's texts are the C library's with a small first letter.
func errnoText(errno syscall.Errno) string {
	text := []rune(errno.Error())
	text[0] = unicode.ToUpper(text[0])
	return fmt.Sprintf("[Errno %d] %s", int(errno), string(text))
}
