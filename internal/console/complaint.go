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
// not be sent, once for each reason, and each service that is not there.
func (d *Diagnostics) appendComplaints(dst []byte, b *block) []byte {
	errno, failed := burstFailure(b.burst)
	if failed {
		dst = d.appendSendFailure(dst, errno)
	}
	if b.route != nil && b.route.End == netsonde.RouteSendFailed && (!failed || b.route.Errno != errno) {
		dst = d.appendSendFailure(dst, b.route.Errno)
	}
	for _, service := range b.services {
		if service != nil && !present(service) {
			dst = d.appendServiceComplaint(dst, b.round, service)
		}
	}
	return dst
}

// burstFailure is why the system refused the first echo that it did.
func burstFailure(burst *netsonde.Burst) (errno syscall.Errno, failed bool) {
	if burst == nil {
		return 0, false
	}
	for i := range burst.Samples {
		if sample := &burst.Samples[i]; sample.Outcome == netsonde.OutcomeSendFailed && sample.Errno != 0 {
			return sample.Errno, true
		}
	}
	return 0, false
}

// appendSendFailure uses connmonitor's words, whatever the error number says.
func (d *Diagnostics) appendSendFailure(dst []byte, errno syscall.Errno) []byte {
	return d.appendError(dst, exception, "Network is unreachable... ("+errnoText(errno)+")")
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
		if event.Target != nil && event.Target.Output.Dialect == netsonde.DialectNative {
			return d.appendError(dst, "", unresolved(event.Target, event.Text))
		}
		return d.appendError(dst, unresolvedKind, "Unable to resolve host ( "+host+" )")
	case netsonde.EventAddressChanged:
		return d.appendWarning(dst, fmt.Sprintf("The address of %s is now %s, no longer %s", host, event.New, event.Old))
	case netsonde.EventDropped:
		text := event.Text
		if text == "" {
			text = "Results were dropped because nobody took them"
		}
		return d.appendWarning(dst, text)
	case netsonde.EventEvidenceOmitted:
		return d.appendWarning(dst, fmt.Sprintf("%d more began to lose echoes and were not looked into: too many did at once", event.Count))
	default:
		return dst
	}
}

// unresolved says which target has no address, of which family, and why.
func unresolved(target *netsonde.Target, reason string) string {
	text := target.Name
	if target.Host != target.Name {
		text += " (" + target.Host + ")"
	}
	switch target.Family {
	case netsonde.Family4:
		text += ": no IPv4 address"
	case netsonde.Family6:
		text += ": no IPv6 address"
	default:
		text += ": no address"
	}
	if reason != "" {
		text += ": " + reason
	}
	return text
}

// errnoText is an error number as Python shows it, which is what connmonitor
// printed. Go's texts are the C library's with a small first letter.
func errnoText(errno syscall.Errno) string {
	text := []rune(errno.Error())
	text[0] = unicode.ToUpper(text[0])
	return fmt.Sprintf("[Errno %d] %s", int(errno), string(text))
}
